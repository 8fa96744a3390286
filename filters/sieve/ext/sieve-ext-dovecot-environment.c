/* SPDX-License-Identifier: MIT */
/*
 * vnd.dovecot.environment: spec-bosch-sieve-dovecot-environment, complete: further items, and all
 * items as ${env.NAME}, with "_" for "-". vnd.dovecot.config.NAME are items of the setting
 * sieve_environment. (The name vnd.dovecot.config is no capability of its own: Pigeonhole's
 * documents and its library have it as this prefix only.)
 */
#include "filters/sieve/lang/sieve-check.h"
#include "filters/sieve/run/sieve-environment.h"
#include "filters/sieve/lang/sieve-variable.h"

#include <string.h>

static const char config[] = "vnd.dovecot.config.";

const char *
sieve_environment_dovecot_item(SieveRun *run, const char *name)
{
	char *const *items = run->env->conf->sieve_environment;
	if (strcmp(name, "vnd.dovecot.default-mailbox") == 0)
		return "INBOX";
	if (strcmp(name, "vnd.dovecot.username") == 0)
		return run->input->user != NULL ? run->input->user : "";
	if (g_str_has_prefix(name, config))
		return conf_find_item(items, name + strlen(config));

	return NULL;
}

/* RFC 5229 3: a variable that is not there is empty. */
static bool
get_variable(SieveRun *run, const char *name, SieveText *ret_value)
{
	g_autofree char *item = g_strdup(name);
	const char *value = sieve_environment_item(run, item);

	if (value == NULL && strchr(item, '_') != NULL)
		value = sieve_environment_item(run, g_strdelimit(item, "_", '-'));
	*ret_value = value != NULL ? (SieveText){ value, strlen(value) } : SIEVE_TEXT("");
	return true;
}

static bool
check_name(SieveCheck *check, SieveSpan span, const char *name)
{
	if (!g_ascii_isdigit(name[0]))
		return true;
	return sieve_check_error(check, span, "bad-variable", NULL,
	                         "no item of the environment is called '%s'", name);
}

static const SieveNamespace env = { .name = "env", .check = check_name, .get = get_variable };
static const SieveNamespace *const namespaces[] = { &env, NULL };

const SieveExt sieve_ext_dovecot_environment = {
	.capability = "vnd.dovecot.environment",
	.rfc = "spec-bosch-sieve-dovecot-environment",
	.implies = "environment",
	.namespaces = namespaces,
};
