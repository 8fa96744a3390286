/* SPDX-License-Identifier: MIT */
/* sieve-ext: the table of extensions. */
#include "filters/sieve/ext/sieve-ext-table.h"

#include <string.h>

static const SieveExt *const extensions[] = {
#define EXT(name) &sieve_ext_##name,
#include "filters/sieve/ext/sieve-ext-table.def"
#undef EXT
};

/* A program's set of extensions is one word. */
G_STATIC_ASSERT(G_N_ELEMENTS(extensions) <= 64);

const SieveExt *
sieve_ext_nth(size_t i)
{
	return i < G_N_ELEMENTS(extensions) ? extensions[i] : NULL;
}

size_t
sieve_ext_count(void)
{
	return G_N_ELEMENTS(extensions);
}

size_t
sieve_ext_number(const SieveExt *ext)
{
	static size_t last; /* each string of a script asks for the same one */
	if (extensions[last] == ext)
		return last;

	size_t i = 0;
	while (extensions[i] != ext)
		i++;
	last = i;
	return i;
}

const SieveExt *
sieve_ext_find(SieveText capability)
{
	for (size_t i = 0; i < G_N_ELEMENTS(extensions); i++) {
		const char *name = extensions[i]->capability;
		if (name != NULL && strlen(name) == capability.len &&
		    memcmp(name, capability.data, capability.len) == 0)
			return extensions[i];
	}
	return NULL;
}

guint64
sieve_ext_with_implied(const SieveExt *ext)
{
	guint64 set = (guint64) 1 << sieve_ext_number(ext);
	g_auto(GStrv) implied = g_strsplit(ext->implies != NULL ? ext->implies : "", " ", -1);

	for (size_t i = 0; implied[i] != NULL; i++) {
		const SieveExt *other = sieve_ext_find(
			(SieveText){ implied[i], strlen(implied[i]) });
		if (other != NULL)
			set |= sieve_ext_with_implied(other);
	}

	return set;
}
