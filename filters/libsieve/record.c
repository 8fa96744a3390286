/* SPDX-License-Identifier: MIT */
/* record: octets to values and back. */
#include "filters/libsieve/record.h"

#include <string.h>

static void
print_number(GByteArray *out, guint32 number)
{
	g_byte_array_append(out, (const guint8 *) &number, sizeof number);
}

static void
print_text(GByteArray *out, const char *text)
{
	size_t len = strlen(text);
	print_number(out, (guint32) len);
	g_byte_array_append(out, (const guint8 *) text, (guint) len + 1);
}

GByteArray *
record_print_request(const RecordRequest *request)
{
	GByteArray *out = g_byte_array_new();

	print_number(out, RECORD_REQUEST_MAGIC);
	print_number(out, RECORD_VERSION);
	print_number(out, request->size);
	print_text(out, request->delimiters);
	print_text(out, request->script);
	print_number(out, request->queries->len);

	for (guint i = 0; i < request->queries->len; i++) {
		const GPtrArray *values = request->queries->pdata[i];
		print_number(out, values->len);
		for (guint v = 0; v < values->len; v++)
			print_text(out, values->pdata[v]);
	}

	return out;
}

typedef struct {
	const char *at;
	size_t left;
} LibsieveReader;

static bool
take_number(LibsieveReader *reader, guint32 *ret_number)
{
	if (reader->left < sizeof *ret_number)
		return false;
	memcpy(ret_number, reader->at, sizeof *ret_number);
	reader->at += sizeof *ret_number;
	reader->left -= sizeof *ret_number;

	return true;
}

static bool
take_magic(LibsieveReader *reader, guint32 want)
{
	guint32 number;
	return take_number(reader, &number) && number == want;
}

/* Numbers of actions: each action of the script at most once, in its order. */
static bool
take_actions(LibsieveReader *reader, guint32 n_known, Record *record)
{
	guint32 n;
	if (!take_number(reader, &n) || n > n_known)
		return false;

	record->actions = g_new(guint32, n);
	for (; record->n_actions < n; record->n_actions++) {
		guint32 *number = &record->actions[record->n_actions];
		if (!take_number(reader, number) || *number >= n_known)
			return false;
		if (record->n_actions > 0 && *number <= number[-1])
			return false;
	}

	return true;
}

static bool
take_text(LibsieveReader *reader, char **ret_text)
{
	guint32 len;
	if (!take_number(reader, &len) || reader->left <= len ||
	    memchr(reader->at, '\0', (size_t) len + 1) != reader->at + len)
		return false;

	g_autofree char *text = g_utf8_make_valid(reader->at, (gssize) len);
	*ret_text = g_strdelimit(g_steal_pointer(&text), "\r\n\t\033\177", ' ');
	reader->at += len + 1;
	reader->left -= len + 1;

	return true;
}

bool
record_parse(const void *data, size_t len, guint32 n_known, Record *ret_record, Status *st)
{
	LibsieveReader reader = { data, len };
	g_auto(Record) record = { 0 };
	bool good = take_magic(&reader, RECORD_MAGIC) && take_magic(&reader, RECORD_VERSION) &&
	            take_number(&reader, &record.outcome) && record.outcome < RECORD_OUTCOMES &&
	            take_actions(&reader, n_known, &record) && take_text(&reader, &record.text) &&
	            take_magic(&reader, RECORD_END) && reader.left == 0;

	if (!good)
		return status_fail_detail(st, STATUS_ENGINE,
		                          "libsieve's record of %zu octets is broken", len);
	*ret_record = record;
	record = (Record){ 0 };

	return true;
}

void
record_clear(Record *record)
{
	g_clear_pointer(&record->actions, g_free);
	g_clear_pointer(&record->text, g_free);
}
