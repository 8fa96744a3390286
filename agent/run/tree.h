/* SPDX-License-Identifier: MIT */
/*
 * tree: checks that the folder which holds the mailboxes exists, and that it is the one to which
 * mail was delivered before. A file system that is not mounted must neither make users unknown nor
 * take mail that is hidden as soon as it is mounted.
 *
 * The first delivery, or `todoke setup`, puts a mark with a random number into the folder, and
 * remembers the number in the folder of the setting tree_memory, outside of it. From then on the
 * folder counts only with that mark. A process that cannot write there (a transport that runs as
 * vmail, before setup) does without: then any folder that exists is accepted.
 */
#ifndef TODOKE_TREE_H
#define TODOKE_TREE_H

#include "agent/base/status.h"
#include "conf/conf.h"

/*
 * The mark's name in the folder; mailboxes cannot have it, as names from outside never begin with a
 * dot.
 */
#define TREE_MARK ".todoke-tree"

typedef struct {
	char *path;   /* the folder; NULL: there is none to judge */
	char *id;     /* the number that its mark must have; NULL: none is remembered */
	char *memory; /* the file that remembers it; it need not exist */
} Tree;

void tree_clear(Tree *tree);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Tree, tree_clear)

/*
 * The folder that a path template leads to for everybody: what stands before its first '%', else
 * the folder of what it names. NULL: the root folder, which is always there. Caller frees.
 */
char *tree_of_template(const char *path_template);

/* How tree_recall does it. */
enum {
	TREE_OF_HOME = 1,   /* `path` is a home: the folders above it count */
	TREE_LOOK_ONLY = 2, /* nothing is marked */
};

/*
 * Recall what is known of the folder `path`, or of the folders above the home `path`
 * (TREE_OF_HOME): of the nearest that is remembered, else of the nearest that is there. Where
 * nothing is remembered yet, mark it and remember that, if we can; root marks folders of others as
 * their owner. Call before root switches to another uid. Faults: those of reading.
 */
bool tree_recall(const Conf *conf, const char *path, unsigned how, Tree *ret_tree, Status *st);

/*
 * Does it exist, with its mark? Call as the owner. Faults: STATUS_TREE, or those of the file
 * system.
 */
bool tree_check(const Tree *tree, Status *st);

/*
 * Is the folder empty? In an empty tree no user can be called unknown. One that may be passed and
 * not be listed counts as one with mailboxes. Faults: those of the file system.
 */
bool tree_is_empty(const Tree *tree, bool *ret_empty, Status *st);

#endif
