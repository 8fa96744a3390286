/* SPDX-License-Identifier: MIT */
/* why-answer: reads the lines that give a status, and those of a refusal. */
#include "agent/cmd/why-answer.h"

#include "agent/base/words.h"
#include "agent/cmd/cmd-common.h"

#include <string.h>

static const char refused[] = "refused", nobody[] = "none";

/* What became of a mail, by the status that Postfix writes; a probe ("deliverable") has none. */
static const struct {
	const char *status, *words;
} fates[] = {
	{ "sent", N_("delivered") },
	{ "deferred", N_("put off: Postfix keeps it and tries again") },
	{ "bounced", N_("sent back to the sender") },
	{ "expired", N_("sent back to the sender, as it waited too long") },
	{ refused, N_("refused: whoever sent it has it still, or tells the sender") },
};

/* NULL: it is no such status. */
static const char *
fate_of(const char *status)
{
	for (size_t i = 0; i < G_N_ELEMENTS(fates); i++)
		if (g_strcmp0(status, fates[i].status) == 0)
			return _(fates[i].words);
	return NULL;
}

static void
answer_free(gpointer data)
{
	WhyAnswer *answer = data;
	if (answer == NULL)
		return;
	g_free(answer->to);
	g_free(answer->from);
	g_free(answer->status);
	g_free(answer->relay);
	g_free(answer->reason);
	g_clear_pointer(&answer->meaning, code_meaning_free);
	g_free(answer);
}

/* "... status=bounced (words)": the words. Caller frees. */
static char *
words_of_status(const char *text)
{
	const char *open = strchr(text, '(');
	size_t len = open != NULL ? strlen(open + 1) : 0;
	if (open == NULL)
		return g_strdup("");
	return g_strndup(open + 1, len > 0 && open[len] == ')' ? len - 1 : len);
}

/* "reject: RCPT from x[192.0.2.1]: 550 5.1.1 words; from=<a> to=<b>": the words. Caller frees. */
static char *
words_of_refusal(const char *text)
{
	const char *client = strstr(text, " from "),
		   *words = client != NULL ? strstr(client, "]") : NULL;
	words = words != NULL ? strstr(words, ": ") : NULL;
	words = words != NULL ? words + strlen(": ") : text;
	const char *end = strstr(words, "; from=<");

	/* cleanup(8) has them behind the addresses: "reject: header Subject: x from y[z]; ..." */
	const char *helo = end == NULL && client != NULL ? strstr(client, "; from=<") : NULL;
	const char *behind = helo != NULL ? g_strrstr(helo, ">: ") : NULL;
	if (behind != NULL)
		return g_strdup(behind + strlen(">: "));
	return g_strndup(words, end != NULL ? (size_t) (end - words) : strlen(words));
}

/* As `todoke code` would read the line: our own words have the queue id in brackets behind them. */
static CodeMeaning *
meaning_of(const WhyLogLine *line)
{
	const char *id = line->id != NULL ? line->id : "";
	g_autofree char *text = g_strconcat(id, *id != '\0' ? ": " : "", line->text, NULL);
	g_autoptr(GPtrArray)
		all = g_ptr_array_new_with_free_func((GDestroyNotify) code_meaning_free);
	g_autofree char *valid = g_utf8_make_valid(text, -1);
	if (!code_text_find(valid, all) || all->len == 0)
		return NULL;
	return g_ptr_array_steal_index(all, 0);
}

/* Words of local(8) and virtual(8) about a program that they ran, and not of their own. */
static bool
is_about_program(const char *reason)
{
	return g_str_has_prefix(reason, "Command ") || strstr(reason, "Command output:") != NULL ||
	       g_str_has_prefix(reason, "delivered to command:") ||
	       g_str_has_prefix(reason, "temporary failure. Command");
}

static WhyAnswerBy
find_who(const WhyAnswer *answer)
{
	const char *program = answer->line->program;
	bool is_own = strcmp(program, "local") == 0 || strcmp(program, "virtual") == 0 ||
	              g_str_has_prefix(answer->reason, "mail forwarding loop for");
	bool is_ours = answer->meaning != NULL && strcmp(answer->meaning->source, "todoke") == 0;

	if (answer->relay == NULL)
		return WHY_ANSWER_POSTFIX;
	if (is_ours)
		return WHY_ANSWER_TODOKE;
	return is_own && !is_about_program(answer->reason) ? WHY_ANSWER_POSTFIX : WHY_ANSWER_OTHER;
}

/* qmgr(8) gives a mail up for all recipients that are left: "from=<a@b>, status=expired, words". */
static WhyAnswer *
answer_of_expiry(const WhyLogLine *line)
{
	static const char expired[] = " status=expired, ";
	const char *words = g_str_has_prefix(line->text, "from=<") ? strstr(line->text, expired)
	                                                           : NULL;
	if (line->kind != WHY_LOG_POSTFIX || words == NULL)
		return NULL;

	WhyAnswer *answer = g_new0(WhyAnswer, 1);
	answer->line = line;
	answer->from = why_log_word(line->text, "from=<", ">");
	answer->status = g_strdup("expired");
	answer->reason = g_strdup(words + strlen(expired));
	answer->by = WHY_ANSWER_POSTFIX;
	return answer;
}

/* Does the line say what became of a mail? NULL: it does not. Caller frees. */
static WhyAnswer *
answer_of(const WhyLogLine *line)
{
	bool is_refusal = strstr(line->text, "reject: ") != NULL &&
	                  !g_str_has_prefix(line->text, "to=<");
	bool is_status = g_str_has_prefix(line->text, "to=<") &&
	                 strstr(line->text, " status=") != NULL;
	if (line->kind == WHY_LOG_DOVECOT || line->kind == WHY_LOG_LOGIN ||
	    (!is_refusal && !is_status))
		return answer_of_expiry(line);

	g_autofree char *status = is_status ? why_log_word(line->text, " status=", " ,")
	                                    : g_strdup(refused);
	if (fate_of(status) == NULL)
		return NULL;

	WhyAnswer *answer = g_new0(WhyAnswer, 1);
	answer->line = line;
	answer->to = is_status ? why_log_word(line->text, "to=<", ">")
	                       : why_log_word(line->text, " to=<", ">");
	answer->from = is_status ? NULL : why_log_word(line->text, " from=<", ">");
	answer->status = g_steal_pointer(&status);
	answer->relay = is_status ? why_log_word(line->text, " relay=", ", ") : NULL;
	answer->reason = is_status ? words_of_status(line->text) : words_of_refusal(line->text);
	if (g_strcmp0(answer->relay, nobody) == 0)
		g_clear_pointer(&answer->relay, g_free);
	answer->meaning = meaning_of(line);
	answer->by = find_who(answer);

	return answer;
}

/* The envelope sender of an id, as qmgr(8) writes it. Caller frees; NULL: it is not there. */
static char *
sender_of(const WhyLog *log, const char *id)
{
	for (guint i = 0; i < log->lines->len && id != NULL; i++) {
		const WhyLogLine *line = log->lines->pdata[i];
		if (g_strcmp0(line->id, id) == 0 && g_str_has_prefix(line->text, "from=<"))
			return why_log_word(line->text, "from=<", ">");
	}
	return NULL;
}

/* Was the mail put off for the recipient that the log was searched for? */
static bool
waited_for_recipient(const WhyLog *log, const char *id)
{
	for (guint i = 0; i < log->lines->len; i++) {
		const WhyLogLine *line = log->lines->pdata[i];
		g_autofree char *to = g_str_has_prefix(line->text, "to=<")
		                              ? why_log_word(line->text, "to=<", ">")
		                              : NULL;
		if (to != NULL && g_strcmp0(line->id, id) == 0 && why_log_is_recipient(log, to))
			return true;
	}
	return false;
}

/* Is it for the recipient, or of the sender, that the log was searched for? */
static bool
is_wanted(const WhyLog *log, const WhyAnswer *answer)
{
	g_autofree char *original = why_log_word(answer->line->text, "orig_to=<", ">");
	bool is_to = why_log_is_recipient(log, answer->to) ||
	             (original != NULL && why_log_is_recipient(log, original)) ||
	             (answer->to == NULL && strcmp(answer->status, "expired") == 0 &&
	              waited_for_recipient(log, answer->line->id));
	return is_to && why_log_is_sender(log, answer->from);
}

/* Take out an earlier try of the same mail for the same recipient. */
static void
drop_earlier(GPtrArray *answers, const WhyAnswer *answer)
{
	for (guint i = 0; i < answers->len && answer->line->id != NULL; i++) {
		const WhyAnswer *other = answers->pdata[i];
		if (g_strcmp0(other->line->id, answer->line->id) == 0 &&
		    g_strcmp0(other->to, answer->to) == 0) {
			g_ptr_array_remove_index(answers, i);
			return;
		}
	}
}

GPtrArray *
why_answer_find(const WhyLog *log)
{
	GPtrArray *answers = g_ptr_array_new_with_free_func(answer_free);

	for (guint i = 0; i < log->lines->len; i++) {
		WhyAnswer *answer = answer_of(log->lines->pdata[i]);
		if (answer != NULL && answer->from == NULL)
			answer->from = sender_of(log, answer->line->id);
		if (answer == NULL || !is_wanted(log, answer)) {
			answer_free(answer);
			continue;
		}
		drop_earlier(answers, answer);
		g_ptr_array_add(answers, answer);
	}

	return answers;
}

void
why_answer_print_fate(const WhyAnswer *answer)
{
	const CodeMeaning *meaning = answer->meaning;

	why_story_say(NULL, "%s%s%s", fate_of(answer->status), *answer->reason != '\0' ? ": " : "",
	              answer->reason);
	if (meaning == NULL || strcmp(answer->status, "sent") == 0)
		return;
	why_story_say(_("meaning"), "%s%s%s: %s", meaning->code, *meaning->code != '\0' ? " " : "",
	              meaning->name, meaning->what);
	why_story_say(NULL, _("what to do: %s"), meaning->todo);
}

void
why_answer_print(const WhyAnswer *answer)
{
	const char *program = answer->line->program;

	if (answer->by == WHY_ANSWER_POSTFIX)
		why_story_say(_("answer"), _("by Postfix itself (%s); no delivery agent was asked"),
		              program);
	else if (answer->by == WHY_ANSWER_TODOKE)
		why_story_say(_("answer"),
		              _("by todoke, which left no record: `todoke doctor` says whether "
		                "it can write one (record, record_file, early_record_folder)"));
	else
		why_story_say(_("answer"), _("by %s, to which Postfix handed it"), answer->relay);

	why_answer_print_fate(answer);
}

void
why_answer_print_story(const WhyStyle *style, const WhyAnswer *answer)
{
	const WhyLogLine *line = answer->line;

	why_story_say_head(style, line->time_us, line->id, answer->from, answer->to);
	why_story_print_line_of_log(line);
	why_answer_print(answer);
}

static void
set_text(json_t *object, const char *key, const char *text)
{
	if (text != NULL)
		json_object_set_new(object, key, cmd_json_text(text));
}

json_t *
why_answer_json(const WhyAnswer *answer)
{
	static const char *const by[] = {
		[WHY_ANSWER_POSTFIX] = "postfix",
		[WHY_ANSWER_TODOKE] = "todoke",
		[WHY_ANSWER_OTHER] = "other",
	};
	json_t *object = json_object();

	json_object_set_new(object, "time", why_story_json_time(answer->line->time_us));
	set_text(object, "queue_id", answer->line->id);
	set_text(object, "from", answer->from);
	set_text(object, "to", answer->to);
	set_text(object, "program", answer->line->program);
	set_text(object, "relay", answer->relay);
	set_text(object, "status", answer->status);
	set_text(object, "by", by[answer->by]);
	set_text(object, "reason", answer->reason);
	if (answer->meaning != NULL) {
		set_text(object, "code", answer->meaning->code);
		set_text(object, "meaning", answer->meaning->name);
	}

	return object;
}

json_t *
why_answer_list_json(const GPtrArray *answers)
{
	json_t *list = json_array();
	for (guint i = 0; i < answers->len; i++)
		json_array_append_new(list, why_answer_json(answers->pdata[i]));
	return list;
}
