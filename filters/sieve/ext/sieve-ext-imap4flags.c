/* SPDX-License-Identifier: MIT */
/*
 * imap4flags: RFC 5232, complete. A set of flags is a string with blanks between the flags, each
 * once without regard to case. Flags that IMAP does not let anybody set (\Recent, unknown system
 * flags) and what is no flag are ignored (2).
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-flags.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

typedef struct {
	GPtrArray *flags; /* the internal variable; NULL: empty */
} FlagsState;

static const char *const system_flags[] = { "\\Answered", "\\Flagged", "\\Deleted",
	                                    "\\Seen",     "\\Draft",   NULL };

/* An IMAP flag that can be set: a system flag of RFC 3501 2.3.2, or an atom. */
static bool
is_flag(const char *flag)
{
	if (flag[0] == '\\') {
		for (size_t i = 0; system_flags[i] != NULL; i++)
			if (g_ascii_strcasecmp(flag, system_flags[i]) == 0)
				return true;
		return false;
	}

	for (const char *c = flag; *c != '\0'; c++)
		if (*c <= 32 || *c >= 127 || strchr("(){%*\"\\]", *c) != NULL)
			return false;
	return true;
}

static gssize
find_flag(const GPtrArray *flags, const char *flag)
{
	for (guint i = 0; i < flags->len; i++)
		if (g_ascii_strcasecmp(flags->pdata[i], flag) == 0)
			return (gssize) i;
	return -1;
}

/* Add the flags that a text with blanks names; false: the run has no budget left. */
static bool
add_text(SieveRun *run, GPtrArray *flags, SieveText text)
{
	g_autofree char *copy = g_strndup(text.data, text.len);
	g_auto(GStrv) words = g_strsplit_set(copy, " \t\r\n", -1);

	for (size_t i = 0; words[i] != NULL; i++) {
		if (!sieve_run_spend(run, flags->len + 1))
			return false;
		if (words[i][0] != '\0' && is_flag(words[i]) && find_flag(flags, words[i]) < 0)
			g_ptr_array_add(flags, g_strdup(words[i]));
	}

	return true;
}

static GPtrArray *
new_flags(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static bool
add_list(SieveRun *run, GPtrArray *flags, const SieveArg *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!add_text(run, flags, sieve_run_text(run, &list->strings[i])))
			return false;
	return true;
}

/* Flags of a variable, or of the internal one. */
static bool
read_flags(SieveRun *run, const SieveVariable *variable, GPtrArray *flags)
{
	const FlagsState *state = sieve_run_state(run, &sieve_ext_imap4flags);

	if (variable != NULL) {
		SieveText text;
		return sieve_scope_get(run, variable, &text) && add_text(run, flags, text);
	}

	const GPtrArray *held = state->flags != NULL ? state->flags : run->input->flags;
	for (guint i = 0; held != NULL && i < held->len; i++)
		g_ptr_array_add(flags, g_strdup(held->pdata[i]));
	return true;
}

/* Takes `flags`. */
static bool
write_flags(SieveRun *run, const SieveVariable *variable, GPtrArray *taken)
{
	g_autoptr(GPtrArray) flags = taken;
	FlagsState *state = sieve_run_state(run, &sieve_ext_imap4flags);

	if (variable == NULL) {
		if (state->flags != NULL)
			g_ptr_array_unref(state->flags);
		state->flags = g_steal_pointer(&flags);
		sieve_run_note_flags(run);
		return true;
	}

	g_autoptr(GString) text = g_string_new(NULL);
	for (guint i = 0; i < flags->len; i++)
		g_string_append_printf(text, "%s%s", i > 0 ? " " : "",
		                       (const char *) flags->pdata[i]);
	return sieve_scope_set(run, variable, (SieveText){ text->str, text->len });
}

/* The optional first argument names variables, which need their extension (RFC 5232 3). */
static bool
check_variables(SieveCheck *check, SieveCall *call)
{
	const SieveArg *names = call->positional[0];
	if (names == NULL)
		return true;

	if (!sieve_check_has(check, &sieve_ext_variables))
		return sieve_check_error(check, names->span, "missing-require",
		                         "add \"variables\" to require",
		                         "the name of a variable needs \"variables\"");

	SieveVariable *variables = SIEVE_NEW_ARRAY(sieve_check_arena(check), SieveVariable,
	                                           names->n);
	bool for_writing = !call->is_test;
	for (size_t i = 0; i < names->n; i++)
		if (!sieve_variable_resolve(check, &names->strings[i], for_writing, &variables[i]))
			return false;
	call->data = variables;

	return true;
}

/* Remove the flags of `removed` from a variable, or from the internal one. */
static bool
remove_flags(SieveRun *run, const SieveVariable *variable, const GPtrArray *removed)
{
	g_autoptr(GPtrArray) flags = new_flags();
	if (!read_flags(run, variable, flags))
		return false;

	for (guint i = 0; i < removed->len; i++) {
		gssize at = find_flag(flags, removed->pdata[i]);
		if (at >= 0)
			g_ptr_array_remove_index(flags, (guint) at);
	}

	return write_flags(run, variable, g_steal_pointer(&flags));
}

bool
sieve_flags_add(SieveRun *run, SieveText text)
{
	g_autoptr(GPtrArray) flags = new_flags();
	return read_flags(run, NULL, flags) && add_text(run, flags, text) &&
	       write_flags(run, NULL, g_steal_pointer(&flags));
}

bool
sieve_flags_remove(SieveRun *run, SieveText text)
{
	g_autoptr(GPtrArray) removed = new_flags();
	return add_text(run, removed, text) && remove_flags(run, NULL, removed);
}

static bool
run_setflag(SieveRun *run, const SieveCall *call)
{
	g_autoptr(GPtrArray) flags = new_flags();
	return add_list(run, flags, call->positional[1]) &&
	       write_flags(run, call->data, g_steal_pointer(&flags));
}

static bool
run_addflag(SieveRun *run, const SieveCall *call)
{
	g_autoptr(GPtrArray) flags = new_flags();
	return read_flags(run, call->data, flags) && add_list(run, flags, call->positional[1]) &&
	       write_flags(run, call->data, g_steal_pointer(&flags));
}

static bool
run_removeflag(SieveRun *run, const SieveCall *call)
{
	g_autoptr(GPtrArray) removed = new_flags();
	return add_list(run, removed, call->positional[1]) &&
	       remove_flags(run, call->data, removed);
}

static bool
match_flags(SieveMatch *match, const SieveVariable *variable)
{
	g_autoptr(GPtrArray) flags = new_flags();
	if (!read_flags(match->run, variable, flags))
		return false;

	for (guint i = 0; i < flags->len && !match->done; i++) {
		const char *flag = flags->pdata[i];
		if (!sieve_match_add(match, (SieveText){ flag, strlen(flag) }))
			return false;
	}

	return true;
}

static bool
test_hasflag(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	SieveMatch match;
	const SieveVariable *variables = call->data;
	size_t n = variables != NULL ? call->positional[0]->n : 1;

	if (!sieve_match_begin(&match, run, call))
		return false;
	for (size_t i = 0; i < n && !match.done; i++)
		if (!match_flags(&match, variables != NULL ? &variables[i] : NULL))
			return false;
	return sieve_match_end(&match, ret_result);
}

/* :flags on keep and fileinto. */
static bool
set_flags(SieveRun *run, const SieveCall *call, const SieveTag *tag, PlanAction *action)
{
	(void) call;
	action->flags = new_flags();
	return add_list(run, action->flags, tag->value);
}

/* What stores the message without :flags has those of the internal variable (RFC 5232 3). */
static bool
complete(SieveRun *run, const SieveCall *call, PlanAction *action)
{
	(void) call;
	if (!plan_kind_stores(action->kind) || action->flags != NULL)
		return true;

	action->flags = new_flags();
	if (!read_flags(run, NULL, action->flags))
		return false;

	guint64 n = action->flags->len;
	if (n > 0)
		action->flags_at = (PlanSource){ g_strdup(run->flags_at.file), run->flags_at.line };
	return sieve_run_spend(
		run,
		n * n / 4); /* the plan holds each against the others where actions are merged */
}

static bool
finish(SieveRun *run)
{
	run->keep_flags = new_flags();
	return read_flags(run, NULL, run->keep_flags);
}

static void
clear(void *data)
{
	FlagsState *state = data;
	if (state->flags != NULL)
		g_ptr_array_unref(state->flags);
}

static const SieveTagDef tags[] = {
	{ .name = "flags", .value = SIEVE_STRINGS, .on = "keep fileinto", .action = set_flags },
	{ .name = NULL }
};

#define FLAG_COMMAND(word, function) \
	{ \
		.name = word, \
		.positional = { SIEVE_STRING | SIEVE_CONSTANT | SIEVE_OPTIONAL, SIEVE_STRINGS }, \
		.check = check_variables, .run = function \
	}

static const SieveCallDef commands[] = { FLAG_COMMAND("setflag", run_setflag),
	                                 FLAG_COMMAND("addflag", run_addflag),
	                                 FLAG_COMMAND("removeflag", run_removeflag),
	                                 { .name = NULL } };

static const SieveCallDef tests[] = {
	{ .name = "hasflag",
	  .positional = { SIEVE_STRINGS | SIEVE_CONSTANT | SIEVE_OPTIONAL, SIEVE_STRINGS },
	  .flags = SIEVE_USES_MATCH | SIEVE_SPLITS_KEYS,
	  .check = check_variables,
	  .test = test_hasflag },
	{ .name = NULL }
};

const SieveExt sieve_ext_imap4flags = {
	.capability = "imap4flags",
	.rfc = "RFC 5232",
	.commands = commands,
	.tests = tests,
	.tags = tags,
	.run_state = sizeof(FlagsState),
	.clear_run_state = clear,
	.action = complete,
	.finish = finish,
};
