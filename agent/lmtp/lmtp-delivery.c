/* SPDX-License-Identifier: MIT */
/* lmtp-delivery: from an account and an envelope to a transaction. */
#include "agent/lmtp/lmtp-delivery.h"

#include "agent/base/deadline.h"
#include "agent/base/log.h"
#include "agent/run/early-record.h"
#include "agent/run/transact.h"
#include "agent/store/quota.h"
#include "conf/conf-choices.h"

#include <syslog.h>

void
lmtp_delivery_log_refusal(const Conf *conf, const LmtpDeliveryAsked *asked, const Status *st)
{
	const EarlyMail mail = { .door = DOOR_LMTP,
		                 .origin_id = asked->origin_id,
		                 .sender = asked->sender,
		                 .recipient = asked->address };
	LogLine *line = log_line_new(NULL);

	log_line_mask(line, "to", asked->address);
	log_line_mask(line, "from", asked->sender);
	log_line_add(line, "to", asked->address);
	log_line_add(line, "from", asked->sender);
	log_line_add(line, "origin_id", asked->origin_id);
	log_line_add_failure(line, st);
	log_line_send(line, LOG_WARNING);
	early_record_write(conf, &mail, st);
}

bool
lmtp_delivery_look(const Conf *conf, Account *account, const LmtpDeliveryAsked *asked, Status *st)
{
	deadline_start((unsigned) conf->deadline, asked->origin_id);
	deadline_waiting_for("looking into the mailbox");
	bool takes = account_check(conf, account, st) &&
	             (conf->quota == CONF_QUOTA_OFF ||
	              quota_has_room(account->maildir, conf, asked->size, st));
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
