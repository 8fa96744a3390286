/* lmtp-child: a piece of work in a process of its own, and its outcome brought back. */
#ifndef TODOKE_LMTP_CHILD_H
#define TODOKE_LMTP_CHILD_H

#include "agent/base/status.h"

/* The work. *ret_done may stay NULL. */
typedef bool LmtpChildWork(void *user, char **ret_done, Status *st);

/*
 * Run `work` in a child and wait for it at most `seconds`. A child that dies is STATUS_INTERNAL, by its own deadline
 * (exit code EX_TEMPFAIL) or ours STATUS_DEADLINE. *ret_done is the caller's. The process has no other children.
 */
bool lmtp_child_run(LmtpChildWork *work, void *user, unsigned seconds, char **ret_done, Status *st);

/* From now on children do not have our descriptor `fd`: they belong to their recipients. */
void lmtp_child_hide(int fd);

#endif
