/* SPDX-License-Identifier: MIT */
/*
 * transact-parts: what a transaction is made of, for the transact*.c files only.
 */
#ifndef TODOKE_TRANSACT_PARTS_H
#define TODOKE_TRANSACT_PARTS_H

#include "agent/base/event.h"
#include "agent/run/delivery-trace.h"
#include "agent/run/notice.h"
#include "agent/run/transact.h"
#include "agent/state/mark-history.h"

/* The moments that part the stages of a delivery. */
typedef enum {
	TRANSACT_BEGUN,
	TRANSACT_JUDGED,
	TRANSACT_READ,
	TRANSACT_PLANNED,
	TRANSACT_ENDED,
	TRANSACT_MOMENTS
} TransactMoment;

struct Transact {
	const Site *site; /* `own_site` where settings hold for this recipient alone */
	/* the site with `own_conf` in it; all else is borrowed from the site */
	Site own_site;
	Conf *own_conf; /* NULL: no block `user` or `domain` fits the recipient */
	const Account *account;
	const Envelope *envelope; /* `own_envelope` */
	Envelope own_envelope;    /* the door's, with told_id; its strings are borrowed */
	MailIds names;
	Message *message;
	const char *folder;
	gint64 now;
	const TransactDescription *described;
	const RecipeCall *recipes; /* NULL: by the settings */
	const char *shadow; /* the script that runs in place of the owner's; NULL: those in force */
	/* where the owner's state lies; NULL: not asked for yet, or there is none */
	char *state_path;
	MarkKeys *keys;      /* the owner's and the site's; NULL: none */
	MarkKeys *late_keys; /* the site's, where they come late */
	bool has_owner_key;
	bool marks_read; /* keys have been looked for */
	/* mark_subject of the header that is stored; NULL: it has no mark */
	char *subject;
	size_t mark_at; /* where the mark stands in `headers` */
	bool sealed;    /* it is the mark of a stored copy from the beginning */
	char *mark;     /* its value as rules and programs see it, once it is known */
	LoopVerdict *verdict;
	HeaderRuleResult *rules;
	MaildirDraft *draft; /* until the plan is carried out; borrowed; NULL: there is none */
	Headers *headers;    /* as it will be stored: after rules, with stamps */
	/* where a verdict or a rule wants the message; before any filter */
	const char *file_into;
	bool discard;         /* return_action = discard, duplicates = discard */
	bool inbox_only;      /* the INBOX, without rules */
	bool must_notify;     /* loop_action = notice */
	bool flags_duplicate; /* duplicates = flag */
	/* see transact_arrival; NULL: not asked for yet, or a retry cannot be told */
	char *arrival;
	/* the folder in which it still is: taken, not stored again; NULL: it is not taken */
	char *here;
	Plan *plan;
	ScriptChainReport scripts;
	bool gave_up_rules;   /* they crashed over this message too often */
	bool scripts_settled; /* nothing is to be remembered of them, and nobody told */
	DeliverReport report;
	GPtrArray *locks; /* Dotlock: what recipes hold until all is delivered */
	/* IdCacheEntry: ids for caches of formail -D, written when all is delivered */
	GPtrArray *ids;
	bool leaves_outages;  /* the parent process reports peers that are down */
	DeliveryTrace *trace; /* of a real delivery; NULL: none is wanted */
	GPtrArray *told;      /* char *: subjects of notices to the owner */
	bool rehearsal;       /* nothing is changed; `capture` takes what would leave */
	bool (*capture)(void *user, const PlanAction *action, const RouteMail *mail, Status *st);
	void *capture_user;
	StateOnce *state; /* what is remembered of the owner; opened when something asks */
	gint64 moments[TRANSACT_MOMENTS]; /* monotonic microseconds; 0: not reached */
};

/* This moment is reached. */
void transact_reach(Transact *transact, TransactMoment moment);

/*
 * Refuse or defer the message, as the row `id` says, with the sentence that the sender reads in the
 * bounce (TEXT_BOUNCE_REFUSAL); `why` is the reason in it. Always false.
 */
bool transact_refuse(const Transact *transact, StatusId id, const char *why, Status *st);

/* For notices to the owner. Its parts are borrowed from the transaction. */
NoticeFrame transact_notice_frame(const Transact *transact);

/* The state folder of the owner; NULL: there can be none. Borrowed. */
const char *transact_state_folder(Transact *transact, Status *st);

/*
 * The key of this arrival (arrival.h), which only a retry has again, once the message has been
 * read; NULL: nothing tells a retry from a second copy. Borrowed.
 */
const char *transact_arrival(Transact *transact);

/* transact-mark.c: the mark of this delivery. */

/* Read the keys that the mark is made and checked with. A fault is noted. */
void transact_read_keys(Transact *transact);

/*
 * Make the owner a key if there is none and one is wanted. A fault is noted, and the mail gets no
 * mark.
 */
void transact_make_key(Transact *transact);

/*
 * Put our stamps on top of the header. `print` NULL: the body is not known yet, and transact_seal
 * makes the mark.
 */
void transact_stamp(Transact *transact, const BodyPrint *print);

/* How the draft's mark is made when the body has passed. False: it has none. */
bool transact_seal(Transact *transact, MessageSeal *ret_seal);

/* The body has passed: make the mark that rules and programs see true. */
void transact_settle_mark(Transact *transact);

/* transact-return.c: mail that was here before. */

/* Make the loop verdict and do what it asks for. False: the message is refused or deferred. */
bool transact_judge_loop(Transact *transact, Status *st);

/*
 * Would the plan only pass on what was only passed on before? If so, it is a loop: false (the
 * message is refused), or the plan is replaced by what loop_action says.
 */
bool transact_check_passed(Transact *transact, Status *st);

/*
 * The mail is here already: accept it without storing it. False: a fault, and the message is
 * deferred.
 */
bool transact_take(Transact *transact, Status *st);

/* Tell the owner about a loop, at most once a day. */
void transact_notify_loop(Transact *transact, Maildir *inbox);

/* transact.c: let the scripts fill `plan`, whose keep goes to the door's folder. */
bool transact_run_scripts(Transact *transact, Maildir *inbox, Status *st);

/*
 * transact-shadow.c: where the setting shadow_script names a script, run it in a process of its own
 * on the mail that was delivered just now, and record where its plan is another. It changes nothing
 * else, whatever it does, and costs LIMIT_SHADOW_MS at most.
 */
void transact_shadow(Transact *transact, Maildir *inbox);

/* Is there a script for transact_shadow to run? It may need all that a delivery can need. */
bool transact_has_shadow(const Transact *transact);

/* transact-record.c: the beginning of the line of a shadow script, up to the plan in force. */
void transact_record_shadow(const Transact *transact, RecordLine *line);

/* Add the list `key` of the actions of `plan`, as "plan" has them. */
void transact_record_actions(RecordLine *line, const char *key, const Plan *plan, bool with_values);

/* transact-log.c: did all that was done only dispose of the mail? */
bool transact_is_disposed(const DeliverReport *report);

/* transact-log.c: the kind of log line for this outcome (event.h). */
EventId transact_event(const Transact *transact, const Status *st);

/*
 * transact-record.c: append what was decided and done to the record (record-line.h); `st` and
 * `seconds` as of transact_log. A fault is noted.
 */
void transact_record(const Transact *transact, const Status *st, double seconds);

/*
 * transact-duplicate.c: is this mail, which came without a mark, a second copy? Asks the state,
 * once the body is stored.
 */
void transact_check_duplicate(Transact *transact);

#endif
