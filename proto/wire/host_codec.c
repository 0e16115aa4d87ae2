// SPDX-License-Identifier: GPL-3.0-or-later
/* host_codec - facts and capabilities of a host, as hello carries them. */
#include "proto/wire/codec.h"

#include <errno.h>

#define FACT_FIELDS(F) F(NAME, name) F(LINE, value)

#define CAPABILITY_FIELDS(F) F(NAME, name) F(SAME, present) F(LINE, detail) F(LINE, remedy)

#define HOST_INFO_FIELDS(F)                  \
	F(NAME, name)                        \
	F(HASH, fingerprint)                 \
	F(EACH, facts, fact, WIRE_FACTS_MAX) \
	F(EACH, capabilities, capability, WIRE_CAPABILITIES_MAX)

CODEC_DEFINE(, fact, struct fact, Fact, FACT_FIELDS)
CODEC_DEFINE(static, capability, struct capability, Capability, CAPABILITY_FIELDS)
CODEC_DEFINE(, host_info, struct host_info, HostInfo, HOST_INFO_FIELDS)
