/* SPDX-License-Identifier: MIT */
/*
 * fuzz-files: small files that owners, IMAP servers and translators write, as we read them. The
 * first octet says which; the others are the file. fuzz-readers.sh says how to fuzz.
 */
#include "agent/base/catalogue.h"
#include "agent/base/fs.h"
#include "agent/state/id-cache.h"
#include "agent/state/ledger.h"
#include "agent/state/mark-history.h"
#include "agent/state/record-reader.h"
#include "agent/store/folder-id.h"
#include "agent/store/maildir-flags.h"
#include "agent/store/maildirsize.h"
#include "agent/store/subscriptions.h"
#include "conf/conf-choices.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

static char *folder;
static int folder_fd;

static char *
path_of(const char *name)
{
	return g_build_filename(folder, name, NULL);
}

static const char *const parts[] = { "new", "cur", "tmp" };

static void
remove_folder(void)
{
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *part = path_of(parts[i]);
		(void) g_rmdir(part);
	}
	(void) g_rmdir(folder);
}

static void
make_folder(void)
{
	if (folder != NULL)
		return;
	folder = g_dir_make_tmp("todoke-fuzz-XXXXXX", NULL);
	g_assert(folder != NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(parts); i++) {
		g_autofree char *part = path_of(parts[i]);
		g_assert(g_mkdir(part, 0700) == 0);
	}
	folder_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	g_assert(folder_fd >= 0);
	(void) atexit(remove_folder);
}

static void
read_catalogue(const char *name)
{
	g_autofree char *path = path_of(name);
	g_autoptr(Catalogue) catalogue = catalogue_open(path);
	static const char *const texts[] = { "", "a", "no such user", "\377" };
	size_t octets = 0;

	for (size_t i = 0; catalogue != NULL && i < G_N_ELEMENTS(texts); i++) {
		const char *found = catalogue_find(catalogue, texts[i]);
		octets += found != NULL ? strlen(found) : 0;
	}
	g_assert(octets < G_MAXINT32);
}

static void
read_maildirsize(const char *name)
{
	Maildirsize said = { 0 };
	(void) name;
	if (!maildirsize_read(folder_fd, &said))
		return;

	g_assert(said.limit.bytes >= 0 && said.limit.bytes <= MAILDIRSIZE_MOST);
	g_assert(said.limit.messages >= 0 && said.limit.messages <= MAILDIRSIZE_MOST);
	if (said.sound) {
		g_assert(ABS(said.used.bytes) <= MAILDIRSIZE_MOST);
		g_assert(ABS(said.used.messages) <= MAILDIRSIZE_MOST);
	}
	g_autofree char *printed = maildirsize_print(&said.limit);
	g_assert(*printed != '\0');
}

static void
read_keywords(const char *name)
{
	(void) name;
	g_autoptr(GPtrArray)
		flags = maildir_flags_of(folder_fd, "1.M1P1.host:2,FSabcdefghijklmnopqrstuvwxyz");

	/* One of a letter at most, and a system flag for each capital. */
	g_assert(flags->len <= 28);
	for (unsigned i = 0; i < flags->len; i++)
		g_assert(strpbrk(flags->pdata[i], "\n") == NULL &&
		         *(char *) flags->pdata[i] != '\0');
}

static void
read_subscriptions(const char *name)
{
	g_auto(Status) st = STATUS_INIT, second = STATUS_INIT;
	g_autofree char *path = path_of(name), *once = NULL, *twice = NULL;
	gsize once_len, twice_len;

	if (!subscriptions_add(folder_fd, ".Work.A", '.', &st))
		return;
	g_assert(g_file_get_contents(path, &once, &once_len, NULL));
	g_assert(subscriptions_add(folder_fd, ".Work.A", '.', &second));
	g_assert(g_file_get_contents(path, &twice, &twice_len, NULL));

	/* It stands there now, so that nothing is added. */
	g_assert(once_len == twice_len && memcmp(once, twice, once_len) == 0);
}

static void
read_marks(const char *name)
{
	(void) name;
	const BodyPrint print = { "12 900150983cd24fb0d6963f7d28e17f72" };
	const MarkTag tag = { .now = 1800000000,
		              .subject = "0123456789abcdef0123456789abcdef",
		              .print = &print,
		              .whole = &print,
		              .arrival = "arrival" };
	g_auto(MarkHistory) history = { 0 };
	mark_history_read(folder, &tag, &history);

	for (unsigned i = 0; history.kept != NULL && i < history.kept->len; i++) {
		const KeptCopy *copy = history.kept->pdata[i];
		g_assert(copy->path != NULL && history.kept_any);
		g_autofree char *where = kept_folder(copy, copy->path);
		g_assert(where != NULL);
	}
}

static bool
visit_record(void *user, const char *text, size_t len)
{
	unsigned *seen = user;
	json_t *line = record_reader_parse(text, len);

	(*seen)++;
	g_assert(record_reader_time(text, len) >= G_MININT64);
	if (line != NULL)
		(void) record_reader_mentions(line, "ann@example.org");
	json_decref(line);
	return true;
}

static void
read_record(const char *name)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = path_of(name);
	unsigned all = 0, some = 0;

	if (record_reader_run(path, NULL, visit_record, &all, &st) &&
	    record_reader_run(path, "ann", visit_record, &some, &st))
		g_assert(some <= all);
}

static void
read_ledger(const char *name)
{
	g_auto(Status) st = STATUS_INIT;
	(void) name;
	g_autoptr(Ledger) ledger = ledger_open(NULL, "key", 1800000000, &st);
	const char *text = NULL;

	ledger_read_spare(ledger, folder);
	LedgerMark mark = ledger_find(ledger, "redirect b@example.net", &text);
	g_assert(mark <= LEDGER_REFUSED && (mark == LEDGER_NEW) == (text == NULL));
}

static void
read_ids(const char *name)
{
	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = path_of(name);
	g_autoptr(IdCacheEntry) entry = id_cache_entry_new(path, 64, "<1@x.test>", NULL);
	bool has = false;

	if (!id_cache_add(entry, &st))
		return;
	g_assert(id_cache_has(entry, &has, &st) && has);
}

static Maildir *
open_inbox(void)
{
	const MaildirOptions options = { .umask = 077, .durability = CONF_DURABILITY_NONE };
	g_auto(Status) st = STATUS_INIT;
	return maildir_open(folder, &options, &st);
}

static void
read_folder_ids(const char *name)
{
	g_autoptr(Maildir) inbox = open_inbox();
	(void) name;
	if (inbox == NULL)
		return;
	g_autofree char *id = folder_id(inbox, ""), *note = folder_uid_note(inbox);

	g_assert(id == NULL || strpbrk(id, " \n") == NULL);
}

static void
read_annotations(const char *name)
{
	g_autoptr(Maildir) inbox = open_inbox();
	if (inbox == NULL)
		return;
	g_autofree char *own = folder_metadata(inbox, NULL, "", "/private/comment"),
			*theirs = folder_metadata(inbox, name, "", "/shared/vendor/x/note"),
			*server = folder_metadata(inbox, name, NULL, "/private/comment");

	g_assert(own == NULL || strchr(own, '\n') == NULL);
}

static const struct {
	char kind;
	const char *name;
	void (*read)(const char *name);
} files[] = {
	{ 'c', "todoke.mo", read_catalogue },
	{ 'm', MAILDIRSIZE_FILE, read_maildirsize },
	{ 'k', "dovecot-keywords", read_keywords },
	{ 's', "subscriptions", read_subscriptions },
	{ 'h', "marks", read_marks },
	{ 'r', RECORD_FILE, read_record },
	{ 'l', "ledger-key", read_ledger },
	{ 'i', "ids", read_ids },
	{ 'u', "dovecot-uidlist", read_folder_ids },
	{ 'o', "todoke-mailboxid", read_folder_ids },
	{ 'a', "todoke-metadata", read_annotations },
};

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	make_folder();
	for (size_t i = 0; size > 0 && i < G_N_ELEMENTS(files); i++) {
		if (data[0] != (guchar) files[i].kind)
			continue;
		g_autofree char *path = path_of(files[i].name);
		int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
		g_assert(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t) size - 1);
		(void) close(fd);
		files[i].read(files[i].name);
		(void) g_unlink(path);
	}
	return 0;
}
