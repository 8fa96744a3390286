/* SPDX-License-Identifier: MIT */
/*
 * fuzz-loop: header index, loop check and header rules on any bytes, in any chunks. Nothing may
 * crash, hang or lose a field.
 *
 * `make check` runs it over tests/fuzz/corpus/loop; tests/fuzz/fuzz-loop.sh says how to fuzz.
 */
#include "agent/message/loop.h"
#include "filters/filter.h"
#include "filters/header/header-rule.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static const char *const when_fetched[] = { "fetched", NULL };
static const char *const when_spam[] = { "not X-Spam: /^no/i", "not forwarded", NULL };

static const HeaderRuleSpec specs[] = {
	{ "own", "Delivered-To", "recipient", when_fetched, "rename", NULL, "f", 1 },
	{ "others", "Delivered-To", "other", NULL, "strip", NULL, "f", 2 },
	{ "spam", "Subject", "/(?:a|b)*c\\b/i", when_spam, "file", "Junk", "f", 3 },
	{ "trace", "Received", "/by\\s+\\S+/", NULL, "keep", NULL, "f", 4 },
};

/*
 * What is not edited must still be there: every field is kept, renamed or stripped by a rule that
 * says so.
 */
static void
check_rules(Headers *headers, const Envelope *envelope, const LoopVerdict *verdict)
{
	static HeaderRules *rules;
	g_auto(Status) st = STATUS_INIT;

	if (rules == NULL)
		rules = header_rules_compile(specs, G_N_ELEMENTS(specs), "Loops", NULL, &st);
	HeaderRuleInput input = { envelope, { "+", true }, verdict->fetched, verdict->forwarded };
	g_autoptr(HeaderRuleResult) result = header_rules_apply(rules, headers, &input);
	g_autofree char *text = header_rule_result_print(result);
	json_t *json = header_rule_result_json(result);
	g_assert(text != NULL && json != NULL);
	g_assert(headers_count(result->headers) <= headers_count(headers));
	json_decref(json);
}

static void
check_verdict(const Headers *headers, const Envelope *envelope, const LoopVerdict *verdict)
{
	g_autofree char *text = loop_verdict_print(verdict);
	json_t *json = loop_verdict_json(verdict);

	g_assert(json != NULL); /* NULL: a text is not UTF-8 */
	g_assert(g_utf8_validate(text, -1, NULL) && strchr(verdict->why, '\n') == NULL);
	g_assert(verdict->kind < LOOP_KIND_COUNT && verdict->hops <= headers_count(headers));
	g_assert((verdict->answer == LOOP_DELIVER) == (loop_verdict_status(verdict) == STATUS_OK));
	g_assert(envelope->door == DOOR_PIPE);
	json_decref(json);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	/*
	 * The last octet chooses how many octets come at a time; a copy of the exact size lets ASan
	 * see reads past the end.
	 */
	size_t step = size > 0 ? 1 + data[size - 1] : 1;
	g_autofree char *block = g_memdup2(data, size);
	g_autoptr(Headers) headers = headers_new(NULL, "\n");
	bool ended = false;
	size_t done = 0;

	for (size_t have = MIN(step, size); !ended; have = MIN(have + step, size))
		done = headers_index(headers, block, have, done, have == size, &ended);
	g_assert(done <= size);

	static MarkKeys *keys;
	g_auto(Status) st = STATUS_INIT;
	if (keys == NULL)
		keys = mark_keys_parse(
			"k2017 1111111111111111111111111111111111111111111111111111111111111111\n",
			"keys", &st);

	g_autoptr(Envelope) envelope = envelope_new(DOOR_PIPE);
	envelope->recipient = g_strdup("receiver@example1.jp");
	envelope->queue_id = g_strdup("4AB12C0F3");

	LoopSettings settings = { .rules = { "+", true },
		                  .hop_limit = 50,
		                  .return_limit = 1,
		                  .keys = keys,
		                  .mark_lifetime = 30 * 86400,
		                  .now = 1501686600 };
	g_autoptr(LoopVerdict) verdict = loop_judge(headers, envelope, &settings);
	check_verdict(headers, envelope, verdict);
	check_rules(headers, envelope, verdict);

	return 0;
}
