/* SPDX-License-Identifier: MIT */
/*
 * record-line: what was decided about each message, one line of JSON a recipient and decision.
 *
 * The file "record" in the owner's state folder, or the one that the setting record_file names.
 * Each delivery appends one line by one write(2) and flushes nothing: what a power cut takes from
 * it is not known, and no mail depends on it. A line that is torn is skipped by readers. A file
 * that has grown over record_max_size, or whose first line is older than record_max_age, becomes
 * "record.old", in the place of the one before; readers read both. The file is made with mode 0600.
 *
 * Schema "todoke.record/1". Keys that have nothing to say are left out; times are UTC. A text has
 * at most LIMIT_RECORD_VALUE octets, cut at a character, and a list ends where the line has
 * LIMIT_RECORD_LINE octets: then "cut" is true. All text is UTF-8; what is not UTF-8 became U+FFFD.
 *
 *     schema      string   "todoke.record/1"; always first
 *     time        number   seconds since 1970, with milliseconds: when the decision was made
 *     door        string   "pipe", "local", "lmtp"; "refilter": mail that lay here was moved;
 *                          "shadow": what the setting shadow_script would have done
 *     queue_id    string   Postfix's queue id of this delivery
 *     origin_id   string   the queue id under which it first came to the site (XFORWARD IDENT)
 *     message_id  string   with its angle brackets
 *     from        string   envelope sender; "" is the null sender
 *     to          string   envelope recipient
 *     orig_to     string   the address before aliases
 *     user        string   account
 *     size        integer  octets of the message as it came
 *     body        string   "OCTETS.MD5": the print of the body (body-print.h): its length without
 *                          carriage returns and line ends at its end, and the hash of its first
 *                          64 kB; where no mark was made there is none
 *     status      string   "sent", "deferred", "bounced"
 *     dsn         string   enhanced status code
 *     code        string   the code of the log line
 *     fault       string   row of status-table.def; none where all went well
 *     text        string   what Postfix was answered
 *     detail      string   what the log says about the fault
 *     outside     list of  { "account", "protocol", "peer", "command", "reply" }: who else failed
 *                          (outside.h); the account is told where it is not the recipient's
 *     delay_us    object   microseconds: "total", and of each stage that was reached: "judge" (loop
 *                          check, header rules), "read" (from the client into the mailbox's tmp),
 *                          "rules" (scripts), "store" (files written, flushed, visible), "send"
 *                          (what left this host)
 *     loop        object   where anything was found: "kind", "answer" (loop.h), "why", "returns",
 *                          "evidence": list of { "line", "writer", "how", "text" }
 *     header_rules list of { "rule", "action", "line" }: header rules that applied
 *     script      string   the script that decided
 *     plan        list of  { "action", "at" ("main.sieve:12"), "target" (folder, address, program),
 *                          "flags", "flags_at", "edited_at", "implicit", "copy", "test",
 *                          "within" }: what the rules asked for; "test" is the test that led there:
 *                          { "line", "not", "name", "field", "part", "match", "key", "value" }; of
 *                          recipes the line of the first condition, and as the name all that held;
 *                          "within" has those around it, the outermost first; "flags_at" and
 *                          "edited_at" are the rules that set the flags and edited the header
 *     done        list of  { "action", "folder", "file" (below the INBOX), "bytes", "to", "reply"
 *                          (of the other side), "earlier" (an earlier try did it) }
 *                          of "refilter" also "from_folder", "from_file", "sha256" (of the file)
 *     run         string   of "refilter": when the run began, which is its name
 *     undoes      string   of "refilter": the run that was taken back
 *     ended       true     of "refilter": the run was taken back to its end
 *     not_moved   string   of "refilter": the file whose move failed after its line was written
 *     shadow      list of  as "plan", of "shadow": what its script asked for
 *     shadow_script string of "shadow": the path of that
 *     failed      string   of "shadow": why nobody knows what it asks for
 *     held        list of  { "action", "target", "why" }: what was not carried out, and why
 *     notes       list of strings: what went other than asked
 *     cut         true     something was left out
 *
 * With record_values = no, texts of the mail are left out: "text" of evidence, "value" of tests,
 * and "notes".
 */
#ifndef TODOKE_RECORD_LINE_H
#define TODOKE_RECORD_LINE_H

#include "agent/base/status.h"

#include <glib.h>

#define RECORD_LINE_SCHEMA "todoke.record/1"

/* The door of lines that tell no delivery: mail moved by `todoke refilter`. */
#define RECORD_DOOR_REFILTER "refilter"
/* Of lines about what a shadow script would have done. */
#define RECORD_DOOR_SHADOW "shadow"

/* Names of the files in a state folder. */
#define RECORD_FILE "record"
#define RECORD_OLD ".old"       /* behind the name: the one before */
#define RECORD_FORGET ".forget" /* behind the name: what `todoke record --forget` works on */

/* A line in the making. A delivery makes one, so all is written by hand. */
typedef struct {
	char *text;
	size_t len;
	size_t room; /* octets that `text` has room for */
	bool wants_comma;
	bool is_cut; /* a text or a list was too long */
} RecordLine;

/* Begin a line with its schema. Clear with record_line_clear. */
void record_line_init(RecordLine *line);
void record_line_clear(RecordLine *line);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(RecordLine, record_line_clear)

/*
 * Add a pair; a `key` of NULL adds an item of a list. Keys are our own. A NULL value adds nothing.
 * A value may hold any octets.
 */
void record_line_text(RecordLine *line, const char *key, const char *value);
void record_line_text_len(RecordLine *line, const char *key, const char *value, size_t len);
void record_line_int(RecordLine *line, const char *key, gint64 value);
void record_line_true(RecordLine *line, const char *key);

/* Add the time, given in microseconds since 1970, as seconds with milliseconds. */
void record_line_time(RecordLine *line, const char *key, gint64 time_us);

/* Open and close an object ('{') or a list ('['); `key` of NULL: an item of a list. */
void record_line_open(RecordLine *line, const char *key, char kind);
void record_line_close(RecordLine *line, char kind);

/* Is there room for one more item of a list? If not, the line will say that it is cut. */
bool record_line_has_room(RecordLine *line);

/* End the line: no more can be added. */
void record_line_end(RecordLine *line);

/* When a file is put aside. */
typedef struct {
	gint64 now;       /* seconds since 1970 */
	gint64 max_bytes; /* record_max_size */
	gint64 max_age;   /* record_max_age, seconds */
} RecordLineBounds;

/*
 * Append an ended line to the file `path`; its folder is made (0700) if it is missing. A link at
 * its end is not followed. Three system calls; one writer in 32 looks whether the file has to be
 * put aside, which nobody waits for.
 */
bool record_line_append(const char *path, const RecordLine *line, const RecordLineBounds *bounds,
                        Status *st);

#endif
