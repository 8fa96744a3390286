/* SPDX-License-Identifier: MIT */
/*
 * script-time: processor time that a script uses, in this delivery and in the owner's others
 * (rules_max_cpu_time, rules_cpu_window).
 *
 * Engines ask seldom: when a script has worked for so long that the clock is worth a look. So what
 * all scripts do in their first milliseconds costs nothing and is not counted.
 */
#ifndef TODOKE_SCRIPT_TIME_H
#define TODOKE_SCRIPT_TIME_H

#include "agent/run/script-memory.h"
#include "conf/conf.h"

/* The script that runs now. Zeroed: none. */
typedef struct {
	const ScriptSet *set; /* its texts, borrowed; NULL: none runs */
	char *key;            /* of the count in the state; NULL: the engine has not asked */
	gint64 began_ms;      /* of processor time */
	gint64 earlier_ms;    /* what earlier deliveries have used */
} ScriptTime;

/* From now on the first script of `set` runs, which must live until script_time_end. */
void script_time_begin(ScriptTime *time, const ScriptSet *set);

/*
 * May it go on? False: STATUS_LIMIT. It has used up rules_max_cpu_time, alone or with earlier
 * deliveries, or so much of the deadline that the mail might not be stored. memory->state may be
 * NULL: nothing is known of others. `work` is what the engine did since it was asked last
 * (filter.h).
 */
bool script_time_goes_on(ScriptTime *time, const ScriptMemory *memory, const Conf *conf,
                         guint64 work, Status *st);

/* It has ended: what it used is counted. Faults go to the notes. */
void script_time_end(ScriptTime *time, const ScriptMemory *memory, const Conf *conf);

#endif
