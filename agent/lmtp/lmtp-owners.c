/* SPDX-License-Identifier: MIT */
/* lmtp-owners: what the root half and its delivery processes say to each other. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-owners.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/base/outside.h"
#include "agent/lmtp/lmtp-pack.h"
#include "agent/lmtp/lmtp-spool.h"
#include "agent/run/sandbox.h"
#include "agent/state/outage.h"

#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

/* Seconds more than its own deadline that a delivery process gets before it is killed. */
enum { GRACE = 10 };

/* First octet of a request. */
enum { LOCATE = 'o', LOOK = 'l', DELIVER = 'd' /* the file, or the octets behind it all */ };

/* Of processes that remain root: no owner's key is empty. */
static const char root_key[] = "";

struct LmtpOwners {
	Site *site;
	LmtpPool *pool;
	bool tells_outages; /* for all owners */
	GHashTable *stuck;  /* place -> gint64: monotonic, until when we expect it to hang */
	GHashTable *known;  /* what the answer depends on -> Found */
};

/* An answer to LOCATE. */
typedef struct {
	char *text;
	gint64 until; /* monotonic */
} Found;

/* Parts of the answer to LOCATE, a line each. */
enum { PART_UID, PART_GID, PART_TREE, PART_TREE_ID, PART_TREE_MEMORY, PARTS };

static bool
fail_broken(Status *st)
{
	return status_fail_detail(st, STATUS_INTERNAL, "a broken request for a delivery");
}

/* In a process that remains root. */
static bool
answer_locate(const LmtpOwners *owners, Account *account, char **ret_done, Status *st)
{
	if (!account_locate(owners->site->conf, account, st))
		return false;

	const Tree *tree = &account->tree;
	*ret_done = g_strdup_printf("%u\n%u\n%s\n%s\n%s", account->uid, account->gid,
	                            tree->path != NULL ? tree->path : "",
	                            tree->id != NULL ? tree->id : "",
	                            tree->memory != NULL ? tree->memory : "");
	return true;
}

/*
 * Once: where the first request could not enter it, the next one asks again. A tree that is not
 * there would stay outside of the box, and the INBOX must not be made in its place.
 */
static bool
enter_box(const Conf *conf, Account *account, Status *st)
{
	static bool settled;
	if (settled)
		return true;
	if (!account_check(conf, account, st))
		return false;

	g_autoptr(Conf) own = account_conf(account, conf);
	const SandboxCall entering = { .process = SANDBOX_OWNER,
		                       .conf = own != NULL ? own : conf,
		                       .account = account };
	settled = sandbox_enter(&entering, st);
	return settled;
}

/*
 * The first request decides whose process this is; nobody else's follows. It has read the keys of
 * the site, so its owner must not look into it.
 */
static bool
become_owner(const LmtpOwners *owners, Account *account, Status *st)
{
	const Conf *conf = owners->site->conf;
	if (geteuid() == 0)
		return account_become(conf, account, st) && prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
	if (account->uid == geteuid() && account->gid == getegid())
		return true;
	return status_fail_detail(st, STATUS_INTERNAL, "'%s' is not the owner of this process",
	                          account->user);
}

static bool
answer_look(const LmtpOwners *owners, Account *account, const char *at, const char *end, Status *st)
{
	g_autofree char *origin_id = lmtp_pack_take_string(&at, end);
	g_autofree char *size = lmtp_pack_take_string(&at, end);
	if (at != end || size == NULL)
		return fail_broken(st);

	const Conf *site_conf = owners->site->conf;
	if (!enter_box(site_conf, account, st))
		return false;
	g_autoptr(Conf) own = account_conf(account, site_conf);
	const LmtpDeliveryAsked asked = { .origin_id = origin_id,
		                          .size = g_ascii_strtoull(size, NULL, 10) };
	return lmtp_delivery_look(own != NULL ? own : site_conf, owners->site->host, account,
	                          &asked, st);
}

static bool
answer_deliver(const LmtpOwners *owners, Account *account, const char *at, const char *end, int *fd,
               char **ret_done, Status *st)
{
	g_autoptr(Envelope) envelope = envelope_new(DOOR_LMTP);
	if (!lmtp_pack_take_envelope(&at, end, envelope) || end - at > MESSAGE_FEW)
		return fail_broken(st);

	g_autoptr(Message) message = NULL;
	bool is_there = enter_box(owners->site->conf, account, st) &&
	                account_check(owners->site->conf, account, st);
	if (is_there)
		message = *fd >= 0 ? message_from_file(fs_steal_fd(fd), st)
		                   : message_from_octets(at, (size_t) (end - at));
	if (message == NULL) {
		const LmtpDeliveryAsked asked = { .address = envelope->recipient,
			                          .sender = envelope->sender,
			                          .origin_id = envelope->origin_id };
		lmtp_delivery_log_refusal(owners->site->conf, &asked, st);
		return false;
	}

	return lmtp_delivery_run(owners->site, account, envelope, message, owners->tells_outages,
	                         ret_done, st);
}

/* LmtpChildAnswer. */
static bool
answer(void *user, const char *request, size_t len, int taken_fd, char **ret_done, Status *st)
{
	const LmtpOwners *owners = user;
	const char *at = request + 1, *end = request + len;
	auto_fd int fd = taken_fd;
	g_autoptr(Account) account = lmtp_pack_take_account(&at, end);

	outside_forget(); /* what an earlier request to this process met */
	if (account == NULL)
		return fail_broken(st);
	if (request[0] == LOCATE)
		return answer_locate(owners, account, ret_done, st);
	if (!become_owner(owners, account, st))
		return false;
	if (request[0] == LOOK)
		return answer_look(owners, account, at, end, st);
	return answer_deliver(owners, account, at, end, &fd, ret_done, st);
}

static void
found_free(gpointer data)
{
	Found *found = data;
	g_free(found->text);
	g_free(found);
}

LmtpOwners *
lmtp_owners_new(Site *site)
{
	const Conf *conf = site->conf;
	LmtpOwners *owners = g_new0(LmtpOwners, 1);
	const LmtpPoolOptions options = {
		.most = (unsigned) conf->lmtp_delivery_processes,
		.uses = (unsigned) conf->lmtp_delivery_uses,
		.idle_seconds = (unsigned) conf->lmtp_delivery_idle,
		.seconds = (unsigned) conf->deadline + GRACE,
		.life_seconds = LIMIT_LMTP_DELIVERY_LIFE,
	};

	owners->site = site;
	owners->stuck = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	owners->known = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, found_free);
	owners->pool = lmtp_pool_new(&options, answer, owners);
	return owners;
}

void
lmtp_owners_ready(LmtpOwners *owners)
{
	auto_fd int fd = outage_open_folder(owners->site->conf->outage_folder, true);
	owners->tells_outages = fd >= 0;
}

void
lmtp_owners_tell_outages(const LmtpOwners *owners)
{
	if (owners->tells_outages)
		(void) outage_tell(owners->site->conf->outage_folder, NULL,
		                   g_get_real_time() / G_USEC_PER_SEC);
	outside_forget();
}

LmtpPool *
lmtp_owners_pool(const LmtpOwners *owners)
{
	return owners->pool;
}

static GString *
new_request(char what, const Account *account)
{
	GString *request = g_string_new(NULL);
	g_string_append_c(request, what);
	lmtp_pack_account(request, account);
	return request;
}

static char *
null_if_empty(char *line)
{
	return *line != '\0' ? line : NULL;
}

char *
lmtp_owners_place(const Account *account)
{
	const char *home = account->home, *maildir = account->maildir;
	if (maildir == NULL)
		return g_strdup("");
	return g_path_get_dirname(home != NULL && g_str_has_prefix(maildir, home) ? home : maildir);
}

/* Was a search there lost lately? */
static bool
is_stuck(LmtpOwners *owners, const Account *account)
{
	g_autofree char *place = lmtp_owners_place(account);
	const gint64 *until = g_hash_table_lookup(owners->stuck, place);
	return until != NULL && g_get_monotonic_time() < *until;
}

/*
 * All that account_locate looks at. Where the ids are named, by the source of users or by
 * virtual_user, that is the folder above the home, or above the mailbox; else it is the mailbox's
 * own path. NULL: the answer is not for keeping. Caller frees.
 */
static char *
known_key(const LmtpOwners *owners, const Account *account)
{
	bool is_named = account->uid != ACCOUNT_NO_UID || *owners->site->conf->virtual_user != '\0';
	if (account->returns_to != NULL || account->maildir == NULL || account->home == NULL)
		return NULL;
	if (!is_named)
		return g_strdup_printf("%s\n%s", account->maildir, account->home);

	bool is_inside = g_str_has_prefix(account->maildir, account->home);
	g_autofree char *above_home = g_path_get_dirname(account->home);
	g_autofree char *above_mail = g_path_get_dirname(account->maildir);
	return g_strdup_printf("%u:%u:%d:%d\n%s\n%s", account->uid, account->gid, is_inside,
	                       account->mail != NULL, above_home, above_mail);
}

char *
lmtp_owners_known(const LmtpOwners *owners, const Account *account)
{
	g_autofree char *key = known_key(owners, account);
	const Found *found = key != NULL ? g_hash_table_lookup(owners->known, key) : NULL;
	bool is_valid = found != NULL && g_get_monotonic_time() < found->until;

	return is_valid ? g_strdup(found->text) : NULL;
}

void
lmtp_owners_forget_known(LmtpOwners *owners)
{
	g_hash_table_remove_all(owners->known);
}

/*
 * A tree that nobody could mark may be remembered by the next search; but many never are, such as
 * /home of root, so that answer counts too, though not as long.
 */
static void
keep_found(LmtpOwners *owners, const Account *account, const char *text)
{
	g_auto(GStrv) parts = g_strsplit(text, "\n", -1);
	char *key = g_strv_length(parts) == PARTS ? known_key(owners, account) : NULL;
	if (key == NULL)
		return;

	bool is_marked = *parts[PART_TREE_ID] != '\0' || *parts[PART_TREE_MEMORY] == '\0';
	unsigned seconds = is_marked ? LIMIT_LMTP_FOUND : LIMIT_LMTP_FOUND_UNMARKED;
	Found *found = g_new(Found, 1);
	*found = (Found){ g_strdup(text), g_get_monotonic_time() + seconds * G_USEC_PER_SEC };
	if (g_hash_table_size(owners->known) >= LIMIT_LMTP_FOUND_KEPT)
		g_hash_table_remove_all(owners->known);
	(void) g_hash_table_replace(owners->known, key, found);
}

static void
note_lost(LmtpOwners *owners, const Account *account, bool lost)
{
	char *place;

	if (!lost && g_hash_table_size(owners->stuck) == 0)
		return;

	place = lmtp_owners_place(account);
	if (!lost) {
		(void) g_hash_table_remove(owners->stuck, place);
		g_free(place);
		return;
	}

	gint64 until = g_get_monotonic_time() + LIMIT_LMTP_STUCK * G_USEC_PER_SEC;
	if (g_hash_table_size(owners->stuck) >= LIMIT_LMTP_STUCK_PLACES)
		g_hash_table_remove_all(owners->stuck); /* they are searched with patience again */
	(void) g_hash_table_replace(owners->stuck, place, g_memdup2(&until, sizeof until));
}

void
lmtp_owners_note_search(LmtpOwners *owners, const Account *account, const char *found, bool lost)
{
	note_lost(owners, account, lost);
	if (found != NULL)
		keep_found(owners, account, found);
}

bool
lmtp_owners_ask_search(LmtpOwners *owners, const Account *account, LmtpPoolMember **ret_member,
                       Status *st)
{
	g_autoptr(GString) request = new_request(LOCATE, account);
	if (!lmtp_pool_ask(owners->pool, root_key, request, NULL, ret_member, st))
		return false;

	lmtp_pool_hurry(*ret_member,
	                is_stuck(owners, account) ? LIMIT_LMTP_SEARCH_AGAIN : LIMIT_LMTP_SEARCH);
	return true;
}

/* An account with what only root finds out. It borrows from the account and from `parts`. */
typedef struct {
	Account account;
	char **parts;
} Located;

static void
located_clear(Located *located)
{
	g_strfreev(located->parts);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Located, located_clear)

static bool
add_found(const Account *account, const char *found, Located *ret_located, Status *st)
{
	char **parts = g_strsplit(found != NULL ? found : "", "\n", -1);
	if (g_strv_length(parts) != PARTS) {
		g_strfreev(parts);
		return fail_broken(st);
	}

	*ret_located = (Located){ *account, parts };
	Account *located = &ret_located->account;
	located->uid = (uid_t) g_ascii_strtoull(parts[PART_UID], NULL, 10);
	located->gid = (gid_t) g_ascii_strtoull(parts[PART_GID], NULL, 10);
	located->tree = (Tree){ null_if_empty(parts[PART_TREE]), null_if_empty(parts[PART_TREE_ID]),
		                null_if_empty(parts[PART_TREE_MEMORY]) };
	return true;
}

/* Search, and wait for it. */
static bool
locate(LmtpOwners *owners, const Account *account, Located *ret_located, Status *st)
{
	g_autofree char *found = lmtp_owners_known(owners, account);
	LmtpPoolMember *member = NULL;
	bool lost = false;

	if (found != NULL)
		return add_found(account, found, ret_located, st);
	if (!lmtp_owners_ask_search(owners, account, &member, st))
		return false;
	bool good = lmtp_pool_take(owners->pool, member, &found, &lost, st);
	lmtp_owners_note_search(owners, account, good ? found : NULL, lost);

	return good && add_found(account, found, ret_located, st);
}

/*
 * Processes of one key have the same rights: a login brings groups of its own, and the box is that
 * of a tree, or of a user for whom the source of users has settings.
 */
static char *
key_of(const Account *account)
{
	bool is_alone = account->is_system || account->settings != NULL;
	return g_strdup_printf("%u:%u:%s:%s", account->uid, account->gid,
	                       is_alone ? account->user : "",
	                       account->tree.path != NULL ? account->tree.path : "");
}

bool
lmtp_owners_look(LmtpOwners *owners, const Account *account, const LmtpDeliveryAsked *asked,
                 Status *st)
{
	g_auto(Located) located = { .parts = NULL };
	if (!locate(owners, account, &located, st))
		return false;

	g_autoptr(GString) request = new_request(LOOK, &located.account);
	g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, asked->size);
	g_autofree char *key = key_of(&located.account);
	g_autofree char *nothing = NULL;
	LmtpPoolMember *member = NULL;

	lmtp_pack_string(request, asked->origin_id);
	lmtp_pack_string(request, size);
	bool good = lmtp_pool_ask(owners->pool, key, request, NULL, &member, st) &&
	            lmtp_pool_take(owners->pool, member, &nothing, NULL, st);
	if (!good)
		lmtp_owners_forget_known(owners);
	return good;
}

bool
lmtp_owners_ask_deliver(LmtpOwners *owners, const Account *account, const char *found,
                        const Envelope *envelope, const LmtpLoad *message,
                        LmtpPoolMember **ret_member, Status *st)
{
	bool is_file = message->fd >= 0;
	g_auto(Located) located = { .parts = NULL };
	if (!add_found(account, found, &located, st))
		return false;
	const char *folder = owners->site->conf->lmtp_spool;
	auto_fd int lent = is_file ? lmtp_spool_lend(message->fd, folder, st) : -1;
	if (is_file && lent < 0)
		return false;

	g_autoptr(GString) request = new_request(DELIVER, &located.account);
	g_autofree char *key = key_of(&located.account);
	const LmtpLoad load = { message->octets, message->len, lent };
	lmtp_pack_envelope(request, envelope);

	/* a process that is forked for it has what it is sent, and nothing that it would keep */
	if (is_file)
		lmtp_child_hide(lent);
	bool asked = lmtp_pool_ask(owners->pool, key, request, &load, ret_member, st);
	lmtp_child_show(lent);
	return asked;
}
