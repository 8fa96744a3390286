/* SPDX-License-Identifier: MIT */
/*
 * quota-notice: warn the owner when the mailbox is about to be full (setting quota_warnings).
 */
#ifndef TODOKE_QUOTA_NOTICE_H
#define TODOKE_QUOTA_NOTICE_H

#include "agent/run/notice.h"
#include "agent/store/quota.h"

/* Does a delivery that ended so say how full the mailbox is: it succeeded, or there was no room? */
bool quota_notice_fits(const Status *st);

/*
 * Tell the owner once when the mailbox reaches a threshold; refused mail makes it full. Below it,
 * the next time is told again. `state` is the folder of the owner's state (NULL: nobody is told, as
 * it cannot be remembered); what fails is appended to `notes` (char *). In a rehearsal nothing is
 * remembered or stored. Logs the warning.
 */
void quota_notice_tell(const NoticeFrame *frame, Maildir *inbox, const char *state,
                       const QuotaFill *fill, const Status *st, GPtrArray *notes);

#endif
