/* SPDX-License-Identifier: MIT */
/* suite: the services that the words of vnd.dovecot.testsuite ask for, for one file. */
#include "agent/suite/suite.h"

#include "agent/base/fs.h"
#include "agent/message/address.h"
#include "agent/suite/suite-box.h"
#include "agent/suite/suite-settings.h"
#include "agent/run/services.h"
#include "conf/conf-choices.h"
#include "filters/sieve/run/sieve-testsuite.h"

#include <fcntl.h>
#include <string.h>

/* Lines of a story that are told with a failure: the last ones. */
enum { STORY_LINES = 8 };

typedef struct {
	FilterEnv env; /* first: the services find the suite by it */
	FilterServices table;
	const char *path;
	char *folder;
	const SuiteOptions *options;
	const SuiteListener *listener;

	GPtrArray *overrides; /* char *: "key=value" of the suite, the later one counts */
	GPtrArray *confs;     /* Conf that were replaced; what was read of them is used on */
	Site *site;
	Account *account;
	Envelope *envelope;
	Services *services;
	ServicesDescription described;
	ServicesLive live; /* `duplicate` and programs are as in a delivery */
	char *personal;
	char *global;
	SuiteBox *box;

	FilterInput input;
	GPtrArray *flags; /* char *: of a message that was stored; NULL: none */
	/* Message: all that were tested, as engines know them by their address */
	GPtrArray *messages;
	Plan *plan;
	FilterProgram *program; /* compiled last; NULL: none */

	SuiteTest test; /* the one that runs; its name is NULL outside of tests */
	/* char *: what scripts had to complain about, as test_error sees it */
	GPtrArray *errors;
	/* char *: the same with file and line, and the notes of deliveries */
	GPtrArray *places;
	GPtrArray *story;        /* char *: compared since the last command of the suite */
	GPtrArray *story_before; /* ... before that command */
} Suite;

static Suite *
suite_of(FilterEnv *env)
{
	return (Suite *) env;
}

/* Tests, and what is told of them. */

static void
failure_free(gpointer data)
{
	SuiteFailure *failure = data;
	g_free(failure->reason);
	g_ptr_array_unref(failure->story);
	g_free(failure);
}

static GPtrArray *
strings_new(void)
{
	return g_ptr_array_new_with_free_func(g_free);
}

static void
test_clear(SuiteTest *test)
{
	g_clear_pointer(&test->name, g_free);
	g_clear_pointer(&test->failures, g_ptr_array_unref);
}

static void
begin(FilterEnv *env, const char *name, unsigned line)
{
	Suite *suite = suite_of(env);
	test_clear(&suite->test);
	suite->test = (SuiteTest){ g_strdup(name), line,
		                   g_ptr_array_new_with_free_func(failure_free) };
}

static void
end(FilterEnv *env)
{
	Suite *suite = suite_of(env);
	suite->listener->test(suite->listener->user, &suite->test);
	test_clear(&suite->test);
}

static void
tell(GPtrArray *story, const GPtrArray *lines)
{
	for (guint i = lines->len > STORY_LINES ? lines->len - STORY_LINES : 0; i < lines->len; i++)
		g_ptr_array_add(story, g_strdup(lines->pdata[i]));
}

static void
fail(FilterEnv *env, unsigned line, const char *reason)
{
	Suite *suite = suite_of(env);
	bool alone = suite->test.name == NULL;

	if (alone)
		begin(env, "outside of tests", line);
	SuiteFailure *failure = g_new(SuiteFailure, 1);

	/* A fault of the suite itself says where it is; so do we. */
	g_autofree char *place = g_strdup_printf("%s:%u: ", suite->path, line);
	*failure = (SuiteFailure){
		line, g_strdup(g_str_has_prefix(reason, place) ? reason + strlen(place) : reason),
		strings_new()
	};
	tell(failure->story, suite->story->len > 0 ? suite->story : suite->story_before);
	tell(failure->story, suite->places);
	g_ptr_array_add(suite->test.failures, failure);
	if (alone)
		end(env);
}

static void
say(FilterEnv *env, unsigned line, const char *text)
{
	const SuiteListener *listener = suite_of(env)->listener;
	listener->say(listener->user, line, text);
}

/*
 * The engine tells each test with its values; what the suite's own commands separate is kept apart.
 */
static void
trace(FilterEnv *env, TraceLevel level, const char *file, unsigned line, const char *text)
{
	Suite *suite = suite_of(env);
	if (strcmp(file, suite->path) != 0 || level == TRACE_ACTIONS)
		return;

	if (level != TRACE_COMMANDS) {
		g_ptr_array_add(suite->story, g_strdup_printf("line %u: %s", line, text));
		return;
	}

	GPtrArray *older = suite->story_before;
	suite->story_before = suite->story;
	suite->story = older;
	g_ptr_array_set_size(older, 0);
}

static const GPtrArray *
errors(FilterEnv *env)
{
	return suite_of(env)->errors;
}

static void
clear_errors(FilterEnv *env)
{
	Suite *suite = suite_of(env);
	g_ptr_array_set_size(suite->errors, 0);
	g_ptr_array_set_size(suite->places, 0);
}

/* A fault of a script says "file:line: " first, of which test_error sees nothing. */
static void
add_error(Suite *suite, const char *text)
{
	const char *rest = strstr(text, ".sieve:");
	size_t digits = rest != NULL ? strspn(rest + strlen(".sieve:"), "0123456789") : 0;
	const char *bare = rest != NULL ? rest + strlen(".sieve:") + digits : NULL;
	bool has_place = digits > 0 && g_str_has_prefix(bare, ": ");

	g_ptr_array_add(suite->errors, g_strdup(has_place ? bare + strlen(": ") : text));
	g_ptr_array_add(suite->places, g_strdup(text));
}

static void
add_fault(Suite *suite, const Status *st)
{
	add_error(suite, status_why(st));
}

/* The message and its envelope. */

/*
 * The account is whoever the envelope names; the services know where it lies, so it changes in
 * place.
 */
static void
name_account(Suite *suite)
{
	/* an envelope may name nobody: then it stays who it was */
	g_auto(Status) nobody = STATUS_INIT;
	Account *fresh = account_imagined(suite->site->conf, suite->envelope->recipient, &nobody);

	if (fresh != NULL) {
		Account old = *suite->account;
		*suite->account = *fresh;
		*fresh = old;
		account_free(fresh);
	}

	suite->input.user = suite->account->user;
	suite->input.addresses = suite->account->addresses;
	suite->input.delimiters = suite->site->conf->delimiters;
}

static void
replace(char **text, char *by)
{
	g_free(*text);
	*text = by;
}

/* The first address in one of the fields; `otherwise` where there is none. Caller frees. */
static char *
find_address(const Headers *headers, const char *const *names, const char *otherwise)
{
	char *address = address_from_fields(headers, names);
	return address != NULL ? address : g_strdup(otherwise);
}

/*
 * A new message has the envelope that its header suggests, until test_set says otherwise. Taken
 * over.
 */
static void
set_message(Suite *suite, Message *message)
{
	static const char *const from[] = { "Return-Path", "Sender", "From", NULL };
	static const char *const to[] = { "Envelope-To", "To", NULL };
	Headers *headers = message_headers(message);
	Envelope *envelope = suite->envelope;

	g_ptr_array_add(suite->messages, message);
	suite->input.message = message;
	suite->input.headers = headers;
	replace(&envelope->sender, find_address(headers, from, "sender@example.com"));
	replace(&envelope->recipient, find_address(headers, to, "recipient@example.com"));
	replace(&envelope->original, g_strdup(envelope->recipient));
	replace(&envelope->auth, NULL);
	g_clear_pointer(&suite->flags, g_ptr_array_unref);
	suite->input.flags = NULL;
	name_account(suite);
}

/*
 * An address as people write it, with or without angle brackets, and as wrong as they like. Caller
 * frees.
 */
static char *
bare_address(const char *value)
{
	g_autofree char *text = g_strstrip(g_strdup(value));
	return address_read(text);
}

static void
set_envelope(Suite *suite, const char *part, const char *value)
{
	Envelope *envelope = suite->envelope;

	if (g_ascii_strcasecmp(part, "auth") == 0) {
		replace(&envelope->auth, g_strdup(value));
		return;
	}

	char *address = bare_address(value);
	if (g_ascii_strcasecmp(part, "from") == 0) {
		replace(&envelope->sender, address);
		return;
	}

	replace(&envelope->original, address);
	if (g_ascii_strcasecmp(part, "orig_to") == 0)
		return;

	replace(&envelope->recipient, g_strdup(address));
	name_account(suite);
}

static bool
set(FilterEnv *env, const char *object, const char *value, size_t len, Status *st)
{
	Suite *suite = suite_of(env);

	if (g_ascii_strcasecmp(object, "message") == 0) {
		Message *message = message_from_bytes(value, len, st);
		if (message != NULL)
			set_message(suite, message);
		return message != NULL;
	}

	if (memchr(value, '\0', len) != NULL)
		return status_fail_detail(st, STATUS_BAD_ADDRESS, "there is a NUL in it");
	g_autofree char *text = g_strndup(value, len);
	set_envelope(suite, strchr(object, '.') + 1, text);

	return true;
}

static bool
take_message(FilterEnv *env, const char *folder, guint64 n)
{
	Suite *suite = suite_of(env);
	g_auto(Status) st = STATUS_INIT;
	const char *sender = NULL, *recipient = NULL;
	GPtrArray *flags = NULL;
	FolderRules rules = folder_rules_of(suite->site->conf);
	Message *message = folder != NULL
	                           ? suite_box_stored(suite->box, &rules, folder, n, &flags, &st)
	                           : suite_box_sent(suite->box, n, &sender, &recipient);

	if (st.id != STATUS_OK)
		add_fault(suite, &st);
	if (message == NULL)
		return false;

	set_message(suite, message);
	suite->input.flags = suite->flags = flags;
	if (sender != NULL)
		set_envelope(suite, "from", sender);
	if (recipient != NULL)
		set_envelope(suite, "to", recipient);

	return true;
}

/* Scripts. */

/* A path of the suite, as messages show it. Caller frees. */
static char *
resolve(const Suite *suite, const char *path)
{
	bool here = strcmp(suite->folder, ".") == 0 && !g_str_has_prefix(suite->path, "./");
	return here || g_path_is_absolute(path) ? g_strdup(path)
	                                        : g_build_filename(suite->folder, path, NULL);
}

static FilterProgram *
compile_file(Suite *suite, const char *path, GPtrArray *problems, Status *st)
{
	g_autofree char *text = NULL;
	size_t len;
	if (!fs_read_file(AT_FDCWD, path, (size_t) suite->site->conf->sieve_max_script_size, &text,
	                  &len, st))
		return NULL;

	const FilterSource source = {
		.file = path, .text = text, .len = len, .trust = suite->options->trust
	};
	return filter_find("sieve")->compile(&source, &suite->env, problems);
}

static void
add_problems(Suite *suite, const GPtrArray *problems)
{
	for (guint i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		if (problem->severity != PROBLEM_ERROR)
			continue;
		g_ptr_array_add(suite->errors, g_strdup(problem->text));
		g_ptr_array_add(suite->places,
		                g_strdup_printf("%s:%u:%u: %s", problem->file, problem->line,
		                                problem->column, problem->text));
	}
}

static void
set_program(Suite *suite, FilterProgram *program)
{
	if (suite->program != NULL)
		filter_find("sieve")->free(suite->program);
	suite->program = program;
}

static bool
compile(FilterEnv *env, const char *path)
{
	Suite *suite = suite_of(env);
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_autofree char *file = resolve(suite, path);
	FilterProgram *program = compile_file(suite, file, problems, &st);

	add_problems(suite, problems);
	if (st.id != STATUS_OK)
		add_fault(suite, &st);
	if (program != NULL)
		set_program(suite, program);

	return program != NULL;
}

/*
 * As agent/run/script-chain.c does: a script that fails puts nothing into the plan, and sees the
 * header as the one before left it.
 */
static bool
run(FilterEnv *env, const SieveTestsuiteView *view)
{
	Suite *suite = suite_of(env);
	g_auto(Status) st = STATUS_INIT;

	if (suite->program == NULL) {
		add_error(suite, "no script has been compiled");
		return false;
	}

	FilterInput whole = suite->input;
	Headers *edited = plan_keep_headers(suite->plan);
	suite->input.headers = edited != NULL ? edited : view->headers;
	suite->input.message = view->message;

	PlanMark mark = plan_mark(suite->plan);
	suite->live = (ServicesLive){ .state = suite_box_state(suite->box, env->now),
		                      .notes = suite->places };

	/* The program runs on its own: one that tests by itself may compile another. */
	FilterProgram *program = g_steal_pointer(&suite->program);
	bool good = filter_find("sieve")->run(program, &suite->input, env, suite->plan, &st);
	if (suite->program == NULL)
		suite->program = program;
	else
		filter_find("sieve")->free(program);

	suite->input = whole;
	if (good)
		return true;

	plan_rewind(suite->plan, mark);
	add_fault(suite, &st);
	return false;
}

/* Results. */

static Plan *
reset(FilterEnv *env)
{
	Suite *suite = suite_of(env);
	plan_free(suite->plan);
	suite->plan = plan_new();
	suite_box_forget(suite->box);
	return suite->plan;
}

static bool
execute(FilterEnv *env, const SieveTestsuiteView *view)
{
	Suite *suite = suite_of(env);

	(void) view; /* edits stand in the actions */
	g_auto(Status) st = STATUS_INIT;
	DeliverOwner owner = {
		.user = suite->account->user,
		.addresses = suite->account->addresses,
		.host = suite->site->host,
		.now = env->now,
	};
	DeliverJob job = {
		.message = suite->input.message,
		.headers = suite->input.headers,
		.conf = suite->site->conf,
		.envelope = suite->envelope,
	};
	PlanMark mark = plan_mark(suite->plan);
	plan_finish(suite->plan);

	bool good = suite_box_execute(suite->box, suite->plan, &job, &owner, suite->places, &st);
	plan_rewind(suite->plan, mark); /* the implicit keep is no action of the script */
	if (!good)
		add_fault(suite, &st);

	return good;
}

static bool
make_mailbox(FilterEnv *env, const char *name, Status *st)
{
	FolderRules rules = folder_rules_of(suite_of(env)->site->conf);
	return suite_box_make_folder(suite_of(env)->box, &rules, name, st);
}

static bool
remove_mailbox(FilterEnv *env, const char *name, Status *st)
{
	FolderRules rules = folder_rules_of(suite_of(env)->site->conf);
	return suite_box_remove_folder(suite_of(env)->box, &rules, name, st);
}

/* Settings. */

/*
 * The settings of the site, then what a suite wants of every site, then what was asked for at the
 * command line and in the suite.
 */
static Conf *
read_conf(const Suite *suite, Status *st)
{
	static const char *const usual[] = { "durability=none", "add_mark=no",
		                             "program_folder=", "create_maildir=yes" };
	g_autoptr(GPtrArray) all = g_ptr_array_new();

	for (size_t i = 0; i < G_N_ELEMENTS(usual); i++)
		g_ptr_array_add(all, (gpointer) usual[i]);
	for (const char *const *line = suite->options->overrides; line != NULL && *line != NULL;
	     line++)
		g_ptr_array_add(all, (gpointer) *line);
	for (guint i = 0; i < suite->overrides->len; i++)
		g_ptr_array_add(all, suite->overrides->pdata[i]);
	g_ptr_array_add(all, NULL);

	return conf_read(suite->options->conf_path, (const char *const *) all->pdata, NULL, st);
}

static bool
apply_settings(Suite *suite, Status *st)
{
	Conf *conf = read_conf(suite, st);
	if (conf == NULL)
		return false;

	g_ptr_array_add(suite->confs, suite->site->conf);
	suite->site->conf = conf;
	suite->env.conf = services_env(suite->services)->conf = conf;
	name_account(suite);

	return true;
}

static void
forget_override(Suite *suite, const char *name)
{
	size_t len = strlen(name);
	for (guint i = suite->overrides->len; i > 0; i--) {
		const char *line = suite->overrides->pdata[i - 1];
		if (strncmp(line, name, len) == 0 && line[len] == '=')
			g_ptr_array_remove_index(suite->overrides, i - 1);
	}
}

static bool
configure(FilterEnv *env, unsigned line, const char *setting, const char *value, Status *st)
{
	Suite *suite = suite_of(env);
	SuiteSetting found;
	if (!suite_settings_find(setting, value, &found))
		return status_fail_detail(st, STATUS_CONFIG, "there is no setting '%s'", setting);

	if (found.name == NULL) {
		g_autofree char *text = g_strdup_printf(
			"Dovecot's setting '%s' has nothing like it here: left as it is", setting);
		say(env, line, text);
		return true;
	}

	forget_override(suite, found.name);
	if (found.value != NULL)
		g_ptr_array_add(suite->overrides,
		                g_strdup_printf("%s=%s", found.name, found.value));
	if (apply_settings(suite, st))
		return true;

	forget_override(suite, found.name); /* else each setting after it would fail, too */
	return false;
}

static const char *
folder(FilterEnv *env)
{
	return suite_of(env)->folder;
}

static const SieveTestsuite hooks = {
	.begin = begin,
	.fail = fail,
	.end = end,
	.say = say,
	.set = set,
	.configure = configure,
	.compile = compile,
	.run = run,
	.errors = errors,
	.clear_errors = clear_errors,
	.reset = reset,
	.execute = execute,
	.take_message = take_message,
	.make_mailbox = make_mailbox,
	.remove_mailbox = remove_mailbox,
	.folder = folder,
};

/* The services. */

/* Scripts for include lie beside the suite, where there are such folders. */
static char *
folder_beside(const Suite *suite, const char *name)
{
	g_autofree char *path = g_build_filename(suite->folder, name, NULL);
	return g_file_test(path, G_FILE_TEST_IS_DIR) ? g_steal_pointer(&path) : NULL;
}

static bool
make_site(Suite *suite, Status *st)
{
	Conf *conf = read_conf(suite, st);
	suite->site = conf != NULL ? site_new(conf, st) : NULL;
	suite->box = suite->site != NULL ? suite_box_new(suite->site->conf, st) : NULL;
	return suite->box != NULL;
}

static bool
make_message(Suite *suite, Status *st)
{
	static const char text[] =
		"From: sender@example.com\nTo: recipient@example.com\nSubject: a message\n\nIts "
		"text.\n";

	suite->envelope = envelope_new(DOOR_TRY);
	suite->input.envelope = suite->envelope;
	suite->account = account_imagined(suite->site->conf, "recipient@example.com", st);

	Message *message = suite->account != NULL ? message_from_bytes(text, strlen(text), st)
	                                          : NULL;
	if (message != NULL)
		set_message(suite, message);
	return message != NULL;
}

/* The services of the site, and those of a suite. */
static void
make_env(Suite *suite)
{
	suite->personal = folder_beside(suite, "included");
	suite->global = folder_beside(suite, "included-global");
	suite->described = (ServicesDescription){ .personal = suite->personal,
		                                  .global = suite->global,
		                                  .trace_level = TRACE_MATCHING };
	suite->services = services_new(
		suite->site, suite->account, suite->envelope, suite_box_inbox(suite->box),
		g_get_real_time() / G_USEC_PER_SEC, &suite->described, &suite->live);
	suite->env = *services_env(suite->services);
	suite->table = *suite->env.services;
	suite->table.trace = trace;
	suite->env.testsuite = &hooks;
	suite->env.services = &suite->table;
}

static void
message_free(gpointer message)
{
	message_unref(message);
}

static void
conf_destroy(gpointer conf)
{
	conf_free(conf);
}

static void
suite_init(Suite *suite, const char *path, const SuiteOptions *options,
           const SuiteListener *listener)
{
	*suite = (Suite){
		.path = path,
		.folder = g_path_get_dirname(path),
		.options = options,
		.listener = listener,
		.overrides = strings_new(),
		.confs = g_ptr_array_new_with_free_func(conf_destroy),
		.messages = g_ptr_array_new_with_free_func(message_free),
		.plan = plan_new(),
		.errors = strings_new(),
		.places = strings_new(),
		.story = strings_new(),
		.story_before = strings_new(),
	};
}

static void
suite_clear(Suite *suite)
{
	set_program(suite, NULL);
	services_free(suite->services);
	suite_box_free(suite->box);
	plan_free(suite->plan);
	account_free(suite->account);
	envelope_free(suite->envelope);
	site_free(suite->site);
	test_clear(&suite->test);
	g_clear_pointer(&suite->flags, g_ptr_array_unref);

	GPtrArray *const lists[] = { suite->overrides,   suite->confs,  suite->messages,
		                     suite->errors,      suite->places, suite->story,
		                     suite->story_before };
	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		g_ptr_array_unref(lists[i]);
	g_free(suite->personal);
	g_free(suite->global);
	g_free(suite->folder);
}

static bool
run_suite(Suite *suite, GPtrArray *problems, Status *st)
{
	if (!make_site(suite, st) || !make_message(suite, st))
		return false;
	make_env(suite);
	FilterProgram *program = compile_file(suite, suite->path, problems, st);
	if (program == NULL)
		return false;

	/* The plan that it begins with may be replaced on the way (test_result_reset). */
	bool good = filter_find("sieve")->run(program, &suite->input, &suite->env, suite->plan, st);
	filter_find("sieve")->free(program);
	return good;
}

bool
suite_run(const char *path, const SuiteOptions *options, const SuiteListener *listener,
          GPtrArray *problems, Status *st)
{
	Suite suite;
	suite_init(&suite, path, options, listener);
	bool good = run_suite(&suite, problems, st);
	suite_clear(&suite);
	return good;
}
