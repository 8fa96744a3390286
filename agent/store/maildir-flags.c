/* SPDX-License-Identifier: MIT */
/*
 * maildir-flags: letters, and Dovecot's file of keywords ("0 Work", "1 $Label1": letter number and
 * name).
 */
#define _GNU_SOURCE
#include "agent/store/maildir-flags.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/store/dotlock.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

enum { KEYWORD_LETTERS = 26 };

static const char keywords_file[] = "dovecot-keywords";

/* Dovecot takes no lock of the file itself: it changes it only while it has the list of UIDs. */
static const char keywords_guard[] = "dovecot-uidlist";

static const struct {
	const char *flag;
	char letter;
} system_flags[] = {
	{ "\\Seen", 'S' },    { "\\Answered", 'R' }, { "\\Flagged", 'F' },
	{ "\\Deleted", 'T' }, { "\\Draft", 'D' },    { "$Forwarded", 'P' },
};

static char
system_letter(const char *flag)
{
	for (size_t i = 0; i < G_N_ELEMENTS(system_flags); i++)
		if (g_ascii_strcasecmp(system_flags[i].flag, flag) == 0)
			return system_flags[i].letter;
	return '\0';
}

/*
 * An atom of IMAP (RFC 3501 9, flag-keyword): what else would break the file, or the clients that
 * read it.
 */
static bool
is_keyword(const char *flag)
{
	size_t len = strlen(flag);
	if (len == 0 || len > LIMIT_KEYWORD)
		return false;

	for (const char *c = flag; *c != '\0'; c++)
		if (!g_ascii_isgraph(*c) || strchr("(){%*\"\\]", *c) != NULL)
			return false;
	return true;
}

/* The keywords that shall get letters, and the letters that they got. */
typedef struct {
	GPtrArray *wanted;            /* borrowed char * */
	char *names[KEYWORD_LETTERS]; /* of the file */
	bool changed;
	GString *letters;
	GPtrArray *notes;
} Keywords;

/* One line, "NUMBER NAME"; what is none is passed over. */
static void
keywords_parse_line(Keywords *keywords, const char *line, const char *end)
{
	char *name = NULL;
	guint64 number = g_ascii_isdigit(*line) ? g_ascii_strtoull(line, &name, 10)
	                                        : KEYWORD_LETTERS;
	/* A name may be empty after a power cut; Dovecot passes such a line over, too. */
	if (number < KEYWORD_LETTERS && name[0] == ' ' && name + 1 < end && name[1] != '\0' &&
	    keywords->names[number] == NULL)
		keywords->names[number] = g_strndup(name + 1, (gsize) (end - name - 1));
}

static void
keywords_parse(Keywords *keywords, const char *text)
{
	const char *end;
	for (const char *line = text; *line != '\0'; line = *end != '\0' ? end + 1 : end) {
		end = strchrnul(line, '\n');
		keywords_parse_line(keywords, line, end);
	}
}

static int
keywords_find(Keywords *keywords, const char *name)
{
	int free_place = -1;

	for (int i = 0; i < KEYWORD_LETTERS; i++) {
		if (keywords->names[i] == NULL)
			free_place = free_place < 0 ? i : free_place;
		else if (g_ascii_strcasecmp(keywords->names[i], name) == 0)
			return i;
	}

	if (free_place >= 0) {
		keywords->names[free_place] = g_strdup(name);
		keywords->changed = true;
	}

	return free_place;
}

static void
keywords_take_letters(Keywords *keywords)
{
	for (guint i = 0; i < keywords->wanted->len; i++) {
		const char *name = keywords->wanted->pdata[i];
		int place = keywords_find(keywords, name);
		if (place >= 0)
			g_string_append_c(keywords->letters, (char) ('a' + place));
		else
			g_ptr_array_add(
				keywords->notes,
				g_strdup_printf("no letter is left for keyword '%s'", name));
	}
}

/* DotlockEdit: letters for all that is wanted; the new file if one got a letter now. */
static char *
keywords_edit(const char *old, size_t len, void *user)
{
	(void) len;
	Keywords *keywords = user;
	keywords_parse(keywords, old);
	keywords_take_letters(keywords);
	if (!keywords->changed)
		return NULL;

	GString *file = g_string_new(NULL);
	for (int i = 0; i < KEYWORD_LETTERS; i++)
		if (keywords->names[i] != NULL)
			g_string_append_printf(file, "%d %s\n", i, keywords->names[i]);
	return g_string_free(file, FALSE);
}

static void
keywords_forget(Keywords *keywords)
{
	for (int i = 0; i < KEYWORD_LETTERS; i++)
		g_clear_pointer(&keywords->names[i], g_free);
	keywords->changed = false;
}

/*
 * Letters from the file as it is, without a lock: it is replaced as a whole. False: a keyword is
 * not in it.
 */
static bool
keywords_read(Keywords *keywords, int dirfd)
{
	g_auto(Status) ignored = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len;

	if (!fs_read_file(dirfd, keywords_file, LIMIT_SMALL_FILE, &text, &len, &ignored))
		return false;
	keywords_parse(keywords, text);
	for (guint i = 0; i < keywords->wanted->len && !keywords->changed; i++)
		/* asked only for `changed` */
		(void) keywords_find(keywords, keywords->wanted->pdata[i]);
	if (!keywords->changed)
		keywords_take_letters(keywords);

	return !keywords->changed;
}

/* Which letters they would get, with none written down. */
static void
keywords_rehearse(Keywords *keywords, const Maildir *maildir)
{
	g_auto(Status) ignored = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len = 0;

	if (!maildir_is_imagined(maildir))
		(void) fs_read_file(maildir_fd(maildir), keywords_file, LIMIT_SMALL_FILE, &text,
		                    &len, &ignored);
	size_t before = keywords->letters->len;
	g_free(keywords_edit(text != NULL ? text : "", len, keywords));
	if (!keywords->changed || maildir_is_imagined(maildir) ||
	    faccessat(maildir_fd(maildir), ".", W_OK | X_OK, AT_EACCESS) == 0)
		return;

	g_string_truncate(keywords->letters, before);
	g_ptr_array_add(keywords->notes,
	                g_strdup_printf("keywords are not set: %s", status_error_text(errno)));
}

/*
 * Letters from the file, or new ones written into it. Who holds the lock may be writing the very
 * keywords that we want: so the file is read again each time, and only what is still missing then
 * needs the lock. Dovecot takes lock files away that lie where it needs its own, as when a folder
 * is renamed under both.
 */
static bool
keywords_get(Keywords *keywords, int dirfd, Status *st)
{
	size_t letters = keywords->letters->len;
	guint notes = keywords->notes->len;
	gint64 end = g_get_monotonic_time() + LIMIT_LOCK_WAIT_MS * G_GINT64_CONSTANT(1000);

	for (;;) {
		if (keywords_read(keywords, dirfd))
			return true;

		keywords_forget(keywords);
		status_clear(st);
		if (dotlock_try_edit_under(dirfd, keywords_guard, keywords_file, keywords_edit,
		                           keywords, st))
			return true;
		g_string_truncate(keywords->letters, letters);
		g_ptr_array_set_size(keywords->notes, (gint) notes);
		keywords_forget(keywords);
		if (st->id != STATUS_LOCKED || g_get_monotonic_time() >= end)
			return false;
		g_usleep(DOTLOCK_STEP_MS * 1000);
	}
}

/* Letters for all of them; those without one are written down. */
static void
keywords_settle(Keywords *keywords, int dirfd)
{
	g_auto(Status) st = STATUS_INIT;
	if (!keywords_get(keywords, dirfd, &st)) {
		g_ptr_array_add(keywords->notes,
		                g_strdup_printf("keywords are not set: %s", st.detail));
		return;
	}

	/*
	 * The flush of cur, where the letters will be, brings no other folder's names to the disk
	 * with btrfs: without this one letters may come back from a power cut that mean nothing.
	 */
	if (keywords->changed && !fs_sync(dirfd, "folder", &st))
		g_ptr_array_add(keywords->notes,
		                g_strdup_printf("keywords may not be kept: %s", st.detail));
}

static void
keywords_letters(const Maildir *maildir, GPtrArray *wanted, GString *letters, GPtrArray *notes)
{
	Keywords keywords = { .wanted = wanted, .letters = letters, .notes = notes };
	bool is_rehearsal = maildir_is_rehearsal(maildir);

	if (!is_rehearsal) {
		keywords_settle(&keywords, maildir_fd(maildir));
	} else if (maildir_is_imagined(maildir) || !keywords_read(&keywords, maildir_fd(maildir))) {
		keywords_forget(&keywords);
		keywords_rehearse(&keywords, maildir);
	}

	keywords_forget(&keywords);
}

char *
maildir_flags_letters(const Maildir *maildir, const GPtrArray *flags, GPtrArray *notes)
{
	GString *letters = g_string_new(NULL);
	g_autoptr(GPtrArray) wanted = g_ptr_array_new();

	for (guint i = 0; flags != NULL && i < flags->len; i++) {
		char *flag = flags->pdata[i];
		char letter = system_letter(flag);
		if (letter != '\0')
			g_string_append_c(letters, letter);
		if (is_keyword(flag))
			g_ptr_array_add(wanted, flag);
		else if (letter == '\0')
			g_ptr_array_add(notes, g_strdup_printf("flag '%s' cannot be kept", flag));
	}

	if (wanted->len > 0)
		keywords_letters(maildir, wanted, letters, notes);
	return g_string_free(letters, FALSE);
}

static const char *
flag_of_letter(const Keywords *keywords, char letter)
{
	for (size_t i = 0; i < G_N_ELEMENTS(system_flags); i++)
		if (system_flags[i].letter == letter)
			return system_flags[i].flag;
	return letter >= 'a' && letter < 'a' + KEYWORD_LETTERS ? keywords->names[letter - 'a']
	                                                       : NULL;
}

GPtrArray *
maildir_flags_of(int dirfd, const char *name)
{
	GPtrArray *flags = g_ptr_array_new_with_free_func(g_free);
	const char *info = strstr(name, ":2,");
	Keywords keywords = { 0 };
	g_auto(Status) ignored = STATUS_INIT; /* a folder without the file has no keywords */
	g_autofree char *text = NULL;
	size_t len;

	if (fs_read_file(dirfd, keywords_file, LIMIT_SMALL_FILE, &text, &len, &ignored))
		keywords_parse(&keywords, text);
	for (const char *letter = info != NULL ? info + strlen(":2,") : ""; *letter != '\0';
	     letter++) {
		const char *flag = flag_of_letter(&keywords, *letter);
		/* $Forwarded has two */
		if (flag != NULL &&
		    !g_ptr_array_find_with_equal_func(flags, flag, g_str_equal, NULL))
			g_ptr_array_add(flags, g_strdup(flag));
	}

	keywords_forget(&keywords);
	return flags;
}

/* The folder's keywords by their letters. A folder without the file has none. */
static void
keywords_load(Keywords *keywords, int dirfd)
{
	g_auto(Status) absent = STATUS_INIT;
	g_autofree char *text = NULL;
	size_t len;
	if (fs_read_file(dirfd, keywords_file, LIMIT_SMALL_FILE, &text, &len, &absent))
		keywords_parse(keywords, text);
}

static int
compare_letters(const void *one, const void *other)
{
	return *(const char *) one - *(const char *) other;
}

/* In their order, each once. Takes `letters`. */
static char *
sort_letters(GString *letters)
{
	size_t kept = 0;
	qsort(letters->str, letters->len, 1, compare_letters);
	for (size_t i = 0; i < letters->len; i++)
		if (kept == 0 || letters->str[kept - 1] != letters->str[i])
			letters->str[kept++] = letters->str[i];
	g_string_truncate(letters, kept);
	return g_string_free(letters, FALSE);
}

/*
 * Sort the old letters into those that stay and the keywords that need a letter of the new folder.
 * False: one has no name here, and means something there.
 */
static bool
carry_old(const Keywords *from, const Keywords *to, const char *info, GString *letters,
          GPtrArray *wanted, Status *st)
{
	for (const char *c = info; *c != '\0'; c++) {
		bool is_keyword_letter = *c >= 'a' && *c < 'a' + KEYWORD_LETTERS;
		char *name = is_keyword_letter ? from->names[*c - 'a'] : NULL;
		if (name != NULL)
			g_ptr_array_add(wanted, name);
		else if (!is_keyword_letter || to->names[*c - 'a'] == NULL)
			g_string_append_c(letters, *c);
		else
			return status_fail_detail(st, STATUS_MAILBOX,
			                          "its keyword '%c' has no name in %s", *c,
			                          keywords_file);
	}
	return true;
}

static void
carry_added(const GPtrArray *added, GString *letters, GPtrArray *wanted)
{
	for (guint i = 0; added != NULL && i < added->len; i++) {
		char *flag = added->pdata[i];
		char letter = system_letter(flag);
		if (letter != '\0')
			g_string_append_c(letters, letter);
		if (is_keyword(flag))
			g_ptr_array_add(wanted, flag);
	}
}

static char *
carry(Keywords *from, Keywords *to, const char *name, int to_dirfd, const GPtrArray *added,
      Status *st)
{
	const char *info = strstr(name, ":2,");
	g_autoptr(GString) letters = g_string_new(NULL);
	g_autoptr(GPtrArray) wanted = g_ptr_array_new(),
			     notes = g_ptr_array_new_with_free_func(g_free);

	info = info != NULL ? info + strlen(":2,") : "";
	if (!carry_old(from, to, info, letters, wanted, st))
		return NULL;
	carry_added(added, letters, wanted);

	keywords_forget(to);
	*to = (Keywords){ .wanted = wanted, .letters = letters, .notes = notes };
	if (wanted->len > 0)
		keywords_settle(to, to_dirfd);
	if (notes->len > 0) {
		status_fail_detail(st, STATUS_LOCKED, "%s", (const char *) notes->pdata[0]);
		return NULL;
	}

	return sort_letters(g_steal_pointer(&letters));
}

char *
maildir_flags_carry(int from_dirfd, const char *name, int to_dirfd, const GPtrArray *added,
                    Status *st)
{
	Keywords from = { 0 }, to = { 0 };
	const char *info = strstr(name, ":2,");
	bool has_keywords = info != NULL &&
	                    info[strcspn(info + 3, "abcdefghijklmnopqrstuvwxyz") + 3];

	if (has_keywords) {
		keywords_load(&from, from_dirfd);
		keywords_load(&to, to_dirfd);
	}
	char *letters = carry(&from, &to, name, to_dirfd, added, st);
	keywords_forget(&from);
	keywords_forget(&to);

	return letters;
}
