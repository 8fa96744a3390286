/* SPDX-License-Identifier: MIT */
/* lmtp-pack: text NUL text NUL; a missing text is "\1". */
#include "agent/lmtp/lmtp-pack.h"

#include "agent/message/mail-ids.h"

#include <string.h>

/* The strings of an envelope, in the order in which they travel. */
static const size_t envelope_strings[] = {
	G_STRUCT_OFFSET(Envelope, sender),      G_STRUCT_OFFSET(Envelope, recipient),
	G_STRUCT_OFFSET(Envelope, original),    G_STRUCT_OFFSET(Envelope, origin_id),
	G_STRUCT_OFFSET(Envelope, lhlo),        G_STRUCT_OFFSET(Envelope, client_address),
	G_STRUCT_OFFSET(Envelope, client_name), G_STRUCT_OFFSET(Envelope, helo),
	G_STRUCT_OFFSET(Envelope, auth),        G_STRUCT_OFFSET(Envelope, orcpt),
	G_STRUCT_OFFSET(Envelope, notify),      G_STRUCT_OFFSET(Envelope, ret),
	G_STRUCT_OFFSET(Envelope, envid),
};

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

/*
 * Octets of a text of an outcome: all of them fit into a packet, as half a packet would make a
 * delivery that was done look like one that was not.
 */
enum { MOST_TEXT = 6000 };

/* Of peers that have answered: a next hop of each kind, and the state. */
enum { MOST_REACHED = 3 };

G_STATIC_ASSERT(MOST_TEXT *(10 + MOST_REACHED) + 1024 <= LMTP_PACK_MOST_OUTCOME);

/* Its beginning, where it is longer. */
static void
pack_text(GString *out, const char *text)
{
	size_t len = text != NULL ? strlen(text) : 0;
	if (len < MOST_TEXT) {
		lmtp_pack_string(out, text);
		return;
	}

	static const char more[] = "...";
	const char *end = text + MOST_TEXT - sizeof more;
	while (end > text && (*end & 0xC0) == 0x80) /* not within a character */
		end--;
	g_string_append_len(out, text, end - text);
	lmtp_pack_string(out, more);
}

/* Each is missing where nobody else caused the fault. */
static void
pack_outside(GString *out, const Outside *outside)
{
	const Outside none = { 0 };
	const Outside *known = outside != NULL ? outside : &none;

	lmtp_pack_string(out, known->protocol);
	pack_text(out, known->peer);
	pack_text(out, known->command);
	pack_text(out, known->reply);
	pack_text(out, known->account);
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

/* protocol NUL peer NUL for each who answered, then NUL */
static void
pack_reached(GString *out)
{
	const GPtrArray *reached = outside_reached();
	for (guint i = 0; i < MIN(reached->len, MOST_REACHED); i++) {
		const OutsideReached *one = reached->pdata[i];
		lmtp_pack_string(out, one->protocol);
		pack_text(out, one->peer);
	}
	lmtp_pack_string(out, NULL);
}

static void
take_reached(const char **at, const char *end)
{
	g_autofree char *protocol = lmtp_pack_take_string(at, end);
	while (protocol != NULL && *protocol != '\0') {
		g_autofree char *peer = lmtp_pack_take_string(at, end);
		if (outside_protocol(protocol) != NULL && peer != NULL)
			outside_reach(outside_protocol(protocol), peer);
		g_free(protocol);
		protocol = lmtp_pack_take_string(at, end);
	}
}

/* "loop" NUL text NUL detail NUL code NUL reference NUL, who else caused it, done NUL */
void
lmtp_pack_outcome(GString *out, const Status *st, const char *done)
{
	lmtp_pack_string(out, status_row(st->id)->name);
	pack_text(out, st->text);
	pack_text(out, st->detail);
	pack_text(out, st->dsn);
	lmtp_pack_string(out, st->reference);
	pack_outside(out, st->outside);
	pack_reached(out);
	pack_text(out, done);
}

bool
lmtp_pack_take_outcome(const char *at, const char *end, char **ret_done, Status *st)
{
	g_autofree char *name = lmtp_pack_take_string(&at, end);
	StatusId id = name != NULL ? status_find_name(name) : STATUS_COUNT;
	g_autofree char *text = lmtp_pack_take_string(&at, end);
	g_autofree char *detail = lmtp_pack_take_string(&at, end);
	g_autofree char *dsn = lmtp_pack_take_string(&at, end);
	g_autofree char *reference = lmtp_pack_take_string(&at, end);
	g_autoptr(Outside) outside = take_outside(&at, end);
	take_reached(&at, end);
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
	/* an owner's process may say anything */
	if (reference != NULL && mail_ids_is_queue_id(reference))
		status_set_reference(&fault, reference);
	if (outside != NULL)
		status_set_outside(&fault, g_steal_pointer(&outside));
	status_move(st, &fault);

	return false;
}

void
lmtp_pack_envelope(GString *out, const Envelope *envelope)
{
	for (size_t i = 0; i < G_N_ELEMENTS(envelope_strings); i++)
		lmtp_pack_string(out, G_STRUCT_MEMBER(char *, envelope, envelope_strings[i]));
}

/* No session says a control character: the parser of commands refuses them. */
static bool
is_line(const char *text)
{
	for (; text != NULL && *text != '\0'; text++)
		if (g_ascii_iscntrl(*text))
			return false;
	return true;
}

bool
lmtp_pack_take_envelope(const char **at, const char *end, Envelope *envelope)
{
	bool good = true;
	for (size_t i = 0; i < G_N_ELEMENTS(envelope_strings); i++) {
		char *text = lmtp_pack_take_string(at, end);
		G_STRUCT_MEMBER(char *, envelope, envelope_strings[i]) = text;
		good = good && is_line(text);
	}

	return good && *at != NULL && envelope->sender != NULL && envelope->recipient != NULL;
}

/* The strings of an account, in the order in which they travel; NULL where there is none. */
static const size_t account_strings[] = {
	G_STRUCT_OFFSET(Account, user),        G_STRUCT_OFFSET(Account, local),
	G_STRUCT_OFFSET(Account, domain),      G_STRUCT_OFFSET(Account, detail),
	G_STRUCT_OFFSET(Account, home),        G_STRUCT_OFFSET(Account, maildir),
	G_STRUCT_OFFSET(Account, returns_to),  G_STRUCT_OFFSET(Account, mail),
	G_STRUCT_OFFSET(Account, tree.path),   G_STRUCT_OFFSET(Account, tree.id),
	G_STRUCT_OFFSET(Account, tree.memory),
};

static void
pack_number(GString *out, guint64 number)
{
	char digits[24];
	size_t at = sizeof digits;

	digits[--at] = '\0';
	do
		digits[--at] = (char) ('0' + number % 10); /* printf costs ten times as much */
	while ((number /= 10) > 0);
	lmtp_pack_string(out, digits + at);
}

static guint64
take_number(const char **at, const char *end)
{
	g_autofree char *text = lmtp_pack_take_string(at, end);
	return text != NULL ? g_ascii_strtoull(text, NULL, 10) : 0;
}

static void
pack_list(GString *out, const GPtrArray *list)
{
	guint len = list != NULL ? list->len : 0;

	pack_number(out, len);
	for (guint i = 0; i < len; i++)
		lmtp_pack_string(out, list->pdata[i]);
}

static GPtrArray *
take_list(const char **at, const char *end)
{
	GPtrArray *list = g_ptr_array_new_with_free_func(g_free);

	for (guint64 n = take_number(at, end); n > 0 && *at != NULL; n--)
		g_ptr_array_add(list, lmtp_pack_take_string(at, end));
	return list;
}

void
lmtp_pack_account(GString *out, const Account *account)
{
	for (size_t i = 0; i < G_N_ELEMENTS(account_strings); i++)
		lmtp_pack_string(out, G_STRUCT_MEMBER(char *, account, account_strings[i]));

	pack_number(out, account->uid);
	pack_number(out, account->gid);
	pack_number(out, account->is_system);
	pack_number(out, account->forwards_all);
	pack_list(out, account->addresses);
	pack_list(out, account->settings);
}

Account *
lmtp_pack_take_account(const char **at, const char *end)
{
	g_autoptr(Account) account = g_new0(Account, 1);

	for (size_t i = 0; i < G_N_ELEMENTS(account_strings); i++)
		G_STRUCT_MEMBER(char *, account, account_strings[i]) = lmtp_pack_take_string(at,
		                                                                             end);

	account->uid = (uid_t) take_number(at, end);
	account->gid = (gid_t) take_number(at, end);
	account->is_system = take_number(at, end) != 0;
	account->forwards_all = take_number(at, end) != 0;
	account->addresses = take_list(at, end);
	account->settings = take_list(at, end);
	if (account->settings->len == 0)
		g_clear_pointer(&account->settings, g_ptr_array_unref);
	account->source = "users";

	return *at != NULL && account->user != NULL ? g_steal_pointer(&account) : NULL;
}
