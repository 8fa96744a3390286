/* SPDX-License-Identifier: MIT */
/*
 * lmtp-slots: which mailboxes each worker is busy with, in memory that all workers share. One
 * number a lane, no lock: the master empties the slots of a worker that died.
 */
#ifndef TODOKE_LMTP_SLOTS_H
#define TODOKE_LMTP_SLOTS_H

#include "agent/lmtp/lmtp-lanes.h"

typedef struct LmtpSlots LmtpSlots;

/*
 * Slots for `count` workers; NULL: no memory. Never freed: the memory goes with the last process
 * that has it.
 */
LmtpSlots *lmtp_slots_new(unsigned count);

/*
 * Worker `slot` begins with `mailbox` in `lane` (0: it has no lanes). False: `limit` (0: none)
 * others are busy with it already, and nothing is taken. Two that ask for the last place at the
 * same moment may both be refused.
 */
bool lmtp_slots_enter(LmtpSlots *slots, unsigned slot, unsigned lane, const char *mailbox,
                      unsigned limit);

/* The lane is done. */
void lmtp_slots_leave(LmtpSlots *slots, unsigned slot, unsigned lane);

/* The worker is done in all lanes, or dead. */
void lmtp_slots_clear(LmtpSlots *slots, unsigned slot);

/* This process has nothing to do with them any more. */
void lmtp_slots_forget(LmtpSlots *slots);

#endif
