/* SPDX-License-Identifier: MIT */
/*
 * ledger: one value of the state, a line a step: mark, step, text; blanks and what is odd are
 * escaped as in URIs.
 */
#include "agent/state/ledger.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What the names of spare files begin with. */
#define SPARE "ledger-"

typedef struct {
	LedgerMark mark;
	char *text;
} Entry;

struct Ledger {
	State *state; /* NULL: nothing is remembered */
	char *key;
	gint64 until;
	char *spare;       /* path of the file that was read besides; NULL: none was */
	GHashTable *steps; /* char * -> Entry */
	bool changed;
};

static const char letters[] = { [LEDGER_NEW] = 'n',
	                        [LEDGER_PLANNED] = 'p',
	                        [LEDGER_SENDING] = 's',
	                        [LEDGER_DONE] = 'd',
	                        [LEDGER_REFUSED] = 'r' };

static void
entry_free(gpointer data)
{
	Entry *entry = data;
	g_free(entry->text);
	g_free(entry);
}

static void
read_line(Ledger *ledger, const char *line)
{
	g_auto(GStrv) words = g_strsplit(line, " ", 3);
	if (g_strv_length(words) != 3 || strlen(words[0]) != 1)
		return;

	const char *letter = memchr(letters, words[0][0], sizeof letters);
	g_autofree char *step = g_uri_unescape_string(words[1], NULL),
			*text = g_uri_unescape_string(words[2], NULL);
	/* a file beside the mailbox that is older than what the server knows undoes nothing */
	if (letter != NULL && step != NULL && ledger_find(ledger, step, NULL) != LEDGER_DONE)
		ledger_set(ledger, step, (LedgerMark) (letter - letters), text);
}

static void
read_lines(Ledger *ledger, const char *text)
{
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (size_t i = 0; lines[i] != NULL; i++)
		read_line(ledger, lines[i]);
}

static bool
read_steps(Ledger *ledger, Status *st)
{
	g_autofree char *value = NULL;
	size_t len;
	if (!state_get(ledger->state, STATE_JOURNAL, ledger->key, &value, &len, st))
		return false;

	read_lines(ledger, value != NULL ? value : "");
	ledger->changed = false;

	return true;
}

Ledger *
ledger_open(State *state, const char *key, gint64 until, Status *st)
{
	Ledger *ledger = g_new0(Ledger, 1);

	ledger->state = state;
	ledger->key = g_strdup(key);
	ledger->until = until;
	ledger->steps = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, entry_free);
	if (state != NULL)
		(void) read_steps(ledger, st);

	return ledger;
}

void
ledger_free(Ledger *ledger)
{
	if (ledger == NULL)
		return;
	g_hash_table_unref(ledger->steps);
	g_free(ledger->spare);
	g_free(ledger->key);
	g_free(ledger);
}

LedgerMark
ledger_find(const Ledger *ledger, const char *step, const char **ret_text)
{
	const Entry *entry = g_hash_table_lookup(ledger->steps, step);
	if (entry == NULL)
		return LEDGER_NEW;

	if (ret_text != NULL)
		*ret_text = entry->text;
	return entry->mark;
}

void
ledger_set(Ledger *ledger, const char *step, LedgerMark mark, const char *text)
{
	Entry *entry = g_new(Entry, 1);
	*entry = (Entry){ mark, g_strdup(text != NULL ? text : "") };
	g_hash_table_replace(ledger->steps, g_strdup(step), entry);
	ledger->changed = true;
}

static char *
print_steps(const Ledger *ledger)
{
	GString *out = g_string_new(NULL);
	GHashTableIter iter;
	gpointer key, value;

	g_hash_table_iter_init(&iter, ledger->steps);
	while (g_hash_table_iter_next(&iter, &key, &value)) {
		const Entry *entry = value;
		g_autofree char *step = g_uri_escape_string(key, "@", FALSE),
				*text = g_uri_escape_string(entry->text, "@", FALSE);
		g_string_append_printf(out, "%c %s %s\n", letters[entry->mark], step, text);
	}

	return g_string_free(out, FALSE);
}

bool
ledger_write(Ledger *ledger, Status *st)
{
	if (ledger->state == NULL || !ledger->changed)
		return true;
	g_autofree char *text = print_steps(ledger);
	StateItem item = { STATE_JOURNAL, ledger->key, text, strlen(text), ledger->until };
	if (!state_put(ledger->state, &item, 1, st))
		return false;

	ledger->changed = false;
	if (ledger->spare != NULL)
		(void) unlink(ledger->spare); /* what stays says nothing that is not known */
	g_clear_pointer(&ledger->spare, g_free);

	return true;
}

static char *
spare_path(const Ledger *ledger, const char *folder)
{
	g_autofree char *name = g_strdup_printf(SPARE "%.32s", ledger->key);
	return g_build_filename(folder, name, NULL);
}

bool
ledger_write_spare(const Ledger *ledger, const char *folder, Status *st)
{
	g_autofree char *text = print_steps(ledger), *path = spare_path(ledger, folder);
	g_autoptr(GError) error = NULL;
	auto_fd int made = -1;
	if (!fs_make_dir(AT_FDCWD, folder, 0700, &made, st))
		return false;
	if (g_file_set_contents_full(path, text, -1,
	                             G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
	                             0600, &error))
		return true;
	return status_fail_detail(st, STATUS_IO, "cannot write '%s': %s", path, error->message);
}

void
ledger_read_spare(Ledger *ledger, const char *folder)
{
	g_autofree char *path = spare_path(ledger, folder), *text = NULL;
	g_auto(Status) missing = STATUS_INIT;
	size_t len = 0;
	if (!fs_read_file(AT_FDCWD, path, LIMIT_STATE_VALUE, &text, &len, &missing))
		return;

	read_lines(ledger, text);
	ledger->changed = true; /* the server hears of it with the next write */
	ledger->spare = g_steal_pointer(&path);
}

/* The key is as good as random, and costs no system call. */
static bool
is_sweeper(const Ledger *ledger)
{
	const char *key = ledger->key;
	if (*key == '\0')
		return false;
	return (g_ascii_xdigit_value(key[0]) * 16 + g_ascii_xdigit_value(key[1])) %
	               LEDGER_SWEEP_EVERY ==
	       0;
}

/* Also what a process that died has left half written: such a name begins in the same way. */
static bool
is_old_spare(int dir, const char *name, gint64 before)
{
	struct stat info;
	return g_str_has_prefix(name, SPARE) &&
	       fstatat(dir, name, &info, AT_SYMLINK_NOFOLLOW) == 0 && S_ISREG(info.st_mode) &&
	       info.st_mtime < before;
}

void
ledger_sweep_spare(const Ledger *ledger, const char *folder, gint64 before)
{
	int fd = is_sweeper(ledger) ? open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
	if (dir == NULL) {
		fs_close_auto(&fd);
		return;
	}

	for (const struct dirent *entry; (entry = readdir(dir)) != NULL;)
		if (is_old_spare(fd, entry->d_name, before))
			(void) unlinkat(fd, entry->d_name, 0); /* or another time */
	(void) closedir(dir);
}
