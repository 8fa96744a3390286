/* SPDX-License-Identifier: MIT */
/* recipe-convert-action: what a recipe does, and formail, as commands of Sieve. */
#include "filters/recipe/convert/recipe-convert-action.h"

#include "agent/base/blank.h"
#include "filters/recipe/convert/recipe-convert.h"
#include "filters/recipe/run/recipe-formail.h"
#include "filters/sieve/lang/sieve-text.h"

#include <string.h>

char *
recipe_convert_mailbox(const char *path, const char *maildir, const char *home)
{
	const char *folders[] = { maildir, home };
	g_autofree char *default_folder = home != NULL ? g_build_filename(home, "Maildir", NULL)
	                                               : NULL;
	g_autofree char *trimmed = g_strdup(path);
	size_t len = strlen(trimmed);

	while (len > 1 &&
	       (trimmed[len - 1] == '/' || (trimmed[len - 1] == '.' && trimmed[len - 2] == '/')))
		trimmed[--len] = '\0';
	const char *rest = g_str_has_prefix(trimmed, "./") ? trimmed + 2 : trimmed;
	if (default_folder != NULL && strcmp(rest, default_folder) == 0)
		return g_strdup("INBOX");

	for (size_t i = 0; *rest == '/' && i < G_N_ELEMENTS(folders); i++) {
		size_t n = folders[i] != NULL ? strlen(folders[i]) : 0;
		while (n > 1 && folders[i][n - 1] == '/')
			n--;
		if (n > 0 && strncmp(rest, folders[i], n) == 0 &&
		    (rest[n] == '/' || rest[n] == '\0'))
			rest += n + (rest[n] == '/');
	}

	if (*rest == '/' || strstr(rest, "..") != NULL || !g_utf8_validate(rest, -1, NULL))
		return NULL;
	if (*rest == '\0' || strcmp(rest, ".") == 0)
		return g_strdup("INBOX");

	char *mailbox = g_strdup(*rest == '.' ? rest + 1 : rest);
	return *rest == '.' ? g_strdelimit(mailbox, ".", '/') : mailbox;
}

/* The words of an action; a word that only a run knows: NULL. */
static char **
action_words(RecipeSieve *sieve, const RecipeNode *node, RecipeVerdict *verdict)
{
	bool quoted_blanks = strpbrk(node->action.text, "\"'\\") != NULL &&
	                     strpbrk(node->action.text, " \t") != NULL;
	g_autofree char *text = quoted_blanks
	                                ? NULL
	                                : recipe_constants_expand(sieve->constants,
	                                                          node->action.text,
	                                                          recipe_sieve_variable, sieve);

	if (text == NULL || !g_utf8_validate(text, -1, NULL))
		return recipe_verdict_nothing(
			verdict, "the name depends on what only a run of procmail knows");
	return g_strsplit_set(g_strstrip(text), " \t\n", -1);
}

char *
recipe_sieve_mailbox(const RecipeSieve *sieve, const char *path, bool *ret_is_there)
{
	const RecipeConstants *constants = sieve->constants;
	const FilterRecipes *services = sieve->env->recipes;
	g_autofree char *absolute = recipe_constants_path(constants, path);
	char *name = services->mailbox_at != NULL && *absolute == '/'
	                     ? services->mailbox_at(sieve->env, absolute)
	                     : NULL;

	*ret_is_there = name != NULL;
	if (name != NULL)
		return name;

	return recipe_convert_mailbox(path, recipe_constants_get(constants, "MAILDIR"),
	                              recipe_constants_get(constants, "HOME"));
}

/* DEFAULT or ORGMAIL: where no mailbox has its path, the INBOX is what it stands for. */
static bool
is_last_resort(const RecipeSieve *sieve, const char *path)
{
	return g_strcmp0(path, recipe_constants_get(sieve->constants, "DEFAULT")) == 0 ||
	       g_strcmp0(path, recipe_constants_get(sieve->constants, "ORGMAIL")) == 0;
}

static bool
put_folder(RecipeSieve *sieve, const char *path, const RecipeFlags *flags, RecipeVerdict *verdict)
{
	bool is_there;
	g_autofree char *mailbox = recipe_sieve_mailbox(sieve, path, &is_there);
	if (mailbox == NULL && is_last_resort(sieve, path))
		mailbox = g_strdup("INBOX");
	if (mailbox == NULL)
		return recipe_verdict_by_hand(verdict, "the folder is outside of MAILDIR and HOME");
	if (!is_there)
		recipe_verdict_changed(
			verdict,
			"the recipe's folder is none of the mailbox: the mail lies elsewhere");
	else if (strstr(path, "${") != NULL)
		recipe_verdict_changed(verdict,
		                       "a '.' or '/' in the variable's value makes another folder");

	if (!g_str_has_suffix(path, "/"))
		recipe_verdict_changed(verdict, RECIPE_SIEVE_NO_MAILDIR);
	recipe_writer_needs(&sieve->writer, "fileinto");
	recipe_writer_put_action(&sieve->writer, "fileinto", flags->copies, mailbox);

	return true;
}

bool
recipe_convert_folders(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags,
                       RecipeVerdict *verdict)
{
	g_auto(GStrv) words = action_words(sieve, node, verdict);
	if (words == NULL || *words == NULL || **words == '\0')
		return recipe_verdict_by_hand(verdict, "the folder has no name that is known");

	if (strcmp(*words, "/dev/null") == 0) {
		if (!flags->copies && sieve->answers)
			return recipe_verdict_by_hand(
				verdict, "EXITCODE answers for it: reject or ereject can");
		if (!flags->copies)
			recipe_writer_put(&sieve->writer, "discard;");
		return true;
	}

	for (char **word = words; *word != NULL; word++)
		if (**word != '\0' && !put_folder(sieve, *word, flags, verdict))
			return false;
	return true;
}

/* Whether Sieve takes it as an address; one with a variable is known at the run only. */
static bool
can_redirect(const char *word, RecipeVerdict *verdict)
{
	const SieveText address = { word, strlen(word) };
	if (strstr(word, "${") == NULL)
		return *word != '-' && sieve_text_is_mailable(address);

	recipe_verdict_changed(verdict, "the variable must hold one address alone");
	return *word != '-';
}

bool
recipe_convert_forward(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags,
                       RecipeVerdict *verdict)
{
	g_auto(GStrv) parts = action_words(sieve, node, verdict);
	if (parts == NULL || *parts == NULL || **parts == '\0')
		return recipe_verdict_by_hand(verdict, "nobody is named");

	g_autofree char *listed = g_strjoinv(",", parts);
	g_auto(GStrv) words = g_strsplit(listed, ",", -1);
	for (char **word = words; *word != NULL; word++)
		if (**word != '\0' && !can_redirect(*word, verdict))
			return recipe_verdict_by_hand(verdict,
			                              "Sieve redirects to addresses with a domain");

	for (char **word = words; *word != NULL; word++)
		if (**word != '\0')
			recipe_writer_put_action(&sieve->writer, "redirect", flags->copies, *word);
	return true;
}

/* "Name: value" -> name, and value without its white space. NULL: it is not that. */
static char *
split_field(const char *field, const char **ret_value)
{
	const char *colon = strchr(field, ':');
	if (colon == NULL || colon == field || strpbrk(field, "\n\r") != NULL)
		return NULL;

	*ret_value = blank_skip(colon + 1);
	char *name = g_strndup(field, (gsize) (colon - field));
	if (strpbrk(name, " \t\"\\") == NULL && g_str_is_ascii(name))
		return name;

	g_free(name);
	return NULL;
}

/*
 * One option of formail: -I replaces, -i is left to the hand, -A appends, -a adds where there is
 * none.
 */
static bool
put_field(RecipeSieve *sieve, char option, const char *field)
{
	const char *value;
	g_autofree char *name = split_field(field, &value);
	if (name == NULL || (*value == '\0' && option != 'I') || !g_utf8_validate(field, -1, NULL))
		return false;

	g_autoptr(GString) line = g_string_new(NULL);
	if (option == 'I')
		g_string_append_printf(line, "deleteheader \"%s\";\n", name);
	if (option == 'a')
		g_string_append_printf(line, "if not exists \"%s\" {\n\t", name);

	if (*value != '\0') {
		g_string_append_printf(line, "addheader :last \"%s\" ", name);
		recipe_writer_quote(line, value);
		g_string_append(line, ";\n");
	}

	if (option == 'a')
		g_string_append(line, "}\n");
	recipe_writer_put(&sieve->writer, line->str);
	return true;
}

bool
recipe_convert_formail(RecipeSieve *sieve, const RecipeNode *node)
{
	g_auto(GStrv) argv = NULL;
	bool plain = strpbrk(node->action.text, "$`|;&<>") == NULL;
	if (!plain || !g_shell_parse_argv(node->action.text, NULL, &argv, NULL) ||
	    !recipe_formail_is(argv[0]) || argv[1] == NULL)
		return false;

	for (char **arg = argv + 1; *arg != NULL; arg++) {
		char option = (*arg)[0] == '-' ? (*arg)[1] : '\0';
		const char *field = option != '\0' && (*arg)[2] != '\0' ? *arg + 2 : arg[1];
		if (option == '\0' || strchr("IAa", option) == NULL || field == NULL ||
		    !put_field(sieve, option, field))
			return false;
		arg += field == arg[1];
	}

	recipe_writer_needs(&sieve->writer, "editheader");
	return true;
}

/* formail -D MAX CACHE: what was seen before is thrown away. */
bool
recipe_convert_seen(RecipeSieve *sieve, const RecipeNode *node, const RecipeFlags *flags)
{
	g_auto(GStrv) argv = NULL;
	gint argc = 0;
	bool plain = node->name == NULL && !flags->filters && !flags->copies && flags->waits &&
	             strpbrk(node->action.text, "`|;&<>") == NULL;
	g_autofree char *command = plain ? recipe_constants_expand(sieve->constants,
	                                                           node->action.text, NULL, NULL)
	                                 : NULL;
	if (command == NULL || !g_shell_parse_argv(command, &argc, &argv, NULL) || argc < 3 ||
	    !recipe_formail_is(argv[0]) || !g_str_has_prefix(argv[1], "-D"))
		return false;

	gint words = argv[1][2] == '\0' ? 4 : 3; /* -D MAX CACHE, -DMAX CACHE */
	if (argc != words)
		return false;

	recipe_writer_needs(&sieve->writer, "duplicate");
	recipe_writer_put(&sieve->writer, "if duplicate {\n\tdiscard;\n\tstop;\n}");
	return true;
}

/* NAME=`formail -xField:`: a test that takes the field's value. */
bool
recipe_convert_extracted(RecipeSieve *sieve, const RecipeNode *node)
{
	static const char *const starts[] = { "`formail -x ", "`formail -x", "`formail -zx",
		                              "`formail -z -x" };
	const char *value = node->value.text;
	size_t i = 0, len;

	while (i < G_N_ELEMENTS(starts) && !g_str_has_prefix(value, starts[i]))
		i++;
	if (i == G_N_ELEMENTS(starts))
		return false;

	const char *name = value + strlen(starts[i]);
	name += strspn(name, " \"'");
	for (len = 0; g_ascii_isalnum(name[len]) || name[len] == '-'; len++)
		;
	if (len == 0 || name[len] != ':' ||
	    strcmp(name + len + 1 + strspn(name + len + 1, "\"'"), "`") != 0)
		return false;

	g_hash_table_add(sieve->sets, g_strdup(node->name));
	if (!g_hash_table_contains(sieve->reads, node->name))
		return true;

	recipe_writer_needs(&sieve->writer, "variables");
	g_autofree char *rule = g_strdup_printf(
		"# line %u: changed: the first such field, decoded, without the white space at its ends\n"
		"set \"%s\" \"\";\n"
		"if header :matches \"%.*s\" \"*\" {\n\tset \"%s\" \"${1}\";\n}",
		node->line, node->name, (int) len, name, node->name);
	recipe_writer_put(&sieve->writer, rule);

	return true;
}
