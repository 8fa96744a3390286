/* SPDX-License-Identifier: MIT */
/*
 * doctor: what `todoke doctor` finds, and how it is told: where, evidence, consequence, and a
 * command that mends it.
 *
 * An examiner (doctor-table.def) adds findings, each by its row of doctor-finding.def. Those of the
 * scope SITE run in the process of whoever called. Those of the scope USER run in a child that has
 * become the user for good, so that no link or file of a user is ever touched with root's rights;
 * it has bounded time and memory.
 */
#ifndef TODOKE_DOCTOR_H
#define TODOKE_DOCTOR_H

#include "agent/cmd/postfix-facts.h"
#include "agent/run/account.h"
#include "agent/run/site.h"

#include <jansson.h>
#include <stdbool.h>

typedef enum { DOCTOR_NOTE, DOCTOR_WARNING, DOCTOR_ERROR } DoctorSeverity;

typedef enum {
#define FINDING(id, code, severity, fix_is, evidence, so) DOCTOR_##id,
#include "agent/cmd/doctor-finding.def"
#undef FINDING
	DOCTOR_FINDINGS
} DoctorFindingId;

typedef struct {
	DoctorFindingId id;
	char *code;  /* "flags-d" */
	char *user;  /* NULL: the site */
	char *where; /* "master.cf:118", a path */
	char *evidence;
	char *so;  /* the consequence, in one sentence */
	char *fix; /* a command line for sh; NULL: there is none */
	/*
	 * the fix as the reader types it, run as the user if it must be; NULL: there is none
	 */
	char *typed;
	char *by_hand; /* without a command: what a person does instead, in words; else NULL */
	char *left;    /* why --fix does not run `fix`, and what a person does; else NULL */
	bool is_fixed;
	char *failure; /* why its fix failed; NULL: it was not tried, or is_fixed */
} DoctorFinding;

typedef struct {
	Site *site;
	const Conf *conf;           /* of the site; in a user's child, of that user */
	PostfixFacts *postfix;      /* NULL: not there, or not asked */
	const char *postfix_folder; /* as it was named; NULL: it was not */
	gint64 now;                 /* seconds since 1970 */
	bool fixes;                 /* run the fixes that are safe */
	Account *account;           /* the user who is looked at; NULL: the site is */
	GPtrArray *findings;        /* DoctorFinding */
} Doctor;

void doctor_finding_free(DoctorFinding *finding);
DoctorSeverity doctor_finding_severity(const DoctorFinding *finding);
/* May --fix run the finding's command? */
bool doctor_finding_is_safe(const DoctorFinding *finding);

json_t *doctor_finding_json(const DoctorFinding *finding);

/*
 * Add a finding; takes `fix` (may be NULL). The words (NULL ends) take the places {1} to {9} of its
 * texts.
 */
void doctor_find(Doctor *doctor, DoctorFindingId id, const char *where, char *fix,
                 ...) G_GNUC_NULL_TERMINATED;

/*
 * Add what another command would say: the row of `code` if there is one, else `otherwise`. Of
 * `text`, what stands before ": " is the evidence; the rest is the consequence where the row has
 * none. A `fix` that is advice and no command is what to do by hand.
 */
void doctor_find_text(Doctor *doctor, const char *code, DoctorFindingId otherwise,
                      const char *where, const char *text, char *fix);

/* The command that makes a setting of todoke.conf this, written as in the file. Caller frees. */
char *doctor_set_command(const Doctor *doctor, const char *name, const char *value);

/* Run all examiners of the site. */
void doctor_examine_site(Doctor *doctor);

/* Run those of a user, in a child that becomes `account`'s; what goes wrong is a finding. */
void doctor_examine_user(Doctor *doctor, Account *account);

/*
 * Run a program that is found by PATH, as whoever we are, for at most LIMIT_DOCTOR_PROGRAM_S.
 * *ret_output (caller frees) is what it printed, *ret_code its exit code. False: there is none of
 * that name, or it did not end.
 */
bool doctor_ask(const char *const *argv, char **ret_output, int *ret_code);

/* Was no path of this file system asked for before? `seen` is an empty table of g_direct_hash. */
bool doctor_is_new_file_system(GHashTable *seen, const char *path);

/* Is there room where `path` lies, and may it be written? Of any file system. */
void doctor_look_at_space(Doctor *doctor, const char *path);

/*
 * May the user write into this folder below the INBOX, and nobody else? Folders that are links are
 * left alone.
 */
void doctor_look_at_folder(Doctor *doctor, const char *path);

#define EXAMINER(family, symbol, scope) void doctor_##symbol(Doctor *doctor);
#include "agent/cmd/doctor-table.def"
#undef EXAMINER

#endif
