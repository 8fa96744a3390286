/* SPDX-License-Identifier: MIT */
/* cmd-stats: `todoke stats`: the records of deliveries, counted. */
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/record-owners.h"
#include "agent/cmd/stats-html.h"
#include "agent/cmd/stats-print.h"
#include "agent/cmd/stats-prometheus.h"
#include "agent/cmd/when.h"
#include "agent/run/script-chain.h"
#include "agent/state/record-reader.h"

#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

/* Rows of a table where nobody says how many, and at most. */
enum { USUAL_TOP = 10, MOST_TOP = 10000 };

/* A delivery writes its line this much later than the time in it, at most: seconds. */
enum { LINE_DELAY = 60 };

typedef struct {
	const char *conf_path, *since, *user, *output, *html;
	GPtrArray *overrides;
	guint64 top;
	bool json, prometheus;
} Options;

static const CmdOption rows[] = {
	{ .name = "since",
	  .argument = "TIME",
	  CMD_INTO_TEXT(Options, since),
	  .help = N_("decisions since this time") },
	{ .name = "user",
	  .letters = "u",
	  .argument = "USER",
	  CMD_INTO_TEXT(Options, user),
	  .help = N_("look into the record of this user only") },
	CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Options, user), "the same as --user"),
	{ .name = "top",
	  .argument = "N",
	  CMD_INTO_NUMBER(Options, top, 1, MOST_TOP),
	  .help = N_("rows of a table (10)") },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.stats/1"),
	{ .name = "prometheus",
	  CMD_INTO_FLAG(Options, prometheus),
	  .help = N_("print metrics for Prometheus") },
	{ .name = "output",
	  .argument = "FILE",
	  CMD_INTO_TEXT(Options, output),
	  .help = N_("with --prometheus: add to the counters that FILE holds") },
	{ .name = "html",
	  .argument = "FILE",
	  CMD_INTO_TEXT(Options, html),
	  .help = N_("write a page with plots; it needs no network") },
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTIONS_END
};

static const char about[] =
	"\nCounts what deliveries have recorded: results and reasons, folders, rules (and\n"
	"those that never fired), domains of senders, delays. Root sees all records, or\n"
	"that of --user; a user sees their own. TIME: 2026-11-30, \"2026-11-30 09:15\", 7d.\n\n"
	"  todoke stats --prometheus --output /var/lib/node_exporter/todoke.prom\n\n"
	"Exit code: 0 done, 1 a fault, 2 wrong usage.\n";

const CmdOptions cmd_stats_options = { .synopsis = "[OPTION]...", .rows = rows, .about = about };

/* With the owner's rights: which rules would run for the owner's mail. */
static void
learn_rules(Stats *stats, const Conf *conf, const Account *account)
{
	g_auto(Status) unknown = STATUS_INIT;
	g_auto(ScriptChain) chain = { 0 };

	if (!script_chain_find(conf, account, NULL, &chain, &unknown))
		return;
	for (guint i = 0; i < chain.scripts->len; i++) {
		const Script *script = chain.scripts->pdata[i];
		stats_add_script(stats, script->path, script->is_recipes,
		                 (size_t) conf->sieve_max_script_size);
	}
}

/* With the owner's rights. A virtual user needs no entry anywhere, but leaves traces. */
static bool
is_there(const RecordOwner *owner)
{
	return owner->account == NULL || access(owner->path, F_OK) == 0 ||
	       access(owner->account->maildir, F_OK) == 0;
}

/* Where to count a line of whose record. */
typedef struct {
	Stats *stats;
	const RecordOwner *owner;
} Counting;

/* RecordReaderVisit: of a file for all, the lines of those who were asked for. */
static bool
count_line(void *user, const char *text, size_t len)
{
	const Counting *counting = user;
	return !record_owner_has_line(counting->owner, text, len) ||
	       stats_add_line(counting->stats, text, len);
}

/*
 * `user` is who was asked for; NULL: everybody. False: the record cannot be read, or there is no
 * such user, which was said.
 */
static bool
count_owner(Stats *stats, const Conf *conf, const char *user, RecordOwner *owner)
{
	g_auto(Status) st = STATUS_INIT, left = STATUS_INIT;
	bool entered = record_owner_enter(conf, owner, &st);
	bool good = user == NULL || owner->account == NULL || (entered && is_there(owner));
	Counting counting = { stats, owner };
	const char *closed = record_owner_closed(owner, &st);
	if (closed != NULL)
		fprintf(stderr, "todoke stats: %s\n", closed);

	if (!good)
		fprintf(stderr, _("todoke stats: '%s' has neither a record nor a mailbox\n"), user);
	else if (entered) {
		good = record_reader_run(owner->path, NULL, count_line, &counting, &st);
		if (!good)
			fprintf(stderr, "todoke stats: %s\n", st.detail);
		if (owner->account != NULL)
			learn_rules(stats, conf, owner->account);
	}

	if (!record_owner_leave(owner, &left))
		g_error("%s", left.detail);
	return good;
}

/* A record is read again each time: what the file has counted already ends where it says. */
static bool
begin_output(const Options *options, Stats *stats, Status *st)
{
	gint64 now_s = g_get_real_time() / G_USEC_PER_SEC;

	if (options->output == NULL)
		return true;
	stats->until_us = (now_s - LINE_DELAY) * G_USEC_PER_SEC;
	stats->since_us = 1; /* what has no time would be counted each time */
	return stats_prometheus_add_file(stats, options->output, &stats->since_us, st);
}

/* A device or FIFO would be replaced by a file: for root, /dev/null for everybody. */
static bool
check_place(const char *path, Status *st)
{
	struct stat sb;
	if (path == NULL || stat(path, &sb) < 0 || S_ISREG(sb.st_mode))
		return true;
	return status_fail_detail(st, STATUS_IO, "'%s' is not a regular file, and is left alone",
	                          path);
}

static bool
show_metrics(const Options *options, const Stats *stats, Status *st)
{
	gint64 until_us = stats->until_us != 0 ? MAX(stats->until_us, stats->since_us)
	                                       : g_get_real_time();
	g_autofree char *text = stats_prometheus_text(stats, until_us);

	if (options->output != NULL)
		return stats_prometheus_write(options->output, text, st);
	(void) fputs(text, stdout);
	return true;
}

static bool
show(const Options *options, const Stats *stats, Status *st)
{
	StatsStyle style = { options->top, isatty(STDOUT_FILENO) != 0 };

	if (options->prometheus)
		return show_metrics(options, stats, st);
	if (options->html != NULL) {
		g_autofree char *page = stats_html_text(stats, options->top);
		return stats_html_write(options->html, page, st);
	}

	if (options->json)
		cmd_print_json(stats_print_json(stats));
	else
		stats_print(stats, &style);
	return true;
}

/* False: the options do not go together, which was said. */
static bool
check_options(const Options *options, int argc, char **argv, Stats *stats)
{
	if (argc > 1)
		(void) cmd_usage("stats", _("'%s': no words are wanted here"), argv[1]);
	else if (options->output != NULL && !options->prometheus)
		(void) cmd_usage("stats", _("--output goes with --prometheus"));
	else if (options->output != NULL && options->since != NULL)
		(void) cmd_usage("stats", _("--output knows since when: no --since"));
	else if (options->prometheus + options->json + (options->html != NULL) > 1)
		(void) cmd_usage("stats", _("choose one of --json, --prometheus, --html"));
	else if (options->since != NULL &&
	         !when_parse(options->since, g_get_real_time(), &stats->since_us))
		(void) cmd_usage("stats", _("'%s' is no time: want 2026-11-30, 09:15, 12h, 30d"),
		                 options->since);
	else
		return true;
	return false;
}

static int
fail(const Status *st)
{
	fprintf(stderr, "todoke stats: %s\n", status_why(st));
	return CMD_FINDINGS;
}

int
cmd_stats(int argc, char **argv)
{
	Options options = { .top = USUAL_TOP };
	g_auto(Stats) stats = { 0 };
	g_auto(Status) st = STATUS_INIT;
	int exit_code;

	stats_init(&stats);
	if (!cmd_options(&cmd_stats_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (!check_options(&options, argc, argv, &stats))
		return CMD_USAGE;

	g_autoptr(Conf) conf = cmd_conf(options.conf_path, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	const char *names[] = { options.user, NULL };
	g_autoptr(GPtrArray) owners = record_owners_find(conf, names, &st);
	if (owners == NULL || !check_place(options.html, &st) ||
	    !check_place(options.output, &st) || !begin_output(&options, &stats, &st))
		return fail(&st);
	if (options.user != NULL)
		record_owners_narrow(conf, owners, names);

	bool good = true;
	for (guint i = 0; i < owners->len; i++)
		good &= count_owner(&stats, conf, options.user, owners->pdata[i]);
	if (!good && options.user != NULL)
		return CMD_FINDINGS;

	if (!show(&options, &stats, &st))
		return fail(&st);
	return good ? CMD_GOOD : CMD_FINDINGS;
}
