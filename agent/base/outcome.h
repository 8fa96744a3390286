/*
 * outcome: which fault of which object puts mail off, and which one sends it elsewhere.
 *
 * Nobody but the owner, or the site, can repair what lasts, and a queue that waits for them bounces the mail in the end. So a fault
 * that lasts and is the owner's own leads to the INBOX with a note, and only one that passes by itself is waited for.
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
	OUTCOME_NEXT_PLACE,    /* as if it did not exist: the next of the places that are configured */
	OUTCOME_LAST_GOOD,     /* the version that served last, else the INBOX; the owner is told */
	OUTCOME_MAKE,          /* it is made if the settings say so; else as for a fault that lasts */
	OUTCOME_INBOX,         /* the INBOX, with a note in the log */
	OUTCOME_GO_ON,         /* the mail goes on without it, with a note in the log */
} Outcome;

typedef enum {
	FAULT_FOREIGN,  /* no fault of the file system */
	FAULT_PASSING,  /* EIO, ESTALE, ENOMEM, EMFILE, ENFILE, ENOSPC, EDQUOT, EROFS, a lock, a time limit, and whatever is not named below */
	FAULT_MISSING,  /* ENOENT */
	FAULT_LASTING,  /* EACCES, EPERM, ELOOP, ENOTDIR, EISDIR, ENXIO, ENAMETOOLONG, EILSEQ: a right, or another thing in that place */
	FAULT_KINDS
} FaultKind;

/* Which kind a fault is, by its row. */
FaultKind outcome_fault_kind(StatusId id);

/* What becomes of the mail; OUTCOME_PUT_OFF for a fault that is no fault of the file system. */
Outcome outcome_find(OutcomeObject object, StatusId id);

/*
 * Is there a script or rc file at `path`? Only what is missing is not: one that cannot be reached is told, or waited for, when it is to
 * be read.
 */
bool outcome_script_is_there(const char *path);

#endif
