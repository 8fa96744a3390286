/* SPDX-License-Identifier: MIT */
/* postfix-queue: see the header. */
#include "agent/cmd/postfix-queue.h"

#include "agent/base/child.h"
#include "agent/cmd/postfix-facts.h"

#include <jansson.h>

char *
postfix_queue_list(const char *folder, size_t limit, unsigned seconds, Status *st)
{
	g_autofree char *program = postfix_facts_program("postqueue", st);
	const char *path = g_getenv("PATH"), *config = g_getenv("MAIL_CONFIG");
	g_autofree char *path_line = g_strconcat("PATH=", path != NULL ? path : "/usr/bin:/bin",
	                                         NULL),
			*config_line = g_strconcat("MAIL_CONFIG=", config, NULL);
	const char *with_folder[] = { "postqueue", "-c", folder, "-j", NULL },
		   *without[] = { "postqueue", "-j", NULL };
	const char *envp[] = { path_line, "LC_ALL=C", config != NULL ? config_line : NULL, NULL };
	const ChildCall call = { .program.path = program,
		                 .program.argv = folder != NULL ? with_folder : without,
		                 .program.envp = envp,
		                 .body_fd = -1,
		                 .output_limit = limit,
		                 .seconds = seconds };
	g_auto(ChildResult) result = { 0 };

	if (program == NULL || !child_run(&call, &result, st))
		return NULL;
	if (result.exit_code != 0) {
		(void) status_fail_detail(st, STATUS_PROGRAM, "postqueue: %s",
		                          result.errors != NULL ? g_strstrip(result.errors)
		                                                : "it failed and says nothing");
		return NULL;
	}

	gsize len = 0;
	const char *octets = g_bytes_get_data(result.output, &len);
	return g_strndup(octets != NULL ? octets : "", len);
}

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
