/* SPDX-License-Identifier: MIT */
/* lmtp-delivery: from an account and an envelope to a transaction. */
#include "agent/lmtp/lmtp-delivery.h"

#include "agent/base/deadline.h"
#include "agent/base/log.h"
#include "agent/deliver/deliver.h"
#include "agent/message/mail-ids.h"
#include "agent/run/early-record.h"
#include "agent/run/quota-notice.h"
#include "agent/run/transact.h"
#include "conf/conf-choices.h"

#include <syslog.h>

void
lmtp_delivery_log_refusal(const Conf *conf, const LmtpDeliveryAsked *asked, const Status *st)
{
	bool is_id = asked->origin_id != NULL && mail_ids_is_queue_id(asked->origin_id);
	const EarlyMail mail = { .door = DOOR_LMTP,
		                 .queue_id = is_id ? asked->origin_id : NULL,
		                 .user = asked->user,
		                 .origin_id = asked->origin_id,
		                 .sender = asked->sender,
		                 .recipient = asked->address };
	LogLine *line = log_line_new(mail.queue_id);

	log_line_mask(line, "to", asked->address);
	log_line_mask(line, "from", asked->sender);
	log_line_add(line, "to", asked->address);
	log_line_add(line, "from", asked->sender);
	log_line_add(line, "origin_id", asked->origin_id);
	log_line_add_failure(line, st);
	log_line_send(line, st->outside != NULL && st->outside->is_told ? LOG_INFO : LOG_WARNING);
	early_record_write(conf, &mail, st);
}

/* As transact.c does for mail that was read before it was refused. */
static void
tell_owner(const Conf *conf, const char *host, const Account *account, const QuotaOwner *owner,
           const QuotaFill *fill, const Status *st)
{
	g_auto(Status) absent = STATUS_INIT;
	g_autoptr(GPtrArray) told = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) notes = g_ptr_array_new_with_free_func(g_free);
	const NoticeFrame frame = { account, conf, host, owner->now, told };
	g_autoptr(Maildir) inbox = quota_notice_fits(st)
	                                   ? deliver_open_inbox(account->maildir, conf, &absent)
	                                   : NULL;
	if (inbox != NULL)
		quota_notice_tell(&frame, inbox, owner->state, fill, st, notes);
}

static bool
has_room(const Conf *conf, const char *host, const Account *account, guint64 size, Status *st)
{
	if (conf->quota == CONF_QUOTA_OFF)
		return true;

	g_auto(Status) no_state = STATUS_INIT;
	g_autofree char *state = account_state_folder(account, conf, &no_state);
	const QuotaOwner owner = { .user = account->user,
		                   .state = state,
		                   .now = g_get_real_time() / G_USEC_PER_SEC };
	QuotaFill fill;
	if (quota_has_room(account->maildir, conf, &owner, size, &fill, st))
		return true;

	tell_owner(conf, host, account, &owner, &fill, st);
	return false;
}

bool
lmtp_delivery_look(const Conf *conf, const char *host, Account *account,
                   const LmtpDeliveryAsked *asked, Status *st)
{
	deadline_start((unsigned) conf->deadline, asked->origin_id);
	deadline_waiting_for("looking into the mailbox");
	bool takes = account_check(conf, account, st) &&
	             has_room(conf, host, account, asked->size, st);
	deadline_stop();

	return takes;
}

bool
lmtp_delivery_run(Site *site, Account *account, const Envelope *envelope, Message *message,
                  bool leaves_outages, char **ret_done, Status *st)
{
	gint64 started = g_get_monotonic_time();
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;

	deadline_start((unsigned) site->conf->deadline, envelope->queue_id);
	g_autoptr(Transact) job = transact_new(site, account, envelope, message, NULL, now);
	if (leaves_outages)
		transact_leave_outages(job);
	bool done = transact_judge(job, st) && transact_deliver(job, st);
	deadline_stop();
	transact_log(job, st, (double) (g_get_monotonic_time() - started) / G_USEC_PER_SEC);
	status_set_reference(st, transact_queue_id(job));
	if (done)
		*ret_done = transact_done_text(job);

	return done;
}
