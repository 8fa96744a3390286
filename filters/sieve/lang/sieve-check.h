/* SPDX-License-Identifier: MIT */
/*
 * sieve-check: binds a parsed script to what its words mean, and says all that is wrong with it.
 *
 * Arguments are held against the tables of the extensions, constants are prepared, and what can't
 * be right is reported: errors so that all of them come in one run, and warnings. What extensions
 * may call while it runs stands here.
 */
#ifndef TODOKE_SIEVE_CHECK_H
#define TODOKE_SIEVE_CHECK_H

#include "filters/sieve/lang/sieve-imply.h"
#include "filters/sieve/lang/sieve-program.h"
#include "filters/sieve/lang/sieve-variable.h"

/*
 * Compile a script. NULL: there were errors; all are in `problems` (may be NULL). Free with
 * sieve_program_free.
 */
SieveProgram *sieve_check_compile(const FilterSource *source, FilterEnv *env, GPtrArray *problems);
void sieve_program_free(SieveProgram *program);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SieveProgram, sieve_program_free)

/*
 * Report. `code` is a stable name for front ends ("unknown-tag"), `hint` what to do (NULL: nothing
 * to say). An error stops the script from running, the check goes on; always false, so that a check
 * can end with it. A warning is no answer of a check.
 */
bool sieve_check_error(SieveCheck *check, SieveSpan span, const char *code, const char *hint,
                       const char *format, ...) G_GNUC_PRINTF(5, 6);
void sieve_check_warning(SieveCheck *check, SieveSpan span, const char *code, const char *hint,
                         const char *format, ...) G_GNUC_PRINTF(5, 6);

/*
 * Warn that a time in the script is `side` ("above", "below") of what a setting allows, and that
 * the setting's seconds count instead.
 */
void sieve_check_clamped(SieveCheck *check, const SieveTag *tag, const char *side,
                         const char *setting, gint64 seconds);

/* The program that is being made. */
SieveProgram *sieve_check_program(SieveCheck *check);

/* What warnings may still cost in this script and those that it includes. */
SieveEffort *sieve_check_effort(SieveCheck *check);

/* Memory of the program, for what a check prepares. */
SieveArena *sieve_check_arena(SieveCheck *check);
FilterEnv *sieve_check_env(SieveCheck *check);

/* Is the extension required (or implied, or always there)? */
bool sieve_check_has(SieveCheck *check, const SieveExt *ext);

/* May this script require it: known, switched on, not only for the site? */
bool sieve_check_available(SieveCheck *check, const SieveExt *ext);

/* Make it active from here on, as require and ihave do; with what it implies. */
void sieve_check_activate(SieveCheck *check, const SieveExt *ext);

/*
 * State of `ext` for this compile: ext->check_state octets, zero at first. Shared with nested
 * scripts where `whole` is true.
 */
void *sieve_check_state(SieveCheck *check, const SieveExt *ext, bool whole);

/* The slot of a header field for sieve_run_fields; equal names share one. */
unsigned sieve_check_field_slot(SieveCheck *check, SieveText name);

/* Is this the name of a header field (RFC 5322 3.6.8)? */
bool sieve_check_is_field_name(SieveText name);

/* Is this an address that mail can be sent to? For redirect, :from, :addresses. */
bool sieve_check_is_address(SieveText address);

/* The tag of that name that the call was given, or NULL. For checks and runs alike. */
const SieveTag *sieve_call_tag(const SieveCall *call, const char *name);

/* The same by group: the tag of the group that was given, or NULL. */
const SieveTag *sieve_call_tag_of(const SieveCall *call, const char *group);

/* The names of the script's variables. */
SieveNames *sieve_check_names(SieveCheck *check);

/*
 * Compile another script into this program's memory (include). Its errors are added with its own
 * file's name. NULL: it had some. The nested program shares the header slots, not the variables.
 */
const SieveProgram *sieve_check_nested(SieveCheck *check, const FilterSource *source);

/* Let `name` stand for ${NAMESPACE.name} in what follows: include's `global` (RFC 6609 3.4.1). */
bool sieve_check_alias_variable(SieveCheck *check, const char *name, const SieveNamespace *space);

#endif
