/* SPDX-License-Identifier: MIT */
/* doctor-version: versions of other programs that are known as bad (doctor-version.def). */
#ifndef TODOKE_DOCTOR_VERSION_H
#define TODOKE_DOCTOR_VERSION_H

#include "agent/cmd/doctor.h"

/* Below, at or above zero, as strcmp: number by number, "2.3.9" before "2.3.19.1". */
int doctor_version_compare(const char *one, const char *other);

/* Add a finding where this version of `program` is known for something. */
void doctor_version_judge(Doctor *doctor, const char *program, const char *version);

#endif
