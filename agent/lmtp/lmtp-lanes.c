/* SPDX-License-Identifier: MIT */
/* lmtp-lanes: a list of numbers and a child for each lane. */
#include "agent/lmtp/lmtp-lanes.h"

#include "agent/lmtp/lmtp-child.h"

/* Fewer deliveries than this a lane cost more by their process than they gain. */
enum { WORTH_A_LANE = 2 };

typedef struct {
	LmtpLanes *lanes;
	GArray *numbers; /* unsigned */
	guint at;        /* the next outcome; in the lane's process the next delivery */
	LmtpChild child;
} Lane;

struct LmtpLanes {
	LmtpLanesWork *work;
	void *user;
	unsigned seconds;
	GPtrArray *users; /* char *: of each delivery */
	GArray *lane_of;  /* unsigned: of each delivery; empty: not started */
	guint at;
	Lane lane[LMTP_LANES];
};

LmtpLanes *
lmtp_lanes_new(LmtpLanesWork *work, void *user, unsigned seconds)
{
	LmtpLanes *lanes = g_new0(LmtpLanes, 1);

	*lanes = (LmtpLanes){
		.work = work,
		.user = user,
		.seconds = seconds,
		.users = g_ptr_array_new_with_free_func(g_free),
		.lane_of = g_array_new(FALSE, FALSE, sizeof(unsigned)),
	};
	for (unsigned i = 0; i < LMTP_LANES; i++)
		lanes->lane[i] = (Lane){ .lanes = lanes,
			                 .numbers = g_array_new(FALSE, FALSE, sizeof(unsigned)) };
	return lanes;
}

void
lmtp_lanes_free(LmtpLanes *lanes)
{
	if (lanes == NULL)
		return;
	for (unsigned i = 0; i < LMTP_LANES; i++)
		lmtp_child_leave(&lanes->lane[i].child);
	for (unsigned i = 0; i < LMTP_LANES; i++) {
		lmtp_child_end(&lanes->lane[i].child, lanes->seconds);
		g_array_unref(lanes->lane[i].numbers);
	}

	g_array_unref(lanes->lane_of);
	g_ptr_array_unref(lanes->users);
	g_free(lanes);
}

void
lmtp_lanes_add(LmtpLanes *lanes, const char *user_name)
{
	g_ptr_array_add(lanes->users, g_strdup(user_name));
}

bool
lmtp_lanes_pay(const LmtpLanes *lanes)
{
	return lanes->users->len >= 2 * WORTH_A_LANE;
}

/* Each new user to the next lane. */
static void
share_out(LmtpLanes *lanes)
{
	g_autoptr(GHashTable) lane_of_user = g_hash_table_new(g_str_hash, g_str_equal);
	unsigned count = CLAMP(lanes->users->len / WORTH_A_LANE, 1, LMTP_LANES);

	for (unsigned number = 0; number < lanes->users->len; number++) {
		const char *user = lanes->users->pdata[number];
		unsigned lane = g_hash_table_size(lane_of_user) % count;
		gpointer known = NULL;
		if (g_hash_table_lookup_extended(lane_of_user, user, NULL, &known))
			lane = GPOINTER_TO_UINT(known);
		else
			g_hash_table_insert(lane_of_user, (gpointer) user, GUINT_TO_POINTER(lane));
		g_array_append_val(lanes->lane_of, lane);
		g_array_append_val(lanes->lane[lane].numbers, number);
	}
}

/* LmtpChildWork. */
static bool
work_in_lane(void *user, char **ret_done, Status *st)
{
	Lane *lane = user;
	LmtpLanes *lanes = lane->lanes;
	return lanes->work(lanes->user, (unsigned) (lane - lanes->lane),
	                   g_array_index(lane->numbers, unsigned, lane->at++), ret_done, st);
}

static bool
start_lane(Lane *lane, Status *st)
{
	unsigned left = lane->numbers->len - lane->at;
	return left == 0 || lane->child.pid != 0 ||
	       lmtp_child_start(&lane->child, work_in_lane, lane, left, st);
}

unsigned
lmtp_lanes_next(const LmtpLanes *lanes)
{
	return lanes->at;
}

bool
lmtp_lanes_take(LmtpLanes *lanes, char **ret_done, bool *ret_lost, Status *st)
{
	/* a lane that cannot be started says so when it is its turn */
	g_auto(Status) later = STATUS_INIT;

	if (lanes->lane_of->len == 0) {
		share_out(lanes);
		for (unsigned i = 0; i < LMTP_LANES; i++)
			(void) start_lane(&lanes->lane[i], &later);
	}

	Lane *lane = &lanes->lane[g_array_index(lanes->lane_of, unsigned, lanes->at++)];
	bool done = start_lane(lane, st) &&
	            lmtp_child_take(&lane->child, lanes->seconds, ret_done, st);
	*ret_lost = lane->child.pid == 0;
	if (++lane->at == lane->numbers->len)
		lmtp_child_end(&lane->child, 0);

	return done;
}
