/* SPDX-License-Identifier: MIT */
/*
 * redirect-dsn and envelope-dsn: RFC 6009 4 and 6, complete. Deliver-By (5, 7) is not here: Postfix
 * has none. What the envelope holds is xtext on the wire (RFC 3461 4) and is decoded for tests;
 * NOTIFY is upper case, its words in alphabetical order.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

/* redirect-dsn */

static const char *const conditions[] = { "DELAY", "FAILURE", "SUCCESS" };

/*
 * NOTIFY's value in the form above; NULL: it is none (RFC 3461 4.1: NEVER stands alone). Caller
 * frees.
 */
static char *
notify_value(SieveText text)
{
	g_autofree char *upper = g_ascii_strup(text.data, (gssize) text.len);
	bool given[G_N_ELEMENTS(conditions)] = { false };
	if (strlen(upper) != text.len || text.len == 0)
		return NULL;
	if (strcmp(upper, "NEVER") == 0)
		return g_steal_pointer(&upper);

	g_auto(GStrv) words = g_strsplit(upper, ",", -1);
	for (size_t w = 0; words[w] != NULL; w++) {
		size_t i = 0;
		while (i < G_N_ELEMENTS(conditions) && strcmp(conditions[i], words[w]) != 0)
			i++;
		if (i == G_N_ELEMENTS(conditions))
			return NULL;
		given[i] = true;
	}

	g_autoptr(GString) value = g_string_new(NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(conditions); i++)
		if (given[i])
			g_string_append_printf(value, "%s%s", value->len > 0 ? "," : "",
			                       conditions[i]);

	return g_strdup(value->str);
}

static char *
ret_value(SieveText text)
{
	g_autofree char *upper = g_ascii_strup(text.data, (gssize) text.len);
	bool good = strlen(upper) == text.len &&
	            (strcmp(upper, "FULL") == 0 || strcmp(upper, "HDRS") == 0);
	return good ? g_steal_pointer(&upper) : NULL;
}

static bool
check_value(SieveCheck *check, const SieveTag *tag, char *(*read)(SieveText), const char *hint)
{
	const SieveString *string = &tag->value->strings[0];
	g_autofree char *value = string->template == NULL ? read(string->text) : NULL;
	if (string->template != NULL || value != NULL)
		return true;

	return sieve_check_error(check, string->span, "bad-dsn", hint,
	                         "':%s' does not take \"%.*s\"", tag->def->name,
	                         (int) string->text.len, string->text.data);
}

static bool
check_notify(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	return check_value(check, tag, notify_value,
	                   "NEVER, or a list of SUCCESS,FAILURE,DELAY without blanks");
}

static bool
check_ret(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	return check_value(check, tag, ret_value, "FULL or HDRS");
}

static bool
set_value(SieveRun *run, const SieveCall *call, const SieveTag *tag, char *(*read)(SieveText),
          char **to)
{
	SieveText text = sieve_run_text(run, &tag->value->strings[0]);

	*to = read(text);
	if (*to != NULL)
		return true;

	return sieve_run_fail(run, call, STATUS_SCRIPT, "':%s' does not take \"%.*s\"",
	                      tag->def->name, sieve_text_shown(text, 200), text.data);
}

static bool
set_notify(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	return set_value(run, call, tag, notify_value, &action->dsn.notify);
}

static bool
set_ret(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	return set_value(run, call, tag, ret_value, &action->dsn.ret);
}

static const SieveTagDef redirect_tags[] = { { .name = "notify",
	                                       .value = SIEVE_STRING,
	                                       .on = "redirect",
	                                       .check = check_notify,
	                                       .action = set_notify },
	                                     { .name = "ret",
	                                       .value = SIEVE_STRING,
	                                       .on = "redirect",
	                                       .check = check_ret,
	                                       .action = set_ret },
	                                     { .name = NULL } };

const SieveExt sieve_ext_redirect_dsn = { .capability = "redirect-dsn",
	                                  .rfc = "RFC 6009",
	                                  .tags = redirect_tags };

/* envelope-dsn */

static void
append_text(SieveRun *run, GArray *values, const char *text)
{
	SieveText value = { sieve_arena_copy(run->scratch, text, strlen(text)), strlen(text) };
	g_array_append_val(values, value);
}

/* xtext: "+" and two hexadecimal digits are an octet. Caller frees. */
static char *
decode_xtext(const char *text)
{
	GString *decoded = g_string_new(NULL);
	for (; *text != '\0'; text++) {
		bool escape = *text == '+' && g_ascii_isxdigit(text[1]) &&
		              g_ascii_isxdigit(text[2]);
		char c = escape ? (char) (g_ascii_xdigit_value(text[1]) * 16 +
		                          g_ascii_xdigit_value(text[2]))
		                : *text;
		text += escape ? 2 : 0;
		if (c != '\0')
			g_string_append_c(decoded, c);
	}

	return g_string_free(decoded, FALSE);
}

static void
append_xtext(SieveRun *run, GArray *values, const char *text)
{
	g_autofree char *decoded = text != NULL ? decode_xtext(text) : NULL;
	if (decoded != NULL)
		append_text(run, values, decoded);
}

/* Each condition is a value of its own. */
static bool
get_notify(SieveRun *run, GArray *values)
{
	const char *notify = run->input->envelope->notify;
	g_autofree char *value = notify != NULL
	                                 ? notify_value((SieveText){ notify, strlen(notify) })
	                                 : NULL;
	g_auto(GStrv) words = value != NULL ? g_strsplit(value, ",", -1) : NULL;

	for (size_t i = 0; words != NULL && words[i] != NULL; i++)
		append_text(run, values, words[i]);
	return true;
}

static bool
get_orcpt(SieveRun *run, GArray *values)
{
	append_xtext(run, values, run->input->envelope->orcpt);
	return true;
}

static bool
get_ret(SieveRun *run, GArray *values)
{
	const char *ret = run->input->envelope->ret;
	g_autofree char *value = ret != NULL ? ret_value((SieveText){ ret, strlen(ret) }) : NULL;
	if (value != NULL)
		append_text(run, values, value);
	return true;
}

static bool
get_envid(SieveRun *run, GArray *values)
{
	append_xtext(run, values, run->input->envelope->envid);
	return true;
}

static const SieveEnvelopePart parts[] = { { "notify", false, get_notify },
	                                   { "orcpt", false, get_orcpt },
	                                   { "ret", false, get_ret },
	                                   { "envid", false, get_envid },
	                                   { NULL, false, NULL } };

const SieveExt sieve_ext_envelope_dsn = { .capability = "envelope-dsn",
	                                  .rfc = "RFC 6009",
	                                  .envelope_parts = parts };
