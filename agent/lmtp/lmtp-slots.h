/* SPDX-License-Identifier: MIT */
/*
 * lmtp-slots: which mailboxes each worker is busy with, in memory that all workers share. One
 * number a lane, no lock. The master empties the slot of a worker that died. Its root half, which
 * may live longer, empties what it took since then, and nothing of the next worker's.
 */
#ifndef TODOKE_LMTP_SLOTS_H
#define TODOKE_LMTP_SLOTS_H

#include "agent/lmtp/lmtp-lanes.h"

#include <sys/types.h>

typedef struct LmtpSlots LmtpSlots;

/* Mailboxes that a worker is busy with: those that are looked for, and those that get mail. */
enum { LMTP_SLOT_LANES = 2 * LMTP_LANES };

/*
 * Slots for `count` workers; NULL: no memory. Never freed: the memory goes with the last process
 * that has it.
 */
LmtpSlots *lmtp_slots_new(unsigned count);

/* What this process and its children take is marked with this id of their worker. */
void lmtp_slots_set_owner(pid_t worker);

/*
 * Worker `slot` begins with `mailbox` in `lane` (0: it has no lanes). False: `limit` (0: none)
 * others are busy with it already, and nothing is taken. Two that ask for the last place at the
 * same moment may both be refused.
 */
bool lmtp_slots_enter(LmtpSlots *slots, unsigned slot, unsigned lane, const char *mailbox,
                      unsigned limit);

/* The lane is done. */
void lmtp_slots_leave(LmtpSlots *slots, unsigned slot, unsigned lane);

/* All lanes of this process's worker are done. */
void lmtp_slots_leave_all(LmtpSlots *slots, unsigned slot);

/* The worker is dead. */
void lmtp_slots_clear(LmtpSlots *slots, unsigned slot);

/* This process has nothing to do with them any more. */
void lmtp_slots_forget(LmtpSlots *slots);

#endif
