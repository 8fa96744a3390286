/* SPDX-License-Identifier: MIT */
/*
 * sieve-lookup: what a word of a script is. It is looked up in the tables of the extensions that
 * are active.
 */
#include "filters/sieve/lang/sieve-check-parts.h"

#include "filters/sieve/lang/sieve-hint.h"

#include <string.h>

static const SieveCallDef *
find_in(const SieveCallDef *defs, const char *name)
{
	for (; defs != NULL && defs->name != NULL; defs++)
		if (sieve_lookup_same_word(defs->name, name))
			return defs;
	return NULL;
}

static const SieveCallDef *
find_def(const SieveExt *ext, const char *name, bool is_test)
{
	return find_in(is_test ? ext->tests : ext->commands, name);
}

void
sieve_lookup_note_use(const SieveCheck *check, SieveCall *call, size_t ext)
{
	call->by_ihave |= check->program->by_ihave & (guint64) 1 << ext;
}

/* Where a word is kept. One octet of a name is always there, and its NUL. */
static size_t
slot_of(const char *name)
{
	return ((guchar) name[0] * 7u + (guchar) name[1]) % SIEVE_KNOWN_WORDS;
}

void
sieve_lookup_call(SieveCheck *check, SieveCall *call)
{
	guint64 active = check->program->active;
	__typeof__(check->known[0]) *known = &check->known[slot_of(call->name)];
	if (known->name != NULL && known->active == active && known->is_test == call->is_test &&
	    strcmp(known->name, call->name) == 0) {
		call->def = known->def;
		sieve_lookup_note_use(check, call, known->ext);
		return;
	}

	for (guint64 left = active; left != 0 && call->def == NULL; left &= left - 1) {
		size_t ext = (size_t) __builtin_ctzll(left);
		call->def = find_def(sieve_ext_nth(ext), call->name, call->is_test);
		if (call->def == NULL)
			continue;
		sieve_lookup_note_use(check, call, ext);
		*known = (__typeof__(*known)){ call->name, call->def, active, ext, call->is_test };
	}
}

bool
sieve_lookup_is_known(const char *name, bool is_test)
{
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (find_def(sieve_ext_nth(i), name, is_test) != NULL)
			return true;
	return false;
}

/* For the parser: a word that is only ever a command. */
static bool
is_command_word(const char *word)
{
	return sieve_lookup_is_known(word, false) && !sieve_lookup_is_known(word, true);
}

static bool
takes_test(const char *word)
{
	if (strcmp(word, "if") == 0) /* nearly all that are asked for */
		return true;
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		const SieveCallDef *def = find_in(ext->commands, word);
		def = def != NULL ? def : find_in(ext->tests, word);
		if (def != NULL)
			return (def->flags & (SIEVE_TAKES_TEST | SIEVE_TAKES_TESTS)) != 0;
	}
	return false;
}

const SieveParserWords sieve_lookup_words = { is_command_word, takes_test };

void
sieve_lookup_report_missing(SieveCheck *check, SieveSpan span, const SieveExt *ext,
                            const char *what)
{
	guint64 bit = (guint64) 1 << sieve_ext_number(ext);

	if ((check->reported_missing & bit) != 0) {
		check->errors += !check->is_dead;
		check->dead_errors += check->is_dead;
		return;
	}

	if (!check->is_dead) /* elsewhere it will be an error, to be told */
		check->reported_missing |= bit;
	g_autofree char *hint = g_strdup_printf("add \"%s\" to require", ext->capability);
	sieve_check_error(check, span, "missing-require", hint, "%s needs \"%s\"", what,
	                  ext->capability);
}

void
sieve_lookup_report_unknown(SieveCheck *check, const SieveCall *call)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		bool out_of_place = ext->became != NULL ||
		                    (ext->for_tests && !sieve_check_available(check, ext));
		if (out_of_place || find_def(ext, call->name, call->is_test) == NULL)
			continue;
		g_autofree char *what = g_strdup_printf("'%s'", call->name);
		sieve_lookup_report_missing(check, call->span, ext, what);
		return;
	}

	const char *kind = call->is_test ? "test" : "command";
	if (sieve_lookup_is_known(call->name, !call->is_test)) {
		sieve_check_error(check, call->span, "wrong-place",
		                  call->is_test ? NULL : "put an if before it",
		                  "'%s' is a %s, not a %s", call->name,
		                  call->is_test ? "command" : "test", kind);
		return;
	}

	g_autofree char *hint = sieve_hint_for_call(call->name, call->is_test);
	sieve_check_error(check, call->span, call->is_test ? "unknown-test" : "unknown-command",
	                  hint, "unknown %s '%s'", kind, call->name);
}
