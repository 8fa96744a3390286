/* SPDX-License-Identifier: MIT */
/* state: opens the module, keeps its faults in one form, puts damaged files aside. */
#include "agent/state/state.h"

#include "agent/base/digest.h"
#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/module.h"
#include "agent/state/state-copy.h"
#include "agent/state/state-module.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define STATE_FILE "state.db"

/* No counter comes so far. */
#define COUNTED_MOST (G_MAXINT64 / 2)

/*
 * One in so many openings forgets what has ended: often enough, and no delivery waits for a big
 * sweep.
 */
enum { SWEEP_EVERY = 64 };

struct State {
	const StateModule *module;
	StateStore *store;
	const StatePlace *place; /* NULL: a file of one owner */
	char *owner;             /* NULL: as above */
	char *path;              /* of the file, or who the server is */
	/* what is not in the file is asked for here, and not written here; NULL: nowhere */
	State *beneath;
	bool asked_again; /* a lost connection was replaced once */
	gint64 now;
	ino_t inode;  /* of the file that is open */
	bool damaged; /* as it was found when it was used: its file is put aside at the end */
	/*
	 * what went wrong; from then on it is not asked any more: each wait for a lock costs
	 * seconds
	 */
	char *fault;
	bool is_down; /* that is that the server does not answer */
};

/* The connection to a server that this process keeps. */
static struct {
	const StatePlace *place; /* NULL: none yet */
	StateStore *store;       /* NULL: not connected */
	pid_t pid;               /* who has connected */
	gint64 quiet_until;      /* monotonic microseconds: it did not answer in time */
} kept;

static const StateModule *
open_module(const char *file, Status *st)
{
	static GHashTable *opened;
	if (opened == NULL)
		opened = g_hash_table_new(g_str_hash, g_str_equal);

	const StateModule *module = g_hash_table_lookup(opened, file);
	if (module == NULL)
		module = module_open(file, STATE_MODULE_SYMBOL, STATE_MODULE_VERSION, st);
	if (module != NULL)
		g_hash_table_insert(opened, (gpointer) (uintptr_t) file,
		                    (gpointer) (uintptr_t) module);
	return module;
}

static void
disconnect(const StateModule *module)
{
	if (kept.store != NULL)
		module->close(kept.store, kept.pid == getpid());
	kept.store = NULL;
}

/* A fault of a server: the next question begins with a new connection. */
static bool
fail_shared(State *state, const char *what, StateOutcome outcome, const char *why, Status *st)
{
	disconnect(state->module);
	state->store = NULL;
	if (outcome == STATE_SILENT)
		kept.quiet_until = g_get_monotonic_time() +
		                   (gint64) state->place->timeout_ms * 1000;

	status_fail_detail(st, STATUS_STATE, "cannot use the state in '%s': %s", state->path, why);
	Outside *outside = outside_new(OUTSIDE_STATE, state->path, what, why);
	state->is_down = state->is_down || outcome == STATE_SILENT || outcome == STATE_LOST;
	outside->is_down = state->is_down;
	status_set_outside(st, outside);
	return false;
}

/* A fault of the store is a fault of ours, never of the mail. */
static bool
judge(State *state, const char *what, StateOutcome outcome, const char *why, Status *st)
{
	if (outcome == STATE_OK)
		return true;
	if (state->fault == NULL)
		state->fault = g_strdup(why);
	if (state->place != NULL)
		return fail_shared(state, what, outcome, why, st);

	state->damaged = state->damaged || outcome == STATE_DAMAGED;
	status_fail_detail(st, STATUS_IO, "cannot use the state in '%s': %s", state->path, why);
	status_set_outside(st, outside_new(OUTSIDE_SQLITE, state->path, what, why));
	return false;
}

static StateOutcome
connect_kept(State *state, char **ret_why)
{
	const StatePlace *place = state->place;
	const StateTarget target = { place->where, place->password, place->tls, place->timeout_ms };
	bool is_usable = kept.store != NULL && kept.place == place && kept.pid == getpid();

	if (!is_usable) {
		disconnect(state->module);
		StateOutcome outcome = state->module->open(&target, &kept.store, ret_why);
		if (outcome != STATE_OK)
			return outcome;
		kept.place = place;
		kept.pid = getpid();
		outside_reach(OUTSIDE_STATE, place->peer);
	}

	state->store = kept.store;
	return STATE_OK;
}

/* Has a question lost its connection, and is there a new one? Then `outcome` counts no more. */
static bool
may_ask_again(State *state, StateOutcome *outcome, char **why)
{
	if (*outcome != STATE_LOST || state->place == NULL || state->asked_again)
		return false;

	state->asked_again = true;
	disconnect(state->module);
	g_clear_pointer(why, g_free);
	*outcome = connect_kept(state, why);
	return *outcome == STATE_OK;
}

/*
 * The damaged file stays for whoever wants to look into it; its log would be taken for the new
 * file's.
 */
static bool
put_aside(const char *path, Status *st)
{
	static const char *const ends[] = { "-wal", "-shm", "-journal" };
	g_autofree char *aside = g_strconcat(path, ".damaged", NULL);
	if (rename(path, aside) < 0)
		return status_fail_errno(st, errno, "cannot put '%s' aside", path);

	for (size_t i = 0; i < G_N_ELEMENTS(ends); i++) {
		g_autofree char *beside = g_strconcat(path, ends[i], NULL);
		(void) unlink(beside); /* most are not there */
	}

	return true;
}

static bool
open_store(State *state, char **ret_note, Status *st)
{
	g_autofree char *why = NULL, *again = NULL;
	const StateTarget target = { .where = state->path };
	StateOutcome outcome = state->module->open(&target, &state->store, &why);
	if (outcome != STATE_DAMAGED)
		return judge(state, "open", outcome, why, st);
	if (!put_aside(state->path, st))
		return false;

	*ret_note = g_strdup_printf("state was damaged and is put aside as '%s.damaged': %s",
	                            state->path, why);
	outcome = state->module->open(&target, &state->store, &again);
	return judge(state, "open", outcome, again, st);
}

static void
sweep_sometimes(State *state)
{
	if (g_random_int_range(0, SWEEP_EVERY) != 0)
		return;
	g_autofree char *why = NULL;
	(void) state->module->sweep(state->store, state->now, &why); /* the next one will */
}

static ino_t
inode_of(const char *path)
{
	struct stat sb;
	return stat(path, &sb) == 0 ? sb.st_ino : 0;
}

State *
state_open(const char *folder, gint64 now, char **ret_note, Status *st)
{
	g_autoptr(State) state = g_new0(State, 1);
	auto_fd int dirfd = -1;

	state->module = open_module(STATE_MODULE_FILE, st);
	if (state->module == NULL || !fs_make_dir(AT_FDCWD, folder, 0700, &dirfd, st))
		return NULL;

	state->path = g_build_filename(folder, STATE_FILE, NULL);
	state->now = now;
	*ret_note = NULL;

	if (!open_store(state, ret_note, st)) {
		g_clear_pointer(ret_note, g_free);
		return NULL;
	}

	state->inode = inode_of(state->path);
	sweep_sometimes(state);
	return g_steal_pointer(&state);
}

/* Opens a private file whose gaps are filled by `beneath`, which is taken over. */
static State *
open_above(const char *folder, gint64 now, State *beneath, char **ret_note, Status *st)
{
	State *state = state_open(folder, now, ret_note, st);
	if (state != NULL)
		state->beneath = beneath;
	else
		state_close(beneath);
	return state;
}

/*
 * As a server takes it, which wants UTF-8. Caller frees. The octet in front is in no name, so no
 * other owner's name comes out alike.
 */
static char *
print_owner(const char *owner)
{
	if (g_utf8_validate(owner, -1, NULL))
		return g_strdup(owner);
	g_autofree char *escaped = g_uri_escape_string(owner, "@", FALSE);
	return g_strconcat("\001", escaped, NULL);
}

State *
state_open_shared(const StatePlace *place, const char *owner, gint64 now, Status *st)
{
	g_autoptr(State) state = g_new0(State, 1);
	g_autofree char *why = g_strdup(place->problem);

	state->module = open_module(place->module, st);
	if (state->module == NULL)
		return NULL;

	state->place = place;
	state->owner = print_owner(owner);
	state->path = g_strdup(place->peer);
	state->now = now;

	StateOutcome outcome = STATE_FAULT;
	if (why == NULL && g_get_monotonic_time() < kept.quiet_until) {
		why = g_strdup("it did not answer in time a moment ago");
		outcome = STATE_LOST;
	} else if (why == NULL)
		outcome = connect_kept(state, &why);
	if (!judge(state, "open", outcome, why, st))
		return NULL;

	sweep_sometimes(state);
	return g_steal_pointer(&state);
}

void
state_close(State *state)
{
	if (state == NULL)
		return;
	state_close(state->beneath);
	if (state->store != NULL && state->place == NULL)
		state->module->close(state->store, true);

	/*
	 * Unless another process has begun a new file in the meantime. A fault: the next one tries.
	 */
	g_auto(Status) ignored = STATUS_INIT;
	if (state->damaged && inode_of(state->path) == state->inode)
		(void) put_aside(state->path, &ignored);
	g_free(state->owner);
	g_free(state->path);
	g_free(state->fault);
	g_free(state);
}

bool
state_get(State *state, StateKind kind, const char *key, char **ret_value, size_t *ret_len,
          Status *st)
{
	g_autofree char *why = NULL;
	char *value = NULL;
	size_t len = 0;
	if (state->fault != NULL)
		return judge(state, "get", STATE_FAULT, state->fault, st);

	StateOutcome outcome;
	do
		outcome = state->module->get(state->store, state->owner, kind, key, state->now,
		                             &value, &len, &why);
	while (may_ask_again(state, &outcome, &why));
	if (!judge(state, "get", outcome, why, st))
		return false;
	if (value == NULL && state->beneath != NULL)
		return state_get(state->beneath, kind, key, ret_value, ret_len, st);

	*ret_value = value;
	*ret_len = len;
	return true;
}

bool
state_put(State *state, const StateItem *items, size_t n, Status *st)
{
	for (size_t i = 0; i < n; i++)
		if (items[i].len > LIMIT_STATE_VALUE)
			return status_fail_detail(st, STATUS_LIMIT,
			                          "%zu octets are too many for the state",
			                          items[i].len);

	g_autofree char *why = NULL;
	if (state->fault != NULL)
		return judge(state, "put", STATE_FAULT, state->fault, st);

	StateOutcome outcome;
	do
		outcome = state->module->put(state->store, state->owner, items, n, state->now,
		                             &why);
	while (may_ask_again(state, &outcome, &why));

	return judge(state, "put", outcome, why, st);
}

/* What the counter has beneath, as far as the file has nothing of it yet. */
static bool
begin_counter(State *state, const char *key, gint64 until, Status *st)
{
	g_autofree char *value = NULL, *why = NULL;
	size_t len = 0;
	gint64 total = 0;
	StateOutcome outcome = state->module->get(state->store, NULL, STATE_COUNTER, key,
	                                          state->now, &value, &len, &why);
	if (!judge(state, "count", outcome, why, st) ||
	    (value == NULL && !state_count(state->beneath, key, 0, until, &total, st)))
		return false;
	if (value != NULL)
		return true;

	g_autofree char *text = g_strdup_printf("%" G_GINT64_FORMAT, total);
	const StateItem item = { STATE_COUNTER, key, text, strlen(text),
		                 MAX(until, state->now + 1) };
	return state_put(state, &item, 1, st);
}

bool
state_count(State *state, const char *key, gint64 by, gint64 until, gint64 *ret_total, Status *st)
{
	g_autofree char *why = NULL;
	if (state->fault != NULL)
		return judge(state, "count", STATE_FAULT, state->fault, st);
	if (state->beneath != NULL && !begin_counter(state, key, until, st))
		return false;

	StateOutcome outcome;
	do
		outcome = state->module->count(state->store, state->owner, key, by, until,
		                               state->now, ret_total, &why);
	while (may_ask_again(state, &outcome, &why));

	/* what a damaged store or a person has put there: whoever adds to it must not overflow */
	if (outcome == STATE_OK)
		*ret_total = CLAMP(*ret_total, 0, COUNTED_MOST);
	return judge(state, "count", outcome, why, st);
}

bool
state_take(State *state, const StateItem *item, bool *ret_taken, Status *st)
{
	g_autofree char *why = NULL, *other = NULL;
	size_t len = 0;
	if (state->fault != NULL)
		return judge(state, "take", STATE_FAULT, state->fault, st);
	if (state->beneath != NULL &&
	    !state_get(state->beneath, item->kind, item->key, &other, &len, st))
		return false;
	if (other != NULL) {
		*ret_taken = false;
		return true;
	}

	StateOutcome outcome;
	do
		outcome = state->module->take(state->store, state->owner, item, state->now,
		                              ret_taken, &why);
	while (may_ask_again(state, &outcome, &why));

	return judge(state, "take", outcome, why, st);
}

bool
state_drop(State *state, const StateItem *item, Status *st)
{
	g_autofree char *why = NULL;
	if (state->fault != NULL)
		return judge(state, "drop", STATE_FAULT, state->fault, st);

	StateOutcome outcome;
	do
		outcome = state->module->drop(state->store, state->owner, item, &why);
	while (may_ask_again(state, &outcome, &why));

	return judge(state, "drop", outcome, why, st);
}

bool
state_seen(State *state, const char *key, Status *st)
{
	g_autofree char *value = NULL;
	size_t len;
	return state_get(state, STATE_SEEN, key, &value, &len, st) && value != NULL;
}

char *
state_key(const char *first, ...)
{
	DigestSha256 sum;
	guchar octets[DIGEST_SHA256_BYTES];
	va_list parts;

	digest_sha256_init(&sum);
	va_start(parts, first);
	for (const char *part = first; part != NULL; part = va_arg(parts, const char *))
		/* with its NUL: "a","b" is not "ab" */
		digest_sha256_add(&sum, part, strlen(part) + 1);
	va_end(parts);

	char *hex = g_malloc(2 * sizeof octets + 1);
	digest_sha256_end(&sum, octets);
	digest_print(octets, sizeof octets, hex);

	return hex;
}

/* A key that will be seen. */
typedef struct {
	char *key;
	gint64 until;
} Seen;

struct StateOnce {
	const StatePlace *place; /* NULL: a file in the folder */
	char *owner;             /* NULL: as above */
	char *missing;  /* why the server has not said what decides; NULL: nothing is missing */
	char *unusable; /* why there is no state, after it was asked for; NULL: there is */
	char *folder;   /* of a copy: NULL before it is made */
	char *original; /* what the copy is made of; NULL: of nothing */
	bool is_copy;
	gint64 now;
	State *state;
	bool tried;
	GArray *seen; /* Seen */
};

static void
seen_clear(gpointer data)
{
	g_free(((Seen *) data)->key);
}

StateOnce *
state_once_new(const char *folder, gint64 now)
{
	StateOnce *once = g_new0(StateOnce, 1);

	once->folder = g_strdup(folder);
	once->now = now;
	once->seen = g_array_new(FALSE, FALSE, sizeof(Seen));
	g_array_set_clear_func(once->seen, seen_clear);

	return once;
}

StateOnce *
state_once_new_shared(const StatePlace *place, const char *owner, const char *folder, gint64 now)
{
	StateOnce *once = state_once_new(folder, now);
	once->place = place;
	once->owner = place != NULL ? g_strdup(owner) : NULL;
	return once;
}

StateOnce *
state_once_new_copy_shared(const StatePlace *place, const char *owner, const char *folder,
                           gint64 now)
{
	StateOnce *once = state_once_new_copy(place == NULL ? folder : NULL, now);
	once->place = place;
	once->owner = place != NULL ? g_strdup(owner) : NULL;
	return once;
}

StateOnce *
state_once_new_copy(const char *folder, gint64 now)
{
	StateOnce *once = state_once_new(NULL, now);
	once->original = g_strdup(folder);
	once->is_copy = true;
	return once;
}

void
state_once_free(StateOnce *once)
{
	if (once == NULL)
		return;
	state_close(once->state);
	if (once->is_copy && once->folder != NULL)
		fs_remove_tree(once->folder);
	g_array_unref(once->seen);
	g_free(once->owner);
	g_free(once->missing);
	g_free(once->unusable);
	g_free(once->original);
	g_free(once->folder);
	g_free(once);
}

/*
 * A folder of our own with the copy. What cannot be copied is noted; false: there can be no folder.
 */
static bool
make_copy(StateOnce *once, GPtrArray *notes, Status *st)
{
	g_autoptr(GError) error = NULL;
	g_auto(Status) unread = STATUS_INIT;

	once->folder = g_dir_make_tmp("todoke-try-XXXXXX", &error);
	if (once->folder == NULL)
		return status_fail_detail(st, STATUS_IO, "cannot make a temporary folder: %s",
		                          error->message);
	if (once->original != NULL &&
	    !state_copy(once->original, STATE_FILE, once->folder, &unread))
		g_ptr_array_add(
			notes, g_strdup_printf("as if nothing were remembered: %s", unread.detail));

	return true;
}

/* Could a delivery open it and write to it? */
static bool
may_write(const char *folder, Status *st)
{
	g_autofree char *file = g_build_filename(folder, STATE_FILE, NULL);
	bool is_there = access(folder, F_OK) == 0, has_file = access(file, F_OK) == 0;
	if (!is_there)
		return fs_may_make_dir(AT_FDCWD, folder, st);
	if (faccessat(AT_FDCWD, folder, W_OK | X_OK, AT_EACCESS) < 0 ||
	    (has_file && faccessat(AT_FDCWD, file, R_OK | W_OK, AT_EACCESS) < 0))
		return status_fail_errno(st, errno, "cannot write to '%s'",
		                         has_file ? file : folder);

	return true;
}

/* The copy of a state that a delivery could not use is none. */
static bool
open_copy(StateOnce *once, GPtrArray *notes, Status *st)
{
	return (once->original == NULL || may_write(once->original, st)) &&
	       make_copy(once, notes, st);
}

static State *
open_for(StateOnce *once, char **ret_note, Status *st)
{
	State *shared = once->place != NULL
	                        ? state_open_shared(once->place, once->owner, once->now, st)
	                        : NULL;

	if (once->place == NULL)
		return state_open(once->folder, once->now, ret_note, st);
	if (shared == NULL || !once->is_copy)
		return shared;
	return open_above(once->folder, once->now, shared, ret_note, st);
}

State *
state_once_get(StateOnce *once, GPtrArray *notes)
{
	if (once == NULL || once->tried)
		return once != NULL ? once->state : NULL;
	once->tried = true;
	char *note = NULL;
	g_auto(Status) st = STATUS_INIT;
	if (!once->is_copy || open_copy(once, notes, &st))
		once->state = open_for(once, &note, &st);
	if (once->state == NULL)
		note = g_strdup_printf("nothing can be remembered: %s", st.detail);
	if (note != NULL)
		g_ptr_array_add(notes, note);
	once->unusable = once->state == NULL && st.detail != NULL ? g_strdup(st.detail) : NULL;

	return once->state;
}

bool
state_once_is_shared(const StateOnce *once)
{
	return once != NULL && once->place != NULL;
}

void
state_once_miss(StateOnce *once, const Status *fault)
{
	if (once->place == NULL || once->missing != NULL)
		return;
	const char *why = fault->detail != NULL ? fault->detail : once->unusable;
	once->missing = g_strdup(why != NULL ? why : "the state cannot be used");
}

bool
state_once_must_wait(const StateOnce *once, Status *st)
{
	if (once == NULL || once->missing == NULL)
		return false;
	status_fail_detail(st, STATUS_STATE, "%s", once->missing);
	return true;
}

const char *
state_once_folder(const StateOnce *once)
{
	return once->folder;
}

/*
 * What a delivery made seen is known to its retries for so long at least, though others may
 * remember the key longer.
 */
enum { RETRIES_SECONDS = 86400 };

static char *
first_seen_key(const char *key, const char *arrival)
{
	return state_key(key, arrival, NULL);
}

static bool
is_known(StateOnce *once, const char *key, GPtrArray *notes)
{
	State *state = state_once_get(once, notes);
	g_auto(Status) fault = STATUS_INIT;
	bool known = state != NULL && state_seen(state, key, &fault);

	if (fault.id != STATUS_OK)
		g_ptr_array_add(notes,
		                g_strdup_printf("what was seen is not known: %s", fault.detail));
	if (state == NULL || fault.id != STATUS_OK)
		state_once_miss(once, &fault);
	return known;
}

bool
state_once_was_first(StateOnce *once, const char *key, const char *arrival, GPtrArray *notes)
{
	g_autofree char *own = arrival != NULL ? first_seen_key(key, arrival) : NULL;
	return own != NULL && is_known(once, own, notes);
}

bool
state_once_has_seen(StateOnce *once, const char *key, const char *arrival, GPtrArray *notes)
{
	return is_known(once, key, notes) && !state_once_was_first(once, key, arrival, notes);
}

void
state_once_will_see(StateOnce *once, const char *key, const char *arrival, gint64 until)
{
	Seen seen = { g_strdup(key), until };

	g_array_append_val(once->seen, seen);
	if (arrival == NULL)
		return;

	Seen own = { first_seen_key(key, arrival), MAX(until, once->now + RETRIES_SECONDS) };
	g_array_append_val(once->seen, own);
}

void
state_once_succeeded(StateOnce *once, GPtrArray *notes)
{
	if (once == NULL || once->seen->len == 0)
		return;
	State *state = state_once_get(once, notes);
	g_autofree StateItem *items = g_new0(StateItem, once->seen->len);
	for (guint i = 0; i < once->seen->len; i++) {
		const Seen *seen = &g_array_index(once->seen, Seen, i);
		items[i] = (StateItem){ .kind = STATE_SEEN,
			                .key = seen->key,
			                .until = seen->until };
	}

	g_auto(Status) st = STATUS_INIT;
	if (state != NULL && !state_put(state, items, once->seen->len, &st))
		g_ptr_array_add(notes,
		                g_strdup_printf("what was seen is not remembered: %s", st.detail));
	g_array_set_size(once->seen, 0);
}
