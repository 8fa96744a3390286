/* SPDX-License-Identifier: MIT */
/* claim: symlink, readlink, and a lock for the case that two retries meet. */
#define _GNU_SOURCE
#include "agent/store/claim.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A second round is a second retry; more of them at once come from no mail server. */
enum { ROUNDS = 4 };

/* Seconds that the clocks of hosts that share a folder may differ. */
enum { CLOCK_SKEW = 600 };

/* Between two looks at a delivery that is at work. */
enum { WAIT_STEP_MS = 20 };

/*
 * Times and microseconds to wait for who holds tmp, a second in all: that takes some system calls,
 * for which it may have to wait for a processor, unless the holder means to hinder us.
 */
enum { LOCK_TRIES = 500, LOCK_PAUSE_US = 2000 };

#define PREFIX "todoke-"

/*
 * Before a name: a retry has answered for that copy, so its maker must not take it back any more.
 */
#define ANSWERED "+"

struct Claim {
	int dirfd;
	int draft_dirfd;    /* where the draft lies */
	const char *hidden; /* in front of its name there: "tmp/", or "." */
	char *path;         /* "tmp/todoke-KEY" */
	char *name;         /* the draft that we claimed; NULL: none */
};

Claim *
claim_new(int dirfd, const char *key)
{
	Claim *claim = g_new0(Claim, 1);
	claim->dirfd = claim->draft_dirfd = dirfd;
	claim->hidden = "tmp/";
	claim->path = g_strconcat("tmp/" PREFIX, key, NULL);
	return claim;
}

void
claim_set_folder(Claim *claim, int dirfd, const char *hidden)
{
	claim->draft_dirfd = dirfd;
	claim->hidden = hidden;
}

void
claim_free(Claim *claim)
{
	if (claim == NULL)
		return;
	g_free(claim->path);
	g_free(claim->name);
	g_free(claim);
}

/* What stands in the link; NULL: errno, EINVAL where it is no claim. Caller frees. */
static char *
read_link(int dirfd, const char *path)
{
	char text[LIMIT_FILE_NAME + 2];
	ssize_t len = readlinkat(dirfd, path, text, sizeof text);
	if (len < 0)
		return NULL;
	text[MIN(len, (ssize_t) sizeof text - 1)] = '\0';
	const char *name = g_str_has_prefix(text, ANSWERED) ? text + strlen(ANSWERED) : text;

	/* The folder is its owner's: only a file of this tmp is ever looked at. */
	if (len < (ssize_t) sizeof text && *name != '\0' && *name != '.' &&
	    strchr(name, '/') == NULL)
		return g_strdup(text);

	errno = EINVAL;
	return NULL;
}

/*
 * read_link found nothing: is there no claim? Else a fault of the disk hides what it says, and to
 * go on without it would store the mail twice.
 */
static bool
is_no_claim(int err)
{
	return err == ENOENT || err == EINVAL;
}

/*
 * Hold tmp until *ret_fd is closed, so that nobody gives a claim up while another answers for it.
 * False: somebody else does.
 */
static bool
hold_tmp(const Claim *claim, int *ret_fd)
{
	*ret_fd = openat(claim->dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < LOCK_TRIES; i++) {
		/*
		 * Other faults: this file system has no such locks (NFS wants to write for them),
		 * and few have two hosts retry at once.
		 */
		if (flock(*ret_fd, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK)
			return true;
		g_usleep(LOCK_PAUSE_US);
	}

	return false;
}

static bool
link_says(const Claim *claim, const char *path, const char *want)
{
	g_autofree char *text = read_link(claim->dirfd, path);
	return text != NULL && strcmp(text, want) == 0;
}

static bool
says(const Claim *claim, const char *want)
{
	return link_says(claim, claim->path, want);
}

static bool
fail(const Claim *claim, Status *st)
{
	return status_fail_errno(st, errno, "cannot claim '%s'", claim->path);
}

/*
 * Make the claim say `text`, in one step. `name`: the draft of this process, for a name that nobody
 * else has.
 */
static bool
replace(const Claim *claim, const char *name, const char *text, Status *st)
{
	g_autofree char *fresh = g_strconcat("tmp/" PREFIX, name, NULL);
	if (symlinkat(text, claim->dirfd, fresh) < 0 &&
	    (errno != EEXIST || !link_says(claim, fresh, text)))
		return fail(claim, st);
	if (renameat(claim->dirfd, fresh, claim->dirfd, claim->path) == 0)
		return true;

	fail(claim, st);
	if (st->id == STATUS_MISSING && says(claim, text)) { /* the answer of NFS was lost */
		status_clear(st);
		return true;
	}
	(void) unlinkat(claim->dirfd, fresh, 0); /* the first fault is the one that counts */
	return false;
}

static bool
is_old(int dirfd, const char *path, gint64 lifetime)
{
	struct stat sb;
	if (fstatat(dirfd, path, &sb, AT_SYMLINK_NOFOLLOW) < 0)
		return false;
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	return sb.st_mtime + lifetime < now || sb.st_mtime > now + CLOCK_SKEW;
}

/*
 * Was the claim made by somebody else who may write here? Compared with our draft `name`: a file
 * server may map users.
 */
static bool
is_strangers(const Claim *claim, const char *name)
{
	struct stat link, draft;
	g_autofree char *path = g_strconcat(claim->hidden, name, NULL);
	return fstatat(claim->dirfd, claim->path, &link, AT_SYMLINK_NOFOLLOW) == 0 &&
	       fstatat(claim->draft_dirfd, path, &draft, AT_SYMLINK_NOFOLLOW) == 0 &&
	       link.st_uid != draft.st_uid;
}

/*
 * Is the delivery that wrote this draft still at work? It holds a shared lock on the file (claim.h)
 * that ends with its process, so neither age nor a guess decides. Where locks are impossible the
 * answer is no. Opened for writing, which NFS asks for.
 */
static bool
is_held(int dirfd, const char *hidden, const char *name)
{
	g_autofree char *path = g_strconcat(hidden, name, NULL);
	auto_fd int fd = openat(dirfd, path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	return fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK;
}

/* Remove a claim that does not count any more, and what its try has left. True: it is gone. */
static bool
remove_old(int dirfd, const char *path, int draft_dirfd, const char *hidden)
{
	struct stat sb;
	bool own = fstatat(dirfd, path, &sb, AT_SYMLINK_NOFOLLOW) == 0 &&
	           sb.st_uid == fs_own_euid();
	g_autofree char *name = read_link(dirfd, path);

	if (name != NULL && own && is_held(draft_dirfd, hidden, name))
		return false; /* a clock that jumps makes a delivery look old that is at work */
	if (unlinkat(dirfd, path, 0) < 0)
		return errno == ENOENT;
	if (name == NULL || !own) /* a stranger's may name the draft of another delivery */
		return true;

	g_autofree char *draft = g_strconcat(hidden, name, NULL);
	(void) unlinkat(draft_dirfd, draft, 0); /* mostly it is not there */
	return true;
}

typedef enum {
	ROUND_OURS,
	ROUND_STORED,
	ROUND_UNSUPPORTED,
	ROUND_AGAIN,
	ROUND_WAIT,
	ROUND_FAULT
} Round;

/*
 * What our drafts never are, so the file is not the earlier try's. `fd` -1: errno tells why it
 * cannot be opened.
 */
static bool
is_no_draft(int fd)
{
	struct stat sb;
	if (fd < 0)
		return errno == ELOOP || errno == EACCES || errno == ENXIO || errno == EISDIR;
	return fstat(fd, &sb) == 0 && !S_ISREG(sb.st_mode);
}

/*
 * A claim that says nothing. Where it cannot be removed either, the mail does without: better twice
 * than late.
 */
static Round
clear(const Claim *claim)
{
	return remove_old(claim->dirfd, claim->path, claim->draft_dirfd, claim->hidden)
	               ? ROUND_AGAIN
	               : ROUND_UNSUPPORTED;
}

/*
 * Where the draft lies in another folder, that may be on another file system, and its removal on
 * the disk before the change of the claim is: after a power cut the claim would tell of a copy that
 * nobody has.
 */
static bool
flush_apart(const Claim *claim, Status *st)
{
	auto_fd int fd = -1;
	return claim->draft_dirfd == claim->dirfd ||
	       (fs_open_dir(claim->dirfd, "tmp", &fd, st) && fs_sync(fd, "tmp", st));
}

/*
 * An earlier try has left its draft, or is at work and about to move it: then it holds the file,
 * and is waited for. The lock keeps other retries away as well: one of them would take a draft that
 * we removed for a copy that was made visible. Where locks are impossible, whoever takes the name
 * away first decides.
 */
static Round
take_over(Claim *claim, const char *name, const char *earlier, Status *st)
{
	g_autofree char *path = g_strconcat(claim->hidden, earlier, NULL);
	auto_fd int fd = openat(claim->draft_dirfd, path,
	                        O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	/* moved; or removed by a retry, and then the claim says something else */
	if (fd < 0 && errno == ENOENT)
		return says(claim, earlier) ? ROUND_STORED : ROUND_AGAIN;
	if (is_no_draft(fd))
		return clear(claim);
	if (fd < 0)
		return fail(claim, st), ROUND_FAULT;
	if (flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK)
		return ROUND_WAIT;
	if (!says(claim, earlier))
		return ROUND_AGAIN;
	if (!replace(claim, name, name, st))
		return ROUND_FAULT;

	/* whatever fails now, claim_drop takes the claim away before our draft goes */
	claim->name = g_strdup(name);
	if (!flush_apart(claim, st))
		return ROUND_FAULT;
	if (unlinkat(claim->draft_dirfd, path, 0) == 0)
		return ROUND_OURS;
	if (errno != ENOENT)
		return fail(claim, st), ROUND_FAULT;
	if (!replace(claim, name, earlier, st))
		return ROUND_FAULT;

	g_clear_pointer(&claim->name, g_free);
	return ROUND_STORED;
}

/*
 * A power cut lost the move that was answered for, on a file system that does not keep the order of
 * what was done.
 */
static bool
has_draft(const Claim *claim, const char *name)
{
	g_autofree char *path = g_strconcat(claim->hidden, name, NULL);
	struct stat sb;
	return fstatat(claim->draft_dirfd, path, &sb, AT_SYMLINK_NOFOLLOW) == 0;
}

/* There is a claim. */
static Round
meet(Claim *claim, const char *name, gint64 lifetime, char **ret_earlier, Status *st)
{
	auto_fd int held = -1;

	/* a stranger may hold it for ever: then on with it, for the mail must not wait */
	(void) hold_tmp(claim, &held);
	g_autofree char *earlier = read_link(claim->dirfd, claim->path);
	if (earlier == NULL && !is_no_claim(errno))
		return fail(claim, st), ROUND_FAULT;
	if (earlier == NULL || is_strangers(claim, name))
		return clear(claim);
	if (is_held(claim->draft_dirfd, claim->hidden, earlier))
		return ROUND_WAIT;
	if (is_old(claim->dirfd, claim->path, lifetime))
		return clear(claim);

	if (g_str_has_prefix(earlier, ANSWERED)) {
		const char *file = earlier + strlen(ANSWERED);
		if (has_draft(claim, file))
			return replace(claim, name, file, st) ? ROUND_AGAIN : ROUND_FAULT;
		*ret_earlier = g_strdup(file);
		return ROUND_STORED;
	}

	Round round = take_over(claim, name, earlier, st);
	if (round != ROUND_STORED)
		return round;

	g_autofree char *text = g_strconcat(ANSWERED, earlier, NULL);
	if (!replace(claim, name, text, st))
		return ROUND_FAULT;

	*ret_earlier = g_steal_pointer(&earlier);
	return round;
}

static Round
one_round(Claim *claim, const char *name, gint64 lifetime, char **ret_earlier, Status *st)
{
	if (symlinkat(name, claim->dirfd, claim->path) == 0)
		return ROUND_OURS;
	/* Nobody else has this name: then the link is ours, and the answer of NFS was lost. */
	if (errno == EEXIST)
		return says(claim, name) ? ROUND_OURS
		                         : meet(claim, name, lifetime, ret_earlier, st);
	/*
	 * The draft is in the same folder: EACCES is a policy (SELinux) that has links forbidden.
	 */
	if (errno == EPERM || errno == EACCES || errno == EOPNOTSUPP || errno == ENOSYS)
		return ROUND_UNSUPPORTED;

	return fail(claim, st), ROUND_FAULT;
}

bool
claim_take(Claim *claim, const char *name, const ClaimTimes *times, ClaimAnswer *ret_answer,
           char **ret_earlier, Status *st)
{
	Round round = ROUND_AGAIN;
	unsigned waited_ms = 0;

	for (int i = 0; i < ROUNDS && (round == ROUND_AGAIN || round == ROUND_WAIT);) {
		round = one_round(claim, name, times->lifetime, ret_earlier, st);
		if (round != ROUND_WAIT) {
			i++;
		} else if (waited_ms < times->wait_ms) {
			g_usleep(WAIT_STEP_MS * 1000);
			waited_ms += WAIT_STEP_MS;
		} else {
			break;
		}
	}

	if (round == ROUND_AGAIN || round == ROUND_WAIT)
		return status_fail(st, STATUS_BUSY,
		                   "another delivery of this message to this mailbox is at work");
	if (round == ROUND_FAULT)
		return false;

	if (round == ROUND_OURS && claim->name == NULL)
		claim->name = g_strdup(name);
	*ret_answer = round == ROUND_OURS     ? CLAIM_OURS
	              : round == ROUND_STORED ? CLAIM_STORED
	                                      : CLAIM_UNSUPPORTED;
	return true;
}

bool
claim_read_note(const Claim *claim, gint64 lifetime, char **ret_note, Status *st)
{
	struct stat link;
	bool is_there = fstatat(claim->dirfd, claim->path, &link, AT_SYMLINK_NOFOLLOW) == 0;
	if (!is_there && errno != ENOENT)
		return fail(claim, st);
	if (!is_there || link.st_uid != fs_own_euid() ||
	    is_old(claim->dirfd, claim->path, lifetime))
		return true;

	char *note = read_link(claim->dirfd, claim->path);
	if (note == NULL && !is_no_claim(errno))
		return fail(claim, st);
	*ret_note = note;
	return true;
}

void
claim_write_note(Claim *claim, const char *note)
{
	/* a folder without symbolic links: nobody will know */
	g_auto(Status) unsupported = STATUS_INIT;
	g_autofree char *unique = g_uuid_string_random();
	if (replace(claim, unique, note, &unsupported))
		claim->name = g_strdup(note);
}

bool
claim_take_anyway(Claim *claim, const char *name, Status *st)
{
	if (!replace(claim, name, name, st))
		return false;
	claim->name = g_strdup(name);
	return true;
}

bool
claim_drop(Claim *claim)
{
	if (claim->name == NULL)
		return true;
	auto_fd int held = -1;
	g_auto(Status) unflushed = STATUS_INIT;
	if (!hold_tmp(claim, &held) || !says(claim, claim->name) ||
	    unlinkat(claim->dirfd, claim->path, 0) < 0 || !flush_apart(claim, &unflushed))
		return false; /* and not at the next call either */

	g_clear_pointer(&claim->name, g_free);
	return true;
}

bool
claim_answer_stands(const Claim *claim, const char *earlier)
{
	g_autofree char *answered = g_strconcat(ANSWERED, earlier, NULL);
	return says(claim, answered);
}

void
claim_forget(Claim *claim)
{
	auto_fd int held = -1;

	/* or somebody who is answering for our copy would bring the claim back */
	(void) hold_tmp(claim, &held);
	g_autofree char *answered = claim->name != NULL ? g_strconcat(ANSWERED, claim->name, NULL)
	                                                : NULL;
	bool is_ours = claim->name == NULL || says(claim, claim->name) || says(claim, answered);
	if (is_ours)
		/* what stays ends with its lifetime */
		(void) unlinkat(claim->dirfd, claim->path, 0);
	g_clear_pointer(&claim->name, g_free);
}

/* The key is as good as random, and costs no system call. */
static bool
is_sweeper(const Claim *claim)
{
	const char *digits = claim->path + strlen("tmp/" PREFIX);
	return (g_ascii_xdigit_value(digits[0]) * 16 + g_ascii_xdigit_value(digits[1])) %
	               CLAIM_SWEEP_EVERY ==
	       0;
}

/*
 * A file that is left in tmp, by whatever program. Its change time counts, as a program may give a
 * mail that it is storing the date of its arrival.
 */
static bool
is_left_behind(int dirfd, const char *path, gint64 age)
{
	struct stat sb;
	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	return fstatat(dirfd, path, &sb, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(sb.st_mode) &&
	       MAX(sb.st_mtime, sb.st_ctime) + age < now;
}

void
claim_sweep(const Claim *claim, gint64 lifetime, gint64 tmp_age)
{
	int fd = is_sweeper(claim) ? openat(claim->dirfd, "tmp", O_RDONLY | O_DIRECTORY | O_CLOEXEC)
	                           : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		fs_close_auto(&fd);
		return;
	}

	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;) {
		g_autofree char *path = g_strconcat("tmp/", entry->d_name, NULL);
		bool is_claim = g_str_has_prefix(entry->d_name, PREFIX);
		if (!is_claim && is_left_behind(claim->dirfd, path, tmp_age))
			(void) unlinkat(claim->dirfd, path, 0); /* or another time */
		if (is_claim && is_old(claim->dirfd, path, lifetime))
			/* or another time */
			(void) remove_old(claim->dirfd, path, claim->dirfd, "tmp/");
	}

	(void) closedir(dir);
}
