/* SPDX-License-Identifier: MIT */
/* notice: composed as outgoing mail is, stored as incoming mail is. */
#include "agent/run/notice.h"

#include "agent/message/address-print.h"
#include "agent/send/compose.h"
#include "agent/store/quota.h"

#include <string.h>

static bool
compose(const NoticeFrame *frame, const char *subject, const char *text, GBytes **ret_message,
        Status *st)
{
	const GPtrArray *addresses = frame->account->addresses;
	g_autofree char *to = address_print_header(NULL, addresses->len > 0 ? addresses->pdata[0]
	                                                                    : frame->account->user);
	g_autofree char *postmaster = compose_first_address(frame->conf->postmaster_address);
	g_autofree char *from = postmaster != NULL
	                                ? address_print_header("Mail Delivery", postmaster)
	                                : g_strdup_printf("Mail Delivery <MAILER-DAEMON@%s>",
	                                                  frame->host);
	g_autofree char *date = compose_date(frame->now), *unique = g_uuid_string_random();
	g_autofree char *id = g_strdup_printf("<todoke.%s@%s>", unique, frame->host);
	const MimeField fields[] = {
		{ "Return-Path", "<>", MIME_FIELD_RAW },
		{ "From", from, MIME_FIELD_ADDRESSES },
		{ "To", to, MIME_FIELD_ADDRESSES },
		{ "Subject", subject, MIME_FIELD_TEXT },
		{ "Date", date, MIME_FIELD_RAW },
		{ "Message-ID", id, MIME_FIELD_RAW },
		{ "Auto-Submitted", "auto-generated (notice)", MIME_FIELD_RAW },
	};
	const MimeDraft draft = {
		.fields = fields,
		.n_fields = G_N_ELEMENTS(fields),
		.type = "text/plain",
		.data = text,
		.len = strlen(text),
	};

	return mime_compose(&draft, ret_message, st);
}

static bool
store(const NoticeFrame *frame, Maildir *inbox, MaildirDraft *draft, Message *message, Status *st)
{
	if (!maildir_draft_write(draft, message, message_headers(message), st) ||
	    !maildir_draft_prepare(draft, NULL, st))
		return false;

	const QuotaOwner owner = { .now = frame->now };
	g_autoptr(Quota) quota = quota_open(inbox, frame->conf, &owner, NULL);
	if (!maildir_draft_commit(draft, st))
		return false;

	if (quota != NULL && quota_counts(quota, "", NULL)) {
		quota_add(quota, (gint64) maildir_draft_size(draft).bytes, 1);
		quota_settle(quota, false);
	}
	return maildir_flush(inbox, st);
}

bool
notice_store(const NoticeFrame *frame, Maildir *inbox, const char *subject, const char *text,
             Status *st)
{
	g_autoptr(GBytes) composed = NULL;
	if (!compose(frame, subject, text, &composed, st))
		return false;

	size_t len;
	const void *data = g_bytes_get_data(composed, &len);
	g_autoptr(Message) message = message_from_bytes(data, len, st);
	g_autoptr(MaildirDraft) draft = message != NULL ? maildir_draft_new(inbox, st) : NULL;

	if (draft == NULL || !store(frame, inbox, draft, message, st))
		return false;

	g_ptr_array_add(frame->told, g_strdup(subject));
	return true;
}
