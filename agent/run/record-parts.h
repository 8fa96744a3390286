/* SPDX-License-Identifier: MIT */
/* record-parts: what all lines of the record have, of deliveries and of mail before them. */
#ifndef TODOKE_RECORD_PARTS_H
#define TODOKE_RECORD_PARTS_H

#include "agent/base/event.h"
#include "agent/message/envelope.h"
#include "agent/state/record-line.h"

/* "pipe", "lmtp". */
const char *record_parts_door(EnvelopeDoor door);

/* Add how it ended: status, dsn, code, and of a fault its name, its texts and who else failed. */
void record_parts_outcome(RecordLine *line, const Status *st, EventId event);

#endif
