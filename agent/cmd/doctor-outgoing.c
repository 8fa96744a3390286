/* SPDX-License-Identifier: MIT */
/*
 * doctor-outgoing: does what the setting submit names answer, and take mail from us? EHLO, MAIL,
 * RCPT and RSET: no message is sent.
 */
#include "agent/cmd/doctor.h"

#include "agent/base/limits.h"
#include "agent/cmd/smtp-ask.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

/* A sender that deliveries have: the null sender, and the postmaster of what the site is called. */
static char *
own_sender(const Doctor *doctor)
{
	return *doctor->conf->postmaster_address != '\0'
	               ? g_strdup(doctor->conf->postmaster_address)
	               : g_strdup_printf("postmaster@%s", doctor->site->host);
}

static char *
start_command(const Doctor *doctor)
{
	return postfix_command("postfix", doctor->postfix_folder, "start");
}

/* A Postfix of this host that refuses us does not count loopback as its own. */
static char *
trust_command(const Doctor *doctor)
{
	static const char here[] = "smtp:127.0.0.1:";
	if (!g_str_has_prefix(doctor->conf->submit, here))
		return NULL;
	return postfix_command("postconf", doctor->postfix_folder,
	                       "-e 'mynetworks = 127.0.0.0/8 [::1]/128'");
}

static void
talk_with(Doctor *doctor, SmtpAsk *talk)
{
	g_autofree char *sender = own_sender(doctor),
			*hello = g_strdup_printf("EHLO %s", doctor->site->host),
			*mail = g_strdup_printf("MAIL FROM:<%s>", sender);
	const char *const commands[] = { hello,  "MAIL FROM:<>", "RCPT TO:<postmaster>",
		                         "RSET", mail,           "RCPT TO:<postmaster>",
		                         "RSET" };
	const char *asked = "(greeting)";
	bool is_good = smtp_ask_is_answered(talk, '2');

	for (size_t i = 0; is_good && i < G_N_ELEMENTS(commands); i++) {
		asked = commands[i];
		is_good = smtp_ask(talk, asked, '2');
	}
	if (!is_good)
		doctor_find(doctor, DOCTOR_OUTGOING_REFUSED, "todoke.conf", trust_command(doctor),
		            doctor->conf->submit, asked, talk->answer, NULL);
	else
		(void) smtp_ask(talk, "QUIT", '2');
}

static void
look_at_program(Doctor *doctor, const char *path)
{
	if (access(path, X_OK) != 0)
		doctor_find(doctor, DOCTOR_OUTGOING_PROGRAM, "todoke.conf",
		            doctor_set_command(doctor, "submit", "\"smtp:127.0.0.1:25\""),
		            doctor->conf->submit, g_strerror(errno), NULL);
}

void
doctor_outgoing(Doctor *doctor)
{
	static const char by_smtp[] = "smtp:", program[] = "sendmail:";
	const char *submit = doctor->conf->submit;
	if (g_str_has_prefix(submit, program)) {
		look_at_program(doctor, submit + strlen(program));
		return;
	}
	if (!g_str_has_prefix(submit, by_smtp))
		return; /* check tells */

	SmtpAsk talk;
	g_autofree char *why = smtp_ask_open(&talk, submit + strlen(by_smtp),
	                                     LIMIT_DOCTOR_PROGRAM_S);
	if (why != NULL)
		doctor_find(doctor, DOCTOR_OUTGOING_DOWN, "todoke.conf", start_command(doctor),
		            submit, why, NULL);
	else
		talk_with(doctor, &talk);
	smtp_ask_close(&talk);
}
