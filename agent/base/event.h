/* SPDX-License-Identifier: MIT */
/*
 * event: the kinds of log lines, each with a stable code ("T104") that todoke-log(7) explains.
 */
#ifndef TODOKE_EVENT_H
#define TODOKE_EVENT_H

#include "agent/base/status.h"

typedef enum {
#define EVENT(id, code, key, cause, remedy) EVENT_##id,
#define FAULT(id, code) EVENT_FAULT_##id,
#include "agent/base/event-table.def"
#undef EVENT
#undef FAULT
	EVENT_COUNT
} EventId;

/* What a kind of line means; one row of event-table.def. */
typedef struct {
	char code[5];      /* "T104" */
	char own_key[24];  /* see event_key */
	StatusId fault;    /* STATUS_OK: the row is no fault */
	guint32 cause_at;  /* see event_cause */
	guint32 remedy_at; /* see event_remedy */
} EventRow;

/* The row of `id`; never NULL. */
const EventRow *event_row(EventId id);

/* "peer-down"; of a fault the name that status_row has. */
const char *event_key(EventId id);

/* In English, to be translated where they are shown; NULL where the row is a fault. */
const char *event_cause(EventId id);
const char *event_remedy(EventId id);

/* The kind of line of a delivery that failed by `id`; EVENT_COUNT for STATUS_OK. */
EventId event_of_fault(StatusId id);

/* The row with this code ("T104") or key ("peer-down"), or EVENT_COUNT. Case counts. */
EventId event_find(const char *text);

#endif
