/* SPDX-License-Identifier: MIT */
/* submit-talk: one message, one recipient, one command after the other. */
#include "agent/send/submit-talk.h"

#include "agent/base/limits.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { PIECE = 32 * 1024 };

/* A talk and what was read ahead. */
typedef struct {
	const SubmitLine *line;
	GString *ahead;
	GString *out; /* message octets on their way */
	char last;    /* the message octet before; '\n' at first */
	SubmitSaid *said;
} Talk;

void
submit_talk_offer(SubmitOffers *offers, const char *line, size_t len)
{
	g_autofree char *word = len > 4 ? g_strndup(line + 4, len - 4) : g_strdup("");

	g_strstrip(word);
	word[strcspn(word, " ")] = '\0';
	offers->dsn |= g_ascii_strcasecmp(word, "DSN") == 0;
	offers->eightbit |= g_ascii_strcasecmp(word, "8BITMIME") == 0;
	offers->smtputf8 |= g_ascii_strcasecmp(word, "SMTPUTF8") == 0;
}

/* The one command that names the recipient. */
static const char step_rcpt[] = "RCPT TO";
static const char step_end[] = "end of DATA";

static SubmitOutcome
again(Talk *talk, const char *format, const char *what, const char *why)
{
	g_free(talk->said->words);
	talk->said->words = g_strdup_printf(format, what, why);
	return SUBMIT_AGAIN;
}

/* What was asked, and what came of it. */
static void
note_reply(Talk *talk, const char *command, size_t len, const char *reply)
{
	submit_said_clear(talk->said);
	talk->said->command = g_strchomp(g_strndup(command, len));
	talk->said->reply = g_strdup(reply);
}

/* The other side is gone, or the time is up. */
static SubmitOutcome
lost(Talk *talk, const char *format, const char *step, const GString *line)
{
	const char *why = talk->line->why(talk->line->user);
	const char *known = *why != '\0' ? why : "the connection ended";

	note_reply(talk, line != NULL ? line->str : step, line != NULL ? line->len : strlen(step),
	           known);
	talk->said->is_down = true;
	return again(talk, format, step, known);
}

/* The next line of a reply, without its end. NULL: the other side is gone or no server of mail. */
static char *
read_line(Talk *talk)
{
	char *end;

	while ((end = memchr(talk->ahead->str, '\n', talk->ahead->len)) == NULL) {
		char data[1024];
		size_t len;
		if (talk->ahead->len > LIMIT_SMTP_REPLY_LINE ||
		    !talk->line->receive(talk->line->user, data, sizeof data, &len))
			return NULL;
		g_string_append_len(talk->ahead, data, (gssize) len);
	}

	size_t len = (size_t) (end - talk->ahead->str);
	if (len > LIMIT_SMTP_REPLY_LINE)
		return NULL;

	char *line = g_strndup(talk->ahead->str, len);
	g_string_erase(talk->ahead, 0, (gssize) len + 1);
	return g_strchomp(line);
}

/* Three digits, then a blank, a hyphen or nothing. */
static int
reply_code(const char *line)
{
	for (int i = 0; i < 3; i++)
		if (!g_ascii_isdigit(line[i]))
			return 0;
	if (line[3] != ' ' && line[3] != '-' && line[3] != '\0')
		return 0;

	return atoi(line);
}

/* A whole reply: its code, 0 for none, and its lines as one. */
static int
read_reply(Talk *talk, GString *text)
{
	for (unsigned i = 0; i < LIMIT_SMTP_REPLY_LINES; i++) {
		g_autofree char *line = read_line(talk);
		int code = line != NULL ? reply_code(line) : 0;
		if (code == 0)
			return 0;
		g_string_append(text, i == 0 ? line : line[3] != '\0' ? line + 4 : "");
		if (line[3] != '-')
			return code;
		g_string_append_c(text, ' ');
	}
	return 0;
}

/*
 * Answers that blame what we are or how we speak, not this mail: 500 to 504, and AUTH or TLS that
 * we should have used.
 */
static bool
is_our_fault(int code)
{
	return (code >= 500 && code <= 504) || code == 530 || code == 534 || code == 535 ||
	       code == 538;
}

/*
 * With smtpd_delay_reject, its default, Postfix says only in reply to RCPT what it holds against
 * the client, its name, or the sender. These are its words (smtpd/smtpd_check.c), which no site can
 * change.
 */
static SubmitOutcome
judge_rcpt_refusal(const char *text)
{
	static const char *const of_us[] = { "Client host rejected", "Helo command rejected",
		                             "Relay access denied" };
	for (size_t i = 0; i < G_N_ELEMENTS(of_us); i++)
		if (strstr(text, of_us[i]) != NULL)
			return SUBMIT_AGAIN;
	return strstr(text, "Sender address rejected") != NULL ? SUBMIT_MAIL_REFUSED
	                                                       : SUBMIT_RECIPIENT_REFUSED;
}

/* 421: "service not available, closing" (RFC 5321 3.8). */
enum { REPLY_CLOSING = 421 };

/* What a reply means; `want` is 2 or 3, the class of success. */
static SubmitOutcome
judge(Talk *talk, const GString *line, int code, const char *text, int want, const char *step)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	bool has_line = line->str[0] != '.' && line->str[0] != '\r';
	if (code / 100 == want)
		return SUBMIT_DONE;
	if (code == 0)
		return lost(talk, "no answer to %s: %s", step, has_line ? line : NULL);

	note_reply(talk, has_line ? line->str : step, has_line ? line->len : strlen(step), valid);
	talk->said->is_down = code == REPLY_CLOSING;
	SubmitOutcome outcome = again(talk, "%2$s (in reply to %1$s)", step, valid);
	if (code / 100 != 5 || is_our_fault(code))
		return outcome;

	return step == step_rcpt ? judge_rcpt_refusal(valid) : SUBMIT_MAIL_REFUSED;
}

static SubmitOutcome
command(Talk *talk, const char *step, const GString *line, int want)
{
	g_autoptr(GString) text = g_string_new(NULL);
	if (!talk->line->send(talk->line->user, line->str, line->len))
		return lost(talk, "cannot send %s: %s", step, line);
	int code = read_reply(talk, text);
	SubmitOutcome outcome = judge(talk, line, code, text->str, want, step);
	if (outcome == SUBMIT_DONE && step == step_end)
		talk->said->taken = g_utf8_make_valid(text->str, -1);
	return outcome;
}

static bool
is_ascii(const char *text)
{
	for (; *text != '\0'; text++)
		if ((guchar) *text >= 0x80)
			return false;
	return true;
}

/* Has the message octets beyond ASCII? The file is looked at in pieces. */
static bool
has_high_octets(const RouteMail *mail)
{
	const guchar *head = mail->head;

	for (size_t i = 0; i < mail->head_len; i++)
		if (head[i] >= 0x80)
			return true;
	g_autofree guchar *buffer = g_malloc(PIECE);
	for (off_t at = 0; at < mail->body_len;) {
		ssize_t n = pread(mail->body_fd, buffer, (size_t) MIN(mail->body_len - at, PIECE),
		                  mail->body_at + at);
		for (ssize_t i = 0; i < n; i++)
			if (buffer[i] >= 0x80)
				return true;
		if (n <= 0)
			return false;
		at += n;
	}

	return false;
}

static void
append_param(GString *out, bool offered, const char *name, const char *value)
{
	if (offered && value != NULL)
		g_string_append_printf(out, " %s=%s", name, value);
}

static SubmitOutcome
say_mail(Talk *talk, const RouteMail *mail, const SubmitPaths *paths, const SubmitOffers *offers)
{
	bool utf8 = !is_ascii(paths->from) || !is_ascii(paths->to);

	if (utf8 && !offers->smtputf8) {
		static const char ehlo[] = "EHLO", why[] = "SMTPUTF8 is not offered";
		note_reply(talk, ehlo, strlen(ehlo), why);
		(void) again(talk, "%s %s", "550 5.6.7",
		             "an address needs SMTPUTF8, and the server does not offer it");
		return SUBMIT_MAIL_REFUSED;
	}

	g_autoptr(GString) line = g_string_new("MAIL FROM:");
	g_string_append(line, paths->from);
	if (offers->eightbit && has_high_octets(mail))
		g_string_append(line, " BODY=8BITMIME");
	if (utf8)
		g_string_append(line, " SMTPUTF8");
	append_param(line, offers->dsn, "RET", mail->ret);
	append_param(line, offers->dsn, "ENVID", mail->envid);
	g_string_append(line, "\r\n");

	return command(talk, "MAIL FROM", line, 2);
}

static SubmitOutcome
say_rcpt(Talk *talk, const RouteMail *mail, const SubmitPaths *paths, const SubmitOffers *offers)
{
	g_autoptr(GString) line = g_string_new("RCPT TO:");

	g_string_append(line, paths->to);
	append_param(line, offers->dsn, "NOTIFY", mail->notify);
	append_param(line, offers->dsn, "ORCPT", mail->orcpt);
	g_string_append(line, "\r\n");

	return command(talk, step_rcpt, line, 2);
}

static bool
flush(Talk *talk)
{
	bool sent = talk->out->len == 0 ||
	            talk->line->send(talk->line->user, talk->out->str, talk->out->len);
	g_string_truncate(talk->out, 0);
	return sent;
}

/*
 * Octets of the message: line ends become CRLF, a dot at the start of a line is doubled (RFC 5321
 * 4.5.2).
 */
static bool
send_octets(Talk *talk, const char *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] == '\n' && talk->last != '\r')
			g_string_append_c(talk->out, '\r');
		if (data[i] == '.' && talk->last == '\n')
			g_string_append_c(talk->out, '.');
		g_string_append_c(talk->out, data[i]);
		talk->last = data[i];
	}
	return talk->out->len < PIECE || flush(talk);
}

static bool
send_body(Talk *talk, const RouteMail *mail)
{
	g_autofree char *buffer = g_malloc(PIECE);
	for (off_t at = 0; at < mail->body_len;) {
		ssize_t n = pread(mail->body_fd, buffer, (size_t) MIN(mail->body_len - at, PIECE),
		                  mail->body_at + at);
		if (n <= 0 || !send_octets(talk, buffer, (size_t) n))
			return false;
		at += n;
	}

	return true;
}

/* A message that broke off must not be ended by a dot: the other side would take it for whole. */
static SubmitOutcome
say_message(Talk *talk, const RouteMail *mail)
{
	const char *head = mail->head;
	bool sent = true;

	for (size_t at = 0; sent && at < mail->head_len; at += PIECE)
		sent = send_octets(talk, head + at, MIN((size_t) PIECE, mail->head_len - at));
	if (!sent || !send_body(talk, mail) || !flush(talk))
		return lost(talk, "cannot send %s: %s", "the message", NULL);
	talk->line->at_end(talk->line->user);

	g_autoptr(GString) end = g_string_new(talk->last == '\n' ? ".\r\n" : "\r\n.\r\n");
	return command(talk, step_end, end, 2);
}

static SubmitOutcome
say_all(Talk *talk, const RouteMail *mail, const SubmitPaths *paths, const SubmitOffers *offers)
{
	g_autoptr(GString) data = g_string_new("DATA\r\n");
	SubmitOutcome outcome = say_mail(talk, mail, paths, offers);

	if (outcome == SUBMIT_DONE)
		outcome = say_rcpt(talk, mail, paths, offers);
	if (outcome == SUBMIT_DONE)
		outcome = command(talk, "DATA", data, 3);
	return outcome == SUBMIT_DONE ? say_message(talk, mail) : outcome;
}

SubmitOutcome
submit_talk(const RouteMail *mail, const SubmitPaths *paths, const SubmitOffers *offers,
            const SubmitLine *line, SubmitSaid *ret_said)
{
	Talk talk = { .line = line,
		      .ahead = g_string_new(NULL),
		      .out = g_string_new(NULL),
		      .last = '\n',
		      .said = ret_said };
	SubmitOutcome outcome = say_all(&talk, mail, paths, offers);

	/* Whatever becomes of QUIT changes nothing any more. */
	if (outcome == SUBMIT_DONE)
		(void) line->send(line->user, "QUIT\r\n", strlen("QUIT\r\n"));
	g_string_free(talk.ahead, TRUE);
	g_string_free(talk.out, TRUE);

	return outcome;
}
