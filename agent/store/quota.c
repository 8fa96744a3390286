/* SPDX-License-Identifier: MIT */
/* quota: limits, and what is said of a mailbox that is full. */
#include "agent/store/quota.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/outside.h"
#include "agent/store/quota-count.h"
#include "agent/store/quota-memory.h"
#include "agent/store/quota-service.h"
#include "conf/conf-choices.h"
#include "conf/conf-state.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/*
 * Seconds after which a file that says "full" is no longer believed, by the specification; nor is
 * one that a clock has dated so far ahead.
 */
enum { BELIEVED_S = 15 * 60 };

/* How often a mailbox is counted in which mail comes and goes meanwhile. */
enum { COUNTS = 3 };

/* Refusals are one story until none came for a day longer than they are temporary. */
enum { DAY_SECONDS = 86400 };

struct Quota {
	const Conf *conf;
	QuotaOwner owner;
	GPtrArray *notes; /* borrowed */
	int inbox;        /* borrowed */
	bool look_only;   /* nothing is written */
	bool asks;        /* Dovecot says whether there is room */
	QuotaCountRules rules;
	MaildirsizeAmount limit; /* 0: any */
	MaildirsizeAmount there; /* before what was taken */
	MaildirsizeAmount taken;
	unsigned lines; /* of the file, its definition not counted */
	time_t mtime;
	ino_t inode;      /* of the file; 0: there is none */
	bool is_doubtful; /* others replaced the file while mail was stored */
	bool was_below;   /* something was taken for which there was room by the limit itself */
	char *unread;     /* why `there` is not all; NULL: it is */
	bool is_noted;    /* that it is not */
};

/* A file that cannot be written is no fault of the mail: then it is counted again the next time. */
static void
replace_file(Quota *quota)
{
	g_auto(Status) st = STATUS_INIT;
	quota->inode = 0;
	(void) maildirsize_replace(quota->inbox, &quota->limit, &quota->there, &quota->inode, &st);
}

/*
 * Count, and write what was found, if it is all. False: mail came or went meanwhile: somebody wrote
 * a line to the old file, or changed a folder.
 */
static bool
count_once(Quota *quota)
{
	off_t size = 0;
	auto_fd int held = quota->look_only ? -1 : maildirsize_hold(quota->inbox, &size);
	g_auto(QuotaCount) found = quota_count(quota->inbox, &quota->rules, true);

	quota->there = found.sum;
	quota->lines = 1;
	quota->mtime = time(NULL);
	g_free(quota->unread);
	quota->unread = g_steal_pointer(&found.unread);
	if (quota->look_only || quota->unread != NULL)
		return true;

	replace_file(quota);
	g_auto(QuotaCount) now = quota_count(quota->inbox, &quota->rules, false);
	return !maildirsize_has_grown(held, size) && now.stamp == found.stamp;
}

/* A mailbox that is never quiet is counted by the next one, if the definition is not lost by it. */
static void
recount(Quota *quota)
{
	quota->is_doubtful = false;
	for (int i = 0; i < COUNTS; i++)
		if (count_once(quota))
			return;
	if (quota->conf->quota == CONF_QUOTA_SITE &&
	    unlinkat(quota->inbox, MAILDIRSIZE_FILE, 0) == 0)
		quota->inode = 0;
}

static MaildirsizeAmount
limit_of(const Conf *conf, const Maildirsize *file)
{
	return conf->quota == CONF_QUOTA_SITE
	               ? (MaildirsizeAmount){ conf->quota_bytes, conf->quota_messages }
	               : file->limit;
}

static bool
has_limit(const MaildirsizeAmount *limit)
{
	return limit->bytes > 0 || limit->messages > 0;
}

static Quota *
new_quota(const Maildir *inbox, const Conf *conf, const QuotaOwner *owner, GPtrArray *notes)
{
	Quota *quota = g_new0(Quota, 1);
	*quota = (Quota){ .conf = conf,
		          .owner = *owner,
		          .notes = notes,
		          .inbox = maildir_fd(inbox),
		          .look_only = maildir_is_rehearsal(inbox),
		          .asks = conf->quota == CONF_QUOTA_DOVECOT };
	quota_count_rules_init(&quota->rules, conf, inbox);
	return quota;
}

static void
note(GPtrArray *notes, char *text)
{
	if (notes != NULL)
		g_ptr_array_add(notes, text);
	else
		g_free(text);
}

Quota *
quota_open(const Maildir *inbox, const Conf *conf, const QuotaOwner *owner, GPtrArray *notes)
{
	Maildirsize file = { .sound = false };
	if (conf->quota == CONF_QUOTA_OFF)
		return NULL;
	if (conf->quota == CONF_QUOTA_DOVECOT)
		return new_quota(inbox, conf, owner, notes);

	bool found = maildirsize_read(maildir_fd(inbox), &file);
	MaildirsizeAmount limit = limit_of(conf, &file);
	if (!has_limit(&limit)) {
		if (found && !file.sound)
			note(notes, g_strdup("no quota: cannot read the definition in "
			                     "'" MAILDIRSIZE_FILE "'"));
		return NULL;
	}

	Quota *quota = new_quota(inbox, conf, owner, notes);
	quota->limit = limit;
	quota->there = file.used;
	quota->lines = file.lines;
	quota->mtime = file.mtime;
	quota->inode = file.inode;
	if (!file.sound || file.limit.bytes != limit.bytes || file.limit.messages != limit.messages)
		recount(quota);

	return quota;
}

void
quota_free(Quota *quota)
{
	if (quota == NULL)
		return;
	quota_count_rules_clear(&quota->rules);
	g_free(quota->unread);
	g_free(quota);
}

bool
quota_counts(const Quota *quota, const char *path, const char *letters)
{
	return quota_count_has(&quota->rules, path, letters);
}

/* Grace is for a mail that begins below the limit. */
static bool
fits(const Quota *quota, const MaildirsizeAmount *limit, gint64 bytes)
{
	const MaildirsizeAmount *there = &quota->there, *taken = &quota->taken;
	gint64 grace = there->bytes < limit->bytes ? quota->conf->quota_grace : 0;

	return (limit->bytes == 0 || there->bytes + taken->bytes + bytes <= limit->bytes + grace) &&
	       (limit->messages == 0 || there->messages + taken->messages + 1 <= limit->messages);
}

/* Refused for good at once, or when there has been no room for long enough. */
static StatusId
row_of_full(const Quota *quota)
{
	const Conf *conf = quota->conf;
	const QuotaOwner *owner = &quota->owner;
	gint64 since = quota_memory_refuse(owner->state, owner->now,
	                                   conf->quota_defer_for + DAY_SECONDS, quota->look_only);
	bool is_over = conf->quota_defer_for > 0 && owner->now - since >= conf->quota_defer_for;

	return conf->quota_full == CONF_QUOTA_FULL_BOUNCE || is_over ? STATUS_QUOTA
	                                                             : STATUS_QUOTA_GRACE;
}

/*
 * Say how full the mailbox is, and what it may hold: sender, owner and admin can all do something
 * about it.
 */
static bool
fail_full(const Quota *quota, const MaildirsizeAmount *limit, gint64 more, Status *st)
{
	g_autoptr(GString) fill = g_string_new(NULL);

	if (limit->bytes > 0)
		g_string_append_printf(fill, "%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " bytes",
		                       quota->there.bytes, limit->bytes);
	if (limit->messages > 0)
		g_string_append_printf(
			fill, "%s%" G_GINT64_FORMAT " of %" G_GINT64_FORMAT " messages",
			fill->len > 0 ? ", " : "", quota->there.messages, limit->messages);

	status_fail(st, row_of_full(quota), "mailbox is full: %s are there", fill->str);
	return status_prefix(st,
	                     "quota: %" G_GINT64_FORMAT " bytes and %" G_GINT64_FORMAT
	                     " messages are there, %" G_GINT64_FORMAT " bytes came",
	                     quota->there.bytes, quota->there.messages, more);
}

static bool
fail_too_big(gint64 bytes, gint64 limit, Status *st)
{
	return status_fail(st, STATUS_TOO_BIG,
	                   "message of %" G_GINT64_FORMAT
	                   " bytes is too big for this mailbox of %" G_GINT64_FORMAT " bytes",
	                   bytes, limit);
}

/* Who is asked does not answer: that is nobody's fault who wrote or gets the mail. */
static bool
take_unanswered(const Quota *quota, const char *reply, Status *st)
{
	const char *where = quota->conf->quota_service;
	g_autoptr(Outside) outside = outside_new(OUTSIDE_POLICY, where, "quota-status", reply);

	if (quota->conf->quota_unanswered == CONF_QUOTA_UNANSWERED_DEFER) {
		status_fail_detail(st, STATUS_QUOTA_UNKNOWN, "Dovecot's quota-status at '%s': %s",
		                   where, reply);
		status_set_outside(st, g_steal_pointer(&outside));
		return false;
	}

	outside_see(outside);
	note(quota->notes,
	     g_strdup_printf("stored without a quota: Dovecot's quota-status at '%s': %s", where,
	                     reply));
	return true;
}

/* All copies of the mail are one question. */
static bool
ask_dovecot(const Quota *quota, gint64 bytes, Status *st)
{
	const Conf *conf = quota->conf;
	unsigned seconds = MIN((unsigned) conf->quota_timeout, MAX(deadline_left() / 2, 1));
	const QuotaServiceQuestion question = { .where = conf->quota_service,
		                                .user = quota->owner.user,
		                                .bytes = (guint64) (quota->taken.bytes + bytes),
		                                .timeout_ms = seconds * 1000 };
	g_autofree char *reply = NULL;
	deadline_waiting_for("asking Dovecot for the quota");

	switch (quota_service_ask(&question, &reply)) {
	case QUOTA_SERVICE_ROOM:
		return true;
	case QUOTA_SERVICE_FULL:
		status_fail(st, row_of_full(quota), "mailbox is full");
		return status_prefix(st, "quota of Dovecot: %s", reply);
	case QUOTA_SERVICE_TOO_BIG:
		status_fail(st, STATUS_TOO_BIG,
		            "message of %" G_GINT64_FORMAT " bytes is too big for this mailbox",
		            bytes);
		return status_prefix(st, "quota of Dovecot: %s", reply);
	default:
		return take_unanswered(quota, reply, st);
	}
}

/* There is room beside what was counted, but a folder could not be looked into. */
static bool
take_uncounted(Quota *quota, Status *st)
{
	if (quota->conf->quota_unanswered == CONF_QUOTA_UNANSWERED_DEFER)
		return status_fail_detail(st, STATUS_QUOTA_UNKNOWN, "quota: %s", quota->unread);

	if (!quota->is_noted)
		note(quota->notes, g_strdup_printf("stored by a quota that is not all counted: %s",
		                                   quota->unread));
	quota->is_noted = true;
	return true;
}

static bool
is_room(Quota *quota, const char *path, gint64 bytes, Status *st)
{
	if (quota->asks)
		return quota->owner.user == NULL || ask_dovecot(quota, bytes, st);

	MaildirsizeAmount limit = quota_rules_limit(quota->rules.folders, path, &quota->limit);
	if (limit.bytes > 0 && bytes > limit.bytes + quota->conf->quota_grace)
		return fail_too_big(bytes, limit.bytes, st);

	bool is_believed = quota->lines == 1 && ABS(time(NULL) - quota->mtime) <= BELIEVED_S;
	if (!fits(quota, &limit, bytes) && !is_believed)
		recount(quota);
	if (!fits(quota, &limit, bytes))
		return fail_full(quota, &limit, bytes, st);
	return quota->unread == NULL || take_uncounted(quota, st);
}

bool
quota_take(Quota *quota, const char *path, guint64 bytes, Status *st)
{
	gint64 more = (gint64) MIN(bytes, (guint64) MAILDIRSIZE_MOST);
	if (!is_room(quota, path, more, st))
		return false;

	quota->was_below = quota->was_below || fits(quota, &quota->limit, more);
	quota->taken.bytes += more;
	quota->taken.messages++;
	return true;
}

void
quota_add(Quota *quota, gint64 bytes, gint64 messages)
{
	const MaildirsizeAmount more = { bytes, messages };
	if (quota->look_only || quota->asks)
		return;
	if (maildirsize_add(quota->inbox, quota->inode, &more,
	                    conf_state_is_shared(quota->conf->state)) == MAILDIRSIZE_REPLACED)
		quota->is_doubtful = true;
}

void
quota_settle(Quota *quota, bool is_stored)
{
	if (quota->look_only)
		return;
	if (quota->is_doubtful) {
		recount(quota);
		quota->taken = (MaildirsizeAmount){ 0, 0 };
	}
	if (is_stored && quota->was_below)
		quota_memory_take(quota->owner.state);
}

static unsigned
percent_of(gint64 there, gint64 limit)
{
	if (limit <= 0 || there <= 0)
		return 0;
	return (unsigned) MIN((gdouble) there * 100 / (gdouble) limit, 1000);
}

QuotaFill
quota_fill(const Quota *quota)
{
	if (quota == NULL || quota->asks || quota->unread != NULL)
		return (QuotaFill){ .is_known = false };

	QuotaFill fill = { .is_known = true,
		           .bytes = quota->there.bytes + quota->taken.bytes,
		           .messages = quota->there.messages + quota->taken.messages,
		           .limit_bytes = quota->limit.bytes,
		           .limit_messages = quota->limit.messages };
	fill.percent = MAX(percent_of(fill.bytes, fill.limit_bytes),
	                   percent_of(fill.messages, fill.limit_messages));
	return fill;
}

unsigned
quota_threshold_parse(const char *item)
{
	char *end;
	guint64 percent = g_ascii_strtoull(item, &end, 10);
	bool is_whole = g_ascii_isdigit(*item) && strcmp(end, "%") == 0;
	return is_whole && percent <= 100 ? (unsigned) percent : 0;
}

unsigned
quota_threshold(const Conf *conf, const QuotaFill *fill)
{
	unsigned reached = 0;
	for (char **item = conf->quota_warnings; item != NULL && *item != NULL; item++) {
		unsigned percent = quota_threshold_parse(*item);
		if (fill->is_known && fill->percent >= percent)
			reached = MAX(reached, percent);
	}
	return reached;
}

void
quota_moved(Quota *quota, QuotaFile from, QuotaFile to, guint64 bytes)
{
	bool counted = quota_counts(quota, from.path, quota_count_letters(from.name));
	bool counts = quota_counts(quota, to.path, quota_count_letters(to.name));
	gint64 size = (gint64) MIN(bytes, (guint64) MAILDIRSIZE_MOST);

	(void) quota_count_said(to.name, &size);
	if (counted != counts)
		quota_add(quota, counts ? size : -size, counts ? 1 : -1);
}

bool
quota_may_reach(const Maildir *inbox, const Conf *conf, const char *state, guint64 bytes,
                size_t copies)
{
	Maildirsize file = { .sound = false };
	QuotaMemory memory;
	if (conf->quota_warnings == NULL || *conf->quota_warnings == NULL ||
	    conf->quota == CONF_QUOTA_OFF || conf->quota == CONF_QUOTA_DOVECOT)
		return false;
	if (!maildirsize_read(maildir_fd(inbox), &file) || !file.sound)
		return true;

	const Quota quota = { .limit = limit_of(conf, &file),
		              .there = file.used,
		              .taken = { (gint64) MIN(bytes * copies, (guint64) MAILDIRSIZE_MOST),
		                         (gint64) copies } };
	QuotaFill fill = quota_fill(&quota);
	quota_memory_read(state, &memory);
	return quota_threshold(conf, &fill) > memory.warned;
}

bool
quota_has_room(const char *path, const Conf *conf, const QuotaOwner *owner, guint64 bytes,
               QuotaFill *ret_fill, Status *st)
{
	*ret_fill = (QuotaFill){ .is_known = false };
	if (conf->quota == CONF_QUOTA_OFF)
		return true;
	g_auto(Status) absent = STATUS_INIT;
	MaildirOptions look_only = { .umask = (mode_t) conf->umask,
		                     .durability = CONF_DURABILITY_NONE };
	g_autoptr(Maildir) inbox = maildir_open(path, &look_only, &absent);
	if (inbox == NULL)
		return true;

	g_autoptr(Quota) quota = quota_open(inbox, conf, owner, NULL);
	bool has_room = quota == NULL || quota_take(quota, NULL, MAX(bytes, 1), st);
	if (!has_room)
		*ret_fill = quota_fill(quota);
	return has_room;
}

bool
quota_look(const Maildir *inbox, const Conf *conf, bool counts, QuotaLook *ret)
{
	Maildirsize file = { .sound = false };
	if (conf->quota == CONF_QUOTA_OFF || conf->quota == CONF_QUOTA_DOVECOT)
		return false;

	bool found = maildirsize_read(maildir_fd(inbox), &file);
	MaildirsizeAmount limit = limit_of(conf, &file);
	if (!has_limit(&limit))
		return false;

	g_auto(QuotaCountRules) rules;
	quota_count_rules_init(&rules, conf, inbox);
	g_auto(QuotaCount) count = { .sum = file.used };
	if (counts)
		count = quota_count(maildir_fd(inbox), &rules, true);
	g_autofree char *definition = maildirsize_print(&limit);

	*ret = (QuotaLook){ .has_file = found,
		            .is_sound = file.sound,
		            .said_bytes = file.used.bytes,
		            .said_messages = file.used.messages,
		            .bytes = count.sum.bytes,
		            .messages = count.sum.messages,
		            .limit_bytes = limit.bytes,
		            .limit_messages = limit.messages };
	g_strlcpy(ret->definition, definition, sizeof ret->definition);
	g_strlcpy(ret->unread, count.unread != NULL ? count.unread : "", sizeof ret->unread);

	return true;
}
