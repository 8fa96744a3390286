/* SPDX-License-Identifier: MIT */
/* lmtp-owners: what the root half and its delivery processes say to each other. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-owners.h"

#include "agent/base/fs.h"
#include "agent/base/outside.h"
#include "agent/lmtp/lmtp-pack.h"
#include "agent/state/outage.h"

#include <sys/prctl.h>
#include <unistd.h>

/* Seconds more than its own deadline that a delivery process gets before it is killed. */
enum { GRACE = 10 };

/* First octet of a request. */
enum { LOCATE = 'o', LOOK = 'l', DELIVER = 'd' };

/* Whose process remains root: no owner's key is empty. */
static const char root_key[] = "";

struct LmtpOwners {
	Site *site;
	LmtpPool *pool;
	bool tells_outages; /* for all owners */
};

/* Parts of the answer to LOCATE, a line each. */
enum { PART_UID, PART_GID, PART_TREE, PART_TREE_ID, PART_TREE_MEMORY, PARTS };

static bool
fail_broken(Status *st)
{
	return status_fail_detail(st, STATUS_INTERNAL, "a broken request for a delivery");
}

/* In the process that remains root. */
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
 * The first request decides whose process this is; nobody else's follows. It has read the keys of
 * the site, so its owner must not look into it.
 */
static bool
become_owner(const LmtpOwners *owners, Account *account, Status *st)
{
	if (geteuid() == 0)
		return account_become(owners->site->conf, account, st) &&
		       prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
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
	if (!lmtp_pack_take_envelope(at, end, envelope) || *fd < 0)
		return fail_broken(st);

	g_autoptr(Message) message = NULL;
	if (!account_check(owners->site->conf, account, st) ||
	    (message = message_from_file(fs_steal_fd(fd), st)) == NULL) {
		const LmtpDeliveryAsked asked = { .address = envelope->recipient,
			                          .sender = envelope->sender,
			                          .origin_id = envelope->origin_id };
		lmtp_delivery_log_refusal(&asked, st);
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
	};

	owners->site = site;
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
line_or_null(char **line)
{
	return **line != '\0' ? g_strdup(*line) : NULL;
}

/* A copy of the account with what only root finds out. NULL: a fault. Caller frees. */
static Account *
locate(LmtpOwners *owners, const Account *account, Status *st)
{
	g_autoptr(GString) request = new_request(LOCATE, account);
	g_autofree char *text = NULL;
	LmtpPoolMember *member = NULL;
	if (!lmtp_pool_ask(owners->pool, root_key, request, -1, &member, st) ||
	    !lmtp_pool_take(owners->pool, member, &text, st))
		return NULL;

	g_auto(GStrv) parts = g_strsplit(text != NULL ? text : "", "\n", -1);
	const char *at = request->str + 1;
	g_autoptr(Account) copy = lmtp_pack_take_account(&at, request->str + request->len);
	if (g_strv_length(parts) != PARTS || copy == NULL) {
		fail_broken(st);
		return NULL;
	}

	copy->uid = (uid_t) g_ascii_strtoull(parts[PART_UID], NULL, 10);
	copy->gid = (gid_t) g_ascii_strtoull(parts[PART_GID], NULL, 10);
	tree_clear(&copy->tree);
	copy->tree = (Tree){ line_or_null(&parts[PART_TREE]), line_or_null(&parts[PART_TREE_ID]),
		             line_or_null(&parts[PART_TREE_MEMORY]) };
	return g_steal_pointer(&copy);
}

/* Processes of one key have the same rights: a login brings groups of its own. */
static char *
key_of(const Account *account)
{
	return g_strdup_printf("%u:%u:%s", account->uid, account->gid,
	                       account->is_system ? account->user : "");
}

bool
lmtp_owners_look(LmtpOwners *owners, const Account *account, const LmtpDeliveryAsked *asked,
                 Status *st)
{
	g_autoptr(Account) located = locate(owners, account, st);
	if (located == NULL)
		return false;

	g_autoptr(GString) request = new_request(LOOK, located);
	g_autofree char *size = g_strdup_printf("%" G_GUINT64_FORMAT, asked->size);
	g_autofree char *key = key_of(located);
	g_autofree char *nothing = NULL;
	LmtpPoolMember *member = NULL;

	lmtp_pack_string(request, asked->origin_id);
	lmtp_pack_string(request, size);
	return lmtp_pool_ask(owners->pool, key, request, -1, &member, st) &&
	       lmtp_pool_take(owners->pool, member, &nothing, st);
}

bool
lmtp_owners_ask_deliver(LmtpOwners *owners, const Account *account, const Envelope *envelope,
                        int fd, LmtpPoolMember **ret_member, Status *st)
{
	const LmtpDeliveryAsked asked = { .address = envelope->recipient,
		                          .sender = envelope->sender,
		                          .origin_id = envelope->origin_id };
	g_autoptr(Account) located = locate(owners, account, st);

	if (located != NULL) {
		g_autoptr(GString) request = new_request(DELIVER, located);
		g_autofree char *key = key_of(located);
		lmtp_pack_envelope(request, envelope);
		if (lmtp_pool_ask(owners->pool, key, request, fd, ret_member, st))
			return true;
	}

	lmtp_delivery_log_refusal(&asked, st);
	return false;
}
