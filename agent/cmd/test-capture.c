/* SPDX-License-Identifier: MIT */
/* test-capture: find the mail, ask the rules, write the suite, and run it before it is printed. */
#define _GNU_SOURCE
#include "agent/cmd/test-capture.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/refilter-judge.h"
#include "agent/cmd/test-anonymous.h"
#include "agent/cmd/try-account.h"
#include "agent/cmd/why-place.h"
#include "agent/message/address.h"
#include "agent/send/compose.h"
#include "agent/suite/suite.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* A mail, and for whom it was. */
typedef struct {
	Site *site;
	Account *account;
	Message *message;
	Envelope *envelope;
	ScriptChain chain; /* the scripts that decide, in their order */
} Captured;

static void
captured_clear(Captured *captured)
{
	script_chain_clear(&captured->chain);
	envelope_free(captured->envelope);
	message_unref(captured->message);
	account_free(captured->account);
	site_free(captured->site);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Captured, captured_clear)

static int
fail(const Status *st)
{
	cmd_print(stderr, "todoke test: %s\n", status_why(st));
	return CMD_FINDINGS;
}

/* The file of a mailbox, read with our rights, or the owner's. */
static bool
read_mail(Captured *captured, const char *path, Status *st)
{
	struct stat sb;
	auto_fd int fd = -1;
	if (!fs_open_regular(path, "the file of a mail", &fd, &sb, st))
		return false;
	captured->message = message_from_file(fs_steal_fd(&fd), st);
	return captured->message != NULL;
}

static bool
find_account(Captured *captured, const char *recipient, Status *st)
{
	captured->account = try_find_account(captured->site, recipient, NULL, st);
	if (captured->account == NULL)
		return false;
	return captured->account->returns_to == NULL ||
	       status_fail_detail(st, STATUS_USAGE, _("'%s' has no mailbox here"),
	                          captured->account->user);
}

static bool
capture_file(Captured *captured, const TestCaptureWish *wish, Status *st)
{
	if (!find_account(captured, wish->recipient, st) || !account_enter(captured->account, st) ||
	    !read_mail(captured, wish->mail, st))
		return false;
	captured->envelope = try_envelope_of_stored(captured->site, captured->account,
	                                            captured->message);
	return true;
}

/* The first file that the newest delivery under this id has stored, as path; NULL: none. */
static char *
find_stored(const Conf *conf, const GPtrArray *found, const WhyFound **ret_found)
{
	for (guint i = found->len; i > 0; i--) {
		const WhyFound *one = found->pdata[i - 1];
		const json_t *done = json_array_get(json_object_get(one->record, "done"), 0);
		g_auto(WhyPlace) place = { 0 };
		if (done == NULL || one->owner->account == NULL ||
		    !why_place_find(conf, one, done, g_get_real_time(), &place) ||
		    place.place.path == NULL)
			continue;
		*ret_found = one;
		return g_build_filename(one->owner->account->maildir, place.place.path, NULL);
	}
	return NULL;
}

static bool
capture_found(Captured *captured, const WhyFound *found, const char *path, Status *st)
{
	const char *from = why_text(found->record, "from"), *to = why_text(found->record, "to"),
		   *original = why_text(found->record, "orig_to");
	if (!find_account(captured, to, st) || !account_enter(captured->account, st) ||
	    !read_mail(captured, path, st))
		return false;

	captured->envelope = envelope_new(DOOR_TRY);
	captured->envelope->sender = g_strdup(from != NULL ? from : "");
	captured->envelope->recipient = g_strdup(to);
	captured->envelope->original = g_strdup(original);
	return true;
}

static bool
capture_by_id(Captured *captured, const TestCaptureWish *wish, Status *st)
{
	const Conf *conf = captured->site->conf;
	const char *names[] = { wish->recipient, NULL };
	g_auto(WhyQuery) query = { 0 };
	unsigned left = 0;

	why_query_init(&query);
	g_autoptr(GPtrArray) owners = record_owners_find(conf, names, st);
	if (owners == NULL || !why_query_add(&query, wish->mail, st))
		return false;

	g_autoptr(GPtrArray) found = why_find(&query, conf, owners, &left);
	const WhyFound *one = NULL;
	g_autofree char *path = find_stored(conf, found, &one);
	if (path == NULL)
		return status_fail_detail(st, STATUS_MISSING,
		                          _("the record knows no mail '%s' that is still here"),
		                          wish->mail);
	return capture_found(captured, one, path, st);
}

static bool
capture_mail(Captured *captured, const TestCaptureWish *wish, Status *st)
{
	bool is_file = strchr(wish->mail, '/') != NULL ||
	               g_file_test(wish->mail, G_FILE_TEST_EXISTS);
	return is_file ? capture_file(captured, wish, st) : capture_by_id(captured, wish, st);
}

/* A rule test knows Sieve alone. */
static bool
find_chain(Captured *captured, Status *st)
{
	g_autoptr(Conf) scoped = account_conf(captured->account, captured->site->conf);
	const Conf *conf = scoped != NULL ? scoped : captured->site->conf;
	if (!script_chain_find(conf, captured->account, NULL, &captured->chain, st))
		return false;

	const GPtrArray *scripts = captured->chain.scripts;
	for (guint i = 0; i < scripts->len; i++)
		if (((const Script *) scripts->pdata[i])->is_recipes)
			return status_fail_detail(st, STATUS_USAGE, "%s",
			                          _("recipes decide too, and a rule test knows "
			                            "Sieve alone"));
	return scripts->len > 0 ||
	       status_fail_detail(st, STATUS_MISSING, "%s", _("there is no script to test"));
}

/* What the rules ask for. NULL: they have errors, or a header rule decides before them. */
static Transact *
ask_rules(const Captured *captured, Status *st)
{
	const TransactDescription described = { .services = { .trace_level = -1 },
		                                .is_stored = true };
	const RefilterRules rules = { captured->site, captured->account, &described, NULL,
		                      g_get_real_time() / G_USEC_PER_SEC };
	g_auto(RefilterVerdict) verdict = { 0 };
	Transact *transact = NULL;
	bool good = refilter_judge(&rules, captured->message, captured->envelope, "", &verdict,
	                           &transact);

	/* the description is gone with this call; only the plan is read from now on */
	if (good && transact_scripts(transact)->notes->len == 0 &&
	    transact_planned(transact) != NULL)
		return transact;
	status_fail_detail(st, STATUS_SCRIPT, _("the rules do not serve for it: %s"),
	                   verdict.note != NULL ? verdict.note : _("a script has errors"));
	transact_free(transact);
	return NULL;
}

/* A string of Sieve. */
static void
append_quoted(GString *out, const char *text)
{
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	g_string_append_c(out, '"');
	for (const char *c = valid; *c != '\0'; c++) {
		if (*c == '"' || *c == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *c == '\n' || *c == '\r' ? ' ' : *c);
	}
	g_string_append_c(out, '"');
}

/* `if not TEST "VALUE" { test_fail "WHY"; }`; `value` may be NULL. */
static void
append_check(GString *out, const char *test, const char *value, const char *why)
{
	g_string_append_printf(out, "\tif not %s", test);
	if (value != NULL) {
		g_string_append_c(out, ' ');
		append_quoted(out, value);
	}
	g_string_append(out, " { test_fail ");
	append_quoted(out, why);
	g_string_append(out, "; }\n");
}

/* The whole message as text of UTF-8 without carriage returns. NULL: a fault. Caller frees. */
static char *
text_of(const Message *message, Status *st)
{
	g_autoptr(GString) text = compose_print_headers(message, message_headers(message));
	MessageBody body;
	if (!message_body(message, &body) || body.size > LIMIT_CAPTURED_BYTES) {
		status_fail_detail(st, STATUS_TOO_BIG,
		                   _("the message is longer than %u octets; --anonymous leaves "
		                     "its text out"),
		                   LIMIT_CAPTURED_BYTES);
		return NULL;
	}

	gsize head = text->len;
	g_string_set_size(text, head + (gsize) body.size);
	if (!fs_read_exactly_at(body.fd, body.offset, text->str + head, (size_t) body.size,
	                        "message", st))
		return NULL;

	g_autofree char *valid = g_utf8_make_valid(text->str, (gssize) text->len);
	GString *plain = g_string_new(NULL);
	for (const char *c = valid; *c != '\0'; c++)
		if (*c != '\r')
			g_string_append_c(plain, *c);
	return g_string_free(plain, FALSE);
}

/* A text of Sieve: a line that begins with a dot gets one more. */
static void
append_message(GString *out, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_string_append(out, "test_set \"message\" text:\n");
	for (char **line = lines; *line != NULL; line++)
		if (line[1] != NULL || **line != '\0')
			g_string_append_printf(out, "%s%s\n", **line == '.' ? "." : "", *line);
	g_string_append(out, ".\n;\n");
}

static void
append_envelope(GString *out, const Envelope *envelope)
{
	const char *const parts[][2] = { { "envelope.from", envelope->sender },
		                         { "envelope.to", envelope->recipient },
		                         { "envelope.orig_to", envelope->original } };
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		if (parts[i][1] == NULL)
			continue;
		g_string_append_printf(out, "test_set \"%s\" ", parts[i][0]);
		append_quoted(out, parts[i][1]);
		g_string_append(out, ";\n");
	}
}

static void
append_scripts(GString *out, const ScriptChain *chain)
{
	const GPtrArray *scripts = chain->scripts;
	const Script *first = scripts->pdata[0];
	if (scripts->len == 1) {
		append_check(out, "test_script_compile", first->path, "the script has errors");
		append_check(out, "test_script_run", NULL, "the script fails");
		return;
	}

	g_string_append(out, "\tif not test_multiscript [");
	for (guint i = 0; i < scripts->len; i++) {
		const Script *script = scripts->pdata[i];
		if (script->role == SCRIPT_DISCARD) /* a suite knows nothing like it */
			continue;
		g_string_append(out, i > 0 ? ", " : "");
		append_quoted(out, script->path);
	}
	g_string_append(out, "] { test_fail \"a script has errors, or fails\"; }\n");
}

/* The implicit keep is none of the result's actions. */
static void
append_actions(GString *out, const Plan *plan)
{
	unsigned count = 0;
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		const char *name = plan_kind_row(action->kind)->name;
		if (action->implicit)
			continue;
		g_autofree char *test = g_strdup_printf("test_result_action :index %u", ++count);
		g_autofree char *why = g_strdup_printf("action %u is not %s", count, name);
		append_check(out, test, name, why);
	}

	g_autofree char *number = g_strdup_printf("%u", count);
	append_check(out, "test_result_action :count \"eq\" :comparator \"i;ascii-numeric\"",
	             number, "there are more actions, or fewer");
}

static void
append_stored(GString *out, const PlanAction *action)
{
	const char *mailbox = action->mailbox != NULL ? action->mailbox : "INBOX";
	g_autoptr(GString) test = g_string_new("test_message :folder ");
	append_quoted(test, mailbox);
	g_string_append(test, " 0");
	g_autofree char *why = g_strdup_printf("it is not in %s", mailbox);
	append_check(out, test->str, NULL, why);

	for (guint i = 0; action->flags != NULL && i < action->flags->len; i++)
		append_check(out, "hasflag", action->flags->pdata[i], "a flag is not set");
}

/* What becomes of it: the copies that are kept, and whom it is sent on to. */
static void
append_deeds(GString *out, const Plan *plan)
{
	unsigned sent = 0;
	append_check(out, "test_result_execute", NULL, "the result cannot be carried out");
	for (size_t i = 0; i < plan_count(plan); i++) {
		const PlanAction *action = plan_get(plan, i);
		if (action->kind == PLAN_KEEP || action->kind == PLAN_FILEINTO)
			append_stored(out, action);
		if (action->kind != PLAN_REDIRECT)
			continue;
		g_autofree char *test = g_strdup_printf("test_message :smtp %u", sent++);
		append_check(out, test, NULL, "it is not sent on");
		append_check(out, "envelope \"to\"", action->address, "it is sent to another one");
	}
}

static char *
make_suite(const Captured *captured, const Plan *plan, bool with_deeds, Status *st)
{
	g_autofree char *text = text_of(captured->message, st);
	if (text == NULL)
		return NULL;

	GString *out = g_string_new("require [\"vnd.dovecot.testsuite\", \"envelope\", "
	                            "\"imap4flags\", \"relational\", "
	                            "\"comparator-i;ascii-numeric\"];\n\n");
	g_autofree char *subject = compose_field_text(message_headers(captured->message),
	                                              "Subject");
	append_message(out, text);
	append_envelope(out, captured->envelope);
	g_string_append(out, "\ntest ");
	append_quoted(out, subject != NULL && *subject != '\0' ? subject : "mail without subject");
	g_string_append(out, " {\n");
	append_scripts(out, &captured->chain);
	append_actions(out, plan);
	if (with_deeds)
		append_deeds(out, plan);
	g_string_append(out, "}\n");

	return g_string_free(out, FALSE);
}

static void
take_test(void *user, const SuiteTest *test)
{
	GString *why = user;
	for (guint i = 0; i < test->failures->len && why->len == 0; i++) {
		const SuiteFailure *failure = test->failures->pdata[i];
		g_string_assign(why, failure->reason);
	}
}

static void
take_note(void *user, unsigned line, const char *text)
{
	(void) user, (void) line, (void) text;
}

static bool
run_suite(const TestCaptureWish *wish, const char *path, Status *st)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_autoptr(GString) why = g_string_new(NULL);
	const SuiteListener listener = { take_test, take_note, why };
	const SuiteOptions options = { .conf_path = wish->conf_path,
		                       .overrides = cmd_option_words(wish->overrides),
		                       .trust = SCRIPT_OWNER };

	if (!suite_run(path, &options, &listener, problems, st)) {
		if (problems->len > 0 && st->id == STATUS_OK)
			status_fail_detail(st, STATUS_SCRIPT, "%s",
			                   ((const Problem *) problems->pdata[0])->text);
		return false;
	}
	return why->len == 0 || status_fail_detail(st, STATUS_SCRIPT, "%s", why->str);
}

/* Does it pass? In a file of its own, which does not stay. */
static bool
try_suite(const TestCaptureWish *wish, const char *suite, Status *st)
{
	g_autofree char *path = g_build_filename(g_get_tmp_dir(), "todoke-XXXXXX.svtest", NULL);
	auto_fd int fd = g_mkstemp_full(path, O_RDWR | O_CLOEXEC, 0600);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make '%s'", path);

	bool passes = fs_write_all(fd, suite, strlen(suite), path, st) && run_suite(wish, path, st);
	(void) unlink(path);
	return passes;
}

/* The texts of the scripts, as far as they can be read. */
static char *
scripts_text(const ScriptChain *chain)
{
	GString *all = g_string_new(NULL);
	for (guint i = 0; i < chain->scripts->len; i++) {
		const Script *script = chain->scripts->pdata[i];
		g_autofree char *text = NULL;
		g_auto(Status) unread = STATUS_INIT;
		size_t len;
		if (fs_read_file(AT_FDCWD, script->path, LIMIT_CAPTURED_BYTES, &text, &len,
		                 &unread))
			g_string_append(all, text);
	}
	return g_string_free(all, FALSE);
}

static bool
make_anonymous(Captured *captured, Status *st)
{
	g_autofree char *kept = scripts_text(&captured->chain);
	g_autoptr(TestAnonymous) anonymous = test_anonymous_new(kept);
	Message *other = test_anonymous_message(anonymous, captured->message, st);
	if (other == NULL)
		return false;

	message_unref(captured->message);
	captured->message = other;
	test_anonymous_envelope(anonymous, captured->envelope);
	return true;
}

/* With all that can be said of it; where mail that leaves is held back, with its actions alone. */
static char *
find_suite(const Captured *captured, const TestCaptureWish *wish, const Plan *plan, Status *st)
{
	g_auto(Status) first = STATUS_INIT;
	g_autofree char *whole = make_suite(captured, plan, true, st);
	if (whole == NULL)
		return NULL;
	if (try_suite(wish, whole, &first))
		return g_steal_pointer(&whole);

	g_autofree char *part = make_suite(captured, plan, false, st);
	if (part != NULL && try_suite(wish, part, st))
		return g_steal_pointer(&part);
	if (st->id != STATUS_OK)
		status_prefix(st, "%s",
		              wish->is_anonymous
		                      ? _("without its addresses and text the test does not "
		                          "pass")
		                      : _("the test does not pass"));
	return NULL;
}

/* The plan is the one of the mail as it is: another text must not change it. */
static char *
capture(Captured *captured, const TestCaptureWish *wish, Status *st)
{
	if (!capture_mail(captured, wish, st) || !find_chain(captured, st))
		return NULL;
	g_autoptr(Transact) transact = ask_rules(captured, st);
	if (transact == NULL)
		return NULL;

	/* the transaction goes on with the message that it was asked about */
	message_ref(captured->message);
	Message *asked = captured->message;
	bool ready = !wish->is_anonymous || make_anonymous(captured, st);
	char *suite = ready ? find_suite(captured, wish, transact_planned(transact), st) : NULL;
	message_unref(asked);

	return suite;
}

int
test_capture(const TestCaptureWish *wish)
{
	g_auto(Status) st = STATUS_INIT;
	g_auto(Captured) captured = { 0 };
	Conf *conf = cmd_conf(wish->conf_path, wish->overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	captured.site = site_new(conf, &st);
	g_autofree char *suite = captured.site != NULL ? capture(&captured, wish, &st) : NULL;
	if (suite == NULL)
		return fail(&st);

	cmd_print_file(suite, strlen(suite));
	return CMD_GOOD;
}
