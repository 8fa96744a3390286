/* SPDX-License-Identifier: MIT */
/*
 * body-print: octets between carriage returns, and line ends that wait for something to follow
 * them.
 */
#include "agent/message/body-print.h"

#include <stdio.h>
#include <string.h>

void
body_printer_init(BodyPrinter *printer)
{
	*printer = (BodyPrinter){ .is_begun = true, .limit = BODY_PRINT_BYTES };
	digest_md5_init(&printer->sum);
}

void
body_printer_init_whole(BodyPrinter *printer)
{
	body_printer_init(printer);
	printer->limit = G_MAXUINT64;
}

bool
body_print_is_whole(const BodyPrint *print)
{
	return g_ascii_strtoull(print->text, NULL, 10) <= BODY_PRINT_BYTES;
}

/* Octets that count; those past the limit count by their number only. */
static void
take(BodyPrinter *printer, const char *data, size_t len)
{
	if (printer->len < printer->limit) {
		guint64 room = printer->limit - printer->len;
		digest_md5_add(&printer->sum, data, (size_t) MIN(len, room));
	}
	printer->len += len;
}

static void
take_pending(BodyPrinter *printer)
{
	static const char ends[] = "\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n\n";

	while (printer->pending > 0 && printer->len < printer->limit) {
		size_t n = (size_t) MIN(printer->pending, sizeof ends - 1);
		take(printer, ends, n);
		printer->pending -= n;
	}

	printer->len += printer->pending;
	printer->pending = 0;
}

/* Octets without a carriage return. */
static void
add_plain(BodyPrinter *printer, const char *data, size_t len)
{
	size_t solid = len;

	while (solid > 0 && data[solid - 1] == '\n')
		solid--;

	if (solid > 0) {
		take_pending(printer);
		take(printer, data, solid);
	}

	printer->pending += len - solid;
}

void
body_printer_add(BodyPrinter *printer, const char *data, size_t len, bool has_cr)
{
	const char *end = data + len;
	for (const char *cr; has_cr && (cr = memchr(data, '\r', (size_t) (end - data))) != NULL;
	     data = cr + 1)
		add_plain(printer, data, (size_t) (cr - data));
	add_plain(printer, data, (size_t) (end - data));
}

void
body_printer_end(BodyPrinter *printer, BodyPrint *ret_print)
{
	guchar sum[DIGEST_MD5_BYTES];
	char hex[2 * sizeof sum + 1];

	digest_md5_end(&printer->sum, sum);
	digest_print(sum, sizeof sum, hex);
	(void) snprintf(ret_print->text, sizeof ret_print->text, "%" G_GUINT64_FORMAT " %s",
	                printer->len, hex);
	printer->is_begun = false;
}
