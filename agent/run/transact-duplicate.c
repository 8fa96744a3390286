/* SPDX-License-Identifier: MIT */
/*
 * transact-duplicate: a second copy of mail that carries no mark of ours, as it comes from two
 * mailboxes that are fetched, or from a list and directly. The setting `duplicates` is off by
 * itself: two mails with one Message-ID may both be wanted.
 */
#include "agent/run/transact-parts.h"

#include "conf/conf-choices.h"

static bool
is_looked_at(const Transact *transact)
{
	const Conf *conf = transact->site->conf;
	const LoopVerdict *verdict = transact->verdict;
	if (conf->duplicates == CONF_DUPLICATES_OFF || verdict == NULL)
		return false;

	/* What its owner resends, or has deleted before it came back, is wanted. */
	bool returned = verdict->kind == LOOP_RETURNED || verdict->kind == LOOP_RETURNED_OFTEN ||
	                verdict->kind == LOOP_PASSED;
	return !returned && (conf->duplicates_of == CONF_DUPLICATES_OF_ALL || verdict->fetched);
}

/*
 * What two copies of a mail have in common. NULL: this one has no Message-ID, or its body cannot be
 * read. Caller frees.
 */
static char *
make_key(const Transact *transact)
{
	size_t pos = 0;
	g_auto(Status) unreadable = STATUS_INIT;
	const HeaderField *field = headers_next(message_headers(transact->message), "Message-ID",
	                                        &pos);
	g_autofree char *id = field != NULL ? header_field_value(field) : NULL;

	if (id == NULL || *id == '\0')
		return NULL;
	bool by_id = transact->site->conf->duplicates_by == CONF_DUPLICATES_BY_MESSAGE_ID;
	const BodyPrint *print = by_id ? NULL : message_print(transact->message, &unreadable);
	if (!by_id && print == NULL)
		return NULL;

	return state_key("duplicate", transact->account->user, id, by_id ? "" : print->text, NULL);
}

static void
answer(Transact *transact)
{
	const Conf *conf = transact->site->conf;
	g_ptr_array_add(
		transact->report.notes,
		g_strdup("a second copy of a mail that was delivered before (setting duplicates)"));
	if (conf->duplicates == CONF_DUPLICATES_DISCARD)
		transact->discard = true;
	else if (conf->duplicates == CONF_DUPLICATES_FILE)
		transact->file_into = conf->duplicates_folder;
	else
		transact->flags_duplicate = true;
}

void
transact_check_duplicate(Transact *transact)
{
	bool decided = transact->discard || transact->inbox_only || transact->file_into != NULL;
	g_autofree char *key = !decided && is_looked_at(transact) ? make_key(transact) : NULL;
	if (key == NULL)
		return;

	const char *arrival = transact_arrival(transact);
	bool seen = state_once_has_seen(transact->state, key, arrival, transact->report.notes);
	if (seen)
		answer(transact);

	gint64 until = transact->now + transact->site->conf->duplicates_lifetime;
	state_once_will_see(transact->state, key, seen ? NULL : arrival, until);
}
