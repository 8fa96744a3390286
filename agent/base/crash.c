/* SPDX-License-Identifier: MIT */
/*
 * crash: what runs in the handler calls nothing that is not safe there (signal-safety(7)): no
 * memory is allocated, and nothing of the program is trusted but the fixed memory below.
 */
#define _GNU_SOURCE
#include "agent/base/crash.h"

#include "agent/base/box-calls.h"
#include "agent/base/event.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/log.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <paths.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <syslog.h>
#include <time.h>
#include <ucontext.h>
#include <unistd.h>

/* The linker knows where this program or shared object begins, and where its code ends. */
extern const char __ehdr_start[], etext[];

#ifndef SYS_SECCOMP
#define SYS_SECCOMP 1 /* siginfo of a call that a filter traps */
#endif

enum {
	STACK_BYTES = 16 * 1024, /* for the handler: the stack may be what overflowed */
	LINE_BYTES = 1024,
	FRAMES = 16,         /* addresses of a line */
	SCANNED_WORDS = 512, /* of the stack, for addresses of code */
	SECONDS_PER_DAY = 24 * 60 * 60,
	JULIAN_1970 = 719163 /* as GDate counts */
};

/* And SIGSYS: a system call that the box does not let through (box-calls.h). */
static const int signals[] = { SIGSEGV, SIGBUS, SIGABRT, SIGTRAP, SIGFPE, SIGILL };

static struct {
	bool is_set, has_stack, runs_rules;
	char folder[PATH_MAX]; /* "": no mark is left */
	const char *octets;
	size_t len;
	char queue_id[64];
	char stack[STACK_BYTES];
} watch;

/*
 * Where the header begins that its author wrote: behind the last Received. What is above it is new
 * each time that the message comes: by another queue, or by a program that fetches it again.
 */
static size_t
skip_trace(const char *octets, size_t len)
{
	static const char trace[] = "Received:";
	size_t begin = 0;
	bool is_trace = false;

	for (size_t at = 0; at < len;) {
		const char *end = memchr(octets + at, '\n', len - at);
		bool is_folded = octets[at] == ' ' || octets[at] == '\t';
		bool is_named = len - at >= strlen(trace) &&
		                g_ascii_strncasecmp(octets + at, trace, strlen(trace)) == 0;

		is_trace = is_folded ? is_trace : is_named;
		at = end != NULL ? (size_t) (end - octets) + 1 : len;
		begin = is_trace ? at : begin;
	}

	return begin;
}

/* FNV-1a: nobody gains by two messages that have the same. */
static guint64
key_of(const char *octets, size_t len)
{
	guint64 key = 14695981039346656037u;
	for (size_t i = skip_trace(octets, len); i < len; i++)
		key = (key ^ (guchar) octets[i]) * 1099511628211u;
	return key;
}

/* A line without memory of its own. */
typedef struct {
	char text[LINE_BYTES];
	size_t len;
} Line;

static void
put(Line *line, const char *text)
{
	for (; *text != '\0' && line->len < sizeof line->text - 1; text++)
		line->text[line->len++] = *text;
}

static void
put_number(Line *line, guint64 number, unsigned base)
{
	char digits[24];
	size_t at = sizeof digits - 1;
	digits[at] = '\0';
	do {
		digits[--at] = "0123456789abcdef"[number % base];
		number /= base;
	} while (number > 0 && at > 0);
	put(line, digits + at);
}

static bool
is_code(guint64 address)
{
	return address >= (guint64) (uintptr_t) __ehdr_start &&
	       address < (guint64) (uintptr_t) etext;
}

/* As addr2line wants it: from the beginning of the object. */
static void
put_address(Line *line, guint64 address)
{
	put(line, "0x");
	put_number(line, address - (guint64) (uintptr_t) __ehdr_start, 16);
}

static void
find_registers(const ucontext_t *context, guint64 *ret_pc, guint64 *ret_sp)
{
#if defined(__x86_64__)
	*ret_pc = (guint64) context->uc_mcontext.gregs[REG_RIP];
	*ret_sp = (guint64) context->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	*ret_pc = context->uc_mcontext.pc;
	*ret_sp = context->uc_mcontext.sp;
#else
	(void) context;
	*ret_pc = *ret_sp = 0;
#endif
}

/*
 * What looks like addresses of our code on the stack. It is read through the kernel, which says
 * where there is no memory.
 */
static void
put_stack(Line *line, guint64 sp)
{
	static guintptr words[SCANNED_WORDS];
	ssize_t found = -1;
	unsigned frames = 0;

	for (size_t bytes = sizeof words; bytes > 0 && found < 0; bytes /= 2) {
		struct iovec to = { words, bytes }, from = { (void *) (uintptr_t) sp, bytes };
		found = process_vm_readv(getpid(), &to, 1, &from, 1, 0);
	}

	for (ssize_t i = 0; i < found / (ssize_t) sizeof *words && frames < FRAMES; i++) {
		if (!is_code(words[i]))
			continue;
		put(line, frames > 0 ? " " : "");
		put_address(line, words[i]);
		frames++;
	}
}

/* The linker's note, which debuggers find the symbols by. */
static void
put_build_id(Line *line)
{
	const char *start = __ehdr_start;
	const ElfW(Ehdr) *elf = (const void *) start;
	const ElfW(Phdr) *header = (const void *) (start + elf->e_phoff);

	for (unsigned i = 0; i < elf->e_phnum; i++, header++) {
		const ElfW(Nhdr) *note = (const void *) (start + header->p_vaddr);
		if (header->p_type != PT_NOTE || note->n_type != NT_GNU_BUILD_ID ||
		    note->n_namesz != sizeof "GNU")
			continue;
		const guchar *id = (const guchar *) (note + 1) + note->n_namesz;
		for (unsigned j = 0; j < note->n_descsz; j++) {
			put_number(line, id[j] >> 4, 16);
			put_number(line, id[j] & 0xf, 16);
		}
		return;
	}
}

/* The pairs in the form of the log. `text` has nothing that would have to be escaped. */
static void
put_pair(Line *line, const char *key, const char *text)
{
	bool is_json = log_is_json();
	bool is_bare = text[0] != '\0' && strchr(text, ' ') == NULL;
	bool is_first = line->text[line->len - 1] == ':';

	put(line, is_json ? ",\"" : is_first ? " " : ", ");
	put(line, key);
	put(line, is_json ? "\":\"" : is_bare ? "=" : "=\"");
	put(line, text);
	put(line, is_json || !is_bare ? "\"" : "");
}

/* The call by name, or by number where the table has none. */
static void
put_call(Line *line, int number)
{
	static Line name;
	const char *known = box_calls_name(number);
	if (known != NULL)
		put(&name, known);
	else
		put_number(&name, (guint64) number, 10);
	put_pair(line, "call", name.text);
}

static void
describe(Line *line, int number, const siginfo_t *info, const ucontext_t *context)
{
	const EventRow *row = event_row(number == SIGSYS ? EVENT_BOX_REFUSED : EVENT_CRASH);
	static Line stack, at, id, signal_text;
	guint64 pc = 0, sp = 0;
	find_registers(context, &pc, &sp);
	put_number(&signal_text, (guint64) number, 10);
	if (is_code(pc))
		put_address(&at, pc);
	else
		put(&at, "outside"); /* in a library, or nowhere */
	put_stack(&stack, sp);
	put_build_id(&id);

	bool is_json = log_is_json();
	put(line, is_json ? "{\"queue_id\":\"" : "");
	put(line, watch.queue_id[0] != '\0' ? watch.queue_id : "NOQUEUE");
	put(line, is_json ? "\"" : ":");
	put_pair(line, "code", row->code);
	put_pair(line, "event", row->own_key);
	if (number == SIGSYS && info->si_code == SYS_SECCOMP)
		put_call(line, info->si_syscall);
	put_pair(line, "signal", signal_text.text);
	put_pair(line, "at", at.text);
	put_pair(line, "stack", stack.text);
	put_pair(line, "build_id", id.text);
	put(line, is_json ? "}" : "");
}

static void
put_two(Line *line, unsigned number, char behind)
{
	const char text[] = { (char) ('0' + number / 10 % 10), (char) ('0' + number % 10), behind,
		              '\0' };
	put(line, text);
}

/* "2026-11-30T09:00:00Z todoke[12]: ", as other lines of a file begin. */
static void
put_head(Line *line)
{
	gint64 now = time(NULL);
	unsigned second = (unsigned) (now % SECONDS_PER_DAY);
	GDate day;

	g_date_clear(&day, 1);
	g_date_set_julian(&day, (guint32) (now / SECONDS_PER_DAY + JULIAN_1970));
	put_number(line, g_date_get_year(&day), 10);
	put(line, "-");
	put_two(line, (unsigned) g_date_get_month(&day), '-');
	put_two(line, g_date_get_day(&day), 'T');
	put_two(line, second / 3600, ':');
	put_two(line, second / 60 % 60, ':');
	put_two(line, second % 60, 'Z');
	put(line, " todoke[");
	put_number(line, (guint64) getpid(), 10);
	put(line, "]: ");
}

static void
send_to_syslog(const Line *line)
{
	static Line whole;
	const struct sockaddr_un log = { .sun_family = AF_UNIX, .sun_path = _PATH_LOG };
	put(&whole, "<");
	put_number(&whole, LOG_MAIL | LOG_CRIT, 10);
	put(&whole, ">todoke[");
	put_number(&whole, (guint64) getpid(), 10);
	put(&whole, "]: ");
	put(&whole, line->text);

	int fd = log_stream();
	bool ends_with_nul = fd >= 0; /* how streams are cut into lines */
	if (fd < 0) {
		fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
		(void) connect(fd, (const struct sockaddr *) &log, sizeof log);
	}
	(void) send(fd, whole.text, whole.len + ends_with_nul, MSG_NOSIGNAL | MSG_DONTWAIT);
}

static void
send_line(const Line *line)
{
	static Line whole;
	int fd = log_descriptor();
	if (fd < 0) {
		send_to_syslog(line);
		return;
	}

	put_head(&whole);
	put(&whole, line->text);
	put(&whole, "\n");
	(void) !write(fd, whole.text, whole.len);
}

/* The folder, and those that it lies in: the first mail of an owner may be the one that crashes. */
static void
make_folder(void)
{
	for (char *at = strchr(watch.folder + 1, '/'); at != NULL; at = strchr(at + 1, '/')) {
		*at = '\0';
		(void) mkdir(watch.folder, 0700);
		*at = '/';
	}
	(void) mkdir(watch.folder, 0700);
}

/* One octet a crash. Whatever the owner has put in its place, nobody waits for it. */
static void
leave_mark(void)
{
	static Line name;
	if (watch.folder[0] == '\0')
		return;

	put_number(&name, key_of(watch.octets, watch.len), 16);
	make_folder();
	int dir = open(watch.folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	int fd = openat(dir, name.text,
	                O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC, 0600);
	if (fd >= 0)
		(void) !write(fd, "x", 1);
}

void
crash_mark_overtime(void)
{
	if (watch.runs_rules)
		leave_mark();
}

static void
on_crash(int number, siginfo_t *info, void *context)
{
	static Line line;

	leave_mark(); /* the one that matters first */
	describe(&line, number, info, context);
	send_line(&line);
	(void) raise(number); /* SA_RESETHAND: now it does what it always did */
}

static void
catch_signal(int number)
{
	struct sigaction action = { .sa_sigaction = on_crash,
		                    .sa_flags = SA_SIGINFO | SA_RESETHAND | SA_ONSTACK };

	/* another crash in the handler kills at once */
	sigemptyset(&action.sa_mask);
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		sigaddset(&action.sa_mask, signals[i]);
	sigaddset(&action.sa_mask, SIGSYS);
	(void) sigaction(number, &action, NULL);
}

static void
give_stack(void)
{
	const stack_t stack = { .ss_sp = watch.stack, .ss_size = sizeof watch.stack };
	if (!watch.has_stack)
		(void) sigaltstack(&stack, NULL);
	watch.has_stack = true;
}

void
crash_catch(void)
{
	if (watch.is_set)
		return;

	give_stack();
	for (size_t i = 0; i < G_N_ELEMENTS(signals); i++)
		catch_signal(signals[i]);
	watch.is_set = true;
}

static void
name_mail(const char *queue_id)
{
	size_t len = 0;
	for (; queue_id != NULL && queue_id[len] != '\0' && len < sizeof watch.queue_id - 1; len++)
		watch.queue_id[len] = g_ascii_isalnum(queue_id[len]) ? queue_id[len] : '?';
	watch.queue_id[len] = '\0';
}

void
crash_catch_refused(const char *queue_id)
{
	name_mail(queue_id);
	give_stack();
	catch_signal(SIGSYS);
}

/* False: there is none, or its path is too long. */
static bool
name_folder(const CrashPlace *place, char ret_folder[PATH_MAX])
{
	int len = place->folder != NULL
	                  ? snprintf(ret_folder, PATH_MAX, "%s/crashes", place->folder)
	                  : -1;
	return len > 0 && len < PATH_MAX;
}

void
crash_watch(const CrashPlace *place, const char *queue_id)
{
	name_mail(queue_id);
	watch.octets = place->octets;
	watch.len = place->len;
	watch.runs_rules = true;
	if (!name_folder(place, watch.folder))
		watch.folder[0] = '\0';
	crash_catch();
}

void
crash_rules_ended(void)
{
	watch.runs_rules = false;
}

void
crash_unwatch(void)
{
	watch.runs_rules = false;
	watch.folder[0] = '\0';
	watch.queue_id[0] = '\0';
}

/* Does the mark still count? */
static bool
counts(const struct stat *sb)
{
	return S_ISREG(sb->st_mode) && sb->st_mtime + LIMIT_CRASH_AGE >= time(NULL);
}

/* The folder of marks; -1: there is none. */
static int
open_marks(const CrashPlace *place)
{
	char folder[PATH_MAX];
	return name_folder(place, folder)
	               ? open(folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
	               : -1;
}

static void
print_name(const CrashPlace *place, char ret_name[24])
{
	(void) snprintf(ret_name, 24, "%" G_GINT64_MODIFIER "x", key_of(place->octets, place->len));
}

unsigned
crash_count(const CrashPlace *place)
{
	char name[24];
	struct stat sb;
	auto_fd int dir = open_marks(place);
	if (dir < 0)
		return 0;

	print_name(place, name);
	bool is_marked = fstatat(dir, name, &sb, AT_SYMLINK_NOFOLLOW) == 0 && counts(&sb);
	return is_marked ? (unsigned) MIN(sb.st_size, G_MAXINT) : 0;
}

void
crash_forget(const CrashPlace *place)
{
	char name[24], folder[PATH_MAX];
	int fd = open_marks(place);
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		fs_close_auto(&fd);
		return;
	}

	print_name(place, name);
	(void) unlinkat(fd, name, 0);
	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		struct stat sb;
		if (fstatat(fd, entry->d_name, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
		    S_ISREG(sb.st_mode) && !counts(&sb))
			(void) unlinkat(fd, entry->d_name, 0);
	}
	(void) closedir(dir);
	if (name_folder(place, folder))
		(void) rmdir(folder); /* the last mark takes the folder away */
}
