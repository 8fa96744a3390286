/* SPDX-License-Identifier: MIT */
/* script-memory: texts and counters in the state, and the link that says what is in it. */
#define _GNU_SOURCE
#include "agent/run/script-memory.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* A broken script that nobody mends is told again after a year. */
enum { TOLD_SECONDS = 365 * 86400, SUM_BYTES = 16, UUID_BYTES = 36 };

static char *
key_of(const ScriptMemory *memory, const char *path)
{
	return state_key("script", memory->user, path, NULL);
}

/* Named without the key: most deliveries look at nothing else. */
static char *
link_path(const ScriptMemory *memory, const char *path)
{
	guint64 sum = script_sum_add(SCRIPT_SUM_START, memory->user, strlen(memory->user) + 1);
	sum = script_sum_add(sum, path, strlen(path));
	return g_strdup_printf("%s/script-%016" G_GINT64_MODIFIER "x",
	                       state_once_folder(memory->state), sum);
}

/* Key of a random token, renewed each time a working version is saved. */
static char *
served_key(const ScriptMemory *memory, const char *path)
{
	return state_key("served", memory->user, path, NULL);
}

static void
print_sum(const ScriptSet *set, char sum[SUM_BYTES + 1])
{
	(void) snprintf(sum, SUM_BYTES + 1, "%016" G_GINT64_MODIFIER "x", script_set_sum(set));
}

static bool
is_kept(const char *link, const char *sum)
{
	char target[SUM_BYTES + 1];
	return readlink(link, target, sizeof target) == SUM_BYTES &&
	       memcmp(target, sum, SUM_BYTES) == 0;
}

/* By another name first: what is there is whole. */
static void
write_link(const char *link, const char *sum)
{
	g_autofree char *fresh = g_strdup_printf("%s.%d", link, (int) getpid());
	(void) unlink(fresh); /* of somebody who died */
	if (symlink(sum, fresh) < 0 || rename(fresh, link) < 0)
		/* without the link the same texts are written again: slower, not wrong */
		(void) unlink(fresh);
}

ScriptSet *
script_memory_recall(const ScriptMemory *memory, const char *path)
{
	State *state = state_once_get(memory->state, memory->notes);
	g_autofree char *key = key_of(memory, path), *value = NULL, *link = link_path(memory, path);
	g_auto(Status) st = STATUS_INIT;
	size_t len = 0;

	if (state != NULL && !state_get(state, STATE_BLOB, key, &value, &len, &st))
		g_ptr_array_add(
			memory->notes,
			g_strdup_printf("the last good script is not known: %s", st.detail));
	if (state == NULL || st.id != STATUS_OK)
		state_once_miss(memory->state, &st);

	ScriptSet *set = value != NULL ? script_set_parse(value, len) : NULL;
	g_auto(Status) waits = STATUS_INIT;
	if (set == NULL && !state_once_must_wait(memory->state, &waits))
		(void) unlink(link); /* it lies, or is not there: the state was lost */
	return set;
}

bool
script_memory_knows(const ScriptMemory *memory, const char *path)
{
	if (state_once_folder(memory->state) == NULL)
		return false;

	char target;
	g_autofree char *link = link_path(memory, path);
	return readlink(link, &target, 1) > 0;
}

void
script_memory_forget(const ScriptMemory *memory, const char *path)
{
	/* nothing that script_set_parse() takes */
	static const char gone[] = "-";
	if (!script_memory_knows(memory, path))
		return;

	g_autofree char *key = key_of(memory, path), *link = link_path(memory, path);
	const StateItem item = { .kind = STATE_BLOB,
		                 .key = key,
		                 .value = gone,
		                 .len = strlen(gone),
		                 .until = G_MAXINT64 };
	g_auto(Status) st = STATUS_INIT;
	State *state = state_once_get(memory->state, memory->notes);
	if (state == NULL)
		return;

	if (state_put(state, &item, 1, &st))
		(void) unlink(link);
	else
		g_ptr_array_add(memory->notes,
		                g_strdup_printf("the script is not forgotten: %s", st.detail));
}

bool
script_memory_has(const ScriptMemory *memory, const ScriptSet *set)
{
	/* A copy that nobody has asked for, as `try` has it: there is nothing to be kept for. */
	if (state_once_folder(memory->state) == NULL)
		return true;

	char sum[SUM_BYTES + 1];
	print_sum(set, sum);
	g_autofree char *link = link_path(memory, script_set_first(set)->name);
	return is_kept(link, sum);
}

void
script_memory_keep(const ScriptMemory *memory, const ScriptSet *set)
{
	if (script_memory_has(memory, set))
		return;

	char sum[SUM_BYTES + 1];
	print_sum(set, sum);
	const char *path = script_set_first(set)->name;
	g_autofree char *key = key_of(memory, path), *link = link_path(memory, path);
	g_autoptr(GBytes) octets = script_set_print(set);
	g_autofree char *served = served_key(memory, path), *word = g_uuid_string_random();
	StateItem items[] = {
		{ .kind = STATE_BLOB, .key = key, .until = G_MAXINT64 },
		{ .kind = STATE_BLOB,
		  .key = served,
		  .value = word,
		  .len = UUID_BYTES,
		  .until = G_MAXINT64 },
	};
	items[0].value = g_bytes_get_data(octets, &items[0].len);

	auto_fd int folder = -1;
	g_auto(Status) st = STATUS_INIT;
	/* Where nothing can ever be remembered, no delivery loads SQLite to find that out. */
	if (items[0].len > LIMIT_STATE_VALUE ||
	    !fs_make_dir(AT_FDCWD, state_once_folder(memory->state), 0700, &folder, &st))
		return;

	State *state = state_once_get(memory->state, memory->notes);
	if (state == NULL)
		return;

	if (state_put(state, items, G_N_ELEMENTS(items), &st))
		write_link(link, sum);
	else
		g_ptr_array_add(memory->notes,
		                g_strdup_printf("the script is not kept: %s", st.detail));
}

/*
 * It changes with the texts, and when a working version was saved in between. After a fault no
 * token is known.
 */
static char *
told_key(const ScriptMemory *memory, State *state, const char *path, const ScriptSet *set)
{
	char sum[SUM_BYTES + 1];

	print_sum(set, sum);
	g_auto(Status) unknown = STATUS_INIT;
	size_t len = 0;
	g_autofree char *served = served_key(memory, path), *word = NULL;
	(void) state_get(state, STATE_BLOB, served, &word, &len, &unknown);

	return state_key("told", memory->user, path, sum, word != NULL ? word : "", NULL);
}

/* A counter, as two deliveries may find it broken at once. */
static bool
count_told(const ScriptMemory *memory, const char *path, const ScriptSet *set, gint64 by,
           gint64 *ret_total)
{
	State *state = state_once_get(memory->state, memory->notes);
	g_auto(Status) st = STATUS_INIT;
	if (state == NULL)
		return false;

	g_autofree char *key = told_key(memory, state, path, set);
	if (state_count(state, key, by, memory->now + TOLD_SECONDS, ret_total, &st))
		return true;

	g_ptr_array_add(memory->notes, g_strdup_printf("the owner is not told: %s", st.detail));
	return false;
}

bool
script_memory_must_tell(const ScriptMemory *memory, const char *path, const ScriptSet *set)
{
	gint64 total;
	/* Read first: most deliveries find that the owner was told, and need not write. */
	if (!count_told(memory, path, set, 0, &total) || total > 0)
		return false;
	if (!count_told(memory, path, set, 1, &total) || total != 1)
		return false;

	/*
	 * With another sum in its link the next version that serves is kept anew, even if it is the
	 * one that served before. But texts that serve some messages and fail for others are no
	 * other version.
	 */
	g_autofree char *link = link_path(memory, path);
	char sum[SUM_BYTES + 1];
	print_sum(set, sum);
	if (script_memory_knows(memory, path) && !is_kept(link, sum))
		write_link(link, "-");

	return true;
}

void
script_memory_untold(const ScriptMemory *memory, const char *path, const ScriptSet *set)
{
	gint64 total;
	/* a fault is noted, and the log has said it anyhow */
	(void) count_told(memory, path, set, -1, &total);
}
