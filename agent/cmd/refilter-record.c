/* SPDX-License-Identifier: MIT */
/* refilter-record: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/refilter-record.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/state/record-reader.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
refilter_record_init(RefilterRecord *record, const Account *account, const Conf *conf, Status *st)
{
	gint64 now_us = g_get_real_time();
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_utc(now_us / G_USEC_PER_SEC);
	g_autofree char *text = g_date_time_format(time, "%Y-%m-%dT%H:%M:%S");

	*record = (RefilterRecord){ .user = account->user };
	(void) snprintf(record->run, sizeof record->run, "%s.%03dZ", text,
	                (int) (now_us % G_USEC_PER_SEC / 1000));
	if (!conf->record)
		return true;

	record->path = account_record_path(account, conf, st);
	return record->path != NULL;
}

void
refilter_record_clear(RefilterRecord *record)
{
	g_clear_pointer(&record->path, g_free);
	g_clear_pointer(&record->undoes, g_free);
}

/* What mail it is, from an earlier line about it. */
static void
add_mail(RecordLine *line, const json_t *mail)
{
	static const char *const keys[] = { "message_id", "from", "to", "orig_to", "user" };
	for (size_t i = 0; i < G_N_ELEMENTS(keys); i++)
		record_line_text(line, keys[i], json_string_value(json_object_get(mail, keys[i])));
	record_line_int(line, "size", json_integer_value(json_object_get(mail, "size")));
}

static void
begin(RecordLine *line, const RefilterRecord *record)
{
	record_line_init(line);
	record_line_time(line, "time", g_get_real_time());
	record_line_text(line, "door", RECORD_DOOR_REFILTER);
	record_line_text(line, "run", record->run);
	record_line_text(line, "undoes", record->undoes);
}

static void
add_done(RecordLine *line, const RefilterMove *move)
{
	record_line_open(line, "done", '[');
	record_line_open(line, NULL, '{');
	record_line_text(line, "action", move->action);
	record_line_text(line, "folder", move->folder);
	record_line_text(line, "file", move->file);
	record_line_int(line, "bytes", (gint64) move->bytes);
	record_line_text(line, "from_folder", move->from_folder);
	record_line_text(line, "from_file", move->from_file);
	record_line_text(line, "sha256", move->sha256);
	record_line_close(line, '{');
	record_line_close(line, '[');
}

/* A run is undone as a whole: it does not put the record aside in its midst. */
static bool
append(const RefilterRecord *record, RecordLine *line, Status *st)
{
	const RecordLineBounds never = { g_get_real_time() / G_USEC_PER_SEC, G_MAXINT64,
		                         G_MAXINT32 };
	record_line_end(line);
	return record_line_append(record->path, line, &never, st);
}

/* Does the record hold the text as it is? */
static bool
fits(const char *text)
{
	return strlen(text) <= LIMIT_RECORD_VALUE && g_utf8_validate(text, -1, NULL);
}

bool
refilter_record_move(const RefilterRecord *record, const RefilterMove *move,
                     const Transact *transact, const json_t *mail, Status *st)
{
	if (record->path == NULL)
		return true;
	if (!fits(move->file) || !fits(move->from_file))
		return status_fail_detail(st, STATUS_LIMIT,
		                          "the record cannot hold its name, so nobody could undo "
		                          "the move");

	g_auto(RecordLine) line = { 0 };
	begin(&line, record);
	record_line_text(&line, "status", "sent");
	record_line_text(&line, "dsn", "2.0.0");
	add_done(&line, move);
	if (transact != NULL)
		transact_record_rules(transact, &line);
	if (mail != NULL)
		add_mail(&line, mail);

	return append(record, &line, st) || status_prefix(st, "no record");
}

void
refilter_record_failed(const RefilterRecord *record, const RefilterMove *move, const char *why)
{
	g_auto(RecordLine) line = { 0 };
	g_auto(Status) dropped = STATUS_INIT; /* who undoes it finds the mail where it was */
	if (record->path == NULL)
		return;

	begin(&line, record);
	record_line_text(&line, "status", "deferred");
	record_line_text(&line, "detail", why);
	record_line_text(&line, "not_moved", move->from_file);
	record_line_text(&line, "user", record->user);
	(void) append(record, &line, &dropped);
}

void
refilter_record_ended(const RefilterRecord *record)
{
	g_auto(RecordLine) line = { 0 };
	g_auto(Status) dropped = STATUS_INIT;
	if (record->path == NULL)
		return;

	begin(&line, record);
	record_line_text(&line, "status", "sent");
	record_line_text(&line, "dsn", "2.0.0");
	record_line_text(&line, "user", record->user);
	record_line_true(&line, "ended");
	(void) append(record, &line, &dropped);
}

static void
past_free(gpointer data)
{
	RefilterPast *past = data;
	g_free(past->name);
	g_ptr_array_unref(past->lines);
	g_free(past);
}

static void
line_free(gpointer line)
{
	json_decref(line);
}

/* Reading on its way. */
typedef struct {
	const RefilterRecord *record;
	GPtrArray *runs;
} Reading;

static RefilterPast *
find_run(GPtrArray *runs, const char *name)
{
	for (guint i = runs->len; i > 0; i--) {
		RefilterPast *past = runs->pdata[i - 1];
		if (strcmp(past->name, name) == 0)
			return past;
	}
	return NULL;
}

static RefilterPast *
add_run(GPtrArray *runs, const char *name, bool is_undo)
{
	RefilterPast *past = g_new0(RefilterPast, 1);
	past->name = g_strdup(name);
	past->is_undo = is_undo;
	past->lines = g_ptr_array_new_with_free_func(line_free);
	g_ptr_array_add(runs, past);
	return past;
}

static const char *
text_of(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

/* The end of an undo. */
static void
take_end(const Reading *reading, const json_t *line)
{
	const char *undoes = text_of(line, "undoes");
	RefilterPast *undone = undoes != NULL ? find_run(reading->runs, undoes) : NULL;
	if (undone != NULL)
		undone->was_undone = true;
}

/* A move. Takes `line`. */
static void
take_move(const Reading *reading, const char *run, json_t *line)
{
	RefilterPast *past = find_run(reading->runs, run);
	if (past == NULL)
		past = add_run(reading->runs, run, text_of(line, "undoes") != NULL);
	g_ptr_array_add(past->lines, line);
}

/* A line of this user's; the owner may have written anything into the record. */
static bool
take_line(void *user, const char *text, size_t len)
{
	const Reading *reading = user;
	json_t *line = record_reader_parse(text, len);
	const char *run = text_of(line, "run");

	bool is_ours = g_strcmp0(text_of(line, "door"), RECORD_DOOR_REFILTER) == 0 && run != NULL &&
	               g_strcmp0(text_of(line, "user"), reading->record->user) == 0;
	if (is_ours && json_is_true(json_object_get(line, "ended")))
		take_end(reading, line);
	if (is_ours && json_array_size(json_object_get(line, "done")) > 0)
		take_move(reading, run, json_incref(line));
	json_decref(line);

	return true;
}

GPtrArray *
refilter_record_runs(const RefilterRecord *record, Status *st)
{
	g_autoptr(GPtrArray) runs = g_ptr_array_new_with_free_func(past_free);
	Reading reading = { record, runs };
	if (record->path == NULL) {
		status_fail_detail(st, STATUS_CONFIG,
		                   "there is no record (record = no), so nothing can be undone");
		return NULL;
	}

	if (!record_reader_run(record->path, "\"" RECORD_DOOR_REFILTER "\"", take_line, &reading,
	                       st))
		return NULL;
	return g_steal_pointer(&runs);
}

char *
refilter_record_hash(int fd, Status *st)
{
	enum { PIECE = 64 * 1024 };
	g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
	g_autofree guchar *buffer = g_malloc(PIECE);
	size_t len = 0;
	off_t at = 0;

	do {
		if (!fs_read_at(fd, at, (char *) buffer, PIECE, &len, "message", st))
			return NULL;
		g_checksum_update(sum, buffer, (gssize) len);
		at += (off_t) len;
	} while (len > 0);

	return g_strdup(g_checksum_get_string(sum));
}
