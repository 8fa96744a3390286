/* SPDX-License-Identifier: MIT */
/* sieve-core: the commands and tests of RFC 5228 that need no require. */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-extlists.h"
#include "filters/sieve/run/sieve-match.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"
#include "filters/sieve/lang/sieve-hint.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

/* require (3.2) */

static void
report_capability(SieveCheck *check, const SieveString *name)
{
	g_autofree char *text = g_strndup(name->text.data, name->text.len);
	g_autofree char *hint = sieve_hint_for_capability(text);
	sieve_check_error(check, name->span, "unknown-capability", hint,
	                  "unknown capability \"%s\"", text);
}

/* Names that extensions had before their RFC, with the same words. */
static const struct {
	const char *old;
	SieveText now;
} deprecated[] = {
	{ "vnd.dovecot.duplicate", SIEVE_TEXT("duplicate") },
};

static const SieveExt *
find_deprecated(SieveCheck *check, const SieveString *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(deprecated); i++) {
		if (!sieve_text_is(name->text, deprecated[i].old))
			continue;
		g_autofree char *hint = g_strdup_printf("write \"%s\"", deprecated[i].now.data);
		sieve_check_warning(check, name->span, "deprecated-capability", hint,
		                    "\"%s\" is an old name", deprecated[i].old);
		return sieve_ext_find(deprecated[i].now);
	}
	return NULL;
}

static bool
excludes(const SieveExt *ext, const SieveExt *other)
{
	return ext->excludes != NULL && g_strcmp0(ext->excludes, other->capability) == 0;
}

/* The required extension that cannot stand beside this one, or NULL; either may come first. */
static const SieveExt *
find_excluded(SieveCheck *check, const SieveExt *ext)
{
	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *other = sieve_ext_nth(i);
		if ((excludes(ext, other) || excludes(other, ext)) && sieve_check_has(check, other))
			return other;
	}
	return NULL;
}

static void
activate(SieveCheck *check, const SieveExt *ext, const SieveString *name)
{
	if (ext->became != NULL) {
		g_autofree char *hint = g_strdup_printf("write \"%s\"", ext->became);
		sieve_check_warning(check, name->span, "deprecated-capability", hint,
		                    "\"%s\" is an old name", ext->capability);
	}
	sieve_check_activate(check, ext);
}

static void
require_one(SieveCheck *check, const SieveString *name)
{
	const SieveExt *ext = sieve_ext_find(name->text);
	if (ext == NULL)
		ext = find_deprecated(check, name);

	const SieveExt *excluded = ext != NULL ? find_excluded(check, ext) : NULL;
	if (ext == NULL)
		report_capability(check, name);
	else if (!sieve_check_available(check, ext))
		sieve_check_error(check, name->span, "not-allowed",
		                  "sieve_extensions says who may use what",
		                  "capability \"%s\" is switched off here", ext->capability);
	else if (excluded != NULL)
		sieve_check_error(check, name->span, "exclusive-capabilities",
		                  "write all of it in the words of the newer one",
		                  "\"%s\" cannot be required beside \"%s\"", ext->capability,
		                  excluded->capability);
	else
		activate(check, ext, name);
}

static bool
check_require(SieveCheck *check, SieveCall *call)
{
	for (size_t i = 0; i < call->positional[0]->n; i++)
		require_one(check, &call->positional[0]->strings[i]);
	return true;
}

static bool
run_nothing(SieveRun *run, const SieveCall *call)
{
	(void) run;
	(void) call;
	return true;
}

static bool
run_stop(SieveRun *run, const SieveCall *call)
{
	(void) call;
	run->control = SIEVE_STOP;
	return true;
}

/* Actions (4) */

static bool
run_keep(SieveRun *run, const SieveCall *call)
{
	return sieve_run_action(run, call, sieve_run_action_new(run, PLAN_KEEP, call));
}

static bool
run_discard(SieveRun *run, const SieveCall *call)
{
	return sieve_run_action(run, call, sieve_run_action_new(run, PLAN_DISCARD, call));
}

static bool
is_own_address(SieveCheck *check, const char *address)
{
	FilterEnv *env = sieve_check_env(check);
	const char *own = env->services->environment != NULL
	                          ? env->services->environment(env, "vnd.todoke.address")
	                          : NULL;
	return own != NULL && strcmp(address, own) == 0;
}

static void
warn_of_way_home(SieveCheck *check, const SieveString *address, const char *mailbox)
{
	FilterEnv *env = sieve_check_env(check);
	g_autofree char *way = !env->unwatched && env->services->way_home != NULL
	                               ? env->services->way_home(env, mailbox)
	                               : NULL;
	if (way != NULL)
		sieve_check_warning(check, address->span, "redirect-to-self", "use keep",
		                    "this comes back to the owner of the script: %s", way);
}

static bool
check_redirect(SieveCheck *check, SieveCall *call)
{
	const SieveString *address = &call->positional[0]->strings[0];
	if (address->template != NULL || sieve_call_tag(call, "list") != NULL)
		return true;

	g_autofree char *mailbox = sieve_text_mailbox(address->text);
	if (mailbox == NULL)
		return sieve_check_error(check, address->span, "bad-address",
		                         "write user@example.org", "\"%.*s\" is not an address",
		                         (int) address->text.len, address->text.data);

	if (is_own_address(check, mailbox))
		sieve_check_warning(check, address->span, "redirect-to-self", "use keep",
		                    "this redirects to the owner of the script");
	else
		warn_of_way_home(check, address, mailbox);
	return true;
}

static bool
redirect_to(SieveRun *run, const SieveCall *call, SieveText address)
{
	char *mailbox = sieve_text_mailbox(address);

	if (mailbox == NULL)
		return sieve_run_fail(run, call, STATUS_SCRIPT,
		                      "cannot redirect to \"%.*s\": it is not an address",
		                      sieve_text_shown(address, 200), address.data);

	PlanAction *action = sieve_run_action_new(run, PLAN_REDIRECT, call);
	action->address = mailbox;
	return sieve_run_action(run, call, action);
}

/*
 * RFC 6134 2.3: to all of a list, which counts as one redirect. Of an empty one nobody would get
 * the message: a fault.
 */
static bool
redirect_to_list(SieveRun *run, const SieveCall *call, SieveText name)
{
	g_autoptr(GPtrArray) members = g_ptr_array_new_with_free_func(g_free);
	if (!sieve_extlists_members(run, call, name, members))
		return false;

	if (members->len == 0)
		return sieve_run_fail(run, call, STATUS_SCRIPT, "list \"%.*s\" is empty",
		                      sieve_text_shown(name, 200), name.data);
	gint64 actions_left = run->actions_left, redirects_left = run->redirects_left;
	for (guint i = 0; i < members->len; i++) {
		run->actions_left = actions_left;
		run->redirects_left = redirects_left;
		if (!redirect_to(run, call,
		                 (SieveText){ members->pdata[i], strlen(members->pdata[i]) }))
			return false;
	}

	return true;
}

static bool
run_redirect(SieveRun *run, const SieveCall *call)
{
	SieveText address = sieve_run_text(run, &call->positional[0]->strings[0]);
	if (sieve_call_tag(call, "list") != NULL)
		return redirect_to_list(run, call, address);
	return redirect_to(run, call, address);
}

/* Tests (5) */

static bool
check_true(SieveCheck *check, SieveCall *call)
{
	(void) check;
	call->known = 1;
	return true;
}

static bool
check_false(SieveCheck *check, SieveCall *call)
{
	(void) check;
	call->known = -1;
	return true;
}

static bool
test_known(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	(void) run;
	*ret_result = call->known > 0;
	return true;
}

static bool
check_not(SieveCheck *check, SieveCall *call)
{
	(void) check;
	call->known = -call->tests[0]->known;
	call->known_by_ihave = call->tests[0]->known_by_ihave;
	return true;
}

static bool
test_not(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	bool result;
	if (!sieve_run_test(run, call->tests[0], &result))
		return false;
	*ret_result = !result;
	return true;
}

/* One test that is known to be `deciding` (1, -1) decides; else all must be known. */
static void
combine_known(SieveCall *call, int deciding)
{
	bool all = true;
	for (size_t i = 0; i < call->n_tests; i++) {
		const SieveCall *test = call->tests[i];
		all = all && test->known != 0;
		call->known_by_ihave = call->known_by_ihave || test->known_by_ihave;
		if (test->known == deciding) {
			call->known = deciding;
			call->known_by_ihave = test->known_by_ihave;
			return;
		}
	}

	call->known = all ? -deciding : 0;
}

static bool
check_anyof(SieveCheck *check, SieveCall *call)
{
	(void) check;
	combine_known(call, 1);
	return true;
}

static bool
check_allof(SieveCheck *check, SieveCall *call)
{
	(void) check;
	combine_known(call, -1);
	return true;
}

/*
 * Tests from the left until one has the result that decides (RFC 5228 5.2, 5.3; RFC 5229 3.2 wants
 * no more evaluated).
 */
static bool
run_until(SieveRun *run, const SieveCall *call, bool deciding, bool *ret_result)
{
	bool result = !deciding;
	size_t from = run->n_facts;

	for (size_t i = 0; i < call->n_tests && result != deciding; i++) {
		size_t start = run->n_facts;
		if (!sieve_run_test(run, call->tests[i], &result))
			return false;
		sieve_run_weigh_facts(run, from, start, result == deciding);
	}
	*ret_result = result;
	return true;
}

static bool
test_anyof(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return run_until(run, call, true, ret_result);
}

static bool
test_allof(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return run_until(run, call, false, ret_result);
}

/* Hold the fields that the call names, one by one, against its keys. */
static bool
match_fields(SieveRun *run, const SieveCall *call,
             bool (*match_field)(SieveMatch *match, guint number), bool *ret_result)
{
	SieveMatch match;
	const SieveArg *names = call->positional[0];
	if (!sieve_match_begin(&match, run, call))
		return false;

	for (size_t i = 0; i < names->n && !match.done; i++) {
		size_t n;
		const guint *fields = sieve_run_fields(run, call, &names->strings[i], &n);
		for (size_t f = 0; f < n && !match.done; f++) {
			const HeaderField *field = headers_get(run->headers, fields[f]);
			match.field = (SieveText){ field->bytes, field->name_len };
			if (!match_field(&match, fields[f]))
				return false;
		}
	}

	return sieve_match_end(&match, ret_result);
}

static bool
match_value(SieveMatch *match, guint number)
{
	return sieve_match_add(match, sieve_run_field_value(match->run, number));
}

static bool
test_header(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return match_fields(run, call, match_value, ret_result);
}

/* The addresses of one field, by the part that the test asks for. */
static bool
match_addresses(SieveMatch *match, guint number)
{
	size_t n;
	const SieveAddress *addresses = sieve_run_field_addresses(match->run, number, &n);
	if (!sieve_run_spend(match->run, n))
		return false;

	for (size_t i = 0; i < n && !match->done; i++)
		if (!sieve_match_add_address(match, &addresses[i]))
			return false;
	return true;
}

/*
 * For the longest name below, with its NUL. Arrays instead of pointers: the dynamic linker would
 * adjust each pointer at the start of each delivery.
 */
enum { HEADER_ROOM = 36 };

/*
 * Headers that hold addresses (RFC 5228 5.1: MUST be restricted to such). Nobody has a list of all,
 * and scripts were written for servers with other lists: the address test on another header is
 * warned of, and reads it the same.
 */
static const char address_headers[][HEADER_ROOM] = { "from",
	                                             "to",
	                                             "cc",
	                                             "bcc",
	                                             "sender",
	                                             "reply-to",
	                                             "resent-from",
	                                             "resent-to",
	                                             "resent-cc",
	                                             "resent-bcc",
	                                             "resent-sender",
	                                             "resent-reply-to",
	                                             "return-path",
	                                             "delivered-to",
	                                             "x-original-to",
	                                             "errors-to",
	                                             "return-receipt-to",
	                                             "disposition-notification-to",
	                                             "mail-followup-to",
	                                             "mail-reply-to",
	                                             "envelope-to",
	                                             "x-envelope-to",
	                                             "envelope-from",
	                                             "x-envelope-from",
	                                             "apparently-to",
	                                             "approved",
	                                             "list-owner",
	                                             "x-forwarded-to",
	                                             "x-forwarded-for",
	                                             "x-beenthere",
	                                             "x-loop",
	                                             "abuse-reports-to",
	                                             "original-recipient",
	                                             "x-sender",
	                                             "x-to",
	                                             "x-cc",
	                                             "x-from",
	                                             "resent-by",
	                                             "for-approval",
	                                             "x-original-from",
	                                             "return-receipt-requested",
	                                             "x-complaints-to",
	                                             "x-resent-from",
	                                             "x-resent-to",
	                                             "x-resent-cc",
	                                             "x-original-sender",
	                                             "x-original-cc",
	                                             "x-reply-to",
	                                             "x-mail-from",
	                                             "x-rcpt-to",
	                                             "author",
	                                             "x-google-original-from",
	                                             "x-confirm-reading-to",
	                                             "x-pmrqc",
	                                             "read-receipt-to",
	                                             "register-mail-reply-requested-by",
	                                             "delivery-notice-to",
	                                             "" };

/* Headers that their standards give something else. */
static const char other_headers[][HEADER_ROOM] = { "subject",
	                                           "date",
	                                           "received",
	                                           "message-id",
	                                           "in-reply-to",
	                                           "references",
	                                           "comments",
	                                           "keywords",
	                                           "resent-date",
	                                           "resent-message-id",
	                                           "mime-version",
	                                           "content-type",
	                                           "content-transfer-encoding",
	                                           "content-disposition",
	                                           "auto-submitted",
	                                           "precedence",
	                                           "list-id",
	                                           "x-mailer",
	                                           "user-agent",
	                                           "x-spam-flag",
	                                           "x-spam-status",
	                                           "" };

static bool
is_one_of(SieveText name, const char (*names)[HEADER_ROOM])
{
	for (size_t i = 0; names[i][0] != '\0'; i++)
		if (sieve_text_is(name, names[i]))
			return true;
	return false;
}

static bool
check_address_header(SieveCheck *check, const SieveString *name)
{
	if (is_one_of(name->text, address_headers))
		return true;
	if (is_one_of(name->text, other_headers))
		return sieve_check_error(check, name->span, "no-address-header",
		                         "use the header test",
		                         "header \"%.*s\" holds no addresses", (int) name->text.len,
		                         name->text.data);

	sieve_check_warning(check, name->span, "no-address-header",
	                    "use the header test if it holds none",
	                    "header \"%.*s\" is none that is known to hold addresses",
	                    (int) name->text.len, name->text.data);
	return true;
}

static bool
check_address(SieveCheck *check, SieveCall *call)
{
	const SieveArg *names = call->positional[0];
	/* parts have fields of their own: "content-from" (RFC 5703 4.2) */
	if (sieve_call_tag(call, "mime") != NULL)
		return true;

	for (size_t i = 0; i < names->n; i++) {
		const SieveString *name = &names->strings[i];
		if (name->template == NULL && !check_address_header(check, name))
			return false;
	}

	return true;
}

static bool
test_address(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	return match_fields(run, call, match_addresses, ret_result);
}

static bool
test_exists(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const SieveArg *names = call->positional[0];
	size_t n = 1;

	for (size_t i = 0; i < names->n && n > 0; i++)
		(void) sieve_run_fields(run, NULL, &names->strings[i], &n);
	*ret_result = n > 0;
	return true;
}

static bool
check_size(SieveCheck *check, SieveCall *call)
{
	if (sieve_call_tag_of(call, "size") == NULL)
		return sieve_check_error(check, call->span, "missing-tag", NULL,
		                         "'size' lacks ':over' or ':under'");
	if (sieve_call_tag(call, "under") != NULL && call->positional[0]->number == 0)
		call->known = -1;
	return true;
}

static bool
test_size(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	guint64 size = run->message != NULL ? message_size(run->message) : 0,
		bound = call->positional[0]->number;

	*ret_result = sieve_call_tag(call, "over") != NULL ? size > bound : size < bound;
	sieve_run_trace(run, TRACE_MATCHING, call, "the message has %" G_GUINT64_FORMAT " octets",
	                size);
	return true;
}

static const SieveTagDef size_tags[] = { { .name = "over", .group = "size" },
	                                 { .name = "under", .group = "size" },
	                                 { .name = NULL } };

static const SieveCallDef commands[] = {
	{ .name = "require",
	  .positional = { SIEVE_STRINGS | SIEVE_CONSTANT },
	  .flags = SIEVE_AT_TOP,
	  .check = check_require,
	  .run = run_nothing },
	{ .name = "if", .flags = SIEVE_TAKES_TEST | SIEVE_TAKES_BLOCK | SIEVE_IF },
	{ .name = "elsif", .flags = SIEVE_TAKES_TEST | SIEVE_TAKES_BLOCK | SIEVE_ELSIF },
	{ .name = "else", .flags = SIEVE_TAKES_BLOCK | SIEVE_ELSIF },
	{ .name = "stop", .flags = SIEVE_ENDS_BLOCK, .run = run_stop },
	{ .name = "keep", .flags = SIEVE_IS_ACTION, .run = run_keep },
	{ .name = "discard", .flags = SIEVE_IS_ACTION, .run = run_discard },
	{ .name = "redirect",
	  .positional = { SIEVE_STRING },
	  .flags = SIEVE_IS_ACTION,
	  .check = check_redirect,
	  .run = run_redirect },
	{ .name = NULL }
};

static const SieveCallDef tests[] = {
	{ .name = "header",
	  .positional = { SIEVE_STRINGS | SIEVE_HEADER, SIEVE_STRINGS },
	  .flags = SIEVE_USES_MATCH,
	  .test = test_header },
	{ .name = "address",
	  .positional = { SIEVE_STRINGS | SIEVE_HEADER, SIEVE_STRINGS },
	  .flags = SIEVE_USES_MATCH | SIEVE_USES_ADDRESS_PART,
	  .check = check_address,
	  .test = test_address },
	{ .name = "exists", .positional = { SIEVE_STRINGS | SIEVE_HEADER }, .test = test_exists },
	{ .name = "size",
	  .positional = { SIEVE_NUMBER },
	  .tags = size_tags,
	  .check = check_size,
	  .test = test_size },
	{ .name = "allof", .flags = SIEVE_TAKES_TESTS, .check = check_allof, .test = test_allof },
	{ .name = "anyof", .flags = SIEVE_TAKES_TESTS, .check = check_anyof, .test = test_anyof },
	{ .name = "not", .flags = SIEVE_TAKES_TEST, .check = check_not, .test = test_not },
	{ .name = "true", .check = check_true, .test = test_known },
	{ .name = "false", .check = check_false, .test = test_known },
	{ .name = NULL }
};

/* Address parts (2.7.4): an invalid address has neither half, :all is its text. */

static bool
get_all(SieveRun *run, const SieveAddress *address, SieveText *ret_text)
{
	(void) run;
	*ret_text = address->all;
	return true;
}

static bool
get_local(SieveRun *run, const SieveAddress *address, SieveText *ret_text)
{
	(void) run;
	*ret_text = address->local;
	return address->valid;
}

static bool
get_domain(SieveRun *run, const SieveAddress *address, SieveText *ret_text)
{
	(void) run;
	*ret_text = address->domain;
	return address->valid;
}

static const SieveAddressPart address_parts[] = {
	{ "all", get_all }, { "localpart", get_local }, { "domain", get_domain }, { NULL, NULL }
};

const SieveExt sieve_ext_core = {
	.rfc = "RFC 5228",
	.always = true,
	.commands = commands,
	.tests = tests,
	.matches = sieve_match_type_core,
	.address_parts = address_parts,
};
