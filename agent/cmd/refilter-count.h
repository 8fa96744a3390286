/* SPDX-License-Identifier: MIT */
/* refilter-count: how many messages go where, and the words in which that is printed. */
#ifndef TODOKE_REFILTER_COUNT_H
#define TODOKE_REFILTER_COUNT_H

#include "agent/cmd/refilter-judge.h"

#include <jansson.h>

typedef struct {
	GHashTable *places; /* name of a folder to how many, as pointers */
	unsigned read;
	unsigned outcomes[REFILTER_OUTCOMES];
	unsigned moved; /* of an --apply, and of the messages that were to move */
	unsigned redirects, replies, programs, copies, edited;
	unsigned differ; /* of --compare */
	unsigned gone;   /* somebody else moved or removed them meanwhile */
	bool is_interrupted;
} RefilterCount;

void refilter_count_init(RefilterCount *count);
void refilter_count_clear(RefilterCount *count);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RefilterCount, refilter_count_clear)

/* Count a message that was judged. */
void refilter_count_add(RefilterCount *count, const RefilterVerdict *verdict);

/* One more for the folder `name`. */
void refilter_count_place(RefilterCount *count, const char *name);

/* What was done, beside the counts. All is borrowed. */
typedef struct {
	const char *folder;
	bool is_dry;
	bool compares;
	bool is_table;     /* a line a folder, and not all in one */
	const char *run;   /* by which it can be undone; NULL: it cannot, or nothing was done */
	const char *whose; /* the options that a command for the same mailbox needs: " -d bob" */
	bool discard_moves;
} RefilterSummary;

/* Print it for people, or as one object of schema todoke.refilter-summary/1. */
void refilter_count_print(const RefilterCount *count, const RefilterSummary *summary);
void refilter_count_print_json(const RefilterCount *count, const RefilterSummary *summary);

/* A number with its thousands apart: "18 422". Caller frees. */
char *refilter_count_number(guint64 number);

#endif
