/* SPDX-License-Identifier: MIT */
/*
 * outside: what is known of a failure that somebody else caused: a mail server, a program, a
 * database, a file of another host.
 *
 * It is for the log and the record, which name the peer and quote its words. It travels in a Status
 * (status_set_outside) and never reaches Postfix: answer.h prints only what status_text says, which
 * names no target, no path and no server.
 */
#ifndef TODOKE_OUTSIDE_H
#define TODOKE_OUTSIDE_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	/* how it is spoken to: one of OUTSIDE_* below; static */
	const char *protocol;
	/* whom we spoke to: "127.0.0.1:25", "unix:/PATH", the path of a program or file */
	char *peer;
	/*
	 * what we asked: "RCPT TO:<a@b>", the arguments of a program; NULL: nothing was asked yet
	 */
	char *command;
	/* its own words: "452 4.2.2 mailbox full", or why there are none; NULL: none */
	char *reply;
	/* on whose behalf it was asked, where that is not the recipient's account; NULL: it is */
	char *account;
	/*
	 * the peer itself is not there or does not work, whoever asks it
	 */
	bool is_down;
	/* with is_down: the log has a line about it already, besides that of the mail */
	bool is_told;
} Outside;

#define OUTSIDE_SMTP "smtp"
#define OUTSIDE_SENDMAIL "sendmail"
#define OUTSIDE_PROGRAM "program"
#define OUTSIDE_SQLITE "sqlite"
#define OUTSIDE_STATE "state"
#define OUTSIDE_USERS "users"
#define OUTSIDE_FILE "file"
#define OUTSIDE_LIBSIEVE "libsieve"
#define OUTSIDE_POLICY "policy"

/*
 * `protocol` is one of the names above. The other texts are copied, made one printable line, and
 * cut at LIMIT_OUTSIDE_TEXT octets; NULL: not known. Caller frees with outside_free.
 */
Outside *
outside_new(const char *protocol, const char *peer, const char *command, const char *reply);
Outside *outside_copy(const Outside *outside);
void outside_free(Outside *outside);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Outside, outside_free)

/* The name above that equals `text`, for what comes from another process; NULL: none. */
const char *outside_protocol(const char *text);

/*
 * What failed outside since outside_forget, oldest first (const Outside *); at most
 * LIMIT_OUTSIDE_FAILURES, each once. A failure that was only noted, as the mail went on without, is
 * among them. One list a process: it delivers one mail after the other. Borrowed.
 */
const GPtrArray *outside_seen(void);
void outside_forget(void);

/* Add a copy to that list; status_set_outside does it. */
void outside_see(const Outside *outside);

/*
 * A next hop has answered (took a mail, or refused one), a server of users or of the state was
 * connected with: whoever remembers that it was down hears that it is not. The last one of each
 * protocol (const OutsideReached *); borrowed. outside_forget forgets them, too.
 */
typedef struct {
	const char *protocol;
	char *peer;
} OutsideReached;
void outside_reach(const char *protocol, const char *peer);
const GPtrArray *outside_reached(void);

/*
 * For tests: "user=taro, protocol=smtp, peer=127.0.0.1:25, command='RCPT TO:<a@b>', reply='452
 * full'". `user` is the recipient's account, for a failure that names no other; NULL: it is not
 * known. Caller frees.
 */
char *outside_print(const Outside *outside, const char *user);

#endif
