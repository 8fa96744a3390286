/* SPDX-License-Identifier: MIT */
/* cmd-doctor: `todoke doctor`: all that is wrong with this installation, before the mail fails. */
#include "agent/cmd/cmd.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/doctor.h"
#include "agent/cmd/listed-people.h"
#include "agent/cmd/postfix-domains.h"
#include "agent/cmd/source-words.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const char about[] =
	"\nLooks at Postfix, todoke.conf, Dovecot, what leaves this host, and this host;\n"
	"and at mailbox, path and scripts of each USER, or with --all of all users: with\n"
	"their rights, never with root's. Nothing is changed without --fix, which runs\n"
	"only the commands that do no harm, and shows each.\n\n"
	"  todoke doctor\n"
	"  todoke doctor --all --fix\n"
	"  todoke doctor taro@example.jp\n\n"
	"Exit code: 0 all is as it should be, 1 something is not, 2 wrong usage.\n";

typedef struct {
	const char *conf;
	GPtrArray *overrides;
	const char *postfix;
	bool all;
	bool fix;
	bool json;
} Options;

static const CmdOption rows[] = {
	{ .name = "all", CMD_INTO_FLAG(Options, all), .help = N_("all users, too") },
	{ .name = "fix", CMD_INTO_FLAG(Options, fix), .help = N_("run the fixes that do no harm") },
	{ .name = "postfix-config",
	  .letters = "C",
	  .argument = "DIR",
	  CMD_INTO_TEXT(Options, postfix),
	  .help = N_("folder of main.cf") },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.doctor/1"),
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTIONS_END
};

const CmdOptions cmd_doctor_options = { .synopsis = "[OPTION]... [USER]...",
	                                .rows = rows,
	                                .about = about };

/* What was looked at. */
typedef struct {
	guint users;
	guint good_users;
	GPtrArray *findings;
	char *source;     /* of users; NULL: there is nothing to say of it */
	GString *sources; /* lines: of each user that was named, if there is something to say */
	json_t *accounts; /* the same */
} Outcome;

/* A place longer than this has a line of its own. */
enum { WHERE_COLUMNS = 24 };

/* Names of users that are listed behind a finding which is true of many. */
enum { MOST_NAMES = 5 };

static const char *
severity_word(const DoctorFinding *finding)
{
	static const char *const words[] = { N_("note"), N_("warning"), N_("error") };
	return _(words[doctor_finding_severity(finding)]);
}

/* One finding, and the other users of whom it is true word by word. */
typedef struct {
	const DoctorFinding *first;
	GString *others; /* the names of some */
	guint count;
} Shared;

static void
shared_free(gpointer data)
{
	Shared *shared = data;
	g_string_free(shared->others, TRUE);
	g_free(shared);
}

static void
shared_add(Shared *shared, const char *user)
{
	if (shared->count++ < MOST_NAMES)
		g_string_append_printf(shared->others, "%s%s", shared->others->len > 0 ? ", " : "",
		                       user);
}

/* All that is said of a user's finding but for whose it is; NULL: it is told each time. */
static char *
words_of(const DoctorFinding *finding)
{
	const char *remedy = finding->typed != NULL ? finding->typed : finding->by_hand;
	if (finding->user == NULL || finding->failure != NULL)
		return NULL;
	return g_strjoin("\n", finding->is_fixed ? "fixed" : "open", finding->code,
	                 finding->evidence, finding->so, remedy, NULL);
}

/* Findings by what is said of them. Caller frees. */
static GHashTable *
find_shared(const GPtrArray *findings)
{
	GHashTable *all = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, shared_free);

	for (guint i = 0; i < findings->len; i++) {
		const DoctorFinding *finding = findings->pdata[i];
		g_autofree char *words = words_of(finding);
		if (words == NULL)
			continue;

		Shared *shared = g_hash_table_lookup(all, words);
		if (shared != NULL) {
			shared_add(shared, finding->user);
			continue;
		}
		shared = g_new0(Shared, 1);
		shared->first = finding;
		shared->others = g_string_new(NULL);
		g_hash_table_insert(all, g_steal_pointer(&words), shared);
	}

	return all;
}

/* What `all` has under its words; NULL: it is told by itself. */
static const Shared *
shared_of(GHashTable *all, const DoctorFinding *finding)
{
	g_autofree char *words = words_of(finding);
	return words != NULL ? g_hash_table_lookup(all, words) : NULL;
}

static void
print_others(const Shared *shared, int indent)
{
	guint more = shared->count > MOST_NAMES ? shared->count - MOST_NAMES : 0;
	g_autofree char *rest = more > 0 ? g_strdup_printf(_(" and %u more"), more) : g_strdup("");
	cmd_print(stdout, "%*s%s  %s%s\n", indent, "", _("also of"), shared->others->str, rest);
}

static void
print_finding(const DoctorFinding *finding, const Shared *shared)
{
	g_autofree char *where = finding->user != NULL
	                                 ? g_strdup_printf("%s  %s", finding->user, finding->where)
	                                 : g_strdup(finding->where);
	glong width = g_utf8_validate(where, -1, NULL) ? g_utf8_strlen(where, -1) : WHERE_COLUMNS;
	bool is_long = width >= WHERE_COLUMNS;
	int indent = is_long ? 6 : (int) width + 2;

	cmd_print(stdout, "%s%s%s  %s\n", where, is_long ? "\n      " : "  ",
	          severity_word(finding), finding->evidence);
	if (*finding->so != '\0')
		cmd_print(stdout, "%*s%s  %s\n", indent, "", _("so"), finding->so);
	if (finding->typed != NULL)
		cmd_print(stdout, "%*s%s  %s\n", indent, "",
		          finding->is_fixed ? _("fixed") : _("fix"), finding->typed);
	if (finding->left != NULL)
		cmd_print(stdout, "%*s%s  %s\n", indent, "", _("left by --fix"), finding->left);
	if (finding->by_hand != NULL)
		cmd_print(stdout, "%*s%s  %s\n", indent, "", _("by hand"), finding->by_hand);
	if (finding->failure != NULL)
		cmd_print(stdout, "%*s%s  %s\n", indent, "", _("failed"), finding->failure);
	if (shared != NULL && shared->count > 0)
		print_others(shared, indent);
}

static bool
is_open(const DoctorFinding *finding)
{
	return !finding->is_fixed && doctor_finding_severity(finding) != DOCTOR_NOTE;
}

static guint
count_open(const GPtrArray *findings)
{
	guint count = 0;
	for (guint i = 0; i < findings->len; i++)
		count += is_open(findings->pdata[i]);
	return count;
}

static void
print_text(const Outcome *outcome)
{
	guint open = count_open(outcome->findings), safe = 0, left = 0;
	g_autoptr(GHashTable) all = find_shared(outcome->findings);

	if (outcome->source != NULL)
		cmd_print(stdout, "%s\n", outcome->source);
	if (outcome->sources != NULL)
		cmd_print(stdout, "%s", outcome->sources->str);
	for (guint i = 0; i < outcome->findings->len; i++) {
		const DoctorFinding *finding = outcome->findings->pdata[i];
		const Shared *shared = shared_of(all, finding);
		if (shared == NULL || shared->first == finding)
			print_finding(finding, shared);
		safe += doctor_finding_is_safe(finding) && !finding->is_fixed;
		left += finding->left != NULL && is_open(finding);
	}

	if (outcome->users > 0)
		printf(_("users looked at: %u, of them in order: %u\n"), outcome->users,
		       outcome->good_users);
	if (open == 0)
		puts(_("all is as it should be"));
	else
		printf(_("findings: %u\n"), open);
	if (safe > 0)
		printf(_("of all, --fix can mend: %u\n"), safe);
	if (left > 0)
		printf(_("left by --fix for a person: %u\n"), left);
}

static void
print_json(const Outcome *outcome)
{
	json_t *object = json_object(), *list = json_array();

	for (guint i = 0; i < outcome->findings->len; i++)
		json_array_append_new(list, doctor_finding_json(outcome->findings->pdata[i]));
	json_object_set_new(object, "schema", json_string("todoke.doctor/1"));
	json_object_set_new(object, "users", json_integer(outcome->users));
	json_object_set_new(object, "users_in_order", json_integer(outcome->good_users));
	json_object_set_new(object, "findings", list);
	if (outcome->accounts != NULL)
		json_object_set(object, "accounts", outcome->accounts);
	cmd_print_json(object);
}

/* Where a user that was named comes from. */
static void
note_source(const Account *account, const char *address, Outcome *outcome)
{
	g_autofree char *words = source_words_account(account);
	json_t *object = json_object();

	json_object_set_new(object, "user", cmd_json_text(address));
	source_words_add_json(object, account);
	json_array_append_new(outcome->accounts, object);
	if (words != NULL)
		g_string_append_printf(outcome->sources, "%s  %s\n", address, words);
}

/* Does mail for the address come to this host at all? */
static void
examine_domain(Doctor *doctor, const char *address)
{
	g_auto(Status) unknown = STATUS_INIT;
	if (!postfix_domains_matter(doctor->site->conf, address))
		return;

	if (doctor->postfix == NULL)
		doctor->postfix = postfix_facts_read(doctor->postfix_folder, &unknown);
	const char *domain = doctor->postfix != NULL
	                             ? postfix_domains_missing(doctor->postfix, address)
	                             : NULL;
	if (domain != NULL)
		doctor_find(doctor, DOCTOR_NO_SUCH_DOMAIN, address, NULL, domain, NULL);
}

/* `address`: as it was asked for; NULL: it was not. */
static void
examine_account(Doctor *doctor, Account *account, const char *address, Outcome *outcome)
{
	guint before = count_open(doctor->findings);

	if (address != NULL)
		examine_domain(doctor, address);
	if (account->returns_to == NULL)
		doctor_examine_user(doctor, account);
	outcome->users++;
	outcome->good_users += count_open(doctor->findings) == before;
}

static void
examine_user(Doctor *doctor, const char *address, Outcome *outcome)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Account) account = account_find(doctor->site->conf, address, &st);

	if (account != NULL) {
		note_source(account, address, outcome);
		examine_account(doctor, account, address, outcome);
		return;
	}
	doctor_find(doctor, DOCTOR_NO_ACCOUNT, address, NULL, status_why(&st), NULL);
	outcome->users++;
}

static void
examine_all(Doctor *doctor, Outcome *outcome)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) people = listed_people(doctor->site->conf, &st);

	for (guint i = 0; people != NULL && i < people->len; i++)
		examine_account(doctor, people->pdata[i], NULL, outcome);
	if (people == NULL)
		doctor_find(doctor, DOCTOR_NOT_LOOKED, "users", NULL, status_why(&st), NULL);
}

static int
examine(const Options *options, char **users, Doctor *doctor)
{
	g_autoptr(GString) sources = g_string_new(NULL);
	g_autofree char *source = source_words_site(doctor->site->conf);
	Outcome outcome = { .findings = doctor->findings,
		            .source = source,
		            .sources = sources,
		            .accounts = json_array() };

	if (options->all || *users == NULL)
		doctor_examine_site(doctor);
	for (; *users != NULL; users++)
		examine_user(doctor, *users, &outcome);
	if (options->all)
		examine_all(doctor, &outcome);

	if (options->json)
		print_json(&outcome);
	else
		print_text(&outcome);
	json_decref(outcome.accounts);
	return count_open(doctor->findings) > 0 ? CMD_FINDINGS : CMD_GOOD;
}

/* A configuration that cannot be read is the one finding. */
static int
tell_unreadable(const Options *options, const GPtrArray *problems, const Status *st)
{
	Doctor doctor = { .findings = g_ptr_array_new_with_free_func(
				  (GDestroyNotify) doctor_finding_free) };
	Outcome outcome = { .findings = doctor.findings };

	for (guint i = 0; i < problems->len; i++) {
		g_autofree char *line = problem_print_short(problems->pdata[i]);
		doctor_find(&doctor, DOCTOR_CONF_UNREADABLE, "todoke.conf", NULL, line, NULL);
	}
	if (problems->len == 0)
		doctor_find(&doctor, DOCTOR_CONF_UNREADABLE, "todoke.conf", NULL, status_why(st),
		            NULL);

	if (options->json)
		print_json(&outcome);
	else
		print_text(&outcome);
	g_ptr_array_unref(doctor.findings);
	return CMD_FINDINGS;
}

int
cmd_doctor(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_doctor_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (options.all && argc > 1)
		return cmd_usage("doctor", _("--all and names of users exclude each other"));
	if (options.postfix == NULL)
		options.postfix = g_getenv("MAIL_CONFIG"); /* as postconf does */
	/* postconf works in that folder, where a relative name means another one */
	g_autofree char *folder = options.postfix != NULL
	                                  ? g_canonicalize_filename(options.postfix, NULL)
	                                  : NULL;

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) problems = problem_list_new();
	Conf *conf = conf_read(options.conf, cmd_option_words(options.overrides), problems, &st);
	g_autoptr(Site) site = conf != NULL ? site_new_without_keys(conf, &st) : NULL;
	if (site == NULL)
		return tell_unreadable(&options, problems, &st);

	g_autoptr(GPtrArray)
		findings = g_ptr_array_new_with_free_func((GDestroyNotify) doctor_finding_free);
	Doctor doctor = {
		.site = site,
		.conf = site->conf,
		.postfix_folder = folder,
		.now = g_get_real_time() / G_USEC_PER_SEC,
		.fixes = options.fix,
		.findings = findings,
	};
	exit_code = examine(&options, argv + 1, &doctor);
	postfix_facts_free(doctor.postfix);

	return exit_code;
}
