/* SPDX-License-Identifier: MIT */
/*
 * foreverypart: RFC 5703 3, complete: the loop over the parts of the message, itself first, each
 * before those in it; in a loop, over those in the present part. break leaves the innermost loop,
 * or the one that it names.
 */
#include "agent/base/limits.h"
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-loop.h"
#include "filters/sieve/run/sieve-mime.h"

#include <string.h>

/* What a round costs besides its commands. */
enum { STEPS_A_PART = 64 };

struct SieveLoopInfo {
	const char *name; /* NULL: none */
	const SieveLoopInfo *outer;
	unsigned depth;
};

const SieveLoopInfo *
sieve_loop_of(const SieveCall *call)
{
	return call->data;
}

static bool
is_word_of_loops(const SieveCall *call)
{
	return g_ascii_strcasecmp(call->name, "foreverypart") == 0 ||
	       g_ascii_strcasecmp(call->name, "break") == 0 ||
	       g_ascii_strcasecmp(call->name, "extracttext") == 0;
}

/*
 * Commands that ask which loop they are in find it in their data: it is put there before they are
 * checked themselves.
 */
static void
tell_block(SieveCall *first, const SieveLoopInfo *info)
{
	for (SieveCall *call = first; call != NULL; call = call->next) {
		if (is_word_of_loops(call))
			call->data = (void *) info;
		tell_block(call->block, info);
	}
}

static const char *
tag_text(SieveCheck *check, const SieveCall *call, const char *name)
{
	const SieveTag *tag = sieve_call_tag(call, name);
	if (tag == NULL)
		return NULL;
	SieveText text = tag->value->strings[0].text;
	return sieve_arena_copy(sieve_check_arena(check), text.data, text.len);
}

static bool
check_foreverypart(SieveCheck *check, SieveCall *call)
{
	SieveLoopInfo *info = SIEVE_NEW(sieve_check_arena(check), SieveLoopInfo);

	info->outer = sieve_loop_of(call);
	info->depth = info->outer != NULL ? info->outer->depth + 1 : 1;
	info->name = tag_text(check, call, "name");
	call->data = info;
	tell_block(call->block, info);

	if (info->depth > LIMIT_SIEVE_LOOPS)
		return sieve_check_error(check, call->span, "too-deep", NULL,
		                         "loops are nested deeper than %u levels",
		                         LIMIT_SIEVE_LOOPS);

	return true;
}

static bool
check_break(SieveCheck *check, SieveCall *call)
{
	const SieveLoopInfo *info = sieve_loop_of(call);
	const char *name = tag_text(check, call, "name");

	if (info == NULL)
		return sieve_check_error(check, call->span, "no-loop", "it leaves a foreverypart",
		                         "'break' stands in no loop");
	while (name != NULL && info != NULL && g_strcmp0(info->name, name) != 0)
		info = info->outer;
	if (info == NULL)
		return sieve_check_error(check, sieve_call_tag(call, "name")->value->span,
		                         "no-loop", NULL, "no loop around this is called \"%s\"",
		                         name);

	call->data = (void *) info;
	return true;
}

static bool
run_round(SieveRun *run, const SieveCall *call, SieveLoop *loop)
{
	const SieveLoopInfo *info = call->data;

	loop->next = loop->at + 1;
	sieve_run_trace(run, TRACE_TESTS, call, "foreverypart: part %zu", loop->at);
	if (!sieve_run_spend(run, STEPS_A_PART) || !sieve_run_block(run, call->block))
		return false;

	loop->at = loop->next;
	if (run->control != SIEVE_BREAK)
		return true;

	loop->at = loop->end;
	if (run->break_to == info)
		run->control = SIEVE_ON;
	return true;
}

static bool
run_foreverypart(SieveRun *run, const SieveCall *call)
{
	SieveMime *mime = sieve_mime_state(run);
	const MimeTree *tree = sieve_mime_tree(run);
	if (tree == NULL)
		return false;

	SieveLoop loop = { .outer = mime->loop, .end = mime_tree_count(tree) };
	if (loop.outer != NULL) {
		loop.at = loop.outer->at + 1;
		loop.end = mime_tree_part(tree, loop.outer->at)->after;
	}

	mime->loop = &loop;
	bool good = true;
	while (good && run->control == SIEVE_ON && loop.at < loop.end) {
		good = run_round(run, call, &loop);
		/* An edited Content-Type may have made fewer parts of the message. */
		tree = good ? sieve_mime_tree(run) : NULL;
		good = tree != NULL;
		loop.end = good ? MIN(loop.end, mime_tree_count(tree)) : 0;
	}

	mime->loop = loop.outer;
	return good;
}

static bool
run_break(SieveRun *run, const SieveCall *call)
{
	run->control = SIEVE_BREAK;
	run->break_to = call->data;
	return true;
}

static const SieveTagDef name_tags[] = { { .name = "name", .value = SIEVE_STRING | SIEVE_CONSTANT },
	                                 { .name = NULL } };

static const SieveCallDef commands[] = { { .name = "foreverypart",
	                                   .flags = SIEVE_TAKES_BLOCK,
	                                   .tags = name_tags,
	                                   .check = check_foreverypart,
	                                   .run = run_foreverypart },
	                                 { .name = "break",
	                                   .flags = SIEVE_ENDS_BLOCK,
	                                   .tags = name_tags,
	                                   .check = check_break,
	                                   .run = run_break },
	                                 { .name = NULL } };

const SieveExt sieve_ext_foreverypart = { .capability = "foreverypart",
	                                  .rfc = "RFC 5703",
	                                  .commands = commands };
