/* SPDX-License-Identifier: MIT */
/* lmtp-dispatch: begins deliveries while lanes are free, and keeps the outcomes that came early. */
#include "agent/lmtp/lmtp-dispatch.h"

#include <poll.h>
#include <string.h>

/* FOUND: its search is done, and there was no free lane to deliver it yet. */
typedef enum { WAITING, SEARCHING, FOUND, DELIVERING, DONE } Phase;

typedef struct {
	unsigned number;
	char *mailbox;
	char *place;
	Phase phase;
	unsigned lane;          /* from SEARCHING on, until it is done */
	gint64 begun;           /* monotonic: its search */
	LmtpPoolMember *member; /* that is at it */
	bool good;              /* when it is done: its outcome */
	char *text;             /* of the search; then of the delivery */
	Status st;
} Job;

struct LmtpDispatch {
	LmtpPool *pool;
	const LmtpDispatchWork *work;
	GPtrArray *jobs;             /* Job */
	guint next;                  /* the first whose outcome was not taken */
	Job *lanes[LMTP_SLOT_LANES]; /* NULL: free */
};

static void
job_free(gpointer data)
{
	Job *job = data;
	status_clear(&job->st);
	g_free(job->text);
	g_free(job->mailbox);
	g_free(job->place);
	g_free(job);
}

LmtpDispatch *
lmtp_dispatch_new(LmtpPool *pool, const LmtpDispatchWork *work)
{
	LmtpDispatch *dispatch = g_new0(LmtpDispatch, 1);
	dispatch->pool = pool;
	dispatch->work = work;
	dispatch->jobs = g_ptr_array_new_with_free_func(job_free);
	return dispatch;
}

/* `is_told`: the process that failed has logged it. */
static void
finish(LmtpDispatch *dispatch, Job *job, bool good, bool is_told)
{
	const LmtpDispatchWork *work = dispatch->work;

	job->good = good;
	job->phase = DONE;
	if (!good && !is_told && work->failed != NULL)
		work->failed(work->user, job->number, &job->st);
	if (dispatch->lanes[job->lane] == job) {
		dispatch->lanes[job->lane] = NULL;
		work->end(work->user, job->number, job->lane);
	}
}

/* Take what the process that is at it answered. */
static void
take_step(LmtpDispatch *dispatch, Job *job)
{
	const LmtpDispatchWork *work = dispatch->work;
	bool lost = false;
	bool good = lmtp_pool_take(dispatch->pool, job->member, &job->text, &lost, &job->st);

	job->member = NULL;
	bool searched = job->phase == SEARCHING;
	if (work->hear != NULL)
		work->hear(work->user, job->number, searched, searched && good ? job->text : NULL,
		           lost);
	if (searched && good)
		job->phase = FOUND;
	else
		finish(dispatch, job, good, job->phase == DELIVERING && !lost);
}

void
lmtp_dispatch_free(LmtpDispatch *dispatch)
{
	if (dispatch == NULL)
		return;
	for (unsigned lane = 0; lane < LMTP_SLOT_LANES; lane++) {
		Job *job = dispatch->lanes[lane];
		if (job != NULL && job->member != NULL)
			take_step(dispatch, job);
		if (job != NULL && job->phase == FOUND)
			dispatch->work->end(dispatch->work->user, job->number, lane);
	}

	g_ptr_array_unref(dispatch->jobs);
	g_free(dispatch);
}

void
lmtp_dispatch_add(LmtpDispatch *dispatch, const char *mailbox, const char *place)
{
	Job *job = g_new0(Job, 1);
	job->number = dispatch->jobs->len;
	job->mailbox = g_strdup(mailbox);
	job->place = g_strdup(place);
	g_ptr_array_add(dispatch->jobs, job);
}

unsigned
lmtp_dispatch_next(const LmtpDispatch *dispatch)
{
	return dispatch->next;
}

static unsigned
count(const LmtpDispatch *dispatch, Phase phase)
{
	unsigned found = 0;
	for (unsigned lane = 0; lane < LMTP_SLOT_LANES; lane++)
		found += dispatch->lanes[lane] != NULL && dispatch->lanes[lane]->phase == phase ? 1
		                                                                                : 0;
	return found;
}

/* Milliseconds until the next search may begin beside those that run. */
static int
search_pause_ms(const LmtpDispatch *dispatch)
{
	gint64 last = 0;
	for (unsigned lane = 0; lane < LMTP_SLOT_LANES; lane++) {
		const Job *job = dispatch->lanes[lane];
		if (job != NULL && job->phase == SEARCHING)
			last = MAX(last, job->begun);
	}

	gint64 took_ms = (g_get_monotonic_time() - last) / 1000;
	return last == 0 ? 0 : (int) MAX(LMTP_SEARCH_SLOW_MS - took_ms, 0);
}

static bool
may_begin(const LmtpDispatch *dispatch, const Job *job)
{
	unsigned searches = 0;
	if (job->phase != WAITING)
		return false;

	for (unsigned lane = 0; lane < LMTP_SLOT_LANES; lane++) {
		const Job *other = dispatch->lanes[lane];
		if (other == NULL)
			continue;
		if (strcmp(other->mailbox, job->mailbox) == 0)
			return false;
		if (other->phase == SEARCHING && strcmp(other->place, job->place) == 0)
			searches++;
	}

	return searches < LMTP_SEARCHES_OF_PLACE;
}

/* The first delivery that may begin. NULL: none may now. */
static Job *
find_startable(const LmtpDispatch *dispatch)
{
	for (guint i = dispatch->next; i < dispatch->jobs->len; i++)
		if (may_begin(dispatch, dispatch->jobs->pdata[i]))
			return dispatch->jobs->pdata[i];
	return NULL;
}

/* -1: there is none. */
static int
find_lane(const LmtpDispatch *dispatch)
{
	for (int lane = 0; lane < LMTP_SLOT_LANES; lane++)
		if (dispatch->lanes[lane] == NULL)
			return lane;
	return -1;
}

static void
begin(LmtpDispatch *dispatch, Job *job, unsigned lane)
{
	const LmtpDispatchWork *work = dispatch->work;

	job->lane = lane;
	job->begun = g_get_monotonic_time();
	if (work->search(work->user, job->number, lane, &job->member, &job->text, &job->st)) {
		job->phase = job->text != NULL ? FOUND : SEARCHING;
		dispatch->lanes[lane] = job;
	} else {
		finish(dispatch, job, false, false);
	}
}

static bool
is_next_done(const LmtpDispatch *dispatch)
{
	const Job *next = dispatch->jobs->pdata[dispatch->next];
	return next->phase == DONE;
}

/*
 * An outcome that is waited for is not held back by what may begin: the client hears of one after
 * the other, and may leave.
 */
static void
begin_searches(LmtpDispatch *dispatch)
{
	Job *job;
	int lane;

	while (!is_next_done(dispatch) && count(dispatch, SEARCHING) < LMTP_SEARCHES &&
	       search_pause_ms(dispatch) == 0 && (lane = find_lane(dispatch)) >= 0 &&
	       (job = find_startable(dispatch)) != NULL)
		begin(dispatch, job, (unsigned) lane);
}

/* Those that were found, the earliest first. */
static void
begin_deliveries(LmtpDispatch *dispatch)
{
	const LmtpDispatchWork *work = dispatch->work;
	unsigned free_lanes = LMTP_LANES - count(dispatch, DELIVERING);

	for (guint i = dispatch->next; i < dispatch->jobs->len && free_lanes > 0; i++) {
		Job *job = dispatch->jobs->pdata[i];
		if (job->phase != FOUND)
			continue;
		g_autofree char *found = g_steal_pointer(&job->text);
		if (work->deliver(work->user, job->number, found, &job->member, &job->st)) {
			job->phase = DELIVERING;
			free_lanes--;
		} else {
			finish(dispatch, job, false, false);
		}
	}
}

static void
begin_what_may(LmtpDispatch *dispatch)
{
	begin_deliveries(dispatch);
	begin_searches(dispatch);
	begin_deliveries(dispatch); /* of those that needed no search */
}

/* Until something is overdue, or one more search may begin. */
static int
patience_ms(const LmtpDispatch *dispatch)
{
	int left_ms = G_MAXINT;
	for (unsigned lane = 0; lane < LMTP_SLOT_LANES; lane++)
		if (dispatch->lanes[lane] != NULL && dispatch->lanes[lane]->member != NULL)
			left_ms = MIN(left_ms, lmtp_pool_left_ms(dispatch->lanes[lane]->member));

	int pause_ms = search_pause_ms(dispatch);
	return pause_ms > 0 ? MIN(left_ms, pause_ms) : left_ms;
}

/* Wait until one of those that run has an answer, is overdue, or no longer alone; take answers. */
static void
wait_for_any(LmtpDispatch *dispatch)
{
	struct pollfd fds[LMTP_SLOT_LANES];
	Job *jobs[LMTP_SLOT_LANES];
	nfds_t n = 0;

	for (unsigned lane = 0; lane < LMTP_SLOT_LANES; lane++) {
		Job *job = dispatch->lanes[lane];
		if (job == NULL || job->member == NULL)
			continue;
		fds[n] = (struct pollfd){ lmtp_pool_fd(job->member), POLLIN, 0 };
		jobs[n++] = job;
	}

	/* otherwise a signal came, and we are back soon */
	bool known = poll(fds, n, patience_ms(dispatch)) >= 0;
	for (nfds_t i = 0; known && i < n; i++)
		if (fds[i].revents != 0 || lmtp_pool_left_ms(jobs[i]->member) == 0)
			take_step(dispatch, jobs[i]);
}

bool
lmtp_dispatch_take(LmtpDispatch *dispatch, char **ret_done, Status *st)
{
	Job *job = dispatch->jobs->pdata[dispatch->next];

	begin_what_may(dispatch);
	while (job->phase != DONE) {
		wait_for_any(dispatch);
		begin_what_may(dispatch);
	}

	dispatch->next++;
	if (job->good)
		*ret_done = g_steal_pointer(&job->text);
	else
		status_move(st, &job->st);
	return job->good;
}
