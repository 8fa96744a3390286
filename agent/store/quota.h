/* SPDX-License-Identifier: MIT */
/*
 * quota: how much a mailbox may hold, by the file `maildirsize` of Maildir++, which IMAP servers
 * and other deliverers keep up to date too.
 *
 * The file's first line is the definition ("1000000S,1000C"); the lines below it are octets and
 * messages that came or went, and their sum is what is there. Each line is appended by one write.
 * The mailbox is counted anew where the file is missing, broken, too long, or made for another
 * definition, and where it says "full" although a client may have deleted mail since. It is a
 * cache: nothing of it is flushed for a message, and a fault in it never holds mail back.
 */
#ifndef TODOKE_QUOTA_H
#define TODOKE_QUOTA_H

#include "agent/store/maildir.h"
#include "conf/conf.h"

typedef struct Quota Quota;

/*
 * The quota of the mailbox `inbox`; NULL: there is none, or nobody can tell (`notes`, char *, say
 * why). `inbox` and `conf` must outlive it. Caller frees.
 */
Quota *quota_open(const Maildir *inbox, const Conf *conf, GPtrArray *notes);

void quota_free(Quota *quota);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Quota, quota_free)

/*
 * Does a file with these info letters in the folder at `path` (below the INBOX) count? Trash does
 * not, by default.
 */
bool quota_counts(const Quota *quota, const char *path, const char *letters);

/*
 * Is there room for one more message of `bytes`, beside those that were taken before? Faults:
 * STATUS_QUOTA_GRACE or STATUS_QUOTA by the setting quota_full; STATUS_TOO_BIG for what would not
 * fit into the empty mailbox.
 */
bool quota_take(Quota *quota, guint64 bytes, Status *st);

/* The mailbox has so many octets and messages more, or less. */
void quota_add(const Quota *quota, gint64 bytes, gint64 messages);

/* A message of the mailbox in a folder: its path below the INBOX, and the file's name. */
typedef struct {
	const char *path;
	const char *name;
} QuotaFile;

/*
 * A file of `bytes` moves within the mailbox: tell the quota's file where that changes what counts,
 * into the trash and out of it.
 */
void quota_moved(const Quota *quota, QuotaFile from, QuotaFile to, guint64 bytes);

/*
 * For RCPT: has the mailbox at `path` room for a message of `bytes` (0: unknown)? True if there is
 * no mailbox yet. Faults as quota_take.
 */
bool quota_has_room(const char *path, const Conf *conf, guint64 bytes, Status *st);

/* What maildirsize says, what is there, and the limit. */
typedef struct {
	bool has_file;
	bool is_sound; /* its sums can be believed */
	gint64 said_bytes, said_messages;
	gint64 bytes, messages;
	gint64 limit_bytes, limit_messages; /* 0: any */
	char definition[64];                /* "1000S,10C", as the file's first line has it */
} QuotaLook;

/*
 * Look at the quota of a mailbox and change nothing; `counts`: count what is there. False: there is
 * no quota.
 */
bool quota_look(const Maildir *inbox, const Conf *conf, bool counts, QuotaLook *ret);

#endif
