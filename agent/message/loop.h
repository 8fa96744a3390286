/*
 * loop: was this message here before, for this recipient?
 *
 * Postfix compares Delivered-To lines with the recipient; that bounces good mail whose line was copied. We ask who wrote
 * the line. In this order:
 *
 * 1. A valid mark of ours (mark.h) for this recipient: redirected -> a loop at once; stored -> it is the message's n-th
 *    return, fine up to return_limit.
 * 2. More Received lines than hop_limit: a loop.
 * 3. Delivered-To lines that name the recipient, without such a mark. Those above the newest Received line (the one with
 *    this hop's queue id) are this hop's own stamp and never count. For the others the nearest Received line below that
 *    names a host tells the writer; lines of retrieval programs are skipped:
 *      another host            -> a copied header; delivered
 *      this host, and the mail was fetched, or resent by somebody, before it came back -> a stored copy returned: as in 1
 *      this host               -> a loop
 *      none tells              -> copied where ours would tell, as the newest Received does name this host; else
 *                                 unknown: the site's rule
 *      there is none           -> copied: nobody's delivery; the third such line is unknown, unless the mail was
 *                                 fetched or resent above
 *
 * The verdict carries its evidence, so that log, bounce, `try` and record say the same.
 */
#ifndef TODOKE_LOOP_H
#define TODOKE_LOOP_H

#include "agent/base/status.h"
#include "agent/message/address.h"
#include "agent/message/envelope.h"
#include "agent/message/headers.h"
#include "agent/message/mark.h"

#include <jansson.h>

typedef enum {
	LOOP_NONE,           /* nothing says that it was here before */
	LOOP_COPIED,         /* a Delivered-To names the recipient, but this host did not write it */
	LOOP_RETURNED,       /* a copy that we stored came back, not more often than return_limit */
	LOOP_UNKNOWN,        /* nobody can say who wrote the Delivered-To; the setting decided */
	LOOP_RETURNED_OFTEN, /* a copy that we stored came back more often than return_limit */
	LOOP_REDIRECTED,     /* a copy that we redirected came back */
	LOOP_STAMPED,        /* this host's Delivered-To, and nothing says that somebody fetched or resent the mail */
	LOOP_HOPS,           /* more Received lines than hop_limit */
	LOOP_KIND_COUNT
} LoopKind;

/* What to do about it. */
typedef enum {
	LOOP_DELIVER,    /* go on */
	LOOP_IS_LOOP,    /* setting loop_action */
	LOOP_IS_RETURN   /* setting return_action */
} LoopAnswer;

/* Who wrote a line. */
typedef enum { LOOP_BY_THIS_HOP, LOOP_BY_US, LOOP_BY_OTHER_HOST, LOOP_BY_UNKNOWN, LOOP_WRITER_COUNT } LoopWriter;

/* One header line that the verdict looked at. */
typedef struct {
	guint32 line;       /* of the message as it came */
	char *text;         /* "Delivered-To: me@example.jp": one printable line, shortened */
	LoopWriter writer;
	char *how;          /* how we know */
	bool decisive;      /* the line that made the verdict */
} LoopEvidence;

typedef struct {
	LoopKind kind;
	LoopAnswer answer;
	char *why;           /* one line that the sender may read: which line, who seems to have added it */
	GPtrArray *evidence; /* LoopEvidence, top to bottom; at most LIMIT_LOOP_EVIDENCE */
	unsigned more;       /* evidence that was not kept */
	unsigned ignored;    /* Delivered-To lines past LIMIT_DELIVERED_TO and marks past LIMIT_MARKS: not looked at */
	unsigned returns;    /* how often a stored copy came back, this time included: what the next stored mark must say */
	unsigned hops;       /* Received lines */
	bool fetched;        /* a line of a retrieval program (POP3, IMAP, Gmail's fetcher) stands in the header */
	bool forwarded;      /* somebody sent it on: Resent-*, X-Forwarded-To or -For, or a mark that says redirected */
	const char *setting; /* which setting would change the verdict; NULL: none */
} LoopVerdict;

/* Borrowed for the call. */
typedef struct {
	const char *const *hostnames; /* further names of this host; NULL ends; NULL: none */
	const char *system_name;      /* gethostname(); may be NULL */
	AddressRules rules;           /* `delimiters` "" is the safe choice here: user@ may redirect to user+work@ */
	unsigned hop_limit;
	bool unknown_delivers;        /* setting unknown_stamp = deliver */
	unsigned return_limit;
	const MarkKeys *keys;         /* NULL: no mark proves anything */
	gint64 mark_lifetime;         /* seconds */
	gint64 now;                   /* seconds since 1970 */
} LoopSettings;

/*
 * Judge the header as it came, before any rule edited it. Never fails: what cannot be read proves nothing. With
 * DOOR_TRY a mark and a Delivered-To on top are those of the delivery that stored the file.
 */
LoopVerdict *loop_judge(const Headers *headers, const Envelope *envelope, const LoopSettings *settings);
void loop_verdict_free(LoopVerdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoopVerdict, loop_verdict_free)

/* STATUS_OK where it is delivered; STATUS_LOOP or STATUS_HOPS, which say 5.4.6. */
StatusId loop_verdict_status(const LoopVerdict *verdict);

/* "none", "copied", "returned", "unknown", "returned-often", "redirected", "stamped", "hops". */
const char *loop_kind_name(LoopKind kind);

/* "deliver", "loop", "return". */
const char *loop_answer_name(LoopAnswer answer);

/* "this hop", "this host, earlier", "another host", "unknown". */
const char *loop_writer_name(LoopWriter writer);

/* For people: the verdict, the reason, a line for each piece of evidence, the setting. Ends in a line end. Caller frees. */
char *loop_verdict_print(const LoopVerdict *verdict);

/* The same as the object "loop" of todoke.try/1. Caller owns the reference. */
json_t *loop_verdict_json(const LoopVerdict *verdict);

#endif
