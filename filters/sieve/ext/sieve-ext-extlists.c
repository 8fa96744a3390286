/* SPDX-License-Identifier: MIT */
/*
 * extlists: RFC 6134, complete but for other ways to name a list than the site's setting
 * sieve_lists: the match type :list on every test, redirect :list, valid_ext_list.
 * ":addrbook:default" and "urn:ietf:params:sieve:addrbook:default" are one name (2.5).
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-extlists.h"
#include "filters/sieve/run/sieve-match.h"

#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

#define URN "urn:ietf:params:sieve"

/* ":addrbook:default" in any case and with %-escapes (RFC 6134 2.5), all but its first colon. */
static bool
is_default_book(const char *name)
{
	g_autofree char *plain = g_uri_unescape_string(name, NULL);
	return plain != NULL && g_ascii_strcasecmp(plain, "addrbook:default") == 0;
}

/*
 * The name behind the URN's beginning or the colon that stands for it; NULL: it is another kind of
 * URI.
 */
static const char *
find_parameter(const char *name)
{
	if (name[0] == ':')
		return name + 1;
	return g_ascii_strncasecmp(name, URN ":", strlen(URN ":")) == 0 ? name + strlen(URN ":")
	                                                                : NULL;
}

/* The name by which the site knows the list, in `arena`; NULL: it does not. */
static const char *
find_list(FilterEnv *env, SieveArena *arena, SieveText name)
{
	const FilterServices *services = env->services;
	const char *text = sieve_arena_copy(arena, name.data, name.len);
	if (services->list_is_known == NULL || strlen(text) != name.len)
		return NULL;
	if (services->list_is_known(env, text))
		return text;

	const char *parameter = find_parameter(text);
	if (parameter == NULL)
		return NULL;

	const char *name_of_site = is_default_book(parameter) ? "addrbook:default" : parameter;
	static const char *const prefixes[] = { ":", URN ":" };
	for (size_t i = 0; i < G_N_ELEMENTS(prefixes); i++) {
		g_autofree char *other = g_strconcat(prefixes[i], name_of_site, NULL);
		if (services->list_is_known(env, other))
			return sieve_arena_copy(arena, other, strlen(other));
	}

	return NULL;
}

/*
 * Said when the script is checked; a fault only where it is used, so that a script may ask
 * valid_ext_list first.
 */
static void
warn_unknown(SieveCheck *check, const SieveArg *names)
{
	for (size_t i = 0; names != NULL && i < names->n; i++) {
		const SieveString *name = &names->strings[i];
		if (name->template == NULL &&
		    find_list(sieve_check_env(check), sieve_check_arena(check), name->text) == NULL)
			sieve_check_warning(check, name->span, "unknown-list",
			                    "sieve_lists names the lists", "unknown list \"%.*s\"",
			                    (int) name->text.len, name->text.data);
	}
}

static bool
report_unknown(SieveRun *run, const SieveCall *call, SieveText name)
{
	return sieve_run_fail(run, call, STATUS_SCRIPT, "unknown list \"%.*s\"",
	                      sieve_text_shown(name, 200), name.data);
}

/* :list */

static bool
check_list(SieveCheck *check, SieveCall *call, const SieveMatchSpec *spec, const SieveArg *value,
           int *ret_relation)
{
	(void) call;
	(void) value;
	*ret_relation = 0;
	warn_unknown(check, spec->key_arg);
	return true;
}

/*
 * Is it in one of the lists that the keys name? A fault of a list is a fault of the run: nobody
 * knows the answer.
 */
static bool
match_lists(SieveMatch *match, SieveText value, bool *ret_matched)
{
	SieveRun *run = match->run;
	const SieveArg *names = match->spec->key_arg;
	bool fits = value.len <= (guint64) run->env->conf->sieve_max_list_value;

	*ret_matched = false;
	for (size_t i = 0; names != NULL && i < names->n && !*ret_matched; i++) {
		SieveText name = sieve_run_text(run, &names->strings[i]);
		const char *list = find_list(run->env, run->scratch, name);
		if (!sieve_run_spend(run, value.len + 1))
			return false;
		if (list == NULL)
			return report_unknown(run, match->call, name);
		const char *text = sieve_arena_copy(run->scratch, value.data, value.len);
		g_auto(Status) st = STATUS_INIT;
		*ret_matched = fits && strlen(text) == value.len &&
		               run->env->services->list_contains(run->env, list, text, &st);
		if (st.id != STATUS_OK)
			return sieve_run_fail(run, match->call, st.id, "list \"%s\": %s", list,
			                      st.detail != NULL ? st.detail : "");
		sieve_run_trace(run, TRACE_MATCHING, match->call, "\"%.*s\" in list \"%s\": %s",
		                sieve_text_shown(value, 200), value.data, list,
		                *ret_matched ? "yes" : "no");
	}

	/* RFC 6134 2.2: ${0} is what was found. */
	if (*ret_matched)
		sieve_match_set_captures(run, &value, 1);
	return true;
}

static const SieveMatchDef list_match = {
	.name = "list",
	.needs = SIEVE_NEEDS_NOTHING,
	.check_value = check_list,
	.match_all = match_lists,
};

static const SieveMatchDef *const matches[] = { &list_match, NULL };

/* redirect :list */

static bool
check_redirect(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) tag;
	warn_unknown(check, call->positional[0]);
	return true;
}

bool
sieve_extlists_members(SieveRun *run, const SieveCall *call, SieveText name, GPtrArray *members)
{
	const FilterServices *services = run->env->services;
	const char *list = find_list(run->env, run->scratch, name);
	g_auto(Status) st = STATUS_INIT;

	if (list == NULL || services->list_members == NULL)
		return report_unknown(run, call, name);
	if (services->list_members(run->env, list, LIMIT_LIST_REDIRECTS, members, &st))
		return true;

	return sieve_run_fail(run, call, st.id, "list \"%s\": %s", list, status_why(&st));
}

/* Where the addresses come from, for whoever reads the plan. */
static bool
set_list(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	(void) tag;
	SieveText name = sieve_run_text(run, &call->positional[0]->strings[0]);
	action->list = g_strndup(name.data, name.len);
	return true;
}

static bool
test_valid_ext_list(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveArg *names = call->positional[0];

	*ret_result = true;
	for (size_t i = 0; i < names->n && *ret_result; i++)
		*ret_result = find_list(run->env, run->scratch,
		                        sieve_run_text(run, &names->strings[i])) != NULL;
	return true;
}

static const SieveTagDef tags[] = {
	{ .name = "list", .on = "redirect", .check = check_redirect, .action = set_list },
	{ .name = NULL }
};

static const SieveCallDef tests[] = {
	{ .name = "valid_ext_list", .positional = { SIEVE_STRINGS }, .test = test_valid_ext_list },
	{ .name = NULL }
};

const SieveExt sieve_ext_extlists = {
	.capability = "extlists",
	.rfc = "RFC 6134",
	.tests = tests,
	.tags = tags,
	.matches = matches,
};
