/* deliver: prepare all, commit, then report; or take it back. */
#include "agent/deliver/deliver.h"

#include "agent/base/deadline.h"

#define DELIVER(kind, action) extern const DeliverAction deliver_##action;
#include "agent/deliver/deliver-table.def"
#undef DELIVER

static const DeliverAction *const actions[PLAN_KIND_COUNT] = {
#define DELIVER(kind, action) [PLAN_##kind] = &deliver_##action,
#include "agent/deliver/deliver-table.def"
#undef DELIVER
};

/* An action of the plan and what its prepare made. */
typedef struct {
	const DeliverAction *action;
	void *state;
} Step;

static void
step_free(gpointer data)
{
	Step *step = data;
	if (step->state != NULL)
		step->action->free(step->state);
	g_free(step);
}

static void
done_free(gpointer data)
{
	DeliverDone *done = data;
	g_free(done->folder);
	g_free(done->file);
	g_free(done);
}

void
deliver_report_init(DeliverReport *report)
{
	report->done = g_ptr_array_new_with_free_func(done_free);
	report->notes = g_ptr_array_new_with_free_func(g_free);
}

void
deliver_report_clear(DeliverReport *report)
{
	g_clear_pointer(&report->done, g_ptr_array_unref);
	g_clear_pointer(&report->notes, g_ptr_array_unref);
}

void
deliver_report_add(DeliverReport *report, const char *action, char *folder, char *file, guint64 bytes)
{
	DeliverDone *done = g_new(DeliverDone, 1);
	*done = (DeliverDone){ action, folder, file, bytes };
	g_ptr_array_add(report->done, done);
}

Maildir *
deliver_open_inbox(const char *path, const Conf *conf, Status *st)
{
	MaildirOptions options = {
		.umask = (mode_t) conf->umask, .durability = conf->durability, .create = conf->create_maildir,
	};
	return maildir_open(path, &options, st);
}

/* Can all of the plan be carried out by this program? */
static bool
check_plan(const Plan *plan, Status *st)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		PlanKind kind = plan_get(plan, i)->kind;
		if (actions[kind] == NULL)
			return status_fail_detail(st, STATUS_CONFIG, "action '%s' cannot be carried out by this program",
			                          plan_kind_row(kind)->name);
	}
	return true;
}

static bool
prepare_all(DeliverRun *run, const Plan *plan, GPtrArray *steps, Status *st)
{
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *wanted = plan_get(plan, i);
		Step *step = g_new0(Step, 1);
		step->action = actions[wanted->kind];
		g_ptr_array_add(steps, step);
		if (!step->action->prepare(run, wanted, &step->state, st))
			return status_prefix(st, "action '%s'", step->action->name);
	}
	return true;
}

static bool
commit_all(DeliverRun *run, GPtrArray *steps, Status *st)
{
	for (guint i = 0; i < steps->len; i++) {
		Step *step = steps->pdata[i];
		if (step->state != NULL && !step->action->commit(run, step->state, st))
			return status_prefix(st, "action '%s'", step->action->name);
	}
	for (guint i = 0; i < steps->len; i++) {
		Step *step = steps->pdata[i];
		if (step->state != NULL && !step->action->flush(run, step->state, st))
			return status_prefix(st, "action '%s'", step->action->name);
	}
	return true;
}

static void
take_back_all(GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		Step *step = steps->pdata[i];
		if (step->state != NULL)
			step->action->take_back(step->state);
	}
}

static void
report_all(DeliverRun *run, GPtrArray *steps)
{
	for (guint i = 0; i < steps->len; i++) {
		Step *step = steps->pdata[i];
		if (step->state != NULL)
			step->action->report(run, step->state, run->report);
	}
}

static bool
run_steps(DeliverRun *run, const Plan *plan, GPtrArray *steps, Status *st)
{
	if (!check_plan(plan, st) || !prepare_all(run, plan, steps, st))
		return false;
	deadline_stop();
	if (!commit_all(run, steps, st)) {
		take_back_all(steps);
		return false;
	}
	report_all(run, steps);
	return true;
}

static void
folder_destroy(gpointer maildir)
{
	maildir_free(maildir);
}

bool
deliver_run(const Plan *plan, DeliverJob *job, DeliverReport *report, Status *st)
{
	g_autoptr(GPtrArray) folders = g_ptr_array_new_with_free_func(folder_destroy);
	g_autoptr(GPtrArray) stores = g_ptr_array_new();
	DeliverRun run = { .job = job, .report = report, .folders = folders, .stores = stores };
	GPtrArray *steps = g_ptr_array_new_with_free_func(step_free);
	bool done = run_steps(&run, plan, steps, st);
	g_ptr_array_unref(steps);
	g_clear_pointer(&job->draft, maildir_draft_free);
	return done;
}
