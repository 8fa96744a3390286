/* SPDX-License-Identifier: MIT */
/* doctor-unit: what systemd says of a unit. */
#ifndef TODOKE_DOCTOR_UNIT_H
#define TODOKE_DOCTOR_UNIT_H

#include <glib.h>
#include <stdbool.h>

typedef struct {
	char *user;   /* of a service; "": root */
	char *state;  /* "active", "inactive", "failed", ... */
	char *status; /* what the service has said of itself; "": nothing */
} DoctorUnit;

void doctor_unit_clear(DoctorUnit *unit);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(DoctorUnit, doctor_unit_clear)

/* False: there is no systemd here, or no such unit. */
bool doctor_unit_read(const char *name, DoctorUnit *ret_unit);

#endif
