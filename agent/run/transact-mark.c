/* SPDX-License-Identifier: MIT */
/*
 * transact-mark: the owner's key, and the mark of what is delivered.
 *
 * The mark covers the body, which passes only after the header was written. So the header is
 * written with a mark of the right length, and what stands there in the file is replaced at the
 * end.
 */
#include "agent/run/transact-parts.h"

#include "agent/base/fs.h"
#include "agent/message/address-print.h"
#include "conf/conf-choices.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#define KEY_FILE "mark.keys"

static void
join_keys(Transact *transact, const MarkKeys *own)
{
	const Conf *conf = transact->site->conf;
	const MarkKeys *site = transact->late_keys != NULL ? transact->late_keys
	                                                   : transact->site->keys;
	bool by_site = conf->mark_key == CONF_MARK_KEY_SITE;

	mark_keys_free(transact->keys);
	transact->keys = by_site ? mark_keys_join(site, own) : mark_keys_join(own, site);
	transact->has_owner_key = own != NULL;
}

static void
note_no_key(Transact *transact, const Status *fault)
{
	g_ptr_array_add(transact->report.notes, g_strdup_printf("no mark: %s", fault->detail));
}

static bool
has_mark(const Transact *transact)
{
	size_t pos = 0;
	return headers_next(message_headers(transact->message), MARK_FIELD, &pos) != NULL;
}

/* Keys of the site that only check marks, and were not read before somebody needs them. */
static void
read_late_keys(Transact *transact)
{
	const Site *site = transact->site;
	/* as an owner's door finds them: their marks prove nothing here */
	g_auto(Status) unreadable = STATUS_INIT;
	if (site->keys_come_late)
		(void) mark_keys_read(site->conf->key_file, &transact->late_keys, &unreadable);
}

void
transact_read_keys(Transact *transact)
{
	if (!transact->site->conf->add_mark)
		return;
	if (has_mark(transact))
		read_late_keys(transact);
	g_autoptr(MarkKeys) own = NULL;
	g_auto(Status) fault = STATUS_INIT;
	if (transact->account->returns_to != NULL) { /* nobody's account */
		join_keys(transact, NULL);
		return;
	}

	const char *folder = transact_state_folder(transact, &fault);
	g_autofree char *path = folder != NULL ? g_build_filename(folder, KEY_FILE, NULL) : NULL;
	if (path == NULL || !site_owner_keys(transact->site, path, transact->now, &own, &fault))
		note_no_key(transact, &fault);
	else
		transact->marks_read = true;

	join_keys(transact, own);
}

/* A key that could be made there; nobody will ever check what it signs. */
static MarkKeys *
imagine_key(const char *folder, Status *st)
{
	bool is_there = access(folder, F_OK) == 0;
	if (is_there ? faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) == 0
	             : fs_may_make_dir(AT_FDCWD, folder, st))
		return mark_keys_imagine(st);

	status_fail_errno(st, errno, "cannot make a key in '%s'", folder);
	return NULL;
}

void
transact_make_key(Transact *transact)
{
	const Conf *conf = transact->site->conf;
	if (!transact->marks_read || transact->has_owner_key ||
	    conf->mark_key == CONF_MARK_KEY_SITE)
		return;

	g_auto(Status) fault = STATUS_INIT;
	auto_fd int folder = -1;
	g_autofree char *path = g_build_filename(transact->state_path, KEY_FILE, NULL);
	g_autoptr(MarkKeys) own = NULL;
	if (transact->rehearsal)
		own = imagine_key(transact->state_path, &fault);
	else if (fs_make_dir(AT_FDCWD, transact->state_path, 0700, &folder, &fault))
		own = mark_keys_read_or_make(path, &fault);

	if (own == NULL)
		note_no_key(transact, &fault);
	else
		join_keys(transact, own);
}

/* Does this hop's part of the header, above the newest Received, have the field already? */
static bool
has_stamp(const Headers *headers, const char *name)
{
	size_t behind_stamp = 0, behind_received = 0;
	(void) headers_next(headers, "Received", &behind_received);
	return headers_next(headers, name, &behind_stamp) != NULL &&
	       behind_stamp <= behind_received;
}

static char *
make_value(const Transact *transact, MarkKind kind, const BodyPrint *print)
{
	const Mark mark = { .kind = kind, .time = transact->now };
	return mark_make(transact->keys, &mark, transact->subject, print);
}

/*
 * The mark of a copy that is stored, over the header that it stands in. Where the body is not known
 * yet it says passed on, and the file's copy is replaced by transact_seal.
 */
static void
append_mark(Transact *transact, Headers *stamped, const Headers *headers, const BodyPrint *print)
{
	if (!mark_keys_sign(transact->keys))
		return;
	AddressRules rules = site_loop_rules(transact->site);
	transact->subject = mark_subject(transact->envelope->recipient, &rules, headers);

	g_autofree char *value = make_value(transact, print != NULL ? MARK_STORED : MARK_PASSED,
	                                    print);
	transact->mark_at = headers_count(stamped);
	transact->sealed = print != NULL;
	headers_append_text(stamped, MARK_FIELD, value);
}

/* A field with one bare address, as Postfix writes it. */
static void
append_address(Headers *headers, const char *name, const char *address)
{
	g_autofree char *value = address_print_argument(address);
	headers_append_text(headers, name, value);
}

void
transact_stamp(Transact *transact, const BodyPrint *print)
{
	const Conf *conf = transact->site->conf;
	const Envelope *envelope = transact->envelope;
	Headers *old = transact->rules->headers;
	Headers *stamped = headers_new(old, headers_newline(old));
	size_t top = headers_top(old);

	for (size_t i = 0; i < top; i++)
		headers_append(stamped, headers_get(old, i));
	if (conf->add_return_path && envelope->sender != NULL && !has_stamp(old, "Return-Path")) {
		g_autofree char *path = address_print_path(
			envelope_is_bounce(envelope) ? "" : envelope->sender);
		headers_append_text(stamped, "Return-Path", path);
	}

	if (conf->add_original_to && envelope->original != NULL && !has_stamp(old, "X-Original-To"))
		append_address(stamped, "X-Original-To", envelope->original);
	if (conf->add_delivered_to && !has_stamp(old, "Delivered-To"))
		append_address(stamped, "Delivered-To", envelope->recipient);
	append_mark(transact, stamped, old, print);
	headers_append_from(stamped, old, top);
	transact->headers = stamped;
}

/* The whole field, as it stands in the header. Caller frees. */
static char *
make_field(const Transact *transact, MarkKind kind, const BodyPrint *print)
{
	g_autofree char *value = make_value(transact, kind, print);
	g_autoptr(Headers) alone = headers_new(NULL, headers_newline(transact->headers));

	headers_append_text(alone, MARK_FIELD, value);
	const HeaderField *field = headers_get(alone, 0);
	g_assert(field->len == headers_get(transact->headers, transact->mark_at)->len);

	return g_strndup(field->bytes, field->len);
}

/* MessageSeal's make: what goes into the mailbox is stored. */
static char *
make_stored(void *user, const BodyPrint *print)
{
	return make_field(user, MARK_STORED, print);
}

bool
transact_seal(Transact *transact, MessageSeal *ret_seal)
{
	if (transact->subject == NULL || transact->sealed)
		return false;
	*ret_seal = (MessageSeal){ headers_get(transact->headers, transact->mark_at), make_stored,
		                   transact };
	return true;
}

void
transact_settle_mark(Transact *transact)
{
	if (transact->envelope->door == DOOR_TRY) { /* what would be stored is shown */
		transact->mark = transact->subject != NULL
		                         ? header_field_value(headers_get(transact->headers,
		                                                          transact->mark_at))
		                         : NULL;
		return;
	}

	g_auto(Status) unreadable = STATUS_INIT;
	const BodyPrint *print = transact->subject != NULL && transact->mark == NULL
	                                 ? message_print(transact->message, &unreadable)
	                                 : NULL;
	if (print == NULL)
		return;

	g_autofree char *field = make_field(transact, MARK_PASSED, print);
	headers_overwrite(transact->headers, transact->mark_at, field);
	transact->mark = header_field_value(headers_get(transact->headers, transact->mark_at));
}
