/* SPDX-License-Identifier: MIT */
/*
 * mark-history: what became of mail that carries a mark of ours, and how often it came back.
 *
 * A file "marks" in the owner's state folder, to which each delivery appends: one write, no flush,
 * no data base. It is read only when mail with a mark of this owner's comes back. What a power cut
 * or a full disk takes from it is not known, and such mail is delivered. When its first line is
 * older than a mark lives, or it has grown over LIMIT_MARK_HISTORY, it becomes "marks.old", in the
 * place of the one before; both are read.
 *
 *     1501686000 SUBJECT BODY kept f 1234 new/1501686000.M1P2Q1R3.host,S=1234,W=1260
 *     1501686000 SUBJECT BODY kept m 9f3c... /home/me/mail/box   an mbox, with digits of the mark
 *     1501686000 SUBJECT BODY copied                             passed on, and a copy was kept
 *     1501686000 SUBJECT BODY passed                             passed on only
 *     1501686000 SUBJECT BODY disposed main.sieve:3 WHOLE
 *     1501686000 SUBJECT BODY returned
 *     1501686000 SUBJECT BODY waits                              put off, as LOOP_TAKEN_OUT
 *     1501686000 SUBJECT BODY taken                              the end of that: its file stayed
 *
 * Where several hosts share the folder, each has a file of its own, "marks@HOST" and
 * "marks@HOST.old": appending is one step on one host, but not between clients of NFS. All of them
 * are read.
 *
 * SUBJECT: the first 32 digits of mark_subject; BODY: the print of the body, with '.' for the
 * blank; WHOLE: that of all of it. Odd octets of a path or rule are escaped as in URIs. Other lines
 * are ignored.
 */
#ifndef TODOKE_MARK_HISTORY_H
#define TODOKE_MARK_HISTORY_H

#include "agent/base/status.h"
#include "agent/message/body-print.h"
#include "agent/store/kept.h"

/* Which mail. */
typedef struct {
	gint64 now;          /* seconds since 1970 */
	const char *subject; /* of mark_subject */
	const BodyPrint *print;
	/* of all of the body; NULL: not known, and nothing is known to be disposed of */
	const BodyPrint *whole;
	const char *arrival; /* arrival_key, by which a retry is told; NULL: it cannot be */
} MarkTag;

/* Print one line to `lines`; one that says disposed needs tag->whole. */
void mark_history_kept(GString *lines, const MarkTag *tag, const char *path, guint64 bytes);
void
mark_history_kept_in_mbox(GString *lines, const MarkTag *tag, const char *path, const char *sign);
void mark_history_copied(GString *lines, const MarkTag *tag);
void mark_history_passed(GString *lines, const MarkTag *tag);
void mark_history_disposed(GString *lines, const MarkTag *tag, const char *rule);
void mark_history_returned(GString *lines, const MarkTag *tag);
void mark_history_waits(GString *lines, const MarkTag *tag);
void mark_history_taken(GString *lines, const MarkTag *tag);

/*
 * Append `lines` to the file of `host` (NULL: there is one host) in `folder`, which is made (0700)
 * if it is missing. `lifetime` of a mark, in seconds.
 */
bool mark_history_append(const char *folder, const char *host, const GString *lines, gint64 now,
                         gint64 lifetime, Status *st);

/* What is known of one mail. */
typedef struct {
	bool known;       /* anything, with any body */
	bool kept_any;    /* kept, with any body */
	GPtrArray *kept;  /* KeptCopy, with this body, newest first */
	char *disposed;   /* the rule, for this body, all of it; NULL: none */
	bool passed;      /* this body, and nothing was kept */
	unsigned returns; /* with any body */
	gint64 waits;     /* when this very arrival was first put off; 0: it was not */
	gint64 put_off;   /* when any arrival was, and none was kept or taken since; 0: none was */
} MarkHistory;

/*
 * Read what the files in `folder` have about this mail; lines that cannot be read are ignored, and
 * files beyond the first LIMIT_MARK_FILES. Clear with mark_history_clear.
 */
void mark_history_read(const char *folder, const MarkTag *tag, MarkHistory *ret_history);
void mark_history_clear(MarkHistory *history);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(MarkHistory, mark_history_clear)

#endif
