/* SPDX-License-Identifier: MIT */
/* code-text: from a code, a name or a line of a log or bounce to what it means in plain words. */
#include "agent/cmd/code-text.h"

#include "agent/base/limits.h"
#include "agent/base/words.h"

#include <string.h>

typedef enum { WHO_NOBODY, WHO_ADMIN, WHO_OWNER, WHO_OWNER_OR_ADMIN, WHO_SENDER } Who;

static const char *const who_texts[] = {
	[WHO_NOBODY] = N_("nobody needs to"),
	[WHO_ADMIN] = N_("the admin of the mail server that says it (postmaster@ its domain)"),
	[WHO_OWNER] = N_("the owner of the mailbox"),
	[WHO_OWNER_OR_ADMIN] = N_("the author of the rule: the owner of the mailbox, or the admin"),
	[WHO_SENDER] = N_("the sender"),
};

typedef struct {
	Who who;
	const char *what;
	const char *todo;
} Row;

static const Row rows[STATUS_COUNT] = {
#define CODE(id, who, what, todo) [STATUS_##id] = { WHO_##who, what, todo },
#include "agent/cmd/code-table.def"
#undef CODE
};

static const struct {
	const char *sign;
	const char *with;
	const char *name;
	Row row;
} foreign_rows[] = {
#define FOREIGN(sign, with, name, who, what, todo) { sign, with, name, { WHO_##who, what, todo } },
#include "agent/cmd/code-foreign.def"
#undef FOREIGN
};

static const struct {
	char digit;
	const char *text;
} subjects[] = {
#define SUBJECT(digit, text) { '0' + digit, text },
#include "agent/cmd/code-rfc3463.def"
#undef SUBJECT
};

static const char general_todo[] = N_(
	"It is a code of another program or server. The words behind it say more; ask the admin "
	"of the server that says it.");

void
code_meaning_free(CodeMeaning *meaning)
{
	if (meaning == NULL)
		return;
	g_free(meaning->made);
	g_free(meaning);
}

const char *
code_text_class(char class)
{
	if (class == '2')
		return _("success");
	if (class == '4')
		return _("for now: the mail is kept and tried again");
	return _("for good: the mail goes back to its sender");
}

bool
code_text_row(StatusId id, const char **ret_what, const char **ret_todo)
{
	if (rows[id].what == NULL)
		return false;
	*ret_what = rows[id].what;
	*ret_todo = rows[id].todo;
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
set_row(CodeMeaning *meaning, const Row *row)
{
	meaning->who = _(who_texts[row->who]);
	meaning->what = _(row->what);
	meaning->todo = _(row->todo);
}

static void
add_row(GPtrArray *meanings, StatusId id)
{
	CodeMeaning *meaning = add(meanings, status_row(id)->dsn, status_row(id)->name);
	if (meaning == NULL)
		return;

	set_row(meaning, &rows[id]);
}

static void
add_general(GPtrArray *meanings, const char *code)
{
	const char *subject = NULL;

	for (size_t i = 0; i < G_N_ELEMENTS(subjects); i++)
		if (subjects[i].digit == code[2] && code[3] == '.')
			subject = subjects[i].text;
	CodeMeaning *meaning = add(meanings, code, NULL);
	if (meaning == NULL)
		return;

	/* TRANSLATORS: a sentence is made of "something is wrong with ..." */
	meaning->made = g_strdup_printf(_("%s."), _(subject != NULL ? subject : subjects[0].text));
	if (g_ascii_islower(*meaning->made))
		*meaning->made = g_ascii_toupper(*meaning->made);
	meaning->what = meaning->made;
	meaning->who = _(who_texts[WHO_ADMIN]);
	meaning->todo = _(general_todo);
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
add_code(GPtrArray *meanings, const char *code, const char *text, bool of_postfix)
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
		add_row(meanings, id);
		found = true;
	}

	if (!found)
		add_general(meanings, code);
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
scan_signed(const char *text, bool of_postfix, GPtrArray *meanings)
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
			add_code(meanings, code, near, of_postfix);
		}
	}
}

static void
scan_bare(const char *text, GPtrArray *meanings)
{
	for (const char *at = text; *at != '\0' && meanings->len < LIMIT_CODE_MEANINGS; at++) {
		size_t len = code_length(text, at);
		if (len == 0)
			continue;
		g_autofree char *code = g_strndup(at, len),
				*near = g_strndup(at, LIMIT_CODE_NEAR_BYTES);
		add_code(meanings, code, near, false);
		at += len - 1;
	}
}

static void
scan_foreign_line(const char *line, GPtrArray *meanings)
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

	set_row(meaning, &foreign_rows[i].row);
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
scan_foreign(const char *text, GPtrArray *meanings)
{
	g_autofree char *whole = unfold(text);
	for (char *line = whole, *next; line != NULL; line = next) {
		next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		scan_foreign_line(line, meanings);
	}
}

bool
code_text_find(const char *text, GPtrArray *meanings)
{
	guint before = meanings->len;
	StatusId id = status_find_name(text);
	size_t len = code_length(text, text);

	if (id != STATUS_COUNT) {
		add_row(meanings, id);
	} else if (len > 0 && text[len] == '\0') {
		add_code(meanings, text, NULL, false);
	} else {
		scan_foreign(text, meanings);
		scan_signed(text, meanings->len > before, meanings);
		if (meanings->len == before)
			scan_bare(text, meanings);
	}

	return meanings->len > before;
}
