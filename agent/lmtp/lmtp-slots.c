/* SPDX-License-Identifier: MIT */
/* lmtp-slots: an array of hashes. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-slots.h"

#include <glib.h>
#include <sys/mman.h>

struct LmtpSlots {
	unsigned count; /* of workers */
	guint used;     /* the workers from this one on were never busy */
	/*
	 * g_str_hash with the lowest bit set; 0: free. Equal hashes of two users only share a
	 * limit.
	 */
	guint mailbox[][LMTP_LANES];
};

static size_t
size_of(unsigned count)
{
	return sizeof(LmtpSlots) + count * sizeof(guint[LMTP_LANES]);
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

bool
lmtp_slots_enter(LmtpSlots *slots, unsigned slot, unsigned lane, const char *mailbox,
                 unsigned limit)
{
	if (!has(slots, slot) || limit == 0)
		return true;
	guint hash = g_str_hash(mailbox) | 1;
	g_atomic_int_set(&slots->mailbox[slot][lane], hash);

	guint busy = 0, used = count_used(slots, slot);
	for (guint i = 0; i < used * LMTP_LANES; i++)
		busy += (guint) g_atomic_int_get(&slots->mailbox[i / LMTP_LANES][i % LMTP_LANES]) ==
		                        hash
		                ? 1
		                : 0;

	if (busy <= limit)
		return true;
	g_atomic_int_set(&slots->mailbox[slot][lane], 0);
	return false;
}

void
lmtp_slots_leave(LmtpSlots *slots, unsigned slot, unsigned lane)
{
	if (has(slots, slot))
		g_atomic_int_set(&slots->mailbox[slot][lane], 0);
}

void
lmtp_slots_clear(LmtpSlots *slots, unsigned slot)
{
	for (unsigned lane = 0; lane < LMTP_LANES; lane++)
		lmtp_slots_leave(slots, slot, lane);
}

void
lmtp_slots_forget(LmtpSlots *slots)
{
	if (slots != NULL)
		(void) munmap(slots, size_of(slots->count));
}
