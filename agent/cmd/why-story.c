/* SPDX-License-Identifier: MIT */
/* why-story: each step has a word at the margin, and what it says beside that. */
#include "agent/cmd/why-story.h"

#include "agent/base/words.h"
#include "agent/message/loop.h"
#include "agent/cmd/cmd-common.h"
#include "agent/run/recipes.h"
#include "agent/state/record-line.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { MARGIN = 10, MS_US = 1000, TIME_TEXT = 40 };

static const char bold[] = "\033[1m", green[] = "\033[32m", yellow[] = "\033[33m",
		  red[] = "\033[31m", plain[] = "\033[0m";

char *
why_story_print_time(gint64 time_us)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(time_us / G_USEC_PER_SEC);
	return time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M:%S") : g_strdup("?");
}

/* Columns that a text takes on a terminal. */
static int
columns_of(const char *text)
{
	int columns = 0;
	for (const char *c = text; *c != '\0'; c = g_utf8_next_char(c)) {
		gunichar sign = g_utf8_get_char(c);
		columns += g_unichar_iswide(sign) ? 2 : 1;
	}
	return columns;
}

static void
say_list(const char *word, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	int width = word != NULL ? columns_of(word) : 0;

	cmd_print(stdout, "  %s%*s%s\n", word != NULL ? word : "", MAX(MARGIN - width, 1), "",
	          text);
}

void
why_story_say(const char *word, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say_list(word, format, args);
	va_end(args);
}

static void G_GNUC_PRINTF(2, 3) say(const char *word, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say_list(word, format, args);
	va_end(args);
}

static gint64
number(const json_t *object, const char *key)
{
	return json_integer_value(json_object_get(object, key));
}

static int
line_of(const json_t *object)
{
	return (int) CLAMP(number(object, "line"), 0, G_MAXINT);
}

static const char *
or_none(const char *text)
{
	return text != NULL && *text != '\0' ? text : "<>";
}

static const char *
colour_of(const char *status)
{
	return strcmp(status, "sent") == 0 ? green : strcmp(status, "deferred") == 0 ? yellow : red;
}

/* "(9 minutes ago)". Caller frees. */
static char *
print_age(gint64 age_us)
{
	static const struct {
		unsigned seconds, most; /* of the unit; and where the next one begins, in units */
		const char *one, *many;
	} units[] = {
		{ 60, 60, N_("(1 minute ago)"), N_("(%u minutes ago)") },
		{ 3600, 48, N_("(1 hour ago)"), N_("(%u hours ago)") },
		{ 86400, G_MAXUINT, N_("(1 day ago)"), N_("(%u days ago)") },
	};
	guint64 seconds = (guint64) MAX(age_us / G_USEC_PER_SEC, 0);
	if (seconds < units[0].seconds)
		return g_strdup(_("(just now)"));

	size_t i = 0;
	while (seconds / units[i].seconds >= units[i].most)
		i++;
	unsigned count = (unsigned) (seconds / units[i].seconds);
	return count == 1 ? g_strdup(_(units[i].one)) : g_strdup_printf(_(units[i].many), count);
}

void
why_story_say_head(const WhyStyle *style, gint64 time_us, const char *id, const char *from,
                   const char *to)
{
	g_autofree char *time = why_story_print_time(time_us);
	g_autofree char *age = style->has_ages ? print_age(style->now_us - time_us) : NULL;

	cmd_print(stdout, "%s", ""); /* nothing of a stranger stands in what follows unescaped */
	if (style->has_colour)
		fputs(bold, stdout);
	cmd_print(stdout, "%s%s%s  %s  %s -> %s", time, age != NULL ? " " : "",
	          age != NULL ? age : "", id != NULL ? id : "-", or_none(from), or_none(to));
	puts(style->has_colour ? plain : "");
}

/* What comes first: when, what, from whom to whom. */
static void
say_head(const WhyStyle *style, const json_t *record)
{
	why_story_say_head(style, why_time(record), why_text(record, "queue_id"),
	                   why_text(record, "from"), why_text(record, "to"));
}

/*
 * Are these one recipient? local(8) names an account without its domain, and with it where Postfix
 * rewrote the address.
 */
static bool
is_same_recipient(const char *original, const char *to)
{
	if (to == NULL)
		return false;

	const char *original_at = strrchr(original, '@'), *to_at = strrchr(to, '@');
	size_t original_len = original_at != NULL ? (size_t) (original_at - original)
	                                          : strlen(original);
	size_t to_len = to_at != NULL ? (size_t) (to_at - to) : strlen(to);
	bool same_local = original_len == to_len && g_ascii_strncasecmp(original, to, to_len) == 0;
	return same_local && (original_at == NULL || to_at == NULL ||
	                      g_ascii_strcasecmp(original_at, to_at) == 0);
}

static void
say_arrival(const json_t *record)
{
	const char *door = why_text(record, "door"), *original = why_text(record, "orig_to"),
		   *to = why_text(record, "to"), *id = why_text(record, "message_id"),
		   *origin = why_text(record, "origin_id");

	g_autofree char *size = g_strdup_printf("%" G_GINT64_FORMAT, number(record, "size"));

	if (json_object_get(record, "size_read") != NULL)
		say(_("came"), _("by %s, Message-ID %s; it was not read to its end"),
		    door != NULL ? door : "?", id != NULL ? id : _("none"));
	else if (json_object_get(record, "size") == NULL)
		say(_("came"), _("by %s, Message-ID %s; it was answered before a delivery began"),
		    door != NULL ? door : "?", id != NULL ? id : _("not known"));
	else
		say(_("came"), _("by %s, %s octets, Message-ID %s"), door != NULL ? door : "?",
		    size, id != NULL ? id : _("none"));
	bool is_orcpt = g_strcmp0(door, "lmtp") == 0; /* which a redirect passes on, too */
	if (original != NULL && !is_same_recipient(original, to) && is_orcpt)
		say(NULL, _("it was first sent to %s, and came here by an alias or a redirect"),
		    original);
	else if (original != NULL && !is_same_recipient(original, to))
		say(NULL, _("it was sent to %s, which is an alias"), original);
	if (origin != NULL && g_strcmp0(origin, why_text(record, "queue_id")) != 0)
		say(NULL, _("it came to this site under the queue id %s"), origin);
}

/* What a verdict of the loop check (loop_kind_name) means; the rest of the record is in English. */
static const struct {
	const char *kind, *words;
} loop_kinds[] = {
	{ "copied",
	  N_("no loop: this host did not write the Delivered-To line, which was copied") },
	{ "returned", N_("no loop: a copy that was kept here came back from elsewhere") },
	{ "returned-often", N_("a copy that was kept here came back too often") },
	{ "unknown", N_("nobody can say who wrote the Delivered-To line") },
	{ "kept", N_("no loop: a copy of this mail is still here") },
	{ "taken-out",
	  N_("put off: a program fetches this mail from the mailbox that it goes to") },
	{ "disposed", N_("no loop: this mail was here before, and was disposed of") },
	{ "passed", N_("a loop: this host passed the mail on, and it came back") },
	{ "stamped", N_("a loop: this host has delivered it to this recipient before") },
	{ "hops", N_("a loop: the mail has passed through too many hosts") },
};

static const char *
loop_words(const char *kind)
{
	for (size_t i = 0; i < G_N_ELEMENTS(loop_kinds); i++)
		if (g_strcmp0(kind, loop_kinds[i].kind) == 0)
			return _(loop_kinds[i].words);
	return kind;
}

/* Is it the verdict on most mail: nothing is suspected, and pipe(8) or local(8) left its stamp? */
static bool
is_usual(const json_t *loop)
{
	const json_t *item;
	size_t i;
	if (g_strcmp0(why_text(loop, "kind"), loop_kind_name(LOOP_NONE)) != 0)
		return false;

	json_array_foreach(json_object_get(loop, "evidence"), i, item)
	{
		const char *writer = why_text(item, "writer");
		if (g_strcmp0(writer, loop_writer_name(LOOP_BY_THIS_HOP)) != 0)
			return false;
	}
	return true;
}

static void
say_loop(const json_t *record)
{
	const json_t *loop = json_object_get(record, "loop"), *item;
	size_t i;
	if (loop == NULL || is_usual(loop))
		return;

	const char *why = why_text(loop, "why"), *kind = why_text(loop, "kind");
	say(_("loop"), "%s", loop_words(kind));
	say(NULL, "%s%s%s", kind, why != NULL ? ": " : "", why != NULL ? why : "");
	json_array_foreach(json_object_get(loop, "evidence"), i, item)
	{
		const char *text = why_text(item, "text");
		say(NULL, _("line %d: %s (written by %s: %s)"), line_of(item),
		    text != NULL ? text : "Delivered-To", why_text(item, "writer"),
		    why_text(item, "how"));
	}
}

static void
say_header_rules(const json_t *record)
{
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(record, "header_rules"), i, item)
		say(_("header"), _("rule %s: %s (line %d of the message)"), why_text(item, "rule"),
	            why_text(item, "action"), line_of(item));
}

/* Why the rule came to its action. A value that is the key says nothing more. */
static void
say_test(const json_t *object)
{
	PlanTest test = plan_test_from_json(object);
	g_autofree char *words = plan_test_print(&test, true);

	if (test.value == NULL || g_strcmp0(test.value, test.key) == 0)
		say(NULL, _("because %s (line %u)"), words, test.line);
	else
		say(NULL, _("because %s (line %u): \"%s\""), words, test.line, test.value);
	plan_test_clear(&test);
}

/* The tests from the outermost to the one that decided, and what other rules had changed. */
static void
say_tests(const json_t *planned)
{
	const json_t *test = json_object_get(planned, "test"), *outer;
	const char *flags_at = why_text(planned, "flags_at"),
		   *edited_at = why_text(planned, "edited_at");
	size_t i;

	json_array_foreach(json_object_get(planned, "within"), i, outer) say_test(outer);
	if (test != NULL)
		say_test(test);
	if (flags_at != NULL)
		say(NULL, _("its flags were set by %s"), flags_at);
	if (edited_at != NULL)
		say(NULL, _("its header was edited by %s"), edited_at);
}

/* Does the place end with a line, "main.sieve:12"? */
static bool
has_line(const char *at)
{
	const char *colon = strrchr(at, ':');
	return colon != NULL && g_ascii_isdigit(colon[1]) &&
	       colon[1 + strspn(colon + 1, "0123456789")] == '\0';
}

/*
 * Recipes store by DEFAULT what none of them has filed; such an action has no line. Earlier
 * versions wrote /dev/null where there were no recipes at all.
 */
static bool
say_default(const char *at, const char *action, const char *target)
{
	bool is_keep = g_strcmp0(action, "keep") == 0,
	     is_store = g_strcmp0(action, "store") == 0 && target != NULL;
	if (at == NULL || has_line(at) || !(is_keep || is_store))
		return false;

	bool has_none = strcmp(at, RECIPES_NONE_NAME) == 0 || strcmp(at, RECIPES_NONE) == 0;
	if (has_none && is_store)
		say(_("rule"), _("none decided: recipe_default is %s"), target);
	else if (has_none)
		say(_("rule"), _("none decided: it is kept"));
	else if (is_store)
		say(_("rule"), _("no recipe of %s decided: DEFAULT is %s"), at, target);
	else
		say(_("rule"), _("no recipe of %s decided: it is kept"), at);
	return true;
}

static void
say_plan(const json_t *record)
{
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(record, "plan"), i, item)
	{
		const char *action = why_text(item, "action"), *at = why_text(item, "at"),
			   *target = why_text(item, "target");
		const char *blank = target != NULL ? " " : "";
		bool is_implicit = json_is_true(json_object_get(item, "implicit"));

		if (!is_implicit && say_default(at, action, target)) {
			say_tests(item);
			continue;
		}
		target = target != NULL ? target : "";
		if (is_implicit)
			say(_("rule"), _("none decided: it is kept"));
		else if (at != NULL)
			say(_("rule"), _("%s asks for %s%s%s"), at, action, blank, target);
		else
			say(_("rule"), _("the site's settings ask for %s%s%s"), action, blank,
			    target);
		say_tests(item);
	}
}

/* Where the file is now. */
static void
say_place(const Conf *conf, const WhyFound *found, const json_t *done, gint64 now_us)
{
	g_auto(WhyPlace) at = { 0 };
	if (!why_place_find(conf, found, done, now_us, &at))
		return;

	g_autofree char *changed = why_story_print_time(at.place.changed_us),
			*last = why_story_print_time(at.last_us),
			*now = why_story_print_time(now_us);
	bool is_seen = at.place.flags != NULL && strchr(at.place.flags, 'S') != NULL;
	const char *seen = is_seen ? _("read") : _("not read");
	switch (at.state) {
	case WHY_PLACE_THERE:
		say(_("now"), _("still there, as it was stored, in %s"), at.folder);
		break;
	case WHY_PLACE_CHANGED:
		say(_("now"), _("still in %s, touched by a mail program at %s: %s, flags \"%s\""),
		    at.folder, changed, seen, at.place.flags);
		break;
	case WHY_PLACE_MOVED:
		say(_("now"), _("moved to %s at %s: %s, flags \"%s\""), at.folder, changed, seen,
		    at.place.flags);
		say(NULL,
		    at.place.by_name ? _("file %s (under its own name)")
		                     : _("file %s (found by size, body and Message-ID)"),
		    at.place.path);
		break;
	case WHY_PLACE_GONE:
		say(_("now"),
		    _("gone: it was last seen in %s at %s, and is in no folder now, at %s"),
		    at.last_folder != NULL ? at.last_folder : "?", last, now);
		say(NULL,
		    _("todoke removes no mail that it has stored: look for the mail program or "
		      "server that did (--maillog)"));
		break;
	default:
		say(_("now"), _("not known: %s"), at.why_not != NULL ? at.why_not : "");
	}
}

static void
say_done(const Conf *conf, const WhyFound *found, gint64 now_us)
{
	const json_t *item;
	size_t i;
	json_array_foreach(json_object_get(found->record, "done"), i, item)
	{
		const char *action = why_text(item, "action"), *folder = why_text(item, "folder"),
			   *file = why_text(item, "file"), *to = why_text(item, "to"),
			   *reply = why_text(item, "reply");
		bool earlier = json_is_true(json_object_get(item, "earlier"));
		const char *when = earlier ? _(" (by an earlier try)") : "";

		if (g_strcmp0(action, "here") == 0)
			say(_("done"), _("not stored again: it was here already, in %s"),
			    folder != NULL ? folder : _("a folder that a rule emptied"));
		else if (folder != NULL)
			say(_("done"), _("%s: stored in %s%s"), action, folder, when);
		else if (to != NULL)
			say(_("done"), _("%s: handed over for %s%s"), action, to, when);
		else
			say(_("done"), "%s%s", action, when);
		if (file != NULL)
			say(NULL, _("file %s"), file);
		if (reply != NULL)
			say(NULL, _("the other side answered: %s"), reply);
		say_place(conf, found, item, now_us);
	}
}

static void
say_rest(const json_t *record)
{
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(record, "held"), i, item)
	{
		const char *target = why_text(item, "target");
		say(_("held"), _("%s%s%s was not carried out: %s"), why_text(item, "action"),
		    target != NULL ? " " : "", target != NULL ? target : "", why_text(item, "why"));
	}

	json_array_foreach(json_object_get(record, "notes"), i, item)
		say(_("note"), "%s", json_string_value(item));
	json_array_foreach(json_object_get(record, "outside"), i, item)
	{
		const char *command = why_text(item, "command"), *reply = why_text(item, "reply");
		say(_("failed"), _("%s %s: command \"%s\", answer \"%s\""),
		    why_text(item, "protocol"), or_none(why_text(item, "peer")),
		    command != NULL ? command : "-", reply != NULL ? reply : "-");
	}
}

static void
say_answer(const WhyStyle *style, const json_t *record)
{
	const char *status = why_text(record, "status"), *dsn = why_text(record, "dsn"),
		   *text = why_text(record, "text"), *detail = why_text(record, "detail"),
		   *fault = why_text(record, "fault");
	double seconds = (double) number(json_object_get(record, "delay_us"), "total") /
	                 G_USEC_PER_SEC;

	status = status != NULL ? status : "?";
	const char *on = style->has_colour ? colour_of(status) : "",
		   *off = style->has_colour ? plain : "";
	const char *meaning = strcmp(status, "sent") == 0 ? _("delivered")
	                      : strcmp(status, "deferred") == 0
	                              ? _("put off: Postfix keeps it and tries again")
	                              : _("refused: Postfix sends it back to the sender");

	/* The colour is ours, and cmd_print would not let it through. */
	const char *word = _("answer");
	printf("  %s%*s%s", word, MAX(MARGIN - columns_of(word), 1), "", on);
	cmd_print(stdout, "%s %s", dsn != NULL ? dsn : "", meaning);
	printf("%s", off);
	cmd_print(stdout, _(", after %.3f s\n"), seconds);

	if (text != NULL)
		say(NULL, _("Postfix was told: %s"), text);
	if (detail != NULL)
		say(NULL, _("the log says: %s"), detail);
	if (fault != NULL)
		say(NULL, _("what to do: todoke code %s"), fault);
}

static const char *
label_of(const WhyLogLine *line)
{
	switch (line->kind) {
	case WHY_LOG_DOVECOT:
	case WHY_LOG_LOGIN:
		return "Dovecot";
	default:
		return "Postfix";
	}
}

static void
say_log_line(const WhyLogLine *line, const char *label)
{
	g_autofree char *time = why_story_print_time(line->time_us);
	const char *user = line->user != NULL ? line->user : "?";

	if (line->kind == WHY_LOG_DOVECOT && line->address != NULL)
		say(label, _("%s %s %s: %s, folder %s, by the client at %s"), time, line->program,
		    user, line->action, line->box != NULL ? line->box : "-", line->address);
	else if (line->kind == WHY_LOG_DOVECOT)
		say(label,
		    _("%s %s %s: %s, folder %s; the log-in of that session is not in the log"),
		    time, line->program, user, line->action, line->box != NULL ? line->box : "-");
	else if (line->kind == WHY_LOG_LOGIN)
		say(label, _("%s %s: %s logged in from %s"), time, line->program, user,
		    line->address != NULL ? line->address : "?");
	else
		say(label, "%s %s %s%s%s", time, line->program, line->id != NULL ? line->id : "",
		    line->id != NULL ? ": " : "", line->text);
}

void
why_story_print_line_of_log(const WhyLogLine *line)
{
	say_log_line(line, label_of(line));
}

/* Several mails, or several recipients of one, share lines of a log: the first has them. */
static bool
is_told(const WhyStyle *style, const WhyLogLine *line)
{
	char *text = g_strdup_printf("%" G_GINT64_FORMAT " %s %s %s %s", line->time_us,
	                             line->program, line->id != NULL ? line->id : "",
	                             line->user != NULL ? line->user : "", line->text);
	return !g_hash_table_add(style->told, text);
}

void
why_story_print_log(const WhyStyle *style, const WhyLog *log)
{
	const char *before = "";
	guint left = 0;

	for (guint i = 0; i < log->lines->len; i++) {
		const WhyLogLine *line = log->lines->pdata[i];
		const char *label = label_of(line);
		if (style->told != NULL && is_told(style, line)) {
			left++;
			continue;
		}
		say_log_line(line, label == before ? NULL : label);
		before = label;
	}

	if (left > 0)
		say(_("log"), _("lines that stand above already: %u"), left);
}

static bool
is_refilter(const json_t *record)
{
	return g_strcmp0(why_text(record, "door"), RECORD_DOOR_REFILTER) == 0;
}

/* Mail that lay here and was moved: nobody delivered it, and nobody was answered. */
static void
print_refiltered(const WhyStyle *style, const Conf *conf, const WhyFound *found)
{
	const json_t *record = found->record,
		     *done = json_array_get(json_object_get(record, "done"), 0);
	const char *run = why_text(record, "run"), *undoes = why_text(record, "undoes"),
		   *from = why_text(done, "from_folder"), *to = why_text(done, "folder"),
		   *left = why_text(record, "not_moved"), *file = why_text(done, "file");

	say_head(style, record);
	if (undoes != NULL)
		say(_("refilter"), _("took its run %s back"), undoes);
	else
		say(_("refilter"), _("run %s, over mail that lay here"), run != NULL ? run : "?");
	say_header_rules(record);
	say_plan(record);
	if (from != NULL && to != NULL)
		say(_("done"), _("moved from %s to %s"), from, to);
	if (file != NULL)
		say(NULL, _("file %s"), file);
	if (left != NULL)
		say(_("failed"), _("%s was not moved: %s"), left,
		    or_none(why_text(record, "detail")));
	if (done != NULL)
		say_place(conf, found, done, style->now_us);
}

static void
append_flags(GString *line, const json_t *flags)
{
	for (size_t i = 0; i < json_array_size(flags); i++) {
		const char *flag = json_string_value(json_array_get(flags, i));
		g_string_append_printf(line, "%s%s", i == 0 ? ", flags " : " ", or_none(flag));
	}
}

/* The actions of a list, a line each, with the rule and the test that led there. */
static void
say_actions(const json_t *actions, const char *word)
{
	const json_t *item;
	size_t i;

	json_array_foreach(actions, i, item)
	{
		const char *action = why_text(item, "action"), *at = why_text(item, "at"),
			   *target = why_text(item, "target");
		bool implicit = json_is_true(json_object_get(item, "implicit"));
		g_autoptr(GString) line = g_string_new(or_none(action));
		if (target != NULL)
			g_string_append_printf(line, " %s", target);
		append_flags(line, json_object_get(item, "flags"));
		if (at != NULL && !implicit)
			g_string_append_printf(line, "  %s", at);
		say(i == 0 ? word : NULL, "%s", line->str);
		if (json_object_get(item, "test") != NULL)
			say_test(json_object_get(item, "test"));
	}
}

/* What was done, and what a script that is not in force would have done. */
static void
print_shadow(const WhyStyle *style, const json_t *record)
{
	const char *failed = why_text(record, "failed"),
		   *script = why_text(record, "shadow_script");

	say_head(style, record);
	say_actions(json_object_get(record, "plan"), _("in force"));
	if (failed != NULL)
		say(_("shadow"), _("failed: %s"), failed);
	else
		say_actions(json_object_get(record, "shadow"), _("shadow"));
	say(NULL, "(%s)", or_none(script));
}

void
why_story_print(const WhyStyle *style, const Conf *conf, const WhyFound *found, const WhyLog *log)
{
	const json_t *record = found->record;

	if (is_refilter(record)) {
		print_refiltered(style, conf, found);
		return;
	}
	if (g_strcmp0(why_text(record, "door"), RECORD_DOOR_SHADOW) == 0) {
		print_shadow(style, record);
		return;
	}

	say_head(style, record);
	say_arrival(record);
	say_loop(record);
	say_header_rules(record);
	say_plan(record);
	say_done(conf, found, style->now_us);
	say_rest(record);
	say_answer(style, record);
	if (log != NULL)
		why_story_print_log(style, log);
}

void
why_story_print_line(const WhyStyle *style, const json_t *record)
{
	g_autofree char *time = why_story_print_time(why_time(record));
	const char *status = why_text(record, "status"), *id = why_text(record, "queue_id"),
		   *text = why_text(record, "text");
	const json_t *done = json_object_get(record, "done"), *item,
		     *plan = json_array_get(json_object_get(record, "plan"), 0);
	const char *at = why_text(plan, "at");
	g_autoptr(GString) what = g_string_new(NULL);
	size_t i;

	json_array_foreach(done, i, item)
	{
		const char *folder = why_text(item, "folder"), *to = why_text(item, "to");
		g_string_append_printf(what, "%s%s%s%s", i > 0 ? ", " : "",
		                       why_text(item, "action"),
		                       folder != NULL || to != NULL ? " " : "",
		                       folder != NULL ? folder
		                       : to != NULL   ? to
		                                      : "");
	}
	if (what->len == 0 && text != NULL)
		g_string_append(what, text);

	status = status != NULL ? status : "?";
	cmd_print(stdout, "%s %s %s -> %s ", time, id != NULL ? id : "-",
	          or_none(why_text(record, "from")), or_none(why_text(record, "to")));
	printf("%s", style->has_colour ? colour_of(status) : "");
	cmd_print(stdout, "%s", status);
	printf("%s", style->has_colour ? plain : "");
	cmd_print(stdout, " %s%s%s\n", what->str, at != NULL ? "  " : "", at != NULL ? at : "");
	(void) fflush(stdout);
}

json_t *
why_story_json_time(gint64 time_us)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(time_us / G_USEC_PER_SEC);
	g_autofree char *text = time != NULL ? g_date_time_format(time, "%Y-%m-%dT%H:%M:%S") : NULL;
	if (text == NULL)
		return json_null();
	g_autofree char *whole = g_strdup_printf("%s.%03dZ", text,
	                                         (int) (time_us % G_USEC_PER_SEC / MS_US));
	return json_string(whole);
}

static void
set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, key, cmd_json_text(text));
}

static json_t *
place_json(const WhyPlace *place, const char *action)
{
	json_t *object = json_object();

	set_text(object, "action", action);
	set_text(object, "file", place->file);
	set_text(object, "state", why_place_state_name(place->state));
	set_text(object, "folder", place->folder);
	set_text(object, "path", place->place.path);
	if (place->place.path != NULL) {
		set_text(object, "flags", place->place.flags);
		set_text(object, "found_by", place->place.by_name ? "name" : "content");
		json_object_set_new(object, "changed",
		                    why_story_json_time(place->place.changed_us));
	}
	set_text(object, "last_folder", place->last_folder);
	if (place->last_us > 0)
		json_object_set_new(object, "last_seen", why_story_json_time(place->last_us));
	set_text(object, "why_not", place->why_not);

	return object;
}

json_t *
why_story_log_json(const WhyLog *log)
{
	static const char *const kinds[] = {
		[WHY_LOG_POSTFIX] = "postfix",
		[WHY_LOG_REFUSED] = "refused",
		[WHY_LOG_DOVECOT] = "dovecot",
		[WHY_LOG_LOGIN] = "login",
	};
	json_t *list = json_array();

	for (guint i = 0; i < log->lines->len; i++) {
		const WhyLogLine *line = log->lines->pdata[i];
		json_t *object = json_object();
		set_text(object, "kind", kinds[line->kind]);
		json_object_set_new(object, "time", why_story_json_time(line->time_us));
		set_text(object, "program", line->program);
		set_text(object, "id", line->id);
		set_text(object, "user", line->user);
		set_text(object, "action", line->action);
		set_text(object, "box", line->box);
		set_text(object, "client_address", line->address);
		set_text(object, "text", line->text);
		json_array_append_new(list, object);
	}

	return list;
}

json_t *
why_story_json(const Conf *conf, const WhyFound *found, const WhyLog *log, gint64 now_us)
{
	json_t *object = json_object(), *now = json_array();
	const json_t *item;
	size_t i;

	json_array_foreach(json_object_get(found->record, "done"), i, item)
	{
		g_auto(WhyPlace) place = { 0 };
		if (why_place_find(conf, found, item, now_us, &place))
			json_array_append_new(now, place_json(&place, why_text(item, "action")));
	}

	json_object_set(object, "record", found->record);
	json_object_set_new(object, "now", now);
	if (log != NULL)
		json_object_set_new(object, "log", why_story_log_json(log));
	return object;
}

/* A grep for a fixed string, for a shell. */
static void
add_grep(GPtrArray *hints, const char *text)
{
	g_autofree char *quoted = g_shell_quote(text);
	const char *log = why_log_usual_place();
	bool is_file = *log == '/';
	g_ptr_array_add(hints, is_file ? g_strdup_printf("grep -F -- %s %s", quoted, log)
	                               : g_strdup_printf("journalctl --no-pager --facility=mail | "
	                                                 "grep -F -- %s",
	                                                 quoted));
}

GPtrArray *
why_story_hints(const WhyQuery *query, const char *user)
{
	GPtrArray *hints = g_ptr_array_new_with_free_func(g_free);

	for (guint i = 0; i < query->names->len; i++) {
		const WhyName *name = query->names->pdata[i];
		g_autofree char *id = name->message_id != NULL
		                              ? g_strdup_printf("message-id=%s", name->message_id)
		                              : NULL;
		if (id != NULL)
			add_grep(hints, id);
		if (name->queue_id != NULL) {
			g_autofree char *colon = g_strconcat(name->queue_id, ":", NULL);
			add_grep(hints, colon);
		}
	}

	if (query->from != NULL) {
		g_autofree char *from = g_strdup_printf("from=<%s>", query->from);
		add_grep(hints, from);
	}
	if (query->to != NULL) {
		g_autofree char *to = g_strdup_printf("to=<%s>", query->to);
		add_grep(hints, to);
	} else if (user != NULL && query->names->len == 0) {
		const char *end = strchr(user, '@') != NULL ? ">" : "@";
		g_autofree char *to = g_strdup_printf("to=<%s%s", user, end);
		add_grep(hints, to);
	}

	return hints;
}
