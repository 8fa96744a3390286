/* SPDX-License-Identifier: MIT */
/* conf-verify: see the header. */
#include "config.h"

#include "conf/conf-verify.h"

#include "agent/base/log.h"
#include "agent/base/path-template.h"
#include "conf/conf-choices.h"
#include "conf/conf-state.h"

#include <string.h>

#ifdef HAVE_LIBSIEVE
enum { HAS_LIBSIEVE = true };
#else
enum { HAS_LIBSIEVE = false };
#endif

/* Where a setting was said. */
static const ConfPlace *
place_of(const Conf *conf, const char *name)
{
	static const ConfPlace nowhere = { .file = "default" };
	const ConfPlace *place = &conf->said[conf_row_number(conf_find_row(name))];

	return place->file != NULL ? place : &nowhere;
}

/*
 * A path with %-letters is filled in for each recipient: what is wrong in it is wrong for all of
 * them.
 */
static bool
check_letters(const Conf *conf, const char *name, const char *value, const char *letters,
              GPtrArray *problems)
{
	g_auto(Status) unknown = STATUS_INIT;
	if (path_template_check(value, letters, &unknown))
		return true;

	conf_problem_add(problems, place_of(conf, name), "bad-path", NULL,
	                 "'%s' is not allowed for '%s': behind a '%%' it wants one of the letters "
	                 "'%s', or a form that todoke.conf(5) lists under PATHS",
	                 value, name, letters);
	return false;
}

/*
 * A relative path would make every virtual user an account of the system, and that is an unknown
 * user: 5.1.1.
 */
static void
check_maildir(const Conf *conf, GPtrArray *problems)
{
	const char *maildir = conf->maildir;
	bool begins_with_home = maildir[0] == '~' && (maildir[1] == '/' || maildir[1] == '\0');

	if (!check_letters(conf, "maildir", maildir, "undh%", problems))
		return;
	if (maildir[0] != '/' && !begins_with_home && !g_str_has_prefix(maildir, "%h") &&
	    !g_str_has_prefix(maildir, "%{home}"))
		conf_problem_add(
			problems, place_of(conf, "maildir"), "bad-path", NULL,
			"'%s' is not allowed for 'maildir': it wants a path that begins with '/', "
			"'~/' or '%%h'",
			maildir);
}

/* Is there this engine of Sieve? */
static void
check_engine(const Conf *conf, const char *name, const char *value, const char *engine,
             GPtrArray *problems)
{
	bool is_libsieve = engine != NULL && strcmp(engine, "libsieve") == 0;
	bool is_native = engine != NULL && strcmp(engine, "native") == 0;

	if (is_libsieve && !HAS_LIBSIEVE)
		conf_problem_add(
			problems, place_of(conf, name), "bad-value", NULL,
			"'%s' is not allowed for '%s': this todoke was built without libsieve",
			value, name);
	else if (!is_libsieve && !is_native)
		conf_problem_add(
			problems, place_of(conf, name), "bad-value", NULL,
			"'%s' is not allowed for '%s': it wants user=native or user=libsieve",
			value, name);
}

static void
check_engines(const Conf *conf, GPtrArray *problems)
{
	if (conf->sieve_engine == CONF_SIEVE_ENGINE_LIBSIEVE)
		check_engine(conf, "sieve_engine", "libsieve", "libsieve", problems);

	for (char **item = conf->sieve_engine_of; *item != NULL; item++) {
		const char *sign = strchr(*item, '=');
		check_engine(conf, "sieve_engine_of", *item,
		             sign != NULL && sign > *item ? sign + 1 : NULL, problems);
	}
}

/* A key that is spelled wrong would be logged, or not masked. */
static void
check_log_keys(const Conf *conf, const char *name, char **keys, bool for_masking,
               GPtrArray *problems)
{
	for (char **key = keys; *key != NULL; key++) {
		const char *plain = *key + (!for_masking && **key == '-');
		bool good = for_masking ? log_field_can_be_masked(plain)
		                        : log_field_is_known(plain);
		if (!good)
			conf_problem_add(problems, place_of(conf, name), "bad-value", NULL,
			                 "'%s' is not allowed for '%s': it is no key of the log%s",
			                 *key, name, for_masking ? " that can be masked" : "");
	}
}

static void
check_state(const Conf *conf, GPtrArray *problems)
{
	const char *why = NULL;
	/* the value is not repeated: it may have a password in it */
	if (!conf_state_check(conf->state, &why))
		conf_problem_add(problems, place_of(conf, "state"), "bad-value", NULL,
		                 "this value is not allowed for 'state': %s", why);
}

void
conf_verify(const Conf *conf, GPtrArray *problems)
{
	check_maildir(conf, problems);
	(void) check_letters(conf, "home", conf->home, "und%", problems);
	(void) check_letters(conf, "state_folder", conf->state_folder, "undh%", problems);
	check_state(conf, problems);
	check_engines(conf, problems);
	check_log_keys(conf, "log_fields", conf->log_fields, false, problems);
	check_log_keys(conf, "log_masked", conf->log_masked, true, problems);
}
