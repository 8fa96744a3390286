/* SPDX-License-Identifier: MIT */
/*
 * quota: how much a mailbox may hold, and what is answered when it is full.
 *
 * The fill is that of Maildir++'s file maildirsize, or Dovecot is asked (setting quota). The
 * mailbox is counted anew where the file is missing, broken, too long, or made for another
 * definition, and where it says "full" although a client may have deleted mail since.
 */
#ifndef TODOKE_QUOTA_H
#define TODOKE_QUOTA_H

#include "agent/store/maildir.h"
#include "agent/store/maildirsize.h"
#include "conf/conf.h"

typedef struct Quota Quota;

/* Whose mailbox it is. All is borrowed. */
typedef struct {
	const char *user;  /* as Dovecot knows the owner; NULL: Dovecot is not asked */
	const char *state; /* folder of the owner's state; NULL: nothing is remembered */
	gint64 now;        /* seconds since 1970 */
} QuotaOwner;

/*
 * The quota of the mailbox `inbox`; NULL: there is none, or nobody can tell (`notes`, char *, say
 * why; NULL: nobody wants to know). All arguments must outlive it. In a rehearsal nothing is
 * written. Caller frees.
 */
Quota *
quota_open(const Maildir *inbox, const Conf *conf, const QuotaOwner *owner, GPtrArray *notes);

void quota_free(Quota *quota);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Quota, quota_free)

/*
 * Does a file with these info letters in the folder at `path` (below the INBOX) count? Trash does
 * not, by default.
 */
bool quota_counts(const Quota *quota, const char *path, const char *letters);

/*
 * Is there room for one more message of `bytes` in the folder at `path` (NULL: it is not known, and
 * the roomiest one counts), beside those that were taken before? A mail that begins below the limit
 * may exceed it by quota_grace. Faults: STATUS_QUOTA_GRACE, or STATUS_QUOTA by the settings
 * quota_full and quota_defer_for; STATUS_TOO_BIG for what would not fit into the empty mailbox;
 * STATUS_QUOTA_UNKNOWN where Dovecot does not answer, or a folder could not be counted, by
 * quota_unanswered.
 */
bool quota_take(Quota *quota, const char *path, guint64 bytes, Status *st);

/* The mailbox has so many octets and messages more, or less. Call when that is so. */
void quota_add(Quota *quota, gint64 bytes, gint64 messages);

/*
 * The delivery has ended. Counts anew where others replaced maildirsize meanwhile. `is_stored`:
 * what was taken is there, and if there was room for it by the limit itself, the mailbox is no
 * longer full.
 */
void quota_settle(Quota *quota, bool is_stored);

/* How full a mailbox is, with what was taken. */
typedef struct {
	bool is_known;
	gint64 bytes, messages;
	gint64 limit_bytes, limit_messages; /* 0: any */
	unsigned percent;                   /* the higher of both; at most 1000 */
} QuotaFill;

/* `quota` may be NULL: then nothing is known. */
QuotaFill quota_fill(const Quota *quota);

/* The highest of quota_warnings ("80%") that `fill` has reached; 0: none, or it is not known. */
unsigned quota_threshold(const Conf *conf, const QuotaFill *fill);

/*
 * May a message of `bytes`, stored `copies` times, bring the mailbox to a threshold of which its
 * owner has not been warned (`state` as in QuotaOwner)? By maildirsize alone; true where that does
 * not say.
 */
bool quota_may_reach(const Maildir *inbox, const Conf *conf, const char *state, guint64 bytes,
                     size_t copies);

/* Read one item of quota_warnings: 1 to 100 percent; 0: it is wrong. */
unsigned quota_threshold_parse(const char *item);

/* A message of the mailbox in a folder: its path below the INBOX, and the file's name. */
typedef struct {
	const char *path;
	const char *name;
} QuotaFile;

/*
 * A file of `bytes` moves within the mailbox: tell the quota's file where that changes what counts,
 * into the trash and out of it.
 */
void quota_moved(Quota *quota, QuotaFile from, QuotaFile to, guint64 bytes);

/*
 * For RCPT: has the mailbox at `path` room for a message of `bytes` (0: unknown)? True if there is
 * no mailbox yet. Faults as quota_take, and *ret_fill says how full it is.
 */
bool quota_has_room(const char *path, const Conf *conf, const QuotaOwner *owner, guint64 bytes,
                    QuotaFill *ret_fill, Status *st);

/* What maildirsize says, what is there, and the limit. */
typedef struct {
	bool has_file;
	bool is_sound; /* its sums can be believed */
	gint64 said_bytes, said_messages;
	gint64 bytes, messages;
	gint64 limit_bytes, limit_messages; /* 0: any */
	char definition[64];                /* "1000S,10C", as the file's first line has it */
	char unread[256];                   /* why it is more than was counted; "": it is not */
} QuotaLook;

/*
 * Look at the quota of a mailbox and change nothing; `counts`: count what is there. False: there is
 * no quota, or Dovecot rules it.
 */
bool quota_look(const Maildir *inbox, const Conf *conf, bool counts, QuotaLook *ret);

#endif
