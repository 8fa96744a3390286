/* SPDX-License-Identifier: MIT */
/*
 * doctor-queue: whose mail waits in Postfix's queue because todoke has put it off? What hinders it
 * may be a matter of one user, whom nobody has named to doctor.
 */
#include "agent/cmd/doctor.h"

#include "agent/base/limits.h"
#include "agent/base/words.h"
#include "agent/cmd/code-text.h"
#include "agent/cmd/postfix-queue.h"
#include "agent/message/headers.h"

#include <string.h>

enum { REASON_SHOWN_BYTES = 200 };

/* What waits for one address. */
typedef struct {
	char *address;
	char *reason; /* of the oldest */
	guint count;
	gint64 since; /* when the oldest came, seconds since 1970 */
} Waiting;

static void
waiting_free(gpointer data)
{
	Waiting *waiting = data;
	g_free(waiting->address);
	g_free(waiting->reason);
	g_free(waiting);
}

/* Is this the reason of a deferral by todoke? */
static bool
is_ours(const char *reason)
{
	g_autoptr(GPtrArray)
		meanings = g_ptr_array_new_with_free_func((GDestroyNotify) code_meaning_free);
	g_autofree char *as_mailq = g_strdup_printf("(%s)", reason); /* mailq(1) prints it so */
	const CodeUnit unit = { .text = as_mailq, .fate = CODE_FATE_KEPT };

	if (!code_text_explain(&unit, meanings))
		return false;
	const CodeMeaning *meaning = meanings->pdata[0];
	return strcmp(meaning->source, "todoke") == 0;
}

/* PostfixQueuedTake: `user` has what waits, by address. */
static void
take_recipient(const PostfixQueued *queued, void *user)
{
	GHashTable *waiting = user;
	if (!is_ours(queued->reason))
		return;

	g_autofree char *key = g_ascii_strdown(queued->address, -1);
	Waiting *one = g_hash_table_lookup(waiting, key);
	if (one == NULL) {
		one = g_new0(Waiting, 1);
		one->address = g_strdup(queued->address);
		g_hash_table_insert(waiting, g_steal_pointer(&key), one);
	}

	if (one->count++ == 0 || queued->came < one->since) {
		one->since = queued->came;
		g_free(one->reason);
		one->reason = header_text_print(queued->reason, REASON_SHOWN_BYTES);
	}
}

/* Oldest first. */
static int
compare_waiting(gconstpointer a, gconstpointer b)
{
	const Waiting *one = *(const Waiting *const *) a, *other = *(const Waiting *const *) b;
	if (one->since != other->since)
		return one->since < other->since ? -1 : 1;
	return strcmp(one->address, other->address);
}

static void
tell(Doctor *doctor, const char *where, const Waiting *oldest, guint count)
{
	g_autoptr(GDateTime) time = g_date_time_new_from_unix_local(oldest->since);
	g_autofree char *since = time != NULL ? g_date_time_format(time, "%Y-%m-%d %H:%M")
	                                      : g_strdup("?"),
			*number = g_strdup_printf("%u", count),
			*address = header_text_print(oldest->address, LIMIT_ADDRESS_BYTES);

	doctor_find(doctor, DOCTOR_MAIL_WAITS, where, NULL, number, since, oldest->reason, address,
	            NULL);
}

/* One finding for each address that has waited longest, and one for all others. */
static void
tell_all(Doctor *doctor, GHashTable *waiting)
{
	g_autoptr(GPtrArray) list = g_ptr_array_new();
	guint others = 0;
	GHashTableIter each;
	gpointer value;

	g_hash_table_iter_init(&each, waiting);
	while (g_hash_table_iter_next(&each, NULL, &value))
		g_ptr_array_add(list, value);
	g_ptr_array_sort(list, compare_waiting);
	for (guint i = 0; i < list->len; i++) {
		const Waiting *one = list->pdata[i];
		g_autofree char *where = header_text_print(one->address, LIMIT_ADDRESS_BYTES);
		if (i < LIMIT_DOCTOR_WAITING)
			tell(doctor, where, one, one->count);
		else
			others += one->count;
	}

	if (others == 0)
		return;
	g_autofree char *where = g_strdup_printf(_("%u more addresses"),
	                                         list->len - LIMIT_DOCTOR_WAITING);
	tell(doctor, where, list->pdata[LIMIT_DOCTOR_WAITING], others);
}

void
doctor_queue(Doctor *doctor)
{
	g_auto(Status) unready = STATUS_INIT, unknown = STATUS_INIT;
	g_autofree char *program = postfix_facts_program("postqueue", &unready);
	if (doctor->postfix == NULL || program == NULL)
		return; /* a finding tells the first; the second is half a Postfix */

	g_autofree char *list = postfix_queue_list(doctor->postfix_folder,
	                                           LIMIT_DOCTOR_QUEUE_OCTETS,
	                                           LIMIT_DOCTOR_PROGRAM_S, &unknown);
	if (list == NULL) {
		g_autofree char *why = header_text_print(unknown.detail, REASON_SHOWN_BYTES);
		doctor_find(doctor, DOCTOR_QUEUE_UNKNOWN, "postqueue", NULL, why, NULL);
		return;
	}

	g_autoptr(GHashTable)
		waiting = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, waiting_free);
	postfix_queue_each(list, take_recipient, waiting);
	tell_all(doctor, waiting);
}
