/* SPDX-License-Identifier: MIT */
/* setup-transport: domains are looked up as trivial-rewrite(8) does, by name and then by "*". */
#include "agent/cmd/setup-transport.h"

#include "agent/cmd/postfix-aliases.h"

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

void
setup_transport_plan(SetupPlanner *planner)
{
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
