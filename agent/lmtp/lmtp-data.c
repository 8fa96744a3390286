/* SPDX-License-Identifier: MIT */
/* lmtp-data: a machine of five states that runs over text in strides. */
#include "agent/lmtp/lmtp-data.h"

#include <string.h>

enum { TEXT, LINE_START, CR, DOT, DOT_CR, ENDED };

void
lmtp_data_init(LmtpData *data, LmtpDataForm form)
{
	data->form = form;
	data->state = form == LMTP_DATA_DOTS ? LINE_START : TEXT;
}

/* What stands up to the next CR needs no look. Returns how far it copied. */
static size_t
copy_text(const char *in, size_t len, char *out, size_t *used)
{
	const char *cr = memchr(in, '\r', len);
	size_t stride = cr != NULL ? (size_t) (cr - in) : len;
	memcpy(out + *used, in, stride);
	*used += stride;
	return stride;
}

/* One octet in any state but TEXT; returns whether it was used up (else it is text). */
static bool
step(LmtpData *data, char c, char *out, size_t *used)
{
	unsigned was = data->state;
	data->state = TEXT;
	switch (was) {
	case LINE_START:
		if (c == '.')
			data->state = DOT;
		return c == '.';
	case DOT:
		if (c == '\r')
			data->state = DOT_CR;
		return c == '\r';
	case DOT_CR:
		if (c == '\n') {
			data->state = ENDED;
			return true;
		}
		out[(*used)++] = '\r';
		return false;
	default: /* CR */
		if (c == '\n') {
			out[(*used)++] = '\n';
			data->state = data->form == LMTP_DATA_DOTS ? LINE_START : TEXT;
			return true;
		}
		out[(*used)++] = '\r';
		return false;
	}
}

size_t
lmtp_data_decode(LmtpData *data, const char *in, size_t len, char *out, size_t *ret_len,
                 bool *ret_ended)
{
	size_t at = 0, used = 0;

	if (data->form == LMTP_DATA_BINARY) {
		memcpy(out, in, len);
		at = used = len;
	}

	while (at < len && data->state != ENDED) {
		if (data->state != TEXT) {
			at += step(data, in[at], out, &used) ? 1 : 0;
			continue;
		}
		at += copy_text(in + at, len - at, out, &used);
		if (at < len) {
			data->state = CR;
			at++;
		}
	}

	*ret_len = used;
	*ret_ended = data->state == ENDED;
	return at;
}

size_t
lmtp_data_finish(LmtpData *data, char *out)
{
	bool held = data->state == CR;
	data->state = ENDED;
	if (held)
		out[0] = '\r';
	return held ? 1 : 0;
}
