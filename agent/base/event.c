/* SPDX-License-Identifier: MIT */
/* event: the table, and three ways to a row. */
#include "agent/base/event.h"

#include "agent/base/words.h"

#include <string.h>

/*
 * The table has no pointers, as the dynamic linker adjusts each of them in each delivery: a row has
 * the offsets of its texts in this.
 */
static const struct {
#define EVENT(id, code, key, cause, remedy) \
	char cause_##id[sizeof cause], remedy_##id[sizeof remedy];
#define FAULT(id, code)
#include "agent/base/event-table.def"
#undef EVENT
#undef FAULT
} texts = {
#define EVENT(id, code, key, cause, remedy) cause, remedy,
#define FAULT(id, code)
#include "agent/base/event-table.def"
#undef EVENT
#undef FAULT
};

#define TEXT_AT(member) G_STRUCT_OFFSET(__typeof__(texts), member)

static const EventRow rows[EVENT_COUNT] = {
#define EVENT(id, code, key, cause, remedy) \
	[EVENT_##id] = { code, key, STATUS_OK, TEXT_AT(cause_##id), TEXT_AT(remedy_##id) },
#define FAULT(id, code) [EVENT_FAULT_##id] = { code, "", STATUS_##id, 0, 0 },
#include "agent/base/event-table.def"
#undef EVENT
#undef FAULT
};

/* The compiler says nothing of a text that fits but for its NUL. */
#define EVENT(id, number, word, cause, remedy) \
	G_STATIC_ASSERT(sizeof number <= sizeof rows[0].code && \
	                sizeof word <= sizeof rows[0].own_key);
#define FAULT(id, number) G_STATIC_ASSERT(sizeof number <= sizeof rows[0].code);
#include "agent/base/event-table.def"
#undef EVENT
#undef FAULT

const EventRow *
event_row(EventId id)
{
	g_assert(id < EVENT_COUNT);
	return &rows[id];
}

const char *
event_key(EventId id)
{
	const EventRow *row = event_row(id);
	return row->fault == STATUS_OK ? row->own_key : status_row(row->fault)->name;
}

const char *
event_cause(EventId id)
{
	const EventRow *row = event_row(id);
	return row->fault == STATUS_OK ? (const char *) &texts + row->cause_at : NULL;
}

const char *
event_remedy(EventId id)
{
	const EventRow *row = event_row(id);
	return row->fault == STATUS_OK ? (const char *) &texts + row->remedy_at : NULL;
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
	for (EventId id = 0; id < EVENT_COUNT; id++)
		if (strcmp(rows[id].code, text) == 0 || strcmp(event_key(id), text) == 0)
			return id;
	return EVENT_COUNT;
}
