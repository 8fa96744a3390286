/* SPDX-License-Identifier: MIT */
/* code-text: from a code, a name or a line of a log or bounce to what it means in plain words. */
#include "agent/cmd/code-text.h"

#include "agent/base/event.h"
#include "agent/base/fold.h"
#include "agent/base/limits.h"
#include "agent/base/nearest.h"
#include "agent/base/words.h"
#include "agent/cmd/code-problem.h"
#include "agent/cmd/code-report.h"

#include <stdlib.h>
#include <string.h>

typedef enum {
#define WHO(id, name, text) WHO_##id,
#include "agent/cmd/code-who.def"
#undef WHO
} Who;

static const struct {
	char name[20];
	char text[104];
} who_rows[] = {
#define WHO(id, name, text) [WHO_##id] = { name, text },
#include "agent/cmd/code-who.def"
#undef WHO
};

typedef enum {
#define MEANING(id, name, who, what, todo) MEANING_##id,
#include "agent/cmd/code-meaning.def"
#undef MEANING
	MEANING_COUNT
} MeaningId;

/*
 * No table here has pointers: the dynamic linker would adjust each of them at the start of each
 * delivery, which never looks at these. What is long stands in the members of one struct, and a row
 * has the offsets.
 */
static const struct {
	char none[1]; /* at offset 0, which says that there is no text */
#define MEANING(id, name, who, what, todo) char what_##id[sizeof what], todo_##id[sizeof todo];
#include "agent/cmd/code-meaning.def"
#undef MEANING
#define CODE(id, who, what, todo) char fault_what_##id[sizeof what], fault_todo_##id[sizeof todo];
#include "agent/cmd/code-table.def"
#undef CODE
} texts = {
	"",
#define MEANING(id, name, who, what, todo) what, todo,
#include "agent/cmd/code-meaning.def"
#undef MEANING
#define CODE(id, who, what, todo) what, todo,
#include "agent/cmd/code-table.def"
#undef CODE
};

#define TEXT_AT(member) G_STRUCT_OFFSET(__typeof__(texts), member)

typedef struct {
	char name[28]; /* of a fault "": status-table.def has it */
	Who who;
	guint32 what_at;
	guint32 todo_at;
} Row;

static const Row meaning_rows[MEANING_COUNT] = {
#define MEANING(id, name, who, what, todo) \
	[MEANING_##id] = { name, WHO_##who, TEXT_AT(what_##id), TEXT_AT(todo_##id) },
#include "agent/cmd/code-meaning.def"
#undef MEANING
};

/* Our own faults. */
static const Row fault_rows[STATUS_COUNT] = {
#define CODE(id, who, what, todo) \
	[STATUS_##id] = { "", WHO_##who, TEXT_AT(fault_what_##id), TEXT_AT(fault_todo_##id) },
#include "agent/cmd/code-table.def"
#undef CODE
};

static const struct {
	char source[12];
	char words[96];
	MeaningId meaning;
} sign_rows[] = {
#define SIGN(source, words, meaning) { source, words, MEANING_##meaning },
#include "agent/cmd/code-sign.def"
#undef SIGN
};

static const struct {
	char code[5]; /* without its class */
	char name[28];
	char what[120];
	MeaningId meaning;
} enhanced_rows[] = {
#define ENHANCED(code, name, what, meaning) { code, name, what, MEANING_##meaning },
#include "agent/cmd/code-enhanced.def"
#undef ENHANCED
};

static const struct {
	unsigned code;
	char what[120];
	MeaningId meaning;
} reply_rows[] = {
#define REPLY(code, what, meaning) { code, what, MEANING_##meaning },
#include "agent/cmd/code-reply.def"
#undef REPLY
};

/* A text of a row, in English; NULL: it has none. */
static const char *
text_at(guint32 at)
{
	return at != 0 ? (const char *) &texts + at : NULL;
}

/* The compiler says nothing of a text that fits but for its NUL. */
#define WHO(id, word, line) \
	G_STATIC_ASSERT(sizeof word <= sizeof who_rows[0].name && \
	                sizeof line <= sizeof who_rows[0].text);
#include "agent/cmd/code-who.def"
#undef WHO
#define MEANING(id, word, who, sentence, todo) \
	G_STATIC_ASSERT(sizeof word <= sizeof meaning_rows[0].name);
#include "agent/cmd/code-meaning.def"
#undef MEANING
#define SIGN(origin, pattern, meaning) \
	G_STATIC_ASSERT(sizeof origin <= sizeof sign_rows[0].source && \
	                sizeof pattern <= sizeof sign_rows[0].words);
#include "agent/cmd/code-sign.def"
#undef SIGN
#define ENHANCED(number, word, sentence, meaning) \
	G_STATIC_ASSERT(sizeof number <= sizeof enhanced_rows[0].code && \
	                sizeof word <= sizeof enhanced_rows[0].name && \
	                sizeof sentence <= sizeof enhanced_rows[0].what);
#include "agent/cmd/code-enhanced.def"
#undef ENHANCED
#define REPLY(number, sentence, meaning) \
	G_STATIC_ASSERT(sizeof sentence <= sizeof reply_rows[0].what);
#include "agent/cmd/code-reply.def"
#undef REPLY

void
code_meaning_free(CodeMeaning *meaning)
{
	if (meaning == NULL)
		return;
	g_free(meaning->recipient);
	g_free(meaning->said);
	g_free(meaning->tell);
	g_free(meaning);
}

const char *
code_text_class(const CodeMeaning *meaning)
{
	char code_class = *meaning->code; /* 'T': of a log line, which says nothing of that */

	if (meaning->fate == CODE_FATE_RETURNED && code_class == '4')
		return _("given up: it was tried again until its time in the queue was over");
	if (meaning->fate == CODE_FATE_ACCEPTED || code_class == '2')
		return _("success");
	if (meaning->fate == CODE_FATE_KEPT || code_class == '4')
		return _("for now: the mail is kept and tried again");
	if (meaning->fate == CODE_FATE_RETURNED || code_class == '5')
		return _("for good: the mail goes back to its sender");
	return NULL;
}

bool
code_text_row(StatusId id, const char **ret_what, const char **ret_todo)
{
	if (fault_rows[id].what_at == 0)
		return false;
	*ret_what = text_at(fault_rows[id].what_at);
	*ret_todo = text_at(fault_rows[id].todo_at);
	return true;
}

/* The words of a unit as they are shown: bounded, one line, valid UTF-8. Caller frees. */
static char *
print_said(const char *text)
{
	g_autofree char *start = g_strndup(text, LIMIT_CODE_SAID_BYTES);
	char *valid = g_utf8_make_valid(start, -1);

	return g_strstrip(g_strdelimit(valid, "\t\r\n", ' '));
}

/* What is known of a meaning before it is added. */
typedef struct {
	const char *code;
	const char *name;
	const char *source;
	const char *what;
	const char *todo;
	Who who;
} Found;

/* Add a meaning, unless it is there or there are enough. Always true. */
static bool
add(GPtrArray *meanings, const CodeUnit *unit, const Found *found)
{
	for (guint i = 0; i < meanings->len; i++) {
		const CodeMeaning *other = meanings->pdata[i];
		if (strcmp(other->code, found->code) == 0 &&
		    strcmp(other->name, found->name) == 0 &&
		    g_strcmp0(other->recipient, unit->recipient) == 0)
			return true;
	}

	if (meanings->len >= LIMIT_CODE_MEANINGS)
		return true;
	CodeMeaning *meaning = g_new0(CodeMeaning, 1);
	g_strlcpy(meaning->code, found->code, sizeof meaning->code);
	meaning->name = found->name;
	meaning->source = found->source;
	meaning->repair = who_rows[found->who].name;
	meaning->who = _(who_rows[found->who].text);
	meaning->what = _(found->what);
	meaning->todo = _(found->todo);
	meaning->fate = unit->fate;
	meaning->recipient = g_strdup(unit->recipient);
	if (unit->recipient != NULL)
		meaning->said = print_said(unit->text);
	g_ptr_array_add(meanings, meaning);

	return true;
}

static bool
add_fault(GPtrArray *meanings, const CodeUnit *unit, StatusId id, const char *code)
{
	return add(meanings, unit,
	           &(Found){ .code = code != NULL ? code : status_row(id)->dsn,
	                     .name = status_row(id)->name,
	                     .source = "todoke",
	                     .what = text_at(fault_rows[id].what_at),
	                     .todo = text_at(fault_rows[id].todo_at),
	                     .who = fault_rows[id].who });
}

/* What a row of meaning_rows says, with the `what` of `head` where that is not NULL. */
static bool
add_row(GPtrArray *meanings, const CodeUnit *unit, const Found *head, MeaningId id)
{
	const Row *row = &meaning_rows[id];
	Found found = *head;

	if (found.what == NULL)
		found.what = text_at(row->what_at);
	found.todo = text_at(row->todo_at);
	found.who = row->who;
	return add(meanings, unit, &found);
}

static bool
add_meaning(GPtrArray *meanings, const CodeUnit *unit, const char *code, const char *source,
            MeaningId id)
{
	return add_row(meanings, unit,
	               &(Found){ .code = code != NULL ? code : "",
	                         .name = meaning_rows[id].name,
	                         .source = source },
	               id);
}

/* A kind of log line; those of faults have the fault's texts. */
static bool
add_event(GPtrArray *meanings, const CodeUnit *unit, EventId id)
{
	const EventRow *event = event_row(id);
	if (event->fault != STATUS_OK)
		return add_fault(meanings, unit, event->fault, NULL);

	return add(meanings, unit,
	           &(Found){ .code = event->code,
	                     .name = event_key(id),
	                     .source = "todoke",
	                     .what = event_cause(id),
	                     .todo = event_remedy(id),
	                     .who = WHO_ADMIN });
}

/*
 * An enhanced code (RFC 3463) that stands alone at `text`: class 2, 4 or 5 and no part of an
 * address or a version. Returns its length, or 0.
 */
static size_t
code_length(const char *start, const char *text)
{
	if (strchr("245", *text) == NULL || *text == '\0' || text[1] != '.')
		return 0;
	if (text > start && (g_ascii_isalnum(text[-1]) || text[-1] == '.' || text[-1] == '-') &&
	    !(text - start >= 4 && text[-1] == '-' && g_ascii_isdigit(text[-2])))
		return 0;

	size_t len = 2, digits = 0, parts = 1;
	for (; g_ascii_isdigit(text[len]) || text[len] == '.'; len++) {
		if (text[len] == '.' && !g_ascii_isdigit(text[len + 1]))
			break; /* the end of a sentence */
		digits = text[len] == '.' ? 0 : digits + 1;
		parts += text[len] == '.';
		if (digits > 3)
			break;
	}

	bool ended = !g_ascii_isalnum(text[len]) && text[len] != '-';
	return parts == 2 && digits >= 1 && digits <= 3 && ended ? len : 0;
}

/* The enhanced code at `text`, or NULL. Caller frees. */
static char *
code_at(const char *start, const char *text)
{
	size_t len = code_length(start, text);
	return len > 0 ? g_strndup(text, len) : NULL;
}

/* A reply code (RFC 5321 4.2) that stands alone at `text`: three digits of class 2, 4 or 5. */
static unsigned
reply_at(const char *text)
{
	for (size_t i = 0; i < 3; i++)
		if (!g_ascii_isdigit(text[i]))
			return 0;
	bool ended = text[3] == '\0' || text[3] == ' ' || text[3] == '-';
	return ended && strchr("245", *text) != NULL ? (unsigned) strtoul(text, NULL, 10) : 0;
}

/*
 * The enhanced code behind a reply code, at the beginning, or in "(#...)". Caller frees; or NULL.
 */
static char *
said_code(const char *text)
{
	char *code = NULL;

	for (const char *at = text; *at != '\0' && code == NULL; at++) {
		bool behind_reply = at - text >= 4 && (at[-1] == ' ' || at[-1] == '-') &&
		                    reply_at(at - 4) != 0;
		bool behind_sign = at - text >= 2 && at[-1] == '#' && at[-2] == '(';
		if (at == text || behind_reply || behind_sign)
			code = code_at(text, at);
	}
	return code;
}

/* The code of whoever reports: beside the text, or dsn= of a log line. Caller frees; or NULL. */
static char *
reported_code(const CodeUnit *unit)
{
	const char *dsn = strstr(unit->text, "dsn=");

	if (unit->status != NULL)
		return code_at(unit->status, unit->status);
	return dsn != NULL ? code_at(dsn + 4, dsn + 4) : NULL;
}

/*
 * The code of a unit. The other side's own one is more exact than that of a log line or report; but
 * whether the mail is tried again only the reporter knows. Anything else that looks like a code may
 * be a version. Caller frees; NULL: there is none.
 */
static char *
unit_code(const CodeUnit *unit, bool anywhere)
{
	g_autofree char *said = said_code(unit->text), *reported = reported_code(unit);
	char *code = NULL;

	if (said != NULL && (reported == NULL || reported[0] == said[0]))
		code = g_steal_pointer(&said);
	else
		code = g_steal_pointer(&reported);
	for (const char *at = unit->text; anywhere && *at != '\0' && code == NULL; at++)
		code = code_at(unit->text, at);

	return code;
}

/* The reply code of a unit: at its beginning, or behind words that lead to one. */
static unsigned
unit_reply(const CodeUnit *unit)
{
	static const char *const leads[] = { "said: ",     "smtp; ", "smtp;",    "<<< ",
		                             "response: ", ": ",     "returned " };
	unsigned code = reply_at(unit->text);

	for (size_t i = 0; i < G_N_ELEMENTS(leads) && code == 0; i++)
		for (const char *at = strstr(unit->text, leads[i]); at != NULL && code == 0;
		     at = strstr(at + 1, leads[i]))
			code = reply_at(at + strlen(leads[i]));
	return code;
}

/* The value of key= in one of our log lines (text or JSON), or NULL. Caller frees. */
static char *
find_value(const char *text, const char *key)
{
	g_autofree char *plain = g_strconcat(key, "=", NULL),
			*json = g_strconcat("\"", key, "\":", NULL);

	for (const char *at = strstr(text, plain); at != NULL; at = strstr(at + 1, plain))
		if (at == text || at[-1] == ' ' || at[-1] == '\t')
			return g_strndup(at + strlen(plain), strcspn(at + strlen(plain), " ,\t"));

	const char *at = strstr(text, json);
	if (at == NULL)
		return NULL;
	at += strlen(json);
	at += strspn(at, " \"");

	return g_strndup(at, strcspn(at, "\","));
}

/* Does `text`, an answer behind its code, begin with the words of that fault? */
static bool
begins_with_row(const char *text, StatusId id)
{
	text += strspn(text, " ");
	if (*text == '<') {
		text += strcspn(text, ">");
		text += strspn(text, ">: ");
	}
	return g_str_has_prefix(text, status_row(id)->text);
}

/* What another server refuses is answered with its code. */
static bool
has_code(StatusId id, const char *code)
{
	bool is_foreign = id == STATUS_SUBMIT_REFUSED || id == STATUS_SUBMIT_MAIL;
	return is_foreign ? code[0] == '5' : strcmp(status_row(id)->dsn, code) == 0;
}

/* The fault whose code and words an answer has; of two the one with more words. */
static StatusId
fault_of_answer(const char *code, const char *text)
{
	StatusId best = STATUS_COUNT;

	for (StatusId id = 0; id < STATUS_COUNT; id++)
		if (has_code(id, code) && begins_with_row(text, id) &&
		    (best == STATUS_COUNT ||
		     strlen(status_row(id)->text) > strlen(status_row(best)->text)))
			best = id;
	return best;
}

/* Our answers end with the queue id, with which a line of Postfix begins: "4AB: ... [4AB]". */
static bool
has_reference(const char *text)
{
	for (const char *open = strchr(text, '['); open != NULL; open = strchr(open + 1, '[')) {
		const char *close = strchr(open, ']');
		if (close == NULL)
			return false;
		g_autofree char *id = g_strdup_printf("%.*s: ", (int) (close - open - 1), open + 1);
		const char *first = *id != ':' ? strstr(text, id) : NULL;
		if (first != NULL && first < open)
			return true;
	}
	return false;
}

/* A rule may say anything; of our answers only those of rules have words of others. */
static StatusId
fault_of_rule(const char *code)
{
	if (strcmp(code, status_row(STATUS_RULE_REFUSED)->dsn) == 0)
		return STATUS_RULE_REFUSED;
	return strcmp(code, status_row(STATUS_RULE_DEFER)->dsn) == 0 ? STATUS_RULE_DEFER
	                                                             : STATUS_COUNT;
}

/* Does the text end as an answer of ours does, with a queue id in brackets? */
static bool
ends_with_queue_id(const char *text)
{
	enum { SHORTEST = 6 };
	const char *open = strrchr(text, '[');
	size_t letters = open != NULL ? strspn(open + 1, G_CSET_A_2_Z G_CSET_a_2_z G_CSET_DIGITS)
	                              : 0;
	const char *close = open != NULL ? open + 1 + letters : "";

	return letters >= SHORTEST && *close == ']' &&
	       close[1 + strspn(close + 1, " \r\n")] == '\0';
}

/*
 * "dsn=5.4.6, status=bounced (mail is looping ...": of pipe(8) and local(8), without the code; or
 * the words of a rule, with the queue id of the line behind them.
 */
static StatusId
fault_of_line(const char *text)
{
	const char *status = has_reference(text) ? strstr(text, " status=") : NULL;
	const char *words = status != NULL ? strstr(status, " (") : NULL;
	g_autofree char *dsn = words != NULL ? find_value(text, "dsn") : NULL;
	if (dsn == NULL)
		return STATUS_COUNT;

	StatusId id = fault_of_answer(dsn, words + 2);
	return id != STATUS_COUNT ? id : fault_of_rule(dsn);
}

/*
 * Only what comes from a program or server on Postfix's own host, or ends as our answers do, can be
 * ours: other servers have the same codes, and some the same words.
 */
static bool
may_be_ours(const CodeUnit *unit)
{
	const char *text = unit->text;
	size_t len = strlen(text);

	return unit->is_local || has_reference(text) || code_length(text, text) > 0 ||
	       strstr(text, "Command output: ") != NULL || strstr(text, "x-unix;") != NULL ||
	       strstr(text, "todoke") != NULL || (len > 0 && text[len - 1] == ']');
}

static bool
explain_ours(const CodeUnit *unit, GPtrArray *meanings)
{
	static const char hint[] = "see todoke code ";
	const char *text = unit->text, *at = strstr(text, hint);
	g_autofree char *fault = find_value(text, "fault"), *dsn = find_value(text, "dsn");
	StatusId id = fault != NULL ? status_find_name(fault) : STATUS_COUNT;

	if (id != STATUS_COUNT) {
		bool is_code = dsn != NULL && code_length(dsn, dsn) == strlen(dsn);
		return add_fault(meanings, unit, id, is_code ? dsn : NULL);
	}

	g_autofree char *line_code = find_value(text, "code");
	EventId event = line_code != NULL ? event_find(line_code) : EVENT_COUNT;
	if (event != EVENT_COUNT)
		return add_event(meanings, unit, event);

	if (at != NULL) {
		at += strlen(hint);
		g_autofree char *name = g_strndup(at, strspn(at, "abcdefghijklmnopqrstuvwxyz-"));
		id = status_find_name(name);
		if (id != STATUS_COUNT)
			return add_fault(meanings, unit, id, NULL);
	}

	id = fault_of_line(text);
	if (id != STATUS_COUNT)
		return add_fault(meanings, unit, id, dsn);
	if (!may_be_ours(unit))
		return false;
	for (at = text; *at != '\0'; at++) {
		g_autofree char *code = code_at(text, at);
		id = code != NULL ? fault_of_answer(code, at + strlen(code)) : STATUS_COUNT;
		if (id != STATUS_COUNT)
			return add_fault(meanings, unit, id, code);
	}

	/* Postfix takes the code off the text of a report. */
	at = strstr(text, "x-unix;");
	if (at == NULL || unit->status == NULL)
		return false;
	id = fault_of_answer(unit->status, at + strlen("x-unix;"));
	if (id == STATUS_COUNT && ends_with_queue_id(at))
		id = fault_of_rule(unit->status);
	return id != STATUS_COUNT && add_fault(meanings, unit, id, unit->status);
}

/* The words of each sign between its stars, with case folded; made once. */
static char **
sign_pieces(size_t i)
{
	static char **all[G_N_ELEMENTS(sign_rows)];

	if (all[i] == NULL) {
		g_autofree char *folded = g_utf8_casefold(sign_rows[i].words, -1);
		all[i] = g_strsplit(folded, "*", -1);
	}
	return all[i];
}

/* Does folded text hold these in their order, with anything between? */
static bool
has_pieces(const char *folded, char **pieces)
{
	for (; *pieces != NULL && folded != NULL; pieces++) {
		folded = strstr(folded, *pieces);
		if (folded != NULL)
			folded += strlen(*pieces);
	}
	return folded != NULL;
}

/*
 * Text for comparing: folded case, runs of blanks as one, and without the codes that a server
 * repeats before each line of its reply. Caller frees.
 */
static char *
fold(const char *text)
{
	GString *out = g_string_new(NULL);

	for (const char *at = text; *at != '\0'; at++) {
		bool begins_word = at == text || at[-1] == ' ';
		if (begins_word && at > text && reply_at(at) != 0 &&
		    code_length(at + 4, at + 4) > 0) {
			at += 3 + code_length(at + 4, at + 4);
			at += at[1] == ' ' ? 1 : 0;
		} else if (strchr(" \t\r\n", *at) == NULL) {
			g_string_append_c(out, *at);
		} else if (out->len > 0 && out->str[out->len - 1] != ' ') {
			g_string_append_c(out, ' ');
		}
	}

	/* What was cut may end inside a letter. */
	g_autofree char *plain = g_string_free(out, FALSE);
	return fold_text(plain);
}

static bool
explain_words(const CodeUnit *unit, const char *code, GPtrArray *meanings)
{
	g_autofree char *folded = fold(unit->text);

	for (size_t i = 0; i < G_N_ELEMENTS(sign_rows); i++)
		if (has_pieces(folded, sign_pieces(i)))
			return add_meaning(meanings, unit, code, sign_rows[i].source,
			                   sign_rows[i].meaning);
	return false;
}

/* The row of an enhanced code; of one that is not listed that of its subject. */
static size_t
find_enhanced(const char *code)
{
	char general[] = { code[2], '.', '0', '\0' };
	size_t found = G_N_ELEMENTS(enhanced_rows);

	for (size_t i = 0; i < G_N_ELEMENTS(enhanced_rows); i++) {
		if (strcmp(enhanced_rows[i].code, code + 2) == 0)
			return i;
		if (code[3] == '.' && strcmp(enhanced_rows[i].code, general) == 0)
			found = i;
	}
	return found;
}

static bool
explain_enhanced(const CodeUnit *unit, const char *code, GPtrArray *meanings)
{
	size_t i = find_enhanced(code);
	if (i == G_N_ELEMENTS(enhanced_rows))
		i = 0;

	bool success = code[0] == '2';
	MeaningId id = success ? MEANING_SUCCESS : enhanced_rows[i].meaning;
	return add_row(meanings, unit,
	               &(Found){ .code = code,
	                         .name = success ? "success" : enhanced_rows[i].name,
	                         .source = "iana",
	                         .what = success ? NULL : enhanced_rows[i].what },
	               id);
}

static bool
explain_reply(const CodeUnit *unit, unsigned code, GPtrArray *meanings)
{
	g_autofree char *text = g_strdup_printf("%u", code);

	for (size_t i = 0; i < G_N_ELEMENTS(reply_rows); i++)
		if (reply_rows[i].code == code)
			return add_row(meanings, unit,
			               &(Found){ .code = text,
			                         .name = meaning_rows[reply_rows[i].meaning].name,
			                         .source = "smtp",
			                         .what = reply_rows[i].what },
			               reply_rows[i].meaning);
	return false;
}

/* Our fault whose words `text` begins with, up to its end or a detail; STATUS_COUNT: none. */
static StatusId
fault_of_words(const char *text)
{
	StatusId best = STATUS_COUNT;
	size_t best_len = 0;

	for (StatusId id = 0; id < STATUS_COUNT; id++) {
		const char *words = status_row(id)->text;
		size_t len = strlen(words);
		if (id != STATUS_OK && len > best_len && g_str_has_prefix(text, words) &&
		    strchr(":) [", text[len]) != NULL) {
			best = id;
			best_len = len;
		}
	}
	return best;
}

/*
 * In mailq(1) the reason stands in brackets, and of what pipe(8) was told without its code.
 * STATUS_COUNT: it has none of ours.
 */
static StatusId
fault_of_reason(const char *text)
{
	for (const char *at = text; (at = strchr(at, '(')) != NULL; at++) {
		bool stands_alone = at == text || g_ascii_isspace(at[-1]);
		StatusId id = stands_alone ? fault_of_words(at + 1) : STATUS_COUNT;
		if (id != STATUS_COUNT)
			return id;
	}
	return STATUS_COUNT;
}

static bool
explain_reason(const CodeUnit *unit, GPtrArray *meanings)
{
	StatusId id = fault_of_reason(unit->text);
	return id != STATUS_COUNT && add_fault(meanings, unit, id, NULL);
}

static bool
explain(const CodeUnit *unit, bool anywhere, GPtrArray *meanings)
{
	if (explain_ours(unit, meanings))
		return true;

	g_autofree char *code = unit_code(unit, anywhere);
	unsigned reply = unit_reply(unit);
	g_autofree char *reply_text = reply != 0 ? g_strdup_printf("%u", reply) : NULL;
	if (code != NULL && code[0] == '2')
		return explain_enhanced(unit, code, meanings);
	if (code == NULL && reply == 0 && explain_reason(unit, meanings))
		return true;

	return explain_words(unit, code != NULL ? code : reply_text, meanings) ||
	       (code != NULL && explain_enhanced(unit, code, meanings)) ||
	       (reply != 0 && explain_reply(unit, reply, meanings));
}

bool
code_text_explain(const CodeUnit *unit, GPtrArray *meanings)
{
	return explain(unit, false, meanings);
}

/*
 * Of faults that share their code with many, those that hosts have: a folder with the wrong owner,
 * a disk that is not mounted, a path that is not there, a data base of users that does not answer.
 */
static bool
is_usual(StatusId id)
{
	return id == STATUS_NO_PERMISSION || id == STATUS_TREE || id == STATUS_MISSING ||
	       id == STATUS_LOOKUP;
}

/* The meanings from `first` on have one code: what distinguishes them in a line of a log. */
static void
tell_apart(GPtrArray *meanings, guint first)
{
	enum { MANY = 8 };
	bool are_many = meanings->len - first > MANY;

	for (guint i = first; meanings->len - first > 1 && i < meanings->len; i++) {
		CodeMeaning *meaning = meanings->pdata[i];
		StatusId id = status_find_name(meaning->name);
		bool is_ours = id != STATUS_COUNT && strcmp(meaning->source, "todoke") == 0;

		meaning->is_rare = are_many && is_ours && !is_usual(id);
		meaning->tell = is_ours ? g_strdup_printf(_("fault=%s in the log of todoke; in "
		                                            "Postfix's, and in the bounce: \"%s\""),
		                                          meaning->name, status_row(id)->text)
		                        : g_strdup(_("other words stand behind the code: another "
		                                     "server or program wrote it"));
	}
}

/* A code alone: our faults that have it, then what the code means everywhere. */
static bool
explain_bare_code(const char *code, GPtrArray *meanings)
{
	const CodeUnit unit = { .text = code };
	guint first = meanings->len;

	for (StatusId id = 0; id < STATUS_COUNT; id++)
		if (id != STATUS_OK && strcmp(status_row(id)->dsn, code) == 0)
			add_fault(meanings, &unit, id, NULL);
	bool is_known = explain_enhanced(&unit, code, meanings);

	tell_apart(meanings, first);
	return is_known || meanings->len > first;
}

static bool
explain_problem(const char *key, GPtrArray *meanings)
{
	const CodeUnit unit = { .text = key };
	CodeProblem problem;

	return code_problem_find(key, &problem) &&
	       add(meanings, &unit,
	           &(Found){ .code = "",
	                     .name = problem.name,
	                     .source = "todoke",
	                     .what = problem.what,
	                     .todo = problem.todo,
	                     .who = problem.is_of_admin ? WHO_ADMIN : WHO_OWNER_OR_ADMIN });
}

const char *
code_text_nearest(const char *word)
{
	Nearest nearest = nearest_begin(word);

	for (StatusId id = 0; id < STATUS_COUNT; id++)
		nearest_add(&nearest, status_row(id)->name);
	for (EventId id = 0; id < EVENT_COUNT; id++)
		nearest_add(&nearest, event_key(id));
	for (MeaningId id = 0; id < MEANING_COUNT; id++)
		nearest_add(&nearest, meaning_rows[id].name);
	return nearest.best;
}

/* As names are written: "LOOP" is loop, "t401" is T401. Caller frees. */
static char *
spell_name(const char *word)
{
	bool is_event = g_ascii_tolower(word[0]) == 't' && g_ascii_isdigit(word[1]);
	return is_event ? g_ascii_strup(word, -1) : g_ascii_strdown(word, -1);
}

/* The name of a fault, of a kind of log line ("T401"), of a meaning or of a problem. */
static bool
explain_name(const char *word, GPtrArray *meanings)
{
	g_autofree char *name = spell_name(word);
	const CodeUnit unit = { .text = name };
	StatusId id = status_find_name(name);

	if (id != STATUS_COUNT)
		return add_fault(meanings, &unit, id, NULL);
	if (event_find(name) != EVENT_COUNT)
		return add_event(meanings, &unit, event_find(name));
	for (MeaningId i = 0; i < MEANING_COUNT; i++)
		if (strcmp(meaning_rows[i].name, name) == 0)
			return add_meaning(meanings, &unit, NULL, "", i);
	return explain_problem(name, meanings);
}

/* Bounces fold their lines: what begins with a blank goes on with the line before, by one blank. */
static char *
unfold(const char *text)
{
	GString *out = g_string_new(NULL);
	for (; *text != '\0'; text++) {
		if (*text == '\r' && text[1] == '\n')
			continue;
		if (*text == '\n' && (text[1] == ' ' || text[1] == '\t')) {
			text += strspn(text + 1, " \t");
			g_string_append_c(out, ' ');
		} else {
			g_string_append_c(out, *text);
		}
	}

	return g_string_free(out, FALSE);
}

/* Is it a line of a mail log, or of mailq, about one delivery or one refusal? */
static bool
is_log_line(const char *line)
{
	static const char *const signs[] = { " status=", " dsn=",     " fault=",
		                             " said: ",  "NOQUEUE: ", "\"fault\":" };

	for (size_t i = 0; i < G_N_ELEMENTS(signs); i++)
		if (strstr(line, signs[i]) != NULL)
			return true;
	return strstr(line, "(connect to ") != NULL || fault_of_reason(line) != STATUS_COUNT;
}

static bool
scan_log(char **lines, GPtrArray *meanings)
{
	bool found = false;
	size_t units = 0;

	for (; *lines != NULL && meanings->len < LIMIT_CODE_MEANINGS; lines++) {
		CodeUnit unit = { .text = *lines };
		if (strlen(*lines) > LIMIT_CODE_NEAR_BYTES)
			(*lines)[LIMIT_CODE_NEAR_BYTES] = '\0';
		if (is_log_line(*lines) && units++ < LIMIT_CODE_UNITS)
			found |= explain(&unit, false, meanings);
	}
	return found;
}

/* Lines up to an empty one are one text: a reply of many lines, the story of one recipient. */
static bool
scan_paragraphs(char **lines, bool anywhere, GPtrArray *meanings)
{
	g_autoptr(GString) paragraph = g_string_new(NULL);
	bool found = false;
	size_t units = 0;

	for (;; lines++) {
		bool ends = *lines == NULL || **lines == '\0';
		if (!ends && paragraph->len < LIMIT_CODE_NEAR_BYTES)
			g_string_append_printf(paragraph, "%s%.*s", paragraph->len > 0 ? " " : "",
			                       (int) LIMIT_CODE_NEAR_BYTES, *lines);
		CodeUnit unit = { .text = paragraph->str };
		if (ends && paragraph->len > 0 && units++ < LIMIT_CODE_UNITS)
			found |= explain(&unit, anywhere, meanings);
		if (ends)
			g_string_truncate(paragraph, 0);
		if (*lines == NULL || meanings->len >= LIMIT_CODE_MEANINGS)
			return found;
	}
}

/* Nothing but a code, or a reply code. */
static bool
is_bare(const char *word)
{
	size_t len = code_length(word, word);
	return (len > 0 && word[len] == '\0') || (reply_at(word) != 0 && word[3] == '\0');
}

/* Nothing but codes, with blanks between. */
static bool
explain_bare_codes(const char *text, GPtrArray *meanings)
{
	size_t digits = strspn(text, "0123456789. \t\r\n");
	if (*text == '\0' || text[digits] != '\0' || digits > LIMIT_CODE_NEAR_BYTES)
		return false;

	g_auto(GStrv) words = g_strsplit_set(text, " \t\r\n", -1);
	for (char **word = words; *word != NULL; word++)
		if (**word != '\0' && !is_bare(*word))
			return false;

	bool found = false;
	for (char **word = words; *word != NULL; word++) {
		const CodeUnit unit = { .text = *word };
		if (code_length(*word, *word) > 0)
			found |= explain_bare_code(*word, meanings);
		else if (**word != '\0')
			found |= explain_reply(&unit, reply_at(*word), meanings);
	}
	return found;
}

bool
code_text_find(const char *text, GPtrArray *meanings)
{
	if (explain_name(text, meanings) || explain_bare_codes(text, meanings))
		return true;
	if (code_report_find(text, NULL, meanings))
		return true;

	g_autofree char *whole = unfold(text);
	g_auto(GStrv) lines = g_strsplit(whole, "\n", -1);
	return scan_log(lines, meanings) || scan_paragraphs(lines, false, meanings) ||
	       scan_paragraphs(lines, true, meanings);
}
