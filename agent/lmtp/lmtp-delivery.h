/* SPDX-License-Identifier: MIT */
/* lmtp-delivery: one recipient's transaction, in a process that has the owner's rights. */
#ifndef TODOKE_LMTP_DELIVERY_H
#define TODOKE_LMTP_DELIVERY_H

#include "agent/message/envelope.h"
#include "agent/message/message.h"
#include "agent/run/account.h"
#include "agent/run/site.h"

/* RCPT of a message of `size` octets (0: not known). */
typedef struct {
	const char *address;
	const char *user; /* whose mailbox it names; NULL: nobody is known */
	const char *sender;
	const char *origin_id; /* XFORWARD IDENT; NULL: not known */
	guint64 size;
} LmtpDeliveryAsked;

/*
 * Log a recipient that was refused at RCPT, with the line that a transaction would have written,
 * and record it (early-record.h). No header is known yet, so the queue id is that of XFORWARD; it
 * brings none for mail that came by sendmail(1) or was made by Postfix.
 */
void lmtp_delivery_log_refusal(const Conf *conf, const LmtpDeliveryAsked *asked, const Status *st);

/*
 * Is the mailbox there, and has it room? `conf` has the settings of the account; `host` is our
 * name. An owner whose mailbox is full is told as by a delivery (quota-notice.h). Faults: those of
 * account_check, STATUS_QUOTA...; a deadline ends the process.
 */
bool lmtp_delivery_look(const Conf *conf, const char *host, Account *account,
                        const LmtpDeliveryAsked *asked, Status *st);

/*
 * Deliver and log. `leaves_outages`: another process reports peers that are down. *ret_done is what
 * the client reads on success; caller frees. Faults are those of transact_judge and
 * transact_deliver; a deadline ends the process.
 */
bool lmtp_delivery_run(Site *site, Account *account, const Envelope *envelope, Message *message,
                       bool leaves_outages, char **ret_done, Status *st);

#endif
