/* SPDX-License-Identifier: MIT */
/*
 * sieve-program: a compiled script. Made by sieve-check, walked by sieve-run; never changed after
 * it was made.
 */
#ifndef TODOKE_SIEVE_PROGRAM_H
#define TODOKE_SIEVE_PROGRAM_H

#include "filters/filter.h"
#include "filters/sieve/lang/sieve-ext.h"

typedef struct SieveProgram {
	SieveArena *arena; /* holds all of this */
	const char *file;
	ScriptTrust trust;
	const SieveCall *first; /* NULL: an empty script */
	guint64 active;         /* set of extensions that were required, by sieve_ext_number */
	/* those of them that a test ihave has to find first, when the script runs */
	guint64 by_ihave;
	/*
	 * char *: names of header fields by slot (SIEVE_HEADER), lower case; shared by nested
	 * programs
	 */
	GPtrArray *fields;
	bool has_variables; /* the script requires them: matches are captured */
	size_t n_variables; /* of its own scope (sieve-variable.h) */
} SieveProgram;

static inline bool
sieve_program_has(const SieveProgram *program, const SieveExt *ext)
{
	return (program->active >> sieve_ext_number(ext) & 1) != 0;
}

#endif
