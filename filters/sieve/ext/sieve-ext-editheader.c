/* SPDX-License-Identifier: MIT */
/*
 * editheader: RFC 5293, complete. Edits make a new list of fields that borrows the others; every
 * later test and action, of included and later scripts too, sees it. Protected fields are left
 * alone without a word (6): Received and Auto-Submitted stay, X-Todoke-Mark stays and is not added,
 * and so do those of the site's sieve_protected_headers, and Original-Subject and -From where a
 * message was replaced.
 */
#include "filters/sieve/ext/sieve-ext-table.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-index.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-mime.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"

#include "agent/base/limits.h"
#include "agent/message/mark.h"
#include "agent/message/mime.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

/* Octets of a line before its end (RFC 5322 2.1.1), and how long we like them. */
enum { LINE_LIKED = 78 };

typedef struct {
	unsigned edits; /* each may be a run of fields more to go through */
	/*
	 * octets that the newest list takes to say which fields are where: the older ones are gone
	 */
	size_t order;
} EditheaderState;

/*
 * The edited header, taken over, is that of the run now. It shares with the one before what it left
 * alone.
 */
static bool
take_edited(SieveRun *run, SieveText name, Headers *edited)
{
	EditheaderState *state = sieve_run_state(run, &sieve_ext_editheader);
	size_t before = state->order;
	state->order = headers_order_bytes(edited);
	sieve_mime_set_headers(run, name, edited);
	return sieve_run_hold(run, before, headers_held(edited) + state->order);
}

static bool
count_edit(SieveRun *run, const SieveCall *call)
{
	EditheaderState *state = sieve_run_state(run, &sieve_ext_editheader);
	if (state->edits++ < LIMIT_SIEVE_EDITS)
		return sieve_run_spend(run, state->edits);
	return sieve_run_fail(run, call, STATUS_LIMIT, "more than %u edits of the header",
	                      LIMIT_SIEVE_EDITS);
}

static bool
is_in(const char *list, SieveText name)
{
	g_auto(GStrv) words = g_strsplit_set(list, " ,\t", -1);
	for (size_t i = 0; words[i] != NULL; i++)
		if (words[i][0] != '\0' && sieve_text_is(name, words[i]))
			return true;
	return false;
}

static bool
is_protected(SieveRun *run, SieveText name, bool adding)
{
	if (sieve_text_is(name, MARK_FIELD) || is_in(run->env->conf->sieve_protected_headers, name))
		return true;
	/* What `replace` keeps of the old header must stay, and be true (RFC 5703 5). */
	if (run->replaced > 0 &&
	    (sieve_text_is(name, "original-subject") || sieve_text_is(name, "original-from")))
		return true;

	return !adding &&
	       (sieve_text_is(name, "received") || sieve_text_is(name, "auto-submitted"));
}

static bool
check_field_name(SieveCheck *check, SieveCall *call)
{
	const SieveString *name = &call->positional[0]->strings[0];
	if (name->template == NULL && !sieve_check_is_field_name(name->text))
		return sieve_check_error(check, name->span, "bad-field-name", "no colon, no blank",
		                         "no header field is called '%.*s'", (int) name->text.len,
		                         name->text.data);

	return true;
}

/* The name as it is now; false: it is none, which is a fault. */
static bool
read_name(SieveRun *run, const SieveCall *call, SieveText *ret_name)
{
	*ret_name = sieve_run_text(run, &call->positional[0]->strings[0]);
	if (sieve_check_is_field_name(*ret_name))
		return true;
	return sieve_run_fail(run, call, STATUS_SCRIPT, "no header field is called '%.*s'",
	                      sieve_text_shown(*ret_name, 200), ret_name->data);
}

/* addheader */

static bool
is_too_long(FilterEnv *env, SieveText value)
{
	return value.len > (guint64) env->conf->sieve_max_header_size;
}

/* RFC 5293 4: no field can hold it. */
static bool
has_nul(SieveText value)
{
	return memchr(value.data, '\0', value.len) != NULL;
}

/*
 * A value with folds in it as one line (RFC 5322 2.2.3): the line ends go, the blanks behind them
 * stay. A line end without blanks behind it would begin a field of its own: it becomes a blank.
 * Caller frees.
 */
static char *
unfold(SieveText value)
{
	g_autoptr(GString) line = g_string_sized_new(value.len);
	for (size_t i = 0; i < value.len; i++) {
		char c = value.data[i];
		if (c != '\r' && c != '\n') {
			g_string_append_c(line, c);
			continue;
		}
		while (i + 1 < value.len &&
		       (value.data[i + 1] == '\r' || value.data[i + 1] == '\n'))
			i++;
		bool is_fold = i + 1 < value.len &&
		               (value.data[i + 1] == ' ' || value.data[i + 1] == '\t');
		if (!is_fold)
			g_string_append_c(line, ' ');
	}

	return g_strdup(g_strstrip(line->str));
}

static bool
check_addheader(SieveCheck *check, SieveCall *call)
{
	const SieveString *value = &call->positional[1]->strings[0];

	if (value->template == NULL && is_too_long(sieve_check_env(check), value->text))
		return sieve_check_error(check, value->span, "header-too-long",
		                         "sieve_max_header_size is the limit",
		                         "the value has %zu octets", value->text.len);

	if (value->template == NULL && has_nul(value->text))
		return sieve_check_error(check, value->span, "bad-field-value", NULL,
		                         "the value has a NUL in it");
	return check_field_name(check, call);
}

/*
 * What leaves a blank and a fold where a line gets long; a word longer than a line stays whole.
 * Caller frees.
 */
static char *
fold(const char *name, const char *value)
{
	GString *folded = g_string_new(NULL);
	size_t column = strlen(name) + 1;
	g_auto(GStrv) words = g_strsplit(value, " ", -1);

	for (size_t i = 0; words[i] != NULL; i++) {
		size_t len = strlen(words[i]);
		bool breaks = i > 0 && len > 0 && column + 1 + len > LINE_LIKED;
		if (i > 0)
			g_string_append(folded, breaks ? "\n " : " ");
		g_string_append(folded, words[i]);
		column = breaks ? len + 1 : column + len + 1;
	}

	return g_string_free(folded, FALSE);
}

static bool
is_ascii_text(const char *text)
{
	for (; *text != '\0'; text++)
		if ((guchar) *text >= 127 || ((guchar) *text < 32 && *text != '\t'))
			return false;
	return true;
}

/*
 * Encoded words as the module writes them, cut out of a message that it composes. NULL after a
 * fault. Caller frees.
 */
static char *
encode(SieveRun *run, const SieveCall *call, const char *value)
{
	g_autofree char *valid = g_utf8_make_valid(value, -1);
	const MimeField field = { .name = "X", .value = valid, .kind = MIME_FIELD_TEXT };
	const MimeDraft draft = {
		.fields = &field, .n_fields = 1, .type = "text/plain", .data = "", .len = 0
	};
	g_autoptr(GBytes) bytes = NULL;

	if (!mime_compose(&draft, &bytes, run->st)) {
		sieve_run_trace(run, TRACE_ACTIONS, call, "the value cannot be encoded");
		return NULL;
	}

	gsize len;
	char *block = g_bytes_unref_to_data(g_steal_pointer(&bytes), &len);
	size_t header_len = 0, at = 0;
	g_autoptr(Headers) headers = headers_take_block(block, len, &header_len);
	const HeaderField *found = headers_next(headers, "X", &at);

	return found != NULL ? header_field_value(found) : g_strdup("");
}

static bool
run_addheader(SieveRun *run, const SieveCall *call)
{
	SieveText name, text = sieve_run_text(run, &call->positional[1]->strings[0]);
	if (!read_name(run, call, &name))
		return false;

	if (is_too_long(run->env, text))
		return sieve_run_fail(run, call, STATUS_LIMIT,
		                      "the value has %zu octets (sieve_max_header_size)", text.len);
	if (has_nul(text))
		return sieve_run_fail(run, call, STATUS_SCRIPT, "the value has a NUL in it");

	if (is_protected(run, name, true)) {
		sieve_run_trace(run, TRACE_COMMANDS, call, "%.*s is protected", (int) name.len,
		                name.data);
		return true;
	}

	if (!count_edit(run, call))
		return false;
	size_t n = headers_count(run->headers);
	g_autofree char *line = unfold(text);
	g_autofree char *value = is_ascii_text(line) ? g_strdup(line) : encode(run, call, line);
	if (value == NULL)
		return false;

	g_autofree char *field_name = g_strndup(name.data, name.len),
			*folded = fold(field_name, value);
	bool last = sieve_call_tag(call, "last") != NULL;
	size_t top = last ? n : headers_top(run->headers);
	Headers *edited = headers_new(run->headers, headers_newline(run->headers));
	headers_append_range(edited, run->headers, 0, top);
	headers_append_text(edited, field_name, folded);
	headers_append_range(edited, run->headers, top, n);

	return take_edited(run, name, edited);
}

/* deleteheader */

/* Not SIEVE_HEADER, which only warns of a bad name. */
static bool
check_deleteheader(SieveCheck *check, SieveCall *call)
{
	SieveString *name = &call->positional[0]->strings[0];
	if (!check_field_name(check, call))
		return false;

	if (name->template == NULL)
		name->field = sieve_check_field_slot(check, name->text);
	return true;
}

/* Is the field's value one of those to delete? Without patterns every one is. */
static bool
fits(SieveRun *run, const SieveCall *call, guint number, bool *ret_fits)
{
	SieveMatch match;

	*ret_fits = true;
	if (call->positional[1] == NULL)
		return true;

	return sieve_match_begin(&match, run, call) &&
	       sieve_match_add(&match, sieve_run_field_value(run, number)) &&
	       sieve_match_end(&match, ret_fits);
}

/* The numbers of the fields to delete (guint), in the order of the header. */
static bool
choose(SieveRun *run, const SieveCall *call, GArray *chosen)
{
	size_t n;
	const guint *fields = sieve_run_fields(run, call, &call->positional[0]->strings[0], &n);

	for (size_t i = 0; i < n; i++) {
		bool fitting;
		if (!fits(run, call, fields[i], &fitting))
			return false;
		if (fitting)
			g_array_append_val(chosen, fields[i]);
	}

	return true;
}

static bool
run_deleteheader(SieveRun *run, const SieveCall *call)
{
	SieveText name;
	if (!read_name(run, call, &name) || !count_edit(run, call))
		return false;

	if (is_protected(run, name, false)) {
		sieve_run_trace(run, TRACE_COMMANDS, call, "%.*s is protected", (int) name.len,
		                name.data);
		return true;
	}

	g_autoptr(GArray) chosen = g_array_new(FALSE, FALSE, sizeof(guint));
	if (!choose(run, call, chosen))
		return false;
	if (chosen->len == 0)
		return true;

	Headers *edited = headers_new(run->headers, headers_newline(run->headers));
	size_t from = 0;
	for (guint i = 0; i < chosen->len; i++) {
		guint number = g_array_index(chosen, guint, i);
		headers_append_range(edited, run->headers, from, number);
		from = number + 1;
	}

	headers_append_range(edited, run->headers, from, headers_count(run->headers));
	return take_edited(run, name, edited);
}

static const SieveTagDef add_tags[] = { { .name = "last" }, { .name = NULL } };

static const SieveTagDef delete_tags[] = {
	{ .name = "index", .value = SIEVE_NUMBER, .check = sieve_index_check },
	{ .name = "last", .check = sieve_index_check_last },
	{ .name = NULL }
};

static const SieveCallDef commands[] = { { .name = "addheader",
	                                   .positional = { SIEVE_STRING, SIEVE_STRING },
	                                   .tags = add_tags,
	                                   .check = check_addheader,
	                                   .run = run_addheader },
	                                 { .name = "deleteheader",
	                                   .positional = { SIEVE_STRING,
	                                                   SIEVE_STRINGS | SIEVE_OPTIONAL },
	                                   .flags = SIEVE_USES_MATCH,
	                                   .tags = delete_tags,
	                                   .check = check_deleteheader,
	                                   .run = run_deleteheader },
	                                 { .name = NULL } };

const SieveExt sieve_ext_editheader = { .capability = "editheader",
	                                .rfc = "RFC 5293",
	                                .commands = commands,
	                                .run_state = sizeof(EditheaderState) };
