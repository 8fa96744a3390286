/* SPDX-License-Identifier: MIT */
/* fake-lmtp: faults by name. */
#include "tests/lib/fake-lmtp.h"

#include <string.h>

static bool
is_named(const char *address, const char *local)
{
	size_t len = strlen(local);
	return g_ascii_strncasecmp(address, local, len) == 0 &&
	       (address[len] == '@' || address[len] == '\0');
}

void
fake_lmtp_drain(FakeLmtp *fake)
{
	GString *out = lmtp_session_output(fake->session);
	const char *at = out->str, *last = out->str + out->len;

	while (at < last) {
		/* strstr looks at all the rest under the sanitizers */
		const char *end = memchr(at, '\n', (size_t) (last - at));
		g_assert(end != NULL && end > at && end[-1] == '\r');
		g_assert(end + 1 - at <= 512);
		g_string_append(fake->log, "S: ");
		g_string_append_len(fake->log, at, end - at - 1);
		g_string_append_c(fake->log, '\n');
		at = end + 1;
	}

	g_string_truncate(out, 0);
}

static bool
fake_recipient(void *user, const LmtpMail *mail, const char *address, char **ret_mailbox,
               Status *st)
{
	(void) user;
	(void) mail;
	if (is_named(address, "unknown"))
		return status_fail(st, STATUS_UNKNOWN_USER, NULL);
	if (is_named(address, "full"))
		return status_fail(st, STATUS_QUOTA_GRACE, NULL);
	if (is_named(address, "lookup"))
		return status_fail(st, STATUS_LOOKUP, NULL);

	*ret_mailbox = g_utf8_strdown(address, -1);
	return true;
}

static bool
fake_open(void *user, const LmtpMail *mail, Status *st)
{
	FakeLmtp *fake = user;

	fake->open = true;
	fake->form = mail->body;
	fake->fail = NULL;

	static const char *const names[] = { "openfail", "writefail", "closefail" };
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++)
		if (is_named(mail->sender, names[i]))
			fake->fail = names[i];
	g_string_truncate(fake->body, 0);

	return g_strcmp0(fake->fail, "openfail") != 0 || status_fail(st, STATUS_DISK_FULL, NULL);
}

static bool
fake_write(void *user, const void *data, size_t len, Status *st)
{
	FakeLmtp *fake = user;

	g_assert(fake->open);
	if (g_strcmp0(fake->fail, "writefail") == 0)
		return status_fail(st, STATUS_DISK_FULL, NULL);

	g_string_append_len(fake->body, data, (gssize) len);
	return true;
}

static bool
fake_close(void *user, Status *st)
{
	FakeLmtp *fake = user;
	return g_strcmp0(fake->fail, "closefail") != 0 || status_fail(st, STATUS_IO, NULL);
}

/* A long body is told by its length and its sum. */
static void
log_body(FakeLmtp *fake)
{
	if (fake->body->len > 500) {
		g_autofree char *sum = g_compute_checksum_for_data(
			G_CHECKSUM_MD5, (const guchar *) fake->body->str, fake->body->len);
		g_string_append_printf(fake->log, " %zu octets %s\n", fake->body->len, sum);
		return;
	}

	g_string_append(fake->log, " \"");
	for (size_t i = 0; i < fake->body->len; i++) {
		unsigned char c = (unsigned char) fake->body->str[i];
		if (c == '\n')
			g_string_append(fake->log, "\\n");
		else if (c == '\r')
			g_string_append(fake->log, "\\r");
		else if (c < 0x20 || c >= 0x7f || c == '\\')
			g_string_append_printf(fake->log, "\\x%02x", c);
		else
			g_string_append_c(fake->log, (char) c);
	}

	g_string_append(fake->log, "\"\n");
}

static void
log_word(FakeLmtp *fake, const char *name, const char *value)
{
	if (value != NULL)
		g_string_append_printf(fake->log, " %s=%s", name, value);
}

static void
free_envelope(gpointer envelope)
{
	envelope_free(envelope);
}

static void
fake_announce(void *user, Envelope *envelope)
{
	FakeLmtp *fake = user;
	g_ptr_array_add(fake->announced, envelope);
}

static void
check_announced(const FakeLmtp *fake, const Envelope *envelope)
{
	if (fake->announced->len == 0)
		return;
	g_assert(fake->deliveries < fake->announced->len);
	const Envelope *announced = fake->announced->pdata[fake->deliveries];
	g_assert_cmpstr(announced->recipient, ==, envelope->recipient);
	g_assert_cmpstr(announced->sender, ==, envelope->sender);
}

static bool
fake_deliver(void *user, const Envelope *envelope, char **ret_done, Status *st)
{
	FakeLmtp *fake = user;

	check_announced(fake, envelope);
	if (fake->deliveries++ > 0 && strstr(lmtp_session_output(fake->session)->str, "<") != NULL)
		fake->late = true;
	fake_lmtp_drain(fake);
	g_string_append_printf(fake->log, "D: <%s> to <%s>", envelope->sender, envelope->recipient);
	log_word(fake, "original", envelope->original);
	log_word(fake, "orcpt", envelope->orcpt);
	log_word(fake, "notify", envelope->notify);
	log_word(fake, "ret", envelope->ret);
	log_word(fake, "envid", envelope->envid);
	log_word(fake, "id", envelope->origin_id);
	log_word(fake, "addr", envelope->client_address);
	log_word(fake, "name", envelope->client_name);
	log_word(fake, "helo", envelope->helo);
	log_word(fake, "auth", envelope->auth);
	log_body(fake);
	if (is_named(envelope->recipient, "loop"))
		return status_fail(st, STATUS_LOOP, NULL);
	if (is_named(envelope->recipient, "disk"))
		return status_fail_errno(st, 28, "cannot write");
	if (is_named(envelope->recipient, "null"))
		return false;

	if (is_named(envelope->recipient, "hangup"))
		fake->gone = true;
	if (is_named(envelope->recipient, "utf8"))
		return status_fail(st, STATUS_RULE_REFUSED,
		                   "\xe3\x81\x8a\xe6\x96\xad\xe3\x82\x8a\r\n250 ok");
	if (is_named(envelope->recipient, "long")) {
		g_autofree char *text = g_strnfill(700, 'x');
		return status_fail(st, STATUS_RULE_REFUSED, "two words %s %s", text, "end");
	}

	*ret_done = g_strdup("stored");
	return true;
}

static void
fake_end(void *user)
{
	FakeLmtp *fake = user;
	fake->open = false;
	fake->deliveries = 0;
	g_ptr_array_set_size(fake->announced, 0);
}

static bool
fake_flush(void *user, GString *out)
{
	FakeLmtp *fake = user;

	g_assert(out == lmtp_session_output(fake->session));
	if (fake->gone) {
		g_string_truncate(out, 0);
		return false;
	}

	fake_lmtp_drain(fake);
	return true;
}

void
fake_lmtp_init(FakeLmtp *fake)
{
	*fake = (FakeLmtp) {
		.backend = {
			.recipient = fake_recipient, .open = fake_open, .write = fake_write, .close = fake_close,
			.announce = fake_announce, .deliver = fake_deliver, .end = fake_end, .flush = fake_flush, .client = fake, .user = fake,
		},
		.announced = g_ptr_array_new_with_free_func(free_envelope),
		.body = g_string_new(NULL),
		.log = g_string_new(NULL),
	};
}

void
fake_lmtp_clear(FakeLmtp *fake)
{
	g_ptr_array_unref(fake->announced);
	g_string_free(fake->body, TRUE);
	g_string_free(fake->log, TRUE);
}
