/* SPDX-License-Identifier: MIT */
/* scratch: folders for tests. */
#define _GNU_SOURCE
#include "tests/lib/scratch.h"

#include <ftw.h>
#include <stdio.h>

char *
scratch_new(void)
{
	char *path = g_dir_make_tmp("todoke-test-XXXXXX", NULL);
	g_assert(path != NULL);
	return path;
}

static int
remove_one(const char *path, const struct stat *sb, int type, struct FTW *ftw)
{
	(void) sb, (void) type, (void) ftw;
	return remove(path);
}

void
scratch_remove(char *path)
{
	(void) nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	g_free(path);
}

static int
compare_names(gconstpointer one, gconstpointer other)
{
	return g_strcmp0(*(char *const *) one, *(char *const *) other);
}

static GPtrArray *
names_in(const char *path)
{
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	if (dir == NULL)
		return NULL;

	GPtrArray *names = g_ptr_array_new_with_free_func(g_free);
	for (const char *name; (name = g_dir_read_name(dir)) != NULL;)
		g_ptr_array_add(names, g_strdup(name));
	g_ptr_array_sort(names, compare_names);

	return names;
}

char *
scratch_list(const char *dir, const char *below)
{
	g_autofree char *path = g_build_filename(dir, below, NULL);
	g_autoptr(GPtrArray) names = names_in(path);
	if (names == NULL)
		return g_strdup("-");

	g_ptr_array_add(names, NULL);
	return g_strjoinv(" ", (char **) names->pdata);
}

char *
scratch_only(const char *dir, const char *below)
{
	g_autofree char *path = g_build_filename(dir, below, NULL);
	g_autoptr(GPtrArray) names = names_in(path);
	g_assert(names != NULL && names->len == 1);
	return g_build_filename(path, names->pdata[0], NULL);
}

char *
scratch_read(const char *dir, const char *below)
{
	g_autofree char *path = g_build_filename(dir, below, NULL);
	char *text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) ? text : NULL;
}

void
scratch_write(const char *dir, const char *below, const char *text)
{
	g_autofree char *path = g_build_filename(dir, below, NULL);
	g_assert(g_file_set_contents(path, text, -1, NULL));
}
