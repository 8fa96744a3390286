/* SPDX-License-Identifier: MIT */
/* quota-words: how full a mailbox is, told to a person. */
#ifndef TODOKE_QUOTA_WORDS_H
#define TODOKE_QUOTA_WORDS_H

#include "agent/store/quota.h"

/*
 * "222 bytes in 1 message, limit 5.0 GiB", in the language of words_choose(), with the units of the
 * notice that the owner gets; "at least ..." and why, where not all could be counted. Caller frees.
 */
char *quota_words(const QuotaLook *look);

#endif
