/* SPDX-License-Identifier: MIT */
/*
 * sieve-run: walks a program over one message. What extensions may use while it runs stands here.
 *
 * In all headers of the runner (filters/sieve/run, and what extensions share), a function that
 * returns bool and gives false no other meaning returns false after a fault, which is in run->st;
 * the caller then returns false too. Texts and arrays are in run->memory or run->scratch, and
 * nobody frees them, unless a comment says otherwise.
 */
#ifndef TODOKE_SIEVE_RUN_H
#define TODOKE_SIEVE_RUN_H

#include "filters/sieve/lang/sieve-program.h"
#include "filters/sieve/run/sieve-scope.h"

/*
 * Where the walk goes on. Any other value unwinds blocks until the construct that it is meant for
 * resets it to ON.
 */
typedef enum { SIEVE_ON, SIEVE_STOP, SIEVE_RETURN, SIEVE_BREAK } SieveControl;

typedef struct SieveFieldCache SieveFieldCache;

/* The pair of value and key that matched last; both are cut, and so is the name of the field. */
typedef struct {
	const SieveCall *test; /* NULL: nothing has matched since a test began */
	size_t field_len;      /* 0: what the test looks at has no name of its own */
	size_t key_len;
	size_t value_len;
	char field[PLAN_TEST_OCTETS];
	char key[PLAN_TEST_OCTETS];
	char value[PLAN_TEST_OCTETS];
} SievePair;

/*
 * A test that was made, and its result. The texts, which live until the command ends that tests,
 * are those of the pair that made it true; without data where no pair did.
 */
typedef struct {
	const SieveCall *test;
	bool result;
	SieveText field;
	SieveText key;
	SieveText value;
} SieveFact;

/* Room for facts while a test runs. */
enum { SIEVE_FACTS = 4 * LIMIT_PLAN_TESTS };

/* Why the block runs that runs now: for the actions in it. Lives as long as the block runs. */
typedef struct SieveBranch SieveBranch;
struct SieveBranch {
	const SieveBranch *outer; /* of the same script; NULL: none */
	PlanTest *tests;          /* with texts in run->scratch: nobody clears them */
	size_t n_tests;
};

struct SieveRun {
	/* Borrowed from the caller. */
	const FilterInput *input;
	FilterEnv *env;
	Plan *plan;
	Status *st;

	const SieveProgram *program; /* the script that runs now; nested ones change it */
	/* the header as edited so far; change it by sieve_run_set_headers */
	Headers *headers;
	Message *message; /* the body; change it by sieve_run_set_message */
	bool headers_edited;
	char *edited_at;     /* by which rules, as in PlanAction; in `memory` */
	PlanSource flags_at; /* which rule set the flags of the internal variable; borrowed */
	bool message_replaced;

	const SieveCall *at; /* the command or test that runs now: the line of a fault */
	SievePair pair;
	/* the tests that made the branch's test what it is, of which all are needed for that */
	SieveFact facts[SIEVE_FACTS];
	size_t n_facts;
	const SieveBranch *branch; /* NULL: no block of a branch runs */

	guint64 found; /* extensions of this script that ihave has found so far */

	SieveControl control;
	/* the loop that SIEVE_BREAK leaves: what its call has in `data` */
	const void *break_to;

	SieveArena *memory;  /* until the run ends */
	SieveArena *scratch; /* until the command that allocates it ends */

	SieveScope *scope;   /* variables of the script that runs now */
	SieveText *captures; /* match variables */
	size_t n_captures;

	/* flags for the implicit keep (RFC 5232), set by finish(); NULL: none */
	GPtrArray *keep_flags;

	guint64 steps_left; /* of the work that one message may cost (sieve_max_steps) */
	guint64 ask_below;  /* with fewer left, may_go_on is asked */
	gint64 actions_left;
	gint64 redirects_left;
	gint64 notices_left;
	size_t variable_limit; /* octets of a value (sieve_max_variable_size) */
	/* octets of values and edits that live as long as the run or their script */
	guint64 memory_held;
	guint64 memory_limit; /* sieve_max_memory */
	unsigned replaced;    /* how often the message was replaced */
	void **states;        /* by extension */
	SieveFieldCache *fields;
};

/* Run a program: the engine's entry. False: a fault of the run. */
bool sieve_run_program(const SieveProgram *program, const FilterInput *input, FilterEnv *env,
                       Plan *plan, Status *st);

/*
 * The same with `walk` in place of the walk over the tree: another engine says which commands are
 * reached, and runs them with what stands here. False: after a fault.
 */
bool sieve_run_guided(const SieveProgram *program, bool (*walk)(SieveRun *run),
                      const FilterInput *input, FilterEnv *env, Plan *plan, Status *st);

/* A fault at a call (NULL: where the run is): "file:line: ..." in the detail. Always false. */
bool sieve_run_fail(SieveRun *run, const SieveCall *call, StatusId id, const char *format, ...)
	G_GNUC_PRINTF(4, 5);

/*
 * Pay for work that grows with the message: octets compared, fields visited. False: the budget is
 * used up (STATUS_LIMIT).
 */
bool sieve_run_spend(SieveRun *run, guint64 steps);

/*
 * Account for what stays when the command ends: the octets of a value or an edit were `before` and
 * are `now`. False: the scripts hold more than they may (STATUS_LIMIT).
 */
bool sieve_run_hold(SieveRun *run, guint64 before, guint64 now);

/* A string of the script with its variables; lives until the command ends. */
SieveText sieve_run_text(SieveRun *run, const SieveString *string);

/* String `n` of an argument, NUL-terminated. `arg` may be a tag's value. */
const char *sieve_run_string(SieveRun *run, const SieveArg *arg, size_t n);

/*
 * A new array of copies (char *) of all strings of an argument; NULL argument: NULL. Caller unrefs.
 */
GPtrArray *sieve_run_strings(SieveRun *run, const SieveArg *arg);

/* State of `ext` for this run: ext->run_state octets, zero at first. */
void *sieve_run_state(SieveRun *run, const SieveExt *ext);

/* The commands from `first` on, until the block ends or control says otherwise. */
bool sieve_run_block(SieveRun *run, const SieveCall *first);

/* A value has matched a key in a test; `field` may be empty. */
void sieve_run_set_pair(SieveRun *run, const SieveCall *test, SieveText field, SieveText key,
                        SieveText value);

/*
 * A list of tests (allof, anyof) has one more result, of the facts from `start` on; the list began
 * at `from`. Did it decide the list? Then it alone counts.
 */
void sieve_run_weigh_facts(SieveRun *run, size_t from, size_t start, bool decides);

/* The command that runs now has set the flags of the internal variable. */
void sieve_run_note_flags(SieveRun *run);

/* A test of the script, traced. */
bool sieve_run_test(SieveRun *run, const SieveCall *test, bool *ret_result);

/* Another program with variables of its own, as include does it; the rest of the run is shared. */
bool sieve_run_nested(SieveRun *run, const SieveProgram *program);

/*
 * Bring flags, header and body as they are now to the implicit keep of the plan: the end of a
 * script. A test suite does it before its result is executed, too.
 */
bool sieve_run_finish(SieveRun *run);

/*
 * For test suites: go on with the message that the input has now, with a new plan, with limits as
 * at the beginning.
 */
void sieve_run_take_input(SieveRun *run);
void sieve_run_take_plan(SieveRun *run, Plan *plan);
void sieve_run_renew_limits(SieveRun *run);

/*
 * An action for the plan; taken over. Tags and extensions of the script complete it (:copy, :flags,
 * the edited header), limits are counted, it is traced.
 */
bool sieve_run_action(SieveRun *run, const SieveCall *call, PlanAction *action);

/* A new action with the place of the call in it. */
PlanAction *sieve_run_action_new(SieveRun *run, PlanKind kind, const SieveCall *call);

/*
 * From here on, actions and tests see this header or body (editheader, replace, enclose). Taken
 * over.
 */
void sieve_run_set_headers(SieveRun *run, Headers *headers);
void sieve_run_set_message(SieveRun *run, Message *message);

/*
 * Fields of a name, as numbers into run->headers (guint), in the order of the message; with :index
 * and :last of the call (NULL: all). *ret_n of them, in memory that lives until the header is
 * edited or the command ends.
 */
const guint *
sieve_run_fields(SieveRun *run, const SieveCall *call, const SieveString *name, size_t *ret_n);

/*
 * Decoded value and addresses of field `number` of run->headers; kept until the header is edited.
 */
SieveText sieve_run_field_value(SieveRun *run, guint number);
const SieveAddress *sieve_run_field_addresses(SieveRun *run, guint number, size_t *ret_n);

/* Trace at a call, in printf's manner; costs nothing when nobody listens. */
#define sieve_run_trace(run, level, call, ...) \
	filter_trace((run)->env, (level), (run)->program->file, (call)->span.line, __VA_ARGS__)

#endif
