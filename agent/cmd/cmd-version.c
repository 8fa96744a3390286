/* SPDX-License-Identifier: MIT */
/* cmd-version: `todoke --version`: which todoke this is, and with --json all that it can do. */
#include "config.h"

#include "agent/base/module.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "agent/message/mime-module.h"
#include "agent/run/sandbox.h"
#include "agent/send/submit-module.h"
#include "agent/state/state-module.h"
#include "filters/recipe/lang/recipe-flags.h"
#include "filters/sieve/ext/sieve-ext-table.h"

#include <stdio.h>

#ifdef HAVE_LIBSIEVE
#define LIBSIEVE_LINE "libsieve " LIBSIEVE_VERSION " (sieve_engine = libsieve)"
static const char *const libsieve_version = LIBSIEVE_VERSION;
#else
#define LIBSIEVE_LINE "built without libsieve"
static const char *const libsieve_version = NULL;
#endif

typedef struct {
	bool json;
} Options;

static const CmdOption rows[] = { CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.version/1"),
	                          CMD_OPTIONS_END };

static const char about[] =
	"\nSays which version this is. --json adds what it can do: extensions of Sieve,\n"
	"flags of recipes, modules and whether they can be loaded, settings with their\n"
	"defaults.\n\n"
	"Exit code: 0 good, 2 wrong usage.\n";

const CmdOptions cmd_version_options = { .synopsis = "[--json]", .rows = rows, .about = about };

static json_t *
text_or_null(const char *text)
{
	return text != NULL ? json_string(text) : json_null();
}

static json_t *
extensions_json(void)
{
	json_t *list = json_array();

	for (size_t i = 0; i < sieve_ext_count(); i++) {
		const SieveExt *ext = sieve_ext_nth(i);
		if (ext->capability == NULL)
			continue;

		json_t *object = json_object();
		json_object_set_new(object, "name", json_string(ext->capability));
		json_object_set_new(object, "specification", text_or_null(ext->rfc));
		json_object_set_new(object, "opt_in", json_boolean(ext->opt_in));
		json_object_set_new(object, "site_only", json_boolean(ext->site_only));
		json_object_set_new(object, "for_tests", json_boolean(ext->for_tests));
		json_object_set_new(object, "now_called", text_or_null(ext->became));
		json_array_append_new(list, object);
	}

	return list;
}

/* What the engine of recipes takes for a flag: it is asked letter by letter. */
static json_t *
recipe_flags_json(void)
{
	json_t *list = json_array();

	for (char letter = 'A'; letter <= 'z'; letter++) {
		const char word[] = { letter, '\0' };
		g_auto(RecipeFlags) flags = { 0 };
		if (!g_ascii_isalpha(letter))
			continue;
		recipe_flags_parse(&flags, word);
		if (flags.unknown == '\0')
			json_array_append_new(list, json_string(word));
	}

	return list;
}

static json_t *
recipes_json(void)
{
	static const char *const differences[] = {
#define DIFFERENCE(text) text,
#include "agent/cmd/procmail-differences.def"
#undef DIFFERENCE
	};
	json_t *object = json_object(), *list = json_array();

	for (size_t i = 0; i < G_N_ELEMENTS(differences); i++)
		json_array_append_new(list, json_string(differences[i]));
	json_object_set_new(object, "language", json_string("procmail 3.22"));
	json_object_set_new(object, "flags", recipe_flags_json());
	json_object_set_new(object, "differences", list);

	return object;
}

static json_t *
modules_json(void)
{
	static const struct {
		const char *name, *file, *symbol;
		unsigned version;
	} modules[] = {
		{ "mime", MIME_MODULE_FILE, MIME_MODULE_SYMBOL, MIME_MODULE_VERSION },
		{ "state", STATE_MODULE_FILE, STATE_MODULE_SYMBOL, STATE_MODULE_VERSION },
		{ "submit", SUBMIT_MODULE_FILE, SUBMIT_MODULE_SYMBOL, SUBMIT_MODULE_VERSION },
	};
	json_t *list = json_array();

	for (size_t i = 0; i < G_N_ELEMENTS(modules); i++) {
		g_auto(Status) st = STATUS_INIT;
		json_t *object = json_object();
		bool is_there = module_open(modules[i].file, modules[i].symbol, modules[i].version,
		                            &st) != NULL;

		json_object_set_new(object, "name", json_string(modules[i].name));
		json_object_set_new(object, "file", json_string(modules[i].file));
		json_object_set_new(object, "usable", json_boolean(is_there));
		json_object_set_new(object, "fault",
		                    is_there || st.detail == NULL ? json_null()
		                                                  : cmd_json_text(st.detail));
		json_array_append_new(list, object);
	}

	return list;
}

static json_t *
settings_json(void)
{
	static const char *const types[] = {
		[CONF_BOOL] = "bool", [CONF_INT] = "number",  [CONF_SIZE] = "size",
		[CONF_TIME] = "time", [CONF_ENUM] = "choice", [CONF_TEXT] = "text",
		[CONF_LIST] = "list"
	};
	json_t *list = json_array();

	for (size_t i = 0; conf_row(i) != NULL; i++) {
		const ConfRow *row = conf_row(i);
		json_t *object = json_object();

		json_object_set_new(object, "name", json_string(row->name));
		json_object_set_new(object, "type", json_string(types[row->type]));
		json_object_set_new(object, "default", json_string(row->otherwise));
		json_object_set_new(object, "choices", text_or_null(conf_row_choices(row)));
		json_object_set_new(object, "help", json_string(conf_row_help(row)));
		json_array_append_new(list, object);
	}

	return list;
}

static void
print_json(void)
{
	json_t *object = json_object(), *commands = json_array();

	for (size_t i = 0; cmd_get(i) != NULL; i++)
		json_array_append_new(commands, json_string(cmd_get(i)->name));
	json_object_set_new(object, "schema", json_string("todoke.version/1"));
	json_object_set_new(object, "version", json_string(PACKAGE_VERSION));
	json_object_set_new(object, "libsieve", text_or_null(libsieve_version));
	json_object_set_new(object, "sandbox", json_string(sandbox_describe_kernel()));
	json_object_set_new(object, "commands", commands);
	json_object_set_new(object, "sieve_extensions", extensions_json());
	json_object_set_new(object, "recipes", recipes_json());
	json_object_set_new(object, "modules", modules_json());
	json_object_set_new(object, "settings", settings_json());
	cmd_print_json(object);
}

int
cmd_version(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_version_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc > 1)
		return cmd_usage("version", _("'%s' is not known here"), argv[1]);

	if (options.json)
		print_json();
	else
		printf("todoke " PACKAGE_VERSION "\n" LIBSIEVE_LINE "\nsandbox: %s\n",
		       sandbox_describe_kernel());

	return CMD_GOOD;
}
