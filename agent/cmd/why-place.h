/* SPDX-License-Identifier: MIT */
/*
 * why-place: where the mail of a decision is now, and when it was seen last.
 *
 * Each look is remembered in the file "sightings" beside the owner's record, with the owner's
 * rights, so that for mail which is gone it is known when it was last there.
 */
#ifndef TODOKE_WHY_PLACE_H
#define TODOKE_WHY_PLACE_H

#include "agent/cmd/why-find.h"
#include "agent/store/mail-place.h"

typedef enum {
	WHY_PLACE_THERE,   /* as it was stored */
	WHY_PLACE_CHANGED, /* in the same folder, with other flags, or no longer new */
	WHY_PLACE_MOVED,   /* in another folder */
	WHY_PLACE_GONE,
	WHY_PLACE_UNKNOWN, /* not looked through, or not looked for: `why_not` */
	WHY_PLACE_STATES
} WhyPlaceState;

/* Of one file. Clear with why_place_clear. */
typedef struct {
	WhyPlaceState state;
	const char *file;  /* as it was stored; borrowed from the record */
	MailPlace place;   /* where it was found */
	char *folder;      /* of that, as people read it; NULL: not found */
	gint64 last_us;    /* it was seen last, at this look or before */
	char *last_folder; /* and there, as people read it */
	char *why_not;     /* NULL: nothing hindered */
} WhyPlace;

/*
 * Look for the file of `done`, an item of the list of that name in found->record. False: it is no
 * file of a mailbox.
 */
bool why_place_find(const Conf *conf, const WhyFound *found, const json_t *done, gint64 now_us,
                    WhyPlace *ret);
void why_place_clear(WhyPlace *place);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(WhyPlace, why_place_clear)

/* "there", "changed", "moved", "gone", "unknown". */
const char *why_place_state_name(WhyPlaceState state);

#endif
