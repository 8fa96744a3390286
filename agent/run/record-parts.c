/* SPDX-License-Identifier: MIT */
/* record-parts: doors by name, and the outcome. */
#include "agent/run/record-parts.h"

#include "agent/base/outside.h"

static const char *const doors[] = {
	[DOOR_PIPE] = "pipe",
	[DOOR_LOCAL] = "local",
	[DOOR_LMTP] = "lmtp",
	[DOOR_TRY] = "try",
};

const char *
record_parts_door(EnvelopeDoor door)
{
	return doors[door];
}

/* Who else failed. */
static void
add_outside(RecordLine *line, const GPtrArray *failures)
{
	if (failures->len == 0)
		return;

	record_line_open(line, "outside", '[');
	for (guint i = 0; i < failures->len && record_line_has_room(line); i++) {
		const Outside *outside = failures->pdata[i];
		record_line_open(line, NULL, '{');
		record_line_text(line, "account", outside->account);
		record_line_text(line, "protocol", outside->protocol);
		record_line_text(line, "peer", outside->peer);
		record_line_text(line, "command", outside->command);
		record_line_text(line, "reply", outside->reply);
		record_line_close(line, '{');
	}
	record_line_close(line, '[');
}

void
record_parts_outcome(RecordLine *line, const Status *st, EventId event)
{
	bool is_good = st->id == STATUS_OK, again = status_is_temporary(st);

	record_line_text(line, "status", is_good ? "sent" : again ? "deferred" : "bounced");
	record_line_text(line, "dsn", status_dsn(st));
	record_line_text(line, "code", event_row(event)->code);
	if (!is_good) {
		record_line_text(line, "fault", status_row(st->id)->name);
		record_line_text(line, "text", status_text(st));
		record_line_text(line, "detail", st->detail);
	}
	add_outside(line, outside_seen());
}
