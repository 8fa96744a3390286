/* SPDX-License-Identifier: MIT */
/* code-problem: see the header. */
#include "agent/cmd/code-problem.h"

#include "agent/base/words.h"

#include <glib.h>
#include <string.h>

enum { OWNER_OR_ADMIN, ADMIN };

/* No pointers, which the dynamic linker would adjust at the start of each delivery. */
static const struct {
	char keys[360];
	int who;
	char what[232];
	char todo[184];
} rows[] = {
#define PROBLEM(keys, who, what, todo) { keys, who, what, todo },
#include "agent/cmd/code-problem.def"
#undef PROBLEM
};

/* A text that does not fit would have no end. */
#define PROBLEM(words, who, sentence, advice) \
	G_STATIC_ASSERT(sizeof words <= sizeof rows[0].keys); \
	G_STATIC_ASSERT(sizeof sentence <= sizeof rows[0].what); \
	G_STATIC_ASSERT(sizeof advice <= sizeof rows[0].todo);
#include "agent/cmd/code-problem.def"
#undef PROBLEM

/* Is `key` one of the words of `keys`? */
static bool
has_key(const char *keys, const char *key)
{
	size_t len = strlen(key);
	for (const char *at = keys; *at != '\0'; at += strspn(at, " ")) {
		size_t word = strcspn(at, " ");
		if (word == len && memcmp(at, key, len) == 0)
			return true;
		at += word;
	}
	return false;
}

bool
code_problem_find(const char *key, CodeProblem *ret)
{
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (has_key(rows[i].keys, key)) {
			*ret = (CodeProblem){ .name = g_intern_string(key),
				              .is_of_admin = rows[i].who == ADMIN,
				              .what = rows[i].what,
				              .todo = rows[i].todo };
			return true;
		}
	return false;
}
