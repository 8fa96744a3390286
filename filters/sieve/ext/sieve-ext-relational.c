/* SPDX-License-Identifier: MIT */
/* relational: RFC 5231, complete: :value and :count. The comparator gives the order. */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"

typedef enum { GREATER, GREATER_EQUAL, LESS, LESS_EQUAL, EQUAL, NOT_EQUAL } Relation;

static const char *const relations[] = { "gt", "ge", "lt", "le", "eq", "ne" };

static bool
check_relation(SieveCheck *check, SieveCall *call, const SieveMatchSpec *spec,
               const SieveArg *value, int *ret_relation)
{
	(void) call;
	(void) spec;
	const SieveString *word = &value->strings[0];
	for (size_t i = 0; i < G_N_ELEMENTS(relations); i++) {
		if (sieve_text_is(word->text, relations[i])) {
			*ret_relation = (int) i;
			return true;
		}
	}

	return sieve_check_error(check, word->span, "unknown-relation",
	                         "one of gt, ge, lt, le, eq, ne", "unknown relation \"%.*s\"",
	                         (int) word->text.len, word->text.data);
}

static bool
holds(Relation relation, int order)
{
	switch (relation) {
	case GREATER:
		return order > 0;
	case GREATER_EQUAL:
		return order >= 0;
	case LESS:
		return order < 0;
	case LESS_EQUAL:
		return order <= 0;
	case EQUAL:
		return order == 0;
	default:
		return order != 0;
	}
}

static bool
match_order(SieveMatch *match, SieveText value, SieveText normal, const SieveKey *key,
            bool *ret_matched)
{
	(void) normal;
	const SieveMatchSpec *spec = match->spec;
	int order = sieve_compare_order(spec->comparator, match->run->scratch, value, key->text);
	*ret_matched = holds((Relation) spec->relation, order);
	return true;
}

static const SieveMatchDef value_match = { .name = "value",
	                                   .value = SIEVE_STRING | SIEVE_CONSTANT,
	                                   .needs = SIEVE_NEEDS_ORDER,
	                                   .check_value = check_relation,
	                                   .match = match_order };

static const SieveMatchDef count_match = { .name = "count",
	                                   .value = SIEVE_STRING | SIEVE_CONSTANT,
	                                   .needs = SIEVE_NEEDS_ORDER,
	                                   .counts = true,
	                                   .check_value = check_relation,
	                                   .match = match_order };

static const SieveMatchDef *const matches[] = { &value_match, &count_match, NULL };

const SieveExt sieve_ext_relational = { .capability = "relational",
	                                .rfc = "RFC 5231",
	                                .matches = matches };
