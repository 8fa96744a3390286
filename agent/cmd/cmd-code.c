/* SPDX-License-Identifier: MIT */
/* cmd-code: `todoke code`: a code, a log line or a bounce in plain words. */
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/code-text.h"
#include "agent/cmd/cmd-common.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

typedef struct {
	const char *lang;
	bool json;
} Options;

static const CmdOption rows[] = {
	{ .name = "lang",
	  .argument = "LANG",
	  CMD_INTO_TEXT(Options, lang),
	  .choices = "en ja",
	  .help = "en or ja; otherwise as LC_ALL, LC_MESSAGES or LANG say" },
	CMD_OPTION_JSON(CMD_INTO_FLAG(Options, json), "todoke.code/1"),
	CMD_OPTIONS_END
};

static const char about[] =
	"\nA CODE is 5.4.6, the name of a fault (loop), a line of Postfix's log, the\n"
	"text of a bounce, or a FILE that holds one (-: standard input).\n\n"
	"  todoke code 5.4.6\n"
	"  grep 4ABC12 /var/log/mail.log | todoke code -\n"
	"  todoke code --lang ja bounce.eml\n\n"
	"Exit code: 0 explained, 1 nothing in it is known, 2 wrong usage.\n";

const CmdOptions cmd_code_options = { .synopsis = "[OPTION]... CODE...",
	                              .rows = rows,
	                              .about = about };

/* The whole of standard input, up to the bound. */
static char *
read_stdin(void)
{
	GString *text = g_string_new(NULL);
	char chunk[4096];
	size_t n;

	while (text->len < LIMIT_CODE_FILE_BYTES && (n = fread(chunk, 1, sizeof chunk, stdin)) > 0)
		g_string_append_len(text, chunk, (gssize) n);
	return g_string_free(text, FALSE);
}

/*
 * The text that an argument means: a file's where there is one of that name. NULL: it cannot be
 * read, and stderr says why.
 */
static char *
text_of(const char *argument)
{
	if (strcmp(argument, "-") == 0)
		return read_stdin();
	if (!g_file_test(argument, G_FILE_TEST_IS_REGULAR))
		return g_strdup(argument);

	g_auto(Status) st = STATUS_INIT;
	char *text = NULL;
	size_t len = 0;
	if (!fs_read_file(AT_FDCWD, argument, LIMIT_CODE_FILE_BYTES, &text, &len, &st)) {
		fprintf(stderr, "todoke code: %s\n", st.detail);
		return NULL;
	}

	for (size_t i = 0; i < len; i++)
		if (text[i] == '\0')
			text[i] = ' ';
	return text;
}

static void
print_meaning(const CodeMeaning *meaning, CodeLanguage language)
{
	const char *parts[] = { meaning->what, meaning->who, meaning->todo };

	printf("%s%s%s", meaning->code, *meaning->code != '\0' && meaning->name != NULL ? "  " : "",
	       meaning->name != NULL ? meaning->name : "");
	if (*meaning->code != '\0')
		printf("  (%s)", code_text_class(language, *meaning->code));
	puts("");
	for (unsigned i = 0; i < G_N_ELEMENTS(parts); i++)
		printf("  %s:\n    %s\n", code_text_heading(language, i), parts[i]);
}

static json_t *
meaning_json(const CodeMeaning *meaning)
{
	json_t *object = json_object();

	json_object_set_new(object, "code",
	                    *meaning->code != '\0' ? json_string(meaning->code) : json_null());
	json_object_set_new(object, "name",
	                    meaning->name != NULL ? json_string(meaning->name) : json_null());
	json_object_set_new(object, "temporary",
	                    *meaning->code != '\0' ? json_boolean(*meaning->code == '4')
	                                           : json_null());
	json_object_set_new(object, "what", json_string(meaning->what));
	json_object_set_new(object, "who", json_string(meaning->who));
	json_object_set_new(object, "todo", json_string(meaning->todo));

	return object;
}

static void
print_json(const GPtrArray *meanings, CodeLanguage language)
{
	json_t *list = json_array();

	for (guint i = 0; i < meanings->len; i++)
		json_array_append_new(list, meaning_json(meanings->pdata[i]));
	json_t *object = json_object();
	json_object_set_new(object, "schema", json_string("todoke.code/1"));
	json_object_set_new(object, "language",
	                    json_string(language == CODE_JAPANESE ? "ja" : "en"));
	json_object_set_new(object, "meanings", list);
	cmd_print_json(object);
}

int
cmd_code(int argc, char **argv)
{
	Options options = { 0 };
	int exit_code;

	if (!cmd_options(&cmd_code_options, &argc, argv, &options, &exit_code))
		return exit_code;
	const char *lang = options.lang;
	if (argc < 2)
		return cmd_usage("code", "no code given");
	if (lang != NULL && !cmd_speaks(lang, "en") && !cmd_speaks(lang, "ja"))
		return cmd_usage("code", "'%s' is not a language of this command: en, ja", lang);

	CodeLanguage language = cmd_speaks(lang, "ja") ? CODE_JAPANESE : CODE_ENGLISH;
	g_autoptr(GPtrArray)
		meanings = g_ptr_array_new_with_free_func((GDestroyNotify) code_meaning_free);
	exit_code = CMD_GOOD;

	for (int i = 1; i < argc; i++) {
		g_autofree char *text = text_of(argv[i]);
		if (text != NULL && !code_text_find(text, language, meanings))
			fprintf(stderr,
			        "todoke code: '%.80s' has no code that is known (a code looks like "
			        "5.4.6)\n",
			        argv[i]);
		else if (text != NULL)
			continue;
		exit_code = CMD_FINDINGS;
	}

	if (options.json)
		print_json(meanings, language);
	for (guint i = 0; i < meanings->len && !options.json; i++) {
		if (i > 0)
			puts("");
		print_meaning(meanings->pdata[i], language);
	}

	return exit_code;
}
