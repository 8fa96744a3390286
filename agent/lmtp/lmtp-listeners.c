/* SPDX-License-Identifier: MIT */
/* lmtp-listeners: a list of places and descriptors. */
#include "agent/lmtp/lmtp-listeners.h"

#include <string.h>
#include <unistd.h>

typedef struct {
	char *where; /* NULL: not known */
	int fd;
	/* by the service manager: its owner, its mode, its end are not our matter */
	bool given;
} Listener;

struct LmtpListeners {
	GArray *list; /* Listener */
};

static void
listener_clear(gpointer pointer)
{
	Listener *listener = pointer;
	(void) close(listener->fd);
	g_free(listener->where);
}

static GArray *
list_new(void)
{
	GArray *list = g_array_new(FALSE, FALSE, sizeof(Listener));
	g_array_set_clear_func(list, listener_clear);
	return list;
}

LmtpListeners *
lmtp_listeners_new(bool inherits)
{
	LmtpListeners *listeners = g_new(LmtpListeners, 1);

	listeners->list = list_new();
	g_autoptr(GArray) fds = g_array_new(FALSE, FALSE, sizeof(int));
	if (inherits)
		lmtp_listen_inherit(fds);

	for (guint i = 0; i < fds->len; i++) {
		Listener listener = { .fd = g_array_index(fds, int, i), .given = true };
		listener.where = lmtp_listen_where(listener.fd);
		g_array_append_val(listeners->list, listener);
	}

	return listeners;
}

void
lmtp_listeners_close(LmtpListeners *listeners)
{
	g_array_set_size(listeners->list, 0);
}

void
lmtp_listeners_free(LmtpListeners *listeners)
{
	if (listeners == NULL)
		return;
	g_array_unref(listeners->list);
	g_free(listeners);
}

static const Listener *
find(const GArray *list, const char *where)
{
	for (guint i = 0; i < list->len; i++) {
		const Listener *listener = &g_array_index(list, Listener, i);
		if (listener->where != NULL && strcmp(listener->where, where) == 0)
			return listener;
	}
	return NULL;
}

static bool
is_wanted(const char *where, const char *const *const *lists, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (lists[i] != NULL && g_strv_contains(lists[i], where))
			return true;
	return false;
}

/* Open `where` into `fresh` unless it is open. */
static bool
provide(const LmtpListeners *listeners, GArray *fresh, const char *where,
        const LmtpListenOptions *options, Status *st)
{
	if (find(listeners->list, where) != NULL || find(fresh, where) != NULL)
		return true;
	Listener made = { .where = NULL, .fd = -1 };
	if (!lmtp_listen_open(where, options, &made.fd, st))
		return false;

	made.where = g_strdup(where);
	g_array_append_val(fresh, made);
	return true;
}

static bool
provide_all(const LmtpListeners *listeners, GArray *fresh, const char *const *const *lists,
            size_t count, const LmtpListenOptions *options, Status *st)
{
	for (size_t i = 0; i < count; i++)
		for (const char *const *where = lists[i]; where != NULL && *where != NULL; where++)
			if (!provide(listeners, fresh, *where, options, st))
				return false;
	return true;
}

/* What stays open gets its owner and mode. */
static bool
dress_all(const LmtpListeners *listeners, const char *const *const *lists, size_t count,
          const LmtpListenOptions *options, Status *st)
{
	for (guint i = 0; i < listeners->list->len; i++) {
		const Listener *old = &g_array_index(listeners->list, Listener, i);
		if (!old->given && is_wanted(old->where, lists, count) &&
		    !lmtp_listen_dress(old->where, options, st))
			return false;
	}
	return true;
}

/* A file that nobody serves would only refuse its clients. */
static void
remove_all(const GArray *fresh)
{
	for (guint i = 0; i < fresh->len; i++)
		lmtp_listen_remove(g_array_index(fresh, Listener, i).where);
}

bool
lmtp_listeners_has_place(const LmtpListeners *listeners, const char *const *const *lists,
                         size_t count)
{
	for (guint i = 0; i < listeners->list->len; i++)
		if (g_array_index(listeners->list, Listener, i).given)
			return true;
	for (size_t i = 0; i < count; i++)
		if (lists[i] != NULL && lists[i][0] != NULL)
			return true;
	return false;
}

bool
lmtp_listeners_set(LmtpListeners *listeners, const char *const *const *lists, size_t count,
                   const LmtpListenOptions *options, Status *st)
{
	g_autoptr(GArray) fresh = list_new();
	if (!provide_all(listeners, fresh, lists, count, options, st) ||
	    !dress_all(listeners, lists, count, options, st)) {
		remove_all(fresh);
		return false;
	}

	for (guint i = listeners->list->len; i-- > 0;) {
		const Listener *old = &g_array_index(listeners->list, Listener, i);
		if (old->given || is_wanted(old->where, lists, count))
			continue;
		lmtp_listen_remove(old->where);
		g_array_remove_index(listeners->list, i);
	}

	if (fresh->len > 0)
		g_array_append_vals(listeners->list, fresh->data, fresh->len);
	g_array_set_clear_func(fresh, NULL); /* they are the list's now */
	return true;
}

unsigned
lmtp_listeners_count(const LmtpListeners *listeners)
{
	return listeners->list->len;
}

int
lmtp_listeners_fd(const LmtpListeners *listeners, unsigned i)
{
	return g_array_index(listeners->list, Listener, i).fd;
}
