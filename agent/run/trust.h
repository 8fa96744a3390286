/* SPDX-License-Identifier: MIT */
/*
 * trust: which files are trusted. A script decides over mail and runs programs in its owner's name,
 * so it is used only if nobody else can have written it. One rule for both languages
 * (todoke-trust(7)).
 */
#ifndef TODOKE_TRUST_H
#define TODOKE_TRUST_H

#include "agent/run/account.h"

#include <sys/stat.h>

typedef enum {
	TRUST_ALL, /* somebody named the file to see what it does */
	/*
	 * the owner's main script or rc file: the owner's or root's; written to by nobody else, but
	 * for the owner's primary group (procmail's rule)
	 */
	TRUST_OWNER,
	TRUST_INCLUDED, /* what it includes: the owner's or root's, and not writable by all */
	/*
	 * the site's: root's, or of whoever wrote the settings that name it; written to by nobody
	 * else
	 */
	TRUST_SITE,
} TrustRule;

/* If it is not known who should own the files, only their modes count. */
#define TRUST_ANYBODY ((uid_t) -1)

typedef struct {
	TrustRule rule;
	const char *path; /* borrowed; named in the answer */
	uid_t owner;      /* besides root */
	gid_t group;      /* of the owner */
} Trust;

/* Files of an account's owner. `rule` is any but TRUST_SITE. */
Trust trust_of_owner(TrustRule rule, const Account *account, const char *path);

/* A file that the setting `name` leads to. */
Trust trust_of_site(const Conf *conf, const char *name, const char *path);

/*
 * Why the file is not used: "not used, as ...", with its mode; NULL: it is used. *ret_command is
 * the shell command that corrects it. Caller frees both.
 */
char *trust_explain(const struct stat *sb, const Trust *trust, char **ret_command);

/* FsJudge for a Trust: the reason names the path, the mode, and the command that corrects it. */
char *trust_judge(const struct stat *sb, const void *trust);

#endif
