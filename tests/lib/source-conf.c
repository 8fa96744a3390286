/* SPDX-License-Identifier: MIT */
/* source-conf: see the header. */
#include "tests/lib/source-conf.h"

Conf
source_conf(int users)
{
	static char none[] = "", maildir[] = "~/Maildir", delimiters[] = "+";
	static char *nothing[] = { NULL };
	return (Conf){ .users = users,
		       .maildir = maildir,
		       .home = none,
		       .passwd_file = none,
		       .catch_all = none,
		       .delimiters = delimiters,
		       .addresses = nothing,
		       .domain_aliases = nothing,
		       .fold_local = true,
		       .users_timeout = 120 };
}
