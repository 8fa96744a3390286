/* SPDX-License-Identifier: MIT */
/* cmd-config: `todoke config`: the settings that hold, and where each comes from. */
#include "agent/base/nearest.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/cmd-common.h"
#include "conf/conf-value.h"

#include <stdio.h>
#include <string.h>

static const char about[] =
	"\nPrints the settings that differ from their defaults, as they would stand in\n"
	"todoke.conf (like postconf -n and doveconf -n); with NAME those settings. Each\n"
	"line says behind '#' where the value comes from.\n\n"
	"  todoke config\n"
	"  todoke config --all\n"
	"  todoke config maildir hop_limit\n\n"
	"Exit code: 0 good, 1 the configuration is wrong, 2 wrong usage.\n";

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	bool all;
	bool json;
} Options;

static const CmdOption rows[] = { { .name = "all",
	                            CMD_INTO_FLAG(Options, all),
	                            .help = N_("settings with their default, too") },
	                          CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	                          CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	                          CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.config/1"),
	                          CMD_OPTIONS_END };

const CmdOptions cmd_config_options = { .synopsis = "[OPTION]... [NAME]...",
	                                .rows = rows,
	                                .about = about };

typedef struct {
	const Conf *conf;
	const ConfRow *row;
	char *value;
	char *origin; /* "default", "-o", "/etc/todoke/todoke.conf:3" */
} Setting;

static void
setting_init(Setting *setting, const Conf *conf, size_t i)
{
	setting->conf = conf;
	setting->row = conf_row(i);
	setting->value = conf_print_value(conf, setting->row);

	const ConfPlace *place = &conf->said[i];
	if (place->file == NULL)
		setting->origin = g_strdup("default");
	else if (place->line == 0)
		setting->origin = g_strdup(place->file);
	else
		setting->origin = g_strdup_printf("%s:%u", place->file, place->line);
}

static void
setting_clear(Setting *setting)
{
	g_free(setting->value);
	g_free(setting->origin);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Setting, setting_clear)

static bool
is_wanted(size_t i, const Conf *conf, bool all, char **names)
{
	if (*names != NULL)
		return g_strv_contains((const char *const *) names, conf_row(i)->name);
	return all || conf->said[i].file != NULL;
}

static json_t *
value_json(const Setting *setting)
{
	const void *member = G_STRUCT_MEMBER_P(setting->conf, setting->row->offset);
	g_autofree char *choice = NULL;
	json_t *list = NULL;

	switch (setting->row->type) {
	case CONF_BOOL:
		return json_boolean(*(const bool *) member);
	case CONF_ENUM:
		choice = conf_choice(setting->row, *(const unsigned *) member);
		return json_string(choice);
	case CONF_TEXT:
		return cmd_json_text(*(char *const *) member);
	case CONF_LIST:
		list = json_array();
		for (char *const *item = *(char **const *) member; *item != NULL; item++)
			json_array_append_new(list, cmd_json_text(*item));
		return list;
	default:
		return json_integer(*(const gint64 *) member);
	}
}

static json_t *
setting_json(const Setting *setting)
{
	json_t *object = json_object();

	json_object_set_new(object, "name", json_string(setting->row->name));
	json_object_set_new(object, "value", value_json(setting));
	json_object_set_new(object, "text", cmd_json_text(setting->value));
	json_object_set_new(object, "default", json_string(setting->row->otherwise));
	json_object_set_new(object, "from", cmd_json_text(setting->origin));
	json_object_set_new(object, "help", json_string(conf_row_help(setting->row)));

	return object;
}

static json_t *
rule_json(const ConfRule *rule)
{
	const char *const texts[][2] = {
		{ "name", rule->name },     { "header", rule->header }, { "match", rule->match },
		{ "action", rule->action }, { "to", rule->to },
	};
	json_t *object = json_object(), *when = json_array();

	for (size_t i = 0; i < G_N_ELEMENTS(texts); i++)
		json_object_set_new(object, texts[i][0],
		                    texts[i][1] != NULL ? cmd_json_text(texts[i][1]) : json_null());
	for (char **item = rule->when; item != NULL && *item != NULL; item++)
		json_array_append_new(when, cmd_json_text(*item));
	json_object_set_new(object, "when", when);
	json_object_set_new(object, "line", json_integer(rule->place.line));

	return object;
}

/* A setting of a block, whose values were tried when the block was read. */
static json_t *
scoped_json(const ConfScoped *scoped)
{
	const ConfRow *row = scoped->row;
	json_t *object = json_object();
	g_autofree Conf *own = g_new0(Conf, 1);
	g_autofree char *problem = NULL;

	conf_value_init(own, row);
	if (row->type == CONF_LIST)
		conf_value_empty(own, row);
	for (char **value = scoped->values; *value != NULL; value++)
		(void) conf_value_set(own, row, *value, &problem);

	g_auto(Setting) setting = {
		.conf = own,
		.row = row,
		.value = conf_print_value(own, row),
		.origin = g_strdup_printf("%s:%u", scoped->place.file, scoped->place.line),
	};
	json_object_set_new(object, "name", json_string(row->name));
	json_object_set_new(object, "value", value_json(&setting));
	json_object_set_new(object, "text", cmd_json_text(setting.value));
	json_object_set_new(object, "adds", json_boolean(scoped->adds));
	json_object_set_new(object, "from", cmd_json_text(setting.origin));
	conf_value_clear(own, row);

	return object;
}

/* A block of users or domains, with the settings in it that are asked for. NULL: it has none. */
static json_t *
scope_json(const ConfScope *scope, char **names)
{
	json_t *settings = json_array(), *object;
	g_autofree char *origin = g_strdup_printf("%s:%u", scope->place.file, scope->place.line);

	for (guint i = 0; i < scope->settings->len; i++) {
		const ConfScoped *scoped = scope->settings->pdata[i];
		if (*names == NULL ||
		    g_strv_contains((const char *const *) names, scoped->row->name))
			json_array_append_new(settings, scoped_json(scoped));
	}
	if (*names != NULL && json_array_size(settings) == 0) {
		json_decref(settings);
		return NULL;
	}

	object = json_object();
	json_object_set_new(object, "kind", json_string(scope->is_domain ? "domain" : "user"));
	json_object_set_new(object, "pattern", cmd_json_text(scope->pattern));
	json_object_set_new(object, "from", cmd_json_text(origin));
	json_object_set_new(object, "settings", settings);
	return object;
}

static json_t *
scopes_json(const Conf *conf, char **names)
{
	json_t *blocks = json_array();
	for (guint i = 0; i < conf->scopes->len; i++) {
		json_t *block = scope_json(conf->scopes->pdata[i], names);
		if (block != NULL)
			json_array_append_new(blocks, block);
	}
	return blocks;
}

static void
print_json(const Conf *conf, bool all, char **names)
{
	json_t *settings = json_array(), *rules = json_array(), *object = json_object();

	for (size_t i = 0; i < CONF_ROWS; i++) {
		if (!is_wanted(i, conf, all, names))
			continue;
		g_auto(Setting) setting;
		setting_init(&setting, conf, i);
		json_array_append_new(settings, setting_json(&setting));
	}

	for (guint i = 0; i < conf->rules->len && *names == NULL; i++)
		json_array_append_new(rules, rule_json(conf->rules->pdata[i]));
	json_object_set_new(object, "schema", json_string("todoke.config/1"));
	json_object_set_new(object, "file",
	                    conf->files->len > 0 ? cmd_json_text(conf->files->pdata[0])
	                                         : json_null());
	json_object_set_new(object, "settings", settings);
	json_object_set_new(object, "rules", rules);
	json_object_set_new(object, "blocks", scopes_json(conf, names));
	cmd_print_json(object);
}

/*
 * In single quotes: names and patterns are full of characters that mean something in double quotes.
 * Caller frees.
 */
static char *
quoted(const char *text)
{
	GString *out = g_string_new("'");

	for (; *text != '\0'; text++) {
		if (*text == '\'' || *text == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}

	g_string_append_c(out, '\'');
	return g_string_free(out, FALSE);
}

static void
print_key(const char *key, const char *value)
{
	if (value == NULL)
		return;
	g_autofree char *text = quoted(value);
	printf("  %s = %s\n", key, text);
}

static void
print_when(char **when)
{
	if (when == NULL)
		return;
	printf("  when = {");
	for (char **item = when; *item != NULL; item++) {
		g_autofree char *text = quoted(*item);
		printf("%s%s", item == when ? "" : ", ", text);
	}

	puts("}");
}

static void
print_rule(const ConfRule *rule)
{
	g_autofree char *name = quoted(rule->name);

	printf("rule %s {  # %s:%u\n", name, rule->place.file, rule->place.line);
	print_key("header", rule->header);
	print_key("match", rule->match);
	print_when(rule->when);
	print_key("action", rule->action);
	print_key("to", rule->to);
	puts("}");
}

static void
print_files(const Conf *conf)
{
	for (guint i = 0; i < conf->files->len; i++)
		printf("# %s%s\n", i > 0 ? "includes " : "", (const char *) conf->files->pdata[i]);
	if (conf->files->len == 0)
		puts("# no configuration file: all is default");
}

static void
print_scoped(const ConfScoped *setting)
{
	bool is_list = setting->row->type == CONF_LIST;

	printf("  %s %s %s", setting->row->name, setting->adds ? "+=" : "=", is_list ? "{" : "");
	for (char **value = setting->values; *value != NULL; value++) {
		g_autofree char *text = quoted(*value);
		printf("%s%s", value > setting->values ? ", " : "", text);
	}

	puts(is_list ? "}" : "");
}

static void
print_scope(const ConfScope *scope)
{
	g_autofree char *pattern = quoted(scope->pattern);

	printf("%s %s {  # %s:%u\n", scope->is_domain ? "domain" : "user", pattern,
	       scope->place.file, scope->place.line);
	for (guint i = 0; i < scope->settings->len; i++)
		print_scoped(scope->settings->pdata[i]);
	puts("}");
}

static void
print_text(const Conf *conf, bool all, char **names)
{
	if (*names == NULL)
		print_files(conf);
	for (size_t i = 0; i < CONF_ROWS; i++) {
		if (!is_wanted(i, conf, all, names))
			continue;
		g_auto(Setting) setting;
		setting_init(&setting, conf, i);
		printf("%s = %s  # %s\n", setting.row->name, setting.value, setting.origin);
	}

	for (guint i = 0; i < conf->rules->len && *names == NULL; i++)
		print_rule(conf->rules->pdata[i]);
	for (guint i = 0; i < conf->scopes->len && *names == NULL; i++)
		print_scope(conf->scopes->pdata[i]);
}

/* The names that the caller wants: each a setting. */
static bool
are_settings(char *const *names, int *ret_exit_code)
{
	for (; *names != NULL; names++) {
		if (conf_find_row(*names) != NULL)
			continue;

		Nearest nearest = nearest_begin(*names);
		for (size_t i = 0; conf_row(i) != NULL; i++)
			nearest_add(&nearest, conf_row(i)->name);
		*ret_exit_code =
			nearest.best != NULL
				? cmd_usage("config",
		                            _("there is no setting '%s'; did you mean '%s'?"),
		                            *names, nearest.best)
				: cmd_usage("config", _("there is no setting '%s'"), *names);
		return false;
	}

	return true;
}

int
cmd_config(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_config_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (!are_settings(argv + 1, &exit_code))
		return exit_code;
	g_autoptr(Conf) conf = cmd_conf(options.conf_path, options.overrides);
	if (conf == NULL)
		return CMD_FINDINGS;

	if (options.json)
		print_json(conf, options.all, argv + 1);
	else
		print_text(conf, options.all, argv + 1);

	return CMD_GOOD;
}
