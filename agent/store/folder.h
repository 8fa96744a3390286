/* SPDX-License-Identifier: MIT */
/*
 * folder: names as people and rules write them, and where such a folder lies on the disk.
 *
 * A name is levels of UTF-8 with a separator between ("Work/Customers"), perhaps behind the prefix
 * that IMAP clients see ("INBOX."); "INBOX" in any case is the INBOX itself. In the layout
 * maildir++ the folder is ".Work.Customers" beside the INBOX's new and cur, in the layout fs it is
 * "Work/Customers".
 *
 * A name from a rule is a stranger's: it may hold a List-Id or a subject. Refused are an empty
 * level, control characters, what is no UTF-8, and names over LIMIT_FOLDER_NAME or
 * LIMIT_FOLDER_LEVELS, or over LIMIT_FILE_NAME on the disk; in the layout fs levels called tmp, new
 * and cur. What the disk reads in another way is escaped, as Dovecot's plugin listescape does
 * ("\2e" for a '.'): in Maildir++ a '.' within a level, in the layout fs one in front ("..", and
 * what would be hidden), a '/' within a level, a leading '~', and the escaping sign itself. Without
 * a sign for that these are refused, too.
 *
 * The separator "auto" (Maildir++ only; in the layout fs it is "/") is for names of people who come
 * from servers with either separator: see the table FOLDER NAMES in todoke-sieve(7).
 */
#ifndef TODOKE_FOLDER_H
#define TODOKE_FOLDER_H

#include "agent/base/status.h"
#include "agent/store/maildir.h"
#include "conf/conf.h"

#define FOLDER_SEPARATOR_AUTO "auto"

/* How this site names folders. Strings are borrowed. */
typedef struct {
	unsigned layout;       /* CONF_FOLDER_LAYOUT_* of conf-choices.h */
	unsigned names;        /* FOLDER_NAMES_* */
	const char *separator; /* "/", "auto"; "" is "/" too */
	char escape;           /* '\\'; NUL: nothing is escaped */
	const char *prefix;    /* "INBOX.", "" */
	bool create;           /* make folders that are missing */
	bool subscribe;        /* subscribe to what is made */
	bool waits;            /* for folder_open: none gives way to the INBOX */
} FolderRules;

/* How this site names folders; borrows from `conf`. */
FolderRules folder_rules_of(const Conf *conf);

/* The sign of the setting folder_escape. NUL: it is empty, or no sign that can stand for others. */
char folder_escape_sign(const char *setting);

/*
 * The path below the INBOX, "" for the INBOX itself. NULL: there can be no such folder, and
 * *ret_why says why ("... has an empty level"). `inbox` tells which reading of a name
 * exists; NULL: none is looked up. Caller frees.
 */
char *
folder_path(const FolderRules *rules, const Maildir *inbox, const char *name, const char **ret_why);

/*
 * What to write instead of a name that folder_path refuses: "Lists/foo" for "Lists.foo" where the
 * separator is "/". NULL: not known. Caller frees.
 */
char *folder_better_name(const FolderRules *rules, const char *name);

/*
 * The name by which rules of this site mean the folder at `path` (below the INBOX, as folder_path
 * returns it), "INBOX" for "". `inbox` as for folder_path. NULL: none does. Caller frees.
 */
char *folder_name(const FolderRules *rules, const Maildir *inbox, const char *path);

/*
 * May this entry of a folder be a folder, in either layout? False for what a Maildir is made of and
 * for our own state.
 */
bool folder_may_be_entry(const char *entry);

/*
 * Is there such a folder? False too for a name that cannot be. Never a fault: a folder that cannot
 * be looked at counts as missing.
 */
bool folder_exists(Maildir *inbox, const FolderRules *rules, const char *name);

/*
 * The folder that has this special use ("\\Junk", without regard to case) by the setting and is
 * there (`inbox` NULL: or not): `named` (may be NULL) if it is one of them, else the first. NULL:
 * none. Borrowed from `conf`.
 */
const char *
folder_of_special_use(const Conf *conf, Maildir *inbox, const char *special_use, const char *named);

/*
 * Is this a fault of a folder that waiting does not mend (outcome-table.def), so that its mail goes
 * to the INBOX?
 */
bool folder_gives_way(const Status *fault);

/*
 * Open the folder at `path` (of folder_path, not ""); `inbox` must outlive it. It is made, marked,
 * and subscribed where it is missing and `create` or the rules say so. *ret_maildir is NULL when
 * the mail must go elsewhere, the INBOX: the folder is missing and may not be made, or what stands
 * there is not a folder of ours; `notes` (char *) says so. False: a passing fault. Caller frees
 * *ret_maildir with maildir_free.
 */
bool folder_open(Maildir *inbox, const FolderRules *rules, const char *path, bool create,
                 Maildir **ret_maildir, GPtrArray *notes, Status *st);

#endif
