/* SPDX-License-Identifier: MIT */
/* doctor-unit: asks systemctl. */
#include "agent/cmd/doctor-unit.h"

#include "agent/cmd/doctor.h"

#include <string.h>

void
doctor_unit_clear(DoctorUnit *unit)
{
	g_clear_pointer(&unit->user, g_free);
	g_clear_pointer(&unit->state, g_free);
	g_clear_pointer(&unit->status, g_free);
}

/* What stands behind "NAME=" in a line of its own; "" where there is none. Caller frees. */
static char *
value_of_line(char **lines, const char *name)
{
	size_t len = strlen(name);
	for (; *lines != NULL; lines++)
		if (strncmp(*lines, name, len) == 0 && (*lines)[len] == '=')
			return g_strdup(*lines + len + 1);
	return g_strdup("");
}

bool
doctor_unit_read(const char *name, DoctorUnit *ret_unit)
{
	const char *argv[] = { "systemctl", "show",
		               "--property=LoadState,ActiveState,User,StatusText", name, NULL };
	g_autofree char *text = NULL;
	int code;
	if (!doctor_ask(argv, &text, &code) || code != 0)
		return false;

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	g_autofree char *loaded = value_of_line(lines, "LoadState");
	if (strcmp(loaded, "loaded") != 0)
		return false;

	*ret_unit = (DoctorUnit){ .user = value_of_line(lines, "User"),
		                  .state = value_of_line(lines, "ActiveState"),
		                  .status = value_of_line(lines, "StatusText") };
	return true;
}
