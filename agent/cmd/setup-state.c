/* SPDX-License-Identifier: MIT */
/* setup-state: makes the changes of a plan, and takes them back. */
#define _GNU_SOURCE
#include "agent/cmd/setup-state.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const files[] = { "main.cf", "master.cf" };

/* postconf writes new files, with its own idea of their mode; so that is remembered, too. */
typedef struct {
	char *text[G_N_ELEMENTS(files)];
	size_t len[G_N_ELEMENTS(files)];
	mode_t mode[G_N_ELEMENTS(files)];
	uid_t uid[G_N_ELEMENTS(files)];
	gid_t gid[G_N_ELEMENTS(files)];
} Snapshot;

static void
snapshot_clear(Snapshot *snapshot)
{
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		g_clear_pointer(&snapshot->text[i], g_free);
}

G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Snapshot, snapshot_clear)

char *
setup_state_path(const char *folder)
{
	return g_build_filename(folder, "todoke-setup.json", NULL);
}

static bool
take_snapshot(const char *folder, Snapshot *snapshot, Status *st)
{
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(folder, files[i], NULL);
		struct stat sb;
		if (!fs_read_file(AT_FDCWD, path, LIMIT_POSTFIX_FILE_BYTES, &snapshot->text[i],
		                  &snapshot->len[i], st))
			return false;
		if (stat(path, &sb) < 0)
			return status_fail_errno(st, errno, "cannot look at '%s'", path);
		snapshot->mode[i] = sb.st_mode & 07777;
		snapshot->uid[i] = sb.st_uid;
		snapshot->gid[i] = sb.st_gid;
	}
	return true;
}

/*
 * Give a file back its owner and mode. An owner can be given by root only, and by others nothing
 * was taken.
 */
static bool
restore_access(const char *path, const Snapshot *snapshot, size_t i, Status *st)
{
	if ((geteuid() == 0 && chown(path, snapshot->uid[i], snapshot->gid[i]) < 0) ||
	    chmod(path, snapshot->mode[i]) < 0)
		return status_fail_errno(st, errno, "cannot set owner and mode of '%s'", path);
	return true;
}

/* Replace a file in one step. */
static bool
write_back(const char *folder, const Snapshot *snapshot, size_t i, Status *st)
{
	g_autofree char *path = g_build_filename(folder, files[i], NULL);
	g_autoptr(GError) error = NULL;
	char *real = realpath(path, NULL); /* a link stays a link */

	if (real == NULL)
		return status_fail_errno(st, errno, "cannot find '%s'", path);
	bool good = g_file_set_contents_full(real, snapshot->text[i], (gssize) snapshot->len[i],
	                                     G_FILE_SET_CONTENTS_CONSISTENT |
	                                             G_FILE_SET_CONTENTS_DURABLE,
	                                     (int) snapshot->mode[i], &error)
	                    ? restore_access(real, snapshot, i, st)
	                    : status_fail_detail(st, STATUS_IO, "cannot write '%s': %s", path,
	                                         error->message);
	free(real);

	return good;
}

static bool
restore(const char *folder, const Snapshot *snapshot, Status *st)
{
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		if (!write_back(folder, snapshot, i, st))
			return false;
	return true;
}

static char *
digest(const Snapshot *snapshot, size_t i)
{
	return g_compute_checksum_for_data(G_CHECKSUM_SHA256, (const guchar *) snapshot->text[i],
	                                   snapshot->len[i]);
}

static json_t *
changes_json(const SetupPlan *plan)
{
	json_t *list = json_array();
	for (guint i = 0; i < plan->changes->len; i++) {
		const SetupChange *change = plan->changes->pdata[i];
		json_t *object = json_object();
		json_object_set_new(object, "master", json_boolean(change->master));
		json_object_set_new(object, "name", json_string(change->name));
		json_object_set_new(object, "before",
		                    change->before != NULL ? json_string(change->before)
		                                           : json_null());
		json_object_set_new(object, "after", json_string(change->after));
		json_array_append_new(list, object);
	}

	return list;
}

/* Our own files: what lay there before, if anything, and what we wrote. */
static json_t *
files_json(const SetupPlan *plan, const char *folder)
{
	json_t *list = json_array();
	for (guint i = 0; i < plan->files->len; i++) {
		const SetupFile *file = plan->files->pdata[i];
		g_autofree char *path = g_build_filename(folder, file->name, NULL), *there = NULL;
		g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256,
		                                                     file->content, -1);
		gsize len = 0;
		json_t *object = json_object(), *before = json_null();
		if (g_file_get_contents(path, &there, &len, NULL)) {
			g_autofree char *base64 = g_base64_encode((const guchar *) there, len);
			before = json_string(base64);
		}
		json_object_set_new(object, "name", json_string(file->name));
		json_object_set_new(object, "before", before);
		json_object_set_new(object, "after_sha256", json_string(sum));
		json_array_append_new(list, object);
	}

	return list;
}

static json_t *
find_named(json_t *list, json_t *wanted)
{
	size_t i;
	json_t *object;
	json_array_foreach(list, i, object)
	{
		if (json_equal(json_object_get(object, "name"), json_object_get(wanted, "name")))
			return object;
	}
	return NULL;
}

/* What is in the list, and what of the earlier has no name that is there. Takes `list`. */
static json_t *
add_missing(json_t *list, json_t *earlier)
{
	size_t i;
	json_t *object;
	json_array_foreach(earlier, i, object)
	{
		if (find_named(list, object) == NULL)
			json_array_append(list, object);
	}
	return list;
}

/*
 * What the earlier changes and these come to: of both of a name, from what was there before the
 * first to what is there now ("meanwhile" stood in between). What others changed in between is what
 * was there before. Takes `list`.
 */
static json_t *
join_changes(json_t *list, json_t *earlier)
{
	size_t i;
	json_t *object;
	json_array_foreach(list, i, object)
	{
		json_t *first = find_named(earlier, object),
		       *now = json_object_get(object, "before");
		if (first == NULL || !json_equal(json_object_get(first, "after"), now))
			continue;
		json_object_set(object, "meanwhile", now);
		json_object_set(object, "before", json_object_get(first, "before"));
	}
	return add_missing(list, earlier);
}

/* The same for files of ours. Takes `list`. */
static json_t *
join_files(json_t *list, json_t *earlier)
{
	size_t i;
	json_t *object;
	json_array_foreach(list, i, object)
	{
		json_t *first = find_named(earlier, object);
		const char *base64 = json_string_value(json_object_get(object, "before"));
		if (first == NULL || base64 == NULL)
			continue;

		gsize len = 0;
		g_autofree guchar *text = g_base64_decode(base64, &len);
		g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256, text, len);
		const char *written = json_string_value(json_object_get(first, "after_sha256"));
		if (g_strcmp0(sum, written) == 0)
			json_object_set(object, "before", json_object_get(first, "before"));
	}
	return add_missing(list, earlier);
}

/* Are main.cf and master.cf as --apply left them? */
static bool
is_untouched(json_t *state, const Snapshot *now)
{
	if (json_is_true(json_object_get(state, "is_mixed")))
		return false;

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *sum = digest(now, i);
		if (g_strcmp0(sum, json_string_value(json_object_get(
					   json_object_get(state, "after_sha256"), files[i]))) != 0)
			return false;
	}
	return true;
}

/*
 * Before and after as base64 and digest: the files need not be UTF-8. `earlier` is the state of an
 * --apply that was not undone (NULL: there is none): what was before that stays remembered, and is
 * "mixed" with what others changed behind it.
 */
static json_t *
state_json(const SetupPlan *plan, json_t *own_files, json_t *earlier, const Snapshot *before,
           const Snapshot *after)
{
	json_t *object = json_object(), *held = json_object(), *left = json_object(),
	       *access = json_object();
	bool is_mixed = earlier != NULL && !is_untouched(earlier, before);

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *base64 = g_base64_encode((const guchar *) before->text[i],
		                                          before->len[i]),
				*sum = digest(after, i);
		json_object_set_new(held, files[i], json_string(base64));
		json_object_set_new(left, files[i], json_string(sum));
		json_object_set_new(access, files[i],
		                    json_pack("[i,i,i]", (int) before->mode[i],
		                              (int) before->uid[i], (int) before->gid[i]));
	}

	json_object_set_new(object, "schema", json_string("todoke.setup-state/1"));
	json_object_set_new(object, "before", held);
	json_object_set_new(object, "access", access);
	if (earlier != NULL) {
		json_object_set(object, "before", json_object_get(earlier, "before"));
		json_object_set(object, "access", json_object_get(earlier, "access"));
	}
	json_object_set_new(object, "after_sha256", left);
	json_object_set_new(object, "is_mixed", json_boolean(is_mixed));
	json_object_set_new(object, "changes",
	                    join_changes(changes_json(plan), json_object_get(earlier, "changes")));
	json_object_set_new(
		object, "files",
		join_files(json_deep_copy(own_files), json_object_get(earlier, "files")));

	return object;
}

static bool
write_state(const char *path, json_t *state, Status *st)
{
	g_autoptr(GError) error = NULL;
	char *text = json_dumps(state, JSON_INDENT(2));
	bool good = text != NULL && g_file_set_contents_full(path, text, -1,
	                                                     G_FILE_SET_CONTENTS_CONSISTENT |
	                                                             G_FILE_SET_CONTENTS_DURABLE,
	                                                     0600, &error);

	free(text);
	if (!good)
		return status_fail_detail(st, STATUS_IO, "cannot write '%s': %s", path,
		                          error != NULL ? error->message : "a value is not UTF-8");
	return true;
}

static bool
run_changes(const SetupPlan *plan, const char *folder, const Snapshot *before, Status *st)
{
	for (guint i = 0; i < plan->changes->len; i++) {
		g_auto(GStrv) args = setup_change_args(plan->changes->pdata[i], false);
		if (!postfix_facts_postconf(folder, (const char *const *) args, NULL, st))
			return false;
	}

	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		g_autofree char *path = g_build_filename(folder, files[i], NULL);
		if (!restore_access(path, before, i, st))
			return false;
	}

	return true;
}

/* All users may read what Postfix reads as one of them. */
enum { OWN_FILE_MODE = 0644 };

static bool
write_own_file(const char *path, const char *content, gsize len, Status *st)
{
	g_autoptr(GError) error = NULL;
	if (!g_file_set_contents_full(path, content, (gssize) len,
	                              G_FILE_SET_CONTENTS_CONSISTENT | G_FILE_SET_CONTENTS_DURABLE,
	                              OWN_FILE_MODE, &error))
		return status_fail_detail(st, STATUS_IO, "cannot write '%s': %s", path,
		                          error->message);

	return chmod(path, OWN_FILE_MODE) == 0 ||
	       status_fail_errno(st, errno, "cannot set the mode of '%s'", path);
}

static bool
write_own_files(const SetupPlan *plan, const char *folder, Status *st)
{
	for (guint i = 0; i < plan->files->len; i++) {
		const SetupFile *file = plan->files->pdata[i];
		g_autofree char *path = g_build_filename(folder, file->name, NULL);
		if (!write_own_file(path, file->content, strlen(file->content), st))
			return false;
	}
	return true;
}

/* Put back what lay at the place of a file of ours, or nothing. */
static bool
restore_own_file(json_t *object, const char *path, Status *st)
{
	const char *base64 = json_string_value(json_object_get(object, "before"));

	if (base64 != NULL) {
		gsize len = 0;
		g_autofree char *text = (char *) g_base64_decode(base64, &len);
		return write_own_file(path, text, len, st);
	}

	if (unlink(path) < 0 && errno != ENOENT)
		return status_fail_errno(st, errno, "cannot remove '%s'", path);
	return true;
}

/*
 * After a change that failed: everything as it was. Only then the state is of no more use, or that
 * of an earlier --apply holds again.
 */
static void
take_all_back(const char *folder, const char *state_path, json_t *own_files, json_t *earlier,
              const Snapshot *before, Status *st)
{
	size_t i;
	json_t *object;
	bool good = restore(folder, before, st);

	json_array_foreach(own_files, i, object)
	{
		g_autofree char *path = g_build_filename(
			folder, json_string_value(json_object_get(object, "name")), NULL);
		good &= restore_own_file(object, path, st);
	}

	if (good && earlier != NULL)
		(void) write_state(state_path, earlier, st);
	else if (good)
		(void) unlink(state_path);
}

bool
setup_state_exists(const char *folder)
{
	g_autofree char *path = setup_state_path(folder);
	return g_file_test(path, G_FILE_TEST_EXISTS);
}

/* The state of an --apply. NULL: it cannot be read, or is damaged. */
static json_t *
read_state(const char *folder, Status *st)
{
	g_autofree char *path = setup_state_path(folder), *text = NULL;
	size_t len = 0;
	if (!fs_read_file(AT_FDCWD, path, 4 * LIMIT_POSTFIX_FILE_BYTES, &text, &len, st))
		return NULL;

	json_t *state = json_loadb(text, len, 0, NULL);
	if (state == NULL)
		status_fail_detail(st, STATUS_CONFIG, "'%s' is damaged", path);
	return state;
}

static bool
apply_remembered(const SetupPlan *plan, const char *folder, json_t *own_files, json_t *earlier,
                 const Snapshot *before, Status *st)
{
	g_autofree char *path = setup_state_path(folder);
	g_auto(Snapshot) after = { 0 };

	/* Written first with what is there now: a crash in the middle can be undone, too. */
	json_t *first = state_json(plan, own_files, earlier, before, before);
	bool good = write_state(path, first, st);
	json_decref(first);
	if (!good)
		return false;

	if (!write_own_files(plan, folder, st) || !run_changes(plan, folder, before, st)) {
		take_all_back(folder, path, own_files, earlier, before, st);
		return false;
	}

	if (!take_snapshot(folder, &after, st))
		return false;

	json_t *state = state_json(plan, own_files, earlier, before, &after);
	good = write_state(path, state, st);
	json_decref(state);

	return good;
}

bool
setup_state_apply(const SetupPlan *plan, const char *folder, Status *st)
{
	g_auto(Snapshot) before = { 0 };
	json_t *earlier = NULL;
	if ((setup_state_exists(folder) && (earlier = read_state(folder, st)) == NULL) ||
	    !take_snapshot(folder, &before, st)) {
		json_decref(earlier);
		return false;
	}

	json_t *own_files = files_json(plan, folder);
	bool good = apply_remembered(plan, folder, own_files, earlier, &before, st);
	json_decref(own_files);
	json_decref(earlier);

	return good;
}

static bool
undo_whole(json_t *state, const char *folder, Status *st)
{
	g_auto(Snapshot) before = { 0 };
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++) {
		const char *base64 = json_string_value(
			json_object_get(json_object_get(state, "before"), files[i]));
		int mode, uid, gid;
		if (base64 == NULL ||
		    json_unpack(json_object_get(json_object_get(state, "access"), files[i]),
		                "[i,i,i]", &mode, &uid, &gid) < 0)
			return status_fail_detail(st, STATUS_CONFIG, "the state file has no '%s'",
			                          files[i]);
		before.mode[i] = (mode_t) mode & 07777;
		before.uid[i] = (uid_t) uid;
		before.gid[i] = (gid_t) gid;
		before.text[i] = (char *) g_base64_decode(base64, &before.len[i]);
	}

	return restore(folder, &before, st);
}

/* What stands there for a change now. Caller frees; NULL: nothing. */
static char *
current_value(const PostfixFacts *facts, const SetupChange *change)
{
	if (!change->master)
		return g_strdup(g_hash_table_lookup(facts->said, change->name));
	const PostfixService *service = postfix_facts_service(facts, change->name);
	return service != NULL ? postfix_service_print(service) : NULL;
}

static SetupChange *
change_from_json(json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name")),
		   *after = json_string_value(json_object_get(object, "after"));
	if (name == NULL || after == NULL)
		return NULL;

	SetupChange *change = g_new0(SetupChange, 1);
	change->master = json_is_true(json_object_get(object, "master"));
	change->name = g_strdup(name);
	change->before = g_strdup(json_string_value(json_object_get(object, "before")));
	change->after = g_strdup(after);

	return change;
}

G_DEFINE_AUTOPTR_CLEANUP_FUNC(SetupChange, setup_change_free)

static bool
undo_one_by_one(json_t *state, const char *folder, GPtrArray *notes, Status *st)
{
	g_autoptr(PostfixFacts) facts = postfix_facts_read(folder, st);
	if (facts == NULL)
		return false;

	size_t i;
	json_t *object;
	json_array_foreach(json_object_get(state, "changes"), i, object)
	{
		g_autoptr(SetupChange) change = change_from_json(object);
		g_autofree char *now = change != NULL ? current_value(facts, change) : NULL;
		if (change == NULL || g_strcmp0(now, change->before) == 0)
			continue;
		/* after a crash in the middle, an earlier --apply's */
		const char *meanwhile = json_string_value(json_object_get(object, "meanwhile"));
		bool is_ours = g_strcmp0(now, change->after) == 0 ||
		               (meanwhile != NULL && g_strcmp0(now, meanwhile) == 0);
		if (!is_ours) {
			g_ptr_array_add(notes,
			                g_strdup_printf("%s was changed since and is left as it is",
			                                change->name));
			continue;
		}
		g_auto(GStrv) args = setup_change_args(change, true);
		if (!postfix_facts_postconf(folder, (const char *const *) args, NULL, st))
			return false;
	}

	return true;
}

/* Does main.cf or master.cf still name the file? Without it Postfix would not take mail. */
static bool
is_named(const Snapshot *now, const char *path)
{
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		if (memmem(now->text[i], now->len[i], path, strlen(path)) != NULL)
			return true;
	return false;
}

static bool
undo_own_file(json_t *object, const char *folder, const Snapshot *now, GPtrArray *notes, Status *st)
{
	const char *name = json_string_value(json_object_get(object, "name")),
		   *written = json_string_value(json_object_get(object, "after_sha256"));
	if (name == NULL || written == NULL || strchr(name, '/') != NULL)
		return true;

	g_autofree char *path = g_build_filename(folder, name, NULL), *there = NULL;
	gsize len = 0;
	if (!g_file_get_contents(path, &there, &len, NULL))
		return true;

	g_autofree char *sum = g_compute_checksum_for_data(G_CHECKSUM_SHA256,
	                                                   (const guchar *) there, len);
	if (is_named(now, path))
		g_ptr_array_add(
			notes,
			g_strdup_printf(
				"%s is still named in main.cf or master.cf and is left as it is",
				name));
	else if (strcmp(sum, written) != 0)
		g_ptr_array_add(
			notes,
			g_strdup_printf(
				"%s was changed since and is left as it is; nothing reads it",
				name));
	else
		return restore_own_file(object, path, st);

	return true;
}

static bool
undo_own_files(json_t *state, const char *folder, GPtrArray *notes, Status *st)
{
	g_auto(Snapshot) now = { 0 };
	if (!take_snapshot(folder, &now, st))
		return false;

	size_t i;
	json_t *object;
	json_array_foreach(
		json_object_get(state, "files"), i,
		object) if (!undo_own_file(object, folder, &now, notes, st)) return false;

	return true;
}

bool
setup_state_undo(const char *folder, GPtrArray *notes, Status *st)
{
	g_autofree char *path = setup_state_path(folder);
	g_auto(Snapshot) now = { 0 };
	json_t *state = read_state(folder, st);
	if (state == NULL)
		return setup_state_exists(folder) ? false
		                                  : status_prefix(st, "there is nothing to undo");

	bool good = take_snapshot(folder, &now, st) &&
	            (is_untouched(state, &now) ? undo_whole(state, folder, st)
	                                       : undo_one_by_one(state, folder, notes, st)) &&
	            undo_own_files(state, folder, notes, st);
	json_decref(state);
	if (good && unlink(path) < 0)
		return status_fail_errno(st, errno, "cannot remove '%s'", path);

	return good;
}
