/* SPDX-License-Identifier: MIT */
/* cmd: the subcommands of todoke. */
#ifndef TODOKE_CMD_H
#define TODOKE_CMD_H

#include <stdbool.h>

typedef enum {
	CMD_FOR_POSTFIX, /* the output contract of answer.h holds from the first instruction on */
	CMD_FOR_PEOPLE,  /* exit 0 good, 1 findings, 2 usage */
} CmdAudience;

/*
 * Is --help the first argument (for procmail also --differences, and -h, -? or -v alone)? Then the
 * command speaks to a person, whoever its audience is.
 */
bool cmd_wants_help(int argc, char **argv);

/* argv[0] is the subcommand's name. Returns the exit code. */
typedef int CmdRun(int argc, char **argv);

#define CMD(name, symbol, audience, help) CmdRun cmd_##symbol;
#include "agent/cmd/cmd-table.def"
#undef CMD

#endif
