/* SPDX-License-Identifier: MIT */
/*
 * plan-test: a test of a rule that led to an action: as data, as JSON (in todoke.record/1 and
 * todoke.try/1), and as words for people.
 */
#ifndef TODOKE_PLAN_TEST_H
#define TODOKE_PLAN_TEST_H

#include "agent/base/limits.h"

#include <glib.h>
#include <jansson.h>
#include <stdbool.h>

/*
 * One test and what it compared. Texts that nobody knows or that the test does not have are NULL;
 * each is cut after PLAN_TEST_OCTETS.
 */
typedef struct {
	unsigned line;   /* from 1; 0: no test is known */
	bool is_negated; /* the rule applied because this is false */
	char *name;      /* "header", "else"; of recipes their conditions */
	/*
	 * what was looked at: "Subject", "To, Cc"; of an envelope "from" or "to", of a date its
	 * field, of `string` its sources as the rule writes them
	 */
	char *field;
	char *part;  /* of it: "domain", "hour", the parameter "filename"; NULL: all */
	char *match; /* "contains", "value ge", "over"; NULL: nothing was compared, nor below */
	char *key;   /* of the rule */
	char *value; /* of the message; NULL where the test is false */
} PlanTest;

enum { PLAN_TEST_OCTETS = 160 };

void plan_test_clear(PlanTest *test);
PlanTest plan_test_copy(const PlanTest *test);

/* The first PLAN_TEST_OCTETS of a text of `len` octets, in whole characters: how many those are. */
size_t plan_test_shown(const char *text, size_t len);

/*
 * In words: "Subject contains figures", "no To, Cc is taro@example.jp". English, or where
 * `translates` in the language of words_choose. Caller frees.
 */
char *plan_test_print(const PlanTest *test, bool translates);

/* As an object, which the caller owns; and read from one, for the caller to clear. */
json_t *plan_test_json(const PlanTest *test);
PlanTest plan_test_from_json(const json_t *object);

#endif
