/* SPDX-License-Identifier: MIT */
/*
 * try-door: by which door does a delivery come, `todoke deliver` or `todoke procmail`? They run
 * other rules: the second the owner's recipes, and no Sieve script.
 */
#ifndef TODOKE_TRY_DOOR_H
#define TODOKE_TRY_DOOR_H

#include "agent/run/account.h"
#include "agent/run/recipes.h"

/* --procmail: not said, and its choices. */
#define TRY_PROCMAIL_CHOICES "no yes"
enum { TRY_PROCMAIL_UNSAID = -1, TRY_PROCMAIL_NO, TRY_PROCMAIL_YES };

typedef struct {
	bool is_procmail;
	RecipeCall call; /* what that door asks of recipes */
	/*
	 * for people: "todoke procmail (Postfix's mailbox_command): ..."; NULL: the mail of this
	 * account comes by no door that could be another
	 */
	char *words;
} TryDoor;

/*
 * As was said, else by Postfix's settings in `folder` (NULL: where postconf looks): local(8) runs
 * what mailbox_command_maps or mailbox_command has for the accounts of the system. Clear with
 * try_door_clear.
 */
void try_door_find(const Account *account, int said, const char *folder, TryDoor *ret_door);
void try_door_clear(TryDoor *door);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(TryDoor, try_door_clear)

/* "procmail" or "deliver". */
const char *try_door_name(const TryDoor *door);

#endif
