/* SPDX-License-Identifier: MIT */
/*
 * body-print: what tells one body from another: its length, and a hash of its beginning.
 *
 * Carriage returns do not count, nor line ends at the end: mail servers and mailboxes change both.
 * The hash covers the first BODY_PRINT_BYTES of what is left, so a large mail costs no more than a
 * small one. It is MD5, which costs a fifth of SHA-256 and is paid for every message: to make
 * another body with the print of a given one is out of reach, and whoever makes two bodies alike
 * loses one of them. Where mail is taken and not stored, the whole body has been compared.
 */
#ifndef TODOKE_BODY_PRINT_H
#define TODOKE_BODY_PRINT_H

#include "agent/base/digest.h"

#include <stdbool.h>

#define BODY_PRINT_BYTES (64u * 1024)

/* A print as text: "1234 900150983cd24fb0d6963f7d28e17f72". */
enum { BODY_PRINT_TEXT = 20 + 1 + 32 };

typedef struct {
	char text[BODY_PRINT_TEXT + 1];
} BodyPrint;

/* A print in the making. */
typedef struct {
	bool is_begun; /* and not ended */
	DigestMd5 sum;
	guint64 len;     /* octets that count so far */
	guint64 pending; /* line ends behind them, which count only when something follows */
	guint64 limit;   /* octets that are hashed at most */
} BodyPrinter;

void body_printer_init(BodyPrinter *printer);

/* The same for a hash of the whole body. */
void body_printer_init_whole(BodyPrinter *printer);

/* Does a print (of body_printer_init) cover the whole body? */
bool body_print_is_whole(const BodyPrint *print);

/* The next octets; `has_cr` may be true where there is no carriage return among them. */
void body_printer_add(BodyPrinter *printer, const char *data, size_t len, bool has_cr);

/* That was all. */
void body_printer_end(BodyPrinter *printer, BodyPrint *ret_print);

#endif
