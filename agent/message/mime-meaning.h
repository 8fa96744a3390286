/* SPDX-License-Identifier: MIT */
/*
 * mime-meaning: what the octets of encoded words mean, by GMime and iconv, whatever they are. Part
 * of the module.
 */
#ifndef TODOKE_MIME_MEANING_H
#define TODOKE_MIME_MEANING_H

#include "agent/message/mime-words.h"

/* mime_words_decode by way of GMime, which never gives up. */
GString *mime_meaning_decode(const char *text, size_t len, char **guess);

#endif
