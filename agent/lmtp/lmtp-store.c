/* SPDX-License-Identifier: MIT */
/* lmtp-store: from a session's wishes to transactions. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-store.h"

#include "agent/base/fs.h"
#include "agent/base/limits.h"
#include "agent/lmtp/lmtp-child.h"
#include "agent/lmtp/lmtp-delivery.h"
#include "agent/lmtp/lmtp-dispatch.h"
#include "agent/lmtp/lmtp-lanes.h"
#include "agent/lmtp/lmtp-owners.h"
#include "agent/lmtp/lmtp-spool.h"
#include "agent/run/account-admit.h"
#include "agent/run/account-source.h"
#include "agent/run/recipient.h"
#include "agent/run/sandbox.h"
#include "conf/conf-choices.h"

#include <string.h>
#include <unistd.h>

/* Seconds more than its own deadline that a lane's process gets before it is killed. */
enum { GRACE = 20 };

/* What a worker delivers with. */
typedef struct {
	Site *site;
	LmtpSlots *slots;
	LmtpCounts *counts;
	unsigned slot;
	GHashTable *accounts; /* address -> Account: found at RCPT, used after the dot */
	GPtrArray *announced; /* Envelope */
	GHashTable *noted;    /* address -> Noted: in the half without rights; NULL: none */

	/* Where all mail is one account's. */
	LmtpSpool spool;
	Message *message; /* NULL: not whole yet */
	LmtpLanes *lanes; /* for those that were announced; NULL: none */

	/* Where root has to become each recipient; NULL: it has not. */
	LmtpOwners *owners;
	LmtpDispatch *dispatch;        /* of those that were announced; NULL: none */
	const Envelope *not_announced; /* the only delivery; NULL: they are `announced` */
	LmtpLoad adopted;              /* the whole message */
	char *octets;                  /* of LIMIT_LMTP_SPOOL_FEW: where those of `adopted` lie */
	gint64 began[LMTP_SLOT_LANES]; /* monotonic: the delivery of each lane */
} Store;

/* A recipient whom the half with rights has just taken. */
typedef struct {
	char *mailbox;
	gint64 until; /* monotonic */
} Noted;

static void
free_noted(gpointer data)
{
	Noted *noted = data;
	g_free(noted->mailbox);
	g_free(noted);
}

static void
free_account(gpointer account)
{
	account_free(account);
}

static void
free_envelope(gpointer envelope)
{
	envelope_free(envelope);
}

/*
 * Where root would have to ask a process for it, and no answer depends on the mailbox, it is looked
 * at when the message comes.
 */
static bool
is_looked_at_later(const Store *store, const Conf *conf)
{
	return store->owners != NULL && conf->quota == CONF_QUOTA_OFF && conf->create_maildir;
}

static bool
takes_mail(Store *store, const LmtpDeliveryAsked *asked, Account *account, Status *st)
{
	g_autoptr(Conf) own = account_conf(account, store->site->conf);
	const Conf *conf = own != NULL ? own : store->site->conf;
	bool is_later = is_looked_at_later(store, conf);

	if (account->returns_to != NULL)
		return true;
	if (!account_admit(conf, asked->sender, asked->size, st))
		return false;
	if (is_later)
		return true;
	return store->owners != NULL
	               ? lmtp_owners_look(store->owners, account, asked, st)
	               : lmtp_delivery_look(conf, store->site->host, account, asked, st);
}

/* Without it nobody can be served. */
static char *
need_memory(size_t size)
{
	char *memory = lmtp_child_hidden_memory(size);
	if (memory == NULL)
		g_error("no memory for messages");
	return memory;
}

static void
store_ready(void *user)
{
	Store *store = user;
	site_read_keys(store->site);
	if (store->owners == NULL)
		return;
	store->octets = need_memory(LIMIT_LMTP_SPOOL_FEW);
	lmtp_counts_keep(store->counts); /* processes of owners could make up counts */
	lmtp_owners_ready(store->owners);
}

/* Another detail is another mailbox: rules may file by it. Caller frees. */
static char *
name_mailbox(const Account *account)
{
	return g_strconcat(account->user, account->detail != NULL ? "+" : NULL, account->detail,
	                   NULL);
}

/* LmtpBackend's is_lasting: nothing but the site's settings counts, and no mailbox is looked at. */
static bool
store_is_lasting(void *user, const char *address)
{
	const Store *store = user;
	const Conf *conf = store->site->conf;
	const Account *account = g_hash_table_lookup(store->accounts, address);
	unsigned kind = account_kind_of_users(conf);

	bool is_kept = kind == CONF_USERS_PASSWD_FILE ||
	               (account_source_of(conf)->ask != NULL && conf->users_cache > 0);
	return is_kept && account != NULL && account->returns_to == NULL &&
	       conf->scopes->len == 0 &&
	       (account->settings == NULL || account->settings->len == 0) &&
	       is_looked_at_later(store, conf);
}

/* LmtpBackend's note. */
static void
store_note(void *user, const char *address, const char *mailbox)
{
	Store *store = user;
	Noted *noted = g_new(Noted, 1);
	*noted = (Noted){ g_strdup(mailbox),
		          g_get_monotonic_time() + LIMIT_LMTP_FOUND * G_USEC_PER_SEC };

	if (store->noted == NULL)
		store->noted = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_noted);
	if (g_hash_table_size(store->noted) >= LIMIT_LMTP_FOUND_KEPT)
		g_hash_table_remove_all(store->noted);
	(void) g_hash_table_replace(store->noted, g_strdup(address), noted);
}

/* The mailbox of a recipient that was noted; NULL: it has to be asked for. Caller frees. */
static char *
find_noted(const Store *store, const LmtpMail *mail, const char *address)
{
	g_auto(Status) refused = STATUS_INIT;
	const Noted *noted = store->noted != NULL ? g_hash_table_lookup(store->noted, address)
	                                          : NULL;
	bool is_taken = noted != NULL && g_get_monotonic_time() < noted->until &&
	                account_admit(store->site->conf, mail->sender, mail->size, &refused);
	return is_taken ? g_strdup(noted->mailbox) : NULL;
}

/*
 * LmtpBackend's is_certain. A virtual tree has everybody, so the settings alone answer; but who
 * made an address that SRS rewrote, only the keys tell.
 */
static bool
store_is_certain(void *user, const LmtpMail *mail, const char *address, char **ret_mailbox)
{
	const Store *store = user;
	const Conf *conf = store->site->conf;
	g_auto(Status) unsure = STATUS_INIT;
	*ret_mailbox = find_noted(store, mail, address);
	if (*ret_mailbox != NULL)
		return true;

	bool is_by_settings = account_kind_of_users(conf) == CONF_USERS_VIRTUAL &&
	                      g_ascii_strncasecmp(address, "SRS", 3) != 0;
	g_autoptr(Account) account = is_by_settings ? account_find(conf, address, &unsure) : NULL;
	if (account == NULL || account->returns_to != NULL)
		return false;

	g_autoptr(Conf) own = account_conf(account, conf);
	const Conf *valid = own != NULL ? own : conf;
	if (!is_looked_at_later(store, valid) ||
	    !account_admit(valid, mail->sender, mail->size, &unsure))
		return false;

	*ret_mailbox = name_mailbox(account);
	return true;
}

/* Nothing of an earlier delivery is told with it, and nothing of it with a later one. */
static Account *
look_up(const Store *store, const char *address, Status *st)
{
	outside_forget();
	Account *account = recipient_find(store->site, address, st);
	recipient_tell_outage(store->site->conf, st);
	if (account != NULL)
		outside_forget();
	return account;
}

static bool
store_recipient(void *user, const LmtpMail *mail, const char *address, char **ret_mailbox,
                Status *st)
{
	Store *store = user;
	g_autoptr(Account) account = look_up(store, address, st);
	const LmtpDeliveryAsked asked = { .address = address,
		                          .user = account != NULL ? account->user : NULL,
		                          .sender = mail->sender,
		                          .origin_id = mail->origin_id,
		                          .size = mail->size };

	if (account == NULL || !takes_mail(store, &asked, account, st)) {
		lmtp_counts_add_refusal(store->counts, st);
		lmtp_delivery_log_refusal(store->site->conf, &asked, st);
		outside_forget();
		return false;
	}

	*ret_mailbox = name_mailbox(account);
	g_hash_table_replace(store->accounts, g_strdup(address), g_steal_pointer(&account));
	return true;
}

static bool
store_open(void *user, const LmtpMail *mail, Status *st)
{
	Store *store = user;
	(void) mail, (void) st;
	lmtp_spool_open(&store->spool, store->site->conf->lmtp_spool);
	return true;
}

static bool
store_write(void *user, const void *data, size_t len, Status *st)
{
	Store *store = user;
	return lmtp_spool_write(&store->spool, data, len, st);
}

static bool
take_file(Store *store, Status *st)
{
	int fd = lmtp_spool_take(&store->spool, st);
	store->message = fd >= 0 ? message_from_file(fd, st) : NULL;
	return store->message != NULL;
}

/* Few octets wait: if there is one delivery, no file is needed. */
static bool
store_close(void *user, Status *st)
{
	Store *store = user;
	size_t len;
	return lmtp_spool_few(&store->spool, &len) != NULL || take_file(store, st);
}

/* Several deliveries share a file. */
static bool
need_message(Store *store, Status *st)
{
	size_t len = 0;
	if (store->message != NULL)
		return true;
	if (store->announced->len > 0)
		return take_file(store, st);

	const char *few = lmtp_spool_few(&store->spool, &len);
	store->message = message_from_octets(few, len);
	return true;
}

/*
 * The account that was found at RCPT, or is found now, where the other half was certain. NULL: st
 * has the fault.
 */
static Account *
need_account(Store *store, const Envelope *envelope, Status *st)
{
	Account *account = g_hash_table_lookup(store->accounts, envelope->recipient);
	const LmtpDeliveryAsked asked = { .address = envelope->recipient,
		                          .sender = envelope->sender,
		                          .origin_id = envelope->origin_id };
	if (account != NULL)
		return account;

	g_autoptr(Account) found = look_up(store, envelope->recipient, st);
	if (found == NULL || !takes_mail(store, &asked, found, st))
		return NULL;
	account = g_steal_pointer(&found);
	g_hash_table_replace(store->accounts, g_strdup(envelope->recipient), account);

	return account;
}

/* The account, with a place among the deliveries to its mailbox. */
static Account *
enter_mailbox(Store *store, const Envelope *envelope, unsigned lane, Status *st)
{
	Account *account = need_account(store, envelope, st);
	if (account == NULL)
		return NULL;

	if (!lmtp_slots_enter(store->slots, store->slot, lane, account->user,
	                      (unsigned) store->site->conf->lmtp_user_limit)) {
		status_fail(st, STATUS_BUSY, "too many deliveries to this mailbox at once");
		status_prefix(st, "lmtp_user_limit");
		return NULL;
	}

	return account;
}

/* For one that no transaction logs. */
static void
log_failed(const Store *store, const Envelope *envelope, const Status *st)
{
	const LmtpDeliveryAsked asked = { .address = envelope->recipient,
		                          .sender = envelope->sender,
		                          .origin_id = envelope->origin_id };
	lmtp_delivery_log_refusal(store->site->conf, &asked, st);
	outside_forget();
}

static bool
deliver(Store *store, const Envelope *envelope, unsigned lane, char **ret_done, Status *st)
{
	Account *account = enter_mailbox(store, envelope, lane, st);
	if (account == NULL) {
		log_failed(store, envelope, st);
		return false;
	}

	gint64 began = g_get_monotonic_time();
	bool done = lmtp_delivery_run(store->site, account, envelope, store->message, false,
	                              ret_done, st);
	lmtp_counts_add_time(store->counts, g_get_monotonic_time() - began);
	lmtp_counts_add_peers(store->counts);
	lmtp_slots_leave(store->slots, store->slot, lane);
	return done;
}

/* LmtpLanesWork. */
static bool
deliver_in_lane(void *user, unsigned lane, unsigned number, char **ret_done, Status *st)
{
	Store *store = user;
	return deliver(store, store->announced->pdata[number], lane, ret_done, st);
}

static void
store_announce(void *user, Envelope *envelope)
{
	Store *store = user;
	const Account *account = g_hash_table_lookup(store->accounts, envelope->recipient);

	g_ptr_array_add(store->announced, envelope);
	/* A lane keeps the deadlines by itself: this one is for a lane that cannot. */
	if (store->lanes == NULL)
		store->lanes = lmtp_lanes_new(deliver_in_lane, store,
		                              (unsigned) store->site->conf->deadline + GRACE);

	lmtp_lanes_add(store->lanes, account != NULL ? account->user : "");
}

/* Alone, or the next of those that were announced. */
static bool
deliver_next(Store *store, const Envelope *envelope, char **ret_done, Status *st)
{
	if (store->lanes == NULL || !lmtp_lanes_pay(store->lanes))
		return deliver(store, envelope, 0, ret_done, st);

	unsigned next = lmtp_lanes_next(store->lanes);
	const Envelope *announced = next < store->announced->len ? store->announced->pdata[next]
	                                                         : NULL;
	if (announced == NULL || strcmp(announced->recipient, envelope->recipient) != 0)
		return status_fail_detail(st, STATUS_INTERNAL, "recipient '%s' was not announced",
		                          envelope->recipient);

	bool lost = false;
	bool done = lmtp_lanes_take(store->lanes, ret_done, &lost, st);
	if (!done && lost)
		log_failed(store, envelope, st);
	return done;
}

static bool
store_deliver(void *user, const Envelope *envelope, char **ret_done, Status *st)
{
	Store *store = user;
	bool done = need_message(store, st) && deliver_next(store, envelope, ret_done, st);
	sandbox_note_fault(st);
	lmtp_counts_add_outcome(store->counts, st);
	return done;
}

static void
forget_message(Store *store)
{
	g_ptr_array_set_size(store->announced, 0);
	g_hash_table_remove_all(store->accounts);
}

static void
store_end(void *user)
{
	Store *store = user;
	bool had_lanes = store->lanes != NULL;

	g_clear_pointer(&store->lanes, lmtp_lanes_free);
	if (had_lanes)
		lmtp_slots_leave_all(store->slots, store->slot); /* of lanes that died */
	lmtp_spool_close(&store->spool);
	g_clear_pointer(&store->message, message_unref);
	forget_message(store);
}

/* Of the message that is delivered as root. */
static const Envelope *
envelope_of(const Store *store, unsigned number)
{
	return store->not_announced != NULL ? store->not_announced
	                                    : store->announced->pdata[number];
}

static const Account *
account_of(const Store *store, unsigned number)
{
	return g_hash_table_lookup(store->accounts, envelope_of(store, number)->recipient);
}

/* LmtpDispatchWork, and what follows: as root. */
static bool
search_as_root(void *user, unsigned number, unsigned lane, LmtpPoolMember **ret_member,
               char **ret_found, Status *st)
{
	Store *store = user;
	const Account *account = enter_mailbox(store, envelope_of(store, number), lane, st);
	if (account == NULL)
		return false;

	store->began[lane] = g_get_monotonic_time();
	*ret_found = lmtp_owners_known(store->owners, account);
	if (*ret_found != NULL)
		return true;
	if (lmtp_owners_ask_search(store->owners, account, ret_member, st))
		return true;
	lmtp_slots_leave(store->slots, store->slot, lane);
	return false;
}

static bool
deliver_as_owner(void *user, unsigned number, const char *found, LmtpPoolMember **ret_member,
                 Status *st)
{
	const Store *store = user;
	return lmtp_owners_ask_deliver(store->owners, account_of(store, number), found,
	                               envelope_of(store, number), &store->adopted, ret_member, st);
}

static void
hear_of_process(void *user, unsigned number, bool searched, const char *found, bool lost)
{
	const Store *store = user;
	if (searched) {
		lmtp_owners_note_search(store->owners, account_of(store, number), found, lost);
		return;
	}

	lmtp_counts_add_peers(store->counts);
	lmtp_owners_tell_outages(store->owners);
}

static void
end_as_owner(void *user, unsigned number, unsigned lane)
{
	const Store *store = user;
	(void) number;
	lmtp_counts_add_time(store->counts, g_get_monotonic_time() - store->began[lane]);
	lmtp_slots_leave(store->slots, store->slot, lane);
}

static void
failed_as_root(void *user, unsigned number, const Status *st)
{
	log_failed(user, envelope_of(user, number), st);
}

static LmtpDispatch *
new_dispatch(Store *store)
{
	static LmtpDispatchWork work;
	work = (LmtpDispatchWork){ search_as_root, deliver_as_owner, hear_of_process,
		                   end_as_owner,   failed_as_root,   store };
	return lmtp_dispatch_new(lmtp_owners_pool(store->owners), &work);
}

static void
dispatch_add(LmtpDispatch *dispatch, Store *store, const Envelope *envelope)
{
	/* it will be asked for again, and say what is wrong then */
	g_auto(Status) later = STATUS_INIT;
	const Account *account = need_account(store, envelope, &later);
	g_autofree char *place = account != NULL ? lmtp_owners_place(account) : NULL;

	lmtp_dispatch_add(dispatch, account != NULL ? account->user : "",
	                  place != NULL ? place : "");
}

static void
announce_as_root(void *user, Envelope *envelope)
{
	Store *store = user;

	g_ptr_array_add(store->announced, envelope);
	if (store->dispatch == NULL)
		store->dispatch = new_dispatch(store);
	dispatch_add(store->dispatch, store, envelope);
}

static void
count_processes(const Store *store)
{
	lmtp_counts_set_processes(store->counts, store->slot,
	                          lmtp_pool_size(lmtp_owners_pool(store->owners)));
}

/* A delivery alone; or the outcome of the next that was announced. */
static bool
deliver_next_as_root(Store *store, const Envelope *envelope, char **ret_done, Status *st)
{
	if (store->dispatch == NULL) {
		g_autoptr(LmtpDispatch) alone = new_dispatch(store);
		store->not_announced = envelope;
		dispatch_add(alone, store, envelope);
		bool done = lmtp_dispatch_take(alone, ret_done, st);
		store->not_announced = NULL;
		return done;
	}

	unsigned next = lmtp_dispatch_next(store->dispatch);
	const Envelope *announced = next < store->announced->len ? store->announced->pdata[next]
	                                                         : NULL;
	if (announced == NULL || strcmp(announced->recipient, envelope->recipient) != 0)
		return status_fail_detail(st, STATUS_INTERNAL, "recipient '%s' was not announced",
		                          envelope->recipient);

	return lmtp_dispatch_take(store->dispatch, ret_done, st);
}

static bool
deliver_as_root(void *user, const Envelope *envelope, char **ret_done, Status *st)
{
	Store *store = user;
	bool done = deliver_next_as_root(store, envelope, ret_done, st);
	if (!done)
		lmtp_owners_forget_known(store->owners);
	lmtp_counts_add_outcome(store->counts, st);
	return done;
}

/*
 * The message stays for all recipients: each process is sent the octets, or a descriptor, and
 * closes it behind its delivery. What came by fork it would hold as long as it waits, and were it
 * mail of another owner.
 */
static void
adopt_as_root(void *user, int fd, const char *octets, size_t len)
{
	Store *store = user;
	lmtp_child_show(store->adopted.fd);
	fs_close_auto(&store->adopted.fd);
	if (fd >= 0)
		lmtp_child_hide(fd);
	if (len > 0)
		memcpy(store->octets, octets, len);
	store->adopted = (LmtpLoad){ store->octets, len, fd };
}

static void
end_as_root(void *user)
{
	Store *store = user;
	g_clear_pointer(&store->dispatch, lmtp_dispatch_free);
	adopt_as_root(store, -1, NULL, 0);
	forget_message(store);
}

static int
tidy_as_root(void *user)
{
	const Store *store = user;
	int wait_ms = lmtp_pool_tidy(lmtp_owners_pool(store->owners));
	count_processes(store);
	return wait_ms;
}

/* LmtpService's start: for the rest of the process. */
static void
store_start(void *data, const LmtpShared *shared, unsigned slot, LmtpBackend *ret_backend)
{
	static Store store;
	Site *site = data;
	bool becomes_each = geteuid() == 0 && *site->conf->lmtp_user == '\0';

	lmtp_slots_set_owner(getpid());
	store = (Store){
		.site = site,
		.slots = shared->slots,
		.counts = shared->counts,
		.slot = slot,
		.accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_account),
		.announced = g_ptr_array_new_with_free_func(free_envelope),
		.spool = LMTP_SPOOL_INIT,
		.owners = becomes_each ? lmtp_owners_new(site) : NULL,
		.adopted = { .fd = -1 },
	};
	*ret_backend = (LmtpBackend){
		.ready = store_ready,
		.recipient = store_recipient,
		.open = store_open,
		.write = store_write,
		.close = store_close,
		.announce = store_announce,
		.deliver = store_deliver,
		.end = store_end,
		.user = &store,
	};
	if (becomes_each)
		*ret_backend = (LmtpBackend){
			.ready = store_ready,
			.recipient = store_recipient,
			.is_certain = store_is_certain,
			.is_lasting = store_is_lasting,
			.note = store_note,
			.adopt = adopt_as_root,
			.announce = announce_as_root,
			.deliver = deliver_as_root,
			.end = end_as_root,
			.tidy = tidy_as_root,
			.user = &store,
		};
}

static void
store_free(void *data)
{
	site_free(data);
}

void
lmtp_store_init(Site *site, LmtpService *ret_service)
{
	*ret_service = (LmtpService){
		.conf = site->conf, .data = site, .start = store_start, .free = store_free
	};
}
