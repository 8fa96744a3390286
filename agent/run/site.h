/* SPDX-License-Identifier: MIT */
/*
 * site: what is the same for every message of this process, made ready once: the settings, and what
 * they name that had to be read or compiled while we still had the rights to.
 */
#ifndef TODOKE_SITE_H
#define TODOKE_SITE_H

#include "agent/base/status.h"
#include "agent/message/loop.h"
#include "agent/message/mark.h"
#include "agent/state/state-place.h"
#include "conf/conf.h"
#include "filters/header/header-rule.h"

typedef struct {
	Conf *conf;
	MarkKeys *keys;      /* of key_file; NULL: none */
	bool keys_come_late; /* they only check marks, and are read when a mark is found */
	/* path of a key file -> what was in it; for processes that deliver again and again */
	GHashTable *owner_keys;
	StatePlace *state;  /* the server of the setting state; NULL: none */
	HeaderRules *rules; /* NULL: none */
	char *host;         /* site_host() of these settings */
	char *key_problem;  /* why there are no keys although they are needed; NULL: fine */
} Site;

/*
 * Make the site ready, with its keys; takes `conf` over, also on failure. Call before root becomes
 * a user: the key file is root's. Fault: STATUS_CONFIG (a wrong rule). Caller frees.
 */
Site *site_new(Conf *conf, Status *st);

/*
 * The same without keys: for a process that parses strangers' input, or has children that do.
 * Caller frees.
 */
Site *site_new_without_keys(Conf *conf, Status *st);

/*
 * Read the keys of the site, and the password of the state's server. A file that cannot be read is
 * not a fault: mail is delivered without what needs it, and `key_problem` says so.
 */
void site_read_keys(Site *site);

/*
 * The keys in an owner's file, as mark_keys_read reads them; the caller frees *ret_keys. What was
 * read is remembered for a minute: owners' keys do not change. Faults as mark_keys_read.
 */
bool
site_owner_keys(const Site *site, const char *path, gint64 now, MarkKeys **ret_keys, Status *st);

void site_free(Site *site);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Site, site_free)

/*
 * Send the log where the configuration wants it. If the file cannot be opened, syslog gets a note
 * and mail goes on. Returns the file's descriptor, the caller's to close when the log has gone
 * elsewhere; -1: syslog.
 */
int site_open_log(const Conf *conf);

/*
 * Compile the header rules of a configuration, for site_new and for `todoke check`; problems as
 * header_rules_compile has them. *ret_rules is NULL where there are no rules.
 */
bool site_compile_rules(const Conf *conf, GPtrArray *problems, HeaderRules **ret_rules, Status *st);

/*
 * The name of this host: myhostname, or what the system says where that is empty or no name of a
 * host (`todoke check` tells). Borrowed.
 */
const char *site_host(const Conf *conf);

/* How addresses compare for the loop check and the mark. */
AddressRules site_loop_rules(const Site *site);

/*
 * How loops are judged here, at the time `now`, with the keys of the site. Borrowed from the site.
 */
LoopSettings site_loop_settings(const Site *site, gint64 now);

/* How addresses compare here where the detail does not count. */
AddressRules site_address_rules(const Site *site);

#endif
