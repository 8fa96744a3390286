/* SPDX-License-Identifier: MIT */
/* postfix-queue: see the header. */
#include "agent/cmd/postfix-queue.h"

#include <jansson.h>

static const char *
text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static void
take_message(const char *line, PostfixQueuedTake *take, void *user)
{
	json_t *message = json_loads(line, 0, NULL), *recipient;
	const char *id = text_of(message, "queue_id");
	size_t i;

	json_array_foreach(json_object_get(message, "recipients"), i, recipient)
	{
		const PostfixQueued queued = {
			.queue_id = id != NULL ? id : "",
			.address = text_of(recipient, "address"),
			.reason = text_of(recipient, "delay_reason"),
			.came = json_integer_value(json_object_get(message, "arrival_time")),
		};
		if (queued.address != NULL && queued.reason != NULL)
			take(&queued, user);
	}

	json_decref(message);
}

void
postfix_queue_each(const char *list, PostfixQueuedTake *take, void *user)
{
	g_auto(GStrv) lines = g_strsplit(list, "\n", -1);
	for (char **line = lines; *line != NULL; line++)
		take_message(*line, take, user);
}
