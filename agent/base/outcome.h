/* SPDX-License-Identifier: MIT */
/*
 * outcome: which fault of which object puts mail off, and which one sends it elsewhere.
 *
 * Only the owner or the site can repair a lasting fault, and a queue that waits for them bounces
 * the mail in the end. So a lasting fault of the owner's leads to the INBOX with a note, and only a
 * fault that can pass by itself defers the mail.
 */
#ifndef TODOKE_OUTCOME_H
#define TODOKE_OUTCOME_H

#include "agent/base/status.h"

typedef enum {
#define OUTCOME(object, passing, missing, lasting, text) OUTCOME_OF_##object,
#include "agent/base/outcome-table.def"
#undef OUTCOME
	OUTCOME_OBJECTS
} OutcomeObject;

typedef enum {
	OUTCOME_PUT_OFF,       /* 4.x.x: Postfix tries again */
	OUTCOME_PUT_OFF_A_DAY, /* the same, but after defer_at_most as OUTCOME_LAST_GOOD */
	OUTCOME_NEXT_PLACE,    /* as if it did not exist: the next configured place is tried */
	OUTCOME_LAST_GOOD,     /* the last version that worked, else the INBOX; the owner is told */
	OUTCOME_MAKE,          /* it is made if the settings say so; else as for a lasting fault */
	OUTCOME_INBOX,         /* the INBOX, with a note in the log */
	OUTCOME_GO_ON,         /* the mail goes on without it, with a note in the log */
} Outcome;

typedef enum {
	FAULT_FOREIGN, /* not a fault of the file system */
	/*
	 * EIO, ESTALE, ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT, EROFS, a lock, a time limit, and all
	 * that are not named below
	 */
	FAULT_PASSING,
	FAULT_MISSING, /* ENOENT */
	/*
	 * EACCES, EPERM, ELOOP, ENOTDIR, EISDIR, ENXIO, ENAMETOOLONG, EILSEQ: a missing permission,
	 * or something else in that place
	 */
	FAULT_LASTING,
	FAULT_KINDS
} FaultKind;

/* Which kind a fault is, by its row. */
FaultKind outcome_fault_kind(StatusId id);

/* What becomes of the mail; OUTCOME_PUT_OFF for a fault that is not one of the file system. */
Outcome outcome_find(OutcomeObject object, StatusId id);

/*
 * Is there a script or rc file at `path`? False only if it is missing: a file that cannot be
 * reached counts as there, and reading it reports the fault.
 */
bool outcome_script_is_there(const char *path);

#endif
