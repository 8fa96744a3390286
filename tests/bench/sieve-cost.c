/* SPDX-License-Identifier: MIT */
/*
 * sieve-cost: what compiling a script and running it over a message costs, in this process and
 * without a disk.
 *
 * 	sieve-cost SCRIPT MESSAGE ROUNDS
 *
 * Prints the least microseconds of one compile and of one run, the header's index included. For
 * instructions run it under callgrind with --toggle-collect=cost_compile or cost_run and one round.
 */
#include "tests/lib/sieve-world.h"

#include <stdio.h>
#include <stdlib.h>

FilterProgram *cost_compile(const FilterSource *source, FilterEnv *env);
Message *
cost_run(FilterProgram *program, const GString *mail, SieveWorld *world, Plan *plan, Status *st);

__attribute__((noinline)) FilterProgram *
cost_compile(const FilterSource *source, FilterEnv *env)
{
	return filter_find("sieve")->compile(source, env, NULL);
}

__attribute__((noinline)) Message *
cost_run(FilterProgram *program, const GString *mail, SieveWorld *world, Plan *plan, Status *st)
{
	Message *message = message_from_bytes(mail->str, mail->len, st);
	world->input.message = message;
	world->input.headers = message_headers(message);
	(void) filter_find("sieve")->run(program, &world->input, &world->env, plan, st);
	return message;
}

static GString *
read_all(const char *path)
{
	char *data = NULL;
	gsize len = 0;

	if (!g_file_get_contents(path, &data, &len, NULL)) {
		fprintf(stderr, "cannot read '%s'\n", path);
		exit(2);
	}

	GString *text = g_string_new_len(data, (gssize) len);
	g_free(data);
	return text;
}

int
main(int argc, char **argv)
{
	if (argc != 4)
		return 2;
	g_autoptr(GString) script = read_all(argv[1]), mail = read_all(argv[2]);
	g_autoptr(SieveWorld) world = sieve_world_new("trust: site\n", NULL);
	world->env.unwatched = true; /* as in a delivery */

	const FilterSource source = {
		.file = "bench.sieve", .text = script->str, .len = script->len, .trust = SCRIPT_SITE
	};
	gint64 compile = G_MAXINT64, run = G_MAXINT64;
	for (int round = atoi(argv[3]); round > 0; round--) {
		g_auto(Status) st = STATUS_INIT;
		gint64 began = g_get_monotonic_time();
		FilterProgram *program = cost_compile(&source, &world->env);
		gint64 compiled = g_get_monotonic_time();
		if (program == NULL)
			return 1;
		g_autoptr(Plan) plan = plan_new();
		g_autoptr(Message) message = cost_run(program, mail, world, plan, &st);
		gint64 ran = g_get_monotonic_time();
		filter_find("sieve")->free(program);
		if (st.id != STATUS_OK)
			return 1;
		compile = MIN(compile, compiled - began);
		run = MIN(run, ran - compiled);
	}

	printf("%" G_GINT64_FORMAT " %" G_GINT64_FORMAT "\n", compile, run);
	return 0;
}
