/* SPDX-License-Identifier: MIT */
/* account-source: from a recipient to an account, by the source that the settings name. */
#define _GNU_SOURCE
#include "agent/run/account-source.h"

#include "agent/base/limits.h"
#include "agent/run/account-answer.h"
#include "agent/run/account-parts.h"
#include "conf/conf-choices.h"

#include <string.h>
#include <unistd.h>

#define SOURCE(choice, name) extern const AccountSource account_source_##name;
#include "agent/run/account-source-table.def"
#undef SOURCE

static const AccountSource *const sources[] = {
#define SOURCE(choice, name) [CONF_USERS_##choice] = &account_source_##name,
#include "agent/run/account-source-table.def"
#undef SOURCE
};

/* Answers of the source that is asked, while they count. */
typedef struct {
	AccountAnswer *answer;
	gint64 until; /* by the monotonic clock */
} Cached;

static struct {
	GHashTable *answers; /* name -> Cached; NULL: nothing was asked */
	pid_t asked_by;      /* 0: nothing is open */
} kept;

const AccountSource *
account_source_of(const Conf *conf)
{
	return sources[account_kind_of_users(conf)];
}

char *
account_source_describe(const Conf *conf)
{
	const AccountSource *source = account_source_of(conf);
	g_autofree char *where = source->describe != NULL ? source->describe(conf) : NULL;
	return where != NULL ? g_strdup_printf("%s (%s)", source->name, where)
	                     : g_strdup(source->name);
}

static void
free_cached(void *data)
{
	Cached *cached = data;
	account_answer_free(cached->answer);
	g_free(cached);
}

void
account_source_close(void)
{
	if (kept.asked_by == 0)
		return;

	bool is_ours = kept.asked_by == getpid();
	for (size_t i = 0; i < G_N_ELEMENTS(sources); i++)
		if (sources[i] != NULL && sources[i]->close != NULL)
			sources[i]->close(is_ours);
	g_clear_pointer(&kept.answers, g_hash_table_unref);
	kept.asked_by = 0;
}

/* What another process has opened before it forked is not ours to speak on. */
static void
begin_to_ask(void)
{
	if (kept.asked_by != 0 && kept.asked_by != getpid())
		account_source_close();
	kept.asked_by = getpid();
}

static const AccountAnswer *
find_cached(const char *name)
{
	const Cached *cached = kept.answers != NULL ? g_hash_table_lookup(kept.answers, name)
	                                            : NULL;
	return cached != NULL && cached->until > g_get_monotonic_time() ? cached->answer : NULL;
}

static void
keep_answer(const Conf *conf, const char *name, AccountAnswer *answer)
{
	Cached *cached = g_new(Cached, 1);
	*cached = (Cached){ answer, g_get_monotonic_time() + conf->users_cache * G_USEC_PER_SEC };

	if (kept.answers == NULL)
		kept.answers = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, free_cached);
	if (g_hash_table_size(kept.answers) >= LIMIT_USERS_CACHED)
		g_hash_table_remove_all(kept.answers);
	g_hash_table_replace(kept.answers, g_strdup(name), cached);
}

static bool
is_name(const char *part)
{
	if (*part == '\0' || !g_utf8_validate(part, -1, NULL))
		return false;
	for (; *part != '\0'; part++)
		if (g_ascii_iscntrl(*part))
			return false;
	return true;
}

/* Any other is one that no source needs to see: no mailbox has it. */
static bool
is_askable(const Account *asked)
{
	return is_name(asked->local) && (asked->domain == NULL || is_name(asked->domain));
}

static bool
use_fields(const AccountSource *source, const Conf *conf, Account *account, const char *name,
           const GPtrArray *fields, Status *st)
{
	g_autofree char *who = g_strdup_printf("users = %s, '%s'", source->name, name);
	AccountAnswer *answer = account_answer_read(fields, who, st);
	if (answer == NULL)
		return false;

	account_answer_use(answer, account);
	keep_answer(conf, name, answer);
	return true;
}

/* Complete the account by a source that is asked. */
static bool
ask(const AccountSource *source, const Conf *conf, Account *account, Status *st)
{
	g_autofree char *name = account_address(account);
	g_autoptr(GPtrArray) fields = NULL;

	account->user = g_strdup(name);
	if (!is_askable(account))
		return status_fail_detail(st, STATUS_UNKNOWN_USER,
		                          "a name that is empty, not UTF-8, or has control "
		                          "characters: users = %s is not asked for it",
		                          source->name);

	begin_to_ask();
	const AccountAnswer *cached = find_cached(name);
	if (cached != NULL) {
		account_answer_use(cached, account);
		return true;
	}

	if (!source->ask(conf, account, name, &fields, st))
		return false;
	if (fields == NULL)
		return status_fail_detail(st, STATUS_UNKNOWN_USER,
		                          "users = %s has nobody of this name", source->name);
	return use_fields(source, conf, account, name, fields, st);
}

/* The account of exactly this address. */
static Account *
find_exactly(const Conf *conf, const char *recipient, Status *st)
{
	const AccountSource *source = account_source_of(conf);
	g_autoptr(Account) account = account_begin(conf, recipient, st);
	if (account == NULL)
		return NULL;

	account->source = source->name;
	bool found = source->find != NULL ? source->find(conf, account, recipient, st)
	                                  : ask(source, conf, account, st);
	return found ? g_steal_pointer(&account) : NULL;
}

/* The address to which an alias of the source leads; NULL in *ret_target: it is none. */
static bool
find_alias(const Conf *conf, const char *recipient, char **ret_target, Status *st)
{
	const AccountSource *source = account_source_of(conf);
	g_autoptr(Account) asked = account_begin(conf, recipient, st);
	if (asked == NULL)
		return false;

	g_autofree char *name = account_address(asked);
	asked->user = g_strdup(name);
	return !is_askable(asked) || source->ask_alias(conf, asked, name, ret_target, st);
}

/* The address that takes what no user of the domain has; NULL in *ret_target: none does. */
static bool
find_catch_all(const Conf *conf, const char *recipient, char **ret_target, Status *st)
{
	g_autoptr(Account) asked = account_begin(conf, recipient, st);
	if (asked == NULL)
		return false;

	asked->user = account_address(asked);
	g_autoptr(Conf) own = conf->scopes != NULL ? conf_for_recipient(conf, asked->user) : NULL;
	const char *address = own != NULL ? own->catch_all : conf->catch_all;
	if (address == NULL || *address == '\0')
		return true;
	*ret_target = account_expand(asked, address, st);
	return *ret_target != NULL;
}

/* The recipient is an address of the account too, and its detail goes with it. */
static void
take_recipient(const Conf *conf, Account *account, const char *recipient)
{
	g_auto(Status) unusable = STATUS_INIT;
	g_autoptr(Account) asked = account_begin(conf, recipient, &unusable);

	account->is_alias = true;
	if (asked != NULL && account->detail == NULL)
		account->detail = g_steal_pointer(&asked->detail);
}

/* Try again with where an alias or the catch-all address leads. */
static Account *
follow(const Conf *conf, const char *recipient, Status *st)
{
	const AccountSource *source = account_source_of(conf);
	g_autofree char *at = g_strdup(recipient);
	Account *account = NULL;

	for (unsigned hops = 0; account == NULL && source->ask_alias != NULL; hops++) {
		g_autofree char *next = NULL;
		g_auto(Status) unknown = STATUS_INIT;
		if (!find_alias(conf, at, &next, st))
			return NULL;
		if (next == NULL)
			break;
		if (hops >= LIMIT_ALIAS_HOPS) {
			status_fail_detail(st, STATUS_CONFIG,
			                   "alias '%s' leads over more than %u others", recipient,
			                   LIMIT_ALIAS_HOPS);
			return NULL;
		}
		account = find_exactly(conf, next, &unknown);
		if (account == NULL && unknown.id != STATUS_UNKNOWN_USER) {
			status_move(st, &unknown);
			return NULL;
		}
		g_free(at);
		at = g_steal_pointer(&next);
	}

	g_autofree char *catcher = NULL;
	if (account == NULL && !find_catch_all(conf, at, &catcher, st))
		return NULL;
	if (catcher != NULL)
		account = find_exactly(conf, catcher, st);
	if (account != NULL)
		take_recipient(conf, account, recipient);
	return account;
}

Account *
account_find(const Conf *conf, const char *recipient, Status *st)
{
	g_auto(Status) fault = STATUS_INIT;
	g_autoptr(Account) account = find_exactly(conf, recipient, &fault);

	if (account == NULL && fault.id == STATUS_UNKNOWN_USER)
		account = follow(conf, recipient, st);
	if (account == NULL) {
		if (st->id == STATUS_OK)
			status_move(st, &fault);
		return NULL;
	}

	if (account->returns_to == NULL && !account_set_paths(conf, account, recipient, st))
		return NULL;
	return g_steal_pointer(&account);
}
