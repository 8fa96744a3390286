/* SPDX-License-Identifier: MIT */
/*
 * fuzz-foreign: rules of maildrop and of fdm through their parsers. What is written of them must
 * compile; and it and the rules themselves must run over a message, whatever they decide.
 * fuzz-foreign.sh says how to fuzz.
 */
#include "filters/filter-recipes.h"
#include "filters/foreign/foreign-run.h"
#include "filters/foreign/foreign-sieve.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static const char mail[] =
	"From: a@b.test\nTo: c@d.test\nSubject: foo bar 123\nList-Id: <x.lists>\n\n"
	"text\n";

static void
fuzz_run(const ForeignRules *rules, const ForeignPlaces *places, FilterEnv *env)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(mail, sizeof mail - 1, &st);
	g_assert(message != NULL);
	g_autoptr(Envelope) envelope = envelope_new(DOOR_TRY);
	g_autoptr(Plan) plan = plan_new();
	const FilterInput input = { .message = message,
		                    .headers = message_headers(message),
		                    .envelope = envelope,
		                    .user = "ann",
		                    .delimiters = "" };
	FilterProgram *program = foreign_run_new(rules, places);

	bool good = foreign_run_filter.run(program, &input, env, plan, &st);
	g_assert(good == (st.id == STATUS_OK));
	foreign_run_filter.free(program);
}

static void
fuzz_language(ForeignLanguage language, const char *text, size_t size)
{
	static const FilterServices services = { 0 };
	static const FilterRecipes recipes = { 0 };
	static const ForeignPlaces places = { "/home/ann", "/home/ann/Maildir", "ann" };
	FilterEnv env = { .services = &services,
		          .recipes = &recipes,
		          .conf = conf_default(),
		          .trace_level = -1 };
	g_autoptr(GPtrArray) problems = problem_list_new();
	const FilterSource source = { .file = "fuzz", .text = text, .len = size };
	g_autoptr(ForeignRules) rules = foreign_parse(language, &source, &places, problems);

	g_assert((rules == NULL) == (problems->len > 0));
	if (rules == NULL)
		return;

	ForeignSieveCounts counts = { 0 };
	g_autofree char *script = foreign_sieve(rules, &places, &env, "fuzz", &counts);
	const FilterSource converted = {
		.file = "converted", .text = script, .len = strlen(script), .trust = SCRIPT_OWNER
	};
	FilterProgram *program = filter_find("sieve")->compile(&converted, &env, problems);
	if (program == NULL) {
		const Problem *problem = problems->len > 0 ? problems->pdata[0] : NULL;
		if (problem != NULL && strstr(problem->text, "nested deeper") != NULL)
			return; /* todoke convert says so */
		g_printerr("line %u: %s in:\n%s", problem != NULL ? problem->line : 0,
		           problem != NULL ? problem->text : "?", script);
		abort();
	}

	filter_find("sieve")->free(program);
	fuzz_run(rules, &places, &env);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	g_autofree char *text = g_malloc(size + 1);
	memcpy(text, data, size);
	text[size] = '\0';

	fuzz_language(FOREIGN_MAILDROP, text, size);
	fuzz_language(FOREIGN_FDM, text, size);
	return 0;
}
