/* SPDX-License-Identifier: MIT */
/* cmd-why: `todoke why`: what happened to a mail, and where it is now. */
#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/when.h"
#include "agent/cmd/why-follow.h"
#include "agent/cmd/why-later.h"
#include "agent/cmd/why-newer.h"
#include "agent/cmd/why-wait.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Stories that are told where nobody says how many, digits of a number that is no queue id, and
 * seconds of the longest --wait.
 */
enum { USUAL_LAST = 10, LAST_DIGITS = 5, LONGEST_WAIT = 3600 };

/* Before the decision: how long Postfix may have had the mail, as far as the journal is read. */
static const gint64 earlier_us = (gint64) 86400 * G_USEC_PER_SEC;

static const char about[] =
	"\nA MAIL is a queue id, a Message-ID or a file. Root asks about everybody's mail,\n"
	"a user about the own. --maillog joins the lines of Postfix, and those of\n"
	"Dovecot's mail_log. TIME: 2026-11-30, \"2026-11-30 09:15\", 09:15, yesterday, 7d.\n\n"
	"  todoke why --last --user ann --wait 60\n"
	"  todoke why --from customer@example.jp --since yesterday\n\n"
	"Exit code: 0 found, 1 not found, 2 wrong usage.\n";

typedef struct {
	const char *conf_path, *from, *to, *user, *since;
	GPtrArray *overrides, *maillogs;
	bool has_last, follow, json, shadow;
	unsigned last; /* with has_last */
	guint64 wait;  /* seconds; 0: not at all */
} Options;

static const CmdOption rows[] = {
	CMD_OPTION_SENDER(CMD_INTO_TEXT(Options, from),
	                  "mail from this envelope sender, or from @DOMAIN"),
	{ .name = "to",
	  .argument = "ADDRESS",
	  CMD_INTO_TEXT(Options, to),
	  .help = N_("mail to this recipient, before or after aliases") },
	{ .name = "since",
	  .argument = "TIME",
	  CMD_INTO_TEXT(Options, since),
	  .help = N_("decisions since this time") },
	{ .name = "last",
	  CMD_INTO_FLAG(Options, has_last),
	  .help = N_("the newest only; with a number behind it, so many") },
	{ .name = "maillog",
	  .argument = "FILE",
	  CMD_INTO_LIST(Options, maillogs),
	  .help = N_("join its lines; or \"auto\", \"journal\", journal:DIR") },
	{ .name = "user",
	  .letters = "u",
	  .argument = "USER",
	  CMD_INTO_TEXT(Options, user),
	  .help = N_("look into the record of this user only") },
	CMD_OPTION_RECIPIENT(CMD_INTO_TEXT(Options, user), "the same as --user"),
	{ .name = "wait",
	  .argument = "SECONDS",
	  CMD_INTO_NUMBER(Options, wait, 1, LONGEST_WAIT),
	  .help = N_("first wait for mail that is on its way in Postfix") },
	{ .name = "shadow",
	  CMD_INTO_FLAG(Options, shadow),
	  .help = N_("where shadow_script would have decided otherwise") },
	{ .name = "follow",
	  CMD_INTO_FLAG(Options, follow),
	  .help = N_("print each decision as it is made, a line each") },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.why/1, or records"),
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTIONS_END
};

const CmdOptions cmd_why_options = { .synopsis = "[OPTION]... [MAIL]...",
	                             .rows = rows,
	                             .about = about };

/*
 * "--last N": the number is left among the arguments, and is too short for a queue id. False: it
 * is 0, which was said.
 */
static bool
take_last_number(Options *options, int *argc, char **argv)
{
	guint64 count;

	options->last = 1;
	for (int i = 1; i < *argc && options->has_last; i++) {
		if (strlen(argv[i]) > LAST_DIGITS ||
		    !g_ascii_string_to_unsigned(argv[i], 10, 0, G_MAXUINT32, &count, NULL))
			continue;
		if (count == 0) {
			(void) cmd_usage("why", _("--last takes a number from 1 on"));
			return false;
		}
		options->last = (unsigned) count;
		memmove(argv + i, argv + i + 1, (size_t) (*argc - i) * sizeof *argv);
		(*argc)--;
		return true;
	}

	return true;
}

/*
 * "--last=2" as the words "--last 2", which take_last_number() reads. Caller frees the list, not
 * its words, which live as long as the process.
 */
static char **
split_last(int *argc, char **argv)
{
	static const char joined[] = "--last=";
	char **words = g_new0(char *, 2 * (size_t) *argc + 1);
	int n = 0;
	bool is_option = true;

	for (int i = 0; i < *argc; i++) {
		is_option = is_option && strcmp(argv[i], "--") != 0;
		if (!is_option || !g_str_has_prefix(argv[i], joined)) {
			words[n++] = argv[i];
			continue;
		}
		argv[i][strlen(joined) - 1] = '\0';
		words[n++] = argv[i];
		words[n++] = argv[i] + strlen(joined);
	}

	*argc = n;
	return words;
}

/* False: the arguments are wrong, or a file cannot be read. */
static bool
make_query(const Options *options, int argc, char **argv, WhyQuery *ret, int *ret_exit)
{
	g_auto(Status) st = STATUS_INIT;

	if (options->since != NULL &&
	    !when_parse(options->since, g_get_real_time(), &ret->since_us)) {
		*ret_exit = cmd_usage("why", _("'%s' is no time: want 2026-11-30, 09:15, 12h, 30d"),
		                      options->since);
		return false;
	}

	for (int i = 1; i < argc; i++)
		if (*argv[i] == '\0') {
			*ret_exit = cmd_usage("why", _("a MAIL is empty"));
			return false;
		} else if (!why_query_add(ret, argv[i], &st)) {
			cmd_print(stderr, "todoke why: %s\n", st.detail);
			*ret_exit = CMD_FINDINGS;
			return false;
		}

	ret->from = options->from != NULL ? g_ascii_strdown(options->from, -1) : NULL;
	ret->to = options->to != NULL ? g_ascii_strdown(options->to, -1) : NULL;
	ret->shadow = options->shadow;
	bool has_query = options->shadow || argc > 1 || ret->from != NULL || ret->to != NULL ||
	                 ret->since_us != 0;
	ret->last = options->has_last ? options->last : argc > 1 ? 0 : USUAL_LAST;
	if (!has_query && !options->has_last && !options->follow) {
		*ret_exit = cmd_usage("why",
		                      _("which mail? Name a queue id, a Message-ID or a file, "
		                        "or use --from, --to, --since, --last, --follow"));
		return false;
	}

	return true;
}

/* The logs that were named, or the one of this host. */
static const char *const *
log_places(const Options *options)
{
	static const char *const usual[] = { "auto", NULL };
	return options->maillogs != NULL ? cmd_option_words(options->maillogs) : usual;
}

/* From when on a journal is read for mail of which no record is. */
static gint64
log_since(const WhyQuery *query, gint64 now_us)
{
	return query->since_us != 0 ? query->since_us : now_us - earlier_us;
}

/* What is known of the mails goes into the search of the logs. */
static bool
read_log(const Options *options, const Conf *conf, const WhyQuery *query, const WhyFound *found,
         gint64 now_us, WhyLog *log, Status *st)
{
	gint64 since = log_since(query, now_us);

	if (found != NULL) {
		why_log_add_id(log, why_text(found->record, "queue_id"));
		why_log_add_id(log, why_text(found->record, "origin_id"));
		log->message_id = g_strdup(why_text(found->record, "message_id"));
		since = MIN(since, found->time_us - earlier_us);
	}

	for (guint i = 0; i < query->names->len && found == NULL; i++) {
		const WhyName *name = query->names->pdata[i];
		why_log_add_id(log, name->queue_id);
		if (name->message_id != NULL && log->message_id == NULL)
			log->message_id = g_strdup(name->message_id);
	}

	if (found == NULL) {
		why_log_want(log, query->from, query->to, options->user, conf->delimiters);
		log->is_any = log->is_any && query->names->len == 0;
	}

	for (const char *const *path = log_places(options); *path != NULL; path++)
		if (!why_log_read(log, *path, since, st))
			return false;
	why_log_sort(log);
	return true;
}

/* A log that is missing on hosts that have only the journal. */
static void
tell_log_fault(const char *fault, bool is_missing)
{
	static char *told; /* once, though several searches meet it */
	if (g_strcmp0(told, fault) == 0)
		return;
	g_free(told);
	told = g_strdup(fault);

	cmd_print(stderr, "todoke why: %s%s\n", fault,
	          is_missing ? _("; --maillog auto takes the log of this host, be it the journal")
	                     : "");
}

/*
 * A log that was named and cannot be read is said, and the rest is told. Where none was, the log of
 * this host is read for mail of which no record is, if we may.
 */
static bool
find_log(const Options *options, const Conf *conf, const WhyQuery *query, const WhyFound *found,
         gint64 now_us, WhyLog *log)
{
	g_auto(Status) st = STATUS_INIT;
	bool is_named = options->maillogs != NULL;
	if (!is_named && found != NULL)
		return false;
	why_log_init(log, now_us);
	bool is_read = read_log(options, conf, query, found, now_us, log, &st);
	const char *fault = status_why(&st);
	if (is_named && (!is_read || log->remark != NULL))
		tell_log_fault(is_read ? log->remark : fault, !is_read && st.id == STATUS_MISSING);
	return is_read;
}

/* What the one user's folders say where no record is there: is there such a mailbox at all? */
static void
tell_user(const Options *options, const Conf *conf, RecordOwner *owner)
{
	g_auto(Status) st = STATUS_INIT, left = STATUS_INIT;
	const char *maildir = owner->account->maildir;
	struct stat sb;
	bool may_look = record_owner_enter(conf, owner, &st);
	bool has_record = may_look && lstat(owner->path, &sb) == 0;
	bool has_mailbox = may_look && lstat(maildir, &sb) == 0;
	if (!record_owner_leave(owner, &left))
		g_error("%s", left.detail);

	if (!may_look)
		cmd_print(stdout, _("The record of '%s' cannot be read: %s\n"), options->user,
		          status_why(&st));
	else if (has_mailbox && !has_record)
		cmd_print(stdout, _("No delivery to '%s' is recorded yet: there is no '%s'.\n"),
		          options->user, owner->path);
	else if (!has_record)
		cmd_print(stdout,
		          _("No mailbox of '%s' is there yet: '%s'. Either no mail was delivered, "
		            "or that is not the name: `todoke account --list` prints all.\n"),
		          options->user, maildir);
}

/*
 * A mail that was put off may have no record: whoever delivers could not write one. Postfix knows
 * it.
 */
static void
tell_waiting(const Options *options, const Conf *conf)
{
	if (options->user == NULL)
		return;

	g_autoptr(GPtrArray) waiting = why_wait_find(options->user, conf->delimiters);
	why_newer_print_waiting(options->user, waiting);
}

/* What the log has about mail of which no record is, and who decided it. */
static void
tell_log(const WhyQuery *query, const WhyLog *log, const WhyStyle *style)
{
	enum { MOST_LINES = 60 };
	guint most = query->last > 0 ? query->last : USUAL_LAST;
	g_autoptr(GPtrArray) answers = why_answer_find(log);
	guint first = answers->len > most ? answers->len - most : 0;
	bool is_short = query->names->len > 0 || log->lines->len <= MOST_LINES;

	puts(is_short ? _("The log has these lines about it:")
	              : _("The log has many lines about such mail; this became of it:"));
	if (is_short)
		why_story_print_log(style, log);
	for (guint i = first; i < answers->len; i++)
		if (is_short && answers->len == 1)
			why_answer_print(answers->pdata[i]);
		else
			why_answer_print_story(style, answers->pdata[i]);
}

/* Was the log the right one, and did it reach back far enough? */
static void
tell_empty_log(const Options *options, const WhyLog *log)
{
	g_autoptr(GString) names = g_string_new(NULL);

	for (const char *const *place = log_places(options); *place != NULL; place++)
		g_string_append_printf(names, "%s%s", names->len > 0 ? ", " : "",
		                       why_newer_place(*place));
	if (log->first_us == 0) {
		cmd_print(stdout,
		          _("The log has no line about it either, nor any other of Postfix: %s\n"),
		          names->str);
		return;
	}

	g_autofree char *since = why_story_print_time(log->first_us);
	cmd_print(stdout,
	          _("The log has no line about it either (%s, read from %s on): the mail is older, "
	            "has not come to this host, or the log is another one.\n"),
	          names->str, since);
}

/* todoke has no record of it. */
static void
tell_unseen(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *owners,
            const WhyStyle *style)
{
	g_auto(WhyLog) log = { 0 };
	if (query->shadow) {
		puts(_("No difference is recorded: shadow_script decided as the rules in force, or "
		       "did not run."));
		return;
	}

	bool has_log = find_log(options, conf, query, NULL, style->now_us, &log);
	puts(_("No record of todoke holds such a mail."));
	RecordOwner *owner = options->user != NULL && owners->len > 0 ? owners->pdata[0] : NULL;
	if (owner != NULL && owner->account != NULL)
		tell_user(options, conf, owner);
	tell_waiting(options, conf);
	if (options->wait == 0 && options->has_last)
		puts(_("A mail that was sent a moment ago may be on its way: --wait 60 waits for "
		       "it."));
	if (has_log && log.lines->len > 0) {
		tell_log(query, &log, style);
		return;
	}

	if (has_log)
		tell_empty_log(options, &log);
	if (query->names->len > 0)
		puts(_("What lmtpd refuses at RCPT, as mail to a full mailbox, has no Message-ID "
		       "in the record, and no queue id if it came by sendmail(1): look for it by "
		       "`todoke why --last --to ADDRESS`."));
	g_autoptr(GPtrArray) hints = why_story_hints(query, options->user);
	if (hints->len > 0)
		puts(_("If it came to this host, Postfix says what became of it; look for:"));
	for (guint i = 0; i < hints->len; i++)
		cmd_print(stdout, "  %s\n", (const char *) hints->pdata[i]);
	puts(_("\"NOQUEUE: reject\" means that smtpd refused it, \"status=deferred\" that it waits "
	       "in the queue, \"relay=\" names who took it. A record ends by record_max_size and "
	       "record_max_age, and there is none where record = no."));
}

/* Does the answer mean that there is no newer mail? */
static bool
asks_for_newest(const WhyQuery *query)
{
	return query->names->len == 0 && !query->shadow;
}

static WhyNewerAsk
ask_newer(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *owners,
          const GPtrArray *found, gint64 now_us)
{
	return (WhyNewerAsk){ .query = query,
		              .told = found,
		              .user = options->user,
		              .conf = conf,
		              .owners = owners,
		              .places = log_places(options),
		              .now_us = now_us };
}

/* The newest decision: they stand in the order in which they began. */
static const WhyFound *
newest_of(const GPtrArray *found)
{
	const WhyFound *newest = found->pdata[0];
	for (guint i = 1; i < found->len; i++) {
		const WhyFound *one = found->pdata[i];
		newest = one->time_us > newest->time_us ? one : newest;
	}
	return newest;
}

/* What is newer than the stories that were told: Postfix's log knows it, or there is a doubt. */
static void
tell_newer(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *owners,
           const GPtrArray *found, const WhyStyle *style)
{
	g_auto(WhyNewer) newer = { 0 };
	WhyNewerAsk ask = ask_newer(options, conf, query, owners, found, style->now_us);
	if (!asks_for_newest(query))
		return;

	why_newer_find(&ask, newest_of(found), &newer);
	why_newer_print(style, &ask, &newer, query->last);
}

static json_t *
query_json(const WhyQuery *query)
{
	json_t *object = json_object(), *names = json_array();

	for (guint i = 0; i < query->names->len; i++) {
		const WhyName *name = query->names->pdata[i];
		json_array_append_new(names, cmd_json_text(name->text));
	}
	json_object_set_new(object, "mails", names);
	if (query->from != NULL)
		json_object_set_new(object, "from", cmd_json_text(query->from));
	if (query->to != NULL)
		json_object_set_new(object, "to", cmd_json_text(query->to));
	return object;
}

static void
print_json(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *owners,
           GPtrArray *found, unsigned left, gint64 now_us)
{
	json_t *object = json_object(), *mails = json_array();
	g_auto(WhyLater) later = { 0 };

	why_later_find(found, log_places(options), now_us, &later);
	for (guint i = 0; i < found->len; i++) {
		g_auto(WhyLog) log = { 0 };
		bool has_log = find_log(options, conf, query, found->pdata[i], now_us, &log);
		json_t *mail = why_story_json(conf, found->pdata[i], has_log ? &log : NULL, now_us);
		const WhyAnswer *answer = why_later_answer(&later, found->pdata[i]);
		if (answer != NULL)
			json_object_set_new(mail, "later", why_answer_json(answer));
		json_array_append_new(mails, mail);
	}

	json_object_set_new(object, "schema", json_string("todoke.why/1"));
	json_object_set_new(object, "query", query_json(query));
	json_object_set_new(object, "mails", mails);
	json_object_set_new(object, "left_out", json_integer(left));
	if (found->len == 0) {
		g_auto(WhyLog) log = { 0 };
		g_autoptr(GPtrArray) hints = why_story_hints(query, options->user);
		json_t *list = json_array();
		for (guint i = 0; i < hints->len; i++)
			json_array_append_new(list, cmd_json_text(hints->pdata[i]));
		json_object_set_new(object, "look_for", list);
		if (find_log(options, conf, query, NULL, now_us, &log)) {
			g_autoptr(GPtrArray) answers = why_answer_find(&log);
			json_object_set_new(object, "log", why_story_log_json(&log));
			json_object_set_new(object, "answers", why_answer_list_json(answers));
		}
	} else if (asks_for_newest(query)) {
		g_auto(WhyNewer) newer = { 0 };
		WhyNewerAsk ask = ask_newer(options, conf, query, owners, found, now_us);
		why_newer_find(&ask, newest_of(found), &newer);
		why_newer_add_json(object, &newer);
	}

	cmd_print_json(object);
}

static void
print_stories(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *found,
              unsigned left, const WhyStyle *style)
{
	g_auto(WhyLater) later = { 0 };
	if (left > 0)
		printf(_("%u older ones are left out (--last N shows more)\n\n"), left);
	why_later_find(found, log_places(options), style->now_us, &later);
	for (guint i = 0; i < found->len; i++) {
		g_auto(WhyLog) log = { 0 };
		bool has_log = find_log(options, conf, query, found->pdata[i], style->now_us, &log);
		if (i > 0)
			puts("");
		why_story_print(style, conf, found->pdata[i], has_log ? &log : NULL);
		why_later_print(&later, found->pdata[i]);
	}
	if (!asks_for_newest(query)) /* else why_newer_print has the doubt */
		why_later_print_doubt(&later);
}

static void
show_line(void *user, const json_t *record)
{
	why_story_print_line(user, record);
}

static void
show_json(void *user, const json_t *record)
{
	(void) user;
	cmd_print_json_line(json_incref((json_t *) record));
	(void) fflush(stdout);
}

/*
 * No record has the ids that were asked for: which others does the log join to them? Those that a
 * content filter or an alias made, as pipe(8) and local(8) know only their own.
 */
static GPtrArray *
find_by_log(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *owners,
            gint64 now_us, unsigned *ret_left)
{
	g_auto(WhyLog) log = { 0 };
	g_auto(WhyQuery) wider = { 0 };
	GHashTableIter iter;
	gpointer id;

	why_query_init(&wider);
	if (!find_log(options, conf, query, NULL, now_us, &log))
		return NULL;

	g_hash_table_iter_init(&iter, log.ids);
	while (g_hash_table_iter_next(&iter, &id, NULL))
		why_query_add_id(&wider, id);
	if (log.message_id != NULL)
		why_query_add_message_id(&wider, log.message_id);
	wider.from = g_strdup(query->from);
	wider.to = g_strdup(query->to);
	wider.since_us = query->since_us;
	wider.last = query->last;

	if (wider.names->len == 0)
		return NULL;
	GPtrArray *found = why_find(&wider, conf, owners, ret_left);
	if (found->len > 0)
		return found;

	/* lmtpd is told no id of mail that came by sendmail(1). */
	g_autoptr(GPtrArray) answers = why_answer_find(&log);
	g_ptr_array_unref(found);
	return why_newer_without_id(answers, conf, owners);
}

static GPtrArray *
find(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *owners,
     gint64 now_us, unsigned *ret_left)
{
	GPtrArray *found = why_find(query, conf, owners, ret_left);
	if (found->len > 0 || query->names->len == 0)
		return found;

	GPtrArray *more = find_by_log(options, conf, query, owners, now_us, ret_left);
	if (more == NULL)
		return found;
	if (more->len > 0 && !options->json)
		puts(_("No record has this id; the log leads from it to what follows."));
	g_ptr_array_unref(found);
	return more;
}

static int
answer(const Options *options, const Conf *conf, const WhyQuery *query, GPtrArray *owners)
{
	g_autoptr(GHashTable) told = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	WhyStyle style = { isatty(STDOUT_FILENO) && getenv("NO_COLOR") == NULL, options->has_last,
		           g_get_real_time(), told };
	g_auto(Status) unready = STATUS_INIT;
	unsigned left = 0;

	if (options->wait > 0 && !why_wait((unsigned) options->wait, &unready))
		cmd_print(stderr, "todoke why: --wait: %s\n", status_why(&unready));
	if (options->follow) {
		why_follow(query, conf, owners, options->json ? show_json : show_line, &style);
		return CMD_GOOD;
	}

	g_autoptr(GPtrArray) found = find(options, conf, query, owners, style.now_us, &left);
	if (options->json)
		print_json(options, conf, query, owners, found, left, style.now_us);
	else if (found->len == 0)
		tell_unseen(options, conf, query, owners, &style);
	else {
		print_stories(options, conf, query, found, left, &style);
		tell_newer(options, conf, query, owners, found, &style);
	}

	return found->len > 0 ? CMD_GOOD : CMD_FINDINGS;
}

int
cmd_why(int argc, char **argv)
{
	Options options = { 0 };
	g_autofree char **words = split_last(&argc, argv);
	g_auto(WhyQuery) query = { 0 };
	int exit_code;

	why_query_init(&query);
	if (!cmd_options(&cmd_why_options, &argc, words, &options, &exit_code))
		return exit_code;
	if (!take_last_number(&options, &argc, words))
		return CMD_USAGE;
	if (!make_query(&options, argc, words, &query, &exit_code))
		return exit_code;

	g_autoptr(Conf) conf = cmd_conf(options.conf_path, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	g_auto(Status) st = STATUS_INIT;
	const char *names[] = { options.user, NULL };
	g_autoptr(GPtrArray) owners = record_owners_find(conf, names, &st);
	if (owners == NULL) {
		cmd_print(stderr, "todoke why: %s%s\n", status_why(&st),
		          st.id == STATUS_UNKNOWN_USER ? _("; `todoke account --list` prints all")
		                                       : "");
		return CMD_FINDINGS;
	}

	if (options.user != NULL)
		record_owners_narrow(conf, owners, names);

	return answer(&options, conf, &query, owners);
}
