/* sieve-hint: edit distance over the tables; only for scripts that are wrong, so nothing here is fast. */
#include "filters/sieve/lang/sieve-hint.h"

#include "agent/base/limits.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

unsigned
sieve_hint_distance(const char *a, const char *b)
{
	unsigned rows[3][LIMIT_SIEVE_WORD_BYTES + 2];
	size_t n = strlen(a), m = strlen(b);
	if (n > LIMIT_SIEVE_WORD_BYTES || m > LIMIT_SIEVE_WORD_BYTES)
		return G_MAXUINT;
	unsigned *older = rows[0], *old = rows[1], *now = rows[2];
	for (size_t j = 0; j <= m; j++)
		older[j] = old[j] = (unsigned) j;
	for (size_t i = 1; i <= n; i++) {
		now[0] = (unsigned) i;
		for (size_t j = 1; j <= m; j++) {
			char x = g_ascii_tolower(a[i - 1]), y = g_ascii_tolower(b[j - 1]);
			now[j] = MIN(MIN(old[j], now[j - 1]) + 1, old[j - 1] + (x != y));
			bool swapped = i > 1 && j > 1 && x == g_ascii_tolower(b[j - 2]) && g_ascii_tolower(a[i - 2]) == y;
			if (swapped)
				now[j] = MIN(now[j], older[j - 2] + 1);
		}
		unsigned *free_row = older;
		older = old;
		old = now;
		now = free_row;
	}
	return old[m];
}

/* The nearest word so far. */
typedef struct {
	const char *word;
	const char *nearest;
	unsigned distance;
} Search;

static void
search_add(Search *search, const char *candidate)
{
	unsigned distance = sieve_hint_distance(search->word, candidate);
	if (distance < search->distance) {
		search->nearest = candidate;
		search->distance = distance;
	}
}

/* A word of four letters may have one wrong, longer ones one in three. */
static Search
search_new(const char *word)
{
	return (Search){ .word = word, .distance = (unsigned) MAX(strlen(word) / 3, 1) + 1 };
}

static char *
search_hint(const Search *search, const char *before)
{
	return search->nearest != NULL ? g_strdup_printf("did you mean \"%s%s\"?", before, search->nearest) : NULL;
}

char *
sieve_hint_for_call(const char *name, bool is_test)
{
	Search search = search_new(name);
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		const SieveCallDef *def = is_test ? ext->tests : ext->commands;
		for (; ext->became == NULL && def != NULL && def->name != NULL; def++)
			search_add(&search, def->name);
	}
	return search_hint(&search, "");
}

static void
add_tags(Search *search, const SieveTagDef *tags, const char *call)
{
	for (; tags != NULL && tags->name != NULL; tags++)
		if (tags->on == NULL || strstr(tags->on, call) != NULL)
			search_add(search, tags->name);
}

static void
add_ext_tags(Search *search, const SieveExt *ext, const SieveCallDef *def)
{
	add_tags(search, ext->tags, def->name);
	const SieveMatchDef *const *match = (def->flags & SIEVE_USES_MATCH) != 0 ? ext->matches : NULL;
	for (; match != NULL && *match != NULL; match++)
		search_add(search, (*match)->name);
	const SieveAddressPart *part = (def->flags & SIEVE_USES_ADDRESS_PART) != 0 ? ext->address_parts : NULL;
	for (; part != NULL && part->name != NULL; part++)
		search_add(search, part->name);
	const SieveModifier *modifier = (def->flags & SIEVE_TAKES_MODIFIERS) != 0 ? ext->modifiers : NULL;
	for (; modifier != NULL && modifier->name != NULL; modifier++)
		search_add(search, modifier->name);
}

char *
sieve_hint_for_tag(const SieveCallDef *def, const char *name)
{
	Search search = search_new(name);
	add_tags(&search, def->tags, def->name);
	if ((def->flags & SIEVE_USES_MATCH) != 0)
		search_add(&search, "comparator");
	for (size_t i = 0; i < sieve_ext_count(); i++)
		add_ext_tags(&search, sieve_ext_nth(i), def);
	return search_hint(&search, ":");
}

/*
 * Names that scripts still have from drafts and other servers, and what stands for them now, not always in the same
 * words.
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
	Search search = search_new(name);
	for (size_t i = 0; i < sieve_ext_count(); i++)
		if (sieve_ext_nth(i)->capability != NULL && sieve_ext_nth(i)->became == NULL)
			search_add(&search, sieve_ext_nth(i)->capability);
	return search_hint(&search, "");
}
