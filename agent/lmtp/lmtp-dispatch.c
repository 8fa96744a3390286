/* SPDX-License-Identifier: MIT */
/* lmtp-dispatch: begins deliveries while lanes are free, and keeps the outcomes that came early. */
#include "agent/lmtp/lmtp-dispatch.h"

#include <poll.h>
#include <string.h>

typedef enum { WAITING, RUNNING, DONE } Phase;

typedef struct {
	char *mailbox;
	Phase phase;
	unsigned lane;          /* while it runs */
	LmtpPoolMember *member; /* then */
	bool good;              /* when it is done: its outcome */
	char *text;
	Status st;
} Job;

struct LmtpDispatch {
	LmtpPool *pool;
	const LmtpDispatchWork *work;
	GPtrArray *jobs;        /* Job */
	guint next;             /* the first whose outcome was not taken */
	Job *lanes[LMTP_LANES]; /* NULL: free */
};

static void
job_free(gpointer data)
{
	Job *job = data;
	status_clear(&job->st);
	g_free(job->text);
	g_free(job->mailbox);
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

/* Take the outcome of a delivery that runs. */
static void
finish(LmtpDispatch *dispatch, Job *job)
{
	job->good = lmtp_pool_take(dispatch->pool, job->member, &job->text, &job->st);
	job->phase = DONE;
	job->member = NULL;
	dispatch->lanes[job->lane] = NULL;
	dispatch->work->end(dispatch->work->user, job->lane);
}

void
lmtp_dispatch_free(LmtpDispatch *dispatch)
{
	if (dispatch == NULL)
		return;
	for (unsigned lane = 0; lane < LMTP_LANES; lane++)
		if (dispatch->lanes[lane] != NULL)
			finish(dispatch, dispatch->lanes[lane]);

	g_ptr_array_unref(dispatch->jobs);
	g_free(dispatch);
}

void
lmtp_dispatch_add(LmtpDispatch *dispatch, const char *mailbox)
{
	Job *job = g_new0(Job, 1);
	job->mailbox = g_strdup(mailbox);
	g_ptr_array_add(dispatch->jobs, job);
}

unsigned
lmtp_dispatch_next(const LmtpDispatch *dispatch)
{
	return dispatch->next;
}

static bool
is_busy(const LmtpDispatch *dispatch, const char *mailbox)
{
	for (unsigned lane = 0; lane < LMTP_LANES; lane++)
		if (dispatch->lanes[lane] != NULL &&
		    strcmp(dispatch->lanes[lane]->mailbox, mailbox) == 0)
			return true;
	return false;
}

static void
begin(LmtpDispatch *dispatch, guint number, unsigned lane)
{
	const LmtpDispatchWork *work = dispatch->work;
	Job *job = dispatch->jobs->pdata[number];

	job->lane = lane;
	job->phase = RUNNING;
	if (work->begin(work->user, number, lane, &job->member, &job->st)) {
		dispatch->lanes[lane] = job;
	} else {
		job->phase = DONE;
		job->good = false;
	}
}

/* The first delivery that may begin; -1: none may now. */
static int
find_startable(const LmtpDispatch *dispatch)
{
	for (guint i = dispatch->next; i < dispatch->jobs->len; i++) {
		const Job *job = dispatch->jobs->pdata[i];
		if (job->phase == WAITING && !is_busy(dispatch, job->mailbox))
			return (int) i;
	}

	return -1;
}

static bool
is_next_done(const LmtpDispatch *dispatch)
{
	const Job *next = dispatch->jobs->pdata[dispatch->next];
	return next->phase == DONE;
}

/*
 * An outcome that is waited for is not held back by what may begin: where beginning itself is slow,
 * as behind a disk that hangs, the client hears of one after the other, and may leave.
 */
static void
fill_lanes(LmtpDispatch *dispatch)
{
	for (unsigned lane = 0; lane < LMTP_LANES; lane++) {
		int number = 0;
		while (dispatch->lanes[lane] == NULL && !is_next_done(dispatch) &&
		       (number = find_startable(dispatch)) >= 0)
			begin(dispatch, (guint) number, lane);
	}
}

/* Wait until one of those that run has an outcome, or is overdue, and take it. */
static void
wait_for_any(LmtpDispatch *dispatch)
{
	struct pollfd fds[LMTP_LANES];
	Job *jobs[LMTP_LANES];
	nfds_t n = 0;
	int left_ms = G_MAXINT;

	for (unsigned lane = 0; lane < LMTP_LANES; lane++) {
		Job *job = dispatch->lanes[lane];
		if (job == NULL)
			continue;
		fds[n] = (struct pollfd){ lmtp_pool_fd(job->member), POLLIN, 0 };
		jobs[n++] = job;
		left_ms = MIN(left_ms, lmtp_pool_left_ms(job->member));
	}

	bool known = poll(fds, n, left_ms) >= 0; /* otherwise a signal came, and we are back soon */
	for (nfds_t i = 0; known && i < n; i++)
		if (fds[i].revents != 0 || lmtp_pool_left_ms(jobs[i]->member) == 0)
			finish(dispatch, jobs[i]);
}

bool
lmtp_dispatch_take(LmtpDispatch *dispatch, char **ret_done, Status *st)
{
	Job *job = dispatch->jobs->pdata[dispatch->next];

	fill_lanes(dispatch);
	while (job->phase != DONE) {
		wait_for_any(dispatch);
		fill_lanes(dispatch);
	}

	dispatch->next++;
	if (job->good)
		*ret_done = g_steal_pointer(&job->text);
	else
		status_move(st, &job->st);
	return job->good;
}
