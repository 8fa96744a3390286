/* SPDX-License-Identifier: MIT */
/*
 * recipe-states: a state remembers where its path crossed \/, and of two paths to one state the one
 * that crossed it further left is kept. Among the ends, the leftmost crossing wins, then the last
 * end: procmail's rule of which match is MATCH.
 */
#include "filters/recipe/pattern/recipe-states.h"

#include "agent/base/limits.h"

typedef enum { OP_SET, OP_FORK, OP_START, OP_END, OP_SPLIT, OP_ACCEPT } Op;

typedef struct {
	Op op;
	guint next;
	guint other;          /* OP_FORK */
	const RecipeSet *set; /* OP_SET; of the tree, which lives longer */
} PatternState;

struct RecipeStates {
	GArray *states; /* PatternState; the last ones are built first, so `next` is known */
	guint start;
};

/* Positions count octets of "\n" text "\n". Not crossed yet is as far right as can be. */
#define NOT_CROSSED G_MAXSIZE

typedef struct {
	const RecipeStates *program;
	const RecipeSearch *search;
	guint *list;     /* states that wait for an octet */
	size_t *crossed; /* by state */
	size_t *seen;    /* by state: the position + 1 at which it was entered last */
	guint n;
	guint *stack;
	size_t best_crossing;
	size_t best_end;
	bool found;
	guint64 steps;
} Run;

static guint
add_state(RecipeStates *states, Op op, guint next, guint other)
{
	const PatternState state = { op, next, other, NULL };
	g_array_append_val(states->states, state);
	return states->states->len - 1;
}

static guint build(RecipeStates *states, const RecipeTreeNode *node, guint next);

static guint
build_loop(RecipeStates *states, const RecipeTreeNode *node, guint next)
{
	guint fork = add_state(states, OP_FORK, 0, next);
	guint body = build(states, node->left, node->kind == TREE_MAYBE ? next : fork);
	g_array_index(states->states, PatternState, fork).next = body;
	return node->kind == TREE_PLUS ? body : fork;
}

/* The state where `node` begins, if `next` is what follows it. */
static guint
build(RecipeStates *states, const RecipeTreeNode *node, guint next)
{
	for (; node->kind == TREE_CONCAT; node = node->left)
		next = build(states, node->right, next);
	if (node->kind == TREE_OR) {
		guint left = build(states, node->left, next);
		return add_state(states, OP_FORK, left, build(states, node->right, next));
	}

	switch (node->kind) {
	case TREE_EMPTY:
		return next;
	case TREE_SET: {
		guint at = add_state(states, OP_SET, next, 0);
		g_array_index(states->states, PatternState, at).set = &node->set;
		return at;
	}
	case TREE_START:
		return add_state(states, OP_START, next, 0);
	case TREE_END:
		return add_state(states, OP_END, next, 0);
	case TREE_SPLIT:
		return add_state(states, OP_SPLIT, next, 0);
	default:
		return build_loop(states, node, next);
	}
}

RecipeStates *
recipe_states_new(const RecipeTree *tree)
{
	RecipeStates *states = g_new0(RecipeStates, 1);
	states->states = g_array_new(FALSE, FALSE, sizeof(PatternState));
	states->start = build(states, tree->root, add_state(states, OP_ACCEPT, 0, 0));
	return states;
}

void
recipe_states_free(RecipeStates *states)
{
	if (states == NULL)
		return;
	g_array_unref(states->states);
	g_free(states);
}

static void
accept(Run *run, size_t at, size_t crossed)
{
	if (run->found && (crossed > run->best_crossing ||
	                   (crossed == run->best_crossing && at <= run->best_end)))
		return;
	run->found = true;
	run->best_crossing = crossed;
	run->best_end = at;
}

/* Put `state` on the stack unless it was entered here by a path as good. */
static void
push(Run *run, guint *top, guint state, size_t at, size_t crossed)
{
	if (run->seen[state] == at + 1 && run->crossed[state] <= crossed)
		return;
	const PatternState *what = &g_array_index(run->program->states, PatternState, state);
	if (run->seen[state] != at + 1 && (what->op == OP_SET || what->op == OP_START))
		run->list[run->n++] = state;
	run->seen[state] = at + 1;
	run->crossed[state] = crossed;
	run->stack[(*top)++] = state;
}

/* Enter `state` at position `at`, and everything that can be reached from it without an octet. */
static void
enter(Run *run, guint state, size_t at, size_t crossed)
{
	guint top = 0;
	push(run, &top, state, at, crossed);
	while (top > 0) {
		guint current = run->stack[--top];
		const PatternState *what = &g_array_index(run->program->states, PatternState,
		                                          current);
		size_t path = run->crossed[current];
		run->steps++;
		if (what->op == OP_ACCEPT)
			accept(run, at, path);
		else if (what->op == OP_SPLIT)
			/* of several \/ on a path the last one counts */
			push(run, &top, what->next, at, at);
		else if (what->op == OP_END && at == run->search->len + 1)
			push(run, &top, what->next, at, path);
		else if (what->op == OP_FORK) {
			push(run, &top, what->other, at, path);
			push(run, &top, what->next, at, path);
		}
	}
}

static bool
takes(const PatternState *state, size_t at, char c)
{
	return state->op == OP_START ? at == 0 : recipe_set_has(state->set, (guchar) c);
}

/* Go from position `at` to the next one. `now` is a copy of the list, with the crossings. */
static void
step(Run *run, size_t at, char c, guint *now, size_t *now_crossed)
{
	guint n = run->n;

	for (guint i = 0; i < n; i++) {
		now[i] = run->list[i];
		now_crossed[i] = run->crossed[now[i]];
	}

	run->n = 0;
	for (guint i = 0; i < n; i++) {
		const PatternState *state = &g_array_index(run->program->states, PatternState,
		                                           now[i]);
		run->steps++;
		if (takes(state, at, c) && !(run->found && now_crossed[i] > run->best_crossing))
			enter(run, state->next, at + 1, now_crossed[i]);
	}
}

static char
octet_at(const RecipeSearch *search, size_t at)
{
	return at == 0 || at > search->len ? '\n' : search->text[at - 1];
}

static RecipeMatch
follow(Run *run, guint *now, size_t *now_crossed)
{
	const RecipeSearch *search = run->search;
	/*
	 * A search that goes on behind a line end sees that line end again, as the first one sees
	 * the one that nobody wrote.
	 */
	bool behind_newline = search->from == 0 || search->text[search->from - 1] == '\n';

	for (size_t at = behind_newline ? search->from : search->from + 1; at <= search->len + 2;
	     at++) {
		if (!run->found)
			enter(run, run->program->start, at, NOT_CROSSED);
		if ((run->found && !search->longest) || at == search->len + 2)
			break;
		step(run, at, octet_at(search, at), now, now_crossed);
		if (run->found && run->n == 0)
			break;
		if (run->steps > LIMIT_RECIPE_PATTERN_STEPS)
			return RECIPE_LIMIT;
	}

	return run->found ? RECIPE_MATCH : RECIPE_NO_MATCH;
}

static size_t
text_offset(const RecipeSearch *search, size_t at)
{
	return MIN(at == 0 ? 0 : at - 1, search->len);
}

RecipeMatch
recipe_states_run(const RecipeStates *states, const RecipeSearch *search, RecipeSpan *ret_span)
{
	guint n = states->states->len;
	g_autofree guint *list = g_new(guint, n);
	g_autofree guint *now = g_new(guint, n);
	g_autofree guint *stack = g_new(guint, 2 * n + 2);
	g_autofree size_t *crossed = g_new0(size_t, n);
	g_autofree size_t *now_crossed = g_new(size_t, n);
	g_autofree size_t *seen = g_new0(size_t, n);
	Run run = { .program = states,
		    .search = search,
		    .list = list,
		    .crossed = crossed,
		    .seen = seen,
		    .stack = stack };
	RecipeMatch answer = follow(&run, now, now_crossed);
	if (search->steps != NULL)
		*search->steps += run.steps;

	if (answer == RECIPE_MATCH) {
		size_t start = run.best_crossing == NOT_CROSSED ? run.best_end : run.best_crossing;
		if (search->counts)
			*ret_span = (RecipeSpan){ start - (start > 0),
				                  run.best_end - (run.best_end > 0) };
		else
			*ret_span = (RecipeSpan){ text_offset(search, start),
				                  text_offset(search, run.best_end) };
	}

	return answer;
}
