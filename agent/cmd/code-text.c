/* SPDX-License-Identifier: MIT */
/* code-text: from a code, a name or a line of a log or bounce to what it means in plain words. */
#include "agent/cmd/code-text.h"

#include "agent/base/limits.h"

#include <string.h>

typedef enum { WHO_NOBODY, WHO_ADMIN, WHO_OWNER, WHO_OWNER_OR_ADMIN, WHO_SENDER } Who;

static const char *const who_texts[][CODE_LANGUAGES] = {
	[WHO_NOBODY] = { "nobody needs to", "誰も何もする必要はありません" },
	[WHO_ADMIN] = { "the admin of the mail server that says it (postmaster@ its domain)",
	                "それを返したメールサーバーの管理者 (そのドメインの postmaster)" },
	[WHO_OWNER] = { "the owner of the mailbox", "メールボックスの所有者" },
	[WHO_OWNER_OR_ADMIN] = { "the author of the rule: the owner of the mailbox, or the admin",
	                         "規則を書いた人: メールボックスの所有者または管理者" },
	[WHO_SENDER] = { "the sender", "送信者" },
};

typedef struct {
	bool set;
	Who who;
	const char *what[CODE_LANGUAGES];
	const char *todo[CODE_LANGUAGES];
} Row;

static const Row rows[STATUS_COUNT] = {
#define CODE(id, who, what, todo, ja_what, ja_todo) \
	[STATUS_##id] = { true, WHO_##who, { what, ja_what }, { todo, ja_todo } },
#include "agent/cmd/code-table.def"
#undef CODE
};

static const struct {
	const char *sign;
	const char *with;
	const char *name;
	Who who;
	const char *what[CODE_LANGUAGES];
	const char *todo[CODE_LANGUAGES];
} foreign_rows[] = {
#define FOREIGN(sign, with, name, who, what, todo, ja_what, ja_todo) \
	{ sign, with, name, WHO_##who, { what, ja_what }, { todo, ja_todo } },
#include "agent/cmd/code-foreign.def"
#undef FOREIGN
};

static const struct {
	char digit;
	const char *text[CODE_LANGUAGES];
} subjects[] = {
#define SUBJECT(digit, text, ja_text) { '0' + digit, { text, ja_text } },
#include "agent/cmd/code-rfc3463.def"
#undef SUBJECT
};

static const char *const headings[][CODE_LANGUAGES] = {
	{ "What happened", "何が起きたか" },
	{ "Who can help", "誰が直せるか" },
	{ "What to do", "どうすればよいか" },
};

static const char *const general_todo[CODE_LANGUAGES] = {
	"It is a code of another program or server. The words behind it say more; ask the admin of "
	"the server that says "
	"it.",
	"他のプログラムまたはサーバーのコードです。後に続く言葉が詳しい理由です。それを返したサーバーの管理者に尋ねてください。",
};

void
code_meaning_free(CodeMeaning *meaning)
{
	if (meaning == NULL)
		return;
	g_free(meaning->made);
	g_free(meaning);
}

const char *
code_text_heading(CodeLanguage language, unsigned which)
{
	g_assert(which < G_N_ELEMENTS(headings));
	return headings[which][language];
}

const char *
code_text_class(CodeLanguage language, char class)
{
	static const char *const texts[][CODE_LANGUAGES] = {
		{ "success", "成功" },
		{ "for now: the mail is kept and tried again",
		  "一時的: メールは保持され、再試行されます" },
		{ "for good: the mail goes back to its sender",
		  "恒久的: メールは送信者に返されます" },
	};
	return texts[class == '2' ? 0 : class == '4' ? 1 : 2][language];
}

bool
code_text_row(StatusId id, CodeLanguage language, const char **ret_what, const char **ret_todo)
{
	if (!rows[id].set)
		return false;
	*ret_what = rows[id].what[language];
	*ret_todo = rows[id].todo[language];
	return true;
}

/* Add a meaning, unless it is there or there are enough. */
static CodeMeaning *
add(GPtrArray *meanings, const char *code, const char *name)
{
	for (guint i = 0; i < meanings->len; i++) {
		const CodeMeaning *other = meanings->pdata[i];
		if (strcmp(other->code, code) == 0 && g_strcmp0(other->name, name) == 0)
			return NULL;
	}

	if (meanings->len >= LIMIT_CODE_MEANINGS)
		return NULL;
	CodeMeaning *meaning = g_new0(CodeMeaning, 1);
	g_strlcpy(meaning->code, code, sizeof meaning->code);
	meaning->name = name;
	g_ptr_array_add(meanings, meaning);

	return meaning;
}

static void
add_row(GPtrArray *meanings, StatusId id, CodeLanguage language)
{
	CodeMeaning *meaning = add(meanings, status_row(id)->dsn, status_row(id)->name);
	if (meaning == NULL)
		return;

	meaning->who = who_texts[rows[id].who][language];
	meaning->what = rows[id].what[language];
	meaning->todo = rows[id].todo[language];
}

static void
add_general(GPtrArray *meanings, const char *code, CodeLanguage language)
{
	const char *subject = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
		if (subjects[i].digit == code[2] && code[3] == '.')
			subject = subjects[i].text[language];
	CodeMeaning *meaning = add(meanings, code, NULL);
	if (meaning == NULL)
		return;

	meaning->made = g_strdup_printf(language == CODE_JAPANESE ? "%s。" : "%s.",
	                                subject != NULL ? subject : subjects[0].text[language]);
	if (g_ascii_islower(*meaning->made))
		*meaning->made = g_ascii_toupper(*meaning->made);
	meaning->what = meaning->made;
	meaning->who = who_texts[WHO_ADMIN][language];
	meaning->todo = general_todo[language];
}

/* What another server refuses is answered with its code. */
static bool
has_code(StatusId id, const char *code)
{
	bool is_foreign = id == STATUS_SUBMIT_REFUSED || id == STATUS_SUBMIT_MAIL;
	return is_foreign ? code[0] == '5' : strcmp(status_row(id)->dsn, code) == 0;
}

/*
 * All faults with that code; those whose own words the text has, where it has any. What Postfix
 * said itself is explained already.
 */
static void
add_code(GPtrArray *meanings, const char *code, const char *text, bool of_postfix,
         CodeLanguage language)
{
	bool named = false, found = false;

	for (StatusId id = 0; id < STATUS_COUNT; id++)
		named |= text != NULL && has_code(id, code) &&
		         strstr(text, status_row(id)->text) != NULL;
	if (of_postfix && !named)
		return;

	for (StatusId id = 0; id < STATUS_COUNT; id++) {
		const StatusRow *row = status_row(id);
		bool fits = named ? has_code(id, code) && strstr(text, row->text) != NULL
		                  : strcmp(row->dsn, code) == 0;
		if (!fits)
			continue;
		add_row(meanings, id, language);
		found = true;
	}

	if (!found)
		add_general(meanings, code, language);
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
	if (text > start && (g_ascii_isalnum(text[-1]) || text[-1] == '.' || text[-1] == '-'))
		return 0;

	size_t len = 2, digits = 0, parts = 1;
	for (; g_ascii_isdigit(text[len]) || text[len] == '.'; len++) {
		digits = text[len] == '.' ? 0 : digits + 1;
		parts += text[len] == '.';
		if (digits > 3 || (digits == 0 && !g_ascii_isdigit(text[len + 1])))
			break;
	}

	bool ended = !g_ascii_isalnum(text[len]) && text[len] != '-';
	return parts == 2 && digits >= 1 && digits <= 3 && ended ? len : 0;
}

/*
 * In log lines and bounces the code stands behind these; anything else there that looks like one is
 * a version or an address.
 */
static const char *const code_signs[] = { "dsn=", "Status: ", "status: " };

static void
scan_signed(const char *text, bool of_postfix, CodeLanguage language, GPtrArray *meanings)
{
	for (size_t i = 0; i < G_N_ELEMENTS(code_signs); i++) {
		for (const char *at = strstr(text, code_signs[i]); at != NULL;
		     at = strstr(at + 1, code_signs[i])) {
			const char *begin = at + strlen(code_signs[i]);
			size_t len = code_length(begin, begin);
			if (len == 0)
				continue;
			/*
			 * The words of this code's fault stand on its line, or in the next lines of
			 * a bounce.
			 */
			g_autofree char *code = g_strndup(begin, len),
					*near = g_strndup(at, LIMIT_CODE_NEAR_BYTES);
			add_code(meanings, code, near, of_postfix, language);
		}
	}
}

static void
scan_bare(const char *text, CodeLanguage language, GPtrArray *meanings)
{
	for (const char *at = text; *at != '\0' && meanings->len < LIMIT_CODE_MEANINGS; at++) {
		size_t len = code_length(text, at);
		if (len == 0)
			continue;
		g_autofree char *code = g_strndup(at, len),
				*near = g_strndup(at, LIMIT_CODE_NEAR_BYTES);
		add_code(meanings, code, near, false, language);
		at += len - 1;
	}
}

static void
scan_foreign_line(const char *line, CodeLanguage language, GPtrArray *meanings)
{
	size_t i = 0;

	while (i < G_N_ELEMENTS(foreign_rows) && (strstr(line, foreign_rows[i].sign) == NULL ||
	                                          strstr(line, foreign_rows[i].with) == NULL))
		i++;
	if (i == G_N_ELEMENTS(foreign_rows))
		return;

	CodeMeaning *meaning = add(meanings, "", foreign_rows[i].name);
	if (meaning == NULL)
		return;

	meaning->who = who_texts[foreign_rows[i].who][language];
	meaning->what = foreign_rows[i].what[language];
	meaning->todo = foreign_rows[i].todo[language];
}

/* Bounces fold their lines: what begins with a blank goes on with the line before, by one blank. */
static char *
unfold(const char *text)
{
	GString *out = g_string_new(NULL);
	for (; *text != '\0'; text++) {
		if (*text == '\n' && (text[1] == ' ' || text[1] == '\t')) {
			text += strspn(text + 1, " \t");
			g_string_append_c(out, ' ');
		} else {
			g_string_append_c(out, *text);
		}
	}

	return g_string_free(out, FALSE);
}

static void
scan_foreign(const char *text, CodeLanguage language, GPtrArray *meanings)
{
	g_autofree char *whole = unfold(text);
	for (char *line = whole, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		scan_foreign_line(line, language, meanings);
	}
}

bool
code_text_find(const char *text, CodeLanguage language, GPtrArray *meanings)
{
	guint before = meanings->len;
	StatusId id = status_find_name(text);
	size_t len = code_length(text, text);

	if (id != STATUS_COUNT) {
		add_row(meanings, id, language);
	} else if (len > 0 && text[len] == '\0') {
		add_code(meanings, text, NULL, false, language);
	} else {
		scan_foreign(text, language, meanings);
		scan_signed(text, meanings->len > before, language, meanings);
		if (meanings->len == before)
			scan_bare(text, language, meanings);
	}

	return meanings->len > before;
}
