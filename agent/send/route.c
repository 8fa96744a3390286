/* SPDX-License-Identifier: MIT */
/* outmail: checks what goes out, and takes the way that the setting names. */
#include "agent/send/route.h"

#include "agent/base/child.h"
#include "agent/base/limits.h"
#include "agent/base/module.h"
#include "agent/message/address-print.h"
#include "agent/send/submit-module.h"

#include <string.h>
#include <sysexits.h>

/* A host or address literal, a colon, a port. */
static bool
is_host_and_port(const char *target)
{
	const char *colon = strrchr(target, ':');
	guint64 port;
	if (colon == NULL || colon == target ||
	    !g_ascii_string_to_unsigned(colon + 1, 10, 1, 65535, &port, NULL))
		return false;

	bool literal = target[0] == '[' && colon[-1] == ']';
	for (const char *c = target; c < colon; c++)
		if (!g_ascii_isalnum(*c) && *c != '.' && *c != '-' &&
		    !(literal && strchr("[]:", *c) != NULL))
			return false;

	return true;
}

bool
route_is_valid(const char *submit, const char **ret_why)
{
	*ret_why = "want smtp:HOST:PORT, smtp:unix:/PATH or sendmail:/PATH";
	if (g_str_has_prefix(submit, "sendmail:"))
		return submit[strlen("sendmail:")] == '/';
	if (g_str_has_prefix(submit, "smtp:unix:"))
		return submit[strlen("smtp:unix:")] == '/';

	return g_str_has_prefix(submit, "smtp:") && is_host_and_port(submit + strlen("smtp:"));
}

bool
route_param_is_safe(const char *value)
{
	for (const char *c = value; *c != '\0'; c++)
		if (!g_ascii_isgraph(*c))
			return false;
	return *value != '\0' && strlen(value) <= LIMIT_ADDRESS_BYTES;
}

static const SubmitModule *
open_submit(Status *st)
{
	static const SubmitModule *opened;
	if (opened == NULL)
		opened = module_open(SUBMIT_MODULE_FILE, SUBMIT_MODULE_SYMBOL,
		                     SUBMIT_MODULE_VERSION, st);
	return opened;
}

/*
 * What an enhanced code (RFC 3463) says of an address that refuses mail, for somebody who must not
 * learn which address that is.
 */
static const char *
cause_of_refusal(const char *dsn)
{
	if (g_str_has_prefix(dsn, "5.1."))
		return "the address is unknown there";
	if (g_str_has_prefix(dsn, "5.2."))
		return "the mailbox there takes no mail";
	return g_str_has_prefix(dsn, "5.7.") ? "not allowed there" : NULL;
}

/* Why it is put off, in as few words. */
static const char *
cause_of_delay(const char *words)
{
	if (g_ascii_isdigit(*words))
		return "the mail server puts it off";
	return g_str_has_prefix(words, "exit code") || g_str_has_prefix(words, "signal")
	               ? "sendmail failed"
	               : "the mail server does not answer";
}

/* The enhanced code behind the reply code: "550 5.1.1 no such user". Caller frees; "": none. */
static char *
enhanced_code(const char *words)
{
	const char *code = strlen(words) > 4 ? words + 4 : "";
	return g_strndup(code, strspn(code, "0123456789."));
}

/* "smtp:HOST:PORT" and "sendmail:/PATH" are protocol and peer. */
static const char *
protocol_of(const Route *route)
{
	return g_str_has_prefix(route->submit, "smtp:") ? OUTSIDE_SMTP : OUTSIDE_SENDMAIL;
}

static const char *
peer_of(const Route *route)
{
	return route->submit + strlen(protocol_of(route)) + 1;
}

static Outside *
outside_of(const Route *route, const SubmitSaid *said)
{
	Outside *outside = outside_new(protocol_of(route), peer_of(route), said->command,
	                               said->reply);
	outside->is_down = said->is_down;
	return outside;
}

/*
 * The words of the other side, with command, server and target, are for the log only; the sender of
 * the mail gets code and cause: a bounce must not tell a stranger where the owner's mail goes.
 */
static bool
fail(SubmitOutcome outcome, const char *to, const Route *route, const SubmitSaid *said, Status *st)
{
	const char *words = said->words != NULL ? said->words : "";
	static const StatusId ids[] = {
		[SUBMIT_AGAIN] = STATUS_SUBMIT,
		[SUBMIT_RECIPIENT_REFUSED] = STATUS_SUBMIT_REFUSED,
		[SUBMIT_MAIL_REFUSED] = STATUS_SUBMIT_MAIL,
	};
	StatusId id = ids[outcome];
	g_autofree char *dsn = enhanced_code(words);
	const char *cause = NULL;

	if (id == STATUS_SUBMIT_REFUSED)
		cause = cause_of_refusal(dsn);
	else if (id == STATUS_SUBMIT)
		cause = cause_of_delay(words);

	status_fail_detail(st, id, "%s by %s: %s", to, route->submit, words);
	if (id != STATUS_SUBMIT)
		status_set_dsn(st, dsn);
	if (cause != NULL)
		st->text = g_strdup_printf("%s: %s", status_row(id)->text, cause);
	status_set_outside(st, outside_of(route, said));

	return false;
}

static bool
send_by_smtp(const RouteMail *mail, const Route *route, char **ret_reply, Status *st)
{
	const SubmitModule *module = open_submit(st);
	if (module == NULL)
		return false;

	g_auto(SubmitSaid) said = { 0 };
	g_autofree char *from = address_print_path(mail->sender),
			*to = address_print_path(mail->recipient);
	SubmitPaths paths = { from, to };
	SubmitOutcome outcome = module->send(mail, &paths, route, &said);

	if (outcome != SUBMIT_DONE)
		return fail(outcome, to, route, &said, st);
	*ret_reply = g_steal_pointer(&said.taken);
	return true;
}

/* What cannot stand in a command is not passed on. */
static const char *
safe_param(const char *value)
{
	return value != NULL && route_param_is_safe(value) ? value : NULL;
}

static void
add_option(GPtrArray *argv, const char *option, const char *value)
{
	if (value == NULL)
		return;
	g_ptr_array_add(argv, (gpointer) option);
	g_ptr_array_add(argv, (gpointer) value);
}

/*
 * sendmail's exit codes. Postfix answers 64 to 78 for many faults of its own; only what blames the
 * mail is permanent.
 */
static bool
judge_sendmail(const RouteMail *mail, const Route *route, const ChildResult *result,
               SubmitSaid *said, Status *st)
{
	if (result->exit_code == EX_OK)
		return true;
	g_autofree char *words = g_strdup(result->errors);
	g_strstrip(words);

	g_autofree char *to = address_print_path(mail->recipient);
	said->reply = g_strdup_printf("%s %d: %s", result->exit_code < 0 ? "signal" : "exit code",
	                              result->exit_code < 0 ? result->signal : result->exit_code,
	                              words);
	said->words = g_strdup(said->reply);
	if (result->exit_code == EX_DATAERR)
		return fail(SUBMIT_MAIL_REFUSED, to, route, said, st);

	if (result->exit_code == EX_NOUSER || result->exit_code == EX_NOHOST) {
		g_free(said->words);
		said->words = g_strdup_printf("550 %s %s",
		                              result->exit_code == EX_NOUSER ? "5.1.1" : "5.1.2",
		                              said->reply);
		return fail(SUBMIT_RECIPIENT_REFUSED, to, route, said, st);
	}

	said->is_down = true; /* a program that runs, and does not do what it is for */
	return fail(SUBMIT_AGAIN, to, route, said, st);
}

static bool
send_by_sendmail(const RouteMail *mail, const Route *route, Status *st)
{
	static const char *const envp[] = { "PATH=/usr/sbin:/usr/bin:/bin", "LANG=C", NULL };
	const char *path = route->submit + strlen("sendmail:");
	g_autofree char *from = address_print_argument(mail->sender),
			*to = address_print_argument(mail->recipient);
	g_autoptr(GPtrArray) argv = g_ptr_array_new();
	const char *first[] = { path, "-i", "-f", from };

	for (size_t i = 0; i < G_N_ELEMENTS(first); i++)
		g_ptr_array_add(argv, (gpointer) first[i]);
	add_option(argv, "-N", mail->notify);
	add_option(argv, "-R", mail->ret);
	add_option(argv, "-V", mail->envid);
	g_ptr_array_add(argv, (gpointer) "--");
	g_ptr_array_add(argv, to);
	g_ptr_array_add(argv, NULL);

	ChildCall call = {
		.program.path = path,
		.program.argv = (const char *const *) argv->pdata,
		.program.envp = envp,
		.head = mail->head,
		.head_len = mail->head_len,
		.body_fd = mail->body_fd,
		.body_at = mail->body_at,
		.body_len = mail->body_len,
		.output_limit = LIMIT_CHILD_ERRORS,
		.seconds = route->seconds,
	};
	g_auto(ChildResult) result = { 0 };
	g_auto(Status) fault = STATUS_INIT;
	g_auto(SubmitSaid) said = { .command = g_strjoinv(" ", (char **) argv->pdata) };
	if (!child_run(&call, &result, &fault)) {
		said.words = g_strdup(fault.detail);
		said.reply = g_strdup(fault.detail);
		said.is_down = true;
		return fail(SUBMIT_AGAIN, to, route, &said, st);
	}

	return judge_sendmail(mail, route, &result, &said, st);
}

bool
route_send(const RouteMail *mail, const Route *route, char **ret_reply, Status *st)
{
	const char *why;
	if (!route_is_valid(route->submit, &why))
		return status_fail_detail(st, STATUS_CONFIG, "submit '%s': %s", route->submit, why);

	if (!address_text_is_sendable(mail->recipient) ||
	    (*mail->sender != '\0' && !address_text_is_sendable(mail->sender)))
		return status_fail_detail(st, STATUS_SUBMIT_MAIL,
		                          "mail cannot be sent to or from such an address");

	*ret_reply = NULL;
	RouteMail safe = *mail;
	safe.notify = safe_param(mail->notify);
	safe.orcpt = safe_param(mail->orcpt);
	safe.ret = safe_param(mail->ret);
	safe.envid = safe_param(mail->envid);

	bool done = g_str_has_prefix(route->submit, "smtp:")
	                    ? send_by_smtp(&safe, route, ret_reply, st)
	                    : send_by_sendmail(&safe, route, st);
	if (done || (st->outside != NULL && !st->outside->is_down))
		outside_reach(protocol_of(route), peer_of(route));

	return done;
}
