/* SPDX-License-Identifier: MIT */
/*
 * Prints of bodies against values of Python's hashlib (tests/loop/make-mark.py says how), and the
 * field that is known when they are.
 */
#define _GNU_SOURCE
#include "agent/message/message.h"

#include "agent/base/fs.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

typedef struct {
	const char *name;
	const char *body;
	size_t filler; /* so often `c` before it */
	char c;
	const char *want;
} Row;

static const Row rows[] = {
	{ "empty", "", 0, 0, "0 d41d8cd98f00b204e9800998ecf8427e" },
	{ "an empty line", "\n", 0, 0, "0 d41d8cd98f00b204e9800998ecf8427e" },
	{ "no line end", "a", 0, 0, "1 0cc175b9c0f1b6a831c399e269772661" },
	{ "line ends of every kind at the end", "a\r\n\n", 0, 0,
	  "1 0cc175b9c0f1b6a831c399e269772661" },
	{ "line ends elsewhere count", "\n\na\n b\n\n\n", 0, 0,
	  "6 33a791de09fcdf3543ac0037540f5243" },
	{ "the same with CRLF", "\r\n\r\na\r\n b\r\n\r\n\r\n", 0, 0,
	  "6 33a791de09fcdf3543ac0037540f5243" },
	{ "a CR alone", "a\rb", 0, 0, "2 187ef4436122d1cc2f40dc2b92f0eba0" },
	{ "as long as what is hashed", "", 65536, 'x', "65536 598bf98d5c865461aef3eaa8d95a0fd9" },
	{ "an octet longer", "", 65537, 'x', "65537 598bf98d5c865461aef3eaa8d95a0fd9" },
	{ "line ends across that border", "\n\n\n\n\ny", 65535, 'x',
	  "65541 845ab7cb273f49c2f99b5680bf347b43" },
	{ "many line ends", "z", 70000, '\n', "70001 c4336e99c71b59be28988ef52766ab5a" },
};

static void
test_print(void **state)
{
	const Row *row = *state;
	g_autofree char *filler = g_strnfill(row->filler, row->c);
	g_autofree char *body = g_strconcat(filler, row->body, NULL);
	size_t len = strlen(body);

	for (size_t piece = 1; piece < 100000; piece = piece * 3 + 1) {
		BodyPrinter printer;
		BodyPrint print;
		body_printer_init(&printer);
		for (size_t at = 0; at < len; at += piece)
			body_printer_add(&printer, body + at, MIN(piece, len - at), true);
		body_printer_end(&printer, &print);
		assert_string_equal(print.text, row->want);
	}
}

/* A message as a pipe brings it; a child writes it. */
static int
pipe_with(const GString *data)
{
	int fds[2];

	assert_int_equal(pipe(fds), 0);
	if (fork() == 0) {
		g_auto(Status) st = STATUS_INIT;
		close(fds[0]);
		_exit(fs_write_all(fds[1], data->str, data->len, "pipe", &st) ? 0 : 1);
	}

	close(fds[1]);
	return fds[0];
}

static char *
make_field(void *user, const BodyPrint *print)
{
	char *field = g_strdup_printf("X: %-50s\n", print->text);
	*(unsigned *) user += 1;
	return field;
}

/*
 * By a pipe and from a file, small and big: the sealed field tells the print, and nothing else is
 * changed.
 */
static void
test_sealed(void **state)
{
	(void) state;
	static const size_t sizes[] = { 0, 100, 65000, 70000, 300000 };
	for (size_t i = 0; i < 2 * G_N_ELEMENTS(sizes); i++) {
		bool from_file = i >= G_N_ELEMENTS(sizes);
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *body = g_strnfill(sizes[i % G_N_ELEMENTS(sizes)], 'b');
		g_autoptr(GString) in = g_string_new(NULL);
		g_string_printf(in, "A: 1\n\n%s\n", body);
		int fd = from_file ? -1 : pipe_with(in);
		g_autoptr(Message) message = from_file ? message_from_bytes(in->str, in->len, &st)
		                                       : message_read(fd, &st);
		assert_non_null(message);

		unsigned made = 0;
		g_autofree char *blanks = g_strnfill(50, '0');
		g_autoptr(Headers) headers = headers_new(message_headers(message), "\n");
		headers_append(headers, headers_get(message_headers(message), 0));
		headers_append_text(headers, "X", blanks);
		headers_append_text(headers, "Y", "2");
		MessageSeal seal = { headers_get(headers, 1), make_field, &made };
		auto_fd int out = memfd_create("out", MFD_CLOEXEC);
		assert_true(message_write_sealed(message, headers, &seal, out, NULL, &st));
		assert_int_equal(made, 1);

		const BodyPrint *print = message_print(message, &st);
		assert_non_null(print);
		g_autofree char *want = g_strdup_printf("A: 1\nX: %-50s\nY: 2\n\n%s\n", print->text,
		                                        body);
		g_autofree char *got = g_malloc0(strlen(want) + 2);
		assert_int_equal(pread(out, got, strlen(want) + 1, 0), strlen(want));
		assert_string_equal(got, want);
		fs_close_auto(&fd);
	}
}

int
main(void)
{
	struct CMUnitTest tests[G_N_ELEMENTS(rows) + 1];
	size_t n = 0;
	UNIT_ROWS(tests, n, rows, test_print);
	tests[n++] = (struct CMUnitTest) cmocka_unit_test(test_sealed);
	return _cmocka_run_group_tests("body-print", tests, n, NULL, NULL);
}
