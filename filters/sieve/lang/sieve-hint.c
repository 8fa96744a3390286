/* SPDX-License-Identifier: MIT */
/* sieve-hint: the words of all tables; only for scripts that are wrong, so nothing here is fast. */
#include "filters/sieve/lang/sieve-hint.h"

#include "agent/base/nearest.h"
#include "filters/sieve/lang/sieve-match-type.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

static char *
search_hint(const Nearest *search, const char *before)
{
	return search->best != NULL
	               ? g_strdup_printf("did you mean \"%s%s\"?", before, search->best)
	               : NULL;
}

char *
sieve_hint_for_call(const char *name, bool is_test)
{
	Nearest search = nearest_begin(name);
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		const SieveCallDef *def = is_test ? ext->tests : ext->commands;
		for (; ext->became == NULL && def != NULL && def->name != NULL; def++)
			nearest_add(&search, def->name);
	}

	return search_hint(&search, "");
}

static void
add_tags(Nearest *search, const SieveTagDef *tags, const char *call)
{
	for (; tags != NULL && tags->name != NULL; tags++)
		if (tags->on == NULL || strstr(tags->on, call) != NULL)
			nearest_add(search, tags->name);
}

static void
add_ext_tags(Nearest *search, const SieveExt *ext, const SieveCallDef *def)
{
	add_tags(search, ext->tags, def->name);
	const SieveMatchDef *const *match = (def->flags & SIEVE_USES_MATCH) != 0 ? ext->matches
	                                                                         : NULL;
	for (; match != NULL && *match != NULL; match++)
		nearest_add(search, (*match)->name);

	const SieveAddressPart *part = (def->flags & SIEVE_USES_ADDRESS_PART) != 0
	                                       ? ext->address_parts
	                                       : NULL;
	for (; part != NULL && part->name != NULL; part++)
		nearest_add(search, part->name);
	const SieveModifier *modifier = (def->flags & SIEVE_TAKES_MODIFIERS) != 0 ? ext->modifiers
	                                                                          : NULL;
	for (; modifier != NULL && modifier->name != NULL; modifier++)
		nearest_add(search, modifier->name);
}

char *
sieve_hint_for_tag(const SieveCallDef *def, const char *name)
{
	Nearest search = nearest_begin(name);

	add_tags(&search, def->tags, def->name);
	if ((def->flags & SIEVE_USES_MATCH) != 0)
		nearest_add(&search, "comparator");
	for (size_t i = 0; i < sieve_ext_count(); i++)
		add_ext_tags(&search, sieve_ext_nth(i), def);

	return search_hint(&search, ":");
}

/*
 * Names that scripts still have from drafts and other servers, and what stands for them now, not
 * always in the same words.
 */
static const struct {
	const char *old;
	const char *now;
} renamed[] = {
	{ "vnd.dovecot.imapsieve", "imapsieve" },
	{ "vnd.dovecot.extlists", "extlists" },
};

char *
sieve_hint_for_capability(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(renamed); i++)
		if (strcmp(renamed[i].old, name) == 0)
			return g_strdup_printf("\"%s\" is what it became", renamed[i].now);
	Nearest search = nearest_begin(name);
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (sieve_ext_nth(i)->capability != NULL && sieve_ext_nth(i)->became == NULL)
			nearest_add(&search, sieve_ext_nth(i)->capability);

	return search_hint(&search, "");
}
