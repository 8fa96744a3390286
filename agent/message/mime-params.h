/* SPDX-License-Identifier: MIT */
/*
 * mime-params: the values of Content-Type and Content-Disposition (RFC 2045 5.1, RFC 2183, RFC
 * 2231), as they come.
 *
 * One reader for all of them, because what a rule cannot see a sender can hide: encoded words in
 * quotes (which no RFC allows and everybody writes) are decoded as in any field, over the whole
 * value; "filename" and "filename*" are both there; values without quotes may have blanks, a
 * missing semicolon is put up with; a comment is no part of a value. GMime decodes only the first
 * of several words in quotes and keeps one value a name.
 */
#ifndef TODOKE_MIME_PARAMS_H
#define TODOKE_MIME_PARAMS_H

#include "agent/message/mime.h"

/*
 * `value` is unfolded UTF-8, `octets` the same before it was converted. What names no type is
 * "text/plain" (RFC 2045 5.2); its parameters count.
 */
void mime_params_read_type(const char *value, const char *octets, MimeValue *ret_value);

/* What has no word in front is an "attachment" (RFC 2183 2.8). */
void mime_params_read_disposition(const char *value, MimeValue *ret_value);

#endif
