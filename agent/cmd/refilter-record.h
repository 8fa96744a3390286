/* SPDX-License-Identifier: MIT */
/*
 * refilter-record: what `todoke refilter` moved, as lines of the owner's record (door "refilter"),
 * and reading them back to undo it.
 *
 * The line is written before the file is moved: whatever moment the process dies at, no move is
 * without its line. All is done with the owner's rights.
 */
#ifndef TODOKE_REFILTER_RECORD_H
#define TODOKE_REFILTER_RECORD_H

#include "agent/run/transact.h"

/* Octets of a run's name: "2026-11-30T17:40:00.123Z". */
enum { REFILTER_RUN_OCTETS = 32 };

/* Where a run's lines go. */
typedef struct {
	char *path; /* NULL: the site keeps no record */
	const char *user;
	char run[REFILTER_RUN_OCTETS]; /* its name: when it began */
	char *undoes;                  /* the run that it takes back; NULL: none */
} RefilterRecord;

/* A run of `account` that begins now. Faults of account_record_path. */
bool
refilter_record_init(RefilterRecord *record, const Account *account, const Conf *conf, Status *st);
void refilter_record_clear(RefilterRecord *record);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RefilterRecord, refilter_record_clear)

/* One move. Paths are below the INBOX: ".Work/cur/NAME". All is borrowed. */
typedef struct {
	const char *action; /* "fileinto" */
	const char *from_folder, *from_file;
	const char *folder, *file;
	const char *sha256; /* of the file */
	guint64 bytes;
} RefilterMove;

/*
 * Write that it moves; `transact` (NULL: none) knows the rules, `mail` (NULL: none) is an earlier
 * line about the same mail. Does nothing where there is no record.
 */
bool refilter_record_move(const RefilterRecord *record, const RefilterMove *move,
                          const Transact *transact, const json_t *mail, Status *st);

/* Write that what was written last did not happen, and why. A fault is dropped. */
void
refilter_record_failed(const RefilterRecord *record, const RefilterMove *move, const char *why);

/* Write that an undo came to its end. A fault is dropped: then "last" means the same run. */
void refilter_record_ended(const RefilterRecord *record);

/* A run that is in the record. */
typedef struct {
	char *name;
	bool is_undo;
	bool was_undone;  /* to the end: one that was interrupted is not */
	GPtrArray *lines; /* json_t: its moves, oldest first */
} RefilterPast;

/* All runs of this user, oldest first (RefilterPast). Caller unrefs. NULL: it cannot be read. */
GPtrArray *refilter_record_runs(const RefilterRecord *record, Status *st);

/* SHA-256 of an open file, from its beginning. NULL: it cannot be read. Caller frees. */
char *refilter_record_hash(int fd, Status *st);

#endif
