/* SPDX-License-Identifier: MIT */
/*
 * Ids of folders and annotations, as Dovecot 2.3 writes them (doveadm mailbox metadata set) and in
 * files of our own.
 */
#include "agent/store/folder-id.h"

#include "agent/base/limits.h"
#include "conf/conf-choices.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <string.h>
#include <unistd.h>

#define INBOX_ID "acafd025ce170d6bdf30000083ecc375"
#define WORK_ID "25043f1cd8170d6b8043000083ecc375"

typedef struct {
	char *dir;
	Maildir *inbox;
} Place;

static void
put(const Place *place, const char *name, const char *text)
{
	g_autofree char *path = g_build_filename(place->dir, name, NULL),
			*folder = g_path_get_dirname(path);
	assert_int_equal(g_mkdir_with_parents(folder, 0700), 0);
	assert_true(g_file_set_contents(path, text, -1, NULL));
}

static Place
place_new(void)
{
	static const MaildirOptions options = { .umask = 077,
		                                .durability = CONF_DURABILITY_NONE,
		                                .create = true };
	g_auto(Status) st = STATUS_INIT;
	Place place = { .dir = scratch_new() };

	place.inbox = maildir_open(place.dir, &options, &st);
	assert_non_null(place.inbox);
	put(&place, "dovecot-uidlist", "3 V1796020174 N1 G" INBOX_ID "\n1 :a\n");
	put(&place, ".Work/dovecot-uidlist", "3 V1796020175 N1 G" WORK_ID "\n");
	put(&place, ".Own/todoke-mailboxid", "0123abc\n");
	put(&place, ".Old/dovecot-uidlist", "1 1146000000 1\n");
	put(&place, ".Odd/todoke-mailboxid", "two words\n");
	put(&place, "a/b/dovecot-uidlist", "3 V1 N1 Gdeep\n");
	put(&place, "dovecot-attributes",
	    "priv/" INBOX_ID "/comment\nmy inbox\nshared/" WORK_ID
	    "/vendor/x/note\na\001ttab\001nline2\n"
	    "priv/" INBOX_ID "/vendor/vendor.dovecot/pvt/server/comment\nsrv\npriv/odd\n");

	return place;
}

static void
place_remove(Place *place)
{
	maildir_free(place->inbox);
	scratch_remove(place->dir);
}

static void
test_ids(void **state)
{
	(void) state;
	static const struct {
		const char *path, *want;
	} rows[] = {
		{ "", INBOX_ID }, { ".Work", WORK_ID }, { ".Own", "0123abc" }, { ".Old", NULL },
		{ ".Odd", NULL }, { ".None", NULL },    { "a/b", "deep" },
	};
	Place place = place_new();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = folder_id(place.inbox, rows[i].path);
		if (g_strcmp0(got, rows[i].want) != 0)
			fail_msg("'%s': got '%s', want '%s'", rows[i].path, got, rows[i].want);
	}

	place_remove(&place);
}

static void
test_by_id(void **state)
{
	(void) state;
	static const struct {
		unsigned layout;
		const char *id, *want;
	} rows[] = {
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, INBOX_ID, "" },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, WORK_ID, ".Work" },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "0123abc", ".Own" },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "deep", NULL },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "", NULL },
		{ CONF_FOLDER_LAYOUT_MAILDIRPP, "two", NULL },
		{ CONF_FOLDER_LAYOUT_FS, "deep", "a/b" },
		{ CONF_FOLDER_LAYOUT_FS, WORK_ID, NULL },
	};
	Place place = place_new();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const FolderRules rules = { .layout = rows[i].layout,
			                    .separator = "/",
			                    .prefix = "" };
		g_auto(Status) st = STATUS_INIT;
		g_autofree char *got = folder_by_id(place.inbox, &rules, rows[i].id, &st);
		assert_int_equal(st.id, STATUS_OK);
		if (g_strcmp0(got, rows[i].want) != 0)
			fail_msg("'%s': got '%s', want '%s'", rows[i].id, got, rows[i].want);
	}

	place_remove(&place);
}

static void
test_made(void **state)
{
	(void) state;
	Place place = place_new();
	g_autofree char *uidlist = g_build_filename(place.dir, "dovecot-uidlist", NULL);
	assert_int_equal(unlink(uidlist), 0);
	folder_id_make(place.inbox);

	g_autofree char *id = folder_id(place.inbox, "");
	assert_int_equal(strlen(id), 32);
	folder_id_make(place.inbox);

	g_autofree char *again = folder_id(place.inbox, "");
	assert_string_equal(again, id);
	place_remove(&place);
}

static void
test_metadata(void **state)
{
	(void) state;
	static const struct {
		const char *path, *annotation, *want;
	} rows[] = {
		{ "", "/private/comment", "my inbox" },
		{ "", "/PRIVATE/Comment", "my inbox" },
		{ "", "/shared/comment", NULL },
		{ "", "/private/comm", NULL },
		{ ".Work", "/shared/vendor/x/note", "a\ttab\nline2" },
		{ ".Work", "/private/comment", "own" },
		{ ".Work", "/private/empty", "" },
		{ ".Old", "/private/comment", NULL },
		{ ".None", "/private/comment", NULL },
		{ NULL, "/private/comment", "srv" },
		{ NULL, "/shared/admin", "mailto:a@x.jp" },
		{ NULL, "/other/comment", NULL },
	};
	Place place = place_new();
	put(&place, ".Work/todoke-metadata", "/private/comment own\n/private/empty \n");
	put(&place, "todoke-server-metadata", "/shared/admin mailto:a@x.jp\n");

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		g_autofree char *got = folder_metadata(place.inbox, "dovecot-attributes",
		                                       rows[i].path, rows[i].annotation);
		if (g_strcmp0(got, rows[i].want) != 0)
			fail_msg("'%s' of '%s': got '%s', want '%s'", rows[i].annotation,
			         rows[i].path, got, rows[i].want);
		g_autofree char *without = folder_metadata(place.inbox, NULL, rows[i].path,
		                                           rows[i].annotation);
		g_autofree char *empty = folder_metadata(place.inbox, "", rows[i].path,
		                                         rows[i].annotation);
		assert_true(without == NULL || g_strcmp0(without, got) == 0);
		assert_true(g_strcmp0(without, empty) == 0);
	}

	place_remove(&place);
}

/* LIMIT_METADATA_BYTES */
static void
test_too_long(void **state)
{
	(void) state;
	Place place = place_new();
	g_autofree char *filler = g_strnfill(LIMIT_METADATA_BYTES - 11, 'x');
	g_autofree char *fits = g_strconcat("/private/a v\n", filler + 2, NULL),
			*longer = g_strconcat(fits, "x", NULL);
	put(&place, "todoke-metadata", fits);

	g_autofree char *found = folder_metadata(place.inbox, "", "", "/private/a");
	assert_string_equal(found, "v");
	put(&place, "todoke-metadata", longer);

	g_autofree char *lost = folder_metadata(place.inbox, "", "", "/private/a");
	assert_null(lost);
	place_remove(&place);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ids),      cmocka_unit_test(test_by_id),
		cmocka_unit_test(test_made),     cmocka_unit_test(test_metadata),
		cmocka_unit_test(test_too_long),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
