/* SPDX-License-Identifier: MIT */
/*
 * sieve-ext: what an extension of the Sieve language is, and the table of them.
 *
 * How to add one (RFC "example"):
 *   1. filters/sieve/ext/sieve-ext-NAME.c: first the specification, what of it is done and what is
 *      not; then its commands,
 *      tests and tags as `static const` tables; at the end `const SieveExt sieve_ext_example = {
 *      .capability = "example", ... };`
 *   2. `EXT(example)` in ext/sieve-ext-table.def. ext/sieve-ext-table.h declares it, for its own
 *      functions and for others.
 *   3. tests/cases/sieve/NAME-.../: script.sieve, message.eml, envelope, expect (see
 *      tests/lib/sieve-case.c).
 *
 * What the tables do for you. `.positional = { SIEVE_STRING, SIEVE_STRINGS }` is all the checking
 * of argument types there is; a script that disagrees gets an error with line, column and hint.
 * Your `check` looks at what types cannot say (a bad address, a number out of range); your `run` or
 * `test` may rely on all of it. A call with SIEVE_USES_MATCH takes match types and comparators of
 * all extensions, and its last positional argument are the keys: test values with
 * sieve_match_begin, sieve_match_add, sieve_match_end (run/sieve-match.h). Tags for calls of others
 * name them in `.on`.
 *
 * Rules. Functions return false only after a fault has been set (sieve_run_fail). Text of a script
 * comes from sieve_run_text (variables are expanded) and lives until the command ends; what must
 * live longer is copied. Actions go through sieve_run_action, so that other extensions' tags and
 * limits apply. Work that grows with the message is paid for with sieve_run_spend. State of a run
 * lies in sieve_run_state, state of a compile in sieve_check_state: a table is const, and two runs
 * may share a program.
 */
#ifndef TODOKE_SIEVE_EXT_H
#define TODOKE_SIEVE_EXT_H

#include "agent/plan/plan.h"
#include "filters/sieve/lang/sieve-ast.h"

typedef struct SieveCheck SieveCheck; /* sieve-check.h */
typedef struct SieveRun SieveRun;     /* sieve-run.h */
typedef struct SieveExt SieveExt;

/* The shape of an argument. SIEVE_STRINGS takes a single string too. */
typedef enum {
	SIEVE_NONE,
	SIEVE_STRING,
	SIEVE_STRINGS,
	SIEVE_NUMBER,
	SIEVE_KIND_MASK = 0x0f,
	/* may be left out; which one is, is told by the number of arguments */
	SIEVE_OPTIONAL = 0x10,
	SIEVE_CONSTANT = 0x20, /* must not hold variables (RFC 5229 3) */
	/* names of header fields: found by number at run time (sieve_run_fields) */
	SIEVE_HEADER = 0x40,
} SieveArgType;

/* What a call takes besides its arguments, and how it steers. */
typedef enum {
	SIEVE_TAKES_TEST = 1 << 0,
	SIEVE_TAKES_TESTS = 1 << 1, /* a test list in parentheses */
	SIEVE_TAKES_BLOCK = 1 << 2,
	/* :is :contains ... and :comparator; the last positional argument are the keys */
	SIEVE_USES_MATCH = 1 << 3,
	SIEVE_USES_ADDRESS_PART = 1 << 4, /* :all :localpart :domain ... */
	SIEVE_ENDS_BLOCK = 1 << 5,        /* stop: what follows in the block is never reached */
	SIEVE_AT_TOP = 1 << 6,            /* require: before anything else */
	SIEVE_IF = 1 << 7,
	SIEVE_ELSIF = 1 << 8, /* elsif, else: continue an if */
	/* :lower ...: set, and whatever else stores a variable (extracttext) */
	SIEVE_TAKES_MODIFIERS = 1 << 9,
	SIEVE_SPLITS_KEYS = 1 << 11, /* each word of a key is a key of its own (hasflag) */
	/* a test that may answer otherwise when it is asked again (execute, duplicate) */
	SIEVE_IS_VOLATILE = 1 << 12,
	/* asks for an action: what `.action` of tags and extensions completes */
	SIEVE_IS_ACTION = 1 << 10,
} SieveCallFlags;

struct SieveCallDef {
	const char *name;
	unsigned positional[SIEVE_POSITIONAL_MAX]; /* SieveArgType; SIEVE_NONE ends */
	unsigned flags;                            /* SieveCallFlags */
	const SieveTagDef *tags;                   /* its own; a NULL name ends */
	/* What the shape cannot say. False only after sieve_check_error (asserted). NULL: nothing. */
	bool (*check)(SieveCheck *check, SieveCall *call);
	/* A command has `run`, a test has `test`. False only after a fault. */
	bool (*run)(SieveRun *run, const SieveCall *call);
	bool (*test)(SieveRun *run, const SieveCall *call, bool *ret_result);
};

struct SieveTagDef {
	const char *name; /* without the colon */
	unsigned value;   /* SieveArgType of what follows it; SIEVE_NONE: a flag */
	/* at most one tag of a group may be given; NULL: none, but never the same tag twice */
	const char *group;
	const char *on; /* for SieveExt.tags: the calls that get it, "fileinto redirect" */
	bool (*check)(SieveCheck *check, SieveCall *call, SieveTag *tag);
	/* Complete the action of a command that has the tag, in sieve_run_action. */
	bool (*action)(SieveRun *run, const SieveCall *call, const SieveTag *tag,
	               PlanAction *action);
	/* Takes the place of the test's own function, such as :mime on header. */
	bool (*test)(SieveRun *run, const SieveCall *call, bool *ret_result);
};

typedef struct SieveMatchDef SieveMatchDef;     /* sieve-match-type.h */
typedef struct SieveComparator SieveComparator; /* sieve-compare.h */
typedef struct SieveNamespace SieveNamespace;   /* sieve-variable.h */
typedef struct SieveModifier SieveModifier;     /* sieve-variable.h */

/*
 * A parsed address, in memory of the run. Empty local and domain: it is not valid, `all` is the
 * text as it stands.
 */
typedef struct {
	SieveText all;
	SieveText local;
	SieveText domain;
	bool valid;
} SieveAddress;

/* :localpart and the like; false from `get`: the address has no such part, nothing is compared. */
struct SieveAddressPart {
	const char *name;
	bool (*get)(SieveRun *run, const SieveAddress *address, SieveText *ret_text);
};

/*
 * "from" of the envelope test: append what there is to `values` (SieveText). An address: the
 * address part applies.
 */
typedef struct {
	const char *name;
	bool is_address;
	bool (*get)(SieveRun *run, GArray *values);
} SieveEnvelopePart;

/*
 * All lists end with a NULL name (.namespaces, .comparators, .matches: a NULL pointer); NULL: none.
 */
struct SieveExt {
	const char *capability; /* "fileinto"; NULL: the base language */
	const char *rfc;
	const char *implies; /* capabilities that come with it: "spamtest" */
	/* this is an old name, of a draft: what it is called now; require warns */
	const char *became;
	/* a capability that a script cannot require beside this one; NULL: none */
	const char *excludes;
	bool always; /* active without require (i;octet) */
	bool opt_in; /* off unless the site's sieve_extensions has it */
	/* only scripts of the site may require it, unless the site says otherwise */
	bool site_only;
	bool for_tests; /* only `todoke test` has it, whatever the site says */

	const SieveCallDef *commands;
	const SieveCallDef *tests;
	const SieveTagDef *tags; /* for calls of others */
	const SieveMatchDef *const *matches;
	const SieveComparator *const *comparators;
	const SieveAddressPart *address_parts;
	const SieveEnvelopePart *envelope_parts;
	const SieveNamespace *const *namespaces;
	const SieveModifier *modifiers; /* of set: :lower ... */

	/* octets of zeroes for a compile: sieve_check_state */
	size_t check_state;
	size_t run_state;                     /* octets of zeroes for a run: sieve_run_state */
	void (*clear_run_state)(void *state); /* frees what the state owns */

	/*
	 * A constant string of the script, before variables are looked for: may put another text
	 * there (encoded-character).
	 */
	bool (*string)(SieveCheck *check, SieveString *string);
	/* Every action of a script that requires this, before it goes into the plan. */
	bool (*action)(SieveRun *run, const SieveCall *call, PlanAction *action);
	/*
	 * The main script has ended without a fault: the implicit keep is about to be described
	 * (run->keep_flags ...).
	 */
	bool (*finish)(SieveRun *run);
};

/*
 * The table itself is that of ext/sieve-ext.c. Extensions by number; NULL behind the last. The
 * number is the bit in a program's set.
 */
const SieveExt *sieve_ext_nth(size_t i);
size_t sieve_ext_number(const SieveExt *ext);
size_t sieve_ext_count(void);

/* The set of the extension and all that it implies. */
guint64 sieve_ext_with_implied(const SieveExt *ext);

/* The extension of that capability (exact case, RFC 5228 6), or NULL. */
const SieveExt *sieve_ext_find(SieveText capability);

/* Those that the language and its runs ask for by name. */
extern const SieveExt sieve_ext_variables, sieve_ext_mime, sieve_ext_comparator_unicode_casemap;

#endif
