/* SPDX-License-Identifier: MIT */
/*
 * sieve-ast: a script as a tree. The parser makes it from the text alone, the checker adds what the
 * words mean (the members below "set by the checker"), the runner walks it. All of it lies in the
 * arena of its program.
 */
#ifndef TODOKE_SIEVE_AST_H
#define TODOKE_SIEVE_AST_H

#include "filters/sieve/lang/sieve-arena.h"

#include <stdbool.h>

/*
 * Where a word stands: from 1, columns in octets; `end_column` is the first behind it, on the same
 * line (0: elsewhere).
 */
typedef struct {
	unsigned line;
	unsigned column;
	unsigned end_column;
} SieveSpan;

/* Bytes with a length; never NULL, not always ended by a NUL. */
typedef struct {
	const char *data;
	size_t len;
} SieveText;

#define SIEVE_TEXT(literal) ((SieveText){ (literal), sizeof(literal) - 1 })

/* A string with variables in it (sieve-variable.h). */
typedef struct SieveTemplate SieveTemplate;

typedef struct {
	SieveText text; /* escapes undone; as written where `template` is set */
	SieveSpan span;
	const SieveTemplate *template; /* NULL: the text is constant */
	/* SIEVE_HEADER: slot of the field's name, from 1; 0: it has variables */
	unsigned field;
} SieveString;

typedef enum { SIEVE_ARG_TAG, SIEVE_ARG_NUMBER, SIEVE_ARG_STRING, SIEVE_ARG_LIST } SieveArgKind;

typedef struct {
	SieveArgKind kind;
	SieveSpan span;
	const char *tag;      /* SIEVE_ARG_TAG: as written, without the colon */
	guint64 number;       /* SIEVE_ARG_NUMBER: multiplied out */
	SieveString *strings; /* SIEVE_ARG_STRING: one; SIEVE_ARG_LIST: `n` */
	size_t n;
} SieveArg;

struct SieveRun;
typedef struct SieveCallDef SieveCallDef;
typedef struct SieveTagDef SieveTagDef;
typedef struct SieveMatchSpec SieveMatchSpec;
typedef struct SieveAddressPart SieveAddressPart;
typedef struct SieveCall SieveCall;

/* A tag that was given, with its value (NULL: it takes none). */
typedef struct {
	const SieveTagDef *def;
	const SieveArg *tag;
	const SieveArg *value;
	void *data; /* whatever def->check left here */
} SieveTag;

enum { SIEVE_POSITIONAL_MAX = 4 };

/* A command or a test. */
struct SieveCall {
	const char *name; /* as written */
	SieveSpan span;
	SieveArg *args; /* all of them, in the order of the text */
	size_t n_args;
	SieveCall **tests;
	size_t n_tests;
	bool is_test;
	bool has_test_list; /* the tests stand in parentheses */
	bool has_block;
	/* what follows the name is wrong, and that was said: only its block is worth a look */
	bool is_broken;
	SieveCall *block; /* its first command */
	SieveCall *next;  /* the command behind this one */

	/* Set by the checker. */
	const SieveCallDef *def;
	/* NULL: an optional one that was left out */
	const SieveArg *positional[SIEVE_POSITIONAL_MAX];
	SieveTag *tags;
	size_t n_tags;
	const SieveMatchSpec *match;  /* calls with SIEVE_USES_MATCH (sieve-match.h) */
	const SieveAddressPart *part; /* calls with SIEVE_USES_ADDRESS_PART */
	guint64 index;                /* :index of RFC 5260; 0: all fields */
	bool index_from_last;         /* :last */
	/* def->test, or what a tag put in its place */
	bool (*test)(struct SieveRun *run, const SieveCall *call, bool *ret_result);
	void *data; /* whatever def->check left here */
	/* set of extensions that it uses and that only a test ihave makes available (RFC 5463) */
	guint64 by_ihave;
	/* tests: 1 always true, -1 always false whatever the message, 0 it depends */
	int known;
	/* ... because of what is installed here: no reason to warn */
	bool known_by_ihave;
};

#endif
