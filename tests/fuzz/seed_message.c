// SPDX-License-Identifier: GPL-3.0-or-later
/* seed_message - one good input of each kind for fuzz_message, written into the folder of argv[1].
 * The first byte is the decoder's number there. */
#include <stdio.h>
#include <string.h>

#include "proto/base/file.h"
#include "tests/proto/wire/sample.h"

static int put(const char *folder, const char *name, char decoder, const void *bytes, size_t size)
{
	autofree char *path = xasprintf("%s/seed-%s", folder, name);
	autofree char *input = xmalloc(1 + size);
	struct err err = ERR_NONE;
	input[0] = decoder;
	memcpy(input + 1, bytes, size);
	if (file_write_atomic(path, input, 1 + size, 0644, &err) == 0)
		return 0;
	fprintf(stderr, "seed_message: %s\n", err.text);
	return 1;
}

static int put_messages(const char *folder)
{
	int failed = 0;
	for (int kind = MESSAGE_NONE + 1; kind < MESSAGE_KIND_COUNT; kind++) {
		struct sample s = sample_from(0);
		struct message m;
		autofree void *bytes = NULL;
		size_t size;
		memset(&m, 0, sizeof(m));
		sample_message(&s, (enum message_kind)kind, &m);
		message_encode(&m, &bytes, &size);
		failed |= put(folder, message_kind_name(m.kind), 0, bytes, size);
		message_done(&m);
	}
	return failed;
}

static int put_bodies(const char *folder)
{
	struct sample s = sample_from(0);
	autoclean(attempt) struct attempt *attempt = sample_attempt(&s);
	autoclean(run_spec) struct run_spec *spec = sample_spec(&s);
	struct blob_chunk blob = sample_blob(&s);
	autofree void *attempt_bytes = NULL, *blob_bytes = NULL, *spec_bytes = NULL;
	size_t size;
	record_encode_attempt(attempt, &attempt_bytes, &size);
	int failed = put(folder, "attempt", 1, attempt_bytes, size);
	record_encode_blob(&blob, &blob_bytes, &size);
	failed |= put(folder, "blob", 2, blob_bytes, size);
	spec_encode(spec, &spec_bytes, &size);
	failed |= put(folder, "spec", 3, spec_bytes, size);
	blob_chunk_done(&blob);
	return failed;
}

int main(int argc, char **argv)
{
	if (argc != 2) {
		fprintf(stderr, "usage: seed_message FOLDER\n");
		return 2;
	}
	return put_messages(argv[1]) | put_bodies(argv[1]);
}
