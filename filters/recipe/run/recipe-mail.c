/* SPDX-License-Identifier: MIT */
/* recipe-mail: bytes in memory; recipes hand them to programs again and again. */
#define _GNU_SOURCE
#include "filters/recipe/run/recipe-mail.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/message/mime-tree.h"
#include "agent/message/address-print.h"

#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

struct RecipeMail {
	gatomicrefcount refs;
	GString *bytes;
	size_t header_len;
	bool original;
	char *made_from; /* a From_ line for an mbox, where the mail has none; NULL: it has one */
	GString *areas[RECIPE_BOTH + 1]; /* made when first asked for, as the next */
	GString *decoded[RECIPE_BOTH + 1];
	GString *prepared[RECIPE_BOTH + 1];
};

RecipeMail *
recipe_mail_ref(RecipeMail *mail)
{
	g_atomic_ref_count_inc(&mail->refs);
	return mail;
}

void
recipe_mail_unref(RecipeMail *mail)
{
	if (mail == NULL || !g_atomic_ref_count_dec(&mail->refs))
		return;
	for (size_t i = 0; i <= RECIPE_BOTH; i++) {
		if (mail->areas[i] != NULL)
			g_string_free(mail->areas[i], TRUE);
		if (mail->decoded[i] != NULL)
			g_string_free(mail->decoded[i], TRUE);
		if (mail->prepared[i] != NULL)
			g_string_free(mail->prepared[i], TRUE);
	}

	g_string_free(mail->bytes, TRUE);
	g_free(mail->made_from);
	g_free(mail);
}

/*
 * Takes `bytes`. The header ends with the first empty line behind a field, which belongs to it; CR
 * LF is no line end.
 */
static RecipeMail *
mail_take(GString *bytes)
{
	RecipeMail *mail = g_new0(RecipeMail, 1);

	g_atomic_ref_count_init(&mail->refs);
	mail->bytes = bytes;
	size_t first = strspn(bytes->str, "\n");
	const char *empty = memmem(bytes->str + first, bytes->len - first, "\n\n", 2);
	mail->header_len = empty != NULL ? (size_t) (empty + 2 - bytes->str) : bytes->len;

	return mail;
}

/*
 * As Postfix writes it there: quoted, so that a blank in the name does not end it; on one line.
 * Caller frees.
 */
static char *
print_sender(const char *address)
{
	if (*address == '\0')
		return g_strdup("MAILER-DAEMON");
	return g_strdelimit(address_print_argument(address), "\r\n", '_');
}

/*
 * Does this From_ line name `sender`? Only the envelope knows better: where it says nothing, the
 * line is right.
 */
static bool
names_sender(const char *line, const char *sender)
{
	if (sender == NULL)
		return true;
	const char *named = line + strlen("From ");
	size_t len = strlen(sender);
	return strncmp(named, sender, len) == 0 && (named[len] == ' ' || named[len] == '\0');
}

static char *
make_from_line(const char *sender, const char *user, FilterEnv *env)
{
	time_t local = (time_t) (env->now + filter_utc_offset(env) * 60);
	struct tm tm;
	char date[64];

	strftime(date, sizeof date, "%a %b %e %H:%M:%S %Y", gmtime_r(&local, &tm));
	/* where nobody says, it is who runs us, as with procmail */
	const char *named = sender == NULL ? user : sender;
	return g_strdup_printf("From %s  %s", named != NULL ? named : "MAILER-DAEMON", date);
}

/*
 * Where the mail has no From_ line, procmail makes one only if its command line says so (-f, -d):
 * recipes see no other, but an mbox needs one; *ret_made (caller frees) is for that.
 */
static void
append_from_line(GString *bytes, const FilterInput *input, FilterEnv *env, char **ret_made)
{
	const FilterRecipes *services = env->recipes;
	const char *line = message_from_line(input->message);
	const char *address = input->envelope != NULL ? input->envelope->sender : NULL;
	g_autofree char *sender = address != NULL ? print_sender(address) : NULL;
	bool is_asked_for = services->recipe_variable != NULL &&
	                    services->recipe_variable(env, "FROM_") != NULL;
	g_autofree char *made = NULL;

	if (line == NULL || !names_sender(line, sender))
		made = make_from_line(sender, input->user, env);
	if (line != NULL || is_asked_for)
		g_string_append_printf(bytes, "%s\n", made != NULL ? made : line);
	else
		*ret_made = g_steal_pointer(&made);
}

static bool
append_body(GString *bytes, const Message *message, Status *st)
{
	MessageBody body;
	if (!message_body(message, &body))
		return true;

	if (body.size > LIMIT_RECIPE_MESSAGE_BYTES)
		return status_fail_detail(st, STATUS_LIMIT,
		                          "the message has more than %u bytes: too big for recipes",
		                          LIMIT_RECIPE_MESSAGE_BYTES);

	size_t at = bytes->len;
	g_string_set_size(bytes, at + (size_t) body.size);
	return fs_read_exactly_at(body.fd, body.offset, bytes->str + at, (size_t) body.size,
	                          "message body", st);
}

/* The From_ line, if recipes see one, and the header. */
static GString *
header_bytes(const FilterInput *input, FilterEnv *env, char **ret_made_from)
{
	GString *bytes = g_string_new(NULL);

	append_from_line(bytes, input, env, ret_made_from);

	for (size_t i = 0; i < headers_count(input->headers); i++) {
		const HeaderField *field = headers_get(input->headers, i);
		g_string_append_len(bytes, field->bytes, field->len);
	}

	return bytes;
}

RecipeMail *
recipe_mail_read_header(const FilterInput *input, FilterEnv *env)
{
	char *made_from = NULL;
	RecipeMail *mail = mail_take(header_bytes(input, env, &made_from));
	mail->made_from = made_from;
	mail->original = true;
	return mail;
}

RecipeMail *
recipe_mail_read(const FilterInput *input, FilterEnv *env, Status *st)
{
	g_autofree char *made_from = NULL;
	g_autoptr(GString) bytes = header_bytes(input, env, &made_from);
	if (!append_body(bytes, input->message, st))
		return NULL;

	RecipeMail *mail = mail_take(g_steal_pointer(&bytes));
	const char *second = made_from == NULL ? memchr(mail->bytes->str, '\n', mail->bytes->len)
	                                       : NULL;
	mail->made_from = g_steal_pointer(&made_from);

	/* such a line is not stored in Maildirs */
	mail->original = second == NULL || !g_str_has_prefix(second + 1, ">From ");
	return mail;
}

const char *
recipe_mail_made_from(const RecipeMail *mail)
{
	return mail->made_from;
}

bool
recipe_mail_is_original(const RecipeMail *mail)
{
	return mail->original;
}

size_t
recipe_mail_size(const RecipeMail *mail)
{
	return mail->bytes->len;
}

/* A line end before white space becomes one blank; the white space stays. */
static void
append_unfolded(GString *out, const char *header, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		bool folds = header[i] == '\n' && i + 1 < len &&
		             (header[i + 1] == ' ' || header[i + 1] == '\t');
		g_string_append_c(out, folds ? ' ' : header[i]);
	}
}

const char *
recipe_mail_area(RecipeMail *mail, RecipeParts parts, size_t *ret_len)
{
	if (mail->areas[parts] == NULL) {
		GString *area = mail->areas[parts] = g_string_new(NULL);
		if (parts & RECIPE_HEADER)
			append_unfolded(area, mail->bytes->str, mail->header_len);
		if (parts & RECIPE_BODY)
			g_string_append_len(area, mail->bytes->str + mail->header_len,
			                    (gssize) (mail->bytes->len - mail->header_len));
	}

	*ret_len = mail->areas[parts]->len;
	return mail->areas[parts]->str;
}

bool
recipe_mail_lacks(RecipeMail *mail, RecipeParts parts, const RecipeLiteral *literal)
{
	size_t len;
	const char *text = recipe_mail_area(mail, parts, &len);
	if (len > LIMIT_RECIPE_PREPARED_BYTES)
		return false;

	if (mail->prepared[parts] == NULL)
		mail->prepared[parts] = recipe_literal_prepare(text, len);
	return !recipe_literal_is_in(literal, mail->prepared[parts]);
}

/* The text of each part that is text, as people read it, each with a line end before it. */
static bool
append_texts(GString *out, const RecipeMail *mail, Status *st)
{
	g_autoptr(Message) message = recipe_mail_message(mail, RECIPE_BOTH, st);
	MessageBody body;
	if (message == NULL || !message_body(message, &body))
		return message != NULL;

	g_autoptr(MimeTree) tree = mime_tree_new(message_headers(message), &body, st);
	for (size_t i = 0; tree != NULL && i < mime_tree_count(tree); i++) {
		g_auto(MimeBytes) text = { 0 };
		if (!mime_part_is(mime_tree_part(tree, i), "text", NULL))
			continue;
		if (!mime_tree_text(tree, i, LIMIT_RECIPE_MESSAGE_BYTES, MIME_TEXT_AS_IT_IS, &text,
		                    st))
			return false;
		g_string_append_c(out, '\n');
		g_string_append_len(out, text.data, (gssize) text.len);
	}

	return tree != NULL;
}

const char *
recipe_mail_decoded_area(RecipeMail *mail, RecipeParts parts, size_t *ret_len, Status *st)
{
	size_t len;
	const char *raw = recipe_mail_area(mail, parts, &len);

	if (mail->decoded[parts] == NULL) {
		g_autoptr(GString) text = g_string_new(NULL);
		if ((parts & RECIPE_BODY) && !append_texts(text, mail, st))
			return NULL;
		/* What needs no decoding is not there twice: it would score twice. */
		bool is_plain = text->len == 0 ||
		                (text->len - 1 <= len &&
		                 memcmp(text->str + 1, raw + len - (text->len - 1),
		                        text->len - 1) == 0);
		if (!is_plain)
			g_string_prepend_len(text, raw, (gssize) len);
		mail->decoded[parts] = is_plain ? g_string_new_len(raw, (gssize) len)
		                                : g_steal_pointer(&text);
	}

	*ret_len = mail->decoded[parts]->len;
	return mail->decoded[parts]->str;
}

/* One line end is added unless there is an empty line: procmail does not make up for two. */
static void
end_with_empty_line(GString *bytes)
{
	if (!g_str_has_suffix(bytes->str, "\n\n"))
		g_string_append_c(bytes, '\n');
}

GString *
recipe_mail_bytes(const RecipeMail *mail, RecipeParts parts, bool raw)
{
	size_t from = parts & RECIPE_HEADER ? 0 : mail->header_len;
	size_t to = parts & RECIPE_BODY ? mail->bytes->len : mail->header_len;
	GString *bytes = g_string_new_len(mail->bytes->str + from, (gssize) (to - from));

	if (!raw && (parts & RECIPE_BODY))
		end_with_empty_line(bytes);
	return bytes;
}

RecipeMail *
recipe_mail_filtered(const RecipeMail *mail, RecipeParts parts, const char *output, size_t len)
{
	GString *bytes = g_string_sized_new(len + mail->bytes->len);

	if (!(parts & RECIPE_HEADER))
		g_string_append_len(bytes, mail->bytes->str, (gssize) mail->header_len);
	g_string_append_len(bytes, output, (gssize) len);
	if (!(parts & RECIPE_BODY))
		g_string_append_len(bytes, mail->bytes->str + mail->header_len,
		                    (gssize) (mail->bytes->len - mail->header_len));

	RecipeMail *filtered = mail_take(bytes);
	filtered->made_from = g_strdup(mail->made_from);
	return filtered;
}

/* Octets of the From_ line and of those that were quoted below it. */
static size_t
from_lines_len(const char *data, size_t len)
{
	size_t at = 0;
	while (at < len &&
	       (g_str_has_prefix(data + at, "From ") || g_str_has_prefix(data + at, ">From "))) {
		const char *end = memchr(data + at, '\n', len - at);
		if (end == NULL)
			return len;
		at = (size_t) (end + 1 - data);
	}

	return at;
}

void
recipe_mail_drop_from(GString *bytes)
{
	g_string_erase(bytes, 0, (gssize) from_lines_len(bytes->str, bytes->len));
}

Message *
recipe_mail_message(const RecipeMail *mail, RecipeParts parts, Status *st)
{
	g_autoptr(GString) bytes = recipe_mail_bytes(mail, parts, true);
	size_t skip = parts & RECIPE_HEADER ? from_lines_len(bytes->str, bytes->len) : 0;
	return message_from_bytes(bytes->str + skip, bytes->len - skip, st);
}
