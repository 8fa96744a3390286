/* SPDX-License-Identifier: MIT */
/* cmd: the table of the subcommands. */
#include "agent/cmd/cmd.h"

#include "agent/base/nearest.h"

#include <string.h>

static const Cmd commands[] = {
#define CMD(name, symbol, audience, help) \
	{ name, cmd_##symbol, &cmd_##symbol##_options, audience, help },
#include "agent/cmd/cmd-table.def"
#undef CMD
};

/* The compiler says nothing of a text that fits but for its NUL. */
#define CMD(word, symbol, audience, line) \
	G_STATIC_ASSERT(sizeof word <= sizeof commands[0].name && \
	                sizeof line <= sizeof commands[0].help);
#include "agent/cmd/cmd-table.def"
#undef CMD

const Cmd *
cmd_get(size_t i)
{
	return i < G_N_ELEMENTS(commands) ? &commands[i] : NULL;
}

const Cmd *
cmd_find(const char *name)
{
	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

const char *
cmd_nearest(const char *name)
{
	Nearest nearest = nearest_begin(name);

	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		nearest_add(&nearest, commands[i].name);
	return nearest.best;
}
