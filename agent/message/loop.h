/* SPDX-License-Identifier: MIT */
/*
 * loop: was this message here before, for this recipient?
 *
 * Postfix compares Delivered-To lines with the recipient; that bounces good mail whose line was
 * copied. We ask who wrote the line. In this order:
 *
 * 1. A mark (mark.h) that names a key of this owner's: the mail was here before, and what became of
 *    it then decides. The owner's state knows that; loop_settle takes it from there:
 *      kept, same body, and the file is still found -> taken, and not stored again; but if this is
 *                                                      the stored copy itself, whoever took it out
 *                                                      of the mailbox may delete it there: put off
 *                                                      until that has been done or has been waited
 *                                                      for, LIMIT_FETCH_WAIT_SECONDS
 *      disposed of by a rule, same body             -> taken
 *      only passed on, and a valid mark proves it   -> a loop, if the rules would only pass it on
 *                                                      again; but where a mark of somebody else
 *                                                      says that it was kept there, the INBOX
 *      everything else: another body, state or file
 *      lost, resent by its owner, no Message-ID,
 *      a mark that does not verify                  -> delivered, return_limit times
 * 2. More Received lines than hop_limit: a loop.
 * 3. Delivered-To lines that name the recipient, without such a mark. Those above the newest
 *    Received line (the one with this hop's queue id) are this hop's own stamp and never count. For
 *    the others the nearest Received line below that names a host tells the writer; lines of
 *    retrieval programs are skipped:
 *      another host  -> a copied header; delivered
 *      this host, and the mail was fetched, or resent by somebody, before it came back
 *                    -> a stored copy returned: delivered, return_limit times; two lines above the
 *                       same Received are one return
 *      this host     -> a loop, but where a mark says that we may have kept it: delivered,
 *                       return_limit times
 *      no line names a host -> copied if the newest Received names this host, as a line of ours
 *                       would name it too; else unknown: setting unknown_stamp
 *      no line below -> copied: no delivery wrote it; the third such Delivered-To is unknown,
 *                       unless the mail was fetched or resent above
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
	LOOP_NONE, /* nothing says that it was here before */
	/* a Delivered-To names the recipient, but this host did not write it */
	LOOP_COPIED,
	/* it came back, not more often than return_limit, and is not known to be here */
	LOOP_RETURNED,
	LOOP_UNKNOWN, /* nobody can say who wrote the Delivered-To; the setting decided */
	LOOP_KEPT,    /* it came back, and what was kept of it is still here */
	/* it is that very copy, and whoever took it out of the mailbox may delete it there */
	LOOP_TAKEN_OUT,
	LOOP_DISPOSED,       /* it came back, and a rule of the owner's disposed of it before */
	LOOP_RETURNED_OFTEN, /* it came back more often than return_limit */
	LOOP_PASSED,         /* it was only passed on, and came back */
	/* this host's Delivered-To, and nothing says that somebody fetched or resent the mail */
	LOOP_STAMPED,
	LOOP_HOPS, /* more Received lines than hop_limit */
	LOOP_KIND_COUNT
} LoopKind;

/* What to do about it. */
typedef enum {
	LOOP_DELIVER, /* go on */
	/*
	 * setting loop_action; of LOOP_PASSED only if the rules would pass it on again and keep
	 * nothing
	 */
	LOOP_IS_LOOP,
	LOOP_IS_RETURN, /* setting return_action */
	LOOP_IS_HERE,   /* take it, and store nothing */
	LOOP_PUT_OFF    /* STATUS_OWN_MAILBOX: neither take it nor store it yet */
} LoopAnswer;

/* What its marks say, for loop_settle. */
typedef struct {
	bool claimed;        /* there is a mark that may be this owner's */
	bool proven;         /* a valid one */
	bool proven_body;    /* a valid one, for this body */
	bool any;            /* any field that looks like a mark */
	bool kept_elsewhere; /* somebody else's says that it was kept there */
	bool resent;         /* its owner resent it after that */
	bool nameless;       /* it has no Message-ID */
	/* it is a copy that was stored in a mailbox: the topmost mark with a right HMAC says so */
	bool stored;
	/* a mail server received it since, and keeps it if it is put off: no fetching program */
	bool queued;
	guint32 line; /* of the mark that tells most; 0: none */
} LoopClaims;

/* What the owner's state knows of the message. */
typedef struct {
	bool known;           /* anything at all */
	const char *kept;     /* where a copy with this body is now: "INBOX"; NULL: none is found */
	bool kept_twice;      /* there is another one in another folder */
	bool kept_before;     /* a copy with this body was kept */
	bool kept_other;      /* a copy was kept, with whatever body */
	const char *disposed; /* the rule that disposed of this body; NULL: none did */
	bool passed;          /* this body was passed on */
	unsigned returns;     /* how often it came back before, with any body */
	/* seconds since this arrival was first put off as LOOP_TAKEN_OUT; -1: it was not */
	gint64 waited;
	/* seconds since any arrival of it was, without an end so far; -1: none was */
	gint64 put_off;
} LoopHistory;

/* Who wrote a line. */
typedef enum {
	LOOP_BY_THIS_HOP,
	LOOP_BY_US,
	LOOP_BY_OTHER_HOST,
	LOOP_BY_UNKNOWN,
	LOOP_WRITER_COUNT
} LoopWriter;

/* One header line that the verdict looked at. */
typedef struct {
	guint32 line; /* of the message as it came */
	char *text;   /* "Delivered-To: me@example.jp": one printable line, shortened */
	LoopWriter writer;
	char *how;     /* how we know */
	bool decisive; /* the line that made the verdict */
} LoopEvidence;

typedef struct {
	LoopKind kind;
	LoopAnswer answer;
	/* one line that the sender may read: which line, who seems to have added it */
	char *why;
	GPtrArray *evidence; /* LoopEvidence, top to bottom; at most LIMIT_LOOP_EVIDENCE */
	unsigned more;       /* evidence that was not kept */
	/* Delivered-To lines past LIMIT_DELIVERED_TO and marks past LIMIT_MARKS: not looked at */
	unsigned ignored;
	unsigned returns; /* how often it came back, this time included */
	LoopClaims claims;
	bool recall; /* what the state knows decides: call loop_settle */
	/* of LOOP_RETURNED: into the INBOX, without rules: they would only pass it on again */
	bool to_inbox;
	unsigned hops; /* Received lines */
	/* a line of a retrieval program (POP3, IMAP, Gmail's fetcher) stands in the header */
	bool fetched;
	/*
	 * somebody sent it on: Resent-*, X-Forwarded-To or -For, or a mark of mail that was passed
	 * on
	 */
	bool forwarded;
	const char *setting; /* which setting would change the verdict; NULL: none */
} LoopVerdict;

/* Borrowed for the call. */
typedef struct {
	const char *const *hostnames; /* further names of this host; NULL ends; NULL: none */
	const char *given_name;       /* setting myhostname; may be NULL or empty */
	const char *system_name;      /* gethostname(); may be NULL */
	/* `delimiters` "" is the safe choice here: user@ may redirect to user+work@ */
	AddressRules rules;
	unsigned hop_limit;
	bool unknown_delivers; /* setting unknown_stamp = deliver */
	unsigned return_limit;
	const MarkKeys *keys;       /* NULL: no mark proves anything */
	const BodyPrint *print;     /* NULL: not known, as loop_wants_body did not ask */
	const GPtrArray *addresses; /* char *: the owner's own; NULL: none is known */
	gint64 mark_lifetime;       /* seconds */
	gint64 now;                 /* seconds since 1970 */
} LoopSettings;

/*
 * Judge the header as it came, before any rule edited it. Never fails: what cannot be read proves
 * nothing. With DOOR_TRY a mark and a Delivered-To on top are those of the delivery that stored the
 * file. Caller frees.
 */
LoopVerdict *
loop_judge(const Headers *headers, const Envelope *envelope, const LoopSettings *settings);

/* Has the header a mark that can only be judged together with the body? */
bool loop_wants_body(const Headers *headers, const MarkKeys *keys);

/* Where verdict->recall: make the verdict what the state's knowledge makes of it. */
void loop_settle(LoopVerdict *verdict, const LoopHistory *history, const LoopSettings *settings);
void loop_verdict_free(LoopVerdict *verdict);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LoopVerdict, loop_verdict_free)

/*
 * STATUS_OK if the mail is delivered or taken, STATUS_OWN_MAILBOX if it is put off; else
 * STATUS_LOOP or STATUS_HOPS (both 5.4.6).
 */
StatusId loop_verdict_status(const LoopVerdict *verdict);

/*
 * "none", "copied", "returned", "unknown", "kept", "taken-out", "disposed", "returned-often",
 * "passed", "stamped", "hops".
 */
const char *loop_kind_name(LoopKind kind);

/* "deliver", "loop", "return", "here", "put off". */
const char *loop_answer_name(LoopAnswer answer);

/* "this hop", "this host, earlier", "another host", "unknown". */
const char *loop_writer_name(LoopWriter writer);

/*
 * For people: the verdict, the reason, a line for each piece of evidence, the setting. Ends in a
 * line end. Caller frees.
 */
char *loop_verdict_print(const LoopVerdict *verdict);

/* The same as the object "loop" of todoke.try/1. Caller owns the reference. */
json_t *loop_verdict_json(const LoopVerdict *verdict);

#endif
