/* SPDX-License-Identifier: MIT */
/* own-program: see the header. */
#include "agent/cmd/own-program.h"

#include "agent/base/handover.h"

#include <glib.h>
#include <sys/stat.h>
#include <unistd.h>

char *
own_program_path(void)
{
	char *self = g_file_read_link("/proc/self/exe", NULL);
	return self != NULL ? self : g_strdup("/usr/bin/todoke");
}

bool
own_program_is_same(const char *one, const char *other)
{
	struct stat a, b;
	return stat(one, &a) == 0 && stat(other, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

bool
own_program_is_installed(const char *path)
{
	g_autofree char *place = handover_program();
	return own_program_is_same(path, place);
}

char *
own_program_find_installed(void)
{
	g_autofree char *place = handover_program();
	const char *const places[] = { place, "/usr/bin/todoke", "/usr/local/bin/todoke" };

	for (size_t i = 0; i < G_N_ELEMENTS(places); i++)
		if (access(places[i], X_OK) == 0)
			return g_strdup(places[i]);
	return NULL;
}
