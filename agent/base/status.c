/* SPDX-License-Identifier: MIT */
/* status: the table of faults, and the value that names a row of it. */
#define _GNU_SOURCE
#include "agent/base/status.h"

#include "agent/base/libc.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

/*
 * Arrays instead of pointers: the dynamic linker would adjust each pointer at the start of each
 * delivery.
 */
static const StatusRow rows[STATUS_COUNT] = {
#define STATUS(id, name, exit_code, dsn, lmtp, text) \
	[STATUS_##id] = { name, exit_code, dsn, lmtp, text },
#include "agent/base/status-table.def"
#undef STATUS
};

/* The compiler says nothing of a text that fits but for its NUL. */
#define STATUS(id, word, exit_code, code, lmtp, words) \
	G_STATIC_ASSERT(sizeof word <= sizeof rows[0].name && sizeof code <= sizeof rows[0].dsn && \
	                sizeof words <= sizeof rows[0].text);
#include "agent/base/status-table.def"
#undef STATUS

/*
 * What the system's faults mean to Postfix. EFBIG is the process's limit, not the message's fault:
 * local(8) passes mailbox_size_limit on as RLIMIT_FSIZE. EDQUOT is the owner's quota, but one that
 * may have room again tomorrow.
 */
static const struct {
	int err;
	StatusId id;
} errno_rows[] = {
	{ ENOSPC, STATUS_DISK_FULL },
	{ EDQUOT, STATUS_QUOTA_GRACE },
	{ EFBIG, STATUS_FILE_LIMIT },
	{ EROFS, STATUS_READ_ONLY },
	{ ESTALE, STATUS_STALE },
	{ EMFILE, STATUS_TOO_MANY_FILES },
	{ ENFILE, STATUS_TOO_MANY_FILES },
	{ ENOMEM, STATUS_NO_MEMORY },
	{ EAGAIN, STATUS_NO_MEMORY }, /* of fork: no process to be had */
	{ EACCES, STATUS_NO_PERMISSION },
	{ EPERM, STATUS_NO_PERMISSION },
	{ ENOENT, STATUS_MISSING },
	{ ENOTDIR, STATUS_NOT_A_FOLDER },
	{ ELOOP, STATUS_NOT_A_FOLDER },
	{ ETIMEDOUT, STATUS_DEADLINE },
	/* Another thing is in the place of a file, or no file can have this name. */
	{ EISDIR, STATUS_MAILBOX },
	{ ENXIO, STATUS_MAILBOX },
	{ ENAMETOOLONG, STATUS_MAILBOX },
	{ EILSEQ, STATUS_MAILBOX },
};

const StatusRow *
status_row(StatusId id)
{
	g_assert(id < STATUS_COUNT);
	return &rows[id];
}

StatusId
status_find_name(const char *name)
{
	for (StatusId id = 0; id < STATUS_COUNT; id++)
		if (strcmp(rows[id].name, name) == 0)
			return id;
	return STATUS_COUNT;
}

StatusId
status_from_errno(int err)
{
	for (size_t i = 0; i < G_N_ELEMENTS(errno_rows); i++)
		if (errno_rows[i].err == err)
			return errno_rows[i].id;
	return STATUS_IO;
}

bool
status_fail(Status *st, StatusId id, const char *text, ...)
{
	if (st->id != STATUS_OK)
		return false;
	st->id = id;
	if (text != NULL) {
		va_list args;
		va_start(args, text);
		st->text = g_strdup_vprintf(text, args);
		va_end(args);
	}

	return false;
}

bool
status_fail_detail(Status *st, StatusId id, const char *detail, ...)
{
	if (st->id != STATUS_OK)
		return false;
	st->id = id;
	va_list args;
	va_start(args, detail);
	st->detail = g_strdup_vprintf(detail, args);
	va_end(args);

	return false;
}

/* Only a file system that another host serves gives them. */
static bool
is_of_other_host(int err)
{
	return err == ESTALE || err == EREMOTEIO || err == EHOSTDOWN || err == EREMCHG;
}

/* "cannot open '/srv/x'": the path in quotes is the peer. */
static void
name_file(Status *st, const char *what, const char *words)
{
	const char *path = strchr(what, '\'');
	size_t len = path != NULL ? strcspn(path + 1, "'") : 0;
	g_autofree char *peer = len > 0 ? g_strndup(path + 1, len) : NULL;
	status_set_outside(st, outside_new(OUTSIDE_FILE, peer, what, words));
}

const char *
status_error_text(int err)
{
	const char *text = libc_error_text(err);
	if (text != NULL)
		return text;
	return g_strerror(err);
}

bool
status_fail_errno(Status *st, int err, const char *detail, ...)
{
	if (st->id != STATUS_OK)
		return false;
	va_list args;
	va_start(args, detail);

	g_autofree char *what = g_strdup_vprintf(detail, args);
	va_end(args);
	st->id = status_from_errno(err);
	st->detail = g_strdup_printf(
		"%s: %s%s", what, status_error_text(err),
		err == EFBIG ? " (local(8) sets this limit to mailbox_size_limit)" : "");
	if (is_of_other_host(err))
		name_file(st, what, status_error_text(err));

	return false;
}

bool
status_fail_locked(Status *st, const char *path)
{
	if (st->id != STATUS_OK)
		return false;
	g_autofree char *name = g_path_get_basename(path);
	st->id = STATUS_LOCKED;
	st->text = g_strdup_printf("the lock '%s' is held by another program", name);
	st->detail = g_strdup_printf("'%s' is held by another program", path);

	return false;
}

bool
status_prefix(Status *st, const char *what, ...)
{
	va_list args;

	va_start(args, what);
	g_autofree char *where = g_strdup_vprintf(what, args);
	va_end(args);

	char *old = st->detail;
	st->detail = g_strdup_printf("%s: %s", where, old != NULL ? old : status_text(st));
	g_free(old);

	return false;
}

const char *
status_text(const Status *st)
{
	return st->text != NULL ? st->text : status_row(st->id)->text;
}

const char *
status_why(const Status *st)
{
	return st->detail != NULL ? st->detail : status_text(st);
}

/* class "." subject "." detail, with up to three digits each (RFC 3463 2). */
static bool
is_enhanced_code(const char *text)
{
	unsigned dots = 0, digits = 0;
	for (; *text != '\0'; text++) {
		bool is_dot = *text == '.';
		digits = is_dot ? 0 : digits + 1;
		dots += is_dot;
		if ((!is_dot && !g_ascii_isdigit(*text)) || digits > 3 ||
		    (is_dot && (dots > 2 || !g_ascii_isdigit(text[1]))))
			return false;
	}

	return dots == 2;
}

void
status_set_dsn(Status *st, const char *dsn)
{
	if (!is_enhanced_code(dsn) || dsn[0] != status_row(st->id)->dsn[0] || dsn[1] != '.')
		return;
	g_free(st->dsn);
	st->dsn = g_strdup(dsn);
}

void
status_set_outside(Status *st, Outside *outside)
{
	if (st->id == STATUS_OK || st->outside != NULL)
		outside_free(outside);
	else {
		st->outside = outside;
		outside_see(outside);
	}
}

void
status_set_reference(Status *st, const char *reference)
{
	if (st->id != STATUS_OK && st->reference == NULL)
		st->reference = g_strdup(reference);
}

const char *
status_dsn(const Status *st)
{
	return st->dsn != NULL ? st->dsn : status_row(st->id)->dsn;
}

bool
status_is_temporary(const Status *st)
{
	return status_row(st->id)->dsn[0] == '4';
}

void
status_clear(Status *st)
{
	g_clear_pointer(&st->text, g_free);
	g_clear_pointer(&st->detail, g_free);
	g_clear_pointer(&st->dsn, g_free);
	g_clear_pointer(&st->outside, outside_free);
	g_clear_pointer(&st->reference, g_free);
	st->id = STATUS_OK;
}

void
status_move(Status *to, Status *from)
{
	if (to->id != STATUS_OK) {
		status_clear(from);
		return;
	}

	status_clear(to);
	*to = *from;
	*from = (Status) STATUS_INIT;
}
