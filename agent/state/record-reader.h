/* SPDX-License-Identifier: MIT */
/*
 * record-reader: reads the record (record-line.h) back, and takes lines out of it.
 *
 * The owner of a record can write anything into it: a reader checks each line, and believes no more
 * of it than it would believe the owner. Whoever reads as root takes the owner's rights first.
 */
#ifndef TODOKE_RECORD_READER_H
#define TODOKE_RECORD_READER_H

#include "agent/state/record-line.h"

#include <jansson.h>

/*
 * Takes one line of the record: an object that begins with its schema, without its line end, not
 * NUL-terminated; borrowed. False: stop reading.
 */
typedef bool RecordReaderVisit(void *user, const char *text, size_t len);

/*
 * Go through the record at `path`, oldest line first: record.old, then record. A NULL `needle`: all
 * lines; else those that hold these octets. Torn and foreign lines are skipped; a record that is
 * not there is empty. Faults: those of reading; a link is one.
 */
bool record_reader_run(const char *path, const char *needle, RecordReaderVisit *visit, void *user,
                       Status *st);

/* The time of a line, in microseconds since 1970; 0: it has none. */
gint64 record_reader_time(const char *text, size_t len);

/* A line as an object; NULL: it is none of this schema. Caller owns the reference. */
json_t *record_reader_parse(const char *text, size_t len);

/* Does any text of the object name the address, in whatever case and place? */
bool record_reader_mentions(const json_t *record, const char *address);

/* Is the line to be taken out? */
typedef bool RecordReaderJudge(void *user, const char *text, size_t len);

/*
 * Take the lines out that `judge` names. What is left is written anew and takes the place of the
 * old files at once; deliveries go on meanwhile, and the lines that they write are judged too.
 * Waits for nobody: STATUS_BUSY where another does the same. *ret_gone counts lines. After another
 * fault some lines may be left: do it again.
 */
bool record_reader_forget(const char *path, RecordReaderJudge *judge, void *user,
                          unsigned *ret_gone, Status *st);

#endif
