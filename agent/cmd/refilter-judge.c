/* SPDX-License-Identifier: MIT */
/* refilter-judge: a rehearsal, and what its plan means for a message that is here. */
#include "agent/cmd/refilter-judge.h"

#include "agent/cmd/try-print.h"
#include "agent/plan/plan-program.h"
#include "agent/store/folder.h"

#include <string.h>

static const char *const names[REFILTER_OUTCOMES] = {
	[REFILTER_STAYS] = "stays",         [REFILTER_MOVES] = "moves",
	[REFILTER_DISCARDED] = "discarded", [REFILTER_REFUSED] = "refused",
	[REFILTER_PASSED_ON] = "passed-on", [REFILTER_LEFT] = "left",
};

const char *
refilter_outcome_name(RefilterOutcome outcome)
{
	return names[outcome];
}

void
refilter_verdict_clear(RefilterVerdict *verdict)
{
	g_clear_pointer(&verdict->folder, g_free);
	g_clear_pointer(&verdict->path, g_free);
	g_clear_pointer(&verdict->flags, g_ptr_array_unref);
	g_clear_pointer(&verdict->text, g_free);
	g_clear_pointer(&verdict->why, g_free);
	g_clear_pointer(&verdict->note, g_free);
}

/* What would leave, or run. */
static void
count_action(RefilterVerdict *verdict, const PlanAction *action)
{
	PlanRole role = plan_kind_row(action->kind)->role;

	if (plan_program_of(action) != NULL)
		verdict->programs++;
	else if (role == PLAN_ROLE_PASSES_ON)
		verdict->redirects++;
	else if (role == PLAN_ROLE_ANSWERS || role == PLAN_ROLE_STANDS_BY)
		verdict->replies++;
	verdict->is_edited |= action->headers != NULL || action->message != NULL;
}

/* All that the plan asks for, and the rule of the action that decides, which is the first. */
static void
describe_plan(RefilterVerdict *verdict, const Transact *transact)
{
	const Plan *plan = transact_planned(transact);
	g_autoptr(GString) text = g_string_new(NULL);
	size_t count = plan != NULL ? plan_count(plan) : 0;

	for (size_t i = 0; i < count; i++) {
		const PlanAction *action = plan_get(plan, i);
		const DeliverDone *done = try_find_done(transact, action);
		g_autofree char *words = try_action_text(action, done, false);
		count_action(verdict, action);
		g_string_append_printf(text, "%s%s", i > 0 ? "; " : "", words);
	}

	if (count == 0)
		g_string_append(text, "nothing");
	verdict->text = g_strdup(text->str);
	verdict->why = count > 0 ? try_why_text(plan_get(plan, 0)) : g_strdup("");
}

static GPtrArray *
copy_flags(const GPtrArray *flags)
{
	if (flags == NULL || flags->len == 0)
		return NULL;
	GPtrArray *copy = g_ptr_array_new_with_free_func(g_free);
	for (guint i = 0; i < flags->len; i++)
		g_ptr_array_add(copy, g_strdup(flags->pdata[i]));
	return copy;
}

/*
 * The folder below the INBOX that a stored file would lie in. Recipes name whole paths. NULL: it is
 * none of this mailbox. Caller frees.
 */
static char *
path_of(const RefilterRules *rules, const DeliverDone *done)
{
	if (done->file[0] != '/')
		return try_folder_of_file(done->file);
	if (!g_str_has_suffix(done->file, "/cur/-"))
		return NULL;

	g_autofree char *folder = try_folder_of_file(done->file),
			*plain = g_canonicalize_filename(folder, "/"),
			*root = g_canonicalize_filename(rules->account->maildir, "/");
	size_t len = strlen(root);
	if (!g_str_has_prefix(plain, root) || (plain[len] != '/' && plain[len] != '\0'))
		return NULL;

	return g_strdup(plain + len + (plain[len] == '/'));
}

static void
leave(RefilterVerdict *verdict, char *taken_note)
{
	verdict->outcome = REFILTER_LEFT;
	g_free(verdict->note);
	verdict->note = taken_note;
}

/* A folder that cannot be had makes a delivery fall back to the INBOX: then it stays. */
static bool
is_fallback(const DeliverDone *done)
{
	const PlanAction *wanted = done->wanted;
	return wanted != NULL && wanted->kind == PLAN_FILEINTO && wanted->mailbox != NULL &&
	       g_ascii_strcasecmp(wanted->mailbox, "INBOX") != 0 &&
	       strcmp(wanted->mailbox, done->folder) != 0 && strcmp(done->folder, "INBOX") == 0;
}

static const char *
newest_note(const Transact *transact)
{
	const GPtrArray *notes = transact_report(transact)->notes;
	static const char lead[] = "stored in the INBOX: ";
	const char *note = notes->len > 0 ? notes->pdata[notes->len - 1]
	                                  : "there is no such folder";
	return g_str_has_prefix(note, lead) ? note + strlen(lead) : note;
}

/* A folder as the owner's rules call it. NULL: they have no name for it. Caller frees. */
static char *
name_of(const RefilterRules *rules, const char *path)
{
	g_autoptr(Conf) scoped = account_conf(rules->account, rules->site->conf);
	FolderRules names_of = folder_rules_of(scoped != NULL ? scoped : rules->site->conf);
	return folder_name(&names_of, NULL, path);
}

static void
take_folder(const RefilterRules *rules, RefilterVerdict *verdict, const DeliverDone *done)
{
	g_autofree char *path = path_of(rules, done);
	if (path == NULL) {
		leave(verdict, g_strdup_printf("'%s' is no folder of this mailbox", done->folder));
		return;
	}

	bool by_path = done->wanted != NULL && done->wanted->kind == PLAN_STORE;
	char *name = by_path ? name_of(rules, path) : g_strdup(done->folder);

	verdict->outcome = REFILTER_MOVES;
	verdict->folder = name != NULL ? name : g_strdup(path);
	verdict->creates = done->wanted != NULL &&
	                   (done->wanted->create || done->wanted->kind == PLAN_STORE);
	verdict->flags = done->wanted != NULL ? copy_flags(done->wanted->flags) : NULL;
	verdict->path = g_steal_pointer(&path);
}

/* Is it a copy that lies where the message is, or one that the rules keep? */
static bool
is_here(const RefilterRules *rules, const DeliverDone *done, const char *here)
{
	if (done->wanted == NULL || done->wanted->kind == PLAN_KEEP)
		return true;
	g_autofree char *path = path_of(rules, done);
	return path != NULL && strcmp(path, here) == 0 && !is_fallback(done);
}

/* Of all places the first; where one of them is here, it stays. */
static void
choose_place(const RefilterRules *rules, RefilterVerdict *verdict, const Transact *transact,
             const char *here)
{
	const GPtrArray *all = transact_report(transact)->done;
	const DeliverDone *first = NULL;
	bool stays = false;
	unsigned stored = 0;

	for (guint i = 0; i < all->len; i++) {
		const DeliverDone *done = all->pdata[i];
		if (done->file == NULL)
			continue;
		first = first != NULL ? first : done;
		stays = stays || is_here(rules, done, here);
		stored++;
	}

	verdict->copies = stored > 0 ? stored - 1 : 0;
	if (first != NULL && first->wanted != NULL) {
		g_free(verdict->why);
		verdict->why = try_why_text(first->wanted);
	}

	if (stays)
		verdict->outcome = REFILTER_STAYS;
	else if (first != NULL && is_fallback(first))
		leave(verdict, g_strdup(newest_note(transact)));
	else if (first != NULL)
		take_folder(rules, verdict, first);
}

/* What the plan does with the message where it keeps no copy. */
static RefilterOutcome
outcome_of_plan(const Plan *plan)
{
	RefilterOutcome outcome = REFILTER_STAYS;
	for (size_t i = 0; plan != NULL && i < plan_count(plan); i++)
		switch (plan_kind_row(plan_get(plan, i)->kind)->role) {
		case PLAN_ROLE_REFUSES:
		case PLAN_ROLE_DEFERS:
			return REFILTER_REFUSED;
		case PLAN_ROLE_PASSES_ON:
			outcome = REFILTER_PASSED_ON;
			break;
		case PLAN_ROLE_DISPOSES:
			outcome = outcome == REFILTER_STAYS ? REFILTER_DISCARDED : outcome;
			break;
		default:
			break;
		}
	return outcome;
}

static bool
has_errors(const ScriptChainReport *scripts)
{
	for (guint i = 0; i < scripts->problems->len; i++)
		if (((const Problem *) scripts->problems->pdata[i])->severity == PROBLEM_ERROR)
			return true;
	return false;
}

static void
settle(const RefilterRules *rules, RefilterVerdict *verdict, const Transact *transact,
       const char *here, const Status *st)
{
	const ScriptChainReport *scripts = transact_scripts(transact);

	describe_plan(verdict, transact);
	if (scripts->notes->len > 0) {
		leave(verdict, g_strdup(scripts->notes->pdata[0]));
		return;
	}
	if (st->id != STATUS_OK && st->id != STATUS_RULE_REFUSED && st->id != STATUS_RULE_DEFER) {
		leave(verdict, g_strdup(status_why(st)));
		return;
	}

	verdict->outcome = st->id != STATUS_OK ? REFILTER_REFUSED
	                                       : outcome_of_plan(transact_planned(transact));
	if (st->id != STATUS_OK)
		verdict->note = g_strdup(status_text(st));
	else
		choose_place(rules, verdict, transact, here);
}

/* Nothing leaves: there is nothing to take. */
static bool
capture(void *user, const PlanAction *action, const RouteMail *mail, Status *st)
{
	(void) user, (void) action, (void) mail, (void) st;
	return true;
}

bool
refilter_judge(const RefilterRules *rules, Message *message, const Envelope *envelope,
               const char *here, RefilterVerdict *ret_verdict, Transact **ret_transact)
{
	g_auto(Status) st = STATUS_INIT;
	Transact *transact = transact_new(rules->site, rules->account, envelope, message, NULL,
	                                  rules->now);

	transact_describe(transact, rules->described);
	transact_set_recipes(transact, rules->recipes);
	if (transact_judge(transact, &st))
		(void) transact_rehearse(transact, capture, NULL, &st);

	*ret_verdict = (RefilterVerdict){ .outcome = REFILTER_STAYS };
	settle(rules, ret_verdict, transact, here, &st);
	*ret_transact = transact;

	return !has_errors(transact_scripts(transact));
}
