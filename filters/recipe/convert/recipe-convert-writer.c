/* SPDX-License-Identifier: MIT */
/* recipe-convert-writer: lines, indentation, strings of Sieve. */
#include "filters/recipe/convert/recipe-convert-writer.h"

static void
indent(RecipeWriter *writer)
{
	for (unsigned i = 0; i < writer->depth; i++)
		g_string_append_c(writer->out, '\t');
}

void
recipe_writer_put(RecipeWriter *writer, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (char **line = lines; *line != NULL && (**line != '\0' || line[1] != NULL); line++) {
		if (**line != '\0')
			indent(writer);
		g_string_append_printf(writer->out, "%s\n", *line);
	}
}

void
recipe_writer_put_action(RecipeWriter *writer, const char *command, bool copy, const char *argument)
{
	indent(writer);
	g_string_append_printf(writer->out, "%s%s ", command, copy ? " :copy" : "");
	if (copy)
		recipe_writer_needs(writer, "copy");
	recipe_writer_quote(writer->out, argument);
	g_string_append(writer->out, ";\n");
}

void
recipe_writer_needs(RecipeWriter *writer, const char *extension)
{
	g_hash_table_add(writer->extensions, g_strdup(extension));
}

void
recipe_writer_quote(GString *out, const char *text)
{
	g_string_append_c(out, '"');
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			g_string_append_c(out, '\\');
		g_string_append_c(out, *text);
	}

	g_string_append_c(out, '"');
}

void
recipe_writer_quote_list(GString *out, const GPtrArray *texts)
{
	if (texts->len > 1)
		g_string_append_c(out, '[');
	for (guint i = 0; i < texts->len; i++) {
		g_string_append(out, i > 0 ? ", " : "");
		recipe_writer_quote(out, texts->pdata[i]);
	}

	if (texts->len > 1)
		g_string_append_c(out, ']');
}

char *
recipe_writer_join(const char *word, GPtrArray *taken_tests)
{
	g_ptr_array_add(taken_tests, NULL);
	g_autofree char *all = g_strjoinv(",\n\t", (char **) taken_tests->pdata);
	char *joined = taken_tests->len <= 2 ? g_strdup(all)
	                                     : g_strdup_printf("%s (\n\t%s)", word, all);
	g_ptr_array_unref(taken_tests);

	return joined;
}

GString *
recipe_writer_divert(RecipeWriter *writer, bool nested)
{
	GString *before = writer->out;
	writer->out = g_string_new(NULL);
	writer->depth += nested;
	return before;
}

GString *
recipe_writer_return(RecipeWriter *writer, GString *before, bool nested)
{
	GString *written = writer->out;
	writer->out = before;
	writer->depth -= nested;
	return written;
}
