/* SPDX-License-Identifier: MIT */
/*
 * moving: a configuration of Dovecot on its way to todoke.conf: what the parts of
 * `todoke convert dovecot` share.
 *
 * Each setting that a part has dealt with is done; convert_dovecot() deals with the rest by its
 * table.
 */
#ifndef TODOKE_MOVING_H
#define TODOKE_MOVING_H

#include "agent/cmd/convert-settings.h"
#include "agent/cmd/dovecot-config.h"

typedef struct {
	const DovecotConfig *config;
	ConvertSettings *made;
	bool *is_done; /* by number of the setting: nothing more is to be said of it */
	/* why something cannot be; static; set by a function that returns false for it */
	const char *reason;
} Moving;

/* The setting number `i`. Borrowed. */
const DovecotSetting *moving_setting(const Moving *moving, guint i);

/* "line 12: mail_location = maildir:~/Maildir". Caller frees. */
char *moving_quote(const DovecotSetting *setting);

/* The setting was not converted. */
void moving_lose(Moving *moving, const DovecotSetting *setting, const char *reason);

/* Let our setting `ours` have the value; if it cannot have it, `from` is lost. */
void moving_set(Moving *moving, const char *ours, const char *value, const DovecotSetting *from);
void moving_set_number(Moving *moving, const char *ours, gint64 number, const DovecotSetting *from);

/* Let it have a value, which is right, unless it has one. `why` is its comment. */
void moving_set_default(Moving *moving, const char *ours, const char *value, const char *why);

/* Is it a block of this kind? `block` may be NULL. */
bool moving_is_in(const DovecotBlock *block, const char *kind);

/*
 * Does the setting hold for a delivery: outside of blocks, in `plugin`, or in the blocks of LMTP
 * and of dovecot-lda?
 */
bool moving_is_general(const DovecotSetting *setting);

/* The last setting of this name that holds for a delivery; NULL: none. Borrowed. */
const DovecotSetting *moving_find(const Moving *moving, const char *name);

/*
 * The setting `name` right in `block`; in Dovecot 2.4 it may have the block's kind before it. NULL:
 * none. Its value or "". Borrowed.
 */
const DovecotSetting *
moving_find_in(const Moving *moving, const DovecotBlock *block, const char *name);
const char *moving_value_in(const Moving *moving, const DovecotBlock *block, const char *name);

/* All that stands in the block or in blocks in it is done; the setting (may be NULL) is. */
void moving_done_with(Moving *moving, const DovecotBlock *block);
void moving_done(Moving *moving, const DovecotSetting *setting);

/* Is `name` the setting `wanted`, or a further one of its kind: sieve_before2? */
bool moving_is_named(const char *name, const char *wanted);

/* "512 M", "1GB" as octets; a plain number counts `plain` octets. False: it is no such thing. */
bool moving_read_size(const char *text, gint64 plain, gint64 *ret_octets);

/* "7d", "30 mins", "1 weeks" as seconds. */
bool moving_read_time(const char *text, gint64 *ret_seconds);

/* Do we know the variables of this path? False: moving->reason is set. */
bool moving_knows_letters(Moving *moving, const char *value);

/* The parts: users before the place of their mail, which depends on what kind they are. */
void moving_users(Moving *moving);
void moving_place(Moving *moving);
void moving_scripts(Moving *moving);
void moving_quota(Moving *moving);

/*
 * For rows of convert-dovecot.def: a script's location, the owner's, one of several, and names of
 * extensions. False: moving->reason says why it cannot be.
 */
bool moving_scripts_take(Moving *moving, const char *ours, const DovecotSetting *from);
bool moving_scripts_take_personal(Moving *moving, const char *ours, const DovecotSetting *from);
bool moving_scripts_take_list(Moving *moving, const char *ours, const DovecotSetting *from);
bool moving_scripts_take_extensions(Moving *moving, const char *ours, const DovecotSetting *from);

#endif
