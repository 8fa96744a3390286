/* SPDX-License-Identifier: MIT */
/* mime-compose: drafts to messages. Part of the module. */
#ifndef TODOKE_MIME_COMPOSE_H
#define TODOKE_MIME_COMPOSE_H

#include "agent/message/mime.h"

/* See mime_compose. Caller unrefs. */
GBytes *mime_compose_draft(const MimeDraft *draft);

#endif
