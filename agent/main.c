/* SPDX-License-Identifier: MIT */
/*
 * main: loads the whole program (agent/cmd/whole-program.h). What stands here is linked with the C
 * library alone, so nothing of GLib can be called.
 */
#define _GNU_SOURCE
#include "agent/base/limits.h"
#include "agent/base/status.h"
#include "agent/base/streams.h"
#include "agent/cmd/cmd.h"
#include "agent/cmd/whole-program.h"

#include <ctype.h>
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

/* Who reads what is printed when it cannot be loaded. */
typedef enum {
	READER_PERSON,
	READER_POSTFIX,    /* pipe(8), local(8), and others that take an answer (answer.h) */
	READER_LMTP_CLIENT /* descriptors 0 and 1 are the connection, as of spawn(8) */
} Reader;

/* The tables, without pointers: each would cost every delivery a relocation. */
static const StatusRow rows[] = {
#define STATUS(id, name, exit_code, dsn, lmtp, text) { name, exit_code, dsn, lmtp, text },
#include "agent/base/status-table.def"
#undef STATUS
};
static const char codes[STATUS_COUNT][6] = {
#define EVENT(id, code, key, cause, remedy)
#define FAULT(id, code) [STATUS_##id] = code,
#include "agent/base/event-table.def"
#undef EVENT
#undef FAULT
};
static const struct {
	char name[12];
	CmdAudience audience;
} commands[] = {
#define CMD(name, symbol, audience, help) { name, audience },
#include "agent/cmd/cmd-table.def"
#undef CMD
};

/* The folder of `path`, with the slash. "": it names none. */
static void
folder_of(const char *path, char ret_folder[PATH_MAX])
{
	const char *slash = path != NULL ? strrchr(path, '/') : NULL;
	size_t len = slash != NULL ? (size_t) (slash - path) + 1 : 0;
	if (len >= PATH_MAX)
		len = 0;
	if (len > 0)
		memcpy(ret_folder, path, len);
	ret_folder[len] = '\0';
}

/*
 * Is this the installed program? The kernel is asked only where another path called it. A process
 * that gained rights by exec loads nothing from beside the file, which may be a link of anybody's.
 */
static bool
is_installed(char ret_folder[PATH_MAX])
{
	char self[PATH_MAX];
	folder_of((const char *) getauxval(AT_EXECFN), ret_folder);
	if (strcmp(ret_folder, TODOKE_BIN_DIR "/") == 0 || getauxval(AT_SECURE) != 0)
		return true;

	ssize_t len = readlink("/proc/self/exe", self, sizeof self - 1);
	self[len > 0 ? len : 0] = '\0';
	folder_of(self, ret_folder);
	return ret_folder[0] == '\0' || strcmp(ret_folder, TODOKE_BIN_DIR "/") == 0;
}

/* False: it is not there. */
static bool
load_from(const char *folder, void **ret_handle)
{
	char path[PATH_MAX + sizeof "/.libs/" WHOLE_PROGRAM_FILE];
	if (snprintf(path, sizeof path, "%s/" WHOLE_PROGRAM_FILE, folder) >= (int) sizeof path)
		return false;

	/* What is linked to be bound at once, as in packages, is bound here, or is not loaded. */
	*ret_handle = dlopen(path, RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE);
	return *ret_handle != NULL || access(path, F_OK) == 0 || errno != ENOENT;
}

/* As modules are found (module.h), and in a build tree beside the program. NULL: dlerror(). */
static void *
load(void)
{
	void *handle = NULL;
	char folder[PATH_MAX + sizeof ".libs"];
	const char *modules = secure_getenv("TODOKE_MODULE_DIR");
	if (modules != NULL && load_from(modules, &handle))
		return handle;

	if (!is_installed(folder) && load_from(strcat(folder, ".libs"), &handle))
		return handle;
	(void) load_from(TODOKE_MODULE_DIR, &handle);
	return handle;
}

static Reader
find_reader(int argc, char **argv)
{
	const char *slash = argc > 0 ? strrchr(argv[0], '/') : NULL;
	const char *name = slash != NULL ? slash + 1 : argc > 0 ? argv[0] : "";
	const char *word = strcmp(name, "procmail") == 0 ? name : argc > 1 ? argv[1] : "";
	if (strcmp(word, "lmtpd") == 0 && streams_are_same(STDIN_FILENO, STDOUT_FILENO, S_IFSOCK))
		return READER_LMTP_CLIENT;

	for (size_t i = 0; i < G_N_ELEMENTS(commands); i++)
		if (commands[i].audience == CMD_FOR_POSTFIX && strcmp(commands[i].name, word) == 0)
			return READER_POSTFIX;

	return streams_lead_to_postfix() ? READER_POSTFIX : READER_PERSON;
}

/* Append the loader's words, paths cut down to their last names: a sender may read them. */
static void
append_without_paths(char *line, size_t size, const char *words)
{
	size_t len = strlen(line), begin = len;
	for (bool is_path = false; *words != '\0' && len < size - 1; words++) {
		is_path = len == begin ? is_path || *words == '/' : is_path;
		if (*words == '/' && is_path) {
			len = begin;
			continue;
		}
		line[len++] = isprint((unsigned char) *words) ? *words : ' ';
		if (strchr(" :('`", *words) != NULL) {
			begin = len;
			is_path = false;
		}
	}
	line[len] = '\0';
}

static void
answer(const char *why, Reader reader)
{
	char line[LIMIT_ANSWER_BYTES + 1];
	const StatusRow *row = &rows[STATUS_LOAD];
	bool is_lmtp = reader == READER_LMTP_CLIENT;

	/* in the place of a greeting: the client comes again */
	(void) snprintf(line, sizeof line, "%s%s %s: ", is_lmtp ? "421 " : "", row->dsn, row->text);
	append_without_paths(line, sizeof line - strlen("\r\n"), why);
	if (is_lmtp)
		strcat(line, "\r\n");
	else if (streams_may_block(
			 STDOUT_FILENO)) /* not Postfix, whose log would have a blank of it */
		strcat(line, "\n");
	(void) !write(STDOUT_FILENO, line, strlen(line));
}

/* Not where the answer goes, unless a person sits there. */
static void
warn(const char *why, Reader reader)
{
	bool is_of_answer_alone = reader != READER_PERSON && !isatty(STDERR_FILENO) &&
	                          streams_are_same(STDOUT_FILENO, STDERR_FILENO, 0);
	if (!is_of_answer_alone)
		(void) dprintf(STDERR_FILENO,
		               "todoke: cannot load the program: %s\n"
		               "todoke: install what is missing, or todoke again; mail waits until "
		               "then\n",
		               why);
}

/* As log.h writes the line of a fault. Where log_file leads to, only the program knows. */
static void
log_fault(const char *why)
{
	const StatusRow *row = &rows[STATUS_LOAD];
	openlog("todoke", LOG_PID, LOG_MAIL);
	syslog(LOG_ERR, "NOQUEUE: dsn=%s, status=deferred, code=%s, fault=%s, detail=\"%s\"",
	       row->dsn, codes[STATUS_LOAD], row->name, why);
}

/* Returns the exit code. */
static int
fail(const char *why, Reader reader)
{
	if (reader != READER_PERSON) {
		answer(why, reader);
		log_fault(why);
	}
	warn(why, reader);

	return rows[STATUS_LOAD].exit_code;
}

int
main(int argc, char **argv)
{
	void *handle = load();
	WholeProgramRun *run = NULL;
	if (handle != NULL)
		*(void **) &run = dlsym(handle, WHOLE_PROGRAM_SYMBOL);
	if (run != NULL)
		return run(argc, argv);

	const char *why = dlerror();
	return fail(why != NULL ? why : "no entry", find_reader(argc, argv));
}
