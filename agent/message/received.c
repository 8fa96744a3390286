/* SPDX-License-Identifier: MIT */
/* received: a scanner for words and comments, and the few keywords that count. */
#include "agent/message/received.h"

#include "agent/message/address.h"

#include <string.h>

/* Programs that fetch mail from a mailbox name themselves in a comment or as the protocol. */
static const char *const programs[] = {
	"fetchmail", "getmail",           "mpop", "fdm", "retchmail", "MultiPOP", "POPcon",
	"POPBeamer", "SmartPOP2Exchange",
};

bool
received_names_a_host(const char *name)
{
	static const char *const anybody[] = { "",           "unknown",
		                               "localhost",  "localhost.localdomain",
		                               "localhost6", "localhost6.localdomain6",
		                               "::1",        "[::1]",
		                               "[ipv6:::1]" };
	for (size_t i = 0; i < G_N_ELEMENTS(anybody); i++)
		if (strcmp(name, anybody[i]) == 0)
			return false;
	return !g_str_has_prefix(name, "127.") && !g_str_has_prefix(name, "[127.");
}

/*
 * "fetchmail-6.3.17", "getmail6", "fdm 1.9, account": the name, and behind it nothing that makes it
 * a host's.
 */
static const char *
find_program(const char *text)
{
	for (size_t i = 0; i < G_N_ELEMENTS(programs); i++) {
		size_t len = strlen(programs[i]);
		if (g_ascii_strncasecmp(text, programs[i], len) != 0)
			continue;
		while (g_ascii_isdigit(text[len]))
			len++;
		if (!g_ascii_isalpha(text[len]) && text[len] != '.')
			return programs[i];
	}
	return NULL;
}

static const char *
find_protocol(const char *with)
{
	if (g_ascii_strncasecmp(with, "POP", 3) == 0)
		return "POP3";
	return g_ascii_strncasecmp(with, "IMAP", 4) == 0 ? "IMAP" : NULL;
}

/*
 * The next word (a new string) or comment (NULL, *ret_comment points behind its parenthesis) at
 * *pos. False: the end, or the ';' before the date.
 */
static bool
next_token(const char **pos, char **ret_word, const char **ret_comment)
{
	const char *c = *pos;

	while (g_ascii_isspace(*c))
		c++;
	if (*c == '\0' || *c == ';')
		return false;

	if (*c == '(') {
		*ret_word = NULL;
		*ret_comment = c + 1;
		*pos = address_skip_comment(c);
		return true;
	}

	/* the blanks of g_ascii_isspace, which has no vertical tab: a word is never empty */
	size_t len = strcspn(c, " \t\r\n\f(;");
	*ret_word = g_strndup(c, len);
	*pos = c + len;

	return true;
}

/* A program's name says more than its protocol's. */
static void
take_program(Received *received, const char *text)
{
	const char *program = find_program(text);
	if (program != NULL)
		received->program = program;
}

/* Where the pass through a line is. */
typedef struct {
	bool seen_by;
	unsigned comments;
	bool behind_first; /* the first comment was the last token, but for a keyword */
} Progress;

static void
take_by(Received *received, const char *word)
{
	g_autofree char *host = address_host(word);
	g_free(received->by);
	received->by = received_names_a_host(host) ? g_steal_pointer(&host) : NULL;
}

/*
 * Take the word after a keyword: each keyword once, the first counts. But a client may say "HELO x
 * by mail.test": where `by` comes right behind the first comment, in which the server says what it
 * knows of the client, that is the server's.
 */
static void
take_clause(Received *received, const char *keyword, const char *word, Progress *progress)
{
	if (g_ascii_strcasecmp(keyword, "by") == 0 &&
	    (!progress->seen_by || progress->behind_first)) {
		progress->seen_by = true;
		take_by(received, word);
	} else if (g_ascii_strcasecmp(keyword, "id") == 0 && received->id == NULL) {
		received->id = g_strdup(word);
	} else if (g_ascii_strcasecmp(keyword, "with") == 0 && received->program == NULL) {
		received->program = find_protocol(word);
		take_program(received, word);
	}
}

static bool
is_keyword(const char *word)
{
	static const char *const keywords[] = { "from", "by", "via", "with", "id", "for" };
	for (size_t i = 0; i < G_N_ELEMENTS(keywords); i++)
		if (g_ascii_strcasecmp(word, keywords[i]) == 0)
			return true;
	return false;
}

/*
 * The first comment of a mail server: "NAME [ADDRESS]", what it knows of the client by itself. The
 * client's own word stands before it and has no parentheses: servers take them out.
 */
static void
take_client(Received *received, const char *comment)
{
	size_t name_len = strcspn(comment, " ()[]");
	const char *address = comment + name_len + 2;
	if (name_len == 0 || strncmp(comment + name_len, " [", 2) != 0)
		return;

	size_t address_len = strcspn(address, " ()[]");
	if (strncmp(address + address_len, "])", 2) != 0)
		return; /* such as sendmail's "(NAME [ADDRESS] (may be forged))" */

	if (g_ascii_strncasecmp(address, "IPv6:", 5) == 0) {
		address += 5;
		address_len -= 5;
	}

	g_autofree char *name = g_strndup(comment, name_len);
	received->client = address_host(name);
	received->client_address = g_ascii_strdown(address, (gssize) address_len);
}

/* A comment counts only behind `by`: before it stands what the client says its name is. */
static void
take_comment(Received *received, const char *comment, bool seen_by)
{
	received->qmail = received->qmail || (!seen_by && g_str_has_prefix(comment, "qmail "));
	if (seen_by)
		take_program(received, comment);
}

static void
take_word(Received *received, char **keyword, char *token, Progress *progress)
{
	g_autofree char *word = token;

	if (*keyword == NULL && is_keyword(word)) {
		*keyword = g_steal_pointer(&word);
		return;
	}

	if (*keyword != NULL)
		take_clause(received, *keyword, word, progress);
	else if (progress->seen_by)
		take_program(received, word); /* "with POP3 getmail6 msgid:1 for <...>" */

	g_clear_pointer(keyword, g_free);
	progress->behind_first = false;
}

static void
parse(Received *received, const char *value)
{
	const char *pos = value, *comment = NULL;
	g_autofree char *keyword = NULL;
	char *token;
	Progress progress = { 0 };

	while (next_token(&pos, &token, &comment)) {
		if (token != NULL) {
			take_word(received, &keyword, token, &progress);
			continue;
		}
		take_comment(received, comment, progress.seen_by);
		if (progress.comments == 0)
			take_client(received, comment);
		progress.behind_first = progress.comments++ == 0;
	}
}

void
received_init(Received *received, const HeaderField *field, size_t index)
{
	*received = (Received){ .index = index, .line = field->line };
	g_autofree char *value = header_field_value(field);
	parse(received, value);
}

void
received_clear(Received *received)
{
	g_clear_pointer(&received->by, g_free);
	g_clear_pointer(&received->id, g_free);
	g_clear_pointer(&received->client, g_free);
	g_clear_pointer(&received->client_address, g_free);
}
