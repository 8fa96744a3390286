/* SPDX-License-Identifier: MIT */
/*
 * loop-case FOLDER: print the loop verdict and what the header rules make of the message in a case
 * folder.
 *
 *   message.eml   the message as the door gets it
 *   envelope      "key: value" lines: recipient, original, queue-id, door (pipe, local, lmtp, try),
 *   now
 *   conf          (may be missing) "key = value" lines, named as in todoke.conf, and system_name
 *   rules         (may be missing) one header rule a line: name | header | match | when; when |
 *   action | to
 *   history       (may be missing) what the owner's state knows: known, kept, kept_before,
 *   kept_other, disposed, passed, returns
 *   ../keys       the key file of all cases; `key_file = none` in conf: without
 */
#include "agent/message/loop.h"
#include "agent/message/message.h"
#include "agent/base/fs.h"
#include "filters/filter.h"
#include "filters/header/header-rule.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* 2017-08-03 00:10 in Japan: ten minutes after the story. */
enum { STORY_NOW = 1501686600, FILE_MAX = 16 * 1024 * 1024 };

typedef struct {
	const char *folder;
	GHashTable *envelope;
	GHashTable *conf;
	GHashTable *history;
} Case;

static void
give_up(const char *what, const char *why)
{
	printf("Bail out! %s: %s\n", what, why);
	exit(2);
}

/* The text of a file of the folder; NULL: there is none. */
static char *
read_text(const char *folder, const char *name)
{
	g_autofree char *path = g_build_filename(folder, name, NULL);
	char *text = NULL;
	g_file_get_contents(path, &text, NULL, NULL);
	return text;
}

static GHashTable *
read_pairs(const char *folder, const char *name, const char *separator)
{
	GHashTable *pairs = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	g_autofree char *text = read_text(folder, name);
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);

	for (size_t i = 0; lines[i] != NULL; i++) {
		char *value = strstr(lines[i], separator);
		if (value == NULL || lines[i][0] == '#')
			continue;
		*value = '\0';
		g_hash_table_insert(pairs, g_strdup(g_strstrip(lines[i])),
		                    g_strdup(g_strstrip(value + strlen(separator))));
	}

	return pairs;
}

static const char *
text_of(GHashTable *pairs, const char *key, const char *otherwise)
{
	const char *value = g_hash_table_lookup(pairs, key);
	return value != NULL ? value : otherwise;
}

static gint64
number_of(GHashTable *pairs, const char *key, gint64 otherwise)
{
	const char *value = g_hash_table_lookup(pairs, key);
	return value != NULL ? g_ascii_strtoll(value, NULL, 10) : otherwise;
}

static Message *
read_message(const char *folder)
{
	g_autofree char *path = g_build_filename(folder, "message.eml", NULL);
	g_auto(Status) st = STATUS_INIT;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Message *message = fd >= 0 ? message_from_file(fd, &st) : NULL;

	if (message == NULL)
		give_up(path, "cannot be read");
	return message;
}

static MarkKeys *
read_keys(const Case *c)
{
	if (strcmp(text_of(c->conf, "key_file", ""), "none") == 0)
		return NULL;
	g_autofree char *path = g_build_filename(c->folder, "..", "keys", NULL);
	g_auto(Status) st = STATUS_INIT;
	MarkKeys *keys = NULL;
	if (!mark_keys_read(path, &keys, &st) || keys == NULL)
		give_up(path, "cannot be read");

	return keys;
}

static Envelope *
make_envelope(const Case *c)
{
	static const char *const doors[] = { [DOOR_PIPE] = "pipe",
		                             [DOOR_LOCAL] = "local",
		                             [DOOR_LMTP] = "lmtp",
		                             [DOOR_TRY] = "try" };
	const char *wanted = text_of(c->envelope, "door", "pipe");
	EnvelopeDoor door = DOOR_PIPE;

	while (strcmp(doors[door], wanted) != 0)
		door++;
	Envelope *envelope = envelope_new(door);
	envelope->recipient = g_strdup(text_of(c->envelope, "recipient", "receiver@example1.jp"));
	envelope->original = g_strdup(text_of(c->envelope, "original", NULL));
	envelope->queue_id = g_strdup(text_of(c->envelope, "queue-id", NULL));

	return envelope;
}

static AddressRules
make_address_rules(const Case *c)
{
	return (AddressRules){ text_of(c->conf, "delimiters", ""),
		               strcmp(text_of(c->conf, "fold_local", "yes"), "yes") == 0 };
}

/* What agent/run/transact-return.c finds out from the state. */
static LoopHistory
read_history(const Case *c)
{
	return (LoopHistory){
		.known = g_hash_table_size(c->history) > 0,
		.kept = text_of(c->history, "kept", NULL),
		.kept_twice = number_of(c->history, "kept_twice", 0) != 0,
		.kept_before = number_of(c->history, "kept_before", 0) != 0,
		.kept_other = number_of(c->history, "kept_other", 0) != 0,
		.disposed = text_of(c->history, "disposed", NULL),
		.passed = number_of(c->history, "passed", 0) != 0,
		.returns = (unsigned) number_of(c->history, "returns", 0),
		.waited = number_of(c->history, "waited", -1),
		.put_off = number_of(c->history, "put_off", -1),
	};
}

static LoopVerdict *
judge(const Case *c, Message *message, const Envelope *envelope)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(MarkKeys) keys = read_keys(c);
	g_auto(GStrv) hostnames = g_strsplit_set(text_of(c->conf, "hostnames", ""), " ", -1);
	LoopSettings settings = {
		.hostnames = (const char *const *) (hostnames[0] != NULL ? hostnames : NULL),
		.given_name = text_of(c->conf, "myhostname", NULL),
		.system_name = text_of(c->conf, "system_name", NULL),
		.rules = make_address_rules(c),
		.hop_limit = (unsigned) number_of(c->conf, "hop_limit", 50),
		.unknown_delivers = strcmp(text_of(c->conf, "unknown_stamp", "loop"), "deliver") ==
		                    0,
		.return_limit = (unsigned) number_of(c->conf, "return_limit", 1),
		.keys = keys,
		.print = loop_wants_body(message_headers(message), keys)
		                 ? message_print(message, &st)
		                 : NULL,
		.mark_lifetime = number_of(c->conf, "mark_lifetime", 30 * 86400),
		.now = number_of(c->envelope, "now", STORY_NOW),
	};
	LoopHistory history = read_history(c);
	LoopVerdict *verdict = loop_judge(message_headers(message), envelope, &settings);

	loop_settle(verdict, &history, &settings);
	return verdict;
}

/* An empty column is "not said". */
static const char *
column(char **columns, size_t i)
{
	char *text = i < g_strv_length(columns) ? g_strstrip(columns[i]) : NULL;
	return text != NULL && *text != '\0' ? text : NULL;
}

/* One rule of `n` in the list, from the columns of its line; NULL: the line is none. */
static bool
make_spec(char **columns, char **when, unsigned line, HeaderRuleSpec *spec)
{
	if (g_strv_length(columns) < 5)
		return false;
	for (size_t i = 0; when[i] != NULL; i++)
		g_strstrip(when[i]);
	*spec = (HeaderRuleSpec){
		.name = column(columns, 0),
		.header = column(columns, 1),
		.match = column(columns, 2),
		.when = when[0] != NULL && when[0][0] != '\0' ? (const char *const *) when : NULL,
		.action = column(columns, 4),
		.to = column(columns, 5),
		.file = "rules",
		.line = line,
	};

	return true;
}

static HeaderRules *
compile(const char *folder, GPtrArray *problems)
{
	g_autofree char *text = read_text(folder, "rules");
	g_auto(GStrv) lines = g_strsplit(text != NULL ? text : "", "\n", -1);
	g_autoptr(GPtrArray) kept = g_ptr_array_new_with_free_func((GDestroyNotify) g_strfreev);
	g_autoptr(GArray) specs = g_array_new(FALSE, TRUE, sizeof(HeaderRuleSpec));

	for (unsigned i = 0; lines[i] != NULL; i++) {
		char **columns = g_strsplit(lines[i], " | ", -1);
		char **when = g_strsplit(g_strv_length(columns) > 3 ? columns[3] : "", ";", -1);
		g_ptr_array_add(kept, columns);
		g_ptr_array_add(kept, when);
		HeaderRuleSpec spec;
		if (make_spec(columns, when, i + 1, &spec))
			g_array_append_val(specs, spec);
	}

	g_auto(Status) st = STATUS_INIT;
	return header_rules_compile((const HeaderRuleSpec *) (void *) specs->data, specs->len,
	                            "Loops", problems, &st);
}

static void
print_rules(const Case *c, const Message *message, const Envelope *envelope,
            const LoopVerdict *verdict)
{
	g_autoptr(GPtrArray) problems = problem_list_new();
	g_autoptr(HeaderRules) rules = compile(c->folder, problems);

	for (size_t i = 0; i < problems->len; i++) {
		const Problem *problem = problems->pdata[i];
		printf("%s: rules:%u: %s\n",
		       problem->severity == PROBLEM_ERROR ? "error" : "warning", problem->line,
		       problem->text);
	}

	if (rules == NULL)
		return;
	HeaderRuleInput input = { envelope, make_address_rules(c), verdict->fetched,
		                  verdict->forwarded };
	g_autoptr(HeaderRuleResult)
		result = header_rules_apply(rules, message_headers(message), &input);

	g_autofree char *text = header_rule_result_print(result);
	printf("%sstatus: %s\nheader:", text, status_row(header_rule_result_status(result))->dsn);
	for (size_t i = 0; i < headers_count(result->headers); i++) {
		g_autofree char *name = header_field_name(headers_get(result->headers, i));
		printf(" %s", name);
	}

	printf("\n");
}

int
main(int argc, char **argv)
{
	if (argc != 2)
		give_up("usage", "loop-case FOLDER");
	Case c = { argv[1], read_pairs(argv[1], "envelope", ":"), read_pairs(argv[1], "conf", "="),
		   read_pairs(argv[1], "history", "=") };
	g_autoptr(Message) message = read_message(c.folder);
	g_autoptr(Envelope) envelope = make_envelope(&c);
	g_autoptr(LoopVerdict) verdict = judge(&c, message, envelope);
	g_autofree char *text = loop_verdict_print(verdict);
	printf("%s  status: %s\n", text, status_row(loop_verdict_status(verdict))->dsn);

	g_autofree char *rules = g_build_filename(c.folder, "rules", NULL);
	if (g_file_test(rules, G_FILE_TEST_EXISTS))
		print_rules(&c, message, envelope, verdict);
	g_hash_table_unref(c.envelope);
	g_hash_table_unref(c.conf);
	g_hash_table_unref(c.history);

	return 0;
}
