/* SPDX-License-Identifier: MIT */
/*
 * notify: draft-martin-sieve-notify-01, what enotify (RFC 5435) was before. Public scripts still
 * require it; its notices are taken as those of enotify by mailto, with a warning. :method other
 * than "mailto" is warned of and sends nothing. $from$, $env-from$, $subject$, $text$ and $text[n]$
 * of :message are put in; the message is the text of the notice.
 */
#define _GNU_SOURCE
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-ext.h"

#include "agent/base/limits.h"
#include "agent/message/address-list.h"
#include "agent/plan/plan-notice.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-pattern.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-mime.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

/* What denotify may take back. */
typedef struct {
	bool has_notified;
	size_t first; /* actions of the plan before the first notice of this run */
} NotifyState;

/*
 * The address in a text such as "Carol <carol@example.net>"; NULL: there is not just one. Caller
 * frees.
 */
static char *
address_in(SieveText text)
{
	g_auto(AddressList) list = { 0 };
	address_list_parse(text.data, text.len, ADDRESS_NAMES_RAW, &list);
	bool is_one = list.count == 1 && list.items[0].valid && !list.items[0].is_group;
	return is_one ? g_strdup(list.items[0].address) : NULL;
}

static bool
check_options(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	bool good = true;
	for (size_t i = 0; i < tag->value->n; i++) {
		const SieveString *option = &tag->value->strings[i];
		g_autofree char *address = option->template == NULL ? address_in(option->text)
		                                                    : NULL;
		if (option->template == NULL && address == NULL)
			good = sieve_check_error(check, option->span, "bad-address",
			                         "write user@example.org",
			                         "\"%.*s\" is not an address",
			                         (int) option->text.len, option->text.data);
	}

	return good;
}

static bool
is_mailto(SieveText method)
{
	return sieve_text_is(method, "mailto");
}

static bool
check_notify(SieveCheck *check, SieveCall *call)
{
	const SieveTag *method = sieve_call_tag(call, "method"),
		       *options = sieve_call_tag(call, "options");
	const SieveString *name = method != NULL ? &method->value->strings[0] : NULL;

	if (name != NULL && name->template == NULL && !is_mailto(name->text))
		sieve_check_warning(check, name->span, "unknown-method", "use :method \"mailto\"",
		                    "there are no notices by \"%.*s\" here; nothing is sent",
		                    (int) name->text.len, name->text.data);
	else if (options == NULL || options->value->n == 0)
		sieve_check_warning(check, call->span, "nobody",
		                    "add :options [\"user@example.org\"]",
		                    "this notice goes to nobody");

	return true;
}

/* The first field of that name, decoded; empty: there is none. */
static SieveText
field_value(SieveRun *run, const char *name)
{
	const SieveString wanted = { .text = { name, strlen(name) } };
	size_t n;
	const guint *fields = sieve_run_fields(run, NULL, &wanted, &n);
	return n > 0 ? sieve_run_field_value(run, fields[0]) : SIEVE_TEXT("");
}

/* The first part of the message that is text. */
static bool
text_of_message(SieveRun *run, SieveText *ret_text)
{
	*ret_text = SIEVE_TEXT("");
	const MimeTree *tree = run->message != NULL ? sieve_mime_tree(run) : NULL;
	if (tree == NULL)
		return run->message == NULL;

	sieve_mime_trim(run);
	for (size_t i = 0; i < mime_tree_count(tree); i++)
		if (mime_part_is(mime_tree_part(tree, i), "text", NULL))
			return sieve_mime_part(run, i, SIEVE_PART_TEXT, ret_text);
	return true;
}

/* "text[20]": at most so many characters. No number: LIMIT_NOTICE_BYTES. */
static bool
append_text(SieveRun *run, GString *out, SieveText name)
{
	SieveText text;
	if (!text_of_message(run, &text))
		return false;

	guint64 most = name.len > 5 ? g_ascii_strtoull(name.data + 5, NULL, 10)
	                            : LIMIT_NOTICE_BYTES;
	g_autofree char *valid = g_utf8_make_valid(text.data, (gssize) text.len);
	glong n = g_utf8_strlen(valid, -1);
	const char *end = g_utf8_offset_to_pointer(
		valid, (glong) MIN((guint64) n, MIN(most, LIMIT_NOTICE_BYTES)));
	g_string_append_len(out, valid, end - valid);

	return sieve_run_spend(run, text.len / 16 + 1);
}

/* text, or text[digits] */
static bool
is_text_name(SieveText name)
{
	if (sieve_text_is(name, "text"))
		return true;
	bool is_sliced = name.len > 6 && g_ascii_strncasecmp(name.data, "text[", 5) == 0 &&
	                 name.data[name.len - 1] == ']';
	for (size_t i = 5; is_sliced && i + 1 < name.len; i++)
		is_sliced = g_ascii_isdigit(name.data[i]);

	return is_sliced;
}

/* What stands between two dollar signs; *ret_known false: it is text. */
static bool
append_named(SieveRun *run, GString *out, SieveText name, bool *ret_known)
{
	const char *sender = run->input->envelope != NULL ? run->input->envelope->sender : NULL;
	SieveText value = SIEVE_TEXT("");

	*ret_known = true;
	if (is_text_name(name))
		return append_text(run, out, name);

	if (sieve_text_is(name, "from"))
		value = field_value(run, "from");
	else if (sieve_text_is(name, "subject"))
		value = field_value(run, "subject");
	else if (sieve_text_is(name, "env-from"))
		value = (SieveText){ sender != NULL ? sender : "",
			             sender != NULL ? strlen(sender) : 0 };
	else
		*ret_known = false;

	g_string_append_len(out, value.data, (gssize) value.len);
	return true;
}

static bool
expand(SieveRun *run, SieveText text, GString *out)
{
	for (size_t at = 0; at < text.len && out->len < LIMIT_NOTICE_BYTES;) {
		const char *end = text.data[at] == '$'
		                          ? memchr(text.data + at + 1, '$', text.len - at - 1)
		                          : NULL;
		bool is_known = false;
		SieveText name = { text.data + at + 1,
			           end != NULL ? (size_t) (end - text.data) - at - 1 : 0 };
		if (end != NULL && !append_named(run, out, name, &is_known))
			return false;
		if (!is_known)
			g_string_append_c(out, text.data[at]);
		at += is_known ? name.len + 2 : 1;
	}
	return true;
}

/* The notice as a URI of enotify. False: after a fault; *ret_uri NULL: it goes to nobody. */
static bool
make_uri(SieveRun *run, const SieveCall *call, const SieveArg *options, char **ret_uri)
{
	g_autoptr(GString) uri = g_string_new("mailto:"), message = g_string_new(NULL);
	size_t found = 0;

	for (size_t i = 0; i < options->n; i++) {
		SieveText text = sieve_run_text(run, &options->strings[i]);
		g_autofree char *address = address_in(text);
		if (address == NULL)
			return sieve_run_fail(run, call, STATUS_SCRIPT,
			                      "cannot notify \"%.*s\": it is not an address",
			                      sieve_text_shown(text, 200), text.data);
		g_autofree char *escaped = g_uri_escape_string(address, "@", FALSE);
		g_string_append_printf(uri, "%s%s", found++ > 0 ? "," : "", escaped);
	}

	const SieveTag *tag = sieve_call_tag(call, "message");
	SieveText text = tag != NULL ? sieve_run_text(run, &tag->value->strings[0])
	                             : SIEVE_TEXT("$from$: $subject$");
	if (!expand(run, text, message))
		return false;

	g_autofree char *escaped = g_uri_escape_string(message->str, NULL, FALSE);
	g_string_append_printf(uri, "?body=%s", escaped);
	*ret_uri = found > 0 ? g_string_free(g_steal_pointer(&uri), FALSE) : NULL;

	return true;
}

static int
importance_of(const SieveCall *call)
{
	if (sieve_call_tag(call, "low") != NULL)
		return PLAN_NOTICE_LOW;
	return sieve_call_tag(call, "normal") != NULL ? PLAN_NOTICE_NORMAL : PLAN_NOTICE_HIGH;
}

static bool
run_notify(SieveRun *run, const SieveCall *call)
{
	NotifyState *state = sieve_run_state(run, &sieve_ext_notify);
	const SieveTag *method = sieve_call_tag(call, "method"),
		       *options = sieve_call_tag(call, "options");
	const SieveTag *id = sieve_call_tag(call, "id");
	g_autofree char *uri = NULL;

	if (options == NULL ||
	    (method != NULL && !is_mailto(sieve_run_text(run, &method->value->strings[0]))))
		return true;
	if (!make_uri(run, call, options->value, &uri))
		return false;
	if (uri == NULL)
		return true;

	if (!state->has_notified)
		*state = (NotifyState){ true, plan_count(run->plan) };
	PlanAction *action = sieve_run_action_new(run, PLAN_NOTIFY, call);
	PlanNotice *notice = plan_notice_of(action);
	notice->method = g_steal_pointer(&uri);
	notice->importance = importance_of(call);
	notice->id = id != NULL ? g_strdup(sieve_run_string(run, id->value, 0)) : NULL;

	return sieve_run_action(run, call, action);
}

/* denotify */

static bool
id_matches(SieveRun *run, const SieveTag *tag, const char *id)
{
	const SieveComparator *comparator = &sieve_compare_ascii_casemap;
	SieveText key = sieve_compare_normalize(comparator, run->scratch,
	                                        sieve_run_text(run, &tag->value->strings[0]));
	SieveText value = sieve_compare_normalize(comparator, run->scratch,
	                                          (SieveText){ id, strlen(id) });

	if (strcmp(tag->def->name, "is") == 0)
		return sieve_text_equal(key, value);
	if (strcmp(tag->def->name, "contains") == 0)
		return memmem(value.data, value.len, key.data, key.len) != NULL;

	return sieve_pattern_match(sieve_pattern_new(run->scratch, key), comparator, value, NULL,
	                           NULL, &run->steps_left);
}

static bool
is_meant(SieveRun *run, const SieveCall *call, const PlanAction *action)
{
	const SieveTag *match = sieve_call_tag_of(call, "match"),
		       *importance = sieve_call_tag_of(call, "importance");
	if (action->kind != PLAN_NOTIFY)
		return false;
	if (importance != NULL && importance_of(call) != plan_notice_of(action)->importance)
		return false;

	return match == NULL || (plan_notice_of(action)->id != NULL &&
	                         id_matches(run, match, plan_notice_of(action)->id));
}

static bool
run_denotify(SieveRun *run, const SieveCall *call)
{
	const NotifyState *state = sieve_run_state(run, &sieve_ext_notify);
	if (!state->has_notified)
		return true;

	for (size_t i = plan_count(run->plan); i-- > state->first;)
		if (is_meant(run, call, plan_get(run->plan, i)))
			plan_drop(run->plan, i);
	return sieve_run_spend(run, 1);
}

#define IMPORTANCE_TAGS \
	{ .name = "low", .group = "importance" }, { .name = "normal", .group = "importance" }, \
	{ \
		.name = "high", .group = "importance" \
	}

static const SieveTagDef notify_tags[] = {
	{ .name = "method", .value = SIEVE_STRING },
	{ .name = "id", .value = SIEVE_STRING },
	{ .name = "options", .value = SIEVE_STRINGS, .check = check_options },
	{ .name = "message", .value = SIEVE_STRING },
	IMPORTANCE_TAGS,
	{ .name = NULL }
};

static const SieveTagDef denotify_tags[] = {
	{ .name = "is", .value = SIEVE_STRING, .group = "match" },
	{ .name = "contains", .value = SIEVE_STRING, .group = "match" },
	{ .name = "matches", .value = SIEVE_STRING, .group = "match" },
	IMPORTANCE_TAGS,
	{ .name = NULL }
};

static const SieveCallDef commands[] = {
	{ .name = "notify",
	  .flags = SIEVE_IS_ACTION,
	  .tags = notify_tags,
	  .check = check_notify,
	  .run = run_notify },
	{ .name = "denotify", .tags = denotify_tags, .run = run_denotify },
	{ .name = NULL }
};

const SieveExt sieve_ext_notify = {
	.capability = "notify",
	.rfc = "draft-martin-sieve-notify-01",
	.became = "enotify",
	.excludes = "enotify",
	.commands = commands,
	.run_state = sizeof(NotifyState),
};
