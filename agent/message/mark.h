/* SPDX-License-Identifier: MIT */
/*
 * mark: our keyed stamp, the proof that this owner's mail was here before.
 *
 *     X-Todoke-Mark: v=2; k=9f3c21aa; a=passed; t=1501686000;
 *             h=4be1...64 hexadecimal digits
 *
 * It covers, by HMAC-SHA256 with the key named `k`: the version, what became of this copy (`a`:
 * stored in a mailbox; passed on to a program or another address; copied, which is passed on while
 * a copy was kept here), when (`t`, seconds since 1970), the recipient (address_canonical), what
 * identifies a message and survives transport (the first Message-ID, Date and From field), and the
 * print of the body (body-print.h). It does not cover other fields or the envelope sender, and does
 * not name the recipient to whoever reads it.
 *
 * The octets that go into the HMAC, lines ended by LF, without blanks at either end:
 *
 *     todoke mark 2
 *     passed
 *     1501686000
 *     (SHA-256, as 64 lower-case hexadecimal digits, of the lines below)
 *     1234 900150983cd24fb0d6963f7d28e17f72
 *
 *     Recipient=receiver@example1.jp
 *     Message-ID=<1@client.test>
 *     Date=Wed, 2 Aug 2017 23:49:00 +0900
 *     From=Sender <sender@client.test>
 *
 * Each value unfolded, runs of white space made one blank, none at the ends, case kept. A missing
 * field is its name alone, without '='. Two steps, so that a hostile header with many marks is read
 * once.
 *
 * A mark that is copied into another message, onto another body, or is read for another recipient,
 * does not verify.
 *
 * Marks of version 1 (`v=1; k=; a=stored or redirected; n=; t=; h=`) are still checked. They do not
 * cover the body: their text is "todoke mark 1", what was done, `n`, `t` and the same SHA-256. None
 * is written any more.
 */
#ifndef TODOKE_MARK_H
#define TODOKE_MARK_H

#include "agent/base/status.h"
#include "agent/message/address.h"
#include "agent/message/body-print.h"
#include "agent/message/headers.h"

#define MARK_FIELD "X-Todoke-Mark"

/*
 * Seconds that the clocks of a site's hosts may differ: a mark from further in the future proves
 * nothing.
 */
#define MARK_CLOCK_SKEW 600

/* Names of version 2 are equally long, so that one can take the other's place in a file. */
typedef enum { MARK_STORED, MARK_PASSED, MARK_COPIED, MARK_REDIRECTED, MARK_KIND_COUNT } MarkKind;

/* What a mark says. */
typedef struct {
	MarkKind kind;    /* MARK_REDIRECTED: of version 1 alone */
	unsigned version; /* 1 or 2; mark_make always writes 2 */
	gint64 time;      /* seconds since 1970 */
} Mark;

/*
 * Why a mark counts, or does not. Only MARK_VALID proves anything; MARK_EXPIRED and MARK_FUTURE
 * have a right HMAC.
 */
typedef enum {
	MARK_VALID,
	MARK_EXPIRED,     /* older than the lifetime */
	MARK_FUTURE,      /* from beyond the clock skew */
	MARK_OTHER,       /* forged, or of another recipient, message or body: these look alike */
	MARK_FOREIGN_KEY, /* a key that we do not have */
	MARK_MALFORMED,   /* not a mark, or of another version */
	MARK_CHECK_COUNT
} MarkCheck;

/* The keys of a key file, newest first. NULL stands for none everywhere. */
typedef struct MarkKeys MarkKeys;

/*
 * Read the lines of a key file: `id key`, the id 1 to 16 letters or digits, the key 64 hexadecimal
 * digits; empty lines and lines that begin with '#' do not count. The first key signs, all of them
 * verify. Fault: STATUS_CONFIG, with the line in its detail (never the key). Caller frees.
 */
MarkKeys *mark_keys_parse(const char *text, const char *file, Status *st);

/*
 * Read a key file. True with *ret_keys NULL: there is no such file (or no key in it), so we write
 * no marks. False: it cannot be read or is wrong; a caller that delivers all the same must say so
 * in the log.
 */
bool mark_keys_read(const char *path, MarkKeys **ret_keys, Status *st);
void mark_keys_free(MarkKeys *keys);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(MarkKeys, mark_keys_free)

/*
 * The keys in the file at `path`, which is made with a new one (mode 0600) where it is missing or
 * empty: by another name first, so that nobody reads half of it; where two make it at once, one
 * wins and both read that. Its folder must be there (STATUS_MISSING). Caller frees.
 */
MarkKeys *mark_keys_read_or_make(const char *path, Status *st);

/* A key for a rehearsal, which nobody keeps: its marks are as long as others. Caller frees. */
MarkKeys *mark_keys_imagine(Status *st);

/*
 * The keys of both (either may be NULL), copied: all verify. The first of `signing` signs; without
 * any, nothing is signed. NULL: there are none. Caller frees.
 */
MarkKeys *mark_keys_join(const MarkKeys *signing, const MarkKeys *verifying);

/* How many keys. */
size_t mark_keys_count(const MarkKeys *keys);

/* Can mark_make write a mark? */
bool mark_keys_sign(const MarkKeys *keys);

/*
 * Make a key and put it first in the file at `path`, which is made (mode 0640) where it is missing;
 * of the older keys only the newest is kept. The file is replaced in one step. *ret_id: the id of
 * the new key (caller frees). False: `st` says why.
 */
bool mark_key_generate(const char *path, char **ret_id, Status *st);

/*
 * What a mark for this recipient and message is about, in a short form: compute it once, use it for
 * every mark. `headers` are those that are written with the mark, or were read with it. Caller
 * frees.
 */
char *mark_subject(const char *recipient, const AddressRules *rules, const Headers *headers);

/*
 * The value of a mark field of version 2, for headers_append_text(headers, MARK_FIELD, value).
 * `print` NULL: the body is not known yet, and zeros stand for the HMAC; the length is the same for
 * all kinds and bodies. NULL where no key signs. Caller frees.
 */
char *
mark_make(const MarkKeys *keys, const Mark *mark, const char *subject, const BodyPrint *print);

/* Is this a mark that names one of `keys`, so that the body must be known to check it? */
bool mark_may_be_ours(const MarkKeys *keys, const char *value);

/*
 * Does this value of a mark field prove anything? *ret_mark is what it says, set unless it is
 * malformed. `print` NULL: the body is not known, and no mark of version 2 proves anything.
 */
MarkCheck mark_check(const MarkKeys *keys, const char *value, const char *subject,
                     const BodyPrint *print, gint64 now, gint64 lifetime, Mark *ret_mark);

/*
 * HMAC-SHA256 of `text` for `purpose` ("srs 1", never a mark's) with key number `i`, newest first,
 * as hexadecimal digits. NULL: there is no such key. Caller frees.
 */
char *mark_keys_hmac(const MarkKeys *keys, size_t i, const char *purpose, const char *text);

#endif
