/* SPDX-License-Identifier: MIT */
/* early-record: a line with what a transaction's would begin with (transact-record.c). */
#include "agent/run/early-record.h"

#include "agent/base/event.h"
#include "agent/base/fs.h"
#include "agent/base/outside.h"
#include "agent/run/record-parts.h"
#include "agent/state/outage.h"

/* Can a stranger cause it by whatever address they make up? */
static bool
is_of_strangers(const Status *st)
{
	return st->id == STATUS_UNKNOWN_USER || st->id == STATUS_BAD_ADDRESS;
}

static void
fill(RecordLine *line, const EarlyMail *mail, const Status *st)
{
	record_line_time(line, "time", g_get_real_time());
	record_line_text(line, "door", record_parts_door(mail->door));
	record_line_text(line, "queue_id", mail->queue_id);
	record_line_text(line, "origin_id", mail->origin_id);
	record_line_text(line, "message_id", mail->message_id);
	record_line_text(line, "from", mail->sender);
	record_line_text(line, "to", mail->recipient);
	record_line_text(line, "orig_to", mail->original);
	record_line_text(line, "user", mail->user);
	record_parts_outcome(line, st, event_of_fault(st->id));
}

void
early_record_write(const Conf *conf, const EarlyMail *mail, const Status *st)
{
	bool is_named = mail->queue_id != NULL || mail->origin_id != NULL ||
	                mail->message_id != NULL || mail->recipient != NULL;
	if (!conf->record || *conf->early_record_folder == '\0' || !is_named)
		return;

	/* the rules for the folder are those of the one for outages */
	auto_fd int folder = outage_open_folder(conf->early_record_folder, true);
	if (folder < 0)
		return;

	g_auto(RecordLine) line = { 0 };
	record_line_init(&line);
	fill(&line, mail, st);
	record_line_end(&line);

	g_auto(Status) lost = STATUS_INIT;
	const char *name = is_of_strangers(st) ? EARLY_RECORD_UNKNOWN : EARLY_RECORD_OTHERS;
	g_autofree char *path = g_build_filename(conf->early_record_folder, name, NULL);
	const RecordLineBounds bounds = { g_get_real_time() / G_USEC_PER_SEC, conf->record_max_size,
		                          conf->record_max_age };
	(void) record_line_append(path, &line, &bounds, &lost);
}
