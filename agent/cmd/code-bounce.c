/* SPDX-License-Identifier: MIT */
/* code-bounce: the parts of a bounce that say what happened. */
#include "agent/cmd/code-bounce.h"

#include "agent/base/limits.h"
#include "agent/cmd/code-report.h"
#include "agent/message/mime-tree.h"

#include <string.h>

bool
code_bounce_is_mail(const char *bytes, size_t len)
{
	static const char *const names[] = { "Return-Path", "Received",   "From", "Date",
		                             "Subject",     "Message-ID", "To",   "MIME-Version" };
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(Message) message = message_from_bytes(bytes, len, &st);
	unsigned found = 0;

	for (size_t i = 0; i < G_N_ELEMENTS(names) && message != NULL; i++) {
		size_t pos = 0;
		found += headers_next(message_headers(message), names[i], &pos) != NULL;
	}

	return found >= 2;
}

/*
 * Where programs put the message that came back behind their words. What it says is the sender's.
 */
static void
cut_copy(char *text)
{
	static const char *const signs[] = {
		"--- Below this line is a copy of the message",
		"------ This is a copy of",
		"------ The body of the message is",
		"--- The header of the original message is following",
		"--- Original message",
		"-----Original Message",
		"----- Original message",
		"Original message headers:",
		"Content-Type: message/rfc822",
	};

	for (size_t i = 0; i < G_N_ELEMENTS(signs); i++) {
		char *at = strstr(text, signs[i]);
		if (at != NULL)
			*at = '\0';
	}
}

/* What a bounce says. */
typedef struct {
	GString *reports; /* the fields of all delivery reports */
	GString *words;   /* the text for people */
} Parts;

static void
append_part(GString *to, MimeBytes *bytes)
{
	for (size_t i = 0; i < bytes->len; i++)
		if (bytes->data[i] == '\0')
			bytes->data[i] = ' ';
	if (to->len + bytes->len <= LIMIT_CODE_FILE_BYTES)
		g_string_append_printf(to, "%s\n\n", bytes->data);
}

static bool
is_report(const MimePart *part)
{
	return mime_part_is(part, "message", "delivery-status") ||
	       mime_part_is(part, "message", "global-delivery-status");
}

/* The message that came back, and not one that somebody passes on. */
static bool
is_returned_copy(const MimeTree *tree, const MimePart *part)
{
	if (mime_part_is(part, "text", "rfc822-headers") ||
	    mime_part_is(part, "message", "global-headers"))
		return true;
	return (mime_part_is(part, "message", "rfc822") ||
	        mime_part_is(part, "message", "global")) &&
	       part->parent != MIME_NO_PARENT &&
	       mime_part_is(mime_tree_part(tree, part->parent), "multipart", "report");
}

static bool
take_part(const MimeTree *tree, size_t i, Parts *parts, Status *st)
{
	const MimePart *part = mime_tree_part(tree, i);
	g_auto(MimeBytes) bytes = { 0 };

	if (is_report(part)) {
		if (!mime_tree_content(tree, i, LIMIT_CODE_FILE_BYTES, &bytes, st))
			return false;
		append_part(parts->reports, &bytes);
		return true;
	}

	bool is_html = mime_part_is(part, "text", "html");
	if (!mime_part_is(part, "text", "plain") && !(is_html && parts->words->len == 0))
		return true;
	if (!mime_tree_text(tree, i, LIMIT_CODE_FILE_BYTES,
	                    is_html ? MIME_TEXT_WITHOUT_MARKUP : MIME_TEXT_AS_IT_IS, &bytes, st))
		return false;

	append_part(parts->words, &bytes);
	return true;
}

static bool
take_parts(Message *message, Parts *parts, Status *st)
{
	MessageBody body;
	if (!message_body(message, &body))
		return status_fail_detail(st, STATUS_INTERNAL, "the message has no body");
	g_autoptr(MimeTree) tree = mime_tree_new(message_headers(message), &body, st);
	if (tree == NULL)
		return false;

	for (size_t i = 0; i < mime_tree_count(tree);) {
		const MimePart *part = mime_tree_part(tree, i);
		bool is_copy = is_returned_copy(tree, part);
		if (!is_copy && !take_part(tree, i, parts, st))
			return false;
		/* A report is a leaf, whatever parts it pretends to have. */
		i = is_copy || is_report(part) ? part->after : i + 1;
	}
	return true;
}

static bool
explain_parts(const Parts *parts, GPtrArray *meanings)
{
	g_autofree char *reports = g_utf8_make_valid(parts->reports->str, -1);

	if (code_report_find(reports, parts->words->str, meanings))
		return true;
	cut_copy(parts->words->str);
	return code_text_find(parts->words->str, meanings);
}

bool
code_bounce_find(const char *bytes, size_t len, GPtrArray *meanings, Status *st)
{
	g_autoptr(Message) message = message_from_bytes(bytes, len, st);
	if (message == NULL || !message_drain(message, st))
		return false;

	g_autoptr(GString) reports = g_string_new(NULL), words = g_string_new(NULL);
	Parts parts = { reports, words };
	return take_parts(message, &parts, st) && explain_parts(&parts, meanings);
}
