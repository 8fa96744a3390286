/* SPDX-License-Identifier: MIT */
/*
 * static-deliver: the program todoke-deliver, the command `deliver` linked statically.
 *
 * A process for each message pays for every library and every page that it maps, so this program
 * has only what most mail needs: configuration, loop check, header rules, Sieve, Maildir. It takes
 * the command line of todoke, and becomes todoke (handover.h) for all that is no delivery, for
 * root, and for a delivery that needs more.
 */
#include "agent/base/answer.h"
#include "agent/base/fs.h"
#include "agent/base/handover.h"
#include "agent/cmd/cmd.h"

#include <string.h>

static int
fail(const Status *st)
{
	answer_take_over();
	return answer_finish(st, NULL, NULL);
}

int
main(int argc, char **argv)
{
	g_auto(Status) st = STATUS_INIT;
	if (!handover_init(argv, &st))
		return fail(&st);

	if (argc < 2 || strcmp(argv[1], "deliver") != 0 ||
	    cmd_option_wants_help(argc - 1, argv + 1))
		handover_go("another command");
	/*
	 * It looks for owners and keys with rights that it gives up before it has read the message.
	 */
	if (fs_own_euid() == 0)
		handover_go("root");

	answer_take_over();
	return cmd_deliver(argc - 1, argv + 1);
}
