/* SPDX-License-Identifier: MIT */
/* event: the table, and three ways to a row. */
#include "agent/base/event.h"

#include "agent/base/words.h"

#include <string.h>

static EventRow rows[EVENT_COUNT] = {
#define EVENT(id, code, key, cause, remedy) [EVENT_##id] = { code, key, STATUS_OK, cause, remedy },
#define FAULT(id, code) [EVENT_FAULT_##id] = { code, NULL, STATUS_##id, NULL, NULL },
#include "agent/base/event-table.def"
#undef EVENT
#undef FAULT
};

const EventRow *
event_row(EventId id)
{
	g_assert(id < EVENT_COUNT);
	EventRow *row = &rows[id];
	if (row->key == NULL)
		row->key = status_row(row->fault)->name;
	return row;
}

EventId
event_of_fault(StatusId id)
{
	EventId event = 0;
	while (event < EVENT_COUNT && (id == STATUS_OK || rows[event].fault != id))
		event++;
	return event;
}

EventId
event_find(const char *text)
{
	for (EventId id = 0; id < EVENT_COUNT; id++) {
		const EventRow *row = event_row(id);
		if (strcmp(row->code, text) == 0 || strcmp(row->key, text) == 0)
			return id;
	}
	return EVENT_COUNT;
}
