/* SPDX-License-Identifier: MIT */
/*
 * cmd-test: runs rule tests that users write (vnd.dovecot.testsuite) and tells what came out: for
 * people, as TAP, as JSON.
 */
#include "agent/cmd/cmd.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/test-capture.h"
#include "agent/suite/suite.h"

#include <stdio.h>
#include <string.h>

static const char about[] =
	"\nRuns rule tests: each FILE, and what ends in .svtest below each DIR. A test\n"
	"compiles and runs scripts over messages and looks at what they do; results are\n"
	"carried out in a private folder, nothing leaves this host. The words are those\n"
	"of Pigeonhole's testsuite: test, test_set, test_fail, test_script_run ...\n\n"
	"  todoke test ~/sieve/tests\n\n"
	"Exit code: 0 all good, 1 a test failed, 2 wrong usage.\n";

typedef enum { FORM_PEOPLE, FORM_TAP, FORM_JSON } Form;

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	bool for_site;
	bool tap;
	bool json;
	const char *captured; /* NULL: run tests */
	const char *recipient;
	bool is_anonymous;
} Options;

static const CmdOption rows[] = {
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTION_SITE(CMD_INTO_FLAG(Options, for_site)),
	{ .name = "tap",
	  CMD_INTO_FLAG(Options, tap),
	  .help = N_("print for test programs (Test Anything Protocol)") },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.test/1"),
	{ .name = "capture",
	  .argument = "MAIL",
	  CMD_INTO_TEXT(Options, captured),
	  .help = N_("print a test made of it: a file, or a queue id") },
	{ .name = "anonymous",
	  CMD_INTO_FLAG(Options, is_anonymous),
	  .help = N_("in that, other addresses and another text") },
	CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Options, recipient), "with --capture: whose rules"),
	CMD_OPTIONS_END
};

const CmdOptions cmd_test_options = { .synopsis = "[OPTION]... DIR|FILE...\n"
	                                          "[OPTION]... --capture MAIL",
	                              .rows = rows,
	                              .about = about };

/* What came out so far. */
typedef struct {
	Form form;
	unsigned tests;
	unsigned failed;
	const char *path; /* the suite that runs */
	json_t *files;
	json_t *file; /* the suite's object */
} Report;

/* Each line of a text, made printable, behind `before`. */
static void
print_lines(const char *before, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL; line++) {
		if (**line == '\0' && line[1] == NULL)
			break;
		g_autofree char *shown = g_utf8_make_valid(g_strchomp(*line), -1);
		for (char *c = shown; *c != '\0'; c++)
			if (g_ascii_iscntrl(*c))
				*c = ' ';
		printf("%s%s\n", before, shown);
	}
}

/* One line; '#' would begin a directive of TAP. */
static char *
one_line(const char *name)
{
	char *text = g_utf8_make_valid(name, -1);
	for (char *c = text; *c != '\0'; c++)
		if (g_ascii_iscntrl(*c) || *c == '#')
			*c = *c == '#' ? '=' : ' ';
	return text;
}

static void
print_failure(const Report *report, const SuiteFailure *failure)
{
	const char *indent = report->form == FORM_TAP ? "# " : "        ";
	g_autofree char *deeper = g_strconcat(indent, "  ", NULL);
	g_autofree char *line = failure->line > 0 ? g_strdup_printf(":%u", failure->line)
	                                          : g_strdup("");
	g_autofree char *where = g_strdup_printf("%s%s: %s", report->path, line, failure->reason);

	print_lines(indent, where);
	for (guint i = 0; i < failure->story->len; i++)
		print_lines(deeper, failure->story->pdata[i]);
}

static void
print_test(const Report *report, const SuiteTest *test)
{
	bool good = test->failures->len == 0;
	g_autofree char *name = one_line(test->name);

	if (report->form == FORM_TAP)
		printf("%sok %u - %s: %s\n", good ? "" : "not ", report->tests, report->path, name);
	else
		printf("  %-4s  %s\n", good ? "ok" : "FAIL", name);

	for (guint i = 0; i < test->failures->len; i++)
		print_failure(report, test->failures->pdata[i]);
}

static json_t *
failure_json(const SuiteFailure *failure)
{
	json_t *story = json_array();

	for (guint i = 0; i < failure->story->len; i++)
		json_array_append_new(story, cmd_json_text(failure->story->pdata[i]));
	json_t *object = json_pack("{s:i}", "line", (int) failure->line);
	json_object_set_new(object, "reason", cmd_json_text(failure->reason));
	json_object_set_new(object, "story", story);

	return object;
}

static void
add_json(Report *report, const SuiteTest *test)
{
	json_t *failures = json_array();

	for (guint i = 0; i < test->failures->len; i++)
		json_array_append_new(failures, failure_json(test->failures->pdata[i]));
	json_t *object = json_object();
	json_object_set_new(object, "name", cmd_json_text(test->name));
	json_object_set_new(object, "line", json_integer(test->line));
	json_object_set_new(object, "ok", json_boolean(test->failures->len == 0));
	json_object_set_new(object, "failures", failures);
	json_array_append_new(json_object_get(report->file, "tests"), object);
}

static void
take_test(void *user, const SuiteTest *test)
{
	Report *report = user;

	report->tests++;
	report->failed += test->failures->len > 0;
	if (report->form == FORM_JSON)
		add_json(report, test);
	else
		print_test(report, test);
}

static void
take_note(void *user, unsigned line, const char *text)
{
	Report *report = user;
	g_autofree char *where = g_strdup_printf("%s:%u: %s", report->path, line, text);

	if (report->form == FORM_JSON) {
		json_array_append_new(json_object_get(report->file, "notes"), cmd_json_text(where));
		return;
	}

	const char *rest = strchr(where, '\n');
	g_autofree char *first = g_strndup(where,
	                                   rest != NULL ? (size_t) (rest - where) : strlen(where));
	print_lines(report->form == FORM_TAP ? "# " : "  note  ", first);
	if (rest != NULL)
		print_lines(report->form == FORM_TAP ? "#   " : "          ", rest + 1);
}

/* A suite that is wrong, or broke off, is a test that failed. */
static void
take_end(Report *report, const GPtrArray *problems, const Status *st)
{
	g_autoptr(GPtrArray) failures = g_ptr_array_new();
	g_autoptr(GPtrArray) none = g_ptr_array_new();
	SuiteFailure faults[2 * 100];
	g_autoptr(GPtrArray) texts = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < problems->len && failures->len < G_N_ELEMENTS(faults) - 1; i++) {
		const Problem *problem = problems->pdata[i];
		if (problem->severity != PROBLEM_ERROR)
			continue;
		const char *hint = problem->hint != NULL ? problem->hint : "";
		char *text = g_strdup_printf("%s%s%s", problem->text, *hint != '\0' ? " - " : "",
		                             hint);
		g_ptr_array_add(texts, text);
		faults[failures->len] = (SuiteFailure){ problem->line, text, none };
		g_ptr_array_add(failures, &faults[failures->len]);
	}

	if (failures->len == 0) {
		faults[0] = (SuiteFailure){
			0, st->detail != NULL ? st->detail : (char *) status_text(st), none
		};
		g_ptr_array_add(failures, &faults[0]);
	}

	const SuiteTest test = { .name = (char *) "the whole file", .failures = failures };
	take_test(report, &test);
}

static void
begin_file(Report *report, const char *path)
{
	report->path = path;
	if (report->form == FORM_PEOPLE)
		printf("%s\n", path);
	if (report->form != FORM_JSON)
		return;

	report->file = json_pack("{s:o, s:[], s:[]}", "file", cmd_json_text(path), "tests",
	                         "notes");
	json_array_append_new(report->files, report->file);
}

static void
run_file(const char *path, const Options *options, Report *report)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) problems = problem_list_new();
	const SuiteOptions suite = {
		.conf_path = options->conf_path,
		.overrides = cmd_option_words(options->overrides),
		.trust = options->for_site ? SCRIPT_SITE : SCRIPT_OWNER,
	};
	const SuiteListener listener = { take_test, take_note, report };

	begin_file(report, path);
	if (!suite_run(path, &suite, &listener, problems, &st))
		take_end(report, problems, &st);
	fflush(stdout);
}

static void
print_end(Report *report)
{
	if (report->form == FORM_TAP)
		printf("1..%u\n", report->tests);
	else if (report->form == FORM_PEOPLE)
		printf("%u test%s, %u failed\n", report->tests, report->tests == 1 ? "" : "s",
		       report->failed);
	else
		cmd_print_json(json_pack("{s:s, s:i, s:i, s:o}", "schema", "todoke.test/1", "count",
		                         (int) report->tests, "failed", (int) report->failed,
		                         "files", report->files));
}

static int
capture(const Options *options)
{
	const TestCaptureWish wish = {
		.conf_path = options->conf_path,
		.overrides = options->overrides,
		.mail = options->captured,
		.recipient = options->recipient,
		.is_anonymous = options->is_anonymous,
	};
	return test_capture(&wish);
}

int
cmd_test(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_test_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (options.captured != NULL && argc > 1)
		return cmd_usage("test", _("--capture takes one mail, and runs no tests"));
	if (options.captured != NULL)
		return capture(&options);
	if (argc < 2)
		return cmd_usage("test", _("no folder or file of tests named"));

	g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
	for (int i = 1; i < argc; i++) {
		guint before = paths->len;
		static const char *const suites[] = { ".svtest", NULL };
		g_autofree char *unread = NULL;
		if (!cmd_find_files(argv[i], suites, paths, &unread))
			return cmd_usage("test", _("cannot read '%s'"), unread);
		if (paths->len == before)
			return cmd_usage("test", _("there is no file *.svtest below '%s'"),
			                 argv[i]);
	}

	Report report = { .form = options.json ? FORM_JSON : options.tap ? FORM_TAP : FORM_PEOPLE };
	report.files = options.json ? json_array() : NULL;
	for (guint i = 0; i < paths->len; i++)
		run_file(paths->pdata[i], &options, &report);
	print_end(&report);

	return report.failed > 0 ? CMD_FINDINGS : CMD_GOOD;
}
