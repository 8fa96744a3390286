/* SPDX-License-Identifier: MIT */
/* users-ldap-module: users in a directory, by libldap with a time limit on each step. */
#include "agent/run/account-query-module.h"

#include "agent/base/limits.h"

#include <lber.h>
#include <ldap.h>
#include <stdint.h>
#include <string.h>
#include <sys/time.h>
#include <unistd.h>

struct AccountQueryLink {
	LDAP *ldap;
	int seconds;
};

static int
descriptor_of(const AccountQueryLink *link)
{
	int fd = -1;
	return link->ldap != NULL &&
	                       ldap_get_option(link->ldap, LDAP_OPT_DESC, &fd) == LDAP_OPT_SUCCESS
	               ? fd
	               : -1;
}

/* In another process the socket must close without a word: the session is not its own. */
static void
link_close(AccountQueryLink *link, bool is_ours)
{
	int fd = descriptor_of(link);

	if (is_ours && link->ldap != NULL)
		(void) ldap_unbind_ext(link->ldap, NULL, NULL);
	else if (fd >= 0)
		(void) close(fd);
	g_free(link);
}

static int
set_options(AccountQueryLink *link, const AccountQueryPlace *place)
{
	const int version = LDAP_VERSION3;
	const struct timeval limit = { .tv_sec = (time_t) place->seconds };
	const int demand = LDAP_OPT_X_TLS_DEMAND;
	const struct {
		int option;
		const void *value;
	} options[] = {
		{ LDAP_OPT_PROTOCOL_VERSION, &version },
		{ LDAP_OPT_NETWORK_TIMEOUT, &limit },
		{ LDAP_OPT_TIMEOUT, &limit },
		{ LDAP_OPT_REFERRALS, LDAP_OPT_OFF }, /* a referral would send the password on */
		{ LDAP_OPT_RESTART, LDAP_OPT_ON },
		{ LDAP_OPT_X_TLS_REQUIRE_CERT, &demand },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(options); i++) {
		int rc = ldap_set_option(link->ldap, options[i].option, options[i].value);
		if (rc != LDAP_OPT_SUCCESS)
			return rc;
	}

	return LDAP_SUCCESS;
}

static int
log_in(AccountQueryLink *link, const AccountQueryPlace *place)
{
	g_autofree char *password = g_strdup(place->password != NULL ? place->password : "");
	struct berval secret = { .bv_val = password, .bv_len = strlen(password) };
	struct timeval limit = { .tv_sec = link->seconds };
	LDAPMessage *answer = NULL;
	int id;

	int rc = ldap_sasl_bind(link->ldap, place->bind, LDAP_SASL_SIMPLE, &secret, NULL, NULL,
	                        &id);
	if (rc != LDAP_SUCCESS)
		return rc;
	int got = ldap_result(link->ldap, id, LDAP_MSG_ALL, &limit, &answer);
	if (got <= 0)
		return got == 0 ? LDAP_TIMEOUT : LDAP_SERVER_DOWN;

	int outcome = LDAP_OTHER;
	rc = ldap_parse_result(link->ldap, answer, &outcome, NULL, NULL, NULL, NULL, 1);
	return rc != LDAP_SUCCESS ? rc : outcome;
}

static AccountQueryLink *
link_open(const AccountQueryPlace *place, char **ret_why)
{
	AccountQueryLink *link = g_new0(AccountQueryLink, 1);
	int rc = ldap_initialize(&link->ldap, place->where);

	link->seconds = (int) place->seconds;
	if (rc == LDAP_SUCCESS)
		rc = set_options(link, place);
	if (rc == LDAP_SUCCESS && place->start_tls)
		rc = ldap_start_tls_s(link->ldap, NULL, NULL);
	if (rc == LDAP_SUCCESS)
		rc = log_in(link, place);
	if (rc == LDAP_SUCCESS)
		return link;

	*ret_why = g_strdup(ldap_err2string(rc));
	link_close(link, true);
	return NULL;
}

/* The names and values of one entry, each value with its name. */
typedef struct {
	GPtrArray *names, *values;
	size_t total;
} Row;

static void
add_values(Row *row, const char *name, struct berval **values)
{
	for (; values != NULL && *values != NULL; values++) {
		const struct berval *value = *values;
		if (memchr(value->bv_val, '\0', value->bv_len) != NULL)
			continue; /* a picture, say */
		row->total += value->bv_len;
		g_ptr_array_add(row->names, g_strdup(name));
		g_ptr_array_add(row->values, g_strndup(value->bv_val, value->bv_len));
	}
}

static bool
give_entry(LDAP *ldap, LDAPMessage *entry, AccountQueryTake *take, void *user, bool *ret_goes_on)
{
	g_autoptr(GPtrArray) names = g_ptr_array_new_with_free_func(g_free);
	g_autoptr(GPtrArray) values = g_ptr_array_new_with_free_func(g_free);
	Row row = { names, values, 0 };
	BerElement *at = NULL;

	for (char *name = ldap_first_attribute(ldap, entry, &at); name != NULL;
	     name = ldap_next_attribute(ldap, entry, at)) {
		struct berval **found = ldap_get_values_len(ldap, entry, name);
		add_values(&row, name, found);
		ldap_value_free_len(found);
		ldap_memfree(name);
	}
	ber_free(at, 0);

	if (row.total > LIMIT_USERS_ANSWER)
		return false;
	*ret_goes_on = take(user, (const char *const *) names->pdata,
	                    (const char *const *) values->pdata, names->len);
	return true;
}

static bool
give_entries(LDAP *ldap, LDAPMessage *answer, unsigned most, AccountQueryTake *take, void *user)
{
	bool goes_on = true;
	unsigned rows = 0;

	for (LDAPMessage *entry = ldap_first_entry(ldap, answer);
	     entry != NULL && goes_on && rows < most; entry = ldap_next_entry(ldap, entry), rows++)
		if (!give_entry(ldap, entry, take, user, &goes_on))
			return false;
	return true;
}

static bool
link_ask(AccountQueryLink *link, const AccountQuery *query, AccountQueryTake *take, void *user,
         bool *ret_lost, char **ret_why)
{
	struct timeval limit = { .tv_sec = link->seconds };
	LDAPMessage *answer = NULL;
	int rc = ldap_search_ext_s(link->ldap, query->base, LDAP_SCOPE_SUBTREE, query->text,
	                           (char **) (uintptr_t) query->columns, 0, NULL, NULL, &limit,
	                           (int) query->most, &answer);
	/* more entries than asked for are the caller's to judge; a base that is missing is not */
	bool good = rc == LDAP_SUCCESS || rc == LDAP_SIZELIMIT_EXCEEDED;
	bool is_long = good && !give_entries(link->ldap, answer, query->most, take, user);

	ldap_msgfree(answer);
	*ret_lost = rc == LDAP_SERVER_DOWN || rc == LDAP_CONNECT_ERROR;
	if (!good || is_long)
		*ret_why = g_strdup(is_long ? "the answer is too long" : ldap_err2string(rc));
	return good && !is_long;
}

const void *account_query_module(void);

const void *
account_query_module(void)
{
	static const AccountQueryModule module = {
		.version = ACCOUNT_QUERY_VERSION,
		.sign = '\0',
		.open = link_open,
		.ask = link_ask,
		.close = link_close,
	};
	return &module;
}
