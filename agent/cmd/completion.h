/* SPDX-License-Identifier: MIT */
/*
 * completion: what a shell needs to complete todoke's command line, made from the tables of the
 * commands, their options and the settings. Nothing is kept by hand.
 */
#ifndef TODOKE_COMPLETION_H
#define TODOKE_COMPLETION_H

#include <glib.h>

/* The words of --completion. */
#define COMPLETION_SHELLS "bash zsh fish"

/* The number of a word in COMPLETION_SHELLS. */
typedef enum {
	COMPLETION_BASH,
	COMPLETION_ZSH,
	COMPLETION_FISH,
} CompletionShell;

/* The text of the file that the shell loads, in English. Caller frees. */
char *completion_text(CompletionShell shell);

#endif
