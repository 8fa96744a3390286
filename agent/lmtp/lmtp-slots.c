/* SPDX-License-Identifier: MIT */
/* lmtp-slots: an array of hashes, each with the worker that it is of. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-slots.h"

#include <glib.h>
#include <sys/mman.h>

struct LmtpSlots {
	unsigned count; /* of workers */
	guint used;     /* the workers from this one on were never busy */
	/*
	 * The owner above g_str_hash with the lowest bit set; 0: free. Equal hashes of two users
	 * only share a limit.
	 */
	guint64 mailbox[][LMTP_SLOT_LANES];
};

static guint64 owner; /* in the upper half */

static size_t
size_of(unsigned count)
{
	return sizeof(LmtpSlots) + count * sizeof(guint64[LMTP_SLOT_LANES]);
}

LmtpSlots *
lmtp_slots_new(unsigned count)
{
	LmtpSlots *slots = mmap(NULL, size_of(count), PROT_READ | PROT_WRITE,
	                        MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED)
		return NULL;

	slots->count = count;
	return slots;
}

static guint
count_used(LmtpSlots *slots, unsigned slot)
{
	guint used;
	while ((used = (guint) g_atomic_int_get(&slots->used)) <= slot)
		(void) g_atomic_int_compare_and_exchange(&slots->used, used, slot + 1);
	return used;
}

static bool
has(const LmtpSlots *slots, unsigned slot)
{
	return slots != NULL && slot < slots->count;
}

void
lmtp_slots_set_owner(pid_t worker)
{
	owner = (guint64) worker << 32;
}

/* In how many lanes of all workers it is. */
static guint
count_busy(const LmtpSlots *slots, guint used, guint hash)
{
	guint busy = 0;
	for (guint slot = 0; slot < used; slot++)
		for (guint lane = 0; lane < LMTP_SLOT_LANES; lane++)
			if ((guint) __atomic_load_n(&slots->mailbox[slot][lane],
			                            __ATOMIC_SEQ_CST) == hash)
				busy++;
	return busy;
}

bool
lmtp_slots_enter(LmtpSlots *slots, unsigned slot, unsigned lane, const char *mailbox,
                 unsigned limit)
{
	if (!has(slots, slot) || limit == 0)
		return true;
	guint hash = g_str_hash(mailbox) | 1;
	__atomic_store_n(&slots->mailbox[slot][lane], owner | hash, __ATOMIC_SEQ_CST);

	if (count_busy(slots, count_used(slots, slot), hash) <= limit)
		return true;
	lmtp_slots_leave(slots, slot, lane);
	return false;
}

void
lmtp_slots_leave(LmtpSlots *slots, unsigned slot, unsigned lane)
{
	if (!has(slots, slot))
		return;

	guint64 *place = &slots->mailbox[slot][lane];
	guint64 mailbox = __atomic_load_n(place, __ATOMIC_SEQ_CST);
	/* another worker may have taken it in the same moment: then it stays */
	if ((mailbox ^ owner) >> 32 == 0)
		(void) __atomic_compare_exchange_n(place, &mailbox, 0, false, __ATOMIC_SEQ_CST,
		                                   __ATOMIC_SEQ_CST);
}

void
lmtp_slots_leave_all(LmtpSlots *slots, unsigned slot)
{
	for (unsigned lane = 0; lane < LMTP_SLOT_LANES; lane++)
		lmtp_slots_leave(slots, slot, lane);
}

void
lmtp_slots_clear(LmtpSlots *slots, unsigned slot)
{
	for (unsigned lane = 0; has(slots, slot) && lane < LMTP_SLOT_LANES; lane++)
		__atomic_store_n(&slots->mailbox[slot][lane], 0, __ATOMIC_SEQ_CST);
}

void
lmtp_slots_forget(LmtpSlots *slots)
{
	if (slots != NULL)
		(void) munmap(slots, size_of(slots->count));
}
