/* SPDX-License-Identifier: MIT */
/*
 * handover: the small program gives a delivery to the whole one.
 *
 * todoke-deliver is linked statically: it starts in a quarter of the time, and can neither look up
 * accounts, nor load the modules, nor run programs. Where a delivery turns out to need one of
 * these, it becomes todoke (execve): the same command line and environment, and the message that
 * was read already on descriptors, so that it is read from Postfix once. In todoke itself every
 * function here does nothing.
 *
 * It is offered until the first file of the delivery becomes visible; what is needed later must
 * have been foreseen (transact.c).
 */
#ifndef TODOKE_HANDOVER_H
#define TODOKE_HANDOVER_H

#include "agent/base/status.h"

/*
 * In the small program: the command line, which must live on. False: this process must not start
 * another program (it gained rights by exec), or was itself started by a handover; `st` is
 * STATUS_CONFIG.
 */
bool handover_init(char **argv, Status *st);

/*
 * Undo what the delivery has left on the disk, and give the message back: *ret_head is a descriptor
 * from which its octets can be read from the first one on, *ret_rest one with those that follow
 * (-1: none do).
 */
typedef bool HandoverGiveBack(void *user, int *ret_head, int *ret_rest, Status *st);

/* From now on the message has been read; `give_back` gets it out again. */
void handover_offer(HandoverGiveBack *give_back, void *user);

/* From now on nothing can be handed over. */
void handover_close(void);

/*
 * Become the whole program, which does what this one cannot: `why`, for the log of a failure.
 * Returns in the whole program, and when the handover is closed: whoever calls reports that it
 * cannot be done. Where it fails, the delivery ends here with a temporary fault.
 */
void handover_go(const char *why);

/* Can this process become the whole program: is it the small one, and nothing was closed? */
bool handover_is_open(void);

/* The path of the whole program, as the small one finds it. Caller frees. */
char *handover_program(void);

/*
 * In the whole program, first of all: the message goes on in the descriptor `rest` behind standard
 * input (-1: it does not), says the command line (--rest). False: STATUS_USAGE, there is no such
 * descriptor, and the message must not be read: without its rest it would be stored cut short. So
 * it is in the small program, which would pass on one rest only.
 */
bool handover_accept(int rest, Status *st);

#endif
