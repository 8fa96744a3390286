/* SPDX-License-Identifier: MIT */
/*
 * script-set: a script and those that it includes, as texts: what the compiler has read, to be
 * stored and compiled again.
 */
#ifndef TODOKE_SCRIPT_SET_H
#define TODOKE_SCRIPT_SET_H

#include "filters/filter.h"

/* One of them. The script itself is the first, and of PLACE_PATH. */
typedef struct {
	ScriptPlace place;
	char *name; /* as the including script names it; for the first, its path */
	char *file; /* as problems name it */
	char *text; /* NUL-terminated */
	size_t len;
} ScriptText;

typedef struct ScriptSet ScriptSet;

ScriptSet *script_set_new(void);
void script_set_free(ScriptSet *set);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ScriptSet, script_set_free)

/* Append one; `text` is taken over. */
void script_set_add(ScriptSet *set, ScriptPlace place, const char *name, const char *file,
                    char *text, size_t len);

/* The script itself; NULL: the set is empty. Borrowed. */
const ScriptText *script_set_first(const ScriptSet *set);

/*
 * The one that is included by that name from there, or that problems name so; NULL: none. Borrowed.
 */
const ScriptText *script_set_find(const ScriptSet *set, ScriptPlace place, const char *name);
const ScriptText *script_set_find_file(const ScriptSet *set, const char *file);

/* A checksum, begun with the first and gone on with by the second. */
#define SCRIPT_SUM_START G_GUINT64_CONSTANT(14695981039346656037)
guint64 script_sum_add(guint64 sum, const char *data, size_t len);

/* That of the texts: it shows changes, but is no proof of anything. */
guint64 script_set_sum(const ScriptSet *set);

/* The set as octets, and back; NULL: the octets are not such a set. Caller frees. */
GBytes *script_set_print(const ScriptSet *set);
ScriptSet *script_set_parse(const char *data, size_t len);

#endif
