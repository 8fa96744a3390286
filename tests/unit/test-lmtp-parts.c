/* SPDX-License-Identifier: MIT */
/*
 * The parts of the server that can be tried alone: slots, client lists, delivery children, the
 * spool.
 */
#define _GNU_SOURCE
#include "agent/base/limits.h"
#include "agent/lmtp/lmtp-child.h"
#include "agent/lmtp/lmtp-counts.h"
#include "agent/lmtp/lmtp-lanes.h"
#include "agent/lmtp/lmtp-metrics.h"
#include "agent/lmtp/lmtp-peer.h"
#include "agent/lmtp/lmtp-slots.h"
#include "agent/lmtp/lmtp-spool.h"

#include "tests/unit/unit.h"

#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

static char *
say_text(void *user)
{
	return g_strdup(user);
}

/* What a client says comes in pieces of any size, and may be anything. */
static void
test_metrics_answer(void **state)
{
	(void) state;
	static char text[] = "text\n";
	static const char signs[] = "GET /metrics?HTTP/1.1\r\n\r\n \0:%";
	const char whole[] = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n";
	for (size_t len = 0; len < sizeof whole - 1; len++)
		assert_null(lmtp_metrics_answer(whole, len, say_text, text));
	GString *answer = lmtp_metrics_answer(whole, sizeof whole - 1, say_text, text);
	assert_true(g_str_has_prefix(answer->str, "HTTP/1.1 200 OK\r\n"));
	assert_true(g_str_has_suffix(answer->str, "\r\n\r\ntext\n"));
	g_string_free(answer, TRUE);

	g_autoptr(GRand) rand = g_rand_new_with_seed(1);
	for (int i = 0; i < 20000; i++) {
		char said[64];
		size_t len = (size_t) g_rand_int_range(rand, 0, sizeof said);
		for (size_t at = 0; at < len; at++)
			said[at] = signs[g_rand_int_range(rand, 0, sizeof signs)];
		g_autofree char *exact = g_memdup2(said, len); /* a read behind its end shows */
		answer = lmtp_metrics_answer(exact, len, say_text, text);
		if (answer != NULL) {
			assert_true(g_str_has_prefix(answer->str, "HTTP/1.1 "));
			g_string_free(answer, TRUE);
		}
	}
}

static bool
has_line(const LmtpCounts *counts, const char *line)
{
	g_autofree char *text = lmtp_counts_print(counts);
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	return g_strv_contains((const char *const *) lines, line);
}

/* Processes that count together, and die in the middle: nothing is lost or torn. */
static void
test_counts_are_shared(void **state)
{
	(void) state;
	enum { CHILDREN = 4, EACH = 20000 };
	LmtpCounts *counts = lmtp_counts_new(CHILDREN);
	pid_t pids[CHILDREN];

	for (unsigned i = 0; i < CHILDREN; i++)
		if ((pids[i] = fork()) == 0) {
			g_auto(Status) st = STATUS_INIT;
			for (int n = 0; n < EACH; n++)
				lmtp_counts_add_outcome(counts, &st);
			lmtp_counts_add_time(counts, 3000);
			lmtp_counts_set_processes(counts, i, 2);
			(void) kill(getpid(), SIGKILL);
		}
	for (int i = 0; i < CHILDREN; i++)
		assert_int_equal(waitpid(pids[i], NULL, 0), pids[i]);

	assert_true(has_line(counts, "todoke_deliveries_total{result=\"delivered\",reason=\"ok\","
	                             "door=\"lmtp\"} 80000"));
	assert_true(has_line(counts, "todoke_delivery_seconds_bucket{le=\"0.0025\"} 0"));
	assert_true(has_line(counts, "todoke_delivery_seconds_bucket{le=\"0.005\"} 4"));
	assert_true(has_line(counts, "todoke_delivery_seconds_sum 0.012000"));
	assert_true(has_line(counts, "todoke_lmtp_delivery_processes 8"));

	lmtp_counts_set_processes(counts, CHILDREN - 1, 0);
	lmtp_counts_set_processes(counts, CHILDREN, 5); /* there is no such worker */
	assert_true(has_line(counts, "todoke_lmtp_delivery_processes 6"));
	lmtp_counts_forget(counts);
}

/* A process of an owner must not have what it could write to. */
static void
test_counts_are_kept(void **state)
{
	(void) state;
	LmtpCounts *counts = lmtp_counts_new(1);
	lmtp_counts_keep(counts);
	lmtp_counts_add(counts, LMTP_COUNTS_SESSION);

	pid_t pid = fork();
	if (pid == 0) {
		(void) signal(SIGSEGV, SIG_DFL);
		(void) signal(SIGABRT, SIG_DFL);
		lmtp_counts_add(counts, LMTP_COUNTS_SESSION);
		_exit(0);
	}
	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_not_equal(status, 0);
	assert_true(has_line(counts, "todoke_lmtp_sessions_total 1"));
	lmtp_counts_forget(counts);
}

static void
test_slots(void **state)
{
	(void) state;
	LmtpSlots *slots = lmtp_slots_new(4);
	assert_true(lmtp_slots_enter(slots, 0, 0, "ann", 2));
	assert_true(lmtp_slots_enter(slots, 1, 0, "ann", 2));
	assert_false(lmtp_slots_enter(slots, 2, 0, "ann", 2));
	assert_true(lmtp_slots_enter(slots, 2, 0, "bob", 2));
	assert_true(lmtp_slots_enter(slots, 3, 0, "ann", 0)); /* no limit takes no place */
	lmtp_slots_leave(slots, 0, 0);
	assert_true(lmtp_slots_enter(slots, 3, 0, "ann", 2));

	/* a slot that is not there limits nothing */
	assert_true(lmtp_slots_enter(slots, 99, 0, "ann", 1));
}

static void
test_slots_of_lanes(void **state)
{
	(void) state;
	LmtpSlots *slots = lmtp_slots_new(4);
	assert_true(lmtp_slots_enter(slots, 3, LMTP_LANES - 1, "ann", 1));
	assert_false(lmtp_slots_enter(slots, 0, 0, "ann", 1));
	assert_true(lmtp_slots_enter(slots, 3, 0, "bob", 1));
	lmtp_slots_leave(slots, 3, 0);
	assert_true(lmtp_slots_enter(slots, 0, 0, "bob", 1));
	assert_false(lmtp_slots_enter(slots, 1, 0, "ann", 1));
	lmtp_slots_clear(slots, 3);
	assert_true(lmtp_slots_enter(slots, 1, 0, "ann", 1));
}

/* A worker that dies keeps its slot until the master takes it back: it must be seen by others. */
static void
test_slots_are_shared(void **state)
{
	(void) state;
	LmtpSlots *slots = lmtp_slots_new(2);
	pid_t pid = fork();
	if (pid == 0)
		_exit(lmtp_slots_enter(slots, 1, 0, "ann", 1) ? 0 : 1);

	int status = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
	assert_false(lmtp_slots_enter(slots, 0, 0, "ann", 1));
	lmtp_slots_leave(slots, 1, 0);
	assert_true(lmtp_slots_enter(slots, 0, 0, "ann", 1));
}

/* A root half that outlives its worker frees what it took, and nothing of the next worker's. */
static void
test_slots_have_owners(void **state)
{
	(void) state;
	LmtpSlots *slots = lmtp_slots_new(2);
	lmtp_slots_set_owner(100);
	assert_true(lmtp_slots_enter(slots, 0, 0, "ann", 1));
	lmtp_slots_clear(slots, 0); /* the master buries the worker */
	assert_true(lmtp_slots_enter(slots, 0, 1, "ann", 1));
	lmtp_slots_set_owner(200);
	assert_true(lmtp_slots_enter(slots, 0, 0, "bob", 1));

	lmtp_slots_set_owner(100);
	lmtp_slots_leave(slots, 0, 0);
	lmtp_slots_leave_all(slots, 0);
	lmtp_slots_set_owner(300);
	assert_true(lmtp_slots_enter(slots, 1, 0, "ann", 1));
	assert_false(lmtp_slots_enter(slots, 1, 1, "bob", 1));
	lmtp_slots_set_owner(0);
}

typedef struct {
	const char *name;
	const char *item;
	bool good;
} ListRow;

static const ListRow list_rows[] = {
	{ "address", "192.0.2.1", true }, { "network", "10.0.0.0/8", true },
	{ "IPv6", "::1", true },          { "IPv6 network", "fd00::/8", true },
	{ "user", "user:postfix", true }, { "IPv4 bits", "10.0.0.0/33", false },
	{ "IPv6 bits", "::/129", false }, { "no bits", "10.0.0.0/", false },
	{ "name", "localhost", false },   { "empty", "", false },
	{ "half", "10.0.0", false },      { "sign", "10.0.0.0/+8", false },
};

static void
test_list(void **state)
{
	const ListRow *row = *state;
	const char *const list[] = { "127.0.0.1", row->item, NULL };
	const char *wrong = lmtp_peer_check_list(list);
	assert_true(row->good ? wrong == NULL : wrong == row->item);
}

static void
test_unix_peer(void **state)
{
	(void) state;
	int ends[2];
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);

	static const char *const nobody[] = { "user:no-such-user-here", NULL },
				 *const networks[] = { "10.0.0.0/8", NULL };
	LmtpPeer peer = lmtp_peer_find(ends[0], NULL, NULL);
	assert_true(peer.allowed && peer.trusted);
	peer = lmtp_peer_find(ends[0], networks, NULL);
	assert_true(peer.allowed && peer.trusted);
	peer = lmtp_peer_find(ends[0], nobody, NULL);
	assert_false(peer.allowed || peer.trusted);
	close(ends[0]);
	close(ends[1]);
}

static int secret = -1;

static bool
work(void *user, char **ret_done, Status *st)
{
	const char *what = user;

	if (strcmp(what, "good") == 0) {
		*ret_done = g_strdup("stored");
		return true;
	}

	if (strcmp(what, "silent") == 0)
		return true;
	if (strcmp(what, "fails") == 0) {
		status_fail(st, STATUS_LOOP, "it loops");
		st->detail = g_strdup("line 3");
		return false;
	}

	if (strcmp(what, "dies") == 0)
		(void) kill(getpid(), SIGKILL);
	if (strcmp(what, "late") == 0)
		_exit(EX_TEMPFAIL);
	if (strcmp(what, "leaves") == 0)
		_exit(0);
	if (strcmp(what, "hangs") == 0)
		sleep(1000);
	if (strcmp(what, "closes") == 0 && close_range(3, ~0u, 0) == 0)
		sleep(1000);
	if (strcmp(what, "has it") == 0)
		return fcntl(secret, F_GETFD) >= 0;

	return false;
}

/* One piece of work in a child, from start to end. */
static bool
run_in_child(const char *what, unsigned seconds, char **ret_done, Status *st)
{
	LmtpChild child = { 0 };
	if (!lmtp_child_start(&child, work, (void *) (uintptr_t) what, 1, st))
		return false;

	bool done = lmtp_child_take(&child, seconds, ret_done, st);
	lmtp_child_end(&child, 0);
	return done;
}

static void
test_child(void **state)
{
	(void) state;
	static const struct {
		const char *what;
		StatusId want;
	} rows[] = {
		{ "good", STATUS_OK },         { "silent", STATUS_OK },
		{ "fails", STATUS_LOOP },      { "dies", STATUS_INTERNAL },
		{ "late", STATUS_DEADLINE },   { "leaves", STATUS_INTERNAL },
		{ "hangs", STATUS_DEADLINE },  { "no reason", STATUS_INTERNAL },
		{ "closes", STATUS_INTERNAL },
	};
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_auto(Status) st = STATUS_INIT;
		char untouched[] = "9999";
		char *done = untouched;
		unsigned seconds = strcmp(rows[i].what, "hangs") == 0 ? 1 : 100;
		bool good = run_in_child(rows[i].what, seconds, &done, &st);
		assert_int_equal(good, rows[i].want == STATUS_OK);
		assert_int_equal(st.id, rows[i].want);
		if (good)
			g_free(done);
		else
			assert_ptr_equal(done, untouched);
		if (rows[i].want == STATUS_LOOP) {
			assert_string_equal(st.text, "it loops");
			assert_string_equal(st.detail, "line 3");
		}
	}
}

/*
 * One that was killed is dead only a moment later: the next call finds it, or they would become
 * many.
 */
static void
test_child_leaves_nothing(void **state)
{
	(void) state;
	siginfo_t dead;
	while (waitpid(-1, NULL, 0) > 0) /* of the tests before */
		continue;

	for (int i = 0; i < 2; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		(void) run_in_child((i == 0 ? "hangs" : "silent"), i == 0 ? 1 : 100, &done, &st);
		if (i == 0)
			(void) waitid(P_ALL, 0, &dead, WEXITED | WNOWAIT);
	}

	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

static void
test_child_has_not(void **state)
{
	(void) state;
	secret = dup(STDIN_FILENO);
	for (int i = 0; i < 2; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		if (i == 1)
			lmtp_child_hide(secret);
		assert_int_equal(run_in_child("has it", 100, &done, &st), i == 0);
	}
}

/*
 * Delivery `number` of user `number % 10`: its process, and who was before it there. Number 3 dies,
 * number 5 fails, number 7 is late.
 */
static bool
work_in_lane(void *user, unsigned lane, unsigned number, char **ret_done, Status *st)
{
	static unsigned before;

	(void) user;
	if (number == 3)
		(void) kill(getpid(), SIGKILL);
	if (number == 7)
		_exit(EX_TEMPFAIL);
	*ret_done = g_strdup_printf("%u %d %u", lane, (int) getpid(), before++);

	return number != 5 || status_fail(st, STATUS_LOOP, NULL);
}

/* Each has its own outcome, in order; those of one user come one after the other in one lane. */
static void
test_lanes(void **state)
{
	(void) state;
	enum { COUNT = 40, USERS = 10 };
	unsigned lane[COUNT], before[COUNT], lanes_seen = 0;
	g_autoptr(LmtpLanes) lanes = lmtp_lanes_new(work_in_lane, NULL, 60);
	for (unsigned i = 0; i < COUNT; i++) {
		g_autofree char *user = g_strdup_printf("user%u", i % USERS);
		lmtp_lanes_add(lanes, user);
		assert_int_equal(lmtp_lanes_pay(lanes), i >= 3);
	}

	for (unsigned i = 0; i < COUNT; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		bool lost = false;
		int pid;
		assert_int_equal(lmtp_lanes_next(lanes), i);
		StatusId want = i == 3   ? STATUS_INTERNAL
		                : i == 5 ? STATUS_LOOP
		                : i == 7 ? STATUS_DEADLINE
		                         : STATUS_OK;
		assert_int_equal(lmtp_lanes_take(lanes, &done, &lost, &st), want == STATUS_OK);
		assert_int_equal(lost, i == 3 || i == 7);
		assert_int_equal(st.id, want);
		if (want != STATUS_OK)
			continue;
		assert_int_equal(sscanf(done, "%u %d %u", &lane[i], &pid, &before[i]), 3);
		assert_int_not_equal(pid, getpid());
		lanes_seen |= 1u << lane[i];
		if (i >= USERS && i % USERS != 3 && i % USERS != 5 && i % USERS != 7) {
			assert_int_equal(lane[i], lane[i - USERS]);
			assert_true(before[i] > before[i - USERS]);
		}
	}

	assert_int_equal(lanes_seen, (1u << LMTP_LANES) - 1);
}

/* They are at work at the same time: each waits for the others. */
static bool
meet(void *user, unsigned lane, unsigned number, char **ret_done, Status *st)
{
	int *met = user;

	(void) lane, (void) number, (void) ret_done, (void) st;
	(void) g_atomic_int_add(met, 1);
	for (int i = 0; i < 12000 && g_atomic_int_get(met) < LMTP_LANES; i++)
		g_usleep(10000);

	return g_atomic_int_get(met) >= LMTP_LANES;
}

static void
test_lanes_at_once(void **state)
{
	(void) state;
	int *met = mmap(NULL, sizeof *met, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1,
	                0);
	g_autoptr(LmtpLanes) lanes = lmtp_lanes_new(meet, met, 60);
	for (unsigned i = 0; i < 2 * LMTP_LANES; i++) {
		g_autofree char *user = g_strdup_printf("user%u", i);
		lmtp_lanes_add(lanes, user);
	}

	for (unsigned i = 0; i < 2 * LMTP_LANES; i++) {
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *done = NULL;
		bool lost = true;
		assert_true(lmtp_lanes_take(lanes, &done, &lost, &st));
	}
}

/*
 * The client has gone: what is at work is finished, nothing else is begun. There are so many left
 * that not even a parent that sleeps for a minute finds all of them done.
 */
enum { MANY = 300 * LMTP_LANES };

static bool
count(void *user, unsigned lane, unsigned number, char **ret_done, Status *st)
{
	int *begun = user;

	(void) lane, (void) number, (void) ret_done, (void) st;
	(void) g_atomic_int_add(begun, 1);
	g_usleep(G_USEC_PER_SEC / 5);
	(void) g_atomic_int_add(begun + 1, 1);

	return true;
}

static void
test_lanes_left(void **state)
{
	(void) state;
	int *begun = mmap(NULL, 2 * sizeof *begun, PROT_READ | PROT_WRITE,
	                  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	LmtpLanes *lanes = lmtp_lanes_new(count, begun, 60);
	for (unsigned i = 0; i < MANY; i++) {
		g_autofree char *user = g_strdup_printf("user%u", i);
		lmtp_lanes_add(lanes, user);
	}

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *done = NULL;
	bool lost = true;
	assert_true(lmtp_lanes_take(lanes, &done, &lost, &st));
	lmtp_lanes_free(lanes);
	assert_int_equal(waitpid(-1, NULL, 0), -1);
	assert_in_range(begun[0], 1, MANY - LMTP_LANES);
	assert_int_equal(begun[0], begun[1]);
}

/* Few octets need no file; one more, and all of them lie in one. */
static void
test_spool_of_few(void **state)
{
	(void) state;
	g_autofree char *block = g_strnfill(LIMIT_LMTP_SPOOL_FEW, 'a');
	g_auto(Status) st = STATUS_INIT;
	LmtpSpool spool = LMTP_SPOOL_INIT;
	for (size_t more = 0; more < 2; more++) {
		char last = '\0';
		size_t len = 0;
		lmtp_spool_open(&spool, "/nonexistent");
		assert_true(lmtp_spool_write(&spool, block, LIMIT_LMTP_SPOOL_FEW - 1, &st));
		assert_true(lmtp_spool_write(&spool, "bc", 1 + more, &st));

		const char *few = lmtp_spool_few(&spool, &len);
		assert_int_equal(few != NULL, more == 0);
		assert_int_equal(len, more == 0 ? LIMIT_LMTP_SPOOL_FEW : 0);
		int fd = lmtp_spool_take(&spool, &st);
		assert_int_equal(lseek(fd, 0, SEEK_END), LIMIT_LMTP_SPOOL_FEW + more);
		assert_int_equal(pread(fd, &last, 1, LIMIT_LMTP_SPOOL_FEW + (off_t) more - 1), 1);
		assert_int_equal(last, "bc"[more]);
		close(fd);
	}
	lmtp_spool_close(&spool);
	g_string_free(spool.few, TRUE);
}

/* In a process that is nobody: is there any way to change the file? */
static bool
can_change(int fd)
{
	pid_t pid = fork();
	if (pid == 0) {
		g_autofree char *name = g_strdup_printf("/proc/self/fd/%d", fd);
		bool is_root = geteuid() == 0;
		if (is_root && (setgroups(0, NULL) < 0 || setresgid(65534, 65534, 65534) < 0 ||
		                setresuid(65534, 65534, 65534) < 0))
			_exit(2);
		(void) fchmod(fd, 0666); /* ours to do only where it is ours */
		int again = open(name, O_RDWR);
		_exit(pwrite(fd, "x", 1, 0) == 1 || ftruncate(fd, 0) == 0 ||
		      pwrite(again, "x", 1, 0) == 1 || ftruncate(again, 0) == 0);
	}

	int status;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) < 2);
	return WEXITSTATUS(status) == 1;
}

static bool lacks_chown;

/* While root lends, and lacks the capability; nothing else lacks it. */
static void
set_chown(bool has_it)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	if (!lacks_chown || geteuid() != 0)
		return;

	assert_int_equal(syscall(SYS_capget, &header, data), 0);
	if (has_it)
		data[0].effective |= 1u << CAP_CHOWN;
	else
		data[0].effective &= ~(1u << CAP_CHOWN);
	assert_int_equal(syscall(SYS_capset, &header, data), 0);
}

typedef struct {
	size_t size;
	const char *folder; /* NULL: that of the system */
} LentRow;

static void
lend(const LentRow *row, bool is_small)
{
	g_autofree char *block = g_strnfill(row->size, 'a');
	const char *folder = row->folder != NULL ? row->folder : g_get_tmp_dir();
	g_auto(Status) st = STATUS_INIT;
	LmtpSpool spool = LMTP_SPOOL_INIT;
	char first = '\0';
	lmtp_spool_open(&spool, folder);
	assert_true(lmtp_spool_write(&spool, block, row->size, &st));
	assert_int_equal(spool.on_disk, !is_small);

	int fd = lmtp_spool_take(&spool, &st);
	assert_true(geteuid() != 0 || fchown(fd, 65534, 65534) == 0);
	assert_true(can_change(fd));
	assert_int_equal(pwrite(fd, "a", 1, 0), 1);
	assert_int_equal(ftruncate(fd, (off_t) row->size), 0);
	set_chown(false);
	int one = lmtp_spool_lend(fd, folder, &st), other = lmtp_spool_lend(fd, folder, &st);
	set_chown(true);
	assert_in_range(one, 0, 1000);
	assert_in_range(other, 0, 1000);
	assert_false(can_change(one));
	assert_int_equal(lseek(one, 1000, SEEK_SET), 1000);
	assert_int_equal(lseek(other, 0, SEEK_CUR), 0);
	assert_int_equal(read(other, &first, 1), 1);
	assert_int_equal(first, 'a');
	assert_int_equal(lseek(other, 0, SEEK_END), row->size);
	(void) close(one);
	(void) close(other);
	(void) close(fd);
	g_string_free(spool.few, TRUE);
}

/*
 * Who is lent a message can read it from its beginning, whatever others do, and never change it;
 * also where root may not change the owner of files, as our units have it.
 */
static void
test_lent_spool(void **state)
{
	(void) state;
	static const LentRow rows[] = {
		{ LIMIT_LMTP_SPOOL_FEW + 1, NULL },
		{ LIMIT_LMTP_SPOOL_MEMORY + 1, "/var/tmp" },
		/* its files have seals of their own */
		{ LIMIT_LMTP_SPOOL_MEMORY + 1, "/dev/shm" },
	};
	/* root takes a file on disk away from whoever made it */
	size_t n = geteuid() != 0 ? 1 : access("/dev/shm", W_OK) == 0 ? 3 : 2;

	for (size_t i = 0; i < n; i++)
		for (int without = 0; without < 2; without++) {
			lacks_chown = without == 1;
			lend(&rows[i], i == 0);
		}
}

/*
 * What just fits stays in memory; one octet more moves all of it to the disk, and no octet is lost.
 */
static void
test_spool(void **state)
{
	(void) state;
	g_autofree char *block = g_strnfill(LIMIT_LMTP_SPOOL_MEMORY, 'a');
	g_auto(Status) st = STATUS_INIT;
	LmtpSpool spool = LMTP_SPOOL_INIT;
	lmtp_spool_open(&spool, g_get_tmp_dir());
	assert_true(lmtp_spool_write(&spool, block, LIMIT_LMTP_SPOOL_MEMORY, &st));
	assert_false(spool.on_disk);
	assert_true(lmtp_spool_write(&spool, "b", 1, &st));
	assert_true(spool.on_disk);

	int fd = lmtp_spool_take(&spool, &st);
	struct stat info;
	assert_int_equal(fstat(fd, &info), 0);
	assert_int_equal(info.st_size, LIMIT_LMTP_SPOOL_MEMORY + 1);
	assert_int_equal(info.st_nlink, 0);

	char last[2];
	assert_int_equal(lseek(fd, 0, SEEK_CUR), 0);
	assert_int_equal(pread(fd, last, 2, LIMIT_LMTP_SPOOL_MEMORY - 1), 2);
	assert_memory_equal(last, "ab", 2);
	close(fd);
	lmtp_spool_open(&spool, "/nonexistent");
	assert_false(lmtp_spool_write(&spool, block, LIMIT_LMTP_SPOOL_MEMORY, &st) &&
	             lmtp_spool_write(&spool, block, LIMIT_LMTP_SPOOL_MEMORY, &st));
	assert_int_equal(st.id, STATUS_MISSING);
	lmtp_spool_close(&spool);
	g_string_free(spool.few, TRUE);
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(list_rows) + 17];
	size_t n = 0;

	UNIT_ROWS(tests, n, list_rows, test_list);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_metrics_answer);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_counts_are_shared);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_counts_are_kept);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_slots);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_slots_of_lanes);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_slots_are_shared);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_slots_have_owners);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_unix_peer);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_child);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_child_leaves_nothing);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_child_has_not);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lanes);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lanes_at_once);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lanes_left);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_spool);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_spool_of_few);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_lent_spool);

	return _cmocka_run_group_tests("lmtp-parts", tests, n, NULL, NULL);
}
