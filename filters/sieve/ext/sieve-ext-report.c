/* SPDX-License-Identifier: MIT */
/*
 * vnd.dovecot.report: spec-bosch-sieve-report 3, complete as far as filters go: the agent composes
 * the report. One that would go to the owner is left out, and so is the second of a type to one
 * address.
 */
#include "filters/sieve/lang/sieve-check.h"

#include "agent/plan/plan-report.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-run.h"
#include "filters/sieve/run/sieve-value.h"

#include <string.h>

/* RFC 2045 5.1. */
static bool
is_token(SieveText text)
{
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] <= 32 || text.data[i] >= 127 ||
		    strchr("()<>@,;:\\\"/[]?=", text.data[i]) != NULL)
			return false;
	return text.len > 0;
}

static bool
check_report(SieveCheck *check, SieveCall *call)
{
	const SieveString *type = &call->positional[0]->strings[0],
			  *address = &call->positional[2]->strings[0];

	if (type->template == NULL && !is_token(type->text))
		return sieve_check_error(check, type->span, "bad-token", "such as \"abuse\"",
		                         "\"%.*s\" is not a type of report",
		                         sieve_text_shown(type->text, 200), type->text.data);

	if (address->template == NULL && !sieve_check_is_address(address->text))
		return sieve_check_error(check, address->span, "bad-address",
		                         "write user@example.org", "\"%.*s\" is not an address",
		                         sieve_text_shown(address->text, 200), address->text.data);

	return true;
}

static bool
is_own(const SieveRun *run, const char *address)
{
	const GPtrArray *own = run->input->addresses;
	for (guint i = 0; own != NULL && i < own->len; i++)
		if (g_ascii_strcasecmp(own->pdata[i], address) == 0)
			return true;
	return g_strcmp0(run->input->envelope->recipient, address) == 0;
}

static bool
is_repeated(const SieveRun *run, const char *type, const char *address)
{
	for (size_t i = 0; i < plan_count(run->plan); i++) {
		const PlanReport *other = plan_report_of(plan_get(run->plan, i));
		if (other != NULL && g_ascii_strcasecmp(other->feedback_type, type) == 0 &&
		    g_ascii_strcasecmp(other->address, address) == 0)
			return true;
	}
	return false;
}

static bool
run_report(SieveRun *run, const SieveCall *call)
{
	const char *type = sieve_run_string(run, call->positional[0], 0);
	const char *written = sieve_run_string(run, call->positional[2], 0);
	SieveText type_text = { type, strlen(type) }, written_text = { written, strlen(written) };
	g_autofree char *address = sieve_text_mailbox(written_text);

	if (!is_token(type_text))
		return sieve_run_fail(run, call, STATUS_SCRIPT, "\"%.*s\" is not a type of report",
		                      sieve_text_shown(type_text, 200), type);
	if (address == NULL)
		return sieve_run_fail(run, call, STATUS_SCRIPT,
		                      "cannot report to \"%.*s\": it is not an address",
		                      sieve_text_shown(written_text, 200), written);
	if (is_own(run, address) || is_repeated(run, type, address)) {
		sieve_run_trace(run, TRACE_ACTIONS, call, "no report to <%s>: %s", address,
		                is_own(run, address) ? "it is the owner of the script"
		                                     : "it gets one already");
		return true;
	}

	PlanAction *action = sieve_run_action_new(run, PLAN_REPORT, call);
	*plan_report_of(action) = (PlanReport){
		.feedback_type = g_strdup(type),
		.message = g_strdup(sieve_run_string(run, call->positional[1], 0)),
		.address = g_strdup(address),
		.headers_only = sieve_call_tag(call, "headers_only") != NULL,
	};

	return sieve_run_action(run, call, action);
}

static const SieveTagDef report_tags[] = { { .name = "headers_only" }, { .name = NULL } };

static const SieveCallDef commands[] = { { .name = "report",
	                                   .positional = { SIEVE_STRING, SIEVE_STRING,
	                                                   SIEVE_STRING },
	                                   .flags = SIEVE_IS_ACTION,
	                                   .tags = report_tags,
	                                   .check = check_report,
	                                   .run = run_report },
	                                 { .name = NULL } };

const SieveExt sieve_ext_report = { .capability = "vnd.dovecot.report",
	                            .rfc = "spec-bosch-sieve-report",
	                            .commands = commands };
