/* SPDX-License-Identifier: MIT */
/* state-place: see the header. */
#include "agent/state/state-place.h"

#include "agent/base/secret-file.h"
#include "conf/conf-state.h"

StatePlace *
state_place_new(const char *setting, const char *password_file, unsigned timeout_seconds)
{
	const char *where = NULL;
	if (!conf_state_is_shared(setting))
		return NULL;

	StatePlace *place = g_new0(StatePlace, 1);
	g_auto(Status) st = STATUS_INIT;
	place->module = conf_state_module(setting, &where);
	place->where = g_strdup(where);
	place->peer = g_strdup(setting);
	place->timeout_ms = timeout_seconds * 1000;
	if (*password_file != '\0' &&
	    !secret_file_read("state_password_file", password_file, &place->password, &st))
		place->problem = g_strdup(st.detail);

	return place;
}

void
state_place_free(StatePlace *place)
{
	if (place == NULL)
		return;
	g_free(place->where);
	g_free(place->peer);
	g_free(place->password);
	g_free(place->problem);
	g_free(place);
}
