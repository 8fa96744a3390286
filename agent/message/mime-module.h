/* SPDX-License-Identifier: MIT */
/*
 * mime-module: what the program and todoke-mime.so know of each other: a table of functions over
 * plain bytes.
 *
 * No type of GMime crosses. Memory is GLib's on both sides (one shared GLib), so either may free
 * what the other made.
 */
#ifndef TODOKE_MIME_MODULE_H
#define TODOKE_MIME_MODULE_H

#include "agent/message/mime.h"

/* Goes up with every change of the table: a module of another version is not used. */
#define MIME_MODULE_VERSION 3u

#define MIME_MODULE_FILE "todoke-mime.so"
#define MIME_MODULE_SYMBOL "mime_module"

/* Undoes a transfer encoding piece by piece. */
typedef struct MimeDecoder MimeDecoder;

typedef struct {
	unsigned version;

	/* Unfolded header text to UTF-8, see mime_decode_text. */
	char *(*decode_text)(const char *value, size_t len, const char *hint, char **ret_guess);

	/* Bytes to UTF-8, see mime_to_utf8. */
	char *(*to_utf8)(const char *bytes, size_t len, const char *charset, size_t *ret_len,
	                 char **ret_guess);

	/* See mime_parse_type and mime_parse_disposition; `value` is unfolded. */
	void (*parse_type)(const char *value, const char *hint, MimeValue *ret_value);
	void (*parse_disposition)(const char *value, const char *hint, MimeValue *ret_value);

	/* Append what `in` decodes to; `last` ends it. decoder_new never fails. */
	MimeDecoder *(*decoder_new)(MimeEncoding encoding);
	void (*decoder_step)(MimeDecoder *decoder, const char *in, size_t len, bool last,
	                     GString *out);
	void (*decoder_free)(MimeDecoder *decoder);

	/* See mime_compose; the drafts have been checked for depth. */
	GBytes *(*compose)(const MimeDraft *draft);
} MimeModule;

#endif
