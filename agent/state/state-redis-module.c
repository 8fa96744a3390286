/* SPDX-License-Identifier: MIT */
/*
 * state-redis-module: the state of all owners in Redis or Valkey, one key an item:
 *
 *     todoke:{OWNER}:KIND:KEY
 *
 * OWNER is escaped as in URIs, and the part of the key by which a cluster chooses the server. The
 * server forgets what has ended by itself. What must happen in one step is a script (EVAL) or a
 * transaction. The socket never blocks.
 */
#define _GNU_SOURCE
#include "agent/state/state-module.h"

#include "agent/base/limits.h"
#include "agent/state/redis-tls.h"

#include <errno.h>
#include <fcntl.h>
#include <hiredis.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/*
 * More than this is no answer to what we ask: the longest is one value, or one line for each item
 * of a transaction. hiredis would make room for as many elements as a header promises.
 */
enum { MOST_OCTETS = 2 * LIMIT_STATE_VALUE, MOST_ELEMENTS = 65536 };

#if HIREDIS_MAJOR >= 1
typedef size_t Elements;
#else
typedef int Elements;
#endif

/* Seconds; what lasts longer has no end: Redis counts milliseconds. */
enum { NO_END = 10 * 365 * 86400 };

enum { DEFAULT_PORT = 6379 };

struct StateStore {
	redisContext *redis; /* the connection, and the reader of answers */
	RedisTls *tls;       /* NULL: plain */
	GByteArray *asks;    /* that are to be sent */
	gint64 timeout_us;
};

static const char too_late[] = "no answer in time (state_timeout)";

#define CLUSTER \
	"this server is one of a cluster, and todoke does not follow it: let state name a " \
	"proxy of the cluster, or a server that is in none (todoke-sites(7))"

/* From "//USER@HOST:PORT/NUMBER" or "/SOCKET?db=NUMBER". */
typedef struct {
	char *user;   /* NULL: the default one */
	char *host;   /* NULL: a socket */
	char *socket; /* NULL: a host */
	int port;
	unsigned number; /* of the data base */
} Address;

static void
address_clear(Address *address)
{
	g_free(address->user);
	g_free(address->host);
	g_free(address->socket);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Address, address_clear)

static bool
parse_number(const char *text, guint64 most, guint64 *ret_number)
{
	return g_ascii_string_to_unsigned(text, 10, 0, most, ret_number, NULL);
}

static bool
parse_socket(const char *where, Address *address)
{
	static const char sign[] = "?db=";
	const char *query = strstr(where, sign);
	guint64 number = 0;

	if (query != NULL && !parse_number(query + strlen(sign), G_MAXINT, &number))
		return false;
	address->socket = query != NULL ? g_strndup(where, (gsize) (query - where))
	                                : g_strdup(where);
	address->number = (unsigned) number;
	return true;
}

/* "HOST", "HOST:PORT", "[ADDRESS]:PORT" */
static bool
parse_host(const char *text, Address *address)
{
	const char *end = *text == '[' ? strchr(text, ']') : text + strcspn(text, ":");
	if (end == NULL)
		return false;

	const char *begin = *text == '[' ? text + 1 : text, *colon = *end == ']' ? end + 1 : end;
	guint64 port = DEFAULT_PORT;
	if (*colon != '\0' && (*colon != ':' || !parse_number(colon + 1, 65535, &port)))
		return false;

	address->host = g_strndup(begin, (gsize) (end - begin));
	address->port = (int) port;
	return *address->host != '\0';
}

static bool
parse_url(const char *where, Address *address)
{
	g_auto(GStrv) parts = g_strsplit(where + 2, "/", 2);
	guint64 number = 0;
	if (parts[0] == NULL)
		return false;
	if (parts[1] != NULL && *parts[1] != '\0' && !parse_number(parts[1], G_MAXINT, &number))
		return false;

	char *at = strchr(parts[0], '@');
	address->number = (unsigned) number;
	if (at == NULL)
		return parse_host(parts[0], address);
	address->user = at > parts[0] ? g_strndup(parts[0], (gsize) (at - parts[0])) : NULL;
	return parse_host(at + 1, address);
}

static bool
wait_for(const StateStore *store, short events, gint64 ends)
{
	struct pollfd fd = { .fd = store->redis->fd, .events = events };

	for (;;) {
		gint64 left_ms = (ends - g_get_monotonic_time()) / 1000;
		int ready = left_ms > 0 ? poll(&fd, 1, (int) MIN(left_ms, G_MAXINT)) : 0;
		if (ready >= 0 || errno != EINTR)
			return ready > 0;
	}
}

static void
store_close(StateStore *store, bool is_ours)
{
	(void) is_ours; /* its end is only that of a descriptor */
	redis_tls_free(store->tls);
	if (store->redis != NULL)
		redisFree(store->redis);
	g_byte_array_unref(store->asks);
	g_free(store);
}

/* Remember a command, as redisCommand has it, to be sent by ask(). */
static void
append(StateStore *store, const char *format, ...)
{
	char *command = NULL;
	va_list args;

	va_start(args, format);
	int len = redisvFormatCommand(&command, format, args);
	va_end(args);
	if (len < 0)
		g_error("out of memory"); /* as GLib has it; our formats are right */
	g_byte_array_append(store->asks, (const guint8 *) command, (guint) len);
	redisFreeCommand(command);
}

/* What a call on the plain socket came to, as one of TLS. */
static RedisTlsStep
judge_plain(gssize n, short events, size_t *ret_n, short *ret_events, char **ret_why)
{
	if (n > 0) {
		*ret_n = (size_t) n;
		return REDIS_TLS_DONE;
	}
	if (n == 0)
		return REDIS_TLS_ENDED;
	if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) {
		*ret_events = events;
		return REDIS_TLS_WAIT;
	}
	*ret_why = g_strdup(g_strerror(errno));
	return REDIS_TLS_FAILED;
}

static RedisTlsStep
write_some(StateStore *store, const void *octets, size_t n, size_t *ret_n, short *ret_events,
           char **ret_why)
{
	if (store->tls != NULL)
		return redis_tls_write(store->tls, octets, n, ret_n, ret_events, ret_why);
	return judge_plain(send(store->redis->fd, octets, n, MSG_NOSIGNAL), POLLOUT, ret_n,
	                   ret_events, ret_why);
}

static RedisTlsStep
read_some(StateStore *store, void *octets, size_t size, size_t *ret_n, short *ret_events,
          char **ret_why)
{
	if (store->tls != NULL)
		return redis_tls_read(store->tls, octets, size, ret_n, ret_events, ret_why);
	return judge_plain(recv(store->redis->fd, octets, size, 0), POLLIN, ret_n, ret_events,
	                   ret_why);
}

/* What a step means; it may have waited. *ret_why (the caller's) with all but STATE_OK. */
static StateOutcome
settle(const StateStore *store, RedisTlsStep step, short events, gint64 ends, char **ret_why)
{
	if (step == REDIS_TLS_DONE)
		return STATE_OK;
	if (step == REDIS_TLS_WAIT && wait_for(store, events, ends))
		return STATE_OK;
	if (step != REDIS_TLS_FAILED)
		*ret_why = g_strdup(step == REDIS_TLS_WAIT ? too_late
		                                           : "the connection was closed");

	return step == REDIS_TLS_WAIT ? STATE_SILENT : STATE_LOST;
}

static StateOutcome
send_all(StateStore *store, gint64 ends, char **ret_why)
{
	for (size_t at = 0; at < store->asks->len;) {
		short events = 0;
		size_t n = 0;
		RedisTlsStep step = write_some(store, store->asks->data + at, store->asks->len - at,
		                               &n, &events, ret_why);
		StateOutcome outcome = settle(store, step, events, ends, ret_why);
		if (outcome != STATE_OK)
			return outcome;
		at += n;
	}

	g_byte_array_set_size(store->asks, 0);
	return STATE_OK;
}

static redisReplyObjectFunctions of_hiredis, bounded;

/* NULL: hiredis gives the connection up. */
static void *
create_array(const redisReadTask *task, Elements n)
{
	return n <= MOST_ELEMENTS ? of_hiredis.createArray(task, n) : NULL;
}

static void
bound_answers(redisContext *redis)
{
	if (of_hiredis.createArray == NULL) {
		of_hiredis = bounded = *redis->reader->fn;
		bounded.createArray = create_array;
	}
	redis->reader->fn = &bounded;
}

static StateOutcome
fail(const char *why, StateOutcome outcome, char **ret_why)
{
	*ret_why = g_strdup(why);
	return outcome;
}

/* Add what the server says to the reader, or wait for it; *total counts the octets. */
static StateOutcome
read_more(StateStore *store, gint64 ends, size_t *total, char **ret_why)
{
	char octets[16384];
	short events = 0;
	size_t n = 0;
	RedisTlsStep step = read_some(store, octets, sizeof octets, &n, &events, ret_why);
	StateOutcome outcome = settle(store, step, events, ends, ret_why);
	if (outcome != STATE_OK || n == 0)
		return outcome;

	*total += n;
	if (redisReaderFeed(store->redis->reader, octets, n) != REDIS_OK)
		return fail(store->redis->reader->errstr, STATE_LOST, ret_why);
	return STATE_OK;
}

/* One answer; *ret_reply is the caller's. An array is read piece by piece, so all is counted. */
static StateOutcome
read_reply(StateStore *store, gint64 ends, redisReply **ret_reply, char **ret_why)
{
	for (size_t total = 0;;) {
		void *reply = NULL;
		if (redisReaderGetReply(store->redis->reader, &reply) != REDIS_OK)
			return fail(store->redis->reader->errstr, STATE_LOST, ret_why);
		if (reply != NULL) {
			*ret_reply = reply;
			return STATE_OK;
		}
		if (total > MOST_OCTETS)
			return fail("the answer is too long", STATE_LOST, ret_why);
		StateOutcome outcome = read_more(store, ends, &total, ret_why);
		if (outcome != STATE_OK)
			return outcome;
	}
}

/* What to do about an error of the server that its words do not tell, by how it begins. */
static const struct {
	const char *begins, *advice;
} refusals[] = {
	{ "MOVED ", CLUSTER },
	{ "ASK ", CLUSTER },
	{ "CLUSTERDOWN ", CLUSTER },
	{ "TRYAGAIN ", CLUSTER },
	{ "CROSSSLOT ", CLUSTER },
	{ "READONLY ", "this server is a replica: state has to name the primary" },
	{ "NOAUTH ", "the server wants a password: state_password_file" },
	{ "WRONGPASS ", "the password in state_password_file is not that of the user in state" },
	{ "NOPERM ", "the user may not do what todoke needs: todoke-sites(7) has the rights" },
};

static char *
explain(const char *error)
{
	for (size_t i = 0; i < G_N_ELEMENTS(refusals); i++)
		if (g_str_has_prefix(error, refusals[i].begins))
			return g_strdup_printf("%s (%s)", refusals[i].advice, error);
	return g_strdup(error);
}

/* Send what was appended, and read `n` answers; the last one is the caller's. */
static StateOutcome
ask(StateStore *store, unsigned n, redisReply **ret_reply, char **ret_why)
{
	gint64 ends = g_get_monotonic_time() + store->timeout_us;
	redisReply *reply = NULL;
	g_autofree char *error = NULL;
	StateOutcome outcome = send_all(store, ends, ret_why);

	for (unsigned i = 0; outcome == STATE_OK && i < n; i++) {
		if (reply != NULL)
			freeReplyObject(reply);
		reply = NULL;
		outcome = read_reply(store, ends, &reply, ret_why);
		if (outcome == STATE_OK && reply->type == REDIS_REPLY_ERROR && error == NULL)
			error = explain(reply->str);
	}

	if (outcome == STATE_OK && error == NULL) {
		*ret_reply = reply;
		return STATE_OK;
	}

	if (reply != NULL)
		freeReplyObject(reply);
	return outcome != STATE_OK ? outcome : fail(error, STATE_FAULT, ret_why);
}

static StateOutcome
tell(StateStore *store, unsigned n, char **ret_why)
{
	redisReply *reply = NULL;
	StateOutcome outcome = ask(store, n, &reply, ret_why);
	if (reply != NULL)
		freeReplyObject(reply);
	return outcome;
}

/* After connecting: who we are, and which data base. */
static StateOutcome
log_in(StateStore *store, const StateTarget *target, const Address *address, char **ret_why)
{
	unsigned n = 0;

	if (target->password != NULL && address->user != NULL)
		append(store, "AUTH %s %s", address->user, target->password), n++;
	else if (target->password != NULL)
		append(store, "AUTH %s", target->password), n++;
	if (address->number > 0)
		append(store, "SELECT %u", address->number), n++;

	return n > 0 ? tell(store, n, ret_why) : STATE_OK;
}

static StateOutcome
finish_connecting(StateStore *store, gint64 ends, char **ret_why)
{
	int error = 0;
	socklen_t len = sizeof error;
	redisContext *redis = store->redis;
	if (redis == NULL || redis->err != 0)
		return fail(redis != NULL ? redis->errstr : "out of memory", STATE_LOST, ret_why);

	bound_answers(redis);
	/* programs of owners must not have it */
	(void) fcntl(redis->fd, F_SETFD, FD_CLOEXEC);
	if (!wait_for(store, POLLOUT, ends))
		return fail(too_late, STATE_SILENT, ret_why);
	if (getsockopt(redis->fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0 || error != 0)
		return fail(g_strerror(error), STATE_LOST, ret_why);

	return STATE_OK;
}

/* Nothing is said in plain text before, so nobody can talk us out of it. */
static StateOutcome
encrypt(StateStore *store, const StateTls *settings, const Address *address, gint64 ends,
        char **ret_why)
{
	store->tls = redis_tls_new(settings, address->host, store->redis->fd, ret_why);
	if (store->tls == NULL)
		return STATE_FAULT;

	for (;;) {
		short events = 0;
		RedisTlsStep step = redis_tls_handshake(store->tls, &events, ret_why);
		StateOutcome outcome = settle(store, step, events, ends, ret_why);
		if (outcome != STATE_OK || step == REDIS_TLS_DONE)
			return outcome;
	}
}

static bool
parse_address(const StateTarget *target, Address *address)
{
	bool is_url = g_str_has_prefix(target->where, "//");
	return is_url ? parse_url(target->where, address)
	              : target->tls == NULL && parse_socket(target->where, address);
}

static StateOutcome
store_open(const StateTarget *target, StateStore **ret_store, char **ret_why)
{
	g_auto(Address) address = { .user = NULL };
	if (!parse_address(target, &address))
		return fail("state: it wants redis://USER@HOST:PORT/NUMBER (rediss: by TLS), or "
		            "redis:/SOCKET?db=NUMBER",
		            STATE_FAULT, ret_why);

	StateStore *store = g_new0(StateStore, 1);
	gint64 ends = g_get_monotonic_time() + (gint64) target->timeout_ms * 1000;
	store->timeout_us = (gint64) target->timeout_ms * 1000;
	store->asks = g_byte_array_new();
	store->redis = address.socket != NULL ? redisConnectUnixNonBlock(address.socket)
	                                      : redisConnectNonBlock(address.host, address.port);
	StateOutcome outcome = finish_connecting(store, ends, ret_why);
	if (outcome == STATE_OK && target->tls != NULL)
		outcome = encrypt(store, target->tls, &address, ends, ret_why);
	if (outcome == STATE_OK)
		outcome = log_in(store, target, &address, ret_why);
	if (outcome == STATE_OK)
		*ret_store = store;
	else
		store_close(store, true);

	return outcome;
}

/* The key of an item. Caller frees. */
static char *
key_of(const char *owner, StateKind kind, const char *key)
{
	g_autofree char *escaped = g_uri_escape_string(owner, "@", FALSE);
	return g_strdup_printf("todoke:{%s}:%d:%s", escaped, (int) kind, key);
}

/* A text, as Redis takes it for a time in milliseconds; "0": for ever. */
static char *
print_time(gint64 until, gint64 now)
{
	gint64 left = until - now;
	return g_strdup_printf("%" G_GINT64_FORMAT, left > NO_END ? 0 : MAX(left, 0) * 1000);
}

static StateOutcome
store_get(StateStore *store, const char *owner, StateKind kind, const char *key, gint64 now,
          char **ret_value, size_t *ret_len, char **ret_why)
{
	g_autofree char *name = key_of(owner, kind, key);
	redisReply *reply = NULL;

	(void) now;
	append(store, "GET %s", name);
	StateOutcome outcome = ask(store, 1, &reply, ret_why);
	if (outcome != STATE_OK)
		return outcome;

	bool is_string = reply->type == REDIS_REPLY_STRING, is_nil = reply->type == REDIS_REPLY_NIL;
	size_t len = is_string ? (size_t) reply->len : 0;
	char *value = is_string ? g_malloc(len + 1) : NULL;
	if (is_string)
		memcpy(value, reply->str, len + 1);
	freeReplyObject(reply);
	if (!is_string && !is_nil)
		return fail("the answer to GET is no string", STATE_LOST, ret_why);

	*ret_value = value;
	*ret_len = len;
	return STATE_OK;
}

static void
append_put(StateStore *store, const char *owner, const StateItem *item, gint64 now)
{
	g_autofree char *name = key_of(owner, item->kind, item->key),
			*time = print_time(item->until, now);
	const char *value = item->len > 0 ? item->value : "";

	if (item->until <= now)
		append(store, "DEL %s", name);
	else if (strcmp(time, "0") == 0)
		append(store, "SET %s %b", name, value, item->len);
	else
		append(store, "SET %s %b PX %s", name, value, item->len, time);
}

static StateOutcome
store_put(StateStore *store, const char *owner, const StateItem *items, size_t n, gint64 now,
          char **ret_why)
{
	redisReply *reply = NULL;

	append(store, "MULTI");
	for (size_t i = 0; i < n; i++)
		append_put(store, owner, &items[i], now);
	append(store, "EXEC");
	StateOutcome outcome = ask(store, (unsigned) n + 2, &reply, ret_why);
	if (outcome != STATE_OK)
		return outcome;

	bool done = reply->type == REDIS_REPLY_ARRAY && reply->elements == n;
	for (size_t i = 0; done && i < n; i++)
		done = reply->element[i]->type != REDIS_REPLY_ERROR;
	freeReplyObject(reply);

	return done ? STATE_OK : fail("the transaction was not carried out", STATE_FAULT, ret_why);
}

/* The number that a script, or GET, answers. */
static StateOutcome
read_number(StateStore *store, gint64 *ret_number, char **ret_why)
{
	redisReply *reply = NULL;
	StateOutcome outcome = ask(store, 1, &reply, ret_why);
	if (outcome != STATE_OK)
		return outcome;

	gint64 number = 0;
	bool is_good = true;
	if (reply->type == REDIS_REPLY_INTEGER)
		number = reply->integer;
	else if (reply->type == REDIS_REPLY_STRING)
		number = g_ascii_strtoll(reply->str, NULL, 10);
	else
		is_good = reply->type == REDIS_REPLY_NIL;
	freeReplyObject(reply);
	if (!is_good)
		return fail("the answer is no number", STATE_LOST, ret_why);

	*ret_number = number;
	return STATE_OK;
}

static StateOutcome
store_count(StateStore *store, const char *owner, const char *key, gint64 by, gint64 until,
            gint64 now, gint64 *ret_total, char **ret_why)
{
	static const char script[] = "local n = redis.call('INCRBY', KEYS[1], ARGV[1]) "
				     "if ARGV[2] ~= '0' then "
				     "redis.call('PEXPIRE', KEYS[1], ARGV[2]) end return n";
	g_autofree char *name = key_of(owner, STATE_COUNTER, key),
			*add = g_strdup_printf("%" G_GINT64_FORMAT, by),
			*time = print_time(until, now);

	if (by == 0)
		append(store, "GET %s", name);
	else
		append(store, "EVAL %s 1 %s %s %s", script, name, add, time);
	return read_number(store, ret_total, ret_why);
}

static StateOutcome
store_take(StateStore *store, const char *owner, const StateItem *item, gint64 now, bool *ret_taken,
           char **ret_why)
{
	static const char script[] =
		"local v = redis.call('GET', KEYS[1]) "
		"if v and v ~= ARGV[1] then return 0 end "
		"if ARGV[2] == '0' then redis.call('SET', KEYS[1], ARGV[1]) "
		"else redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end return 1";
	g_autofree char *name = key_of(owner, item->kind, item->key),
			*time = print_time(MAX(item->until, now + 1), now);
	gint64 taken = 0;

	append(store, "EVAL %s 1 %s %b %s", script, name, item->value, item->len, time);
	StateOutcome outcome = read_number(store, &taken, ret_why);
	if (outcome == STATE_OK)
		*ret_taken = taken != 0;

	return outcome;
}

static StateOutcome
store_drop(StateStore *store, const char *owner, const StateItem *item, char **ret_why)
{
	static const char script[] = "if redis.call('GET', KEYS[1]) == ARGV[1] then "
				     "redis.call('DEL', KEYS[1]) end return 0";
	g_autofree char *name = key_of(owner, item->kind, item->key);

	append(store, "EVAL %s 1 %s %b", script, name, item->value, item->len);
	return tell(store, 1, ret_why);
}

static StateOutcome
store_sweep(StateStore *store, gint64 now, char **ret_why)
{
	(void) store, (void) now, (void) ret_why; /* the server does it */
	return STATE_OK;
}

const void *state_module(void);

const void *
state_module(void)
{
	static const StateModule module = {
		.version = STATE_MODULE_VERSION,
		.open = store_open,
		.close = store_close,
		.get = store_get,
		.put = store_put,
		.count = store_count,
		.take = store_take,
		.drop = store_drop,
		.sweep = store_sweep,
	};
	return &module;
}
