/* SPDX-License-Identifier: MIT */
/* script-time: a counter of the state for each script and window. */
#include "agent/run/script-time.h"

#include "agent/base/deadline.h"
#include "filters/filter.h"

#include <time.h>

enum { MS = 1000 };

/* Of this thread: a worker of lmtpd does one delivery at a time. */
static gint64
processor_ms(void)
{
	struct timespec now;
	(void) clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (gint64) now.tv_sec * MS + now.tv_nsec / 1000000;
}

static gint64
window_number(const ScriptMemory *memory, const Conf *conf)
{
	return memory->now / conf->rules_cpu_window;
}

/* Add to the count, or read it (0). */
static gint64
count(const ScriptTime *time, const ScriptMemory *memory, const Conf *conf, gint64 by)
{
	g_auto(Status) fault = STATUS_INIT;
	gint64 total = by, until = (window_number(memory, conf) + 1) * conf->rules_cpu_window;
	State *state = memory->state != NULL ? state_once_get(memory->state, memory->notes) : NULL;

	if (state != NULL && !state_count(state, time->key, by, until, &total, &fault))
		g_ptr_array_add(memory->notes,
		                g_strdup_printf("the processor time of scripts is not known: %s",
		                                fault.detail));
	return total;
}

void
script_time_begin(ScriptTime *time, const ScriptSet *set)
{
	*time = (ScriptTime){ .set = set };
}

/*
 * What one search has taken before the engine could ask, by its steps: the clock was not looked at
 * when it began.
 */
static gint64
ms_of_work(guint64 work)
{
	enum { STEPS_PER_MS = 250000 };
	return work > FILTER_WORK_BEFORE_ASKING
	               ? (gint64) ((work - FILTER_WORK_BEFORE_ASKING) / STEPS_PER_MS)
	               : 0;
}

/* The engine asks for the first time. */
static void
watch(ScriptTime *time, const ScriptMemory *memory, const Conf *conf, guint64 work)
{
	g_autofree char *text = g_strdup_printf("%" G_GINT64_MODIFIER "x %" G_GINT64_FORMAT,
	                                        script_set_sum(time->set),
	                                        window_number(memory, conf));
	time->key = state_key("cpu", memory->user, script_set_first(time->set)->name, text, NULL);
	time->earlier_ms = count(time, memory, conf, 0);
	time->began_ms = processor_ms() - ms_of_work(work);
}

bool
script_time_goes_on(ScriptTime *time, const ScriptMemory *memory, const Conf *conf, guint64 work,
                    Status *st)
{
	if (time->set == NULL)
		return true;
	if (time->key == NULL)
		watch(time, memory, conf, work);

	gint64 own_ms = processor_ms() - time->began_ms, limit_s = conf->rules_max_cpu_time;
	bool is_late = deadline_left() <= (guint64) conf->deadline / 3;
	if (is_late || own_ms * 2 >= conf->deadline * MS)
		return status_fail_detail(st, STATUS_LIMIT,
		                          "the script takes more than its part of the deadline");
	if (limit_s > 0 && time->earlier_ms + own_ms >= limit_s * MS)
		return status_fail_detail(st, STATUS_LIMIT,
		                          "the script has used more than %" G_GINT64_FORMAT
		                          " s of processor time within %" G_GINT64_FORMAT
		                          " s (rules_max_cpu_time, rules_cpu_window)",
		                          limit_s, (gint64) conf->rules_cpu_window);
	return true;
}

void
script_time_end(ScriptTime *time, const ScriptMemory *memory, const Conf *conf)
{
	if (time->key != NULL)
		(void) count(time, memory, conf, MAX(processor_ms() - time->began_ms, 1));
	g_free(time->key);
	*time = (ScriptTime){ 0 };
}
