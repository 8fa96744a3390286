/* lmtp-slots: an array of hashes. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-slots.h"

#include <glib.h>
#include <sys/mman.h>

struct LmtpSlots {
	unsigned count;
	guint mailbox[];  /* g_str_hash with the lowest bit set; 0: free. Equal hashes of two users only share a limit. */
};

static size_t
size_of(unsigned count)
{
	return sizeof(LmtpSlots) + count * sizeof(guint);
}

LmtpSlots *
lmtp_slots_new(unsigned count)
{
	LmtpSlots *slots = mmap(NULL, size_of(count), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (slots == MAP_FAILED)
		return NULL;
	slots->count = count;
	return slots;
}

bool
lmtp_slots_enter(LmtpSlots *slots, unsigned slot, const char *mailbox, unsigned limit)
{
	if (slots == NULL || limit == 0 || slot >= slots->count)
		return true;
	guint hash = g_str_hash(mailbox) | 1;
	g_atomic_int_set(&slots->mailbox[slot], hash);
	unsigned busy = 0;
	for (unsigned i = 0; i < slots->count; i++)
		busy += (guint) g_atomic_int_get(&slots->mailbox[i]) == hash ? 1 : 0;
	if (busy <= limit)
		return true;
	g_atomic_int_set(&slots->mailbox[slot], 0);
	return false;
}

void
lmtp_slots_leave(LmtpSlots *slots, unsigned slot)
{
	if (slots != NULL && slot < slots->count)
		g_atomic_int_set(&slots->mailbox[slot], 0);
}

void
lmtp_slots_forget(LmtpSlots *slots)
{
	if (slots != NULL)
		(void) munmap(slots, size_of(slots->count));
}
