/* SPDX-License-Identifier: MIT */
/*
 * early-record: a mail that was answered before a delivery began, as a line of the site's record.
 *
 * Where the recipient is unknown, the tree of mailboxes is missing or the settings are wrong, there
 * is no owner in whose state folder the decision could stand. Such a line goes into a folder that
 * the account of this process owns (early_record_folder): what any stranger can cause as often as
 * they like, unknown users, into one file, and everything else into another, so that a dictionary
 * attack pushes out nothing but its own kind. Each file is as big as a record may get
 * (record_max_size), and so is the one before it.
 */
#ifndef TODOKE_EARLY_RECORD_H
#define TODOKE_EARLY_RECORD_H

#include "agent/base/status.h"
#include "agent/message/envelope.h"
#include "conf/conf.h"

/* The files in the folder. */
#define EARLY_RECORD_UNKNOWN "unknown"
#define EARLY_RECORD_OTHERS "record"

/* What is known of the mail; NULL: not known. */
typedef struct {
	EnvelopeDoor door;
	const char *queue_id;
	const char *origin_id;
	const char *message_id;
	const char *sender;
	const char *recipient;
	const char *original;
	const char *user; /* whose mailbox it was for */
} EarlyMail;

/*
 * Record that it was answered with `st`, a fault. A folder that cannot be used leaves it out: the
 * log has the line in any case.
 */
void early_record_write(const Conf *conf, const EarlyMail *mail, const Status *st);

#endif
