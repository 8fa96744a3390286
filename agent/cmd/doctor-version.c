/* SPDX-License-Identifier: MIT */
/* doctor-version: which versions of other programs are known for what. */
#include "agent/cmd/doctor-version.h"

#include "agent/base/words.h"

#include <string.h>

static const struct {
	const char *program, *first, *good, *what;
} bad[] = {
#define BAD(program, first, good, what) { program, first, good, what },
#include "agent/cmd/doctor-version.def"
#undef BAD
};

int
doctor_version_compare(const char *one, const char *other)
{
	while (*one != '\0' || *other != '\0') {
		char *one_end, *other_end;
		guint64 a = g_ascii_strtoull(one, &one_end, 10),
			b = g_ascii_strtoull(other, &other_end, 10);
		if (a != b)
			return a < b ? -1 : 1;
		if (*one_end != '.' && *other_end != '.')
			return 0; /* "3.7.11-rc1" counts as 3.7.11 */
		one = *one_end == '.' ? one_end + 1 : "";
		other = *other_end == '.' ? other_end + 1 : "";
	}

	return 0;
}

void
doctor_version_judge(Doctor *doctor, const char *program, const char *version)
{
	for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
		if (strcmp(bad[i].program, program) == 0 &&
		    doctor_version_compare(version, bad[i].first) >= 0 &&
		    doctor_version_compare(version, bad[i].good) < 0)
			doctor_find(doctor, DOCTOR_VERSION, program, NULL, program, version,
			            _(bad[i].what), NULL);
}
