/* SPDX-License-Identifier: MIT */
/* postfix-facts: what main.cf and master.cf of a Postfix say, asked from postconf(1). */
#ifndef TODOKE_POSTFIX_FACTS_H
#define TODOKE_POSTFIX_FACTS_H

#include "agent/base/status.h"

/* A line of master.cf. */
typedef struct {
	char *name;    /* "todoke/unix" */
	char *columns; /* private, unprivileged, chroot, wakeup, processes: "- n n - -" */
	char *command; /* "pipe" */
	char **args;   /* words; a group in braces is one */
} PostfixService;

typedef struct {
	char *folder;        /* the configuration's; NULL: Postfix's own choice */
	GHashTable *values;  /* every parameter, expanded */
	GHashTable *said;    /* parameters that main.cf sets, as written */
	GPtrArray *services; /* PostfixService */
} PostfixFacts;

/*
 * Ask postconf. Faults: STATUS_PROGRAM (no postconf, or it failed; its words are in the detail).
 * Caller frees.
 */
PostfixFacts *postfix_facts_read(const char *folder, Status *st);
void postfix_facts_free(PostfixFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(PostfixFacts, postfix_facts_free)

/* From the output of `postconf -x`, `postconf -n` and `postconf -M`. Caller frees. */
PostfixFacts *postfix_facts_parse(const char *values, const char *said, const char *services);

/* The expanded value, "" where there is none. */
const char *postfix_facts_value(const PostfixFacts *facts, const char *name);

/*
 * Seconds of a time such as "600s" or "1h"; -1: it is none. A plain number counts `unit` seconds:
 * POSTFIX_DAY for lifetimes of queues.
 */
enum { POSTFIX_SECOND = 1, POSTFIX_DAY = 86400 };
gint64 postfix_facts_seconds(const char *value, gint64 unit);

const PostfixService *postfix_facts_service(const PostfixFacts *facts, const char *name);

/* The todoke.conf that the service names by -c; NULL: none. Borrowed. */
const char *postfix_service_conf(const PostfixService *service);

/*
 * Does a service name this todoke.conf by -c, and is it another than the usual one? Then commands
 * that name none read another.
 */
bool postfix_facts_name_conf(const PostfixFacts *facts, const char *file);

/* The service as a line for `postconf -Me`, without its name. Caller frees. */
char *postfix_service_print(const PostfixService *service);

/*
 * Where a program of Postfix lies, in PATH or beside it. NULL: STATUS_PROGRAM (nowhere). Caller
 * frees.
 */
char *postfix_facts_program(const char *name, Status *st);

/* Run another program of Postfix in the same way: "postalias". Faults as above. */
bool postfix_facts_run(const char *name, const char *folder, const char *const *args,
                       char **ret_output, Status *st);

/*
 * The command line of a program of Postfix, for a shell: "postconf -c FOLDER REST"; without -c
 * where `folder` is NULL. Caller frees.
 */
char *postfix_command(const char *program, const char *folder, const char *rest);

/* Run `postconf` (and -c folder) with these arguments (NULL ends). *ret_output may be NULL. */
bool
postfix_facts_postconf(const char *folder, const char *const *args, char **ret_output, Status *st);

#endif
