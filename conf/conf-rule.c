/* SPDX-License-Identifier: MIT */
/* conf-rule: see the header. */
#include "conf/conf-rule.h"

#include "agent/base/nearest.h"

#include <string.h>

enum { KEY_HEADER, KEY_MATCH, KEY_WHEN, KEY_ACTION, KEY_TO, KEYS };

static const char *const keys[KEYS + 1] = { [KEY_HEADER] = "header",
	                                    [KEY_MATCH] = "match",
	                                    [KEY_WHEN] = "when",
	                                    [KEY_ACTION] = "action",
	                                    [KEY_TO] = "to" };
static const char *const actions[] = { "keep", "strip", "rename", "bounce", "defer", "file", NULL };

ConfRule *
conf_rule_new(const ConfWord *title)
{
	ConfRule *rule = g_new0(ConfRule, 1);

	rule->name = g_strdup(title->text);
	rule->place = title->place;
	return rule;
}

void
conf_rule_free(ConfRule *rule)
{
	if (rule == NULL)
		return;

	g_free(rule->name);
	g_free(rule->header);
	g_free(rule->match);
	g_strfreev(rule->when);
	g_free(rule->action);
	g_free(rule->to);
	g_free(rule);
}

static void
report_unknown_key(const ConfWord *name, GPtrArray *problems)
{
	const char *best = nearest_of(name->text, keys);
	g_autofree char *all = g_strjoinv(", ", (char **) keys);
	g_autofree char *hint = best != NULL ? g_strdup_printf("did you mean '%s'?", best)
	                                     : g_strdup_printf("it may be one of %s", all);

	conf_problem_add(problems, &name->place, "unknown-key", hint, "unknown key of a rule '%s'",
	                 name->text);
}

static void
set_when(ConfRule *rule, const ConfStatement *statement)
{
	g_autoptr(GStrvBuilder) builder = g_strv_builder_new();

	if (statement->adds && rule->when != NULL)
		g_strv_builder_addv(builder, (const char **) rule->when);
	for (guint i = 0; i < statement->values->len; i++)
		g_strv_builder_add(builder, g_array_index(statement->values, ConfWord, i).text);
	g_strfreev(rule->when);
	rule->when = g_strv_builder_end(builder);
}

static void
set_text(char **text, const ConfStatement *statement, GPtrArray *problems)
{
	if (statement->is_list || statement->adds) {
		conf_problem_add(problems, &statement->name.place, "bad-value", NULL,
		                 "'%s' of a rule wants one value, without %s", statement->name.text,
		                 statement->is_list ? "braces" : "'+='");
		return;
	}

	g_free(*text);
	*text = g_strdup(g_array_index(statement->values, ConfWord, 0).text);
}

static void
check_action(const ConfStatement *statement, GPtrArray *problems)
{
	const ConfWord *value = &g_array_index(statement->values, ConfWord, 0);
	if (statement->is_list || g_strv_contains(actions, value->text))
		return;

	g_autofree char *list = g_strjoinv(", ", (char **) actions);
	conf_problem_add(problems, &value->place, "bad-value", NULL,
	                 "'%s' is not an action of a rule: it wants one of %s", value->text, list);
}

void
conf_rule_set(ConfRule *rule, const ConfStatement *statement, GPtrArray *problems)
{
	size_t key = 0;
	while (key < KEYS && strcmp(keys[key], statement->name.text) != 0)
		key++;

	switch (key) {
	case KEY_HEADER:
		set_text(&rule->header, statement, problems);
		break;
	case KEY_MATCH:
		set_text(&rule->match, statement, problems);
		break;
	case KEY_WHEN:
		set_when(rule, statement);
		break;
	case KEY_ACTION:
		check_action(statement, problems);
		set_text(&rule->action, statement, problems);
		break;
	case KEY_TO:
		set_text(&rule->to, statement, problems);
		break;
	default:
		report_unknown_key(&statement->name, problems);
	}
}

static const ConfRule *
find_rule(const Conf *conf, const char *name)
{
	for (guint i = 0; i < conf->rules->len; i++) {
		const ConfRule *rule = conf->rules->pdata[i];
		if (strcmp(rule->name, name) == 0)
			return rule;
	}
	return NULL;
}

void
conf_rule_check(const Conf *conf, const ConfRule *rule, GPtrArray *problems)
{
	const ConfRule *other = find_rule(conf, rule->name);
	g_autofree char *list = g_strjoinv(", ", (char **) actions);

	if (other != NULL)
		conf_problem_add(
			problems, &rule->place, "rule-twice",
			"names of rules stand in bounces and in the log: give each its own",
			"there is a rule '%s' already, at line %u", rule->name, other->place.line);
	else if (*rule->name == '\0')
		conf_problem_add(problems, &rule->place, "rule-name", NULL,
		                 "the rule has an empty name");
	else if (rule->action == NULL)
		conf_problem_add(problems, &rule->place, "rule-action", NULL,
		                 "rule '%s' has no action: it wants one of %s", rule->name, list);
	else if (rule->to != NULL && strcmp(rule->action, "file") != 0 &&
	         strcmp(rule->action, "rename") != 0)
		conf_problem_add(
			problems, &rule->place, "rule-to", NULL,
			"rule '%s' has 'to', which only the actions rename (a header) and file (a "
			"folder) know",
			rule->name);
}
