/* SPDX-License-Identifier: MIT */
/* plan: the list of actions, with duplicates merged and conflicts refused. */
#include "agent/plan/plan.h"

#include "agent/base/problem.h"
#include "agent/plan/plan-data.h"

#include <string.h>

struct Plan {
	GPtrArray *actions; /* PlanAction */
	bool implicit_keep;
	PlanAction *keep; /* what the implicit keep will be */
	guint earlier;    /* the first so many actions are of earlier scripts */
	bool is_outvoted; /* what was refused last quarrels with one of those */
	/* of actions that come without one; line 0: none */
	PlanTest test;
	GPtrArray *within; /* as in PlanAction */
};

static const PlanKindRow kinds[PLAN_KIND_COUNT] = {
#define PLAN(id, name, role, data, repeats) \
	[PLAN_##id] = { #name, PLAN_ROLE_##role, &plan_##data##_data, PLAN_REPEATS_##repeats },
#include "agent/plan/plan-table.def"
#undef PLAN
};

const PlanKindRow *
plan_kind_row(PlanKind kind)
{
	g_assert(kind < PLAN_KIND_COUNT);
	return &kinds[kind];
}

static const PlanData *
data_of(PlanKind kind)
{
	return kinds[kind].data;
}

bool
plan_kind_cancels_keep(PlanKind kind)
{
	return kinds[kind].role != PLAN_ROLE_ANSWERS && kinds[kind].role != PLAN_ROLE_STANDS_BY;
}

bool
plan_kind_stores(PlanKind kind)
{
	return kinds[kind].role == PLAN_ROLE_STORES;
}

PlanAction *
plan_action_new(PlanKind kind, const char *file, unsigned line)
{
	PlanAction *action = g_new0(PlanAction, 1);

	action->kind = kind;
	action->at = (PlanSource){ g_strdup(file), line };
	if (data_of(kind)->size > 0)
		action->data = g_malloc0(data_of(kind)->size);

	return action;
}

static void
destroy_test(gpointer test)
{
	plan_test_clear(test);
	g_free(test);
}

/* Put a test, which is taken over, inside of those before it. The outermost ones go. */
static void
take_inner(PlanTest *innermost, GPtrArray **within, PlanTest test)
{
	if (innermost->line != 0) {
		if (*within == NULL)
			*within = g_ptr_array_new_with_free_func(destroy_test);
		if ((*within)->len == LIMIT_PLAN_TESTS)
			g_ptr_array_remove_index(*within, 0);
		g_ptr_array_add(*within, g_memdup2(innermost, sizeof *innermost));
	} else {
		plan_test_clear(innermost);
	}
	*innermost = test;
}

static void
clear_tests(PlanTest *innermost, GPtrArray **within)
{
	plan_test_clear(innermost);
	g_clear_pointer(within, g_ptr_array_unref);
}

static void
copy_tests(PlanAction *into, const PlanTest *innermost, const GPtrArray *within)
{
	clear_tests(&into->test, &into->within);
	for (guint i = 0; within != NULL && i < within->len; i++)
		take_inner(&into->test, &into->within, plan_test_copy(within->pdata[i]));
	if (innermost->line != 0)
		take_inner(&into->test, &into->within, plan_test_copy(innermost));
}

void
plan_action_take_test(PlanAction *action, PlanTest test)
{
	take_inner(&action->test, &action->within, test);
}

const char *
plan_action_target(const PlanAction *action)
{
	const PlanData *type = plan_kind_row(action->kind)->data;

	if (action->mailbox != NULL)
		return action->mailbox;
	if (action->address != NULL)
		return action->address;
	return type->target != NULL && action->data != NULL ? type->target(action->data) : NULL;
}

void
plan_action_free(PlanAction *action)
{
	if (action == NULL)
		return;

	g_free(action->at.file);
	clear_tests(&action->test, &action->within);
	g_free(action->flags_at.file);
	g_free(action->edited_at);
	g_free(action->mailbox);
	g_free(action->special_use);
	plan_data_free_strings(action->flags);
	g_free(action->address);
	g_free(action->text);
	g_free(action->list);
	g_free(action->dsn.notify);
	g_free(action->dsn.ret);
	if (action->data != NULL)
		data_of(action->kind)->clear(action->data);
	g_free(action->data);
	message_unref(action->message);
	headers_unref(action->headers);
	g_free(action);
}

static void
action_destroy(gpointer action)
{
	plan_action_free(action);
}

Plan *
plan_new(void)
{
	Plan *plan = g_new0(Plan, 1);

	plan->actions = g_ptr_array_new_with_free_func(action_destroy);
	plan->implicit_keep = true;
	plan->keep = plan_action_new(PLAN_KEEP, NULL, 0);
	plan->keep->implicit = true;

	return plan;
}

void
plan_free(Plan *plan)
{
	if (plan == NULL)
		return;
	g_ptr_array_unref(plan->actions);
	plan_action_free(plan->keep);
	clear_tests(&plan->test, &plan->within);
	g_free(plan);
}

/* Actions that hand the message to somebody: a refusal beside them would be a lie. */
static bool
delivers(const PlanAction *action)
{
	PlanRole role = kinds[action->kind].role;
	return role == PLAN_ROLE_STORES || role == PLAN_ROLE_PASSES_ON;
}

/* RFC 5429 2 for refusals; RFC 5230 4.7: one answer. */
static bool
excludes(const PlanAction *one, const PlanAction *other)
{
	PlanRole role = kinds[one->kind].role, beside = kinds[other->kind].role;

	if (role == PLAN_ROLE_REFUSES)
		return beside == PLAN_ROLE_REFUSES || beside == PLAN_ROLE_ANSWERS ||
		       delivers(other);
	return role == PLAN_ROLE_ANSWERS &&
	       (beside == PLAN_ROLE_ANSWERS || beside == PLAN_ROLE_REFUSES);
}

/* The mailbox that an action stores to; keep and fileinto "INBOX" are one. */
static const char *
store_target(const PlanAction *action)
{
	return action->mailbox != NULL ? action->mailbox : "INBOX";
}

static bool
repeats(const PlanAction *one, const PlanAction *other)
{
	PlanRepeats how = kinds[one->kind].repeats;

	if (how == PLAN_REPEATS_MAILBOX)
		return kinds[other->kind].repeats == PLAN_REPEATS_MAILBOX &&
		       strcmp(store_target(one), store_target(other)) == 0;
	if (how == PLAN_REPEATS_NEVER || one->kind != other->kind)
		return false;

	/* a message that was replaced meanwhile, or a part of it, is another one */
	if (how == PLAN_REPEATS_ADDRESS)
		return one->message == other->message &&
		       g_strcmp0(one->address, other->address) == 0;

	return how == PLAN_REPEATS_ALWAYS || data_of(one->kind)->is_same(one->data, other->data);
}

/* One copy is stored, with the flags of the later action (RFC 5232 3). */
static void
take_flags(PlanAction *into, const GPtrArray *flags)
{
	if (flags == NULL)
		return;
	if (into->flags != NULL)
		g_ptr_array_unref(into->flags);
	into->flags = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < flags->len; i++)
		if (!g_ptr_array_find_with_equal_func(into->flags, flags->pdata[i], g_str_equal,
		                                      NULL))
			g_ptr_array_add(into->flags, g_strdup(flags->pdata[i]));
}

static void
take_source(PlanSource *into, const PlanSource *source)
{
	g_free(into->file);
	*into = (PlanSource){ g_strdup(source->file), source->line };
}

/*
 * RFC 5230 4.7 is about one script: where one of the site has answered, that of the owner goes on
 * without its answer.
 */
static bool
is_answered_earlier(const Plan *plan, const PlanAction *action, guint at)
{
	const PlanAction *earlier = plan->actions->pdata[at];
	return at < plan->earlier && kinds[action->kind].role == PLAN_ROLE_ANSWERS &&
	       kinds[earlier->kind].role == PLAN_ROLE_ANSWERS;
}

static void
merge(PlanAction *earlier, const PlanAction *action)
{
	take_flags(earlier, action->flags);
	if (action->flags != NULL)
		take_source(&earlier->flags_at, &action->flags_at);
	earlier->create = earlier->create || action->create;
	earlier->is_both = earlier->is_both || earlier->kind != action->kind;
	earlier->copy = earlier->copy && action->copy;
}

/* With an action of the script that asks for it? */
static bool
quarrels_within_script(const Plan *plan, const PlanAction *action)
{
	for (guint i = plan->earlier; i < plan->actions->len; i++) {
		const PlanAction *other = plan->actions->pdata[i];
		if (excludes(action, other) || excludes(other, action))
			return true;
	}
	return false;
}

static bool
refuse_conflict(const PlanAction *action, const PlanAction *earlier, Status *st)
{
	const char *file = action->at.file != NULL ? action->at.file : "rules",
		   *other = earlier->at.file;
	g_autofree char *line = g_strdup_printf("%u", earlier->at.line);
	g_autofree char *place = other == NULL || strcmp(file, other) == 0
	                                 ? g_strconcat("line ", line, NULL)
	                                 : g_strconcat(other, ":", line, NULL);

	return status_fail_detail(st, STATUS_CONFLICT, "%s:%u: '%s' cannot stand beside '%s' of %s",
	                          file, action->at.line, kinds[action->kind].name,
	                          kinds[earlier->kind].name, place);
}

bool
plan_add(Plan *plan, PlanAction *taken, Status *st)
{
	g_autoptr(PlanAction) action = taken;

	if (action->test.line == 0 && plan->test.line != 0 && action->at.line != 0)
		copy_tests(action, &plan->test, plan->within);
	if (plan_kind_cancels_keep(action->kind) && !action->copy)
		plan->implicit_keep = false;
	for (guint i = 0; i < plan->actions->len; i++) {
		PlanAction *earlier = plan->actions->pdata[i];
		if (is_answered_earlier(plan, action, i))
			return true;
		if (excludes(action, earlier) || excludes(earlier, action)) {
			plan->is_outvoted = !quarrels_within_script(plan, action);
			return refuse_conflict(action, earlier, st);
		}
		if (repeats(action, earlier)) {
			merge(earlier, action);
			return true;
		}
	}

	g_ptr_array_add(plan->actions, g_steal_pointer(&action));
	return true;
}

bool
plan_is_outvoted(const Plan *plan)
{
	return plan->is_outvoted;
}

void
plan_drop(Plan *plan, size_t i)
{
	g_ptr_array_remove_index(plan->actions, (guint) i);
}

void
plan_set_inner_test(Plan *plan, unsigned line, const char *text)
{
	char *name = g_strndup(text, plan_test_shown(text, strlen(text)));
	take_inner(&plan->test, &plan->within, (PlanTest){ .line = line, .name = name });
}

void
plan_set_test(Plan *plan, unsigned line, const char *text)
{
	clear_tests(&plan->test, &plan->within);
	plan_set_inner_test(plan, line, text);
}

size_t
plan_count(const Plan *plan)
{
	return plan->actions->len;
}

const PlanAction *
plan_get(const Plan *plan, size_t i)
{
	return plan->actions->pdata[i];
}

bool
plan_keeps_implicitly(const Plan *plan)
{
	return plan->implicit_keep;
}

void
plan_set_implicit_keep(Plan *plan, bool in_force)
{
	plan->implicit_keep = in_force;
}

void
plan_set_keep_state(Plan *plan, GPtrArray *flags, Headers *headers, Message *message)
{
	PlanAction *keep = plan->keep;

	take_flags(keep, flags);
	headers_unref(keep->headers);
	keep->headers = headers != NULL ? headers_ref(headers) : NULL;
	message_unref(keep->message);
	keep->message = message != NULL ? message_ref(message) : NULL;
	if (headers == NULL)
		g_clear_pointer(&keep->edited_at, g_free);
}

char *
plan_edited_at(const char *before, const char *file, unsigned line)
{
	static const char comma[] = ", ", more[] = ", ...";
	g_autofree char *place = problem_place_print(file, line);
	unsigned count = 1;
	if (before == NULL)
		return g_steal_pointer(&place);

	/* a rule in a loop edits again and again */
	if (g_str_has_suffix(before, place) || g_str_has_suffix(before, more))
		return NULL;
	for (const char *at = strstr(before, comma); at != NULL; at = strstr(at + 1, comma))
		count++;

	return count < LIMIT_PLAN_TESTS ? g_strconcat(before, comma, place, NULL)
	                                : g_strconcat(before, more, NULL);
}

void
plan_set_keep_rules(Plan *plan, PlanSource flags_at, const char *edited_at)
{
	PlanAction *keep = plan->keep;

	if (flags_at.file != NULL)
		take_source(&keep->flags_at, &flags_at);
	if (edited_at == NULL)
		return;
	g_free(keep->edited_at);
	keep->edited_at = g_strdup(edited_at);
}

/* The keep that a script wrote; *ret_at is its number. */
static PlanAction *
find_keep(const Plan *plan, guint *ret_at)
{
	for (guint i = 0; i < plan->actions->len; i++) {
		PlanAction *action = plan->actions->pdata[i];
		*ret_at = i;
		if (!action->copy && (action->kind == PLAN_KEEP || action->is_both))
			return action;
	}
	return NULL;
}

/* Flags and place of a keep; header and body stay those that the script has left. */
static void
take_keep(PlanAction *keep, const PlanAction *written)
{
	take_flags(keep, written->flags);
	keep->implicit = false;
	take_source(&keep->at, &written->at);
	copy_tests(keep, &written->test, written->within);
	take_source(&keep->flags_at, &written->flags_at);
	g_free(keep->mailbox);
	keep->mailbox = g_strdup(written->mailbox);
}

bool
plan_next_script(Plan *plan)
{
	guint at = 0;
	PlanAction *written = find_keep(plan, &at);

	plan_set_test(plan, 0, "");
	if (written != NULL) {
		take_keep(plan->keep, written);
		plan->implicit_keep = true;
	}

	if (written != NULL && written->is_both) {
		written->kind = PLAN_FILEINTO;
		written->is_both = false;
	} else if (written != NULL) {
		plan_drop(plan, at);
	}

	plan->earlier = plan->actions->len;
	return written != NULL;
}

void
plan_finish(Plan *plan)
{
	if (!plan->implicit_keep)
		return;
	plan->implicit_keep = false;
	Status st = STATUS_INIT;
	PlanAction *keep = g_steal_pointer(&plan->keep);
	plan->keep = plan_action_new(PLAN_KEEP, NULL, 0);
	if (!plan_add(plan, keep, &st)) /* a refusal cancelled the keep before: nothing to do */
		status_clear(&st);
}

void
plan_set_keep_mailbox(Plan *plan, const char *mailbox)
{
	g_free(plan->keep->mailbox);
	plan->keep->mailbox = g_strdup(mailbox);
}

void
plan_create_keep_mailbox(Plan *plan)
{
	plan->keep->create = true;
}

Headers *
plan_keep_headers(const Plan *plan)
{
	return plan->keep->headers;
}

Message *
plan_keep_message(const Plan *plan)
{
	return plan->keep->message;
}

PlanMark
plan_mark(const Plan *plan)
{
	return (PlanMark){ plan->actions->len, plan->implicit_keep };
}

void
plan_rewind(Plan *plan, PlanMark mark)
{
	g_ptr_array_set_size(plan->actions, (gint) mark.actions);
	plan->implicit_keep = mark.keeps;
}

static void
inherit(PlanAction *action, Headers *headers, Message *message, const char *edited_at)
{
	/* A header of its own goes with the body as it was; a message of its own has its header. */
	if (action->message != NULL || !delivers(action))
		return;
	if (action->headers == NULL && headers != NULL) {
		action->headers = headers_ref(headers);
		if (action->edited_at == NULL)
			action->edited_at = g_strdup(edited_at);
	}
	if (message != NULL)
		action->message = message_ref(message);
}

void
plan_inherit(Plan *plan, PlanMark mark, Headers *headers, Message *message)
{
	const char *edited_at = plan->keep->edited_at;

	for (guint i = (guint) mark.actions; i < plan->actions->len; i++)
		inherit(plan->actions->pdata[i], headers, message, edited_at);
	inherit(plan->keep, headers, message, edited_at);
}

static void
print_flags(GString *out, const GPtrArray *flags)
{
	if (flags == NULL || flags->len == 0)
		return;
	g_string_append(out, " flags");
	for (guint i = 0; i < flags->len; i++)
		g_string_append_printf(out, " %s", (const char *) flags->pdata[i]);
}

static void
print_place(GString *out, const PlanSource *at)
{
	g_autofree char *place = problem_place_print(at->file, at->line);
	g_string_append_printf(out, " (%s)", place);
}

static void
print_action(GString *out, const PlanAction *action)
{
	const PlanData *data = data_of(action->kind);

	g_string_append(out, kinds[action->kind].name);
	if (plan_kind_stores(action->kind))
		g_string_append_printf(out, " in \"%s\"", store_target(action));
	if (action->special_use != NULL)
		g_string_append_printf(out, " (special use %s)", action->special_use);
	if (action->address != NULL)
		g_string_append_printf(out, " to <%s>", action->address);
	if (data->print != NULL)
		data->print(out, action->data);
	print_flags(out, action->flags);
	if (action->text != NULL)
		g_string_append_printf(out, ": %s", action->text);

	if (action->implicit)
		g_string_append(out, " (implicit: no rule said otherwise)");
	else if (action->at.file != NULL)
		print_place(out, &action->at);

	g_string_append_c(out, '\n');
}

char *
plan_print(const Plan *plan)
{
	GString *out = g_string_new(NULL);
	for (guint i = 0; i < plan->actions->len; i++)
		print_action(out, plan->actions->pdata[i]);
	return g_string_free(out, FALSE);
}

static void
set_place(json_t *object, const char *key, const PlanSource *at)
{
	if (at->file == NULL)
		return;
	g_autofree char *place = problem_place_print(at->file, at->line);
	plan_data_set_text(object, key, place);
}

static void
add_reasons(json_t *object, const PlanAction *action)
{
	if (action->test.line != 0)
		json_object_set_new(object, "test", plan_test_json(&action->test));

	if (action->within != NULL) {
		json_t *within = json_array();
		for (guint i = 0; i < action->within->len; i++)
			json_array_append_new(within, plan_test_json(action->within->pdata[i]));
		json_object_set_new(object, "within", within);
	}

	if (action->flags != NULL && action->flags->len > 0)
		set_place(object, "flags_at", &action->flags_at);
	plan_data_set_text(object, "edited_at", action->edited_at);
}

static json_t *
action_json(const PlanAction *action)
{
	json_t *object = json_object();

	json_object_set_new(object, "action", json_string(kinds[action->kind].name));
	if (action->implicit)
		json_object_set_new(object, "implicit", json_true());
	if (plan_kind_stores(action->kind)) {
		plan_data_set_text(object, "mailbox", store_target(action));
		plan_data_set_text(object, "special_use", action->special_use);
		plan_data_set_strings(object, "flags", action->flags);
		json_object_set_new(object, "create", json_boolean(action->create));
	}

	json_object_set_new(object, "copy", json_boolean(action->copy));
	plan_data_set_text(object, "address", action->address);
	plan_data_set_text(object, "list", action->list);
	plan_data_set_text(object, "reason", action->text);
	plan_data_set_text(object, "notify", action->dsn.notify);
	plan_data_set_text(object, "ret", action->dsn.ret);
	if (action->data != NULL)
		data_of(action->kind)->add_json(object, action);

	set_place(object, "at", &action->at);
	return object;
}

json_t *
plan_json(const Plan *plan)
{
	json_t *actions = json_array();
	for (guint i = 0; i < plan->actions->len; i++)
		json_array_append_new(actions, action_json(plan->actions->pdata[i]));
	return actions;
}

void
plan_json_add_reasons(const Plan *plan, json_t *actions)
{
	for (guint i = 0; i < plan->actions->len; i++)
		add_reasons(json_array_get(actions, i), plan->actions->pdata[i]);
}
