/* SPDX-License-Identifier: MIT */
/*
 * ledger: what was planned for one message and one recipient, and what is done, so that the retry
 * after a crash or a temporary fault repeats nothing. It lives in the state under the queue id, the
 * recipient (and what it was before aliases) and what identifies the message.
 *
 * A step is named by what it does ("redirect b@example.net"), not by its place in the plan: the
 * script may have changed. Without a state (NULL) nothing is remembered and everything is done.
 *
 * With a state in a server a delivery that sends claims its key there, and then: (a) stores copies,
 * (b) writes SENDING, (c) sends, (d) writes DONE, (e) answers Postfix. What a retry, perhaps on
 * another host, finds after an end at each point:
 *
 *     before (a)   no server: nothing is stored or sent, and the mail waits. Another host's claim:
 *                  it waits for that, then comes again (STATUS_BUSY). A host that died: its claim
 *                  ends by itself.
 *     (a) to (b)   copies are known by their own claims in the folder (store/claim.h), whether the
 *                  server has heard of them or not, and stay. Nothing has left.
 *     (b) to (c)   SENDING: a redirect is sent, an optional answer is not.
 *     (c) to (d)   killed: SENDING, so a redirect is sent twice, as nobody can know. No server: if
 *                  the mail succeeds nobody asks again; if it comes again for another step, a file
 *                  beside the mailbox says DONE (ledger_write_spare).
 *     (d) to (e)   DONE: nothing is sent or stored again.
 *
 * A server that is read-only, or whose answer is lost twice, is one that is not there.
 */
#ifndef TODOKE_LEDGER_H
#define TODOKE_LEDGER_H

#include "agent/state/state.h"

typedef enum {
	LEDGER_NEW,     /* never begun */
	LEDGER_PLANNED, /* about to be stored; the text is the file's name */
	LEDGER_SENDING, /* about to go out; whether it did is not known */
	LEDGER_DONE,
	LEDGER_REFUSED, /* refused permanently; the text is the server's reply */
} LedgerMark;

typedef struct Ledger Ledger;

/*
 * Read what is known under `key`; it is forgotten after `until`. After a fault (for a note) the
 * ledger is empty. Never NULL; caller frees.
 */
Ledger *ledger_open(State *state, const char *key, gint64 until, Status *st);
void ledger_free(Ledger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Ledger, ledger_free)

/* What is known of a step; *ret_text (may be NULL) is borrowed until the step is set again. */
LedgerMark ledger_find(const Ledger *ledger, const char *step, const char **ret_text);

/* Set it, in memory; `text` (copied) may be NULL. */
void ledger_set(Ledger *ledger, const char *step, LedgerMark mark, const char *text);

/* Write what was set since the last time to the disk. False: a fault of the state. */
bool ledger_write(Ledger *ledger, Status *st);

/*
 * For a state in a server that fails between two steps: what is known goes into a file in `folder`,
 * flushed. _read_spare adds what such a file says (where there is one) to what the server knows,
 * but for steps that the server knows as DONE; it is removed when ledger_write has told the server.
 */
bool ledger_write_spare(const Ledger *ledger, const char *folder, Status *st);
void ledger_read_spare(Ledger *ledger, const char *folder);

/*
 * One time in LEDGER_SWEEP_EVERY, which the key decides, remove the spare files in `folder` that
 * were written before that time: their mail does not come again.
 */
#define LEDGER_SWEEP_EVERY 32
void ledger_sweep_spare(const Ledger *ledger, const char *folder, gint64 before);

#endif
