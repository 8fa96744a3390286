/* sieve-variable: names in strings (RFC 5229). The extension `variables` adds the commands; scopes and templates are here. */
#ifndef TODOKE_SIEVE_VARIABLE_H
#define TODOKE_SIEVE_VARIABLE_H

#include "filters/sieve/ext/sieve-ext.h"

/* ${env.name}, ${global.name}: who keeps the values, and whether `set` may write them (NULL: it may not). */
struct SieveNamespace {
	const char *name;
	/* Is this a good name? False only after sieve_check_error. NULL: every identifier is. */
	bool (*check)(SieveCheck *check, SieveSpan span, const char *name);
	bool (*get)(SieveRun *run, const char *name, SieveText *ret_value);
	bool (*set)(SieveRun *run, const char *name, SieveText value);
};

/* A modifier of `set`: higher precedence is applied first; two of one precedence exclude each other (RFC 5229 4.1). */
struct SieveModifier {
	const char *name;
	unsigned precedence;
	SieveText (*apply)(SieveRun *run, SieveText value);  /* result in run->scratch */
};

/* Stands for every modifier among the tags of a call; the tag's data is the SieveModifier. */
extern const SieveTagDef sieve_variable_modifier_tag;

typedef enum { SIEVE_VARIABLE_LOCAL, SIEVE_VARIABLE_MATCH, SIEVE_VARIABLE_NAMESPACE } SieveVariableKind;

/* Where a value is found. */
typedef struct {
	SieveVariableKind kind;
	unsigned slot;                 /* LOCAL; MATCH: the index */
	const SieveNamespace *space;   /* NAMESPACE */
	const char *name;              /* lower case */
} SieveVariable;

/* The values of one script while it runs. */
typedef struct SieveScope SieveScope;

/* Names of one script while it is compiled. */
typedef struct SieveNames SieveNames;

/*
 * Resolve a variable's name for `set` and the like: a constant string. False after an error: it is no name, or (with
 * `for_writing`) cannot be written.
 */
bool sieve_variable_resolve(SieveCheck *check, const SieveString *name, bool for_writing, SieveVariable *ret_variable);

/* Look for ${...} in the string and give it a template. Only if the script has variables. False after an error. */
bool sieve_variable_compile(SieveCheck *check, SieveNames *names, SieveString *string);

/* The value, empty where it was never set; lives until it is set again. */
bool sieve_variable_get(SieveRun *run, const SieveVariable *variable, SieveText *ret_value);

/* Set; values over the site's limit are cut at a character (RFC 5229 6). */
bool sieve_variable_set(SieveRun *run, const SieveVariable *variable, SieveText value);

/* As much of the value as fits into `limit` octets, cut between characters. */
SieveText sieve_variable_cut(SieveText value, size_t limit);

/*
 * Octets of the character at the front (text.len > 0); an octet that begins none is one by itself.
 */
size_t sieve_variable_character(SieveText text);

/*
 * For modifiers: a backslash before each of the `special` signs. What is over the site's limit
 * goes, by characters with their backslash.
 */
SieveText sieve_variable_quote(SieveRun *run, SieveText value, const char *special);

/* The string with its variables put in, in run->scratch. */
SieveText sieve_variable_expand(SieveRun *run, const SieveTemplate *template);

/* The modifiers among the tags of a call that takes them (SIEVE_TAKES_MODIFIERS), applied to the value by precedence. */
SieveText sieve_variable_modify(SieveRun *run, const SieveCall *call, SieveText value);

/* For the checker. */
SieveNames *sieve_names_new(SieveArena *arena);
void sieve_names_free(SieveNames *names);
size_t sieve_names_count(const SieveNames *names);
bool sieve_names_alias(SieveNames *names, SieveArena *arena, const char *name, const SieveNamespace *space);

/* For the runner. */
SieveScope *sieve_scope_new(size_t n);
void sieve_scope_free(SieveScope *scope);

/* Octets that the values take, as sieve_variable_set told sieve_run_hold. */
guint64 sieve_scope_held(const SieveScope *scope);

#endif
