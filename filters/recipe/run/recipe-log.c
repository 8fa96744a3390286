/* SPDX-License-Identifier: MIT */
/* recipe-log: lines for the owner's own log. */
#include "filters/recipe/run/recipe-log.h"

#include <string.h>

/* Octets that procmail shows of a subject and of a folder, and where the size stands. */
enum { SUBJECT_OCTETS = 78, FOLDER_OCTETS = 60, SIZE_COLUMN = 72, TAB = 8 };

void
recipe_log_text(const RecipeRun *run, const char *text)
{
	const char *name = recipe_vars_text(run->state->vars, "LOGFILE");
	g_autofree char *path = *name != '\0' ? recipe_run_path(run, name) : g_strdup("");
	if (run->env->recipes->write_log != NULL)
		run->env->recipes->write_log(run->env, path, text, strlen(text));
}

static void
say(const RecipeRun *run, const char *format, va_list args)
{
	g_autofree char *text = g_strdup_vprintf(format, args);
	g_autofree char *line = g_strdup_printf("procmail: %s\n", text);
	recipe_log_text(run, line);
}

void
recipe_log_say(const RecipeRun *run, const char *format, ...)
{
	if (recipe_vars_level(run->state->vars, RECIPE_VERBOSE) <= RECIPE_NO)
		return;
	va_list args;
	va_start(args, format);
	say(run, format, args);
	va_end(args);
}

void
recipe_log_complain(const RecipeRun *run, const char *format, ...)
{
	va_list args;
	va_start(args, format);
	say(run, format, args);
	va_end(args);
}

void
recipe_log_set(const RecipeRun *run, const char *name, const char *value)
{
	recipe_log_say(run, value != NULL ? "Assigning \"%s=%s\"" : "Assigning \"%s\"", name,
	               value);
	recipe_vars_set(run->state->vars, name, value);
}

static bool
wants_abstract(const RecipeRun *run, bool copy)
{
	const RecipeVars *vars = run->state->vars;
	int level = recipe_vars_level(vars, RECIPE_LOGABSTRACT);
	if (level == RECIPE_ALL)
		return true;
	if (copy)
		return false;

	return level == RECIPE_NOT_SAID ? *recipe_vars_text(vars, "LOGFILE") != '\0'
	                                : level != RECIPE_NO;
}

/* Octets that were delivered. */
static size_t
delivered_size(const RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags)
{
	const char *folder = recipe_vars_text(run->state->vars, "LASTFOLDER");
	bool is_store = node->action_kind == RECIPE_ACTION_FOLDER && *folder != '|';
	bool maildir = is_store && run->state->is_maildir;
	bool mbox = is_store && !maildir && !run->state->is_directory;
	bool nothing = strcmp(folder, "/dev/null") == 0;
	g_autoptr(GString) bytes = recipe_mail_bytes(run->state->mail, flags->feeds,
	                                             flags->raw || maildir || nothing);
	size_t size = bytes->len;

	if ((maildir || node->action_kind == RECIPE_ACTION_FORWARD) &&
	    g_str_has_prefix(bytes->str, "From "))
		size -= strcspn(bytes->str, "\n") + 1;
	if (mbox && !nothing && recipe_mail_made_from(run->state->mail) != NULL &&
	    flags->feeds & RECIPE_HEADER)
		size += strlen(recipe_mail_made_from(run->state->mail)) + 1;
	for (const char *at = bytes->str;
	     mbox && !nothing && !flags->raw && (at = strstr(at, "\nFrom ")) != NULL; at++)
		size++;

	return size;
}

static void
append_first_lines(const RecipeRun *run, GString *out)
{
	g_autoptr(GString) header = recipe_mail_bytes(run->state->mail, RECIPE_HEADER, true);
	if (g_str_has_prefix(header->str, "From "))
		g_string_append_printf(out, "%.*s\n", (int) strcspn(header->str, "\n"),
		                       header->str);
	for (const char *line = header->str; line != NULL; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (g_ascii_strncasecmp(line, "Subject:", strlen("Subject:")) != 0)
			continue;
		g_autofree char *subject = g_strndup(line,
		                                     MIN(strcspn(line, "\n"), SUBJECT_OCTETS));
		g_string_append_printf(out, " %s\n", g_strdelimit(subject, "\t", ' '));
		return;
	}
}

void
recipe_log_abstract(const RecipeRun *run, const RecipeNode *node, const RecipeFlags *flags)
{
	if (!wants_abstract(run, flags->copies))
		return;
	g_autoptr(GString) out = g_string_new(NULL);
	append_first_lines(run, out);

	const char *folder = recipe_vars_text(run->state->vars, "LASTFOLDER");
	const char *below = node->action_kind == RECIPE_ACTION_FOLDER &&
	                                    g_str_has_suffix(folder, "/")
	                            ? "new/"
	                            : "";
	gsize start = out->len;
	g_string_append_printf(out, "  Folder: %.*s%s", FOLDER_OCTETS - (int) strlen(below), folder,
	                       below);
	for (gsize column = out->len - start; column < SIZE_COLUMN; column += TAB - column % TAB)
		g_string_append_c(out, '\t');
	g_string_append_printf(out, "%7zu\n", delivered_size(run, node, flags));
	recipe_log_text(run, out->str);
}
