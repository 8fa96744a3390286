/* SPDX-License-Identifier: MIT */
/* lmtp-pool: a list of children, each with the key that it serves. */
#include "agent/lmtp/lmtp-pool.h"

#include <string.h>

struct LmtpPoolMember {
	LmtpChild child;
	char *key;
	unsigned left;     /* requests until it is replaced */
	gint64 born;       /* monotonic */
	gint64 idle_since; /* monotonic; 0: it is at work */
	gint64 until;      /* monotonic: the outcome has to be there */
};

struct LmtpPool {
	LmtpPoolOptions options;
	LmtpChildAnswer *answer;
	void *user;
	GPtrArray
		*members; /* LmtpPoolMember; those that wait in the order in which they began to */
};

/* One that waits is killed without harm: it holds nothing. */
static void
member_free(gpointer data)
{
	LmtpPoolMember *member = data;
	lmtp_child_end(&member->child, 0);
	g_free(member->key);
	g_free(member);
}

LmtpPool *
lmtp_pool_new(const LmtpPoolOptions *options, LmtpChildAnswer *answer, void *user)
{
	LmtpPool *pool = g_new0(LmtpPool, 1);
	*pool = (LmtpPool){ *options, answer, user, g_ptr_array_new_with_free_func(member_free) };
	return pool;
}

void
lmtp_pool_free(LmtpPool *pool)
{
	if (pool == NULL)
		return;
	g_ptr_array_unref(pool->members);
	g_free(pool);
}

/*
 * What a process took over when it became its owner, such as groups, is true for a while only: the
 * system's tables change.
 */
static bool
is_old(const LmtpPool *pool, const LmtpPoolMember *member)
{
	gint64 life = (gint64) pool->options.life_seconds * G_USEC_PER_SEC;
	return life > 0 && g_get_monotonic_time() - member->born >= life;
}

/* One that waits under this key. Those that died, or are old, end on the way. NULL: none. */
static LmtpPoolMember *
find_idle(LmtpPool *pool, const char *key)
{
	for (guint i = pool->members->len; i-- > 0;) {
		LmtpPoolMember *member = pool->members->pdata[i];
		if (member->idle_since == 0 || strcmp(member->key, key) != 0)
			continue;
		if (!is_old(pool, member) && !lmtp_child_is_gone(&member->child))
			return member;
		g_ptr_array_remove_index(pool->members, i);
	}

	return NULL;
}

static LmtpPoolMember *
start_member(LmtpPool *pool, const char *key, Status *st)
{
	LmtpPoolMember *member = g_new0(LmtpPoolMember, 1);

	if (!lmtp_child_serve(&member->child, pool->answer, pool->user, st)) {
		g_free(member);
		return NULL;
	}

	member->key = g_strdup(key);
	member->left = pool->options.uses;
	member->born = g_get_monotonic_time();
	g_ptr_array_add(pool->members, member);
	return member;
}

/* False: it is ended, and has not got the request. */
static bool
ask_member(LmtpPool *pool, LmtpPoolMember *member, const GString *request, const LmtpLoad *load,
           Status *st)
{
	member->idle_since = 0;
	member->until = g_get_monotonic_time() + (gint64) pool->options.seconds * G_USEC_PER_SEC;
	if (lmtp_child_ask(&member->child, request, load, st))
		return true;
	g_ptr_array_remove(pool->members, member);
	return false;
}

bool
lmtp_pool_ask(LmtpPool *pool, const char *key, const GString *request, const LmtpLoad *load,
              LmtpPoolMember **ret_member, Status *st)
{
	LmtpPoolMember *member;

	/* one that died a moment ago has got nothing: the next one is asked */
	while ((member = find_idle(pool, key)) != NULL) {
		g_auto(Status) gone = STATUS_INIT;
		if (ask_member(pool, member, request, load, &gone)) {
			*ret_member = member;
			return true;
		}
	}

	member = start_member(pool, key, st);
	if (member == NULL || !ask_member(pool, member, request, load, st))
		return false;
	*ret_member = member;
	return true;
}

unsigned
lmtp_pool_size(const LmtpPool *pool)
{
	return pool->members->len;
}

void
lmtp_pool_hurry(LmtpPoolMember *member, unsigned seconds)
{
	gint64 until = g_get_monotonic_time() + (gint64) seconds * G_USEC_PER_SEC;
	member->until = MIN(member->until, until);
}

int
lmtp_pool_fd(const LmtpPoolMember *member)
{
	return member->child.from;
}

int
lmtp_pool_left_ms(const LmtpPoolMember *member)
{
	gint64 left_ms = (member->until - g_get_monotonic_time()) / 1000;
	return (int) CLAMP(left_ms, 0, G_MAXINT);
}

static bool
is_idle(const LmtpPoolMember *member)
{
	return member->idle_since != 0;
}

/* End those that wait longest, until no more than so many do. */
static void
keep_at_most(LmtpPool *pool, unsigned most)
{
	unsigned idle = 0;
	for (guint i = 0; i < pool->members->len; i++)
		idle += is_idle(pool->members->pdata[i]) ? 1 : 0;

	for (guint i = 0; i < pool->members->len && idle > most;) {
		if (is_idle(pool->members->pdata[i])) {
			g_ptr_array_remove_index(pool->members, i);
			idle--;
		} else {
			i++;
		}
	}
}

bool
lmtp_pool_take(LmtpPool *pool, LmtpPoolMember *member, char **ret_done, bool *ret_lost, Status *st)
{
	unsigned seconds = ((unsigned) lmtp_pool_left_ms(member) + 999) / 1000;
	bool done = lmtp_child_take(&member->child, seconds, ret_done, st);
	guint at = 0;

	if (ret_lost != NULL)
		*ret_lost = member->child.pid == 0;
	(void) g_ptr_array_find(pool->members, member, &at);
	if (member->child.pid != 0) {
		/* to the end of the list: it is the one that waits shortest */
		(void) g_ptr_array_steal_index(pool->members, at);
		g_ptr_array_add(pool->members, member);
		at = pool->members->len - 1;
		member->idle_since = g_get_monotonic_time();
	}
	if (member->child.pid == 0 || --member->left == 0)
		g_ptr_array_remove_index(pool->members, at);

	keep_at_most(pool, pool->options.most);
	return done;
}

int
lmtp_pool_tidy(LmtpPool *pool)
{
	gint64 now = g_get_monotonic_time();
	gint64 patience = (gint64) pool->options.idle_seconds * G_USEC_PER_SEC;

	for (guint i = 0; i < pool->members->len;) {
		const LmtpPoolMember *member = pool->members->pdata[i];
		if (!is_idle(member)) {
			i++;
			continue;
		}
		gint64 left_us = member->idle_since + patience - now;
		if (left_us > 0) /* the others began to wait later */
			return (int) MIN(left_us / 1000 + 1, G_MAXINT);
		g_ptr_array_remove_index(pool->members, i);
	}

	return -1;
}
