/* SPDX-License-Identifier: MIT */
/* rewrite: the tree to text, and the values that its tests ask for. */
#include "filters/libsieve/rewrite.h"

#include "agent/base/limits.h"
#include "filters/libsieve/subset.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-compare.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

/* What a test wants to know of a field. */
typedef enum { ASK_PRESENT, ASK_VALUES, ASK_NUMBERS, ASK_ADDRESSES, ASK_ENVELOPE } Ask;

static const char asks[] = { 'p', 'v', 'n', 'a', 'e' };

typedef struct {
	SieveRun *run;
	GString *out;
	GPtrArray *queries;
	GPtrArray *actions;
	GHashTable *known; /* "v:subject" -> number + 1 */
	GArray *facts;     /* Facts, by number */
	size_t value_bytes;
	bool uses_regex;
	bool uses_relational;
	bool uses_subaddress;
} Writer;

/* What is to be known of the values of a query. */
typedef struct {
	const char *doubt; /* why the library must not see them; NULL: it may */
	size_t longest;
	bool is_ascii;
} Facts;

static void
add_value(Writer *writer, GPtrArray *values, Facts *facts, SieveText text)
{
	writer->value_bytes += text.len;
	if (writer->value_bytes > LIMIT_LIBSIEVE_VALUES) {
		facts->doubt = "the values are too many";
		return;
	}

	facts->longest = MAX(facts->longest, text.len);
	for (size_t i = 0; i < text.len && facts->is_ascii; i++)
		facts->is_ascii = (guchar) text.data[i] < 128;
	g_ptr_array_add(values, g_strndup(text.data, text.len));
}

/*
 * The number at the front, for atoi(); what is none, or does not fit, is infinity (RFC 4790 9.1.1),
 * and keys are smaller.
 */
static SieveText
as_number(SieveText value, char buffer[16])
{
	guint64 number = 0;
	size_t i = 0;

	for (; i < value.len && g_ascii_isdigit(value.data[i]) && number < G_MAXINT32; i++)
		number = number * 10 + (guint64) (value.data[i] - '0');
	number = i == 0 ? G_MAXINT32 : MIN(number, G_MAXINT32);
	int len = g_snprintf(buffer, 16, "%u", (guint) number);

	return (SieveText){ buffer, (size_t) len };
}

static bool
is_plain_half(SieveText half)
{
	bool after_atom = false;
	if (half.len > LIMIT_LIBSIEVE_ADDRESS_HALF)
		return false;

	for (size_t i = 0; i < half.len; i++) {
		bool is_atom = g_ascii_isalnum(half.data[i]) ||
		               strchr("!#$%&'*+-/=?^_`{|}~", half.data[i]) != NULL;
		if (!is_atom && (half.data[i] != '.' || !after_atom))
			return false;
		after_atom = is_atom;
	}

	return after_atom;
}

/* As the library reads it without trouble: atoms and dots, an "@" between them. */
static bool
is_plain_address(const SieveAddress *address)
{
	return address->valid && memchr(address->all.data, '\0', address->all.len) == NULL &&
	       is_plain_half(address->local) && is_plain_half(address->domain);
}

static void
add_address(Writer *writer, GPtrArray *values, Facts *facts, const SieveAddress *address)
{
	if (values->len >= LIMIT_LIBSIEVE_ADDRESSES)
		facts->doubt = "the addresses are too many";
	else if (is_plain_address(address))
		add_value(writer, values, facts, address->all);
	else
		facts->doubt = "an address is not plain";
}

static void
ask_envelope(Writer *writer, const SieveString *name, GPtrArray *values, Facts *facts)
{
	SieveRun *run = writer->run;
	const Envelope *envelope = run->input->envelope;
	const char *to = envelope->original != NULL ? envelope->original : envelope->recipient;
	const char *text = sieve_text_is(name->text, "from") ? envelope->sender : to;

	if (text == NULL)
		return;
	SieveAddress address = sieve_value_envelope_address(run->scratch, text);
	if (*text == '\0')
		facts->doubt = "the sender is the null sender";
	else
		add_address(writer, values, facts, &address);
}

static bool
ask_field(Writer *writer, Ask ask, guint field, GPtrArray *values, Facts *facts)
{
	SieveRun *run = writer->run;
	char buffer[16];
	size_t n = 0;
	const SieveAddress *addresses;

	switch (ask) {
	case ASK_VALUES:
		add_value(writer, values, facts, sieve_run_field_value(run, field));
		break;
	case ASK_NUMBERS:
		add_value(writer, values, facts,
		          as_number(sieve_run_field_value(run, field), buffer));
		break;
	case ASK_ADDRESSES:
		addresses = sieve_run_field_addresses(run, field, &n);
		for (size_t i = 0; i < n && facts->doubt == NULL; i++)
			add_address(writer, values, facts, &addresses[i]);
		break;
	default:
		add_value(writer, values, facts, SIEVE_TEXT(""));
	}

	return sieve_run_spend(run, n + 1);
}

/* The number of the query, made where it is new. False after a fault. */
static bool
find_query(Writer *writer, Ask ask, const SieveString *name, guint *ret_number)
{
	g_autofree char *plain = g_strndup(name->text.data, name->text.len);
	g_autofree char *lower = g_ascii_strdown(plain, -1);
	g_autofree char *key = g_strdup_printf("%c:%s", asks[ask], lower);
	guint number = GPOINTER_TO_UINT(g_hash_table_lookup(writer->known, key));

	if (number > 0) {
		*ret_number = number - 1;
		return true;
	}

	GPtrArray *values = g_ptr_array_new_with_free_func(g_free);
	Facts facts = { .is_ascii = true };
	g_ptr_array_add(writer->queries, values);

	size_t n = 0;
	const guint *fields = ask != ASK_ENVELOPE ? sieve_run_fields(writer->run, NULL, name, &n)
	                                          : NULL;
	if (ask == ASK_ENVELOPE)
		ask_envelope(writer, name, values, &facts);
	for (size_t i = 0; i < (ask == ASK_PRESENT ? MIN(n, 1) : n) && facts.doubt == NULL; i++)
		if (!ask_field(writer, ask, fields[i], values, &facts))
			return false;
	if (facts.doubt != NULL) /* nobody will ask for them */
		g_ptr_array_set_size(values, 0);
	g_array_append_val(writer->facts, facts);
	*ret_number = writer->queries->len - 1;
	g_hash_table_insert(writer->known, g_steal_pointer(&key),
	                    GUINT_TO_POINTER(writer->queries->len));

	return true;
}

static Ask
ask_of(const SieveCall *test)
{
	if (strcmp(test->def->name, "exists") == 0)
		return ASK_PRESENT;
	if (strcmp(test->def->name, "address") == 0)
		return ASK_ADDRESSES;
	if (strcmp(test->def->name, "envelope") == 0)
		return ASK_ENVELOPE;

	return subset_is_numeric(test) && subset_match(test) != SUBSET_COUNT ? ASK_NUMBERS
	                                                                     : ASK_VALUES;
}

/* Why our own engine must decide this test, as far as one query goes; NULL: the library may. */
static const char *
doubt_of(const Writer *writer, const SieveCall *test, guint number)
{
	const Facts *facts = &g_array_index(writer->facts, Facts, number);
	SubsetMatch match = test->match != NULL ? subset_match(test) : SUBSET_NO_MATCH;
	bool is_pattern = match == SUBSET_MATCHES || match == SUBSET_REGEX;

	if (facts->doubt != NULL)
		return facts->doubt;
	if (is_pattern && facts->longest > LIMIT_LIBSIEVE_PATTERN_VALUE)
		return "a value is too long for a pattern";
	if (match == SUBSET_REGEX && !facts->is_ascii)
		return "a value is not ASCII";
	if (match == SUBSET_COUNT && ((const GPtrArray *) writer->queries->pdata[number])->len == 0)
		return "there is nothing to count";
	if (match == SUBSET_COUNT && test->part != NULL && strcmp(test->part->name, "detail") == 0)
		return "an address without a detail counts, too";

	return NULL;
}

static void
write_quoted(GString *out, SieveText text)
{
	g_string_append_c(out, '"');
	g_string_append_len(out, text.data, (gssize) text.len);
	g_string_append_c(out, '"');
}

static void
write_keys(GString *out, const SieveArg *keys)
{
	g_string_append_c(out, '[');
	for (size_t i = 0; i < keys->n; i++) {
		g_string_append(out, i > 0 ? ", " : "");
		write_quoted(out, keys->strings[i].text);
	}

	g_string_append_c(out, ']');
}

static void
write_names(GString *out, const GArray *numbers)
{
	g_string_append_c(out, '[');
	for (guint i = 0; i < numbers->len; i++)
		g_string_append_printf(out, "%s\"q%u\"", i > 0 ? ", " : "",
		                       g_array_index(numbers, guint, i));
	g_string_append_c(out, ']');
}

static void
write_match(Writer *writer, const SieveCall *test, const GArray *numbers)
{
	const SieveMatchSpec *spec = test->match;
	SubsetMatch match = subset_match(test);
	bool has_part = test->part != NULL;

	g_string_append_printf(writer->out, "%s",
	                       strcmp(test->def->name, "header") == 0 ? "header" : "address");
	if (has_part)
		g_string_append_printf(writer->out, " :%s", test->part->name);
	g_string_append_printf(writer->out, " :comparator \"%s\" :%s ", spec->comparator->name,
	                       spec->def->name);

	if (spec->value != NULL) {
		write_quoted(writer->out, spec->value->strings[0].text);
		g_string_append_c(writer->out, ' ');
	}

	write_names(writer->out, numbers);
	g_string_append_c(writer->out, ' ');
	write_keys(writer->out, spec->key_arg);
	writer->uses_regex = writer->uses_regex || match == SUBSET_REGEX;
	writer->uses_relational = writer->uses_relational || match == SUBSET_VALUE ||
	                          match == SUBSET_COUNT;
	writer->uses_subaddress = writer->uses_subaddress ||
	                          (has_part && (strcmp(test->part->name, "user") == 0 ||
	                                        strcmp(test->part->name, "detail") == 0));
}

static bool
write_decided(Writer *writer, const SieveCall *test, const char *doubt)
{
	bool result;

	sieve_run_trace(writer->run, TRACE_TESTS, test, "%s: decided by our own engine: %s",
	                test->def->name, doubt);
	if (!sieve_run_test(writer->run, test, &result))
		return false;

	g_string_append(writer->out, result ? "true" : "false");
	return true;
}

/* A test of the message by names of fields: header, address, envelope, exists. */
static bool
write_asking(Writer *writer, const SieveCall *test)
{
	g_autoptr(GArray) numbers = g_array_new(FALSE, FALSE, sizeof(guint));
	const SieveArg *names = test->positional[0];

	for (size_t i = 0; i < names->n; i++) {
		guint number;
		if (!find_query(writer, ask_of(test), &names->strings[i], &number))
			return false;
		const char *doubt = doubt_of(writer, test, number);
		if (doubt != NULL)
			return write_decided(writer, test, doubt);
		g_array_append_val(numbers, number);
	}

	if (test->match != NULL) {
		write_match(writer, test, numbers);
		return true;
	}

	g_string_append(writer->out, "exists ");
	write_names(writer->out, numbers);
	return true;
}

static bool write_test(Writer *writer, const SieveCall *test);

static bool
write_tests(Writer *writer, const SieveCall *test)
{
	g_string_append_printf(writer->out, "%s (", test->def->name);
	for (size_t i = 0; i < test->n_tests; i++) {
		g_string_append(writer->out, i > 0 ? ", " : "");
		if (!write_test(writer, test->tests[i]))
			return false;
	}

	g_string_append_c(writer->out, ')');
	return true;
}

static bool
write_test(Writer *writer, const SieveCall *test)
{
	const char *name = test->def->name;
	if (test->match != NULL || strcmp(name, "exists") == 0)
		return write_asking(writer, test);
	if ((test->def->flags & SIEVE_TAKES_TESTS) != 0)
		return write_tests(writer, test);

	g_string_append(writer->out, name);
	if (strcmp(name, "size") == 0)
		g_string_append_printf(writer->out, " :%s %" G_GUINT64_FORMAT,
		                       sieve_call_tag_of(test, "size")->def->name,
		                       test->positional[0]->number);

	if (test->n_tests == 0)
		return true;
	g_string_append_c(writer->out, ' ');
	return write_test(writer, test->tests[0]);
}

static void
write_action(Writer *writer, const SieveCall *call)
{
	g_string_append_printf(writer->out, "fileinto \"%u\";\n", writer->actions->len);
	g_ptr_array_add(writer->actions, (gpointer) call);
}

static bool
write_block(Writer *writer, const SieveCall *first)
{
	for (const SieveCall *call = first; call != NULL; call = call->next) {
		const char *name = call->def->name;
		if ((call->def->flags & SIEVE_AT_TOP) != 0)
			continue;
		if ((call->def->flags & SIEVE_IS_ACTION) != 0) {
			write_action(writer, call);
			continue;
		}
		g_string_append(writer->out, name);
		if (call->n_tests > 0) {
			g_string_append_c(writer->out, ' ');
			if (!write_test(writer, call->tests[0]))
				return false;
		}
		if (!call->has_block) {
			g_string_append(writer->out, ";\n");
			continue;
		}
		g_string_append(writer->out, " {\n");
		if (!write_block(writer, call->block))
			return false;
		g_string_append(writer->out, "}\n");
	}
	return true;
}

/* A script that only requires things is wrong to the library: a stop is always at its end. */
static GString *
with_require(const Writer *writer)
{
	GString *script = g_string_new("require [\"fileinto\"");

	g_string_append(script, writer->uses_regex ? ", \"regex\"" : "");
	g_string_append(script, writer->uses_relational ? ", \"relational\"" : "");
	g_string_append(script, writer->uses_subaddress ? ", \"subaddress\"" : "");
	g_string_append_printf(script, "];\n%sstop;\n", writer->out->str);

	return script;
}

bool
rewrite_program(SieveRun *run, Rewrite *ret_rewrite)
{
	g_autoptr(GHashTable) known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
	g_autoptr(GArray) facts = g_array_new(FALSE, FALSE, sizeof(Facts));
	g_autoptr(GString) out = g_string_new(NULL);

	g_autoptr(GPtrArray)
		queries = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref);
	g_autoptr(GPtrArray) actions = g_ptr_array_new();
	Writer writer = { .run = run,
		          .out = out,
		          .queries = queries,
		          .actions = actions,
		          .known = known,
		          .facts = facts };
	if (!write_block(&writer, run->program->first))
		return false;

	*ret_rewrite = (Rewrite){ with_require(&writer), g_steal_pointer(&queries),
		                  g_steal_pointer(&actions) };
	return true;
}

void
rewrite_clear(Rewrite *rewrite)
{
	if (rewrite->script != NULL)
		g_string_free(g_steal_pointer(&rewrite->script), TRUE);
	g_clear_pointer(&rewrite->queries, g_ptr_array_unref);
	g_clear_pointer(&rewrite->actions, g_ptr_array_unref);
}
