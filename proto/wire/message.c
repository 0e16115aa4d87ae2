// SPDX-License-Identifier: GPL-3.0-or-later
#include "proto/wire/message.h"

#define X(id, name) [MESSAGE_##id] = #name,
static const char *const kinds[MESSAGE_KIND_COUNT] = {[MESSAGE_NONE] = "none", MESSAGE_KINDS(X)};
#undef X

const char *message_kind_name(enum message_kind kind)
{
	return kind < MESSAGE_KIND_COUNT ? kinds[kind] : "unknown";
}
