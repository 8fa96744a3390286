/* SPDX-License-Identifier: MIT */
/* setup-transport: domains are looked up as trivial-rewrite(8) does, by name and then by "*". */
#include "agent/cmd/setup-transport.h"

#include "agent/cmd/postfix-aliases.h"
#include "agent/cmd/postfix-domains.h"
#include "agent/message/address.h"

#include <string.h>

/* Each of them costs a call of postmap(1) for each table. */
enum { DOMAINS_ASKED = 50, DOMAINS_SHOWN = 3 };

/* The parameter that lists the domains of the recipients, and the one that sends them to us. */
typedef struct {
	const char *domains, *route;
} TransportClass;

static TransportClass
class_of(const SetupPlanner *planner)
{
	if (planner->wish->virtual_users)
		return (TransportClass){ "virtual_mailbox_domains", "virtual_transport" };
	if (planner->wish->door == SETUP_LOCAL)
		return (TransportClass){ "mydestination", "local_transport" };
	return (TransportClass){ "mydestination", planner->wish->fetched == SETUP_FETCHED_LMTP
		                                          ? "local_transport"
		                                          : "mailbox_transport" };
}

/* Is the word of a list of domains one, and not a table, a file or an exception? */
static bool
is_domain(const char *word)
{
	return strpbrk(word, ":/!$") == NULL;
}

/* What the tables have for `key`; NULL: nothing. Caller frees. */
static char *
ask(const PostfixFacts *facts, const GPtrArray *maps, const char *key)
{
	char *answer = NULL;
	for (guint i = 0; i < maps->len && answer == NULL; i++) {
		g_autofree char *why = NULL;
		answer = postfix_map_query(facts, maps->pdata[i], key, &why);
	}
	return answer;
}

/* GEqualFunc. */
static gboolean
is_same_name(gconstpointer one, gconstpointer other)
{
	return g_ascii_strcasecmp(one, other) == 0;
}

/* Names that `one` lists and `other` has, too, of those that stand in `one` by their names. */
static void
find_common(const PostfixFacts *facts, const GPtrArray *one, const GPtrArray *other,
            GPtrArray *found)
{
	for (guint i = 0; i < MIN(one->len, DOMAINS_ASKED); i++) {
		char *domain = one->pdata[i];
		bool is_new = is_domain(domain) &&
		              !g_ptr_array_find_with_equal_func(found, domain, is_same_name, NULL);
		if (is_new && postfix_domains_list(facts, other, domain, NULL))
			g_ptr_array_add(found, domain);
	}
}

/* The command that takes the domains out of mydestination; else words. Caller frees. */
static char *
not_local_fix(const SetupPlanner *planner, const GPtrArray *domains)
{
	g_autoptr(GPtrArray)
		words = postfix_list_words(setup_plan_written(planner, "mydestination"));
	g_autoptr(GPtrArray) left = g_ptr_array_new();
	guint taken = 0;

	for (guint i = 0; i < words->len; i++) {
		const char *word = words->pdata[i];
		const char *name = *word == '$' ? postfix_facts_value(planner->facts, word + 1)
		                                : word;
		bool is_one = false;
		for (guint j = 0; j < domains->len; j++)
			is_one |= g_ascii_strcasecmp(name, domains->pdata[j]) == 0;
		if (is_one)
			taken++;
		else
			g_ptr_array_add(left, words->pdata[i]);
	}

	g_ptr_array_add(left, NULL);
	g_autofree char *rest = g_strjoinv(", ", (char **) left->pdata);
	return taken >= domains->len
	               ? setup_plan_set_command(planner, "mydestination", rest)
	               : g_strdup("take them out of the table in mydestination, then postmap it");
}

/* Postfix itself logs a warning for each mail: "do not list domain in BOTH". */
static void
find_domains_of_both(SetupPlanner *planner)
{
	const PostfixFacts *facts = planner->facts;
	g_autoptr(GPtrArray)
		ours = postfix_list_words(postfix_facts_value(facts, "virtual_mailbox_domains"));
	g_autoptr(GPtrArray)
		local = postfix_list_words(postfix_facts_value(facts, "mydestination"));
	g_autoptr(GPtrArray) both = g_ptr_array_new();

	find_common(facts, ours, local, both);
	find_common(facts, local, ours, both);
	if (both->len == 0)
		return;

	char *fix = not_local_fix(planner, both);
	g_ptr_array_add(both, NULL);
	g_autofree char *names = g_strjoinv(", ", (char **) both->pdata);
	setup_plan_find(planner, "domain-twice",
	                g_strdup_printf("%s is in mydestination and in virtual_mailbox_domains: "
	                                "Postfix delivers its mail by local(8), and "
	                                "virtual_transport is not asked",
	                                names),
	                fix);
}

/* The transport of "lmtp:unix:private/x" is "lmtp"; that of ":" is none, and changes nothing. */
static bool
is_same_route(const char *answer, const char *route)
{
	size_t len = strcspn(answer, ":");
	bool has_hop = answer[len] == ':' && answer[len + 1] != '\0';

	return len == 0 || strcmp(answer, route) == 0 ||
	       (!has_hop && strlen(route) == len && strncmp(answer, route, len) == 0);
}

/* What the class of the domains will deliver by once the changes of the plan are made. */
static const char *
route_after(const SetupPlanner *planner, const char *name)
{
	const char *route = postfix_facts_value(planner->facts, name);
	for (guint i = 0; i < planner->plan->changes->len; i++) {
		const SetupChange *change = planner->plan->changes->pdata[i];
		if (!change->master && strcmp(change->name, name) == 0)
			route = change->after;
	}
	return route;
}

/* Does the answer of a table name a service of master.cf that runs todoke? */
static bool
is_service_of_ours(const PostfixFacts *facts, const char *answer)
{
	g_autofree char *name = g_strdup_printf("%.*s/unix", (int) strcspn(answer, ":"), answer);
	const PostfixService *service = postfix_facts_service(facts, name);
	return service != NULL && setup_plan_runs_todoke(service);
}

/* local(8) is what asks mailbox_command and mailbox_transport. */
static bool
comes_to_us(const SetupPlanner *planner, const TransportClass *class, const char *answer)
{
	if (is_service_of_ours(planner->facts, answer))
		return true;
	if (strcmp(class->route, "mailbox_transport") == 0)
		return is_same_route(answer, "local");
	return is_same_route(answer, route_after(planner, class->route)) ||
	       (planner->wish->door == SETUP_LOCAL && is_same_route(answer, "local"));
}

/* myorigin, which may be the path of a file (Debian's /etc/mailname). Caller frees. */
static char *
origin_of(const PostfixFacts *facts)
{
	const char *origin = postfix_facts_value(facts, "myorigin");
	char *text = NULL;
	if (*origin != '/' || !g_file_get_contents(origin, &text, NULL, NULL))
		return g_strdup(origin);
	text[strcspn(text, "\r\n")] = '\0';
	return g_strstrip(text);
}

/* Does mail for the domain leave this host by the DNS, which nobody asked for? */
static bool
is_homeless(const PostfixFacts *facts, const char *domain)
{
	bool is_sure = true;
	if (!address_is_domain(domain) || postfix_domains_has(facts, domain, &is_sure) || !is_sure)
		return false;

	g_autoptr(GPtrArray)
		maps = postfix_list_words(postfix_facts_value(facts, "transport_maps"));
	g_autofree char *folded = g_ascii_strdown(domain, -1);
	g_autofree char *own = ask(facts, maps, folded);
	g_autofree char *any = own == NULL ? ask(facts, maps, "*") : NULL;
	return own == NULL && any == NULL;
}

/* The command that puts the domains behind those of mydestination. Caller frees. */
static char *
local_too_command(const SetupPlanner *planner, const char *domains)
{
	if (*postfix_facts_value(planner->facts, "mydestination") == '\0')
		return setup_plan_set_command(planner, "mydestination", domains);

	const char *folder = planner->facts->folder;
	g_autofree char *now = postfix_command("postconf", folder, "-h mydestination"),
			*rest = g_strdup_printf("-e \"mydestination = $(%s), %s\"", now, domains);
	return postfix_command("postconf", folder, rest);
}

/* Does virtual_alias_maps, which is asked for each domain, give root's mail at it to somebody? */
static bool
is_root_given(const PostfixFacts *facts, const char *domain)
{
	g_autoptr(GPtrArray)
		maps = postfix_list_words(postfix_facts_value(facts, "virtual_alias_maps"));
	g_autofree char *folded = g_ascii_strdown(domain, -1);
	g_autofree char *root = g_strconcat("root@", folded, NULL),
			*all = g_strconcat("@", folded, NULL);
	g_autofree char *by_root = ask(facts, maps, root),
			*by_all = by_root == NULL ? ask(facts, maps, all) : NULL;
	return by_root != NULL || by_all != NULL;
}

/*
 * The names under which this host itself writes mail, and gets it back. A host that hands all mail
 * to another one has them in no class on purpose.
 */
static void
find_own_names(SetupPlanner *planner)
{
	const PostfixFacts *facts = planner->facts;
	const char *host = postfix_facts_value(facts, "myhostname");
	g_autofree char *origin = origin_of(facts);
	bool is_sent_on = *postfix_facts_value(facts, "relayhost") != '\0' ||
	                  strcmp(postfix_facts_value(facts, "default_transport"), "smtp") != 0;
	bool is_host_lost = !is_sent_on && is_homeless(facts, host);
	bool is_origin_lost = !is_sent_on && g_ascii_strcasecmp(host, origin) != 0 &&
	                      is_homeless(facts, origin);
	if (!is_host_lost && !is_origin_lost)
		return;

	bool is_certain = !planner->wish->virtual_users ||
	                  (is_host_lost && !is_root_given(facts, host));
	bool are_both = is_host_lost && is_origin_lost;
	g_autofree char *names = g_strdup_printf("%s%s%s", is_host_lost ? host : "",
	                                         are_both ? ", " : "",
	                                         is_origin_lost ? origin : "");
	setup_plan_find(planner, is_certain ? "origin-domain" : "origin-elsewhere",
	                g_strdup_printf("%s (%s) is in no domain class of this Postfix, neither "
	                                "mydestination nor any other, and relayhost is empty: "
	                                "mail of cron and root, and bounces to senders of this "
	                                "host, go where the DNS says, or wait",
	                                names,
	                                are_both       ? "myhostname, myorigin"
	                                : is_host_lost ? "myhostname"
	                                               : "myorigin"),
	                local_too_command(planner, names));
}

void
setup_transport_plan(SetupPlanner *planner)
{
	find_domains_of_both(planner);
	find_own_names(planner);

	const PostfixFacts *facts = planner->facts;
	const char *tables = postfix_facts_value(facts, "transport_maps");
	const TransportClass class = class_of(planner);
	g_autoptr(GPtrArray) maps = postfix_list_words(tables);
	g_autoptr(GPtrArray) words = postfix_list_words(postfix_facts_value(facts, class.domains));
	g_autoptr(GString) found = g_string_new(NULL);
	g_autofree char *rest = maps->len > 0 ? ask(facts, maps, "*") : NULL;
	guint count = 0;

	for (guint i = 0; maps->len > 0 && i < MIN(words->len, DOMAINS_ASKED); i++) {
		const char *domain = words->pdata[i];
		g_autofree char *own = is_domain(domain) ? ask(facts, maps, domain) : NULL;
		const char *answer = own != NULL ? own : rest;
		if (!is_domain(domain) || answer == NULL || comes_to_us(planner, &class, answer))
			continue;
		if (count++ < DOMAINS_SHOWN)
			g_string_append_printf(found, "%s%s by '%s'", count > 1 ? ", " : "", domain,
			                       answer);
	}
	if (count == 0)
		return;
	if (count > DOMAINS_SHOWN)
		g_string_append_printf(found, " and %u more", count - DOMAINS_SHOWN);

	setup_plan_find(
		planner, "transport-maps",
		g_strdup_printf("transport_maps (%s) goes before %s, and delivers %s: that mail "
	                        "does not come to todoke",
	                        tables, class.route, found->str),
		g_strdup("take those entries out of the table (then postmap it); where they are "
	                 "meant, nothing must be done"));
}
