// SPDX-License-Identifier: GPL-3.0-or-later
/* message - every message between controller and agent, as C structs; assay.proto is the same
 * vocabulary as bytes. Two sockets: control (small, never late) and bulk (records of the spool,
 * flow-controlled). Decoding trusts nothing: sizes and counts are bounded before anything is
 * allocated, names are refused where they are empty, too long or hold control characters (lines
 * for people are cut and cleaned instead), enums out of range and numbers that are not finite are
 * refused. Decoding costs at most 32 times the size plus 16 KiB, never more than 4 times
 * WIRE_MESSAGE_LIMIT_BYTES, and besides that the structs that it gives, whose counts are bounded
 * below.
 *
 * An empty string is NULL after decoding, and NULL is empty on the wire, for what may be missing:
 * pattern, image_ref.path, machine, accel, cpu, kernel, initrd, append. Arrays of strings are NULL
 * where empty. */
#ifndef ASSAY_WIRE_MESSAGE_H
#define ASSAY_WIRE_MESSAGE_H

#include "proto/measure/host.h"
#include "proto/measure/result.h"
#include "proto/measure/spec.h"

enum {
	WIRE_PROTOCOL = 1, /* bumped on any change that an older end would misread */
	WIRE_MESSAGE_LIMIT_BYTES = 8 << 20, /* larger ones are refused unread */
	WIRE_BLOB_CHUNK_BYTES = 256 << 10,  /* of a blob in one record, at most */
};

/* More is refused by decoding. The largest attempt within these fits into one message; a larger
 * one is cut by record_encode_attempt() and gets a reason that says so. */
enum {
	WIRE_STRING_LIMIT_BYTES = 64 << 10, /* of each string that is not a fixed array */
	WIRE_STRINGS_MAX = 1024, /* command, env, args, counters, energy, features: each */
	WIRE_FACTS_MAX = 1024,	 /* of a host, of an attempt */
	WIRE_CAPABILITIES_MAX = 256,
	WIRE_PROBLEMS_MAX = 1024,
	WIRE_WINDOW_SPECS_MAX = 256,
	WIRE_DISKS_MAX = 64,
	WIRE_IMAGES_MAX = 256,
	WIRE_MARKS_MAX = 1024,
	WIRE_WINDOWS_MAX = 512,
	WIRE_READINGS_MAX = 12288,
	WIRE_REASONS_MAX = 256,
	WIRE_EVENTS_MAX = 8192,
	WIRE_ARTIFACTS_MAX = 256,
};

/* Kind, name, and who says it on which socket. */
#define MESSAGE_KINDS(X)                                                                \
	X(HELLO, hello)		/* agent, control: first of all */                      \
	X(WELCOME, welcome)	/* controller, control: answer to hello */              \
	X(REFUSED, refused)	/* either, control: why, in words; then nothing more */ \
	X(HEARTBEAT, heartbeat) /* both, control */                                     \
	X(PREFLIGHT, preflight) /* controller, control: could you do this? */           \
	X(PREFLIGHT_REPLY, preflight_reply) /* agent, control */                        \
	X(OFFER, offer)			    /* controller, control: do this */          \
	X(TAKEN, taken)	      /* agent, control: it is queued, or refused in words */   \
	X(CANCEL, cancel)     /* controller, control: end that run, or all */           \
	X(PROGRESS, progress) /* agent, control: for the live line; may be lost */      \
	X(DRAIN, drain)	      /* controller, control: finish nothing more, say bye */   \
	X(BYE, bye)	      /* agent, control: host restored, spool empty */          \
	X(RECORD, record)     /* agent, bulk: one record of the spool */                \
	X(ACK, ack)	      /* controller, bulk: committed up to here */

enum message_kind {
	MESSAGE_NONE,
#define X(id, name) MESSAGE_##id,
	MESSAGE_KINDS(X)
#undef X
		MESSAGE_KIND_COUNT
};
const char *message_kind_name(enum message_kind kind);

struct msg_hello {
	uint32_t protocol;
	char version[NAME_SIZE]; /* of the program, with its commit */
	char agent[NAME_SIZE];	 /* who: stable over restarts */
	char epoch[ULID_SIZE];	 /* of the spool: new when the spool is new */
	uint64_t spooled;	 /* last sequence that it still holds; 0: it is empty */
	char **features;	 /* NULL-ended, owned */
	struct host_info host;
};
struct msg_welcome {
	uint32_t protocol;
	char version[NAME_SIZE];
	uint64_t heartbeat_ns;	    /* how often both ends beat */
	uint64_t bulk_window_bytes; /* unacknowledged bytes that may be on their way */
	uint64_t committed;	    /* last sequence of this epoch that is committed already */
};
struct msg_refused {
	char why[400];
};
struct msg_heartbeat {
	uint64_t count;
	uint64_t spooled; /* agent: records not yet acknowledged */
};
struct msg_preflight {
	uint64_t id;
	struct run_spec *spec; /* owned */
};
struct preflight_problem {
	char key[200]; /* of the recipe: "measure.counters.2"; "" for none */
	bool fatal;    /* else a note */
	char text[400];
};
struct msg_preflight_reply {
	uint64_t id;
	char accel[NAME_SIZE]; /* what works for this guest here; "" where there is no choice */
	char cpu[NAME_SIZE];
	struct preflight_problem *problems; /* owned */
	size_t n_problems;
};
struct msg_offer {
	struct run_spec *spec; /* owned */
};
struct msg_taken {
	char campaign[ULID_SIZE];
	char run_key[HASH_HEX_SIZE];
	uint32_t attempt;
	char refused[400]; /* "": taken */
};
struct msg_cancel {
	char run_key[HASH_HEX_SIZE]; /* "": all */
	char why[400];
};
struct msg_progress {
	char run_key[HASH_HEX_SIZE];
	uint32_t attempt;
	enum run_state state;
};
struct msg_drain {
	bool now; /* end the running guest too */
};
struct msg_bye {
	char why[400];
};

/* A record is spooled, sent and replayed as these bytes; the controller decodes it on arrival. */
enum record_kind {
	RECORD_NONE,
	RECORD_BEGUN, /* an attempt with only its ids, facts known so far, and `begun` clocks */
	RECORD_BLOB,  /* bytes of an artifact, before the attempt that names it has ended */
	RECORD_ENDED, /* the whole attempt; artifacts by hash only */
	RECORD_KINDS
};
struct msg_record {
	char epoch[ULID_SIZE];
	uint64_t sequence; /* from 1, no gaps */
	enum record_kind kind;
	void *body; /* one encoded record body; owned */
	size_t body_size;
};
struct msg_ack {
	char epoch[ULID_SIZE];
	uint64_t sequence;
};

struct blob_chunk {
	char sha256[HASH_HEX_SIZE]; /* of the whole blob */
	uint64_t total_bytes;
	uint64_t offset_bytes;
	void *bytes; /* owned */
	size_t size;
};

struct message {
	enum message_kind kind;
	union {
#define X(id, name) struct msg_##name name;
		MESSAGE_KINDS(X)
#undef X
	};
};

/* Bytes are owned by the caller. Encoding cannot fail. Decoding gives 0 or -EBADMSG with the
 * field in words; *ret is untouched then. */
void message_encode(const struct message *message, void **ret, size_t *ret_size);
int message_decode(const void *bytes, size_t size, struct message *ret, struct err *err);
void message_done(struct message *message); /* releases what decode made */

/* Record bodies. Artifacts travel by hash: their bytes are NULL after decoding, and come as blobs.
 * A reading whose numbers are not finite is encoded as absent. */
void record_encode_attempt(const struct attempt *attempt, void **ret, size_t *ret_size);
int record_decode_attempt(const void *bytes, size_t size, struct attempt **ret, struct err *err);
void record_encode_blob(const struct blob_chunk *chunk, void **ret, size_t *ret_size);
int record_decode_blob(const void *bytes, size_t size, struct blob_chunk *ret, struct err *err);
void blob_chunk_done(struct blob_chunk *chunk); /* releases its bytes */

/* A run_spec alone: the canonical bytes that are spooled when a run is taken. */
void spec_encode(const struct run_spec *spec, void **ret, size_t *ret_size);
int spec_decode(const void *bytes, size_t size, struct run_spec **ret, struct err *err);

#endif
