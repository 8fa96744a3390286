/* SPDX-License-Identifier: MIT */
/*
 * enotify: RFC 5435, complete, with the method mailto (RFC 5436). Other methods are a fault when
 * notify runs, and valid_notify_method says no to them. Sending, and what must not be answered with
 * a notice, are the agent's matter.
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"
#include "filters/sieve/lang/sieve-variable.h"

#include "agent/message/address-list.h"
#include "agent/message/mailto.h"
#include "agent/plan/plan-notice.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

/* What is wrong with a method; NULL: nothing. */
static const char *
method_fault(SieveText method)
{
	g_auto(Mailto) mailto = { 0 };
	const char *why = NULL;
	if (!mailto_is(method.data, method.len))
		return "only mailto is known here";
	return mailto_parse(method.data, method.len, &mailto, &why) ? NULL : why;
}

static bool
names_nobody(SieveText method)
{
	g_auto(Mailto) mailto = { 0 };
	const char *why;
	return mailto_parse(method.data, method.len, &mailto, &why) &&
	       mailto.to->len + mailto.cc->len == 0;
}

static bool
is_importance(SieveText text)
{
	return text.len == 1 && text.data[0] >= '0' + PLAN_NOTICE_HIGH &&
	       text.data[0] <= '0' + PLAN_NOTICE_LOW;
}

static bool
check_importance(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	const SieveString *importance = &tag->value->strings[0];
	if (importance->template != NULL || is_importance(importance->text))
		return true;

	return sieve_check_error(
		check, importance->span, "bad-importance", "\"1\" is high, \"2\" normal, \"3\" low",
		"\"%.*s\" is not an importance", (int) importance->text.len, importance->text.data);
}

/* One address, perhaps with a name. */
static bool
is_author(SieveText text)
{
	g_auto(AddressList) list = { 0 };
	address_list_parse(text.data, text.len, ADDRESS_NAMES_RAW, &list);
	return list.count == 1 && list.items[0].valid && !list.items[0].is_group;
}

static bool
check_from(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	const SieveString *from = &tag->value->strings[0];
	const SieveString *method = &call->positional[0]->strings[0];
	if (from->template != NULL || !mailto_is(method->text.data, method->text.len) ||
	    is_author(from->text))
		return true;

	return sieve_check_error(check, from->span, "bad-address",
	                         "write user@example.org, or Name <user@example.org>",
	                         "\"%.*s\" is not an address", (int) from->text.len,
	                         from->text.data);
}

/* optionname "=" value without line ends and NULs (RFC 5435 3.5). */
static bool
is_option(SieveText text)
{
	const char *equal = memchr(text.data, '=', text.len);
	if (equal == NULL || !g_ascii_isalnum(text.data[0]))
		return false;

	for (const char *c = text.data; c < equal; c++)
		if (!g_ascii_isalnum(*c) && strchr(".-_", *c) == NULL)
			return false;
	for (const char *c = equal + 1; c < text.data + text.len; c++)
		if (*c == '\0' || *c == '\n' || *c == '\r')
			return false;
	return true;
}

static bool
check_options(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	bool good = true;
	for (size_t i = 0; i < tag->value->n; i++) {
		const SieveString *option = &tag->value->strings[i];
		if (option->template == NULL && !is_option(option->text))
			good = sieve_check_error(check, option->span, "bad-option",
			                         "write name=value", "\"%.*s\" is not an option",
			                         (int) option->text.len, option->text.data);
	}

	return good;
}

/*
 * An unknown method is a fault only where notify runs: a script may ask valid_notify_method first.
 */
static bool
check_notify(SieveCheck *check, SieveCall *call)
{
	const SieveString *method = &call->positional[0]->strings[0];
	const char *fault = method->template == NULL ? method_fault(method->text) : NULL;

	if (fault == NULL && method->template == NULL && names_nobody(method->text))
		sieve_check_warning(check, method->span, "nobody", "write mailto:user@example.org",
		                    "this notice goes to nobody");
	if (fault == NULL)
		return true;

	if (mailto_is(method->text.data, method->text.len))
		return sieve_check_error(check, method->span, "bad-method",
		                         "write mailto:user@example.org", "bad method: %s", fault);
	sieve_check_warning(check, method->span, "unknown-method", "write mailto:user@example.org",
	                    "notify fails here: %s", fault);
	return true;
}

static int
importance_of(SieveRun *run, const SieveCall *call)
{
	const SieveTag *tag = sieve_call_tag(call, "importance");
	SieveText text = tag != NULL ? sieve_run_text(run, &tag->value->strings[0])
	                             : SIEVE_TEXT("2");
	if (is_importance(text))
		return text.data[0] - '0';

	sieve_run_fail(run, call, STATUS_SCRIPT, "\"%.*s\" is not an importance",
	               sieve_text_shown(text, 200), text.data);
	return 0;
}

/*
 * *ret_author (caller frees): NULL without :from. False: that is no address, an error (RFC 5435
 * 3.3).
 */
static bool
author_of(SieveRun *run, const SieveCall *call, char **ret_author)
{
	const SieveTag *tag = sieve_call_tag(call, "from");
	SieveText from = tag != NULL ? sieve_run_text(run, &tag->value->strings[0])
	                             : SIEVE_TEXT("");

	if (tag != NULL && !is_author(from))
		return sieve_run_fail(run, call, STATUS_SCRIPT,
		                      "':from' \"%.*s\" is not an address",
		                      sieve_text_shown(from, 200), from.data);

	*ret_author = tag != NULL ? sieve_text_one_line(from) : NULL;
	return true;
}

static char *
message_of(SieveRun *run, const SieveCall *call)
{
	const SieveTag *tag = sieve_call_tag(call, "message");
	SieveText text = tag != NULL ? sieve_run_text(run, &tag->value->strings[0])
	                             : SIEVE_TEXT("");
	return tag != NULL ? g_strndup(text.data, text.len) : NULL;
}

static bool
run_notify(SieveRun *run, const SieveCall *call)
{
	SieveText method = sieve_run_text(run, &call->positional[0]->strings[0]);
	const SieveTag *options = sieve_call_tag(call, "options");
	const char *fault = method_fault(method);

	if (fault != NULL)
		return sieve_run_fail(run, call, STATUS_SCRIPT, "cannot notify by \"%.*s\": %s",
		                      sieve_text_shown(method, 200), method.data, fault);
	int importance = importance_of(run, call);
	g_autofree char *author = NULL;
	if (importance == 0 || !author_of(run, call, &author))
		return false;

	PlanAction *action = sieve_run_action_new(run, PLAN_NOTIFY, call);
	PlanNotice *notice = plan_notice_of(action);
	notice->method = g_strndup(method.data, method.len);
	notice->importance = importance;
	notice->from = g_steal_pointer(&author);
	notice->message = message_of(run, call);
	notice->options = sieve_run_strings(run, options != NULL ? options->value : NULL);

	return sieve_run_action(run, call, action);
}

/* Tests */

static bool
test_valid_notify_method(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveArg *methods = call->positional[0];

	*ret_result = true;
	for (size_t i = 0; i < methods->n && *ret_result; i++) {
		SieveText method = sieve_run_text(run, &methods->strings[i]);
		const char *fault = method_fault(method);
		*ret_result = fault == NULL;
		if (fault != NULL)
			sieve_run_trace(run, TRACE_MATCHING, call, "\"%.*s\": %s",
			                sieve_text_shown(method, 200), method.data, fault);
	}

	return true;
}

/*
 * What mailto can: who reads mail when is not known (RFC 5436 2.2), and a copy can be kept (RFC
 * 8580 6.1). Empty: unknown.
 */
static SieveText
capability_of_mailto(SieveText name)
{
	if (sieve_text_is(name, "online"))
		return SIEVE_TEXT("maybe");
	return sieve_text_is(name, "fcc") ? SIEVE_TEXT("yes") : SIEVE_TEXT("");
}

static bool
test_notify_method_capability(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	SieveText method = sieve_run_text(run, &call->positional[0]->strings[0]);
	SieveText answer = capability_of_mailto(
		sieve_run_text(run, &call->positional[1]->strings[0]));

	*ret_result = false;
	if (method_fault(method) != NULL || answer.len == 0)
		return true;

	return sieve_match_begin(&match, run, call) && sieve_match_add(&match, answer) &&
	       sieve_match_end(&match, ret_result);
}

/* A sign that stands for itself in a URI (RFC 3986 2.3). */
static bool
is_unreserved(char c)
{
	return g_ascii_isalnum(c) || (c != '\0' && strchr("-._~", c) != NULL);
}

/*
 * :encodeurl: all but the unreserved signs. A value that is cut ends before the escapes of a whole
 * character.
 */
static SieveText
modify_encodeurl(SieveRun *run, SieveText value)
{
	static const char digits[] = "0123456789ABCDEF";
	char *encoded = sieve_arena_alloc(run->scratch, 3 * value.len + 1);
	size_t n = 0;

	for (size_t i = 0, len; i < value.len; i += len) {
		len = sieve_variable_character((SieveText){ value.data + i, value.len - i });
		bool is_plain = is_unreserved(value.data[i]);
		if (n + (is_plain ? 1 : 3 * len) > run->variable_limit)
			break;
		if (is_plain)
			encoded[n++] = value.data[i];
		for (size_t k = i; !is_plain && k < i + len; k++) {
			encoded[n++] = '%';
			encoded[n++] = digits[(guchar) value.data[k] >> 4];
			encoded[n++] = digits[(guchar) value.data[k] & 15];
		}
	}

	return (SieveText){ encoded, n };
}

static const SieveModifier modifiers[] = { { "encodeurl", 15, modify_encodeurl },
	                                   { NULL, 0, NULL } };

static const SieveTagDef tags[] = {
	{ .name = "from", .value = SIEVE_STRING, .check = check_from },
	{ .name = "importance", .value = SIEVE_STRING, .check = check_importance },
	{ .name = "options", .value = SIEVE_STRINGS, .check = check_options },
	{ .name = "message", .value = SIEVE_STRING },
	{ .name = NULL }
};

static const SieveCallDef commands[] = { { .name = "notify",
	                                   .positional = { SIEVE_STRING },
	                                   .flags = SIEVE_IS_ACTION,
	                                   .tags = tags,
	                                   .check = check_notify,
	                                   .run = run_notify },
	                                 { .name = NULL } };

static const SieveCallDef tests[] = { { .name = "valid_notify_method",
	                                .positional = { SIEVE_STRINGS },
	                                .test = test_valid_notify_method },
	                              { .name = "notify_method_capability",
	                                .positional = { SIEVE_STRING, SIEVE_STRING, SIEVE_STRINGS },
	                                .flags = SIEVE_USES_MATCH,
	                                .test = test_notify_method_capability },
	                              { .name = NULL } };

const SieveExt sieve_ext_enotify = {
	.capability = "enotify",
	.rfc = "RFC 5435",
	.commands = commands,
	.tests = tests,
	.modifiers = modifiers,
};
