/* SPDX-License-Identifier: MIT */
/*
 * deliver: carries a plan out.
 *
 * First everything is prepared: each copy is written and flushed under tmp. Then it is committed:
 * the copies become visible and their folders are flushed. Last goes what leaves this host. A fault
 * in the first part leaves no mail behind (folders that were made stay); one in the second takes
 * back what was visible already. Both are answered with the fault, and a retry does all of it.
 * After a fault in the last part all that could be done stays done: the ledger knows it, and a
 * retry does only what is missing. A plan in which nothing leaves has no ledger. Whatever moment a
 * process dies at, the claim of each copy (claim.h) tells the retry whether it was made visible.
 */
#ifndef TODOKE_DELIVER_H
#define TODOKE_DELIVER_H

#include "agent/base/status.h"
#include "agent/store/folder.h"
#include "agent/state/ledger.h"
#include "agent/store/maildir.h"
#include "agent/send/route.h"
#include "agent/store/quota.h"
#include "agent/state/state.h"
#include "agent/state/try-lock.h"
#include "agent/message/envelope.h"
#include "agent/message/mark.h"
#include "agent/message/message.h"
#include "agent/plan/plan.h"
#include "conf/conf.h"

/* Whose mail it is, for what leaves in the owner's name. All is borrowed. */
typedef struct {
	const char *user;          /* login name or address: whose limits count */
	const char *home;          /* NULL: none */
	GPtrArray *addresses;      /* char *: own addresses, the one to speak as first */
	StateOnce *state;          /* NULL: nothing can be remembered */
	const char *state_folder;  /* of the owner, also in a rehearsal; NULL: there is none */
	const MarkKeys *keys;      /* of the mark; NULL: none */
	const MarkKeys *site_keys; /* NULL: no SRS */
	/* value of our mark in the header that is delivered; NULL: there is none */
	const char *mark;
	const char *mark_subject; /* of mark_subject for that header; NULL: there is no mark */
	const char *arrival;      /* by which a retry is recognised; NULL: it cannot be */
	/* it came back and is delivered all the same: that is remembered */
	bool returned;
	const char *host; /* our name */
	gint64 now;       /* seconds since 1970 */
	/*
	 * Takes what `action` would send in place of the route (`todoke test`, `try`); NULL: it is
	 * sent.
	 */
	bool (*capture)(void *user, const PlanAction *action, const RouteMail *mail, Status *st);
	void *capture_user;
} DeliverOwner;

/* What is delivered, and where. All is borrowed but the draft. */
typedef struct {
	Message *message;
	Headers *headers; /* what is stored where no rule edited it */
	Maildir *inbox;   /* NULL: nothing can be stored here */
	/*
	 * `message` with `headers`, written to the INBOX's tmp; NULL: not yet. deliver_run takes
	 * it.
	 */
	MaildirDraft *draft;
	const Conf *conf;
	const Envelope *envelope;
	const char *flag; /* that each copy gets besides its own; NULL: none */
	/* for add_reason: what the loop check found, the header rule that filed it; NULL: none */
	const char *loop, *header_rule;
	const DeliverOwner *owner; /* NULL: nothing may leave */
	/* faults of rules have put it off for as long as they may (defer_at_most) */
	bool is_overdue;
	/*
	 * Ask and decide as a delivery does, but nothing is stored (the INBOX is one of a
	 * rehearsal), no program runs, and `capture` takes what would leave.
	 */
	bool rehearsal;
	/*
	 * of a rehearsal: rules alone, without a mailbox: what would be stored is not looked at
	 */
	bool rules_alone;
	/*
	 * of a rehearsal: it lies in the mailbox already; only in which folders it belongs is
	 * asked
	 */
	bool is_stored;
} DeliverJob;

/* One action that was carried out. */
typedef struct {
	const char *action;       /* "fileinto" */
	const PlanAction *wanted; /* of the plan; NULL: no rule asked for it; borrowed */
	/* as people read it: "INBOX", "Work/Customers"; NULL: stored nowhere */
	char *folder;
	char *file;         /* path below the INBOX */
	bool is_new_folder; /* a rehearsal would make it */
	guint64 bytes;
	char *to;     /* the address or program that it was handed to; NULL: none */
	char *reply;  /* what the other side said; NULL: nothing, or nobody heard it */
	bool earlier; /* an earlier try did it, and this one found that */
} DeliverDone;

/* One action that is not carried out although nothing failed. */
typedef struct {
	const PlanAction *action; /* of the plan; borrowed */
	char *why;
} DeliverHeld;

/* What became of a plan: for log, answer and record. */
typedef struct {
	GPtrArray *done;      /* DeliverDone, in the order of the plan */
	GPtrArray *notes;     /* char *: what went other than asked, but is no fault */
	GPtrArray *held;      /* DeliverHeld; each is noted too */
	GPtrArray *for_owner; /* char *: sentences that the owner has to be told by a notice */
	/* the other side's to what was handed over last; deliver_report_sent takes it */
	char *reply;
	gint64 stored_at; /* monotonic microseconds: all copies are safe; 0: not reached */
	QuotaFill fill; /* of the mailbox, after a fault too; not known where nothing was stored */
} DeliverReport;

void deliver_report_init(DeliverReport *report);
void deliver_report_clear(DeliverReport *report);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DeliverReport, deliver_report_clear)

/* Open the INBOX at `path` as the settings say. Faults of maildir_open. Caller frees. */
Maildir *deliver_open_inbox(const char *path, const Conf *conf, Status *st);

/* The same for a rehearsal: an INBOX that would be made is imagined. Caller frees. */
Maildir *deliver_rehearse_inbox(const char *path, const Conf *conf, Status *st);

/*
 * Carry out `plan`. The deadline is stopped when the commit has ended, for which there are some
 * seconds in any case. An action that this program cannot carry out is STATUS_CONFIG before
 * anything is done. `report` (initialised) lists what was done; after a fault it has the notes
 * only.
 */
bool deliver_run(const Plan *plan, DeliverJob *job, DeliverReport *report, Status *st);

/* Below: what actions are made of (deliver-*.c). */

/* A plan on its way. */
typedef struct DeliverRun DeliverRun;

/* What is counted by owner and day. */
typedef enum {
	DELIVER_UNLIMITED,
	DELIVER_REDIRECTS,
	DELIVER_REPLIES,
	DELIVER_NOTICES,
	DELIVER_LIMITS
} DeliverLimit;

/* How one kind of action is carried out. What `prepare` makes, deliver_run keeps and frees. */
typedef struct {
	const char *name;
	/* nothing is stored here: a rehearsal of rules alone goes through it */
	bool rehearses;
	/* a fault of `send` is noted and changes nothing: replies and notices */
	bool optional;
	/*
	 * Do all that can fail and that nobody sees. *ret_step is the action's, freed by `free`;
	 * NULL: no later part.
	 */
	bool (*prepare)(DeliverRun *run, const PlanAction *action, void **ret_step, Status *st);
	/* NULL, as the three below: nothing to do. */
	bool (*commit)(DeliverRun *run, void *step, Status *st);
	/* Flush what commit made visible. */
	bool (*flush)(DeliverRun *run, void *step, Status *st);
	void (*take_back)(void *step);
	/* Append what was done to the report. */
	void (*report)(DeliverRun *run, const void *step, DeliverReport *report);
	void (*free)(void *step);
	/*
	 * `send` hands the step over to somebody; NULL: nothing leaves. `key` names the step in the
	 * ledger: a step that is done is not sent again; one whose result is not known is sent
	 * again, unless it is optional. NULL: it is not in the ledger.
	 */
	const char *(*key)(const void *step);
	bool (*send)(DeliverRun *run, void *step, Status *st);
	DeliverLimit limit; /* which daily limit counts it */
	/* It has been sent, now or by an earlier try. NULL: nothing to do. */
	void (*sent)(DeliverRun *run, void *step);
	/*
	 * nothing leaves, but the same plan will be carried out again: what is done is for the
	 * ledger
	 */
	bool comes_again;
	/* The whole plan has succeeded. NULL: nothing to do. */
	void (*finish)(DeliverRun *run, void *step);
	/*
	 * After the commit: print to `lines` (mark-history.h) what becomes of marked mail. NULL:
	 * nothing.
	 */
	void (*remember)(DeliverRun *run, const void *step, GString *lines);
} DeliverAction;

struct DeliverRun {
	DeliverJob *job;
	DeliverReport *report;
	GPtrArray *folders; /* Maildir: opened below the INBOX; outlive the steps */
	GPtrArray *boxes;   /* Mbox: open and locked; outlive the steps */
	GPtrArray *places;  /* of deliver-store.c: the path of each copy that it was asked for */
	/* of deliver-keep.c, borrowed from the steps: copies with the same bytes are shared */
	GPtrArray *stores;
	GPtrArray *steps;          /* of deliver.c */
	const PlanAction *sending; /* whose send runs */
	/* and its key in the ledger; NULL: it has none, or nothing is sent yet */
	const char *sending_key;
	/* PlanAction that no rule asked for: held-back redirects, copies of what was sent */
	GPtrArray *extra;
	Ledger *ledger; /* NULL: nothing of the plan leaves */
	/* no other try of this message is at work; NULL: as `ledger`, or it cannot be made */
	TryLock *lock;
	/* the same over all hosts, in the state that they share; NULL: as above */
	char *claim;
	char *ledger_key; /* and its key in the state */
	Quota *quota;     /* NULL: none, or nothing is stored */
	bool quota_asked;
	QuotaOwner quota_owner;
	State *state; /* NULL: none, or nothing leaves */
	/* what a retry is known by; NULL: not asked for yet, or it will not be known */
	char *arrival;
	gint64 ends;    /* monotonic microseconds: until then what leaves has to be gone */
	bool remembers; /* a retry will know what this try has done */
	bool has_local; /* a copy is stored here, now or by an earlier try */
	const PlanAction *disposes;        /* the rule that discards the message; NULL: none */
	unsigned promised[DELIVER_LIMITS]; /* what this plan will send */
};

/* Below: marks (deliver-mark.c). */

/* How the recipients of marks compare. */
AddressRules deliver_mark_rules(const Conf *conf);

/*
 * `headers` with our mark of this delivery replaced by one of `kind` for `message`, or on top where
 * there was none. Without a key that signs: as they are. Caller owns the reference.
 */
Headers *deliver_mark_headers(DeliverRun *run, Message *message, Headers *headers, MarkKind kind);

/* Is this the mark of this delivery, which is true only of a copy that is stored here? */
bool deliver_is_own_mark(const DeliverRun *run, const HeaderField *field);

/*
 * Print that `message` with these headers was kept in the file `path` of `bytes` octets; or in the
 * mbox `path`.
 */
void deliver_remember_kept(DeliverRun *run, Message *message, Headers *headers, const char *path,
                           guint64 bytes, GString *lines);
void deliver_remember_mbox(DeliverRun *run, Message *message, Headers *headers, const char *path,
                           GString *lines);

/*
 * Print that `message` with these headers goes out: as a copy of mail that is kept here, as a copy
 * of mail that a rule discarded, or as the only one.
 */
void deliver_remember_passed(DeliverRun *run, Message *message, Headers *headers, GString *lines);

/* Append to the owner's state what the steps from number `first` on did. A fault is noted. */
void deliver_remember(DeliverRun *run, guint first);

/*
 * When the whole plan has succeeded: that the mail had come back, and was delivered all the same. A
 * retry counts once.
 */
void deliver_remember_return(DeliverRun *run);

/* The `remember` of step number `i`, if it has any; in deliver.c. */
void deliver_remember_step(DeliverRun *run, guint i, GString *lines);

/* Append to the report; `folder` and `file` are taken over. */
void deliver_report_add(DeliverReport *report, const char *action, char *folder, char *file,
                        guint64 bytes);

/* Append what an earlier try did: to `folder` (NULL: none) or `to` (NULL: none). */
void deliver_report_earlier(DeliverReport *report, const char *action, const char *folder,
                            const char *to);

/* Append what was handed to somebody. */
void deliver_report_sent(DeliverReport *report, const char *action, const char *to, guint64 bytes);

/*
 * Keep a folder that was opened for this run. Returns it, or the INBOX or folder of this run that
 * is the same place (by device and inode), borrowed; `opened` is taken over.
 */
Maildir *deliver_add_folder(DeliverRun *run, Maildir *opened);

/*
 * Use the draft that the job came with for a copy in `maildir`, if it has these bytes and can be
 * moved there: *ret_draft is then the caller's. Otherwise *ret_draft stays as it is. False: a fault
 * of that.
 */
bool deliver_take_draft(DeliverRun *run, const Message *message, const Headers *headers,
                        Maildir *maildir, MaildirDraft **ret_draft, Status *st);

/* The quota of the INBOX, opened once a run; NULL: there is none. Borrowed. */
Quota *deliver_quota(DeliverRun *run);

/* Append a note in printf's manner. */
void deliver_note(DeliverRun *run, const char *format, ...) G_GNUC_PRINTF(2, 3);

/*
 * In prepare: `key`, or if an earlier action has the same key, `key` with a number: a deliberate
 * repetition gets a key of its own. A retry numbers in the same way. Caller frees.
 */
char *deliver_own_key(const DeliverRun *run, const char *key);

/* Note, after the words `lead`, why `action` is not carried out. */
void deliver_hold(DeliverRun *run, const PlanAction *action, const char *lead, const char *why);

/*
 * Why no more may go out today; NULL: one more may, and is promised. Call in prepare, with the
 * step's ledger key; a step that an earlier try has counted may. Caller frees.
 */
char *deliver_why_not_send(DeliverRun *run, DeliverLimit limit, const char *key);

/* In prepare: carry out another action too. It is taken over. False: the fault of its prepare. */
bool deliver_prepare_more(DeliverRun *run, PlanAction *action, Status *st);

/* In send: store by another action now. It is taken over. False: a fault of storing. */
bool deliver_store_now(DeliverRun *run, PlanAction *action, Status *st);

/*
 * In send: store the message in the INBOX unless it has been stored here already. `why` is noted.
 * False: a fault of storing.
 */
bool deliver_keep_now(DeliverRun *run, const char *why, Status *st);

/*
 * Does mail that rules cannot treat wait instead of going to the INBOX: the setting rules_fallback,
 * until it has waited for as long as it may (defer_at_most)?
 */
bool deliver_fallback_waits(const DeliverRun *run);

#endif
