/* SPDX-License-Identifier: MIT */
/* Delivery processes that stay, and the deliveries of one message that run in them side by side. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-dispatch.h"
#include "agent/lmtp/lmtp-pack.h"
#include "agent/lmtp/lmtp-pool.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

enum { PATIENCE = 100 };

/* A request is a word, and the octet that follows is not part of it. */
static bool
answer(void *user, const char *request, size_t len, int fd, char **ret_done, Status *st)
{
	static unsigned served;
	int *met = user;
	g_autofree char *word = g_strndup(request, len);
	char octet = '-';

	served++;
	if (fd >= 0) {
		(void) !pread(fd, &octet, 1, 0);
		(void) close(fd);
	}
	if (strcmp(word, "die") == 0)
		(void) kill(getpid(), SIGKILL);
	if (strcmp(word, "late") == 0)
		_exit(EX_TEMPFAIL);
	if (strcmp(word, "slow") == 0)
		g_usleep(G_USEC_PER_SEC);
	if (strcmp(word, "hang") == 0)
		pause();
	if (strcmp(word, "deaf") == 0) {
		/* who looks at the channel finds it open for a while, and no request passes */
		for (int i = 3; i < PATIENCE; i++)
			(void) shutdown(i, SHUT_RD);
		if (fork() == 0) {
			(void) alarm(2);
			pause();
		}
	}
	if (strcmp(word, "talk") == 0) {
		*ret_done = g_strnfill(1 << 20, 'x');
		return true;
	}
	if (strcmp(word, "talk and fail") == 0) {
		g_autofree char *long_text = g_strnfill(1 << 20, 'y');
		status_fail_detail(st, STATUS_LOOP, "%s", long_text);
		st->text = g_strdup(long_text);
		status_set_outside(st, outside_new(OUTSIDE_SMTP, long_text, long_text, long_text));
		return false;
	}
	if (strcmp(word, "fail") == 0)
		return status_fail(st, STATUS_LOOP, "it loops");
	if (strcmp(word, "meet") == 0) {
		(void) g_atomic_int_add(met, 1);
		for (int i = 0; i < PATIENCE * 100 && g_atomic_int_get(met) < LMTP_LANES; i++)
			g_usleep(10000);
	}

	*ret_done = g_strdup_printf("%d %u %c", (int) getpid(), served, octet);
	return true;
}

static LmtpPool *
new_pool(unsigned most, unsigned uses, unsigned seconds, int *met)
{
	const LmtpPoolOptions options = {
		.most = most, .uses = uses, .idle_seconds = 1, .seconds = seconds
	};
	return lmtp_pool_new(&options, answer, met);
}

/* Ask and take. Returns the id of the process that answered; 0: a fault. */
static int
ask_with(LmtpPool *pool, const char *key, const char *word, int fd, char **ret_text, Status *st)
{
	g_autoptr(GString) request = g_string_new(word);
	LmtpPoolMember *member = NULL;
	g_autofree char *text = NULL;

	if (!lmtp_pool_ask(pool, key, request, &(LmtpLoad){ .fd = fd }, &member, st) ||
	    !lmtp_pool_take(pool, member, &text, NULL, st))
		return 0;

	int pid = (int) g_ascii_strtoll(text, NULL, 10);
	if (ret_text != NULL)
		*ret_text = g_steal_pointer(&text);
	return pid;
}

static int
ask(LmtpPool *pool, const char *key, const char *word)
{
	g_auto(Status) st = STATUS_INIT;
	return ask_with(pool, key, word, -1, NULL, &st);
}

static void
test_one_process_for_a_key(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 100, PATIENCE, NULL);
	int ann = ask(pool, "ann", "x"), bob = ask(pool, "bob", "x");
	assert_int_not_equal(ann, 0);
	assert_int_not_equal(ann, bob);
	assert_int_not_equal(ann, getpid());
	for (int i = 0; i < 10; i++) {
		assert_int_equal(ask(pool, "ann", "x"), ann);
		assert_int_equal(ask(pool, "bob", "x"), bob);
	}
}

static void
test_replaced_after_uses(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 3, PATIENCE, NULL);
	int first = ask(pool, "ann", "x");
	assert_int_equal(ask(pool, "ann", "x"), first);
	assert_int_equal(ask(pool, "ann", "x"), first);
	assert_int_equal(waitpid(first, NULL, WNOHANG), -1); /* it was ended and waited for */
	assert_int_not_equal(ask(pool, "ann", "x"), first);
}

static void
test_no_more_than_wanted_wait(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(2, 100, PATIENCE, NULL);
	int ann = ask(pool, "ann", "x"), bob = ask(pool, "bob", "x");
	assert_int_equal(ask(pool, "ann", "x"), ann); /* so bob's waits longest */
	assert_int_not_equal(ask(pool, "cid", "x"), 0);
	assert_int_equal(ask(pool, "ann", "x"), ann);
	assert_int_not_equal(ask(pool, "bob", "x"), bob);

	g_autoptr(LmtpPool) none = new_pool(0, 100, PATIENCE, NULL);
	int first = ask(none, "ann", "x");
	assert_int_not_equal(first, 0);
	assert_int_not_equal(ask(none, "ann", "x"), first);
}

/* A process that was killed while it waited costs nobody an answer. */
static void
test_killed_while_it_waits(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 100, PATIENCE, NULL);
	int first = ask(pool, "ann", "x");
	siginfo_t dead;

	assert_int_equal(kill(first, SIGKILL), 0);
	assert_int_equal(waitid(P_PID, (id_t) first, &dead, WEXITED | WNOWAIT), 0);
	int second = ask(pool, "ann", "x");
	assert_int_not_equal(second, 0);
	assert_int_not_equal(second, first);
}

/* Nor does one that goes between the look at it and the request. */
static void
test_gone_when_it_is_asked(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 100, PATIENCE, NULL);
	int first = ask(pool, "ann", "deaf");
	int second = ask(pool, "ann", "x");
	assert_int_not_equal(first, 0);
	assert_int_not_equal(second, 0);
	assert_int_not_equal(second, first);
	assert_int_equal(waitpid(first, NULL, WNOHANG), -1);
}

/* The other deliveries of a message may have kept us longer than this one may take: it is done. */
static void
test_outcome_that_is_taken_late(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 100, 1, NULL);
	g_autoptr(GString) request = g_string_new("x");
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *text = NULL;
	LmtpPoolMember *member = NULL;

	assert_true(lmtp_pool_ask(pool, "ann", request, NULL, &member, &st));
	struct pollfd outcome = { .fd = lmtp_pool_fd(member), .events = POLLIN };
	assert_int_equal(poll(&outcome, 1, PATIENCE * 1000), 1);
	for (int i = 0; i < PATIENCE && lmtp_pool_left_ms(member) > 0; i++)
		g_usleep(G_USEC_PER_SEC / 10);
	assert_int_equal(lmtp_pool_left_ms(member), 0);
	assert_true(lmtp_pool_take(pool, member, &text, NULL, &st));
	assert_int_equal(ask(pool, "ann", "x"), (int) g_ascii_strtoll(text, NULL, 10));
}

static void
test_faults(void **state)
{
	(void) state;
	static const struct {
		const char *word;
		StatusId want;
		bool stays;
	} rows[] = {
		{ "fail", STATUS_LOOP, true },
		{ "die", STATUS_INTERNAL, false },
		{ "late", STATUS_DEADLINE, false },
		{ "hang", STATUS_DEADLINE, false },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		unsigned seconds = strcmp(rows[i].word, "hang") == 0 ? 1 : PATIENCE;
		g_autoptr(LmtpPool) pool = new_pool(4, 100, seconds, NULL);
		g_auto(Status) st = STATUS_INIT;
		int before = ask(pool, "ann", "x");
		assert_int_equal(ask_with(pool, "ann", rows[i].word, -1, NULL, &st), 0);
		assert_int_equal(st.id, rows[i].want);
		assert_int_equal(ask(pool, "ann", "x") == before, rows[i].stays);
	}
}

/* However busy it is: the groups that it took over may have changed. */
static void
test_replaced_after_its_life(void **state)
{
	(void) state;
	const LmtpPoolOptions options = { .most = 4,
		                          .uses = 1000000,
		                          .idle_seconds = PATIENCE,
		                          .seconds = PATIENCE,
		                          .life_seconds = 1 };
	g_autoptr(LmtpPool) pool = lmtp_pool_new(&options, answer, NULL);
	int first = ask(pool, "ann", "x"), last = first;
	gint64 until = g_get_monotonic_time() + (gint64) PATIENCE * G_USEC_PER_SEC;

	for (; last == first && g_get_monotonic_time() < until; g_usleep(10000))
		last = ask(pool, "ann", "x");
	assert_int_not_equal(last, first);
	assert_int_equal(waitpid(first, NULL, WNOHANG), -1);
}

/* What is said too much changes nothing of what was done. */
static void
test_outcome_that_is_long(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 100, PATIENCE, NULL);
	static const char *const words[] = { "talk", "talk and fail" };
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		g_autoptr(GString) request = g_string_new(words[i]);
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *text = NULL;
		LmtpPoolMember *member = NULL;
		assert_true(lmtp_pool_ask(pool, "ann", request, NULL, &member, &st));
		assert_int_equal(lmtp_pool_take(pool, member, &text, NULL, &st), i == 0);
		assert_int_equal(st.id, i == 0 ? STATUS_OK : STATUS_LOOP);
		const char *told = i == 0 ? text : st.text;
		assert_in_range(strlen(told), 1000, 8000);
		assert_true(g_str_has_suffix(told, i == 0 ? "xx..." : "yy..."));
	}
}

static void
test_descriptor(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 100, PATIENCE, NULL);
	g_auto(Status) st = STATUS_INIT;
	for (int i = 0; i < 2; i++) {
		int fd = memfd_create("octet", MFD_CLOEXEC);
		g_autofree char *text = NULL;
		assert_int_equal(write(fd, i == 0 ? "a" : "b", 1), 1);
		assert_int_not_equal(ask_with(pool, "ann", "x", fd, &text, &st), 0);
		assert_int_equal(text[strlen(text) - 1], i == 0 ? 'a' : 'b');
		(void) close(fd);
	}
}

/* They go when their time has come, and not before. */
static void
test_tidy(void **state)
{
	(void) state;
	g_autoptr(LmtpPool) pool = new_pool(4, 100, PATIENCE, NULL);
	assert_int_equal(lmtp_pool_tidy(pool), -1);
	int pid = ask(pool, "ann", "x");
	int wait_ms = lmtp_pool_tidy(pool);
	assert_in_range(wait_ms, 1, 1001);
	gint64 until = g_get_monotonic_time() + (gint64) PATIENCE * G_USEC_PER_SEC;
	while ((wait_ms = lmtp_pool_tidy(pool)) >= 0 && g_get_monotonic_time() < until)
		g_usleep((gulong) wait_ms * 1000);

	assert_int_equal(wait_ms, -1);
	assert_int_equal(waitpid(pid, NULL, WNOHANG), -1);
}

/* The deliveries of a message. */
typedef struct {
	LmtpPool *pool;
	const char *const *searches; /* NULL: all are "x" */
	const char *const *words;
	const char *const *keys;
	bool busy[LMTP_SLOT_LANES];
	unsigned begun, refused, failed, at_once, most_at_once;
	unsigned searching, most_searching;
} Mail;

static bool
search(void *user, unsigned number, unsigned lane, LmtpPoolMember **ret_member, char **ret_found,
       Status *st)
{
	Mail *mail = user;
	g_autoptr(GString)
		request = g_string_new(mail->searches != NULL ? mail->searches[number] : "x");

	if (strcmp(mail->words[number], "refuse") == 0) {
		mail->refused++;
		return status_fail(st, STATUS_BUSY, NULL);
	}
	assert_false(mail->busy[lane]);
	mail->busy[lane] = true;
	mail->begun++;
	if (mail->searches != NULL && strcmp(mail->searches[number], "known") == 0) {
		*ret_found = g_strdup("");
		return true;
	}
	mail->searching++;
	mail->most_searching = MAX(mail->most_searching, mail->searching);

	bool asked = lmtp_pool_ask(mail->pool, "", request, NULL, ret_member, st);
	lmtp_pool_hurry(*ret_member, strcmp(request->str, "hang") == 0 ? 2 : PATIENCE);
	return asked;
}

static bool
deliver(void *user, unsigned number, const char *found, LmtpPoolMember **ret_member, Status *st)
{
	Mail *mail = user;
	g_autoptr(GString) request = g_string_new(mail->words[number]);

	assert_non_null(found);
	mail->at_once++;
	mail->most_at_once = MAX(mail->most_at_once, mail->at_once);
	return lmtp_pool_ask(mail->pool, mail->keys[number], request, NULL, ret_member, st);
}

static void
hear(void *user, unsigned number, bool searched, const char *found, bool lost)
{
	Mail *mail = user;
	const char *word = searched ? (mail->searches != NULL ? mail->searches[number] : "x")
	                            : mail->words[number];
	unsigned *at_it = searched ? &mail->searching : &mail->at_once;

	assert_int_equal(lost, strcmp(word, "hang") == 0 || strcmp(word, "die") == 0);
	/* only a search that has just ended finds anything: what is known is not told again */
	assert_int_equal(found != NULL, searched && !lost && strcmp(word, "fail") != 0);
	--*at_it;
}

static void
end(void *user, unsigned number, unsigned lane)
{
	Mail *mail = user;
	(void) number;
	assert_true(mail->busy[lane]);
	mail->busy[lane] = false;
}

static void
failed(void *user, unsigned number, const Status *st)
{
	Mail *mail = user;
	(void) number;
	assert_int_not_equal(st->id, STATUS_OK);
	mail->failed++;
}

static void
test_outcomes_in_order(void **state)
{
	(void) state;
	static const char *const words[] = { "x", "fail", "refuse", "x", "die", "x" };
	static const char *const keys[] = { "a", "b", "c", "d", "e", "a" };
	static const StatusId want[] = { STATUS_OK, STATUS_LOOP,     STATUS_BUSY,
		                         STATUS_OK, STATUS_INTERNAL, STATUS_OK };
	g_autoptr(LmtpPool) pool = new_pool(8, 100, PATIENCE, NULL);
	Mail mail = { .pool = pool, .words = words, .keys = keys };
	const LmtpDispatchWork work = { search, deliver, hear, end, failed, &mail };
	g_autoptr(LmtpDispatch) dispatch = lmtp_dispatch_new(pool, &work);
	int pids[G_N_ELEMENTS(words)] = { 0 };

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		lmtp_dispatch_add(dispatch, keys[i], "/mail");
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		assert_int_equal(lmtp_dispatch_next(dispatch), i);
		assert_int_equal(lmtp_dispatch_take(dispatch, &done, &st), want[i] == STATUS_OK);
		assert_int_equal(st.id, want[i]);
		pids[i] = done != NULL ? (int) g_ascii_strtoll(done, NULL, 10) : 0;
	}

	assert_int_equal(mail.failed, 2); /* "fail" has logged its own failure */
	/* one mailbox: one after the other, in one process */
	assert_int_equal(pids[0], pids[5]);
	assert_int_not_equal(pids[0], pids[3]);
}

/* What needs no search is delivered without one, alone or beside others. */
static void
test_known(void **state)
{
	(void) state;
	enum { COUNT = 3 * LMTP_LANES };
	const char *searches[COUNT], *words[COUNT], *keys[COUNT];
	for (unsigned known = 0; known < 3; known++) {
		g_autoptr(LmtpPool) pool = new_pool(COUNT, 100, PATIENCE, NULL);
		Mail mail = { .pool = pool, .searches = searches, .words = words, .keys = keys };
		const LmtpDispatchWork work = { search, deliver, hear, end, failed, &mail };
		g_autoptr(LmtpDispatch) dispatch = lmtp_dispatch_new(pool, &work);
		g_auto(GStrv) names = g_new0(char *, COUNT + 1);
		unsigned count = known == 0 ? 1 : COUNT;

		for (unsigned i = 0; i < count; i++) {
			searches[i] = known < 2 || i % 2 == 0 ? "known" : "x";
			words[i] = i == 3 ? "fail" : "x";
			keys[i] = names[i] = g_strdup_printf("%u", i % 20);
			lmtp_dispatch_add(dispatch, keys[i], "/mail");
		}
		for (unsigned i = 0; i < count; i++) {
			g_auto(Status) st = STATUS_INIT;
			g_autofree char *done = NULL;
			assert_int_equal(lmtp_dispatch_take(dispatch, &done, &st), i != 3);
		}
		assert_int_equal(mail.begun, count);
		assert_in_range(mail.most_at_once, 1, LMTP_LANES);
		assert_int_equal(mail.most_searching > 0, known == 2);
	}
}

/* As many as there are lanes are at work at once, whatever their keys; one mailbox has one. */
static void
test_at_once(void **state)
{
	(void) state;
	enum { COUNT = 2 * LMTP_LANES };
	const char *words[COUNT], *keys[COUNT];
	int *met = mmap(NULL, sizeof *met, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	                0);
	g_autoptr(LmtpPool) pool = new_pool(COUNT, 100, PATIENCE, met);
	Mail mail = { .pool = pool, .words = words, .keys = keys };
	const LmtpDispatchWork work = { search, deliver, hear, end, failed, &mail };
	g_autoptr(LmtpDispatch) many = lmtp_dispatch_new(pool, &work);
	g_autoptr(LmtpDispatch) one = lmtp_dispatch_new(pool, &work);

	for (unsigned i = 0; i < COUNT; i++) {
		g_autofree char *mailbox = g_strdup_printf("user%u", i);
		words[i] = "meet";
		keys[i] = "vmail";
		lmtp_dispatch_add(many, mailbox, "/mail");
		lmtp_dispatch_add(one, "ann", "/mail");
	}
	for (unsigned i = 0; i < 2 * COUNT; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		assert_true(lmtp_dispatch_take(i < COUNT ? many : one, &done, &st));
		if (i == COUNT - 1) {
			assert_int_equal(mail.most_at_once, LMTP_LANES);
			mail.most_at_once = 0;
		}
	}

	assert_int_equal(mail.most_at_once, 1);
	(void) munmap(met, sizeof *met);
}

/* Each that cannot begin is told before the next one is tried, which may take as long. */
static void
test_refused_one_by_one(void **state)
{
	(void) state;
	static const char *const words[] = { "refuse", "refuse", "refuse", "x" };
	static const char *const keys[] = { "a", "b", "c", "d" };
	g_autoptr(LmtpPool) pool = new_pool(8, 100, PATIENCE, NULL);
	Mail mail = { .pool = pool, .words = words, .keys = keys };
	const LmtpDispatchWork work = { search, deliver, hear, end, failed, &mail };
	g_autoptr(LmtpDispatch) dispatch = lmtp_dispatch_new(pool, &work);

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		lmtp_dispatch_add(dispatch, keys[i], "/mail");
	for (unsigned i = 0; i < G_N_ELEMENTS(words); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		assert_int_equal(lmtp_dispatch_take(dispatch, &done, &st), i == 3);
		assert_int_equal(mail.refused, MIN(i + 1, 3));
	}
}

/* Where one place hangs, mail for the others is on its way meanwhile; replies stay in order. */
static void
test_place_that_hangs(void **state)
{
	(void) state;
	enum { HANGING = 4, COUNT = HANGING + 10 };
	const char *searches[COUNT], *words[COUNT], *keys[COUNT];
	int *met = mmap(NULL, sizeof *met, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	                0);
	g_autoptr(LmtpPool) pool = new_pool(COUNT, 100, PATIENCE, met);
	Mail mail = { .pool = pool, .searches = searches, .words = words, .keys = keys };
	const LmtpDispatchWork work = { search, deliver, hear, end, failed, &mail };
	g_autoptr(LmtpDispatch) dispatch = lmtp_dispatch_new(pool, &work);

	for (unsigned i = 0; i < COUNT; i++) {
		g_autofree char *mailbox = g_strdup_printf("user%u", i);
		searches[i] = i < HANGING ? "hang" : "x";
		words[i] = "meet";
		keys[i] = "vmail";
		lmtp_dispatch_add(dispatch, mailbox, i < HANGING ? "/dead" : "/mail");
	}
	for (unsigned i = 0; i < COUNT; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		assert_int_equal(lmtp_dispatch_take(dispatch, &done, &st), i >= HANGING);
		assert_int_equal(st.id, i < HANGING ? STATUS_DEADLINE : STATUS_OK);
		if (i == 0) /* the first was waited for until it was killed */
			assert_int_equal(g_atomic_int_get(met), COUNT - HANGING);
	}

	assert_int_equal(mail.failed, HANGING);
	assert_in_range(mail.most_searching, 2, LMTP_SEARCHES_OF_PLACE + 1);
	(void) munmap(met, sizeof *met);
}

/* A search that failed ends its delivery; nobody else logs that. */
static void
test_search_that_fails(void **state)
{
	(void) state;
	static const char *const searches[] = { "fail", "die", "x" };
	static const char *const words[] = { "x", "x", "x" };
	static const char *const keys[] = { "a", "b", "c" };
	static const StatusId want[] = { STATUS_LOOP, STATUS_INTERNAL, STATUS_OK };
	g_autoptr(LmtpPool) pool = new_pool(8, 100, PATIENCE, NULL);
	Mail mail = { .pool = pool, .searches = searches, .words = words, .keys = keys };
	const LmtpDispatchWork work = { search, deliver, hear, end, failed, &mail };
	g_autoptr(LmtpDispatch) dispatch = lmtp_dispatch_new(pool, &work);

	for (size_t i = 0; i < G_N_ELEMENTS(words); i++)
		lmtp_dispatch_add(dispatch, keys[i], "/mail");
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		assert_int_equal(lmtp_dispatch_take(dispatch, &done, &st), want[i] == STATUS_OK);
		assert_int_equal(st.id, want[i]);
	}
	assert_int_equal(mail.failed, 2);
	assert_int_equal(mail.most_at_once, 1);
}

/* The client has gone: what was begun is waited for, nothing else is begun. */
static void
test_client_gone(void **state)
{
	(void) state;
	enum { COUNT = 3 * LMTP_LANES };
	const char *words[COUNT], *keys[COUNT];
	g_autoptr(LmtpPool) pool = new_pool(COUNT, 100, PATIENCE, NULL);
	Mail mail = { .pool = pool, .words = words, .keys = keys };
	const LmtpDispatchWork work = { search, deliver, hear, end, failed, &mail };
	LmtpDispatch *dispatch = lmtp_dispatch_new(pool, &work);
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *done = NULL;

	for (unsigned i = 0; i < COUNT; i++) {
		words[i] = i == 0 ? "x" : "slow";
		keys[i] = "vmail";
		lmtp_dispatch_add(dispatch, i == 0 ? "first" : "all others", "/mail");
	}
	assert_true(lmtp_dispatch_take(dispatch, &done, &st));
	lmtp_dispatch_free(dispatch);
	for (unsigned i = 0; i < LMTP_SLOT_LANES; i++)
		assert_false(mail.busy[i]);
	assert_in_range(mail.begun, 2, COUNT - 1);
}

static void
test_packed_account(void **state)
{
	(void) state;
	g_autoptr(Account) account = g_new0(Account, 1);
	account->user = g_strdup("ann@example.jp");
	account->local = g_strdup("ann");
	account->home = g_strdup("");
	account->uid = 4294967294u;
	account->gid = 7;
	account->forwards_all = true;
	account->addresses = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(account->addresses, g_strdup("ann@example.jp"));
	g_ptr_array_add(account->addresses, g_strdup("\"a b\"@example.jp"));
	account->tree.path = g_strdup("/var/vmail");

	g_autoptr(GString) packed = g_string_new(NULL);
	lmtp_pack_account(packed, account);
	lmtp_pack_string(packed, "behind");
	for (size_t len = packed->len; len > 0; len--) {
		const char *at = packed->str;
		g_autoptr(Account) copy = lmtp_pack_take_account(&at, packed->str + len);
		if (len < packed->len - strlen("behind") - 1) {
			assert_null(copy);
			continue;
		}
		assert_string_equal(at, "behind");
		assert_string_equal(copy->user, account->user);
		assert_string_equal(copy->home, "");
		assert_null(copy->domain);
		assert_string_equal(copy->tree.path, "/var/vmail");
		assert_int_equal(copy->uid, account->uid);
		assert_int_equal(copy->gid, 7);
		assert_false(copy->is_system);
		assert_true(copy->forwards_all);
		assert_int_equal(copy->addresses->len, 2);
		assert_string_equal(copy->addresses->pdata[1], "\"a b\"@example.jp");
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_process_for_a_key),
		cmocka_unit_test(test_replaced_after_uses),
		cmocka_unit_test(test_no_more_than_wanted_wait),
		cmocka_unit_test(test_killed_while_it_waits),
		cmocka_unit_test(test_gone_when_it_is_asked),
		cmocka_unit_test(test_outcome_that_is_taken_late),
		cmocka_unit_test(test_replaced_after_its_life),
		cmocka_unit_test(test_faults),
		cmocka_unit_test(test_outcome_that_is_long),
		cmocka_unit_test(test_descriptor),
		cmocka_unit_test(test_tidy),
		cmocka_unit_test(test_outcomes_in_order),
		cmocka_unit_test(test_known),
		cmocka_unit_test(test_at_once),
		cmocka_unit_test(test_refused_one_by_one),
		cmocka_unit_test(test_place_that_hangs),
		cmocka_unit_test(test_search_that_fails),
		cmocka_unit_test(test_client_gone),
		cmocka_unit_test(test_packed_account),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
