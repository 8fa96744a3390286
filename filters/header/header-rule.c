/* SPDX-License-Identifier: MIT */
/* header-rule: compiles rules to small tables, and makes one pass over the fields. */
#include "filters/header/header-rule.h"

#include "agent/base/blank.h"
#include "agent/base/limits.h"
#include "agent/base/regex.h"
#include "agent/message/mark.h"
#include "filters/filter.h"

#include <string.h>

typedef enum { MATCH_ANY, MATCH_RECIPIENT, MATCH_OTHER, MATCH_PATTERN } Match;
typedef enum { WHEN_FETCHED, WHEN_FORWARDED, WHEN_HEADER } WhenKind;
typedef enum {
	ACTION_KEEP,
	ACTION_STRIP,
	ACTION_RENAME,
	ACTION_BOUNCE,
	ACTION_DEFER,
	ACTION_FILE,
	ACTION_COUNT
} Action;

static const struct {
	const char *name;
	HeaderRuleAnswer answer;
} actions[ACTION_COUNT] = {
	[ACTION_KEEP] = { "keep", HEADER_RULE_DELIVER },
	[ACTION_STRIP] = { "strip", HEADER_RULE_DELIVER },
	[ACTION_RENAME] = { "rename", HEADER_RULE_DELIVER },
	[ACTION_BOUNCE] = { "bounce", HEADER_RULE_BOUNCE },
	[ACTION_DEFER] = { "defer", HEADER_RULE_DEFER },
	[ACTION_FILE] = { "file", HEADER_RULE_FILE },
};

static const char *const answer_names[] = { "deliver", "file", "defer", "bounce" };

typedef struct {
	WhenKind kind;
	bool negated;
	char *text; /* as written, without blanks that do not count */
	char *header;
	Regex *regex;
} When;

typedef struct {
	char *name;
	char *header;
	Match match;
	char *match_text; /* as written */
	Regex *regex;
	GPtrArray *when; /* When */
	Action action;
	char *to; /* new name, or folder */
} Rule;

struct HeaderRules {
	GPtrArray *rules; /* Rule */
};

static void
free_when(void *data)
{
	When *when = data;
	g_free(when->text);
	g_free(when->header);
	regex_free(when->regex);
	g_free(when);
}

static void
free_rule(void *data)
{
	Rule *rule = data;

	g_free(rule->name);
	g_free(rule->header);
	g_free(rule->match_text);
	regex_free(rule->regex);
	g_ptr_array_unref(rule->when);
	g_free(rule->to);
	g_free(rule);
}

void
header_rules_free(HeaderRules *rules)
{
	if (rules == NULL)
		return;
	g_ptr_array_unref(rules->rules);
	g_free(rules);
}

/* Where a rule stands, and who hears what is wrong with it. */
typedef struct {
	const HeaderRuleSpec *spec;
	GPtrArray *problems;
	unsigned errors;
	char *first; /* the first error, for the status */
} Compile;

static void G_GNUC_PRINTF(4, 5) report(Compile *compile, ProblemSeverity severity, const char *code,
                                       const char *format, ...)
{
	va_list args;

	va_start(args, format);
	g_autofree char *what = g_strdup_vprintf(format, args);
	va_end(args);

	const HeaderRuleSpec *spec = compile->spec;
	g_autofree char *text = g_strdup_printf("rule \"%s\": %s",
	                                        spec->name != NULL ? spec->name : "", what);
	Problem problem = {
		.file = (char *) spec->file,
		.line = spec->line,
		.column = 1,
		.severity = severity,
		.code = (char *) code,
		.text = text,
	};
	problem_add(compile->problems, &problem);
	if (severity == PROBLEM_ERROR && compile->errors++ == 0)
		compile->first = g_strdup_printf("%s:%u: %s", spec->file != NULL ? spec->file : "?",
		                                 spec->line, text);
}

static bool
is_field_name(const char *name)
{
	size_t len = 0;
	while (name[len] > 32 && name[len] < 127 && name[len] != ':')
		len++;
	return len > 0 && name[len] == '\0';
}

/* A pattern as "/.../" or "/.../i". NULL: it is wrong, and that was reported. */
static Regex *
compile_pattern(Compile *compile, const char *what, const char *text)
{
	const char *end = strrchr(text, '/');

	if (text[0] != '/' || end == text || (end[1] != '\0' && strcmp(end, "/i") != 0)) {
		report(compile, PROBLEM_ERROR, "bad-pattern",
		       "%s '%s' is not a pattern: want /.../ or /.../i", what, text);
		return NULL;
	}

	RegexError error;
	RegexFlags flags = end[1] == 'i' ? REGEX_UTF | REGEX_CASELESS : REGEX_UTF;
	Regex *regex = regex_compile(text + 1, (size_t) (end - text - 1), flags, &error);
	if (regex == NULL)
		report(compile, PROBLEM_ERROR, "bad-pattern", "%s '%s' is wrong at octet %zu: %s",
		       what, text, error.offset + 1, error.text);

	return regex;
}

static void
compile_match(Compile *compile, Rule *rule)
{
	const char *text = compile->spec->match != NULL && *compile->spec->match != '\0'
	                           ? compile->spec->match
	                           : "any";
	rule->match_text = g_strdup(text);
	if (strcmp(text, "any") == 0)
		rule->match = MATCH_ANY;
	else if (strcmp(text, "recipient") == 0)
		rule->match = MATCH_RECIPIENT;
	else if (strcmp(text, "other") == 0)
		rule->match = MATCH_OTHER;
	else if (*text != '/')
		report(compile, PROBLEM_ERROR, "bad-match",
		       "match is '%s', but may be recipient, other, any or /pattern/", text);
	else {
		rule->match = MATCH_PATTERN;
		rule->regex = compile_pattern(compile, "match", text);
	}
}

/* "Name: /pattern/". */
static void
compile_when_header(Compile *compile, When *when, const char *text)
{
	const char *colon = strchr(text, ':');

	when->kind = WHEN_HEADER;
	when->header = colon != NULL ? g_strchomp(g_strndup(text, (size_t) (colon - text)))
	                             : g_strdup("");
	if (!is_field_name(when->header)) {
		report(compile, PROBLEM_ERROR, "bad-when",
		       "when has '%s', but may have fetched, forwarded or \"Name: /pattern/\", "
		       "each also with \"not \"",
		       text);
		return;
	}

	g_autofree char *pattern = g_strstrip(g_strdup(colon + 1));
	when->regex = compile_pattern(compile, "when", pattern);
}

static When *
compile_when(Compile *compile, const char *written)
{
	When *when = g_new0(When, 1);

	when->text = g_strstrip(g_strdup(written));
	const char *text = when->text;
	if (g_str_has_prefix(text, "not ")) {
		when->negated = true;
		text += 4;
	}

	text = blank_skip(text);
	if (strcmp(text, "fetched") == 0)
		when->kind = WHEN_FETCHED;
	else if (strcmp(text, "forwarded") == 0)
		when->kind = WHEN_FORWARDED;
	else
		compile_when_header(compile, when, text);

	return when;
}

static void
compile_action(Compile *compile, Rule *rule, const char *folder)
{
	const HeaderRuleSpec *spec = compile->spec;
	const char *action = spec->action != NULL ? spec->action : "";
	const char *to = spec->to != NULL && *spec->to != '\0' ? spec->to : NULL;

	for (rule->action = 0; rule->action < ACTION_COUNT; rule->action++)
		if (strcmp(actions[rule->action].name, action) == 0)
			break;
	if (rule->action == ACTION_COUNT)
		report(compile, PROBLEM_ERROR, "bad-action",
		       "action is '%s', but may be keep, strip, rename, bounce, defer or file",
		       action);
	else if (rule->action == ACTION_FILE)
		rule->to = g_strdup(to != NULL ? to : folder);
	else if (rule->action == ACTION_RENAME)
		rule->to = to != NULL ? g_strdup(to) : g_strconcat("Old-", rule->header, NULL);
	else if (to != NULL)
		report(compile, PROBLEM_ERROR, "bad-to", "to is for rename and file, not for %s",
		       action);

	if (rule->action == ACTION_RENAME &&
	    (!is_field_name(rule->to) || g_ascii_strcasecmp(rule->to, MARK_FIELD) == 0))
		report(compile, PROBLEM_ERROR, "bad-to", "'%s' cannot be the new name of a field",
		       rule->to);
}

static Rule *
compile_rule(Compile *compile, const char *folder)
{
	const HeaderRuleSpec *spec = compile->spec;
	Rule *rule = g_new0(Rule, 1);

	rule->name = g_strdup(spec->name != NULL ? spec->name : "");
	rule->header = g_strdup(spec->header != NULL ? spec->header : "");
	rule->when = g_ptr_array_new_with_free_func(free_when);

	if (!is_field_name(rule->header))
		report(compile, PROBLEM_ERROR, "bad-header",
		       "header is '%s', which is not a field name", rule->header);
	else if (g_ascii_strcasecmp(rule->header, MARK_FIELD) == 0)
		report(compile, PROBLEM_ERROR, "protected-header",
		       "%s is the evidence of the loop check: no rule may touch it", MARK_FIELD);

	compile_match(compile, rule);
	for (size_t i = 0; spec->when != NULL && spec->when[i] != NULL; i++)
		g_ptr_array_add(rule->when, compile_when(compile, spec->when[i]));
	compile_action(compile, rule, folder);

	return rule;
}

/* Do both say the same, `opposite` apart? */
static bool
equal_when(const When *a, const When *b, bool opposite)
{
	if (a->kind != b->kind || (a->negated == b->negated) == opposite)
		return false;
	if (a->kind != WHEN_HEADER)
		return true;

	const char *one = strchr(a->text, ':') + 1, *two = strchr(b->text, ':') + 1;
	g_autofree char *left = g_strstrip(g_strdup(one)), *right = g_strstrip(g_strdup(two));
	return g_ascii_strcasecmp(a->header, b->header) == 0 && strcmp(left, right) == 0;
}

static bool
has_when(const Rule *rule, const When *when, bool opposite)
{
	for (size_t i = 0; i < rule->when->len; i++)
		if (equal_when(rule->when->pdata[i], when, opposite))
			return true;
	return false;
}

/*
 * Does `earlier` take every message that `later` would: are all of its conditions among the later
 * one's?
 */
static bool
covers_when(const Rule *earlier, const Rule *later)
{
	for (size_t i = 0; i < earlier->when->len; i++)
		if (!has_when(later, earlier->when->pdata[i], false))
			return false;
	return true;
}

static bool
covers(const Rule *earlier, const Rule *later)
{
	if (g_ascii_strcasecmp(earlier->header, later->header) != 0 || !covers_when(earlier, later))
		return false;
	return earlier->match == MATCH_ANY || (earlier->match == later->match &&
	                                       strcmp(earlier->match_text, later->match_text) == 0);
}

/* Two rules for "recipient" and "other" leave nothing to a third. */
static bool
halves_cover(const GPtrArray *rules, size_t n, const Rule *later)
{
	bool has[2] = { false, false };
	for (size_t i = 0; i < n; i++) {
		const Rule *rule = rules->pdata[i];
		bool takes = g_ascii_strcasecmp(rule->header, later->header) == 0 &&
		             covers_when(rule, later);
		has[0] |= takes && rule->match == MATCH_RECIPIENT;
		has[1] |= takes && rule->match == MATCH_OTHER;
	}

	return has[0] && has[1];
}

/* Why rule `n` cannot match; NULL: it can, as far as one can see. Caller frees. */
static char *
find_obstacle(const GPtrArray *rules, size_t n)
{
	const Rule *rule = rules->pdata[n];

	for (size_t i = 0; i < rule->when->len; i++) {
		const When *when = rule->when->pdata[i];
		if (has_when(rule, when, true))
			return g_strdup_printf("'%s' and its opposite cannot both hold",
			                       when->text);
	}

	for (size_t i = 0; i < n; i++) {
		const Rule *earlier = rules->pdata[i];
		if (covers(earlier, rule))
			return g_strdup_printf("rule \"%s\" before it takes all of its fields",
			                       earlier->name);
	}

	return halves_cover(rules, n, rule)
	               ? g_strdup("rules for recipient and other before it take all of its fields")
	               : NULL;
}

static void
warn_about_dead_rules(Compile *compile, const GPtrArray *rules, const HeaderRuleSpec *specs)
{
	for (size_t i = 0; i < rules->len; i++) {
		g_autofree char *obstacle = find_obstacle(rules, i);
		compile->spec = &specs[i];
		if (obstacle != NULL)
			report(compile, PROBLEM_WARNING, "rule-never-matches",
			       "can never match: %s", obstacle);
	}
}

HeaderRules *
header_rules_compile(const HeaderRuleSpec *specs, size_t n, const char *folder, GPtrArray *problems,
                     Status *st)
{
	g_autoptr(HeaderRules) rules = g_new0(HeaderRules, 1);

	rules->rules = g_ptr_array_new_with_free_func(free_rule);
	Compile compile = { .problems = problems };
	for (size_t i = 0; i < n; i++) {
		compile.spec = &specs[i];
		g_ptr_array_add(rules->rules, compile_rule(&compile, folder));
	}

	g_autofree char *first = compile.first;
	if (compile.errors > 0) {
		status_fail_detail(st, STATUS_CONFIG, "%s", first);
		return NULL;
	}

	if (problems != NULL)
		warn_about_dead_rules(&compile, rules->rules, specs);
	return g_steal_pointer(&rules);
}

/* Conditions are about the message: each rule's are asked once. */
typedef enum { NOT_ASKED, HOLDS, FAILS } Answer;

typedef struct {
	const GPtrArray *rules;
	Headers *headers;
	const HeaderRuleInput *input;
	HeaderRuleResult *result;
	Answer *when;    /* one for each rule */
	char *recipient; /* canonical */
	gint64 started;  /* monotonic microseconds; 0: no pattern has run */
	/* the first rule of the configuration that asked for an answer; G_MAXSIZE: none */
	size_t deciding;
} Pass;

/* Patterns share one time for all fields: each of 100,000 could use its own limit to the full. */
static bool
pattern_matches(Pass *pass, const Rule *rule, const Regex *regex, const HeaderField *field)
{
	gint64 now = g_get_monotonic_time();

	if (pass->started == 0)
		pass->started = now;
	bool late = now - pass->started > (gint64) LIMIT_RULE_MS * 1000;
	RegexResult matched = REGEX_LIMIT;
	if (!late) {
		g_autofree char *value = header_field_value(field);
		matched = regex_match(regex, value, strlen(value), 0, NULL, 0);
	}

	if (matched == REGEX_LIMIT && pass->result->note == NULL)
		pass->result->note = g_strdup_printf(
			"rule \"%s\": the pattern was given up at line %u: %s", rule->name,
			field->line, late ? "the rules took too long" : "it took too many steps");

	return matched == REGEX_MATCH;
}

static bool
some_field_matches(Pass *pass, const Rule *rule, const When *when)
{
	const HeaderField *field;
	for (size_t pos = 0; (field = headers_next(pass->headers, when->header, &pos)) != NULL;)
		if (pattern_matches(pass, rule, when->regex, field))
			return true;
	return false;
}

static bool
ask_when(Pass *pass, const Rule *rule)
{
	for (size_t i = 0; i < rule->when->len; i++) {
		const When *when = rule->when->pdata[i];
		bool holds = when->kind == WHEN_FETCHED     ? pass->input->fetched
		             : when->kind == WHEN_FORWARDED ? pass->input->forwarded
		                                            : some_field_matches(pass, rule, when);
		if (holds == when->negated)
			return false;
	}
	return true;
}

static bool
when_holds(Pass *pass, size_t i)
{
	if (pass->when[i] == NOT_ASKED)
		pass->when[i] = ask_when(pass, pass->rules->pdata[i]) ? HOLDS : FAILS;
	return pass->when[i] == HOLDS;
}

static bool
names_recipient(const Pass *pass, const HeaderField *field)
{
	g_autofree char *value = header_field_value(field);
	g_autofree char *address = address_from_header(value);
	if (address == NULL)
		return false;

	g_autofree char *canonical = address_canonical(address, &pass->input->rules);
	return strcmp(canonical, pass->recipient) == 0;
}

static bool
rule_matches(Pass *pass, size_t i, const HeaderField *field)
{
	const Rule *rule = pass->rules->pdata[i];
	if (!header_field_is(field, rule->header) || !when_holds(pass, i))
		return false;

	switch (rule->match) {
	case MATCH_RECIPIENT:
		return names_recipient(pass, field);
	case MATCH_OTHER:
		return !names_recipient(pass, field);
	case MATCH_PATTERN:
		return pattern_matches(pass, rule, rule->regex, field);
	default:
		return true;
	}
}

static void
free_event(void *data)
{
	HeaderRuleEvent *event = data;
	g_free(event->text);
	g_free(event);
}

static void
note_event(HeaderRuleResult *result, const Rule *rule, const HeaderField *field)
{
	if (result->events->len >= LIMIT_RULE_EVENTS) {
		result->more++;
		return;
	}

	HeaderRuleEvent *event = g_new(HeaderRuleEvent, 1);
	*event = (HeaderRuleEvent){
		.rule = rule->name,
		.action = actions[rule->action].name,
		.line = field->line,
		.text = header_field_print(field, LIMIT_LOOP_LINE_BYTES),
	};
	g_ptr_array_add(result->events, event);
}

/*
 * A field asks for more than an edit. The rule that stands first wins, whatever order a sender gave
 * the fields.
 */
static void
note_answer(Pass *pass, size_t i, const HeaderField *field)
{
	const Rule *rule = pass->rules->pdata[i];
	HeaderRuleResult *result = pass->result;
	if (actions[rule->action].answer == HEADER_RULE_DELIVER || i >= pass->deciding)
		return;

	pass->deciding = i;
	result->decided_by = rule->name;
	result->answer = actions[rule->action].answer;
	g_free(result->folder);
	result->folder = rule->action == ACTION_FILE ? g_strdup(rule->to) : NULL;
	g_free(result->why);
	result->why = g_strdup_printf("rule \"%s\" of this host matches %s in line %u", rule->name,
	                              rule->header, field->line);
}

static size_t
find_rule(Pass *pass, const HeaderField *field)
{
	for (size_t i = 0; i < pass->rules->len; i++)
		if (rule_matches(pass, i, field))
			return i;
	return G_MAXSIZE;
}

/* Fields before this one are those of this hop: where the first Received stands. */
static size_t
find_first_received(const Headers *headers)
{
	size_t pos = 0;
	return headers_next(headers, "Received", &pos) != NULL ? pos - 1 : 0;
}

static bool
is_stamp(const HeaderField *field)
{
	return header_field_is(field, "Return-Path") || header_field_is(field, "X-Original-To") ||
	       header_field_is(field, "Delivered-To");
}

/* Append one field as its rule wants it. */
static void
edit_field(Pass *pass, size_t i, const HeaderField *field, Headers *edited)
{
	if (i == G_MAXSIZE) {
		headers_append(edited, field);
		return;
	}

	const Rule *rule = pass->rules->pdata[i];
	note_event(pass->result, rule, field);
	note_answer(pass, i, field);

	if (rule->action == ACTION_RENAME)
		headers_append_renamed(edited, field, rule->to);
	else if (rule->action != ACTION_STRIP)
		headers_append(edited, field);
}

static void
make_pass(Pass *pass)
{
	g_autoptr(Headers) edited = headers_new(pass->headers, headers_newline(pass->headers));
	size_t received_at = find_first_received(pass->headers);

	for (size_t at = 0; at < headers_count(pass->headers); at++) {
		const HeaderField *field = headers_get(pass->headers, at);
		bool own = at < received_at && is_stamp(field);
		edit_field(pass, own || field->name_len == 0 ? G_MAXSIZE : find_rule(pass, field),
		           field, edited);
	}

	if (pass->result->events->len > 0)
		pass->result->headers = g_steal_pointer(&edited);
}

HeaderRuleResult *
header_rules_apply(const HeaderRules *rules, Headers *headers, const HeaderRuleInput *input)
{
	HeaderRuleResult *result = g_new0(HeaderRuleResult, 1);

	result->events = g_ptr_array_new_with_free_func(free_event);
	if (rules != NULL && rules->rules->len > 0) {
		const char *recipient = input->envelope->recipient != NULL
		                                ? input->envelope->recipient
		                                : "";
		g_autofree Answer *when = g_new0(Answer, rules->rules->len);
		g_autofree char *canonical = address_canonical(recipient, &input->rules);
		Pass pass = {
			.rules = rules->rules,
			.headers = headers,
			.input = input,
			.result = result,
			.when = when,
			.recipient = canonical,
			.deciding = G_MAXSIZE,
		};
		make_pass(&pass);
	}

	if (result->headers == NULL)
		result->headers = headers_ref(headers);
	return result;
}

void
header_rule_result_free(HeaderRuleResult *result)
{
	if (result == NULL)
		return;
	headers_unref(result->headers);
	g_ptr_array_unref(result->events);
	g_free(result->folder);
	g_free(result->why);
	g_free(result->note);
	g_free(result);
}

StatusId
header_rule_result_status(const HeaderRuleResult *result)
{
	if (result->answer == HEADER_RULE_BOUNCE)
		return STATUS_RULE_REFUSED;
	return result->answer == HEADER_RULE_DEFER ? STATUS_RULE_DEFER : STATUS_OK;
}

char *
header_rule_result_print(const HeaderRuleResult *result)
{
	GString *out = g_string_new(NULL);

	for (size_t i = 0; i < result->events->len; i++) {
		const HeaderRuleEvent *event = result->events->pdata[i];
		g_string_append_printf(out, "rule \"%s\": %s line %u: %s\n", event->rule,
		                       event->action, event->line, event->text);
	}

	if (result->more > 0)
		g_string_append_printf(out, "   and %u lines more\n", result->more);
	if (result->note != NULL)
		g_string_append_printf(out, "note: %s\n", result->note);
	if (result->answer != HEADER_RULE_DELIVER)
		g_string_append_printf(out, "%s%s%s: %s\n", answer_names[result->answer],
		                       result->folder != NULL ? " into " : "",
		                       result->folder != NULL ? result->folder : "", result->why);

	return g_string_free(out, FALSE);
}

json_t *
header_rule_result_json(const HeaderRuleResult *result)
{
	json_t *list = json_array();
	for (size_t i = 0; i < result->events->len; i++) {
		const HeaderRuleEvent *event = result->events->pdata[i];
		json_array_append_new(list, json_pack("{s:s, s:s, s:i, s:s}", "rule", event->rule,
		                                      "action", event->action, "line",
		                                      (int) event->line, "text", event->text));
	}

	return json_pack("{s:s, s:s?, s:s?, s:s?, s:o, s:i}", "answer",
	                 answer_names[result->answer], "folder", result->folder, "why", result->why,
	                 "note", result->note, "events", list, "more", (int) result->more);
}
