/* SPDX-License-Identifier: MIT */
/* lmtp-pack: text NUL text NUL; a missing text is "\1". */
#include "agent/lmtp/lmtp-pack.h"

#include <string.h>

void
lmtp_pack_string(GString *out, const char *text)
{
	g_string_append(out, text != NULL ? text : "\1");
	g_string_append_c(out, '\0');
}

char *
lmtp_pack_take_string(const char **at, const char *end)
{
	const char *text = *at;
	const char *nul = text != NULL ? memchr(text, '\0', (size_t) (end - text)) : NULL;
	*at = nul != NULL ? nul + 1 : NULL;
	return nul == NULL || strcmp(text, "\1") == 0 ? NULL : g_strdup(text);
}

/* Each is missing where nobody else caused the fault. */
static void
pack_outside(GString *out, const Outside *outside)
{
	const Outside none = { 0 };
	const Outside *known = outside != NULL ? outside : &none;

	lmtp_pack_string(out, known->protocol);
	lmtp_pack_string(out, known->peer);
	lmtp_pack_string(out, known->command);
	lmtp_pack_string(out, known->reply);
	lmtp_pack_string(out, known->account);
	lmtp_pack_string(out, known->is_down ? "down" : NULL);
}

static Outside *
take_outside(const char **at, const char *end)
{
	g_autofree char *protocol = lmtp_pack_take_string(at, end);
	g_autofree char *peer = lmtp_pack_take_string(at, end);
	g_autofree char *command = lmtp_pack_take_string(at, end);
	g_autofree char *reply = lmtp_pack_take_string(at, end);
	char *account = lmtp_pack_take_string(at, end);
	g_autofree char *down = lmtp_pack_take_string(at, end);
	if (outside_protocol(protocol) == NULL) {
		g_free(account);
		return NULL;
	}

	Outside *outside = outside_new(outside_protocol(protocol), peer, command, reply);
	outside->account = account;
	outside->is_down = down != NULL;
	return outside;
}

/* "loop" NUL text NUL detail NUL code NUL, who else caused it, done NUL */
void
lmtp_pack_outcome(GString *out, const Status *st, const char *done)
{
	lmtp_pack_string(out, status_row(st->id)->name);
	lmtp_pack_string(out, st->text);
	lmtp_pack_string(out, st->detail);
	lmtp_pack_string(out, st->dsn);
	pack_outside(out, st->outside);
	lmtp_pack_string(out, done);
}

bool
lmtp_pack_take_outcome(const char *at, const char *end, char **ret_done, Status *st)
{
	g_autofree char *name = lmtp_pack_take_string(&at, end);
	StatusId id = name != NULL ? status_find_name(name) : STATUS_COUNT;
	g_autofree char *text = lmtp_pack_take_string(&at, end);
	g_autofree char *detail = lmtp_pack_take_string(&at, end);
	g_autofree char *dsn = lmtp_pack_take_string(&at, end);
	g_autoptr(Outside) outside = take_outside(&at, end);
	g_autofree char *done = lmtp_pack_take_string(&at, end);

	if (id == STATUS_COUNT || at != end)
		return status_fail_detail(st, STATUS_INTERNAL,
		                          "a delivery process left no outcome");
	if (id == STATUS_OK) {
		*ret_done = g_steal_pointer(&done);
		return true;
	}

	Status fault = { .id = id,
		         .text = g_steal_pointer(&text),
		         .detail = g_steal_pointer(&detail) };
	if (dsn != NULL)
		status_set_dsn(&fault, dsn);
	if (outside != NULL)
		status_set_outside(&fault, g_steal_pointer(&outside));
	status_move(st, &fault);

	return false;
}
