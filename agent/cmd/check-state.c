/* SPDX-License-Identifier: MIT */
/* check-state: see the header. */
#define _GNU_SOURCE
#include "agent/cmd/check-state.h"

#include "agent/cmd/check-conf.h"
#include "agent/state/state.h"

#include <string.h>
#include <sys/vfs.h>

/*
 * File systems of several hosts: SQLite's write-ahead log needs memory that all who write share,
 * and locks that hold.
 */
static const struct {
	unsigned long magic;
	const char *name;
} networks[] = {
	{ 0x6969, "NFS" },        { 0x517B, "SMB" },      { 0xFF534D42, "CIFS" },
	{ 0xFE534D42, "SMB" },    { 0x5346414F, "AFS" },  { 0x00C36400, "CephFS" },
	{ 0x0BD00BD0, "Lustre" }, { 0x01161970, "GFS2" }, { 0x7461636F, "OCFS2" },
};

/* The network file system on which `path`, or the nearest folder above it, is; NULL: it is none. */
static const char *
network_of(const char *path)
{
	struct statfs fs;
	g_autofree char *at = g_strdup(path);

	while (statfs(at, &fs) < 0) {
		char *slash = strrchr(at, '/');
		if (slash == NULL || at[1] == '\0')
			return NULL;
		slash[slash == at ? 1 : 0] = '\0';
	}

	for (size_t i = 0; i < G_N_ELEMENTS(networks); i++)
		if (((unsigned long) fs.f_type & 0xFFFFFFFF) == networks[i].magic)
			return networks[i].name;
	return NULL;
}

/* The part of a path that is the same for all users. Caller frees. */
static char *
common_part(const char *path)
{
	if (*path != '/')
		return g_strdup("/home"); /* where homes are by custom */
	return g_strndup(path, strcspn(path, "%"));
}

static void
check_file(const Conf *conf, GPtrArray *problems)
{
	bool is_set = *conf->state_folder != '\0';
	g_autofree char *folder = common_part(is_set ? conf->state_folder : conf->maildir);
	const char *network = network_of(folder);
	if (network == NULL)
		return;

	g_autofree char *text = g_strdup_printf(
		"state = sqlite keeps a file of SQLite below '%s', which is on %s: SQLite loses "
		"what hosts write at once there",
		folder, network);
	check_conf_about(problems, conf, "state", PROBLEM_ERROR, "state-on-network", text,
	                 "state = \"postgresql:...\" or \"redis://...\" (todoke-sites(7)); on one "
	                 "host a state_folder on a disk of its own");
}

/* Somebody whom no address can name. */
#define NOBODYS "todoke check"

/* Read, write, and take back what was written. */
static bool
use_server(const StatePlace *place, gint64 now, Status *st)
{
	static const char value[] = "check";
	const StateItem item = { .kind = STATE_CLAIM,
		                 .key = value,
		                 .value = value,
		                 .len = sizeof value - 1,
		                 .until = now + 60 };
	bool taken = false;
	g_autoptr(State) state = state_open_shared(place, NOBODYS, now, st);

	return state != NULL && state_take(state, &item, &taken, st) &&
	       state_drop(state, &item, st);
}

static void
check_server(const Conf *conf, const StatePlace *place, GPtrArray *problems)
{
	g_auto(Status) st = STATUS_INIT;
	if (place->problem != NULL)
		check_conf_about(problems, conf, place->problem_setting, PROBLEM_ERROR,
		                 "state-server", place->problem, NULL);
	else if (!use_server(place, g_get_real_time() / G_USEC_PER_SEC, &st))
		check_conf_about(problems, conf, "state", PROBLEM_ERROR, "state-server", st.detail,
		                 "mail that needs the state waits until it answers");
}

void
check_state(const Conf *conf, GPtrArray *problems)
{
	g_autoptr(StatePlace) place = state_place_new(conf);
	if (place != NULL)
		check_server(conf, place, problems);
	else
		check_file(conf, problems);
}
