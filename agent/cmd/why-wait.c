/* SPDX-License-Identifier: MIT */
/* why-wait: asks postqueue(1) again and again. */
#include "agent/cmd/why-wait.h"

#include "agent/base/limits.h"
#include "agent/cmd/postfix-queue.h"
#include "agent/cmd/user-address.h"
#include "agent/message/headers.h"

#include <string.h>

/*
 * A mail that changes from one queue to another while Postfix lists them may be missing in that
 * list, but not in the next one, too.
 */
enum { QUIET_LOOKS = 2, PAUSE_MS = 100 };

/* As postqueue -j writes them; in an address of a stranger the quotes would have backslashes. */
static const char *const on_the_way[] = {
	"\"queue_name\": \"maildrop\"",
	"\"queue_name\": \"incoming\"",
	"\"queue_name\": \"active\"",
};

static bool
holds_mail_on_its_way(const char *list)
{
	for (size_t i = 0; i < G_N_ELEMENTS(on_the_way); i++)
		if (strstr(list, on_the_way[i]) != NULL)
			return true;
	return false;
}

bool
why_wait(unsigned seconds, Status *st)
{
	gint64 until = g_get_monotonic_time() + (gint64) seconds * G_USEC_PER_SEC;

	for (unsigned quiet = 0;;) {
		g_autofree char *list = postfix_queue_list(NULL, LIMIT_WHY_LOG_BYTES, seconds, st);
		if (list == NULL)
			return false;
		bool is_busy = holds_mail_on_its_way(list);
		quiet = is_busy ? 0 : quiet + 1;
		if (quiet == QUIET_LOOKS)
			return true;
		if (g_get_monotonic_time() >= until)
			return status_fail_detail(
				st, STATUS_DEADLINE,
				"after %u s mail is still on its way in Postfix's "
				"queue (`mailq`)",
				seconds);
		g_usleep(PAUSE_MS * G_TIME_SPAN_MILLISECOND);
	}
}

enum { QUEUE_SECONDS = 20, REASON_BYTES = 300 };

/* Who asks, and what waits for them. */
typedef struct {
	const char *user, *delimiters;
	GPtrArray *waiting; /* char * */
} Search;

/* PostfixQueuedTake: `user` is a Search. */
static void
add_waiting(const PostfixQueued *queued, void *user)
{
	const Search *search = user;
	if (*queued->queue_id == '\0' ||
	    !user_address_is(queued->address, search->user, search->delimiters))
		return;

	g_autofree char *text = g_strdup_printf("%s: %s", queued->queue_id, queued->reason);
	g_ptr_array_add(search->waiting, header_text_print(text, REASON_BYTES));
}

GPtrArray *
why_wait_find(const char *user, const char *delimiters)
{
	GPtrArray *waiting = g_ptr_array_new_with_free_func(g_free);
	g_auto(Status) unknown = STATUS_INIT;
	g_autofree char *list = postfix_queue_list(NULL, LIMIT_WHY_LOG_BYTES, QUEUE_SECONDS,
	                                           &unknown);

	if (list != NULL)
		postfix_queue_each(list, add_waiting, &(Search){ user, delimiters, waiting });
	return waiting;
}
