/* SPDX-License-Identifier: MIT */
/*
 * calls: stands in for calls of libc. A test lets some of them fail, or does something of its own
 * just before one, as another process might.
 */
#ifndef TODOKE_CALLS_H
#define TODOKE_CALLS_H

/* Instead of a number: each call of that name. */
enum { CALLS_EACH = 0 };

/*
 * Let the call `name` fail with `err`: the one of that number from now on (1: the next), or each.
 * `part`: only calls whose path has it count; NULL: all. The strings are borrowed. Up to four such
 * orders stand at a time, until calls_end. Names: those of calls.c.
 */
void calls_break(const char *name, const char *part, unsigned number, int err);

/* The same, but the call is done before it fails: as NFS loses an answer, and as close fails. */
void calls_lose(const char *name, const char *part, unsigned number, int err);

/* Run `then` before the call. What it calls itself does not count. */
void calls_meet(const char *name, const char *part, unsigned number, void (*then)(void));

/* No order stands any more. -> how many calls one of them was for. */
unsigned calls_end(void);

/* How many descriptors this process has open. */
unsigned calls_open_descriptors(void);

#endif
