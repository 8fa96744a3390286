/* SPDX-License-Identifier: MIT */
/* mark: makes and checks the keyed stamp, and keeps its key file. */
#define _GNU_SOURCE
#include "agent/message/mark.h"

#include "agent/base/digest.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

enum { KEY_BYTES = 32, MAC_BYTES = 32, ID_MAX = 16, VALUE_MAX = 400, RETURNS_MAX = 1000000 };

typedef struct {
	char id[ID_MAX + 1];
	guchar key[KEY_BYTES];
} Key;

struct MarkKeys {
	GArray *keys; /* Key, newest first */
	bool sign;    /* the first of them signs */
};

/* In which versions a kind is written. */
static const struct {
	const char *name;
	bool in_1, in_2;
} kinds[MARK_KIND_COUNT] = {
	[MARK_STORED] = { "stored", true, true },
	[MARK_PASSED] = { "passed", false, true },
	[MARK_COPIED] = { "copied", false, true },
	[MARK_REDIRECTED] = { "redirected", true, false },
};

/* Exactly `len` octets from hexadecimal digits. */
static bool
parse_hex(const char *text, guchar *bytes, size_t len)
{
	if (strlen(text) != 2 * len)
		return false;
	for (size_t i = 0; i < len; i++) {
		int high = g_ascii_xdigit_value(text[2 * i]),
		    low = g_ascii_xdigit_value(text[2 * i + 1]);
		if (high < 0 || low < 0)
			return false;
		bytes[i] = (guchar) (high << 4 | low);
	}

	return true;
}

static char *
print_hex(const guchar *bytes, size_t len)
{
	char *text = g_malloc(2 * len + 1);
	digest_print(bytes, len, text);
	return text;
}

static bool
is_key_id(const char *id)
{
	size_t len = 0;
	while (g_ascii_isalnum(id[len]))
		len++;
	return id[len] == '\0' && len >= 1 && len <= ID_MAX;
}

static const Key *
find_key(const MarkKeys *keys, const char *id)
{
	for (size_t i = 0; i < mark_keys_count(keys); i++)
		if (strcmp(g_array_index(keys->keys, Key, i).id, id) == 0)
			return &g_array_index(keys->keys, Key, i);
	return NULL;
}

/* One line of a key file. */
static bool
parse_key_line(MarkKeys *keys, char *text, const char *file, unsigned line, Status *st)
{
	g_strstrip(text);
	if (*text == '\0' || *text == '#')
		return true;

	char *blank = text + strcspn(text, " \t");
	char *hex = *blank != '\0' ? g_strchug(blank + 1) : blank;
	*blank = '\0';

	Key key;
	if (!is_key_id(text) || !parse_hex(hex, key.key, KEY_BYTES))
		return status_fail_detail(
			st, STATUS_CONFIG,
			"%s:%u: want 'id key': 1 to %d letters or digits, %d hexadecimal digits",
			file, line, ID_MAX, 2 * KEY_BYTES);

	if (find_key(keys, text) != NULL)
		return status_fail_detail(st, STATUS_CONFIG,
		                          "%s:%u: there is another key with the id '%s'", file,
		                          line, text);

	g_strlcpy(key.id, text, sizeof key.id);
	g_array_append_val(keys->keys, key);
	return true;
}

static MarkKeys *
mark_keys_new(void)
{
	MarkKeys *keys = g_new0(MarkKeys, 1);
	keys->keys = g_array_new(FALSE, FALSE, sizeof(Key));
	return keys;
}

MarkKeys *
mark_keys_parse(const char *text, const char *file, Status *st)
{
	g_autoptr(MarkKeys) keys = mark_keys_new();
	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

	for (unsigned i = 0; lines[i] != NULL; i++)
		if (!parse_key_line(keys, lines[i], file, i + 1, st))
			return NULL;
	keys->sign = keys->keys->len > 0;
	return g_steal_pointer(&keys);
}

/*
 * The text of a key file, "" where it is missing: three system calls, as each delivery reads one.
 * Caller frees.
 */
static char *
read_key_file(const char *path, Status *st)
{
	auto_fd int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 && errno == ENOENT)
		return g_strdup("");

	if (fd < 0) {
		status_fail_errno(st, errno, "cannot open '%s'", path);
		return NULL;
	}

	g_autofree char *text = g_malloc(LIMIT_KEY_FILE_BYTES + 2);
	size_t len;
	if (!fs_read(fd, text, LIMIT_KEY_FILE_BYTES + 1, &len, path, st))
		return NULL;

	if (len > LIMIT_KEY_FILE_BYTES) {
		status_fail_detail(st, STATUS_LIMIT, "'%s' has more than %u bytes", path,
		                   LIMIT_KEY_FILE_BYTES);
		return NULL;
	}

	text[len] = '\0';
	return g_steal_pointer(&text);
}

bool
mark_keys_read(const char *path, MarkKeys **ret_keys, Status *st)
{
	g_autofree char *text = read_key_file(path, st);
	g_autoptr(MarkKeys) keys = text != NULL ? mark_keys_parse(text, path, st) : NULL;
	if (keys == NULL)
		return false;

	*ret_keys = mark_keys_count(keys) > 0 ? g_steal_pointer(&keys) : NULL;
	return true;
}

MarkKeys *
mark_keys_join(const MarkKeys *signing, const MarkKeys *verifying)
{
	const MarkKeys *const all[] = { signing, verifying };
	g_autoptr(MarkKeys) keys = mark_keys_new();

	for (size_t i = 0; i < G_N_ELEMENTS(all); i++)
		if (all[i] != NULL)
			g_array_append_vals(keys->keys, all[i]->keys->data, all[i]->keys->len);
	keys->sign = mark_keys_count(signing) > 0;
	return keys->keys->len > 0 ? g_steal_pointer(&keys) : NULL;
}

bool
mark_keys_sign(const MarkKeys *keys)
{
	return keys != NULL && keys->sign;
}

void
mark_keys_free(MarkKeys *keys)
{
	if (keys == NULL)
		return;
	if (keys->keys->len > 0)
		explicit_bzero(keys->keys->data, keys->keys->len * sizeof(Key));
	g_array_unref(keys->keys);
	g_free(keys);
}

size_t
mark_keys_count(const MarkKeys *keys)
{
	return keys != NULL ? keys->keys->len : 0;
}

/* The text of a key file with a new key before the newest one of `old`. */
static char *
print_keys(const char *id, const guchar *key, const MarkKeys *old)
{
	g_autofree char *hex = print_hex(key, KEY_BYTES);
	GString *text = g_string_new(
		"# Keys of todoke (todoke-loop(7), KEYS): newest first, `id key`. Keep this file "
		"secret.\n");

	g_string_append_printf(text, "%s %s\n", id, hex);
	if (mark_keys_count(old) > 0) {
		const Key *last = &g_array_index(old->keys, Key, 0);
		g_autofree char *last_hex = print_hex(last->key, KEY_BYTES);
		g_string_append_printf(text, "%s %s\n", last->id, last_hex);
	}

	return g_string_free(text, FALSE);
}

/*
 * Mode and owner of the new file are those of the old one, so that whoever could read the keys
 * still can.
 */
static bool
copy_owner(int fd, const char *path, Status *st)
{
	struct stat sb;
	if (stat(path, &sb) < 0)
		return true;
	if (fchmod(fd, sb.st_mode & 07777) < 0 ||
	    ((sb.st_uid != fs_own_euid() || sb.st_gid != getegid()) &&
	     fchown(fd, sb.st_uid, sb.st_gid) < 0))
		return status_fail_errno(st, errno, "cannot keep owner and mode of '%s'", path);

	return true;
}

static bool
write_key_file(int fd, const char *path, const char *text, Status *st)
{
	return copy_owner(fd, path, st) && fs_write_all(fd, text, strlen(text), path, st) &&
	       fs_sync(fd, path, st);
}

/* Put a file with `text` in the place of `path`, flushed, in one step. */
static bool
replace_key_file(const char *path, const char *text, Status *st)
{
	g_autofree char *fresh = g_strdup_printf("%s.new", path),
			*folder = g_path_get_dirname(path);
	auto_fd int dirfd = -1;
	if (!fs_open_dir(AT_FDCWD, folder, &dirfd, st))
		return false;

	auto_fd int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0640);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make '%s'", fresh);

	if (!write_key_file(fd, path, text, st) || !fs_close(&fd, fresh, st)) {
		(void) unlink(fresh); /* the fault that counts is the first */
		return false;
	}

	if (rename(fresh, path) < 0) {
		status_fail_errno(st, errno, "cannot rename '%s'", fresh);
		(void) unlink(fresh);
		return false;
	}

	return fs_sync(dirfd, folder, st);
}

/* The text of a key file with a new key in it. Caller frees, and clears it before that. */
static char *
print_new_key(const MarkKeys *old, char **ret_id, Status *st)
{
	guchar random[4 + KEY_BYTES];

	if (getrandom(random, sizeof random, 0) != (ssize_t) sizeof random) {
		status_fail_errno(st, errno, "cannot get random octets for a key");
		return NULL;
	}

	*ret_id = print_hex(random, 4);
	char *text = print_keys(*ret_id, random + 4, old);
	explicit_bzero(random, sizeof random);

	return text;
}

bool
mark_key_generate(const char *path, char **ret_id, Status *st)
{
	g_autoptr(MarkKeys) old = NULL;
	if (!mark_keys_read(path, &old, st))
		return false;

	g_autofree char *id = NULL;
	g_autofree char *text = print_new_key(old, &id, st);
	if (text == NULL)
		return false;

	bool done = replace_key_file(path, text, st);
	explicit_bzero(text, strlen(text));
	if (done)
		*ret_id = g_steal_pointer(&id);

	return done;
}

/*
 * Give `fresh` the name `path`, unless somebody else was faster; a file system without links may
 * let the last one win.
 */
static bool
give_name(const char *fresh, const char *path, bool replaces, Status *st)
{
	if (!replaces && (link(fresh, path) == 0 || errno == EEXIST))
		return true;
	bool links = replaces ||
	             (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK);
	if (!replaces && links)
		return status_fail_errno(st, errno, "cannot make '%s'", path);

	return rename(fresh, path) == 0 || status_fail_errno(st, errno, "cannot make '%s'", path);
}

/*
 * A key file under its own name in one step: whoever reads it reads all of it, after a power cut
 * too.
 */
static bool
make_key_file(const char *path, bool replaces, Status *st)
{
	g_autofree char *id = NULL;
	g_autofree char *text = print_new_key(NULL, &id, st);
	if (text == NULL)
		return false;

	g_autofree char *fresh = g_strdup_printf("%s.%s.%ld", path, id, (long) fs_own_pid());
	auto_fd int fd = open(fresh, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return status_fail_errno(st, errno, "cannot make '%s'", fresh);

	bool done = fs_write_all(fd, text, strlen(text), fresh, st) && fs_sync(fd, fresh, st) &&
	            fs_close(&fd, fresh, st) && give_name(fresh, path, replaces, st);
	explicit_bzero(text, strlen(text));
	(void) unlink(fresh); /* after a rename it is gone */

	return done;
}

MarkKeys *
mark_keys_read_or_make(const char *path, Status *st)
{
	MarkKeys *keys = NULL;
	if (!mark_keys_read(path, &keys, st) || keys != NULL)
		return keys;

	/*
	 * A file without a key, as a power cut or an editor leaves it. One that another delivery
	 * has made since then is none: it has its key from the start.
	 */
	bool is_empty = access(path, F_OK) == 0;
	if (is_empty && (!mark_keys_read(path, &keys, st) || keys != NULL))
		return keys;
	if (!make_key_file(path, is_empty, st) || !mark_keys_read(path, &keys, st))
		return NULL;

	if (keys == NULL)
		status_fail_detail(st, STATUS_IO, "'%s' has no key in it", path);
	return keys;
}

MarkKeys *
mark_keys_imagine(Status *st)
{
	g_autofree char *id = NULL;
	g_autofree char *text = print_new_key(NULL, &id, st);
	return text != NULL ? mark_keys_parse(text, "key", st) : NULL;
}

/*
 * White space made one blank, none at the ends: relays fold and unfold as they like. Caller frees.
 */
static char *
fold_blanks(const char *value, size_t *ret_len)
{
	char *out = g_malloc(strlen(value) + 1), *end = out;

	for (const char *c = value; *c != '\0'; c++) {
		bool blank = g_ascii_isspace(*c);
		if (!blank)
			*end++ = *c;
		else if (end > out && end[-1] != ' ')
			*end++ = ' ';
	}

	if (end > out && end[-1] == ' ')
		end--;
	*ret_len = (size_t) (end - out);
	return out;
}

static void
add_line(DigestSha256 *sum, const char *name, const char *value)
{
	digest_sha256_add(sum, name, strlen(name));
	if (value != NULL) {
		size_t len;
		g_autofree char *folded = fold_blanks(value, &len);
		digest_sha256_add(sum, "=", 1);
		digest_sha256_add(sum, folded, len);
	}

	digest_sha256_add(sum, "\n", 1);
}

char *
mark_subject(const char *recipient, const AddressRules *rules, const Headers *headers)
{
	static const char *const names[] = { "Message-ID", "Date", "From" };
	DigestSha256 sum;
	guchar octets[DIGEST_SHA256_BYTES];
	g_autofree char *canonical = address_canonical(recipient, rules);

	digest_sha256_init(&sum);
	add_line(&sum, "Recipient", canonical);
	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		size_t pos = 0;
		const HeaderField *field = headers_next(headers, names[i], &pos);
		g_autofree char *value = field != NULL ? header_field_value(field) : NULL;
		add_line(&sum, names[i], value);
	}

	digest_sha256_end(&sum, octets);
	return print_hex(octets, sizeof octets);
}

static void
compute_mac(const Key *key, const char *text, guchar *mac)
{
	digest_hmac_sha256(key->key, KEY_BYTES, text, strlen(text), mac);
}

char *
mark_keys_hmac(const MarkKeys *keys, size_t i, const char *purpose, const char *text)
{
	if (i >= mark_keys_count(keys))
		return NULL;
	g_autofree char *whole = g_strdup_printf("todoke %s\n%s\n", purpose, text);
	guchar mac[MAC_BYTES];
	compute_mac(&g_array_index(keys->keys, Key, i), whole, mac);
	return print_hex(mac, sizeof mac);
}

/* What stands in a mark field, before anybody asked whether it is true. */
typedef struct {
	Mark mark;
	unsigned returns; /* of version 1: how often the copy had come back */
	char id[ID_MAX + 1];
	guchar mac[MAC_BYTES];
	unsigned seen; /* a bit for each part */
} Claim;

enum { PRINTED_INT64 = sizeof "-9223372036854775808" };

/* printf takes twenty times as long, and each delivery has two marks. */
static const char *
print_int64(gint64 number, char text[PRINTED_INT64])
{
	char *digit = text + PRINTED_INT64 - 1;
	guint64 left = number < 0 ? -(guint64) number : (guint64) number;

	*digit = '\0';
	do {
		*--digit = (char) ('0' + left % 10);
		left /= 10;
	} while (left > 0);
	if (number < 0)
		*--digit = '-';

	return digit;
}

/* The octets that the HMAC is of. `print`: NULL for version 1. */
static char *
signed_text(const Mark *mark, unsigned returns, const char *subject, const BodyPrint *print)
{
	const char *kind = kinds[mark->kind].name;
	if (mark->version == 1)
		return g_strdup_printf("todoke mark 1\n%s\n%u\n%" G_GINT64_FORMAT "\n%s\n", kind,
		                       returns, mark->time, subject);

	char time[PRINTED_INT64];
	return g_strconcat("todoke mark 2\n", kind, "\n", print_int64(mark->time, time), "\n",
	                   subject, "\n", print->text, "\n", NULL);
}

char *
mark_make(const MarkKeys *keys, const Mark *mark, const char *subject, const BodyPrint *print)
{
	if (!mark_keys_sign(keys))
		return NULL;
	const Key *key = &g_array_index(keys->keys, Key, 0);
	const Mark wanted = { mark->kind, 2, mark->time };
	guchar mac[MAC_BYTES] = { 0 };
	if (print != NULL) {
		g_autofree char *text = signed_text(&wanted, 0, subject, print);
		compute_mac(key, text, mac);
	}

	g_autofree char *hex = print_hex(mac, MAC_BYTES);
	char time[PRINTED_INT64];
	return g_strconcat("v=2; k=", key->id, "; a=", kinds[mark->kind].name,
	                   "; t=", print_int64(mark->time, time), ";\n\th=", hex, NULL);
}

static bool
parse_number(const char *text, guint64 max, guint64 *ret_number)
{
	return g_ascii_string_to_unsigned(text, 10, 0, max, ret_number, NULL);
}

static bool
parse_kind(const char *text, MarkKind *ret_kind)
{
	for (MarkKind kind = 0; kind < MARK_KIND_COUNT; kind++) {
		if (strcmp(text, kinds[kind].name) == 0) {
			*ret_kind = kind;
			return true;
		}
	}
	return false;
}

static bool
parse_part(Claim *claim, char letter, const char *text)
{
	guint64 number = 0;
	switch (letter) {
	case 'v':
		claim->mark.version = strcmp(text, "1") == 0 ? 1 : 2;
		return claim->mark.version == 1 || strcmp(text, "2") == 0;
	case 'k':
		return is_key_id(text) && g_strlcpy(claim->id, text, sizeof claim->id) > 0;
	case 'a':
		return parse_kind(text, &claim->mark.kind);
	case 'n':
		if (!parse_number(text, RETURNS_MAX, &number))
			return false;
		claim->returns = (unsigned) number;
		return true;
	case 't':
		if (!parse_number(text, G_MAXINT64 / 2, &number))
			return false;
		claim->mark.time = (gint64) number;
		return true;
	case 'h':
		return parse_hex(text, claim->mac, MAC_BYTES);
	}

	return false;
}

/* Every part of its version once and nothing else: what we did not write like that is not ours. */
static bool
parse_claim(const char *value, Claim *claim)
{
	static const char letters[] = "vkathn";

	enum { PARTS_2 = (1 << 5) - 1, PARTS_1 = (1 << 6) - 1 };
	if (strlen(value) > VALUE_MAX)
		return false;

	g_auto(GStrv) parts = g_strsplit(value, ";", (gint) sizeof letters + 1);
	for (size_t i = 0; parts[i] != NULL; i++) {
		char *part = g_strstrip(parts[i]);
		const char *letter = part[0] != '\0' ? strchr(letters, part[0]) : NULL;
		if (letter == NULL || part[1] != '=' || !parse_part(claim, part[0], part + 2))
			return false;
		unsigned bit = 1u << (letter - letters);
		if (claim->seen & bit)
			return false;
		claim->seen |= bit;
	}

	bool is_1 = claim->mark.version == 1;
	return claim->seen == (is_1 ? PARTS_1 : PARTS_2) &&
	       (is_1 ? kinds[claim->mark.kind].in_1 : kinds[claim->mark.kind].in_2);
}

/* Takes the same time wherever the first difference is. */
static bool
equal_macs(const guchar *a, const guchar *b)
{
	volatile guchar difference = 0;
	for (size_t i = 0; i < MAC_BYTES; i++)
		difference = (guchar) (difference | (a[i] ^ b[i]));
	return difference == 0;
}

bool
mark_may_be_ours(const MarkKeys *keys, const char *value)
{
	Claim claim = { 0 };
	return parse_claim(value, &claim) && find_key(keys, claim.id) != NULL;
}

MarkCheck
mark_check(const MarkKeys *keys, const char *value, const char *subject, const BodyPrint *print,
           gint64 now, gint64 lifetime, Mark *ret_mark)
{
	Claim claim = { 0 };
	if (!parse_claim(value, &claim))
		return MARK_MALFORMED;

	*ret_mark = claim.mark;
	const Key *key = find_key(keys, claim.id);
	if (key == NULL)
		return MARK_FOREIGN_KEY;
	if (claim.mark.version != 1 && print == NULL)
		return MARK_OTHER;

	guchar mac[MAC_BYTES];
	g_autofree char *text = signed_text(&claim.mark, claim.returns, subject, print);
	compute_mac(key, text, mac);
	if (!equal_macs(mac, claim.mac))
		return MARK_OTHER;
	if (claim.mark.time > now + MARK_CLOCK_SKEW)
		return MARK_FUTURE;

	return claim.mark.time < now - lifetime ? MARK_EXPIRED : MARK_VALID;
}
