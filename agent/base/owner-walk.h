/* SPDX-License-Identifier: MIT */
/*
 * owner-walk: finds the owner of a path for root. Root itself must not go where somebody else
 * decides what lies there, so it walks only through folders that root alone can change, and names
 * the owner of the first component below them. The caller switches to that owner's uid before it
 * opens the rest of the path.
 */
#ifndef TODOKE_OWNER_WALK_H
#define TODOKE_OWNER_WALK_H

#include "agent/base/status.h"

#include <sys/stat.h>
#include <sys/types.h>

typedef enum {
	OWNER_FOUND,   /* `uid` and `gid` are the owner's; for root the caller must not deliver */
	OWNER_ROOT,    /* the whole path lies in folders that root alone can change */
	OWNER_MISSING, /* the walk ended at a name that does not exist */
} OwnerAnswer;

typedef struct {
	OwnerAnswer answer;
	uid_t uid;
	gid_t gid;
	char *at; /* the path where the walk ended, links of root resolved */
} OwnerWalk;

/*
 * Walk along an absolute path, by component, on descriptors. Links of root in folders that root
 * alone can change are resolved by the same rule; no other link is followed: such a link is the
 * first component below, and its owner is the answer. In a folder such as /tmp (root's, sticky,
 * writable by all) only folders count, never links. Faults: STATUS_CONFIG (a link where none can be
 * trusted, too many links, a relative path), STATUS_NOT_A_FOLDER, or those of the file system.
 * Clear *ret with owner_walk_clear.
 */
bool owner_walk(const char *path, OwnerWalk *ret, Status *st);

void owner_walk_clear(OwnerWalk *walk);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(OwnerWalk, owner_walk_clear)

/*
 * Can nobody but root change this file or folder, judged by owner and mode? The group root counts
 * as root.
 */
bool owner_is_root_alone(const struct stat *sb);

#endif
