/* SPDX-License-Identifier: MIT */
/*
 * script-memory: what is remembered of the scripts of an owner: the texts that worked last, which
 * run if a script is broken, and whether the owner was told of that.
 *
 * The state holds the texts. A dangling symbolic link beside it, script-HASH -> SUM, has their
 * checksum, so that a delivery whose scripts have not changed reads only the link and does not open
 * the state. It is there as long as the state may know the script.
 */
#ifndef TODOKE_SCRIPT_MEMORY_H
#define TODOKE_SCRIPT_MEMORY_H

#include "agent/state/state.h"
#include "agent/run/script-compile-set.h"

/* The owner of the scripts, and the state. All is borrowed. */
typedef struct {
	StateOnce *state;
	const char *user;
	gint64 now;
	GPtrArray *notes; /* char *: what went wrong with the memory */
} ScriptMemory;

/* The last working version of the script at `path`; NULL: none is known. Caller frees. */
ScriptSet *script_memory_recall(const ScriptMemory *memory, const char *path);

/*
 * Remember these texts as the last working version, unless they are remembered already. A fault is
 * added to the notes.
 */
void script_memory_keep(const ScriptMemory *memory, const ScriptSet *set);

/* Is there a script at `path` to be forgotten? Asked without the state. */
bool script_memory_knows(const ScriptMemory *memory, const char *path);

/*
 * The owner has taken the script away: no version of it runs any more, should a broken one come
 * there later. A fault is added to the notes, and leaves it to the next delivery.
 */
void script_memory_forget(const ScriptMemory *memory, const char *path);

/* Would script_memory_keep leave all as it is, without the state? */
bool script_memory_has(const ScriptMemory *memory, const ScriptSet *set);

/*
 * Does this process have to tell the owner about the broken script at `path`? True once, and again
 * when the texts change or a working version came in between. script_memory_untold takes it back if
 * the notice could not be stored.
 */
bool script_memory_must_tell(const ScriptMemory *memory, const char *path, const ScriptSet *set);
void script_memory_untold(const ScriptMemory *memory, const char *path, const ScriptSet *set);

#endif
