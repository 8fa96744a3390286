/* SPDX-License-Identifier: MIT */
/*
 * fuzz-lmtp: any octets at the LMTP door. The first octet says how they are cut, the second the
 * options; the rest is what the client says. Whatever it is: no reply line over 512 octets, what
 * was begun is ended, each delivery one reply, and the answers do not depend on the cuts.
 */
#include "tests/lib/fake-lmtp.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *
converse(const LmtpOptions *options, const char *said, size_t len, size_t step)
{
	FakeLmtp fake;

	fake_lmtp_init(&fake);
	fake.session = lmtp_session_new(options, &fake.backend);
	fake_lmtp_drain(&fake);

	bool open = true;
	for (size_t at = 0; open && at < len; at += step) {
		open = lmtp_session_feed(fake.session, said + at, MIN(step, len - at));
		fake_lmtp_drain(&fake);
	}

	lmtp_session_free(fake.session);
	g_assert(!fake.open);
	g_assert(!fake.late); /* a flag, for the log holds what the client says */

	char *log = g_strdup(fake.log->str);
	fake_lmtp_clear(&fake);
	return log;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	if (size < 2)
		return 0;
	LmtpOptions options = {
		.hostname = "mx.test",
		.trusted = (data[1] & 1) != 0,
		.size_limit = (data[1] & 2) != 0 ? 100 : 0,
		.paths = (data[1] & 4) != 0 ? LMTP_PATHS_BARE : LMTP_PATHS_STRICT,
	};
	const char *said = (const char *) data + 2;
	g_autofree char *whole = converse(&options, said, size - 2, size);
	g_autofree char *parts = converse(&options, said, size - 2, (size_t) data[0] + 1);
	g_assert(strcmp(whole, parts) == 0);

	return 0;
}
