/* SPDX-License-Identifier: MIT */
/*
 * maildirsize: the file of that name in an INBOX (Maildir++), which IMAP servers and other
 * deliverers keep up to date too.
 *
 * The file's first line is the definition ("1000000S,1000C"); the lines below it are octets and
 * messages that came or went, and their sum is what is there. Each line is appended by one write.
 * The file is a cache: nothing of it is flushed for a message, and a fault in it never holds mail
 * back.
 */
#ifndef TODOKE_MAILDIRSIZE_H
#define TODOKE_MAILDIRSIZE_H

#include "agent/base/status.h"

#include <sys/types.h>

#define MAILDIRSIZE_FILE "maildirsize"

/* The greatest sum: a quarter of what 63 bits count, so that adding a few never overflows. */
#define MAILDIRSIZE_MOST (G_MAXINT64 / 4)

/* Octets and messages. */
typedef struct {
	gint64 bytes;
	gint64 messages;
} MaildirsizeAmount;

/* What the file says. */
typedef struct {
	MaildirsizeAmount limit; /* 0: any */
	MaildirsizeAmount used;
	unsigned lines; /* its definition not counted */
	time_t mtime;
	ino_t inode;
	bool sound; /* the sums can be believed */
} Maildirsize;

/*
 * Read the file in the INBOX `inbox` (-1: a folder that is imagined). False: there is none. One
 * that cannot be read is not sound and says nothing; one that is too long (LIMIT_MAILDIRSIZE) has
 * its definition at least.
 */
bool maildirsize_read(int inbox, Maildirsize *ret);

/* "1000S,10C" without a newline. Caller frees. */
char *maildirsize_print(const MaildirsizeAmount *limit);

/* Put a new file with these sums in the place of the old one. Flushed; *ret_inode is its own. */
bool maildirsize_replace(int inbox, const MaildirsizeAmount *limit, const MaildirsizeAmount *used,
                         ino_t *ret_inode, Status *st);

/*
 * Hold the file open while the mailbox is counted: a descriptor that the caller closes, and its
 * length; -1: there is none.
 */
int maildirsize_hold(int inbox, off_t *ret_size);

/* Has somebody appended to the file that is held? */
bool maildirsize_has_grown(int held, off_t size);

/* What became of a line. */
typedef enum {
	MAILDIRSIZE_ADDED,
	MAILDIRSIZE_NO_FILE,  /* the next count finds it */
	MAILDIRSIZE_REPLACED, /* the file was replaced meanwhile: what it says may be wrong */
} MaildirsizeOutcome;

/*
 * Append a line to the file that had `inode` (0: none was there) before what the line tells was
 * done. `is_shared`: other hosts append too, so the file is locked meanwhile: a client of NFS then
 * knows its end.
 */
MaildirsizeOutcome
maildirsize_add(int inbox, ino_t inode, const MaildirsizeAmount *more, bool is_shared);

#endif
