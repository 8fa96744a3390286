/* SPDX-License-Identifier: MIT */
/*
 * header-rule: rules of the configuration about header fields.
 *
 *     rule "provider stamp" { header = "Delivered-To", match = "recipient", when = {"fetched"},
 *     action = "rename" }
 *
 * Each field is tried against the rules in their order; the first that fits decides about the
 * field. `match` is "recipient" (the field's address is the envelope recipient's), "other" (it is
 * not), "any" (also where it is not said) or "/pattern/" ("/pattern/i": without case), a PCRE2
 * pattern over the unfolded value. All of `when` must hold: "fetched", "forwarded", "Name:
 * /pattern/" (some field of that name matches), each also with "not " before it. `action` is keep,
 * strip, rename (`to`: the new name; otherwise Old-Name), bounce, defer or file (`to`: the folder).
 *
 * This hop's own stamps (Return-Path, X-Original-To, Delivered-To above the newest Received) are no
 * matter of rules, and a rule about our mark is refused: it is the evidence of the loop check,
 * which has judged the unedited header before. Where fields ask for different answers, the rule
 * that stands first in the configuration wins, not the field on top.
 */
#ifndef TODOKE_HEADER_RULE_H
#define TODOKE_HEADER_RULE_H

#include "agent/base/status.h"
#include "agent/message/address.h"
#include "agent/message/envelope.h"
#include "agent/message/headers.h"

#include <jansson.h>

/* A rule as written. NULL: not said. Borrowed for the call. */
typedef struct {
	const char *name;
	const char *header;
	const char *match;
	const char *const *when; /* NULL ends */
	const char *action;
	const char *to;
	const char *file;
	unsigned line;
} HeaderRuleSpec;

typedef struct HeaderRules HeaderRules;

/*
 * Compile `n` rules. Errors, and warnings about rules that can never match, are appended to
 * `problems` (Problem; NULL: nobody wants to know). NULL with STATUS_CONFIG: there was an error.
 * `folder` is where "file" without `to` files.
 */
HeaderRules *header_rules_compile(const HeaderRuleSpec *specs, size_t n, const char *folder,
                                  GPtrArray *problems, Status *st);
void header_rules_free(HeaderRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HeaderRules, header_rules_free)

typedef enum {
	HEADER_RULE_DELIVER,
	HEADER_RULE_FILE,
	HEADER_RULE_DEFER,
	HEADER_RULE_BOUNCE
} HeaderRuleAnswer;

/* What the rules look at besides the header. Borrowed for the call. */
typedef struct {
	const Envelope *envelope;
	AddressRules rules;
	bool fetched; /* as the LoopVerdict says */
	bool forwarded;
} HeaderRuleInput;

/* One field about which a rule decided. */
typedef struct {
	const char *rule;   /* borrowed from the rules */
	const char *action; /* "keep", "strip" ... */
	guint32 line;       /* of the message as it came */
	char *text;         /* the line, printable and shortened */
} HeaderRuleEvent;

typedef struct {
	/* the edited header; a reference to the old one where nothing was edited */
	Headers *headers;
	HeaderRuleAnswer answer;
	char *folder; /* HEADER_RULE_FILE: where */
	/* name of the rule that gave the answer, borrowed from the rules; NULL: delivered */
	const char *decided_by;
	/* one line that the sender may read: rule and line; NULL: delivered */
	char *why;
	GPtrArray *events; /* HeaderRuleEvent, top to bottom, at most LIMIT_RULE_EVENTS */
	unsigned more;     /* events that were not kept */
	char *note;        /* a pattern that was given up (limits); NULL: none */
} HeaderRuleResult;

/*
 * Run the rules over a header. One pass; never fails: a pattern that reaches a limit does not
 * match, and is noted. Caller frees.
 */
HeaderRuleResult *
header_rules_apply(const HeaderRules *rules, Headers *headers, const HeaderRuleInput *input);
void header_rule_result_free(HeaderRuleResult *result);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(HeaderRuleResult, header_rule_result_free)

/* STATUS_OK (deliver, file), STATUS_RULE_DEFER or STATUS_RULE_REFUSED. */
StatusId header_rule_result_status(const HeaderRuleResult *result);

/*
 * For people: a line for each event, then the answer. "" where no rule did anything. Caller frees.
 */
char *header_rule_result_print(const HeaderRuleResult *result);

/* The same as the object "header_rules" of todoke.try/1. Caller owns the reference. */
json_t *header_rule_result_json(const HeaderRuleResult *result);

#endif
