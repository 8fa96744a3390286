/* SPDX-License-Identifier: MIT */
/*
 * sieve-variable: names in strings (RFC 5229). The extension `variables` adds the commands; values
 * are in run/sieve-scope.h.
 */
#ifndef TODOKE_SIEVE_VARIABLE_H
#define TODOKE_SIEVE_VARIABLE_H

#include "filters/sieve/lang/sieve-ext.h"

/*
 * ${env.name}, ${global.name}: who keeps the values, and whether `set` may write them (NULL: it may
 * not).
 */
struct SieveNamespace {
	const char *name;
	/* Is this a good name? False only after sieve_check_error. NULL: every identifier is. */
	bool (*check)(SieveCheck *check, SieveSpan span, const char *name);
	bool (*get)(SieveRun *run, const char *name, SieveText *ret_value);
	bool (*set)(SieveRun *run, const char *name, SieveText value);
};

/*
 * A modifier of `set`: higher precedence is applied first; two of one precedence exclude each other
 * (RFC 5229 4.1).
 */
struct SieveModifier {
	const char *name;
	unsigned precedence;
	SieveText (*apply)(SieveRun *run, SieveText value); /* result in run->scratch */
};

/* Stands for every modifier among the tags of a call; the tag's data is the SieveModifier. */
extern const SieveTagDef sieve_variable_modifier_tag;

typedef enum {
	SIEVE_VARIABLE_LOCAL,
	SIEVE_VARIABLE_MATCH,
	SIEVE_VARIABLE_NAMESPACE
} SieveVariableKind;

/* Where a value is found. */
typedef struct {
	SieveVariableKind kind;
	unsigned slot;               /* LOCAL; MATCH: the index */
	const SieveNamespace *space; /* NAMESPACE */
	const char *name;            /* lower case */
} SieveVariable;

/* One part of a string: text, or a variable. */
typedef struct {
	bool is_variable;
	SieveText text;
	SieveVariable variable;
} SieveTemplatePart;

struct SieveTemplate {
	SieveTemplatePart *parts;
	size_t n;
};

/* Names of one script while it is compiled. */
typedef struct SieveNames SieveNames;

/*
 * Resolve a variable's name for `set` and the like: a constant string. False after an error: it is
 * no name, or (with `for_writing`) cannot be written.
 */
bool sieve_variable_resolve(SieveCheck *check, const SieveString *name, bool for_writing,
                            SieveVariable *ret_variable);

/*
 * Look for ${...} in the string and give it a template. Only if the script has variables. False
 * after an error.
 */
bool sieve_variable_compile(SieveCheck *check, SieveNames *names, SieveString *string);

/* As much of the value as fits into `limit` octets, cut between characters. */
SieveText sieve_variable_cut(SieveText value, size_t limit);

/*
 * Octets of the character at the front (text.len > 0); an octet that begins none is one by itself.
 */
size_t sieve_variable_character(SieveText text);

/* For the checker. */
SieveNames *sieve_names_new(SieveArena *arena);
void sieve_names_free(SieveNames *names);
size_t sieve_names_count(const SieveNames *names);
bool sieve_names_alias(SieveNames *names, SieveArena *arena, const char *name,
                       const SieveNamespace *space);

#endif
