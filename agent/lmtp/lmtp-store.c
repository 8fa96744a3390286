/* SPDX-License-Identifier: MIT */
/* lmtp-store: from a session's wishes to transactions. */
#define _GNU_SOURCE
#include "agent/lmtp/lmtp-store.h"

#include "agent/base/deadline.h"
#include "agent/base/fs.h"
#include "agent/base/log.h"
#include "agent/store/quota.h"
#include "agent/lmtp/lmtp-child.h"
#include "agent/lmtp/lmtp-lanes.h"
#include "agent/lmtp/lmtp-spool.h"
#include "agent/run/recipient.h"
#include "agent/run/transact.h"
#include "conf/conf-choices.h"

#include <string.h>
#include <syslog.h>
#include <unistd.h>

/* Seconds more than its own deadline that a delivery process gets before it is killed. */
enum { GRACE = 10 };

/* What a worker delivers with. */
typedef struct {
	Site *site;
	LmtpSlots *slots;
	unsigned slot;
	bool is_root;         /* has to become each recipient */
	GHashTable *accounts; /* address -> Account: found at RCPT, used after the dot */
	LmtpSpool spool;
	Message *message;     /* NULL: not whole yet */
	GPtrArray *announced; /* Envelope */
	LmtpLanes *lanes;     /* for those; NULL: none */
	/* the whole message, to be read by who has become the recipient; -1: none */
	int adopted;
} Store;

/* Does the mailbox take it? */
typedef struct {
	const Store *store;
	const Conf *conf; /* what holds for the account */
	Account *account;
	const LmtpMail *mail;
} Asked;

/* One delivery on its way. */
typedef struct {
	Store *store;
	Account *account;
	const Envelope *envelope;
} Delivery;

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

static void
log_refusal(const char *address, const char *sender, const char *queue_id, const Status *st)
{
	LogLine *line = log_line_new(queue_id);

	log_line_add(line, "to", address);
	log_line_add(line, "from", sender);
	log_line_add(line, "dsn", status_dsn(st));
	log_line_add(line, "status", status_is_temporary(st) ? "deferred" : "bounced");
	log_line_add(line, "fault", status_row(st->id)->name);
	log_line_add(line, "detail", st->detail);
	log_line_send(line, LOG_WARNING);
}

/* Is the mailbox there, and has it room? Asked by who may look: not by root. */
static bool
look_into_mailbox(void *user, char **ret_done, Status *st)
{
	const Asked *asked = user;
	const Conf *conf = asked->conf;

	(void) ret_done;
	if (asked->store->is_root && !account_become(conf, asked->account, st))
		return false;

	deadline_start((unsigned) conf->deadline, asked->mail->origin_id);
	deadline_waiting_for("looking into the mailbox");
	bool takes = account_check(conf, asked->account, st) &&
	             (conf->quota == CONF_QUOTA_OFF ||
	              quota_has_room(asked->account->maildir, conf, asked->mail->size, st));
	deadline_stop();

	return takes;
}

/*
 * Where root would have to start a process for it, and no answer depends on the mailbox, it is
 * looked at when the message comes.
 */
static bool
takes_mail(Store *store, const LmtpMail *mail, Account *account, Status *st)
{
	g_autoptr(Conf) own = account_conf(account, store->site->conf);
	const Conf *conf = own != NULL ? own : store->site->conf;
	Asked asked = { store, conf, account, mail };
	g_autofree char *nothing = NULL;

	if (account->returns_to != NULL ||
	    (store->is_root && conf->quota == CONF_QUOTA_OFF && conf->create_maildir))
		return true;
	return store->is_root ? lmtp_child_run(look_into_mailbox, &asked,
	                                       (unsigned) conf->deadline + GRACE, &nothing, st)
	                      : look_into_mailbox(&asked, &nothing, st);
}

static void
store_ready(void *user)
{
	const Store *store = user;
	site_read_keys(store->site);
}

static bool
store_recipient(void *user, const LmtpMail *mail, const char *address, char **ret_mailbox,
                Status *st)
{
	Store *store = user;
	g_autoptr(Account) account = recipient_find(store->site, address, st);

	if (account == NULL || !takes_mail(store, mail, account, st)) {
		log_refusal(address, mail->sender, mail->origin_id, st);
		return false;
	}

	/* Another detail is another mailbox: rules may file by it. */
	*ret_mailbox = g_strdup_printf("%s%s%s", account->user, account->detail != NULL ? "+" : "",
	                               account->detail != NULL ? account->detail : "");
	g_hash_table_replace(store->accounts, g_strdup(address), g_steal_pointer(&account));
	return true;
}

static bool
store_open(void *user, const LmtpMail *mail, Status *st)
{
	Store *store = user;
	(void) mail;
	return lmtp_spool_open(&store->spool, store->site->conf->lmtp_spool, st);
}

static bool
store_write(void *user, const void *data, size_t len, Status *st)
{
	Store *store = user;
	return lmtp_spool_write(&store->spool, data, len, st);
}

static bool
store_close(void *user, Status *st)
{
	Store *store = user;
	store->message = message_from_file(lmtp_spool_take(&store->spool), st);
	return store->message != NULL;
}

static void
store_adopt(void *user, int fd)
{
	Store *store = user;
	fs_close_auto(&store->adopted);
	store->adopted = fd;
}

static bool
read_adopted(Store *store, Status *st)
{
	if (store->adopted < 0)
		return status_fail_detail(st, STATUS_INTERNAL, "no message to deliver");
	store->message = message_from_file(fs_steal_fd(&store->adopted), st);
	return store->message != NULL;
}

/*
 * What has to be done before there is a transaction that could log: become the recipient, and have
 * the message.
 */
static bool
begin_delivery(const Delivery *delivery, Status *st)
{
	Store *store = delivery->store;
	const Conf *conf = store->site->conf;
	Account *account = delivery->account;

	if (store->is_root &&
	    (!account_become(conf, account, st) || !account_check(conf, account, st)))
		return false;
	return store->message != NULL || read_adopted(store, st);
}

/* One recipient's transaction, in whatever process this is. */
static bool
transact(void *user, char **ret_done, Status *st)
{
	const Delivery *delivery = user;
	const Envelope *envelope = delivery->envelope;
	Store *store = delivery->store;
	const Conf *conf = store->site->conf;
	gint64 started = g_get_monotonic_time();

	deadline_start((unsigned) conf->deadline, envelope->queue_id);
	if (!begin_delivery(delivery, st)) {
		log_refusal(envelope->recipient, envelope->sender, envelope->queue_id, st);
		return false;
	}

	gint64 now = g_get_real_time() / G_USEC_PER_SEC;
	g_autoptr(Transact) job = transact_new(store->site, delivery->account, envelope,
	                                       store->message, NULL, now);
	bool done = transact_judge(job, st) && transact_deliver(job, st);
	deadline_stop();
	transact_log(job, st, (double) (g_get_monotonic_time() - started) / G_USEC_PER_SEC);
	if (done)
		*ret_done = transact_done_text(job);

	return done;
}

static bool
deliver(Store *store, const Envelope *envelope, unsigned lane, char **ret_done, Status *st)
{
	const Conf *conf = store->site->conf;
	Delivery delivery = { store, g_hash_table_lookup(store->accounts, envelope->recipient),
		              envelope };

	if (delivery.account == NULL)
		return status_fail_detail(st, STATUS_INTERNAL, "recipient '%s' was never looked up",
		                          envelope->recipient);
	if (!lmtp_slots_enter(store->slots, store->slot, lane, delivery.account->user,
	                      (unsigned) conf->lmtp_user_limit))
		return status_fail(st, STATUS_BUSY,
		                   "too many deliveries to this mailbox at once (lmtp_user_limit)");

	bool done = store->is_root ? lmtp_child_run(transact, &delivery,
	                                            (unsigned) conf->deadline + GRACE, ret_done, st)
	                           : transact(&delivery, ret_done, st);
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
		                              (unsigned) store->site->conf->deadline + 2 * GRACE);

	lmtp_lanes_add(store->lanes, account != NULL ? account->user : "");
}

static bool
store_deliver(void *user, const Envelope *envelope, char **ret_done, Status *st)
{
	Store *store = user;
	if (store->lanes == NULL || !lmtp_lanes_pay(store->lanes))
		return deliver(store, envelope, 0, ret_done, st);

	unsigned next = lmtp_lanes_next(store->lanes);
	const Envelope *announced = next < store->announced->len ? store->announced->pdata[next]
	                                                         : NULL;
	if (announced == NULL || strcmp(announced->recipient, envelope->recipient) != 0)
		return status_fail_detail(st, STATUS_INTERNAL, "recipient '%s' was not announced",
		                          envelope->recipient);

	return lmtp_lanes_take(store->lanes, ret_done, st);
}

static void
store_end(void *user)
{
	Store *store = user;
	bool had_lanes = store->lanes != NULL;

	g_clear_pointer(&store->lanes, lmtp_lanes_free);
	if (had_lanes)
		lmtp_slots_clear(store->slots, store->slot); /* of lanes that died */
	g_ptr_array_set_size(store->announced, 0);
	lmtp_spool_close(&store->spool);
	store_adopt(store, -1);
	g_clear_pointer(&store->message, message_unref);
	g_hash_table_remove_all(store->accounts);
}

/* LmtpService's start: for the rest of the process. */
static void
store_start(void *data, LmtpSlots *slots, unsigned slot, LmtpBackend *ret_backend)
{
	static Store store;
	store = (Store){
		.site = data,
		.slots = slots,
		.slot = slot,
		.is_root = geteuid() == 0 && *((const Site *) data)->conf->lmtp_user == '\0',
		.accounts = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_account),
		.announced = g_ptr_array_new_with_free_func(free_envelope),
		.spool = LMTP_SPOOL_INIT,
		.adopted = -1,
	};
	*ret_backend = (LmtpBackend){
		.ready = store_ready,
		.recipient = store_recipient,
		.open = store_open,
		.write = store_write,
		.close = store_close,
		.adopt = store_adopt,
		.announce = store_announce,
		.deliver = store_deliver,
		.end = store_end,
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
