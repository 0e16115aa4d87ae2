// SPDX-License-Identifier: GPL-3.0-or-later
/* What hangs on an attempt: facts, reasons, marks, windows, readings, events, artifacts. Written
 * whole; what was there of that attempt before goes first. */
#include "controller/store/sqlite.h"

#include <errno.h>
#include <math.h>

int sqlite_put_facts(struct sqlite_store *s, int64_t id, const struct attempt *a, struct err *err)
{
	int r = 0;
	if (a->n_facts) /* one that the controller closes keeps what its agent said */
		r = sqlite_do(s, "DELETE FROM fact WHERE attempt_id = ?1", ARGS(A_INT(id)), err);
	for (size_t i = 0; r >= 0 && i < a->n_facts; i++)
		r = sqlite_do(s, "INSERT INTO fact (attempt_id, name, value) VALUES (?1, ?2, ?3)",
			      ARGS(A_INT(id), A_TEXT(a->facts[i].name), A_TEXT(a->facts[i].value)),
			      err);
	return r;
}

static int put_reasons(struct sqlite_store *s, int64_t id, const struct attempt *a, struct err *err)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < a->n_reasons; i++) {
		const struct reason *reason = &a->reasons[i];
		r = sqlite_do(s, "INSERT INTO reason VALUES (?1, ?2, ?3, ?4, ?5)",
			      ARGS(A_INT(id), A_U64(i), A_TEXT(reason->code),
				   A_TEXT(verdict_name(reason->level)), A_TEXT(reason->text)),
			      err);
	}
	return r;
}

static int put_marks(struct sqlite_store *s, int64_t id, const struct attempt *a, struct err *err)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < a->n_marks; i++) {
		const struct mark *m = &a->marks[i];
		r = sqlite_do(s, "INSERT INTO mark VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
			      ARGS(A_INT(id), A_U64(i), A_TEXT(m->name), A_U64(m->lower_ns),
				   A_U64(m->t_ns), A_U64(m->read_ns), A_U64(m->console_bytes),
				   A_U64(m->console_lines)),
			      err);
	}
	return r;
}

static int put_windows(struct sqlite_store *s, int64_t id, const struct attempt *a, struct err *err)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < a->n_windows; i++) {
		const struct window *w = &a->windows[i];
		r = sqlite_do(s, "INSERT INTO window VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
			      ARGS(A_INT(id), A_U64(i), A_TEXT(w->name), A_U64(w->from_ns),
				   A_U64(w->to_ns), A_U64(w->uncertainty_ns),
				   A_U64(w->console_bytes), A_U64(w->console_lines)),
			      err);
	}
	return r;
}

/* SQLite would make NULL of NaN silently, and infinity poisons every mean. */
static int put_reading(struct sqlite_store *s, int64_t id, size_t i, const struct reading *g,
		       struct err *err)
{
	bool usable = g->present && isfinite(g->value);
	const char *note = g->present && !usable ? "its value was not a finite number" : g->note;
	double share = isfinite(g->running_share) ? g->running_share : 0;
	bool stated = isfinite(g->uncertainty) && g->uncertainty > 0;
	return sqlite_do(s,
			 "INSERT INTO reading VALUES"
			 " (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)",
			 ARGS(A_INT(id), A_U64(i), A_TEXT(g->window), A_TEXT(g->metric),
			      A_TEXT(g->scope), usable ? A_REAL(g->value) : A_NULL, A_TEXT(g->unit),
			      A_TEXT(g->source), A_REAL(share),
			      stated ? A_REAL(g->uncertainty) : A_NULL, A_TEXT(note)),
			 err);
}

static int put_readings(struct sqlite_store *s, int64_t id, const struct attempt *a,
			struct err *err)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < a->n_readings; i++)
		r = put_reading(s, id, i, &a->readings[i], err);
	return r;
}

static int put_events(struct sqlite_store *s, int64_t id, const struct attempt *a, struct err *err)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < a->n_events; i++)
		r = sqlite_do(s, "INSERT INTO event VALUES (?1, ?2, ?3, ?4)",
			      ARGS(A_INT(id), A_U64(i), A_TEXT(a->events[i].name),
				   A_U64(a->events[i].t_ns)),
			      err);
	return r;
}

static int put_artifacts(struct sqlite_store *s, int64_t id, const struct attempt *a,
			 struct err *err)
{
	int r = 0;
	for (size_t i = 0; r >= 0 && i < a->n_artifacts; i++) {
		const struct artifact *f = &a->artifacts[i];
		r = sqlite_do(s, "INSERT INTO artifact VALUES (?1, ?2, ?3, ?4, ?5)",
			      ARGS(A_INT(id), A_U64(i), A_TEXT(f->name), A_TEXT(f->sha256),
				   A_U64(f->size_bytes)),
			      err);
		if (r >= 0 && f->bytes)
			r = sqlite_blob_put(s, f->sha256, f->bytes, (size_t)f->size_bytes, err);
	}
	return r;
}

static int forget(struct sqlite_store *s, int64_t id, struct err *err)
{
	static const char *const sql[] = {
		"DELETE FROM reason WHERE attempt_id = ?1",
		"DELETE FROM mark WHERE attempt_id = ?1",
		"DELETE FROM window WHERE attempt_id = ?1",
		"DELETE FROM reading WHERE attempt_id = ?1",
		"DELETE FROM event WHERE attempt_id = ?1",
		"DELETE FROM artifact WHERE attempt_id = ?1",
	};
	int r = 0;
	for (size_t i = 0; r >= 0 && i < sizeof(sql) / sizeof(sql[0]); i++)
		r = sqlite_do(s, sql[i], ARGS(A_INT(id)), err);
	return r;
}

int sqlite_put_details(struct sqlite_store *s, int64_t id, const struct attempt *a, struct err *err)
{
	static int (*const parts[])(struct sqlite_store *, int64_t, const struct attempt *,
				    struct err *) = {
		sqlite_put_facts, put_reasons, put_marks,     put_windows,
		put_readings,	  put_events,  put_artifacts,
	};
	int r = forget(s, id, err);
	for (size_t i = 0; r >= 0 && i < sizeof(parts) / sizeof(parts[0]); i++)
		r = parts[i](s, id, a, err);
	return r;
}
