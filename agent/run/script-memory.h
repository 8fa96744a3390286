/*
 * script-memory: what is remembered of the scripts of an owner: the texts that served last, for the day when one is
 * broken, and that the owner was told of that.
 *
 * The texts lie in the state. Beside it a symbolic link that points nowhere, script-HASH -> SUM, says which texts those
 * are: a delivery whose scripts have not changed reads that link and opens no state.
 */
#ifndef TODOKE_SCRIPT_MEMORY_H
#define TODOKE_SCRIPT_MEMORY_H

#include "agent/state/state.h"
#include "agent/run/script-compile-set.h"

/* Whose scripts. All is borrowed. */
typedef struct {
	StateOnce *state;
	const char *user;
	gint64 now;
	GPtrArray *notes;   /* char *: what went wrong with the memory */
} ScriptMemory;

/* The texts that served last under the path of a script; NULL: none are known. Caller frees. */
ScriptSet *script_memory_recall(const ScriptMemory *memory, const char *path);

/* Remember these texts as those that served last, unless they are remembered already. A fault is noted. */
void script_memory_keep(const ScriptMemory *memory, const ScriptSet *set);

/*
 * Is it this process that has to tell the owner of these broken texts at `path`? True once in all, and again when the
 * texts change or a version that served came in between. script_memory_untold: it could not be told after all.
 */
bool script_memory_must_tell(const ScriptMemory *memory, const char *path, const ScriptSet *set);
void script_memory_untold(const ScriptMemory *memory, const char *path, const ScriptSet *set);

#endif
