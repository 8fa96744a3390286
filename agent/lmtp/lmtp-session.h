/* SPDX-License-Identifier: MIT */
/*
 * lmtp-session: the conversation with one client, without a socket: octets in, replies out, and a
 * backend that looks up recipients, keeps the message and delivers it. The session never sleeps by
 * itself and keeps no more than a command line and the recipients in memory.
 */
#ifndef TODOKE_LMTP_SESSION_H
#define TODOKE_LMTP_SESSION_H

#include "agent/lmtp/lmtp-command.h"
#include "agent/message/envelope.h"

typedef struct {
	char *address;
	char *notify;
	char *orcpt;
	char *original;
	/* from the backend: two recipients with the same one get one copy; NULL: nobody else's */
	char *mailbox;
} LmtpRecipient;

/* The message that is being said. */
typedef struct {
	char *sender;
	guint64 size; /* MAIL SIZE=; 0: not said */
	LmtpBody body;
	bool utf8;
	char *ret;
	char *envid;
	char *origin_id;       /* XFORWARD IDENT=; NULL: not said */
	GPtrArray *recipients; /* LmtpRecipient, those that were accepted */
	GHashTable *mailboxes; /* mailbox -> number of its first recipient + 1 */
} LmtpMail;

/*
 * Who does the work. Every function may be called many times in a session; false comes with a fault
 * in `st`. The order for a message: recipient..., open, write..., close, announce and deliver for
 * each mailbox, end. A failed `open` may come again. `end` comes after each MAIL that was accepted,
 * whatever became of it.
 */
typedef struct {
	/*
	 * Called once in the process that delivers, before it gives any of its rights up. May be
	 * NULL.
	 */
	void (*ready)(void *user);
	/*
	 * RCPT: may this mailbox get a message of this size? *ret_mailbox names it for comparing
	 * (caller frees).
	 */
	bool (*recipient)(void *user, const LmtpMail *mail, const char *address, char **ret_mailbox,
	                  Status *st);
	/*
	 * For lmtp-broker, in the half without rights: is that certain without asking anybody? Then
	 * *ret_mailbox is as of `recipient`, which is not called; the mailbox is looked up when it
	 * is delivered to. May be NULL.
	 */
	bool (*is_certain)(void *user, const LmtpMail *mail, const char *address,
	                   char **ret_mailbox);
	/*
	 * For lmtp-broker, in the half that has answered `recipient` with yes: would it, for some
	 * seconds, say so to any sender whom the settings of the site admit? Then `note` is told in
	 * the half without rights, whose is_certain may use it. May be NULL.
	 */
	bool (*is_lasting)(void *user, const char *address);
	void (*note)(void *user, const char *address, const char *mailbox);
	bool (*open)(void *user, const LmtpMail *mail, Status *st);
	bool (*write)(void *user, const void *data, size_t len, Status *st);
	bool (*close)(void *user, Status *st);
	/*
	 * Instead of open, write and close, for lmtp-broker: the octets lie in `fd`, which is taken
	 * over, or (-1) they are `octets`, LIMIT_LMTP_SPOOL_FEW at most, which are copied. May be
	 * NULL.
	 */
	void (*adopt)(void *user, int fd, const char *octets, size_t len);
	/*
	 * If a message has several deliveries: one that will be asked for, in their order, so that
	 * it can begin early. Takes `envelope`. May be NULL.
	 */
	void (*announce)(void *user, Envelope *envelope);
	/*
	 * One recipient. *ret_done (may stay NULL; caller frees) is what the client reads on
	 * success.
	 */
	bool (*deliver)(void *user, const Envelope *envelope, char **ret_done, Status *st);
	void (*end)(void *user);
	/*
	 * Called between requests, for what is due by time alone. Returns after how many
	 * milliseconds to call it again; -1: not before the next request. May be NULL.
	 */
	int (*tidy)(void *user);
	/*
	 * Send `out` now and empty it. False: the client is gone; recipients that are not delivered
	 * yet are left, as the client will try again.
	 */
	bool (*flush)(void *client, GString *out);
	void *client;
	void *user;
} LmtpBackend;

typedef struct {
	const char *hostname; /* borrowed for the session */
	guint64 size_limit;   /* octets of a message; 0: any */
	bool trusted;         /* may the client speak XCLIENT and XFORWARD? */
	LmtpPaths paths;
} LmtpOptions;

typedef struct LmtpSession LmtpSession;

/* A session whose greeting waits in its output. `backend` is borrowed. Caller frees. */
LmtpSession *lmtp_session_new(const LmtpOptions *options, const LmtpBackend *backend);
void lmtp_session_free(LmtpSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(LmtpSession, lmtp_session_free)

/* The client says `len` octets. False: the conversation is over (after the output was sent). */
bool lmtp_session_feed(LmtpSession *session, const char *data, size_t len);

/* What is to be sent; the caller empties it. Borrowed. */
GString *lmtp_session_output(LmtpSession *session);

/* Is the client in the middle of a message (from MAIL to the last reply)? */
bool lmtp_session_is_busy(const LmtpSession *session);

/* Close with this 421 now: a time limit of the caller's has passed. */
void lmtp_session_abort(LmtpSession *session, LmtpReplyId reply);

/* Close with 421: at once, or if the octets of a message have begun to come, after that message. */
void lmtp_session_wind_down(LmtpSession *session);

#endif
