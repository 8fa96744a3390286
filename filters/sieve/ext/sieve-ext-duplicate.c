/* SPDX-License-Identifier: MIT */
/*
 * duplicate: RFC 7352, complete. Who remembers what was seen, and when it is noted, is the service
 * `duplicate` of FilterEnv. The key says whether there is a handle, so that no handle is not an
 * empty one (3.2).
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/lang/sieve-text.h"
#include "filters/sieve/run/sieve-run.h"

#include <string.h>

/* :header names the field; a message without :header and :uniqueid is known by its Message-ID. */
static bool
check_duplicate(SieveCheck *check, SieveCall *call)
{
	if (sieve_call_tag_of(call, "id") != NULL)
		return true;
	SieveString *field = SIEVE_NEW(sieve_check_arena(check), SieveString);
	field->text = SIEVE_TEXT("message-id");
	field->field = sieve_check_field_slot(check, field->text);
	call->data = field;

	return true;
}

/*
 * The first field's value, which must not be empty: nothing tells such messages apart. False: there
 * is none.
 */
static bool
read_field(SieveRun *run, const SieveString *name, SieveText *ret_value)
{
	size_t n;
	const guint *fields = sieve_run_fields(run, NULL, name, &n);
	if (n == 0)
		return false;

	SieveText value = sieve_run_field_value(run, fields[0]);
	*ret_value = value;
	return value.len > 0;
}

static bool
read_id(SieveRun *run, const SieveCall *call, SieveText *ret_value)
{
	const SieveTag *tag = sieve_call_tag_of(call, "id");
	if (tag == NULL)
		return read_field(run, call->data, ret_value);

	const SieveString *string = &tag->value->strings[0];
	if (strcmp(tag->def->name, "header") == 0)
		return read_field(run, string, ret_value);

	*ret_value = sieve_run_text(run, string);
	return true;
}

/* A NUL would end the key early, and two values become one. */
static void
append_escaped(GString *key, SieveText text)
{
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] == '\0')
			g_string_append(key, "\\0");
		else if (text.data[i] == '\\')
			g_string_append(key, "\\\\");
		else
			g_string_append_c(key, text.data[i]);
	}
}

/* "-:value" without a handle, else "5:handle:value", the number being its octets. Caller frees. */
static char *
make_key(SieveRun *run, const SieveCall *call, SieveText value)
{
	GString *key = g_string_new(NULL);
	const SieveTag *handle = sieve_call_tag(call, "handle");

	if (handle != NULL) {
		SieveText text = sieve_run_text(run, &handle->value->strings[0]);
		g_string_append_printf(key, "%zu:", text.len);
		append_escaped(key, text);
		g_string_append_c(key, ':');
	} else {
		g_string_append(key, "-:");
	}

	append_escaped(key, value);
	return g_string_free(key, FALSE);
}

/* RFC 7352 3.3: over the site's maximum, that one is used, and it is no error. */
static bool
check_seconds(SieveCheck *check, SieveCall *call, SieveTag *tag)
{
	(void) call;
	gint64 max = sieve_check_env(check)->conf->sieve_duplicate_max;

	if (tag->value->number > (guint64) max)
		sieve_check_clamped(check, tag, "above", "sieve_duplicate_max", max);
	return true;
}

static gint64
seconds_of(SieveRun *run, const SieveCall *call)
{
	gint64 max = run->env->conf->sieve_duplicate_max;
	const SieveTag *tag = sieve_call_tag(call, "seconds");
	if (tag == NULL)
		return MIN(run->env->conf->sieve_duplicate_default, max);
	return (gint64) MIN(tag->value->number, (guint64) max);
}

static bool
test_duplicate(SieveRun *run, const SieveCall *call, bool *ret_result)
{
	const FilterServices *services = run->env->services;
	SieveText value;
	gint64 seconds = seconds_of(run, call);

	*ret_result = false;
	if (seconds == 0 || services->duplicate == NULL || !read_id(run, call, &value))
		return true;
	if (!sieve_run_spend(run, value.len))
		return false;

	g_autofree char *key = make_key(run, call, value);
	*ret_result = services->duplicate(run->env, key, seconds,
	                                  sieve_call_tag(call, "last") != NULL);
	sieve_run_trace(run, TRACE_MATCHING, call,
	                "\"%.*s\" was %sseen in the last %" G_GINT64_FORMAT " seconds",
	                sieve_text_shown(value, 200), value.data, *ret_result ? "" : "not ",
	                seconds);

	return true;
}

static const SieveTagDef tags[] = {
	{ .name = "handle", .value = SIEVE_STRING },
	{ .name = "header", .value = SIEVE_STRING | SIEVE_HEADER, .group = "id" },
	{ .name = "uniqueid", .value = SIEVE_STRING, .group = "id" },
	{ .name = "seconds", .value = SIEVE_NUMBER, .check = check_seconds },
	{ .name = "last" },
	{ .name = NULL }
};

static const SieveCallDef tests[] = {
	{ .name = "duplicate", .tags = tags, .check = check_duplicate, .test = test_duplicate },
	{ .name = NULL }
};

const SieveExt sieve_ext_duplicate = { .capability = "duplicate",
	                               .rfc = "RFC 7352",
	                               .tests = tests };
