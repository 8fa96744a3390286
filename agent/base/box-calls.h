/* SPDX-License-Identifier: MIT */
/*
 * box-calls: which system calls a process may still make (seccomp). A call that is not on its list
 * ends the process by SIGSYS.
 *
 * It needs nothing but the C library, so that the program around libsieve can have it too.
 */
#ifndef TODOKE_BOX_CALLS_H
#define TODOKE_BOX_CALLS_H

#include <stdbool.h>

/* Whose list; each has all that those before it have. */
typedef enum {
	BOX_CALLS_CAGE,     /* computes, reads and writes what is open */
	BOX_CALLS_FRONT,    /* talks with a client */
	BOX_CALLS_DELIVERY, /* files mail */
} BoxCallsList;

/* What else the process may do; bits. */
enum {
	BOX_CALLS_TCP = 1,     /* sockets of TCP */
	BOX_CALLS_RESOLVE = 2, /* what looking up names of hosts takes: UDP and netlink */
	/* stream sockets of this host: by them a process could ask others to work for it */
	BOX_CALLS_UNIX = 4,
	BOX_CALLS_EXEC = 8, /* becoming another program, which stays in the box */
};

/* Is there a table for this machine, and does the kernel know filters? */
bool box_calls_can(void);

/*
 * From now on this process, and all that it starts, makes only these calls. It must have "no new
 * privileges". False: errno tells why, and nothing is in force.
 */
bool box_calls_load(BoxCallsList list, unsigned also);

/* The name of a call by its number; NULL: not known. Safe in a handler of signals. */
const char *box_calls_name(int number);

#endif
