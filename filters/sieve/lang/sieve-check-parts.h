/* SPDX-License-Identifier: MIT */
/*
 * sieve-check-parts: what the parts of sieve-check share: sieve-check.c (reports, the compile),
 * sieve-walk.c (blocks and tests), sieve-lookup.c (what a word is), sieve-bind.c and
 * sieve-bind-tag.c (arguments and tags of a call). Nobody else includes it.
 */
#ifndef TODOKE_SIEVE_CHECK_PARTS_H
#define TODOKE_SIEVE_CHECK_PARTS_H

#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-match-type.h"
#include "filters/sieve/lang/sieve-parser.h"

enum { SIEVE_KNOWN_WORDS = 16 };

struct SieveCheck {
	SieveProgram *program;
	const FilterSource *source;
	FilterEnv *env;
	GPtrArray *problems;
	SieveCheck *parent; /* of an included script; NULL: the main one */
	SieveNames *names;
	GHashTable *field_slots; /* name -> slot, of the main script */
	/* of the main script: SieveKey of one call, while they are made ready */
	GArray *keys;
	void **states;
	guint64 allowed;          /* extensions that this script may require */
	guint64 reported_missing; /* extensions whose missing require was said */
	SieveEffort effort;       /* of the main script */
	/* what words were found to be: scripts say the same few again and again */
	struct {
		const char *name; /* NULL: nothing is kept here */
		const SieveCallDef *def;
		guint64 active; /* among these extensions */
		size_t ext;
		bool is_test;
	} known[SIEVE_KNOWN_WORDS];
	bool has_commands;    /* something other than require was seen */
	bool is_dead;         /* what is looked at can never run: its errors are warnings */
	unsigned dead_errors; /* how many */
	unsigned errors;
	unsigned reported;
};

/* What is being bound of a call. */
typedef struct {
	SieveCheck *check;
	SieveCall *call;
	SieveTag tags[LIMIT_SIEVE_ARGUMENTS];
	size_t n_tags;
	SieveArg *positional[LIMIT_SIEVE_ARGUMENTS];
	size_t n_positional;
	const SieveMatchDef *match;
	const SieveArg *match_value;
	SieveSpan match_span;
	const SieveComparator *comparator;
	SieveSpan comparator_span;
	bool is_good;
} SieveBinding;

static inline char
sieve_lookup_lower(char c)
{
	return (guchar) (c - 'A') < 26 ? (char) (c + ('a' - 'A')) : c;
}

/* Words of scripts have no case; most comparisons end at the first letter. */
static inline bool
sieve_lookup_same_word(const char *known, const char *word)
{
	while (*known != '\0' && *known == sieve_lookup_lower(*word)) {
		known++;
		word++;
	}
	return *known == '\0' && *word == '\0';
}

/* The check of the main script. */
SieveCheck *sieve_check_root(SieveCheck *check);

/* For the parser: which words are commands, which take tests. */
extern const SieveParserWords sieve_lookup_words;

/* Give the call its definition; call->def stays NULL: no active extension has one. */
void sieve_lookup_call(SieveCheck *check, SieveCall *call);

/* Does any extension, active or not, have a command or test of that name? */
bool sieve_lookup_is_known(const char *name, bool is_test);

/* The call uses something of the extension of that number. */
void sieve_lookup_note_use(const SieveCheck *check, SieveCall *call, size_t ext);

/* `what` belongs to an extension that is not required; said once for each. */
void sieve_lookup_report_missing(SieveCheck *check, SieveSpan span, const SieveExt *ext,
                                 const char *what);

/* Why a call has no definition: a missing require, the wrong place, an unknown word. */
void sieve_lookup_report_unknown(SieveCheck *check, const SieveCall *call);

/* Bind the words of a call whose definition is known. False: errors were reported. */
bool sieve_bind_call(SieveCheck *check, SieveCall *call);

/* Hold an argument of a call or (with a colon) of a tag against its type, and bind its strings. */
bool sieve_bind_arg(SieveCheck *check, SieveArg *arg, unsigned type, const char *colon,
                    const char *name);

/* The SieveArgType in words. */
const char *sieve_bind_type_name(unsigned type);

/* Bind the tag at call->args[*at], which moves on to its value if it takes one. */
bool sieve_bind_tag(SieveBinding *binding, size_t *at);

/* Check the commands of a block, and what is in them. */
void sieve_walk_block(SieveCheck *check, SieveCall *first);

#endif
