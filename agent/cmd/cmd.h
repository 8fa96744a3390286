/* SPDX-License-Identifier: MIT */
/* cmd: the subcommands of todoke. */
#ifndef TODOKE_CMD_H
#define TODOKE_CMD_H

#include "agent/cmd/cmd-option.h"

#include <stdbool.h>

typedef enum {
	CMD_FOR_POSTFIX, /* the output contract of answer.h holds from the first instruction on */
	CMD_FOR_PEOPLE,  /* exit 0 good, 1 findings, 2 usage */
} CmdAudience;

/* argv[0] is the subcommand's name. Returns the exit code. */
typedef int CmdRun(int argc, char **argv);

typedef struct {
	char name[12];
	CmdRun *run;
	const CmdOptions *options;
	CmdAudience audience;
	char help[80]; /* one line */
} Cmd;

/* Command `i` of cmd-table.def; NULL: there are no more. Static, as all commands here. */
const Cmd *cmd_get(size_t i);

/* The command of that name; NULL: there is none. */
const Cmd *cmd_find(const char *name);

/* The name that is most like a wrong one, or NULL. */
const char *cmd_nearest(const char *name);

/* Each command's file defines cmd_NAME() and the table of its options, cmd_NAME_options. */
#define CMD(name, symbol, audience, help) \
	CmdRun cmd_##symbol; \
	extern const CmdOptions cmd_##symbol##_options;
#include "agent/cmd/cmd-table.def"
#undef CMD

#endif
