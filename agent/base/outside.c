/* SPDX-License-Identifier: MIT */
/* outside: a struct of texts that were made harmless when it was filled. */
#include "agent/base/outside.h"

#include "agent/base/limits.h"

#include <string.h>

static const char *const protocols[] = {
	OUTSIDE_SMTP,  OUTSIDE_SENDMAIL, OUTSIDE_PROGRAM,  OUTSIDE_SQLITE, OUTSIDE_STATE,
	OUTSIDE_USERS, OUTSIDE_FILE,     OUTSIDE_LIBSIEVE, OUTSIDE_POLICY,
};

/* One printable line of UTF-8 without blanks at its ends. Caller frees. */
static char *
clean(const char *text)
{
	if (text == NULL)
		return NULL;

	g_autofree char *valid = g_utf8_make_valid(text,
	                                           (gssize) strnlen(text, LIMIT_OUTSIDE_TEXT));
	GString *out = g_string_new(NULL);
	for (const char *c = valid; *c != '\0'; c = g_utf8_next_char(c)) {
		gunichar u = g_utf8_get_char(c);
		g_string_append_unichar(out, g_unichar_isprint(u) ? u : ' ');
	}

	return g_strstrip(g_string_free(out, FALSE));
}

Outside *
outside_new(const char *protocol, const char *peer, const char *command, const char *reply)
{
	Outside *outside = g_new0(Outside, 1);

	outside->protocol = protocol;
	outside->peer = clean(peer);
	outside->command = clean(command);
	outside->reply = clean(reply);

	return outside;
}

Outside *
outside_copy(const Outside *outside)
{
	Outside *copy = g_new0(Outside, 1);

	*copy = *outside;
	copy->peer = g_strdup(outside->peer);
	copy->command = g_strdup(outside->command);
	copy->reply = g_strdup(outside->reply);
	copy->account = g_strdup(outside->account);

	return copy;
}

void
outside_free(Outside *outside)
{
	if (outside == NULL)
		return;
	g_free(outside->peer);
	g_free(outside->command);
	g_free(outside->reply);
	g_free(outside->account);
	g_free(outside);
}

const char *
outside_protocol(const char *text)
{
	for (size_t i = 0; text != NULL && i < G_N_ELEMENTS(protocols); i++)
		if (strcmp(protocols[i], text) == 0)
			return protocols[i];
	return NULL;
}

static GPtrArray *seen; /* NULL: nothing yet */

static void
free_one(gpointer outside)
{
	outside_free(outside);
}

const GPtrArray *
outside_seen(void)
{
	if (seen == NULL)
		seen = g_ptr_array_new_with_free_func(free_one);
	return seen;
}

static GPtrArray *reached; /* NULL: nothing yet */

static void
free_reached(gpointer data)
{
	OutsideReached *one = data;
	g_free(one->peer);
	g_free(one);
}

const GPtrArray *
outside_reached(void)
{
	if (reached == NULL)
		reached = g_ptr_array_new_with_free_func(free_reached);
	return reached;
}

void
outside_reach(const char *protocol, const char *peer)
{
	for (guint i = 0; i < outside_reached()->len; i++)
		if (((const OutsideReached *) reached->pdata[i])->protocol == protocol)
			g_ptr_array_remove_index(reached, i--);

	OutsideReached *one = g_new(OutsideReached, 1);
	*one = (OutsideReached){ protocol, g_strdup(peer) };
	g_ptr_array_add(reached, one);
}

void
outside_forget(void)
{
	if (seen != NULL)
		g_ptr_array_set_size(seen, 0);
	if (reached != NULL)
		g_ptr_array_set_size(reached, 0);
}

static bool
is_equal(const Outside *a, const Outside *b)
{
	return a->protocol == b->protocol && g_strcmp0(a->peer, b->peer) == 0 &&
	       g_strcmp0(a->command, b->command) == 0 && g_strcmp0(a->reply, b->reply) == 0;
}

void
outside_see(const Outside *outside)
{
	for (guint i = 0; i < outside_seen()->len; i++)
		if (is_equal(seen->pdata[i], outside))
			return;
	if (seen->len < LIMIT_OUTSIDE_FAILURES)
		g_ptr_array_add(seen, outside_copy(outside));
}

static void
append(GString *out, const char *key, const char *value, const char *quote)
{
	if (value != NULL)
		g_string_append_printf(out, "%s%s=%s%s%s", out->len > 0 ? ", " : "", key, quote,
		                       value, quote);
}

char *
outside_print(const Outside *outside, const char *user)
{
	GString *out = g_string_new(NULL);

	append(out, "user", outside->account != NULL ? outside->account : user, "");
	append(out, "protocol", outside->protocol, "");
	append(out, "peer", outside->peer, "");
	append(out, "command", outside->command, "'");
	append(out, "reply", outside->reply, "'");

	return g_string_free(out, FALSE);
}
