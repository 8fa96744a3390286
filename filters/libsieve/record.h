/* SPDX-License-Identifier: MIT */
/*
 * record: what goes into the cage and what comes out of it, as octets.
 *
 * Numbers are 32 bits in the order of this machine; a text is its length, its octets and a NUL that
 * is not counted.
 *
 *	request: magic, version, size of the message, delimiters, script, number of queries, and
 *	         for each query the number of its values and the values
 *	record:  magic, version, outcome, number of actions, their numbers, a text, end mark
 *
 * The program of the cage (cage/cage-main.c) is built without GLib and has only the constants below
 * in common with us. What it says is the word of a process whose memory may be broken, so the
 * reader believes nothing.
 */
#ifndef TODOKE_RECORD_H
#define TODOKE_RECORD_H

enum {
	RECORD_REQUEST_MAGIC = 0x51534c54,
	RECORD_MAGIC = 0x52534c54,
	RECORD_VERSION = 1,
	RECORD_END = 0x444e4521,
};

/* How the evaluation ended. */
enum { RECORD_DONE, RECORD_WRONG_SCRIPT, RECORD_WRONG_ADDRESS, RECORD_WRONG_CODE, RECORD_OUTCOMES };

/* Exit codes of the program. */
enum {
	RECORD_EXIT_GOOD = 0,
	RECORD_EXIT_NO_MEMORY = 3,
	RECORD_EXIT_BAD_REQUEST = 4,
	RECORD_EXIT_NO_CAGE = 5
};

#ifndef RECORD_CONSTANTS_ONLY
#include "agent/base/status.h"

/* What the library may see of a message. All is borrowed. */
typedef struct {
	const char *script;
	guint32 size; /* of the message, for the test of that name */
	const char *delimiters;
	/*
	 * GPtrArray of char *: the values of header "q0", "q1" ...; NULL: there is no such header
	 */
	const GPtrArray *queries;
} RecordRequest;

/* What the library did. */
typedef struct {
	unsigned outcome; /* RECORD_DONE ... */
	/* numbers below n_known, each above the one before: a script has no loops */
	guint32 *actions;
	size_t n_actions;
	char *text; /* what the library had to say, printable */
} Record;

/* The request as octets. Caller unrefs. */
GByteArray *record_print_request(const RecordRequest *request);

/*
 * Read a record of a script with `n_known` actions. False: STATUS_ENGINE, it is not what a sound
 * process writes; whatever the octets are, nothing beyond them is read.
 */
bool record_parse(const void *data, size_t len, guint32 n_known, Record *ret_record, Status *st);

void record_clear(Record *record);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Record, record_clear)
#endif

#endif
