/* SPDX-License-Identifier: MIT */
/*
 * cage: libsieve at work in a process of its own.
 *
 * A program (cage/cage-main.c), not a module that a forked child opens: a child of ours would have
 * all of our memory to write in and to leak from, with the key of the mark and other people's mail,
 * and the addresses of ours for whoever looks for a way out; a program starts with nothing but the
 * request. It costs an exec (tests/bench/bench-engines).
 */
#ifndef TODOKE_CAGE_H
#define TODOKE_CAGE_H

#include "filters/libsieve/record.h"

/*
 * Let the library run a script that has `n_known` actions. True: it ran to its end and found
 * nothing wrong, and the record is whole. False: STATUS_ENGINE, whatever went wrong: a crash, a
 * limit, a wrong record, a script that it takes for wrong.
 */
bool cage_run(const RecordRequest *request, guint32 n_known, Record *ret_record, Status *st);

#endif
