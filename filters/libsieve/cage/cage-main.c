/* SPDX-License-Identifier: MIT */
/*
 * cage-main: the program todoke-libsieve: one evaluation of one script by libsieve, and no way to
 * do harm.
 *
 * It reads a request from standard input, shuts itself in, lets the library run and writes a record
 * to standard output (filters/libsieve/record.h). It carries nothing out: the script that it gets
 * has no other action than fileinto "NUMBER", and all that it learns of the message are the answers
 * of the callback for headers. It has a process of its own, by exec, for what the library is known
 * for (LIBSIEVE in todoke-sieve(7)): nothing of the agent's memory is in it.
 */
#define _GNU_SOURCE
#include "agent/base/box.h"
#include "agent/base/libc.h"
#include "agent/base/limits.h"
#define RECORD_CONSTANTS_ONLY
#include "filters/libsieve/record.h"

#include <errno.h>
#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#include <sieve2.h> /* wants NULL to be there */

/* The C library's own, behind ours below. */
void *__libc_malloc(size_t size);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *old, size_t size);

/* The library writes one octet behind blocks of 256. */
enum { MARGIN = 16, TEXT_MAX = 200 };

/* It goes on with wrong results where memory is short: no run without all it asks for. */
static void *
or_die(void *memory)
{
	if (memory == NULL)
		_exit(RECORD_EXIT_NO_MEMORY);
	return memory;
}

/* And it reads what it has not written: there are zeroes. */
void *
malloc(size_t size)
{
	return or_die(size > SIZE_MAX - MARGIN ? NULL : __libc_calloc(1, size + MARGIN));
}

void *
calloc(size_t n, size_t size)
{
	size_t all;
	return or_die(__builtin_mul_overflow(n, size, &all) || all > SIZE_MAX - MARGIN
	                      ? NULL
	                      : __libc_calloc(1, all + MARGIN));
}

void *
realloc(void *old, size_t size)
{
	return or_die(size > SIZE_MAX - MARGIN ? NULL : __libc_realloc(old, size + MARGIN));
}

typedef struct {
	uint32_t n;
	const char **values;
} Query;

typedef struct {
	const char *at;
	const char *end;
} CageReader;

typedef struct {
	const char *script;
	const char *delimiters;
	int size;
	Query *queries;
	uint32_t n_queries;
	char *parts; /* of the address that was asked for last */
	uint32_t *actions;
	uint32_t n_actions;
	uint32_t room;
	uint32_t outcome;
	char text[TEXT_MAX];
} Evaluation;

static uint32_t
take_number(CageReader *reader)
{
	uint32_t number;

	if ((size_t) (reader->end - reader->at) < sizeof number)
		_exit(RECORD_EXIT_BAD_REQUEST);
	memcpy(&number, reader->at, sizeof number);
	reader->at += sizeof number;

	return number;
}

static const char *
take_text(CageReader *reader)
{
	size_t len = take_number(reader);
	const char *text = reader->at;

	if ((size_t) (reader->end - reader->at) <= len || text[len] != '\0')
		_exit(RECORD_EXIT_BAD_REQUEST);
	reader->at += len + 1;
	return text;
}

static void
take_query(CageReader *reader, Query *query)
{
	query->n = take_number(reader);
	if (query->n > LIMIT_LIBSIEVE_REQUEST)
		_exit(RECORD_EXIT_BAD_REQUEST);
	query->values = calloc((size_t) query->n + 1, sizeof *query->values);
	for (uint32_t i = 0; i < query->n; i++)
		query->values[i] = take_text(reader);
}

static void
take_request(CageReader *reader, Evaluation *evaluation)
{
	if (take_number(reader) != RECORD_REQUEST_MAGIC || take_number(reader) != RECORD_VERSION)
		_exit(RECORD_EXIT_BAD_REQUEST);
	uint32_t size = take_number(reader);
	evaluation->size = size > INT_MAX ? INT_MAX : (int) size;
	evaluation->delimiters = take_text(reader);
	evaluation->script = take_text(reader);
	evaluation->n_queries = take_number(reader);
	if (evaluation->n_queries > LIMIT_LIBSIEVE_REQUEST)
		_exit(RECORD_EXIT_BAD_REQUEST);
	evaluation->queries = calloc((size_t) evaluation->n_queries + 1,
	                             sizeof *evaluation->queries);
	for (uint32_t i = 0; i < evaluation->n_queries; i++)
		take_query(reader, &evaluation->queries[i]);
	if (reader->at != reader->end)
		_exit(RECORD_EXIT_BAD_REQUEST);
}

/* All of standard input. */
static CageReader
read_input(void)
{
	char *data = NULL;
	size_t len = 0, room = 0;

	for (;;) {
		if (len == room)
			data = realloc(data, room = room * 2 + 65536);
		ssize_t n = read(STDIN_FILENO, data + len, room - len);
		if (n == 0)
			return (CageReader){ data, data + len };
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 || (len += (size_t) n) > LIMIT_LIBSIEVE_REQUEST)
			_exit(RECORD_EXIT_BAD_REQUEST);
	}
}

static bool
limit(int what, rlim_t soft, rlim_t hard)
{
	return setrlimit(what, &(struct rlimit){ soft, hard }) == 0;
}

/* No path, no port, and no system call but those for memory and for what is open. */
static bool
enter_box(void)
{
	BoxPaths paths;
	unsigned can = box_can();
	if ((can & BOX_CAN_PATHS) != 0 &&
	    (!box_paths_begin(&paths, can, false) || !box_paths_close(&paths)))
		return false;
	return (can & BOX_CAN_CALLS) == 0 || box_calls_load(BOX_CALLS_CAGE, 0);
}

/*
 * Limits of time and memory, no file, no core, no debugger, no privileges by a program: before any
 * input is seen.
 */
static void
shut_in(void)
{
	if (!limit(RLIMIT_CPU, LIMIT_LIBSIEVE_CPU_S, LIMIT_LIBSIEVE_CPU_S + 1) ||
	    !limit(RLIMIT_AS, LIMIT_LIBSIEVE_MEMORY, LIMIT_LIBSIEVE_MEMORY) ||
	    !limit(RLIMIT_FSIZE, 0, 0) || !limit(RLIMIT_CORE, 0, 0) ||
	    prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    !enter_box() || !limit(RLIMIT_NOFILE, 0, 0))
		_exit(RECORD_EXIT_NO_CAGE);
}

/* One pipe stays: the way out. */
static void
close_others(void)
{
	(void) close(STDIN_FILENO);
	(void) close_range(STDERR_FILENO, ~0u, 0);
}

static void
note(Evaluation *evaluation, uint32_t outcome, int line, const char *text)
{
	if (evaluation->outcome != RECORD_DONE)
		return;
	evaluation->outcome = outcome;
	if (text == NULL)
		text = "no reason given";

	if (line > 0)
		(void) snprintf(evaluation->text, TEXT_MAX, "line %d: %s", line, text);
	else
		(void) snprintf(evaluation->text, TEXT_MAX, "%s", text);
}

/* The callbacks. The library ignores what they return. */

static int
give_script(sieve2_context_t *context, void *data)
{
	const Evaluation *evaluation = data;
	(void) sieve2_setvalue_string(context, "script", (char *) (uintptr_t) evaluation->script);
	return SIEVE2_OK;
}

/* The array is a new one each time: the library writes into it. */
static int
give_header(sieve2_context_t *context, void *data)
{
	const Evaluation *evaluation = data;
	const char *name = sieve2_getvalue_string(context, "header");
	char *end = NULL;
	unsigned long number = name != NULL && (*name == 'q' || *name == 'Q')
	                               ? strtoul(name + 1, &end, 10)
	                               : ULONG_MAX;

	if (number >= evaluation->n_queries || *end != '\0' || evaluation->queries[number].n == 0)
		return SIEVE2_OK;
	const Query *query = &evaluation->queries[number];
	char **values = calloc((size_t) query->n + 1, sizeof *values);
	memcpy(values, query->values, query->n * sizeof *values);
	(void) sieve2_setvalue_stringlist(context, "body", values);

	return SIEVE2_OK;
}

static int
give_size(sieve2_context_t *context, void *data)
{
	const Evaluation *evaluation = data;
	(void) sieve2_setvalue_int(context, "size", evaluation->size);
	return SIEVE2_OK;
}

/* Where the detail begins (RFC 5233); NULL: the local part has none. */
static char *
find_delimiter(const Evaluation *evaluation, char *local)
{
	return *local != '\0' ? strpbrk(local + 1, evaluation->delimiters) : NULL;
}

static int
give_parts(sieve2_context_t *context, void *data)
{
	Evaluation *evaluation = data;
	const char *address = sieve2_getvalue_string(context, "address");
	const char *at = address != NULL ? strrchr(address, '@') : NULL;

	if (at == NULL)
		return SIEVE2_OK;
	size_t len = (size_t) (at - address);
	free(evaluation->parts);

	/* domain, local part, and the user again */
	char *domain = evaluation->parts = calloc(2, strlen(address) + 2);
	char *local = stpcpy(domain, at + 1) + 1;
	char *user = stpcpy(stpncpy(local, address, len), "") + 1;
	memcpy(user, local, len);

	char *delimiter = find_delimiter(evaluation, user);
	(void) sieve2_setvalue_string(context, "localpart", local);
	(void) sieve2_setvalue_string(context, "domain", domain);

	if (delimiter != NULL) {
		*delimiter = '\0';
		(void) sieve2_setvalue_string(context, "detail", delimiter + 1);
	}

	(void) sieve2_setvalue_string(context, "user", user);
	return SIEVE2_OK;
}

static int
note_action(sieve2_context_t *context, void *data)
{
	Evaluation *evaluation = data;
	const char *number = sieve2_getvalue_string(context, "mailbox");

	if (evaluation->n_actions == evaluation->room) {
		evaluation->room = evaluation->room * 2 + 64;
		evaluation->actions = realloc(evaluation->actions,
		                              evaluation->room * sizeof *evaluation->actions);
	}

	evaluation->actions[evaluation->n_actions++] = number != NULL ? (uint32_t) strtoul(number,
	                                                                                   NULL, 10)
	                                                              : UINT32_MAX;
	return SIEVE2_OK;
}

/* The only sign that a script is wrong: codes say that all is well. */
static int
note_wrong_script(sieve2_context_t *context, void *data)
{
	note(data, RECORD_WRONG_SCRIPT, sieve2_getvalue_int(context, "lineno"),
	     sieve2_getvalue_string(context, "message"));
	return SIEVE2_OK;
}

static int
note_wrong_address(sieve2_context_t *context, void *data)
{
	note(data, RECORD_WRONG_ADDRESS, 0, sieve2_getvalue_string(context, "message"));
	return SIEVE2_OK;
}

static sieve2_callback_t callbacks[] = {
	{ SIEVE2_SCRIPT_GETSCRIPT, give_script },
	{ SIEVE2_MESSAGE_GETHEADER, give_header },
	{ SIEVE2_MESSAGE_GETSIZE, give_size },
	{ SIEVE2_MESSAGE_GETSUBADDRESS, give_parts },
	{ SIEVE2_ACTION_FILEINTO, note_action },
	{ SIEVE2_ERRCALL_PARSE, note_wrong_script },
	{ SIEVE2_ERRCALL_ADDRESS, note_wrong_address },
	{ SIEVE2_VALUE_FIRST, NULL },
};

/* One context for one run; nothing is freed, as nothing lives longer. */
static void
evaluate(Evaluation *evaluation)
{
	sieve2_context_t *context = NULL;
	int code = sieve2_alloc(&context);

	if (code == SIEVE2_OK)
		code = sieve2_callbacks(context, callbacks);
	if (code == SIEVE2_OK)
		code = sieve2_execute(context, evaluation);
	if (code != SIEVE2_OK)
		note(evaluation, RECORD_WRONG_CODE, 0, sieve2_errstr(code));
}

static void
write_all(const void *data, size_t len)
{
	for (const char *at = data; len > 0;) {
		ssize_t n = write(STDOUT_FILENO, at, len);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			_exit(RECORD_EXIT_BAD_REQUEST);
		at += n;
		len -= (size_t) n;
	}
}

static void
write_record(const Evaluation *evaluation)
{
	const uint32_t head[] = { RECORD_MAGIC, RECORD_VERSION, evaluation->outcome,
		                  evaluation->n_actions };
	const uint32_t text_len = (uint32_t) strlen(evaluation->text), end = RECORD_END;

	write_all(head, sizeof head);
	write_all(evaluation->actions, evaluation->n_actions * sizeof *evaluation->actions);
	write_all(&text_len, sizeof text_len);
	write_all(evaluation->text, text_len + 1);
	write_all(&end, sizeof end);
}

int
main(void)
{
	shut_in();
	CageReader reader = read_input();
	close_others();

	Evaluation evaluation = { .outcome = RECORD_DONE };
	take_request(&reader, &evaluation);
	evaluate(&evaluation);
	write_record(&evaluation);
	_exit(RECORD_EXIT_GOOD);
}
