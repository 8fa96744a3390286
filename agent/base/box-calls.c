/* SPDX-License-Identifier: MIT */
/*
 * box-calls: a filter of the kernel's BPF, made from box-call-table.def when it is loaded.
 *
 * The numbers of all calls are one row of intervals, each with an answer, and the filter searches
 * it by halves: seven comparisons find any call. The kernel asks the filter for each number once,
 * to remember what is always allowed, so a list from top to bottom would cost half a millisecond.
 */
#define _GNU_SOURCE
#include "agent/base/box-calls.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Machines whose arguments of calls stand where the conditions below look for them. */
#if defined(__x86_64__) && !defined(__ILP32__)
#define MACHINE AUDIT_ARCH_X86_64
#elif defined(__aarch64__) && defined(__AARCH64EL__) && !defined(__ILP32__)
#define MACHINE AUDIT_ARCH_AARCH64
#elif defined(__riscv) && __riscv_xlen == 64
#define MACHINE AUDIT_ARCH_RISCV64
#elif defined(__powerpc64__) && defined(__LITTLE_ENDIAN__)
#define MACHINE AUDIT_ARCH_PPC64LE
#else
#define MACHINE 0 /* no table */
#endif

enum {
	NUMBERS = 512,         /* no machine has a call of a higher number yet */
	MOST_STATEMENTS = 256, /* how far a comparison can lead */
	MOST_CONDITION = 64,
	NAMESPACES = 0x7E020080, /* CLONE_NEW*: mount, cgroup, uts, ipc, user, pid, net, time */
	HIGHEST_PROTOCOL = 17,   /* UDP; above it are some that Landlock does not see */
	KIND_OF_SOCKET = 0xf,
	FAST_OPEN = 0x20000000, /* MSG_FASTOPEN: it connects */
};

/* Of the table's rows, in the order of BoxCallsList; the last two have no list. */
enum { WHO_ALL, WHO_TALK, WHO_WORK, WHO_CHECKED, WHO_NEVER };

typedef struct {
	short number;
	unsigned char who;
	const char *name;
} BoxCallsRow;

static const BoxCallsRow rows[] = {
#include "agent/base/box-call-numbers.h"
};

enum { ROWS = sizeof rows / sizeof *rows };

/* What becomes of a call: as in seccomp(2), or one of these. */
enum {
	CHECK_SOCKET = 1,
	CHECK_CLONE,
	CHECK_IOCTL,
	CHECK_SEND,
	CHECK_SENDMSG,
	CHECK_OF_ITSELF,
	CHECK_OWN_MEMORY
};

/* Some statements in their order. */
typedef struct {
	unsigned char len;
	struct sock_filter code[MOST_CONDITION];
} Condition;

/*
 * A filter is written from its end on, so that each statement knows how far it is to those that it
 * leads to: a place is counted from the end.
 */
typedef struct {
	unsigned also;
	unsigned n_intervals;
	short from[NUMBERS + 1]; /* the lowest number of each interval */
	unsigned answer[NUMBERS + 1];
	unsigned allow, trap; /* places of these answers */
	unsigned len;
	struct sock_filter code[MOST_STATEMENTS];
} Filter;

static void
emit(Condition *condition, unsigned short code, unsigned k, unsigned char if_false)
{
	condition->code[condition->len++] = (struct sock_filter){ code, 0, if_false, k };
}

static void
emit_answer(Condition *condition, unsigned answer)
{
	emit(condition, BPF_RET | BPF_K, answer, 0);
}

/* Load the lower half of an argument. */
static void
emit_load(Condition *condition, unsigned argument)
{
	unsigned at = (unsigned) offsetof(struct seccomp_data, args) + argument * 8;
	emit(condition, BPF_LD | BPF_W | BPF_ABS, at, 0);
}

/* `jump` is JEQ, JGT or JSET: if it holds of what was loaded, this is the answer. */
static void
emit_if(Condition *condition, unsigned short jump, unsigned k, unsigned answer)
{
	emit(condition, BPF_JMP | jump | BPF_K, k, 1);
	emit_answer(condition, answer);
}

/* A kind of socket (SOCK_STREAM ...) in the families of `families`, which 0 ends. */
static void
emit_kind(Condition *condition, unsigned kind, const unsigned *families)
{
	emit_load(condition, 1);
	emit(condition, BPF_ALU | BPF_AND | BPF_K, KIND_OF_SOCKET, 0);

	unsigned char jump = condition->len;
	emit(condition, BPF_JMP | BPF_JEQ | BPF_K, kind, 0);
	emit_load(condition, 0);
	for (; *families != 0; families++)
		emit_if(condition, BPF_JEQ, *families, SECCOMP_RET_ALLOW);
	condition->code[jump].jf = (unsigned char) (condition->len - jump - 1);
}

/*
 * A socket that is not allowed is a fault as others: libraries ask for some that they can do
 * without.
 */
static void
emit_socket(Condition *condition, unsigned also)
{
	static const unsigned packets[] = { AF_UNIX, 0 }; /* the log */
	static const unsigned names[] = { AF_INET, AF_INET6, AF_NETLINK, 0 };
	unsigned n = 0, streams[4] = { 0 };

	if ((also & BOX_CALLS_UNIX) != 0)
		streams[n++] = AF_UNIX;
	if ((also & BOX_CALLS_TCP) != 0) {
		streams[n++] = AF_INET;
		streams[n++] = AF_INET6;
	}

	emit_load(condition, 2);
	emit_if(condition, BPF_JGT, HIGHEST_PROTOCOL, SECCOMP_RET_ERRNO | EACCES);
	emit_kind(condition, SOCK_DGRAM, packets);
	emit_kind(condition, SOCK_STREAM, streams);
	if ((also & BOX_CALLS_RESOLVE) != 0) {
		emit_kind(condition, SOCK_DGRAM, names);
		emit_kind(condition, SOCK_RAW, names + 2); /* how netlink is opened */
	}
	emit_answer(condition, SECCOMP_RET_ERRNO | EACCES);
}

/* What the C library and others ask of a descriptor: is it a terminal, how much is there. */
static void
emit_ioctl(Condition *condition)
{
	emit_load(condition, 1);
	emit_if(condition, BPF_JEQ, TCGETS, SECCOMP_RET_ALLOW);
	emit_if(condition, BPF_JEQ, FIONREAD, SECCOMP_RET_ALLOW);
	emit_if(condition, BPF_JEQ, FIONBIO, SECCOMP_RET_ALLOW);
	emit_answer(condition, SECCOMP_RET_ERRNO | ENOTTY);
}

static void
emit_unless(Condition *condition, unsigned argument, unsigned bits)
{
	emit_load(condition, argument);
	emit_if(condition, BPF_JSET, bits, SECCOMP_RET_TRAP);
	emit_answer(condition, SECCOMP_RET_ALLOW);
}

/* Another process's limits are not ours to set, though the owner is the same. */
static void
emit_of_itself(Condition *condition)
{
	emit_load(condition, 0);
	emit_if(condition, BPF_JEQ, 0, SECCOMP_RET_ALLOW);
	emit_answer(condition, SECCOMP_RET_TRAP);
}

/* What a report of a crash takes. A process that is forked later has to do without. */
static void
emit_own_memory(Condition *condition)
{
	emit_load(condition, 0);
	emit_if(condition, BPF_JEQ, (unsigned) getpid(), SECCOMP_RET_ALLOW);
	emit_answer(condition, SECCOMP_RET_ERRNO | EPERM);
}

static void
emit_condition(Condition *condition, unsigned answer, unsigned also)
{
	switch (answer) {
	case CHECK_SOCKET:
		emit_socket(condition, also);
		return;
	case CHECK_CLONE:
		emit_unless(condition, 0, NAMESPACES);
		return;
	case CHECK_IOCTL:
		emit_ioctl(condition);
		return;
	case CHECK_SEND:
		emit_unless(condition, 3, FAST_OPEN);
		return;
	case CHECK_SENDMSG:
		emit_unless(condition, 2, FAST_OPEN);
		return;
	case CHECK_OF_ITSELF:
		emit_of_itself(condition);
		return;
	case CHECK_OWN_MEMORY:
		emit_own_memory(condition);
		return;
	default:
		emit_answer(condition, answer);
	}
}

/* Put a statement in front of all others. Returns its place. */
static unsigned
prepend(Filter *filter, struct sock_filter statement)
{
	if (filter->len < MOST_STATEMENTS)
		filter->code[MOST_STATEMENTS - 1 - filter->len] = statement;
	return filter->len++;
}

static unsigned
prepend_answer(Filter *filter, unsigned answer)
{
	Condition condition = { 0 };
	unsigned place = 0;
	if (answer == SECCOMP_RET_ALLOW || answer == SECCOMP_RET_TRAP)
		return answer == SECCOMP_RET_ALLOW ? filter->allow : filter->trap;

	emit_condition(&condition, answer, filter->also);
	while (condition.len > 0)
		place = prepend(filter, condition.code[--condition.len]);
	return place;
}

/* The answers of the intervals `first` to `last`, by halves. Returns the place to begin at. */
static unsigned
prepend_search(Filter *filter, unsigned first, unsigned last)
{
	if (first == last)
		return prepend_answer(filter, filter->answer[first]);

	unsigned middle = (first + last + 1) / 2;
	unsigned high = prepend_search(filter, middle, last);
	unsigned low = prepend_search(filter, first, middle - 1), here = filter->len;

	return prepend(filter, (struct sock_filter){ BPF_JMP | BPF_JGE | BPF_K,
	                                             (unsigned char) (here - high - 1),
	                                             (unsigned char) (here - low - 1),
	                                             (unsigned) filter->from[middle] });
}

/* What the conditions are of a call that has some. */
static unsigned
answer_checked(const Filter *filter, BoxCallsList list, int number)
{
	bool works = list == BOX_CALLS_DELIVERY;
	switch (number) {
	case __NR_socket:
		return list != BOX_CALLS_CAGE ? CHECK_SOCKET : SECCOMP_RET_TRAP;
	case __NR_ioctl:
		return CHECK_IOCTL;
	case __NR_sendto:
		return list != BOX_CALLS_CAGE ? CHECK_SEND : SECCOMP_RET_TRAP;
	case __NR_sendmsg:
		return list != BOX_CALLS_CAGE ? CHECK_SENDMSG : SECCOMP_RET_TRAP;
	case __NR_sendmmsg:
		/* only looking up names uses it; its flags stand where sendto's do */
		return (filter->also & BOX_CALLS_RESOLVE) != 0 ? CHECK_SEND : SECCOMP_RET_TRAP;
	case __NR_prlimit64:
		return CHECK_OF_ITSELF;
	case __NR_process_vm_readv:
		return list != BOX_CALLS_CAGE ? CHECK_OWN_MEMORY : SECCOMP_RET_TRAP;
	case __NR_clone:
		return works ? CHECK_CLONE : SECCOMP_RET_TRAP;
	case __NR_clone3:
		return SECCOMP_RET_ERRNO | ENOSYS; /* the C library goes on with clone */
	case __NR_execve:
		return (filter->also & BOX_CALLS_EXEC) != 0 ? SECCOMP_RET_ALLOW : SECCOMP_RET_TRAP;
	default:
		return SECCOMP_RET_TRAP;
	}
}

static void
list_intervals(Filter *filter, BoxCallsList list)
{
	unsigned answers[NUMBERS];
	for (int i = 0; i < NUMBERS; i++)
		answers[i] = SECCOMP_RET_TRAP;
	for (int i = 0; i < ROWS; i++) {
		const BoxCallsRow *row = &rows[i];
		if (row->who == WHO_CHECKED)
			answers[row->number] = answer_checked(filter, list, row->number);
		else if (row->who <= (unsigned) list)
			answers[row->number] = SECCOMP_RET_ALLOW;
	}

	for (int i = 0; i < NUMBERS; i++)
		if (i == 0 || answers[i] != answers[i - 1]) {
			filter->from[filter->n_intervals] = (short) i;
			filter->answer[filter->n_intervals++] = answers[i];
		}
	filter->from[filter->n_intervals] = NUMBERS;
	filter->answer[filter->n_intervals++] = SECCOMP_RET_TRAP;
}

static void
make(Filter *filter, BoxCallsList list)
{
	const unsigned arch = offsetof(struct seccomp_data, arch),
		       nr = offsetof(struct seccomp_data, nr);
	const struct sock_filter allow = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_ALLOW },
				 trap = { BPF_RET | BPF_K, 0, 0, SECCOMP_RET_TRAP };

	list_intervals(filter, list);
	filter->allow = prepend(filter, allow);
	filter->trap = prepend(filter, trap);
	(void) prepend_search(filter, 0, filter->n_intervals - 1);

	(void) prepend(filter, (struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0, nr });
	(void) prepend(filter,
	               (struct sock_filter){ BPF_RET | BPF_K, 0, 0, SECCOMP_RET_KILL_PROCESS });
	(void) prepend(filter, (struct sock_filter){ BPF_JMP | BPF_JEQ | BPF_K, 1, 0, MACHINE });
	(void) prepend(filter, (struct sock_filter){ BPF_LD | BPF_W | BPF_ABS, 0, 0, arch });
}

bool
box_calls_can(void)
{
	const unsigned action = SECCOMP_RET_TRAP;
	return MACHINE != 0 && syscall(__NR_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

bool
box_calls_load(BoxCallsList list, unsigned also)
{
	static Filter filter;
	filter = (Filter){ .also = also };
	if (MACHINE == 0) {
		errno = ENOSYS;
		return false;
	}

	make(&filter, list);
	if (filter.len > MOST_STATEMENTS) { /* a jump would be too far */
		errno = E2BIG;
		return false;
	}

	/* our code has nothing to hide from itself: without the flag old kernels make it slow */
	const struct sock_fprog program = { (unsigned short) filter.len,
		                            filter.code + MOST_STATEMENTS - filter.len };
	long loaded = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_SPEC_ALLOW,
	                      &program);
	if (loaded < 0 && errno == EINVAL) /* before Linux 4.17 it is not known */
		loaded = syscall(__NR_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program);
	return loaded == 0;
}

const char *
box_calls_name(int number)
{
	for (int i = 0; i < ROWS; i++)
		if (rows[i].number == number)
			return rows[i].name;
	return NULL;
}
