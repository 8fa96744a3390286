/* SPDX-License-Identifier: MIT */
/* state-place: see the header. */
#include "agent/state/state-place.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/secret-file.h"
#include "conf/conf-state.h"

#include <fcntl.h>
#include <string.h>

static void
note_problem(StatePlace *place, const char *setting, const Status *st)
{
	if (place->problem != NULL)
		return;
	place->problem = g_strdup(st->detail);
	place->problem_setting = setting;
}

static void
read_password(StatePlace *place, const char *path)
{
	static const char setting[] = "state_password_file";
	g_auto(Status) st = STATUS_INIT;

	if (*path != '\0' && !secret_file_read(setting, path, &place->password, &st))
		note_problem(place, setting, &st);
}

/* All of it now: deliveries that are not root's could not read the key later. */
static void
read_tls(StatePlace *place, const Conf *conf)
{
	static const char ca[] = "state_tls_ca_file", own[] = "state_tls_certificate_file";
	g_auto(Status) st = STATUS_INIT, own_st = STATUS_INIT;
	StateTls *tls = g_new0(StateTls, 1);
	size_t len;

	place->tls = tls;
	tls->is_trusting = !conf->state_tls_verify;
	if (*conf->state_tls_ca_file != '\0' &&
	    !fs_read_file(AT_FDCWD, conf->state_tls_ca_file, LIMIT_SMALL_FILE, &tls->ca, &len, &st))
		note_problem(place, ca, &st);
	if (*conf->state_tls_certificate_file != '\0' &&
	    !secret_file_read_all(own, conf->state_tls_certificate_file, &tls->certificate,
	                          &own_st))
		note_problem(place, own, &own_st);
}

StatePlace *
state_place_new(const Conf *conf)
{
	const char *where = NULL;
	if (!conf_state_is_shared(conf->state))
		return NULL;

	StatePlace *place = g_new0(StatePlace, 1);
	place->module = conf_state_module(conf->state, &where);
	place->where = g_strdup(where);
	place->peer = g_strdup(conf->state);
	place->timeout_ms = (unsigned) conf->state_timeout * 1000;
	read_password(place, conf->state_password_file);
	if (conf_state_is_encrypted(conf->state))
		read_tls(place, conf);

	return place;
}

static void
free_tls(StateTls *tls)
{
	if (tls == NULL)
		return;
	g_free(tls->ca);
	g_free(tls->certificate);
	g_free(tls);
}

void
state_place_free(StatePlace *place)
{
	if (place == NULL)
		return;
	g_free(place->where);
	g_free(place->peer);
	g_free(place->password);
	free_tls(place->tls);
	g_free(place->problem);
	g_free(place);
}
