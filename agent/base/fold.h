/* SPDX-License-Identifier: MIT */
/* fold: texts that are compared without regard to case. */
#ifndef TODOKE_FOLD_H
#define TODOKE_FOLD_H

/*
 * `text` without case. What is not UTF-8 in it becomes U+FFFD first: GLib reads beyond the end of a
 * text that ends within a letter. Caller frees.
 */
char *fold_text(const char *text);

#endif
