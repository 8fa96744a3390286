/* SPDX-License-Identifier: MIT */
/*
 * setup-plan: what must change in a Postfix so that it calls todoke, and what is wrong there now.
 * No file is touched.
 */
#ifndef TODOKE_SETUP_PLAN_H
#define TODOKE_SETUP_PLAN_H

#include "agent/cmd/postfix-facts.h"
#include "conf/conf.h"

#include <stdbool.h>

typedef enum { SETUP_PIPE, SETUP_LOCAL, SETUP_LMTP, SETUP_DOORS } SetupDoor;

/*
 * What is done for mail that a program fetched for accounts of the system, which local(8) would
 * bounce where its Delivered-To line was copied: nothing; a port of its own where the line is
 * renamed; lmtpd in the place of local(8).
 */
typedef enum {
	SETUP_FETCHED_AS_IS,
	SETUP_FETCHED_SMTPD,
	SETUP_FETCHED_LMTP,
	SETUP_FETCHED_COUNT
} SetupFetched;

typedef struct {
	SetupDoor door;
	SetupFetched fetched;
	/* of SETUP_FETCHED_SMTPD; 0: the one that is there, else SETUP_FETCH_PORT */
	unsigned fetch_port;
	const char *root_mail_to; /* who shall get root's mail; NULL: whoever gets it now */
	const Conf *conf;         /* todoke.conf */
	const char *conf_file;    /* which one deliveries shall read; NULL: the usual one */
	bool user_said;           /* `user` was named, not guessed */
	const char *user;         /* of the pipe service */
	const char *service; /* its name; NULL: the one that runs todoke already, else "todoke" */
	const char *program; /* path of todoke, or of todoke-deliver where that serves the door */
	const char *procmail_program; /* the one for `procmail`, which todoke-deliver hands over */
	bool is_stray;                /* `program` lies in no place where todoke is installed */
	const char *installed;        /* where one is installed; NULL: none was found */
	bool virtual_users;           /* the users of todoke.conf are no system accounts */
	gint64 deadline;              /* seconds, of todoke.conf */
	bool runs_recipes;            /* recipes is not "no" */
	const char *const *listen;    /* lmtp_listen of todoke.conf; NULL ends */
} SetupWish;

typedef struct {
	bool master;  /* a line of master.cf, otherwise a parameter of main.cf */
	char *name;   /* "todoke/unix", "mailbox_command" */
	char *before; /* NULL: not there */
	char *after;
	char *why;
} SetupChange;

/* A file of ours beside main.cf, written before any change that names it. */
typedef struct {
	const char *name; /* "todoke-aliases" */
	char *content;
	char *why;
} SetupFile;

/* What a finding keeps from being done: setup-finding.def. */
typedef enum { SETUP_NOTE, SETUP_FAULT, SETUP_BLOCKS } SetupWeight;

typedef struct {
	const char *code; /* "flags-d", of setup-finding.def */
	char *text;
	char *fix; /* a command, or words */
	SetupWeight weight;
} SetupFinding;

typedef struct {
	GPtrArray *files;    /* SetupFile */
	GPtrArray *changes;  /* SetupChange */
	GPtrArray *findings; /* SetupFinding */
	GPtrArray *then;     /* commands that are the admin's to type when that is changed */
	char *fetch_line;    /* what fetchmail's configuration needs; NULL: nothing */
} SetupPlan;

/*
 * The port for fetched mail where none was asked for: none that a common companion of Postfix uses.
 */
enum { SETUP_FETCH_PORT = 10028 };

/* The plan for these wishes. Caller frees. */
SetupPlan *setup_plan_make(const PostfixFacts *facts, const SetupWish *wish);
void setup_plan_free(SetupPlan *plan);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupPlan, setup_plan_free)

/* Is there a finding of this weight or more? SETUP_BLOCKS keeps --apply from changing anything. */
bool setup_plan_has(const SetupPlan *plan, SetupWeight least);

void setup_change_free(SetupChange *change);

/* The postconf command that makes the change, or (back) undoes it, for a shell. Caller frees. */
char *setup_change_command(const SetupChange *change, const char *folder, bool back);

/* The command that writes the file into `folder`, for a shell. Caller frees. */
char *setup_file_command(const SetupFile *file, const char *folder);

/*
 * The same for postfix_facts_postconf(): arguments without the program. Caller frees with
 * g_strfreev.
 */
char **setup_change_args(const SetupChange *change, bool back);

/*
 * The command that lets todoke-lmtpd.service start as root, which can become each account of the
 * system. Caller frees.
 */
char *setup_plan_root_unit_command(void);

/* The arguments of a command that is `todoke procmail`; NULL: it is another one. Borrowed. */
const char *setup_plan_own_procmail(const char *command);

#endif
