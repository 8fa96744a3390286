/* SPDX-License-Identifier: MIT */
/* filter: the table of engines, and the small services that all of them share. */
#include "filters/filter.h"

#include "conf/conf-choices.h"

#include <string.h>

#define FILTER(symbol) extern const Filter filter_##symbol;
#include "filters/filter-table.def"
#undef FILTER

static const Filter *const engines[] = {
#define FILTER(symbol) &filter_##symbol,
#include "filters/filter-table.def"
#undef FILTER
	NULL
};

const Filter *
filter_find(const char *name)
{
	for (size_t i = 0; engines[i] != NULL; i++)
		if (strcmp(engines[i]->name, name) == 0)
			return engines[i];
	return NULL;
}

const Filter *
filter_for_sieve(FilterEnv *env, const char *user)
{
	const char *own = conf_find_item(env->conf->sieve_engine_of, user);
	bool is_libsieve = own != NULL ? strcmp(own, "libsieve") == 0
	                               : env->conf->sieve_engine == CONF_SIEVE_ENGINE_LIBSIEVE;

	return filter_find(is_libsieve ? "libsieve" : "sieve");
}

void
filter_trace_text(FilterEnv *env, TraceLevel level, const char *file, unsigned line,
                  const char *format, ...)
{
	if (env->services->trace == NULL)
		return;
	va_list args;
	va_start(args, format);

	g_autofree char *text = g_strdup_vprintf(format, args);
	va_end(args);
	env->services->trace(env, level, file, line, text);
}

void
filter_note(FilterEnv *env, const char *file, unsigned line, const char *text)
{
	g_autofree char *place = problem_place_print(file, line);
	g_autofree char *note = g_strdup_printf("%s: %s", place, text);
	if (env->services->note != NULL)
		env->services->note(env, note);
	filter_trace(env, TRACE_ACTIONS, file, line, "%s", text);
}

bool
filter_may_go_on(FilterEnv *env, guint64 work, Status *st)
{
	return env->services->may_go_on == NULL || env->services->may_go_on(env, work, st);
}

int
filter_utc_offset(FilterEnv *env)
{
	return env->services->utc_offset != NULL ? env->services->utc_offset(env) : 0;
}
