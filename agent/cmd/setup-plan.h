/* setup-plan: what must change in a Postfix so that it calls todoke, and what is wrong there now. No file is touched. */
#ifndef TODOKE_SETUP_PLAN_H
#define TODOKE_SETUP_PLAN_H

#include "agent/cmd/postfix-facts.h"

#include <stdbool.h>

typedef enum { SETUP_PIPE, SETUP_LOCAL, SETUP_LMTP, SETUP_DOORS } SetupDoor;

typedef struct {
	SetupDoor door;
	const char *user;      /* of the pipe service */
	const char *service;   /* its name; NULL: the one that runs todoke already, else "todoke" */
	const char *program;   /* path of todoke */
	bool virtual_users;    /* the users of todoke.conf are no system accounts */
	gint64 deadline;       /* seconds, of todoke.conf */
	const char *const *listen; /* lmtp_listen of todoke.conf; NULL ends */
} SetupWish;

typedef struct {
	bool master;    /* a line of master.cf, otherwise a parameter of main.cf */
	char *name;     /* "todoke/unix", "mailbox_command" */
	char *before;   /* NULL: not there */
	char *after;
	char *why;
} SetupChange;

typedef struct {
	const char *code;  /* "flags-d" */
	char *text;
	char *fix;         /* a command, or words */
} SetupFinding;

typedef struct {
	GPtrArray *changes;   /* SetupChange */
	GPtrArray *findings;  /* SetupFinding */
} SetupPlan;

SetupPlan *setup_plan_make(const PostfixFacts *facts, const SetupWish *wish);
void setup_plan_free(SetupPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupPlan, setup_plan_free)

void setup_change_free(SetupChange *change);

/* The postconf command that makes the change, or (back) undoes it, for a shell. Caller frees. */
char *setup_change_command(const SetupChange *change, const char *folder, bool back);

/* The same for postfix_facts_postconf(): arguments without the program. Caller frees with g_strfreev. */
char **setup_change_args(const SetupChange *change, bool back);

#endif
