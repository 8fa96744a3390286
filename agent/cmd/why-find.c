/* SPDX-License-Identifier: MIT */
/*
 * why-find: a line is parsed only where the octets that it must hold are in it, and of lines that
 * only their time chooses just the newest are kept.
 */
#define _GNU_SOURCE
#include "agent/cmd/why-find.h"

#include "agent/base/fs.h"
#include "agent/cmd/why-log.h"
#include "agent/message/mail-ids.h"
#include "agent/message/message.h"
#include "agent/state/record-reader.h"
#include "agent/store/mail-place.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static void
name_free(gpointer data)
{
	WhyName *name = data;
	g_free(name->text);
	g_free(name->queue_id);
	g_free(name->message_id);
	g_free(name->base);
	g_free(name->needle);
	g_free(name);
}

static void
found_free(gpointer data)
{
	WhyFound *found = data;
	json_decref(found->record);
	g_free(found);
}

void
why_query_init(WhyQuery *query)
{
	*query = (WhyQuery){ .names = g_ptr_array_new_with_free_func(name_free) };
}

void
why_query_clear(WhyQuery *query)
{
	g_clear_pointer(&query->names, g_ptr_array_unref);
	g_clear_pointer(&query->from, g_free);
	g_clear_pointer(&query->to, g_free);
}

const char *
why_text(const json_t *object, const char *key)
{
	return json_string_value(json_object_get(object, key));
}

gint64
why_time(const json_t *record)
{
	double seconds = json_number_value(json_object_get(record, "time"));
	return (gint64) (CLAMP(seconds, 0, G_MAXINT32) * G_USEC_PER_SEC);
}

/* What the line of a shadow script has, and few others, whose door then decides. */
#define SHADOW_LINE "\"" RECORD_DOOR_SHADOW "\""

/* What a file tells: its name, and the Message-ID in it. */
static bool
read_name(WhyName *name, const char *path, Status *st)
{
	struct stat sb;
	auto_fd int fd = -1;
	if (!fs_open_regular(path, "the file of a mail", &fd, &sb, st))
		return false;

	g_autoptr(Message) message = message_from_file(fs_steal_fd(&fd), st);
	if (message == NULL)
		return status_prefix(st, "'%s'", path);

	size_t pos = 0;
	const HeaderField *field = headers_next(message_headers(message), "Message-ID", &pos);
	g_autofree char *id = field != NULL ? header_field_value(field) : NULL;
	if (id != NULL)
		name->message_id = g_strndup(id, strcspn(id, " \t"));
	name->base = mail_place_base(path);

	return true;
}

/* The octets that a line must hold; NULL: it may have one name or the other. Caller frees. */
static char *
needle_of(const WhyName *name)
{
	if (name->queue_id != NULL)
		return g_strdup(name->queue_id);
	if (name->base != NULL || name->message_id == NULL)
		return NULL;

	/* As the record writes it. */
	g_auto(RecordLine) line = { 0 };
	record_line_init(&line);
	size_t at = line.len + 1;
	record_line_text(&line, NULL, name->message_id);
	return g_strndup(line.text + at, line.len - at);
}

static bool
find_name(WhyName *name, const char *text, Status *st)
{
	if (text[0] == '<')
		name->message_id = g_strdup(text);
	else if (strchr(text, '/') != NULL || g_file_test(text, G_FILE_TEST_EXISTS))
		return read_name(name, text, st);
	else if (strchr(text, '@') != NULL)
		name->message_id = g_strdup_printf("<%s>", text);
	else
		name->queue_id = g_strdup(text);
	return true;
}

bool
why_query_add(WhyQuery *query, const char *text, Status *st)
{
	WhyName *name = g_new0(WhyName, 1);
	name->text = g_strdup(text);
	g_ptr_array_add(query->names, name);

	if (!find_name(name, text, st))
		return false;
	name->needle = needle_of(name);
	return true;
}

static void
add_known(WhyQuery *query, const char *queue_id, const char *message_id)
{
	WhyName *name = g_new0(WhyName, 1);
	name->text = g_strdup(queue_id != NULL ? queue_id : message_id);
	name->queue_id = g_strdup(queue_id);
	name->message_id = g_strdup(message_id);
	name->needle = needle_of(name);
	g_ptr_array_add(query->names, name);
}

void
why_query_add_id(WhyQuery *query, const char *queue_id)
{
	if (mail_ids_is_queue_id(queue_id))
		add_known(query, queue_id, NULL);
}

void
why_query_add_message_id(WhyQuery *query, const char *message_id)
{
	if (message_id[0] == '<')
		add_known(query, NULL, message_id);
}

static bool
is_text(const json_t *record, const char *key, const char *want)
{
	const char *text = why_text(record, key);
	return text != NULL && want != NULL && strcmp(text, want) == 0;
}

/* The whole address without case, or its domain. */
static bool
is_address(const json_t *record, const char *key, const char *want)
{
	const char *text = why_text(record, key);
	return text != NULL && why_log_is_address(text, want);
}

/* Does the other side's answer give the copy this queue id, and not a longer one? */
static bool
is_queued_as(const char *reply, const char *id)
{
	static const char words[] = "queued as ";
	const char *queued = reply != NULL && id != NULL ? strstr(reply, words) : NULL;
	return queued != NULL && g_str_has_prefix(queued + strlen(words), id) &&
	       !g_ascii_isalnum(queued[strlen(words) + strlen(id)]);
}

/* Did a copy that went out get this queue id, or was a file stored under this name? */
static bool
has_done(const json_t *record, const WhyName *name)
{
	const json_t *done = json_object_get(record, "done"), *one;
	size_t i;

	json_array_foreach(done, i, one)
	{
		const char *file = why_text(one, "file"), *reply = why_text(one, "reply");
		g_autofree char *base = file != NULL ? mail_place_base(file) : NULL;
		if (base != NULL && g_strcmp0(base, name->base) == 0)
			return true;
		if (is_queued_as(reply, name->queue_id))
			return true;
	}

	return false;
}

static bool
fits_name(const WhyQuery *query, const json_t *record)
{
	for (guint i = 0; i < query->names->len; i++) {
		const WhyName *name = query->names->pdata[i];
		if (is_text(record, "queue_id", name->queue_id) ||
		    is_text(record, "origin_id", name->queue_id) ||
		    is_text(record, "message_id", name->message_id) || has_done(record, name))
			return true;
	}
	return query->names->len == 0;
}

bool
why_query_fits(const WhyQuery *query, const json_t *record)
{
	bool is_shadow = g_strcmp0(why_text(record, "door"), RECORD_DOOR_SHADOW) == 0;
	if (is_shadow != query->shadow)
		return false;
	if (query->since_us != 0 && why_time(record) < query->since_us)
		return false;
	if (query->from != NULL && !is_address(record, "from", query->from))
		return false;
	if (query->to != NULL && !is_address(record, "to", query->to) &&
	    !is_address(record, "orig_to", query->to) && !is_address(record, "user", query->to))
		return false;
	return fits_name(query, record);
}

/* A line as it was read. */
typedef struct {
	gint64 time_us, began_us; /* `began_us` for the order */
	char *text;
	size_t len;
	RecordOwner *owner;
} Line;

static void
line_free(gpointer data)
{
	Line *line = data;
	g_free(line->text);
	g_free(line);
}

/* Reading on its way, over all owners. */
typedef struct {
	const WhyQuery *query;
	RecordOwner *owner;
	GPtrArray *lines; /* Line */
	guint first;      /* of this owner's lines */
	unsigned left;
} Reading;

/* Has it the octets of one of the names? */
static bool
holds_a_name(const WhyQuery *query, const char *text, size_t len)
{
	for (guint i = 0; i < query->names->len; i++) {
		const char *needle = ((const WhyName *) query->names->pdata[i])->needle;
		if (needle == NULL || memmem(text, len, needle, strlen(needle)) != NULL)
			return true;
	}
	return query->names->len == 0;
}

/* Can the line fit, as far as its octets tell? */
static bool
may_fit(const WhyQuery *query, const char *text, size_t len)
{
	if (query->since_us != 0 && record_reader_time(text, len) < query->since_us)
		return false;
	if (!holds_a_name(query, text, len))
		return false;
	return (query->from == NULL || why_log_holds(text, len, query->from)) &&
	       (query->to == NULL || why_log_holds(text, len, query->to));
}

static bool
fits_exactly(const WhyQuery *query, const RecordOwner *owner, const char *text, size_t len)
{
	bool may_be_shadow = memmem(text, len, SHADOW_LINE, strlen(SHADOW_LINE)) != NULL;
	if (query->names->len == 0 && query->from == NULL && query->to == NULL && !may_be_shadow &&
	    owner->only == NULL)
		return !query->shadow; /* the time alone chooses */
	json_t *record = record_reader_parse(text, len);
	bool fits = record != NULL && why_query_fits(query, record) &&
	            record_owner_has(owner, record);
	json_decref(record);
	return fits;
}

static bool
take_line(void *user, const char *text, size_t len)
{
	Reading *reading = user;
	const WhyQuery *query = reading->query;
	if (!may_fit(query, text, len) || !fits_exactly(query, reading->owner, text, len))
		return true;

	Line *line = g_new(Line, 1);
	*line = (Line){ .time_us = record_reader_time(text, len),
		        .text = g_strndup(text, len),
		        .len = len,
		        .owner = reading->owner };
	g_ptr_array_add(reading->lines, line);

	/* An owner's lines are in order: the first of too many is none of the last. */
	if (query->last > 0 && reading->lines->len - reading->first > 2 * query->last) {
		reading->left += query->last;
		g_ptr_array_remove_range(reading->lines, reading->first, query->last);
	}

	return true;
}

static void
read_owner(Reading *reading, const Conf *conf, const char *needle)
{
	g_auto(Status) st = STATUS_INIT, left = STATUS_INIT;
	RecordOwner *owner = reading->owner;
	bool is_there = record_owner_enter(conf, owner, &st);

	const char *closed = record_owner_closed(owner, &st);
	if (closed != NULL)
		fprintf(stderr, "todoke why: %s\n", closed);
	if (is_there && !record_reader_run(owner->path, needle, take_line, reading, &st))
		fprintf(stderr, "todoke why: %s\n", st.detail);
	if (!record_owner_leave(owner, &left))
		g_error("%s", left.detail);
}

/*
 * When the delivery began. Its line has the time at which it ended, and whoever passes a mail on
 * may end after the next hop has.
 */
static gint64
began(const Line *line)
{
	static const char key[] =
		"\"delay_us\":{\"total\":"; /* stands in no text, for its quotes */
	const char *at = memmem(line->text, line->len, key, strlen(key));
	gint64 delay_us = at != NULL ? g_ascii_strtoll(at + strlen(key), NULL, 10) : 0;
	return line->time_us - CLAMP(delay_us, 0, line->time_us);
}

static int
by_time(gconstpointer a, gconstpointer b)
{
	const Line *one = *(const Line *const *) a, *other = *(const Line *const *) b;
	return one->began_us < other->began_us ? -1 : one->began_us > other->began_us;
}

GPtrArray *
why_find(const WhyQuery *query, const Conf *conf, GPtrArray *owners, unsigned *ret_left)
{
	g_autoptr(GPtrArray) lines = g_ptr_array_new_with_free_func(line_free);
	GPtrArray *all = g_ptr_array_new_with_free_func(found_free);
	const WhyName *only = query->names->len == 1 ? query->names->pdata[0] : NULL;
	const char *needle = only != NULL ? only->needle : NULL;
	Reading reading = { .query = query, .lines = lines };

	for (guint i = 0; i < owners->len; i++) {
		reading.owner = owners->pdata[i];
		reading.first = lines->len;
		read_owner(&reading, conf, needle);
	}

	for (guint i = 0; i < lines->len; i++) {
		Line *line = lines->pdata[i];
		line->began_us = began(line);
	}
	g_ptr_array_sort(lines, by_time);
	guint first = query->last > 0 && lines->len > query->last ? lines->len - query->last : 0;
	*ret_left = reading.left + first;
	for (guint i = first; i < lines->len; i++) {
		const Line *line = lines->pdata[i];
		json_t *record = record_reader_parse(line->text, line->len);
		if (record == NULL)
			continue;
		WhyFound *found = g_new(WhyFound, 1);
		*found = (WhyFound){ line->time_us, record, line->owner };
		g_ptr_array_add(all, found);
	}

	return all;
}
