/* SPDX-License-Identifier: MIT */
/*
 * static-absent: functions of the C library that a statically linked program cannot have, because
 * they load modules: the name service, shared objects, charsets. In todoke-deliver those of
 * accounts and charsets hand the delivery over, as module_open does; where that is too late they
 * fail as they do where nothing is installed.
 */
#define _GNU_SOURCE
#include "agent/base/handover.h"

#include <dlfcn.h>
#include <errno.h>
#include <grp.h>
#include <iconv.h>
#include <pwd.h>

/* A fault and not "no such user", which would bounce the mail. */
static int
no_accounts(void)
{
	handover_go("looking up an account");
	errno = EIO;
	return EIO;
}

struct passwd *
getpwnam(const char *name)
{
	(void) name;
	(void) no_accounts();
	return NULL;
}

int
getpwnam_r(const char *name, struct passwd *pw, char *buffer, size_t len, struct passwd **result)
{
	(void) name;
	(void) pw;
	(void) buffer;
	(void) len;
	*result = NULL;
	return no_accounts();
}

struct passwd *
getpwuid(uid_t uid)
{
	(void) uid;
	(void) no_accounts();
	return NULL;
}

int
getpwuid_r(uid_t uid, struct passwd *pw, char *buffer, size_t len, struct passwd **result)
{
	(void) uid;
	(void) pw;
	(void) buffer;
	(void) len;
	*result = NULL;
	return no_accounts();
}

struct passwd *
getpwent(void)
{
	(void) no_accounts();
	return NULL;
}

void
setpwent(void)
{
}

void
endpwent(void)
{
}

int
initgroups(const char *user, gid_t group)
{
	(void) user;
	(void) group;
	(void) no_accounts();
	return -1;
}

void *
dlopen(const char *file, int mode)
{
	(void) file;
	(void) mode;
	return NULL;
}

void *
dlsym(void *handle, const char *name)
{
	(void) handle;
	(void) name;
	return NULL;
}

char *
dlerror(void)
{
	static char text[] = "todoke-deliver opens no modules";
	return text;
}

iconv_t
iconv_open(const char *to, const char *from)
{
	(void) to;
	(void) from;
	handover_go("another charset");
	errno = EINVAL;
	return (iconv_t) -1;
}

/*
 * glibc asks for the program's own folder before main, for modules that are looked for there. Of
 * another glibc that does not, nobody calls this.
 */
const char *__wrap__dl_get_origin(void);

const char *
__wrap__dl_get_origin(void)
{
	return (const char *) -1; /* as where it is not known */
}
