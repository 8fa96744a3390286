/* SPDX-License-Identifier: MIT */
/* cmd-record: `todoke record`: the lines of the record, and taking some out of it. */
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/record-owners.h"
#include "agent/cmd/when.h"
#include "agent/state/record-reader.h"

#include <stdio.h>

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	GPtrArray *addresses;
	const char *before;
} Options;

static const CmdOption rows[] = { { .name = "forget",
	                            .argument = "ADDRESS",
	                            CMD_INTO_LIST(Options, addresses),
	                            .help = N_("take out what names this address") },
	                          { .name = "before",
	                            .argument = "TIME",
	                            CMD_INTO_TEXT(Options, before),
	                            .help = N_("take out what is older") },
	                          CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	                          CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	                          CMD_OPTIONS_END };

static const char about[] =
	"\nPrints what deliveries have recorded, oldest first: one JSON object a line\n"
	"(todoke.record/1, see todoke-record(1)). A user sees their own record;\n"
	"root sees the records of all users, or of those that are named.\n\n"
	"--forget takes out lines that name an address, as sender, recipient or anywhere.\n"
	"--before takes out lines that are older: 2026-11-30, \"2026-11-30 09:15\", or how\n"
	"long ago: 12h, 30d. With both, only lines that fit both go. No mail is touched.\n\n"
	"Exit code: 0 done, 1 nothing found, or a fault, 2 wrong usage.\n";

const CmdOptions cmd_record_options = { .synopsis = "[OPTION]... [USER]...",
	                                .rows = rows,
	                                .about = about };

/* What goes. */
typedef struct {
	const char *const *addresses; /* NULL: any */
	gint64 before_us;             /* 0: any time */
} Forget;

/* How it went, over all owners. */
typedef struct {
	const Conf *conf;
	const Forget *forget; /* NULL: print */
	const RecordOwner *owner;
	unsigned lines;
	bool is_bad;
} Work;

static bool
print_line(void *user, const char *text, size_t len)
{
	Work *work = user;
	if (!record_owner_has_line(work->owner, text, len))
		return true;
	work->lines++;
	cmd_put_json(stdout, text, len); /* the owner may have written anything */
	return putchar('\n') != EOF;
}

static bool
is_forgotten(void *user, const char *text, size_t len)
{
	const Work *work = user;
	const Forget *forget = work->forget;
	gint64 time = record_reader_time(text, len);
	if (!record_owner_has_line(work->owner, text, len))
		return false;
	if (forget->before_us != 0 && time >= forget->before_us)
		return false;
	if (forget->addresses == NULL)
		return true;

	json_t *record = record_reader_parse(text, len);
	bool is_named = false;
	for (const char *const *address = forget->addresses; record != NULL && *address != NULL;
	     address++)
		is_named |= record_reader_mentions(record, *address);
	json_decref(record);

	return is_named;
}

/* With the owner's rights. */
static bool
work_on(Work *work, const char *path, Status *st)
{
	unsigned gone = 0;

	if (work->forget == NULL)
		return record_reader_run(path, NULL, print_line, work, st);
	if (!record_reader_forget(path, is_forgotten, work, &gone, st))
		return false;
	work->lines += gone;
	return true;
}

static void
work_on_owner(Work *work, RecordOwner *owner)
{
	g_auto(Status) st = STATUS_INIT, left = STATUS_INIT;
	bool is_there = record_owner_enter(work->conf, owner, &st);

	work->owner = owner;
	const char *closed = record_owner_closed(owner, &st);
	if (closed != NULL) {
		fprintf(stderr, "todoke record: %s\n", closed);
		work->is_bad = true;
	}
	if (is_there && !work_on(work, owner->path, &st)) {
		fprintf(stderr, "todoke record: %s\n", st.detail);
		work->is_bad = true;
	}

	if (!record_owner_leave(owner, &left))
		g_error("%s", left.detail);
}

static bool
read_forget(const Options *options, Forget *ret_forget, int *ret_exit)
{
	const char *before = options->before;

	*ret_forget = (Forget){ .addresses = cmd_option_words(options->addresses) };
	if (before == NULL || when_parse(before, g_get_real_time(), &ret_forget->before_us))
		return true;
	*ret_exit = cmd_usage("record", _("'%s' is no time: want 2026-11-30, 09:15, 12h, 30d"),
	                      before);
	return false;
}

int
cmd_record(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;
	Forget forget;

	if (!cmd_options(&cmd_record_options, &argc, argv, &options, &exit_code) ||
	    !read_forget(&options, &forget, &exit_code))
		return exit_code;

	g_autoptr(Conf) conf = cmd_conf(options.conf_path, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	g_auto(Status) st = STATUS_INIT;
	g_autoptr(GPtrArray) owners = record_owners_find(conf, (const char *const *) argv + 1, &st);
	if (owners == NULL) {
		fprintf(stderr, "todoke record: %s\n", status_why(&st));
		return CMD_FINDINGS;
	}

	if (argc > 1)
		record_owners_narrow(conf, owners, (const char *const *) argv + 1);

	bool forgets = options.addresses != NULL || options.before != NULL;
	Work work = { .conf = conf, .forget = forgets ? &forget : NULL };
	for (guint i = 0; i < owners->len; i++)
		work_on_owner(&work, owners->pdata[i]);

	if (forgets)
		printf(_("%u lines are forgotten\n"), work.lines);
	return work.is_bad || work.lines == 0 ? CMD_FINDINGS : CMD_GOOD;
}
