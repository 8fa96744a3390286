/* SPDX-License-Identifier: MIT */
/* status: one value that carries a fault from the place where it happens to Postfix. */
#ifndef TODOKE_STATUS_H
#define TODOKE_STATUS_H

#include "agent/base/outside.h"

#include <glib.h>
#include <stdbool.h>

typedef enum {
#define STATUS(id, name, exit_code, dsn, lmtp, text) STATUS_##id,
#include "agent/base/status-table.def"
#undef STATUS
	STATUS_COUNT
} StatusId;

/* What a fault means to the outside; one row of status-table.def. */
typedef struct {
	char name[20]; /* for log, record and `todoke code` */
	int exit_code; /* sysexits.h; what pipe(8) and local(8) see */
	char dsn[6];   /* enhanced code, RFC 3463 */
	int lmtp;      /* reply code, RFC 5321 4.2 */
	char text[76]; /* used if the fault has no text of its own */
} StatusRow;

/*
 * A fault, or STATUS_OK. Set once, where the fault happens; callers add context, never a second
 * fault. `text` may reach the sender: one printable line without local paths. `detail` is for the
 * log: path, errno, script line. Both are owned; NULL text means the row's.
 */
typedef struct {
	StatusId id;
	char *text;
	char *detail;
	/* enhanced code that another server gave, of the row's class; NULL: the row's */
	char *dsn;
	/* who else caused it, for log and record; NULL: nobody, or not known. Owned. */
	Outside *outside;
	/* by which id the log knows the mail, to be told to the sender; NULL: not known */
	char *reference;
} Status;

#define STATUS_INIT \
	{ \
		.id = STATUS_OK \
	}

/* The row of `id`; never NULL. */
const StatusRow *status_row(StatusId id);

/* The row that `name` names ("loop"), or STATUS_COUNT. */
StatusId status_find_name(const char *name);

/*
 * Set `st` to `id` with a text for the sender (NULL: the row's). Always false, so that a function
 * can end with it. A status that already holds a fault keeps it: the first one is the cause.
 */
bool status_fail(Status *st, StatusId id, const char *text, ...) G_GNUC_PRINTF(3, 4);

/* As status_fail, with the row's text for the sender and `detail` for the log. Always false. */
bool status_fail_detail(Status *st, StatusId id, const char *detail, ...) G_GNUC_PRINTF(3, 4);

/*
 * As status_fail_detail; the row is the one that errno value `err` means, and the system's error
 * text ends the detail. Always false.
 */
bool status_fail_errno(Status *st, int err, const char *detail, ...) G_GNUC_PRINTF(3, 4);

/*
 * STATUS_LOCKED: another program held the lock at `path` for too long. The text for the sender has
 * its name without the folder, the detail for the log the whole path. Always false.
 */
bool status_fail_locked(Status *st, const char *path);

/* Put "what: " before the detail of a fault. Always false. */
bool status_prefix(Status *st, const char *what, ...) G_GNUC_PRINTF(2, 3);

/*
 * The system's words for errno value `err`, in English. Not by g_strerror, which opens iconv and
 * its cache to convert them. Static, or valid until the next call in this thread.
 */
const char *status_error_text(int err);

/*
 * The row that errno value `err` means: ENOSPC is STATUS_DISK_FULL, an unforeseen value STATUS_IO;
 * never a permanent row.
 */
StatusId status_from_errno(int err);

/* Text for the sender: the fault's own, else the row's. Borrowed until `st` changes. */
const char *status_text(const Status *st);

/* What our side is told of it: the detail, else that text. Borrowed until `st` changes. */
const char *status_why(const Status *st);

/*
 * The enhanced code of another server ("5.1.1") in place of the row's. A code of another class, or
 * not in the form of RFC 3463, is ignored.
 */
void status_set_dsn(Status *st, const char *dsn);

/*
 * Say who else caused the fault that `st` holds; takes `outside` over. Without a fault, or where
 * somebody is named already, it is freed.
 */
void status_set_outside(Status *st, Outside *outside);

/*
 * By which id the log knows the mail that `st` is about, so that a bounce can be joined with it.
 * Without a fault, with NULL, or where one is known already, nothing happens.
 */
void status_set_reference(Status *st, const char *reference);

/* The enhanced code to answer with. Borrowed until `st` changes. */
const char *status_dsn(const Status *st);

/* Can a later try succeed (4.x.x)? */
bool status_is_temporary(const Status *st);

/* Free what `st` owns and make it STATUS_OK. */
void status_clear(Status *st);

/* Move the fault of `from` to `to`, unless `to` already has one; `from` is STATUS_OK afterwards. */
void status_move(Status *to, Status *from);

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Status, status_clear)

#endif
