/* SPDX-License-Identifier: MIT */
/* quota-notice: thresholds, and the text. */
#include "agent/run/quota-notice.h"

#include "agent/base/log.h"
#include "agent/base/texts.h"
#include "agent/store/quota-memory.h"

#include <syslog.h>

enum { FULL_PERCENT = 100 };

static bool
is_full(const Status *st)
{
	return st->id == STATUS_QUOTA || st->id == STATUS_QUOTA_GRACE;
}

bool
quota_notice_fits(const Status *st)
{
	return st->id == STATUS_OK || is_full(st);
}

/* "81 MB of 100 MB", "9 of 10 messages", or both. Caller frees. */
static char *
print_fill(const QuotaFill *fill)
{
	g_autofree char *there = g_format_size_full((guint64) fill->bytes, G_FORMAT_SIZE_IEC_UNITS),
			*limit = g_format_size_full((guint64) fill->limit_bytes,
	                                            G_FORMAT_SIZE_IEC_UNITS),
			*messages = g_strdup_printf("%" G_GINT64_FORMAT, fill->messages),
			*most = g_strdup_printf("%" G_GINT64_FORMAT, fill->limit_messages);
	const TextValue values[] = { { "there", there },
		                     { "limit", limit },
		                     { "messages", messages },
		                     { "most", most },
		                     { NULL, NULL } };

	return texts_for_owner(fill->limit_messages == 0 ? TEXT_NOTICE_QUOTA_BYTES
	                       : fill->limit_bytes == 0  ? TEXT_NOTICE_QUOTA_MESSAGES
	                                                 : TEXT_NOTICE_QUOTA_BOTH,
	                       values);
}

static void
log_warning(const NoticeFrame *frame, unsigned percent, const QuotaFill *fill)
{
	LogLine *line = log_line_new_event(EVENT_QUOTA_WARNED);
	log_line_mask(line, "user", frame->account->user);
	log_line_add(line, "user", frame->account->user);
	log_line_add_int(line, "percent", (gint64) percent);
	log_line_add_int(line, "bytes", fill->bytes);
	log_line_add_int(line, "messages", fill->messages);
	log_line_send(line, LOG_NOTICE);
}

static bool
store(const NoticeFrame *frame, Maildir *inbox, unsigned percent, const QuotaFill *fill, Status *st)
{
	g_autofree char *number = g_strdup_printf("%u", percent), *full = print_fill(fill);
	const TextValue values[] = { { "percent", number }, { "fill", full }, { NULL, NULL } };
	bool is_over = percent >= FULL_PERCENT;
	g_autofree char *subject = texts_for_owner(is_over ? TEXT_NOTICE_QUOTA_FULL_SUBJECT
	                                                   : TEXT_NOTICE_QUOTA_SUBJECT,
	                                           values),
			*text = texts_for_owner(is_over ? TEXT_NOTICE_QUOTA_FULL_BODY
	                                                : TEXT_NOTICE_QUOTA_BODY,
	                                        values);

	return notice_store(frame, inbox, subject, text, st);
}

void
quota_notice_tell(const NoticeFrame *frame, Maildir *inbox, const char *state,
                  const QuotaFill *fill, const Status *st, GPtrArray *notes)
{
	QuotaFill now = *fill;
	bool is_wanted = frame->conf->quota_warnings != NULL &&
	                 *frame->conf->quota_warnings != NULL;
	if (!is_wanted || !fill->is_known || state == NULL)
		return;

	bool is_rehearsal = maildir_is_rehearsal(inbox);
	now.percent = is_full(st) ? MAX(fill->percent, FULL_PERCENT) : fill->percent;
	unsigned reached = quota_threshold(frame->conf, &now);
	if (!quota_memory_reach(state, reached, is_rehearsal) || reached == 0)
		return;

	g_auto(Status) fault = STATUS_INIT;
	if (!store(frame, inbox, reached, fill, &fault)) {
		(void) quota_memory_reach(state, 0, is_rehearsal); /* the next one tells */
		g_ptr_array_add(notes, g_strdup_printf("the owner is not told that the mailbox "
		                                       "fills up: %s",
		                                       fault.detail));
	} else if (!is_rehearsal) {
		log_warning(frame, reached, fill);
	}
}
