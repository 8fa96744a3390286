/* SPDX-License-Identifier: MIT */
/* setup-fetched: the two remedies for mail that a program fetched for accounts of the system. */
#include "agent/cmd/setup-fetched.h"

#include "agent/base/blank.h"
#include "agent/cmd/setup-accounts.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define CLEANUP_NAME "todoke-fetch"
#define CLEANUP_OPTION "cleanup_service_name=" CLEANUP_NAME
#define HEADERS_FILE "todoke-fetch-headers"

/*
 * The header's name on one side, its value on the other; a table of header_checks sees a folded
 * field whole.
 */
static const char headers_file[] =
	"# Made by `todoke setup postfix --fetched smtpd`; its --undo removes this file.\n"
	"# Mail that a program fetched brings the Delivered-To lines of the mailbox it lay in. "
	"With this name they stay\n"
	"# readable, and local(8) does not take them for its own.\n"
	"/^Delivered-To[ \t]*:[ \t]*(.*)$/ REPLACE Old-Delivered-To: $1\n";

/*
 * The value of `-o name=` among the words of a service, in braces or not. Caller frees; NULL: not
 * there.
 */
static char *
service_option(const PostfixService *service, const char *name)
{
	size_t len = strlen(name);
	for (size_t i = 0;
	     service != NULL && service->args[i] != NULL && service->args[i + 1] != NULL; i++) {
		if (strcmp(service->args[i], "-o") != 0)
			continue;
		g_autofree char *word = g_strdup(service->args[i + 1]);
		size_t end = strlen(word);
		bool braces = word[0] == '{' && word[end - 1] == '}';
		if (braces)
			word[end - 1] = '\0';
		char *pair = g_strstrip(word + braces);
		if (strncmp(pair, name, len) == 0 && *blank_skip(pair + len) == '=')
			return g_strdup(g_strstrip(strchr(pair, '=') + 1));
	}

	return NULL;
}

static bool
is_fetch_smtpd(const PostfixService *service)
{
	g_autofree char *cleanup = service_option(service, "cleanup_service_name");
	return strcmp(service->command, "smtpd") == 0 && g_strcmp0(cleanup, CLEANUP_NAME) == 0;
}

/* The smtpd for fetched mail that is there; NULL: none. */
static const PostfixService *
find_fetch_smtpd(const PostfixFacts *facts)
{
	for (guint i = 0; i < facts->services->len; i++)
		if (is_fetch_smtpd(facts->services->pdata[i]))
			return facts->services->pdata[i];
	return NULL;
}

/* "127.0.0.1:10028/inet" -> 10028; 0: a name of a port, or something else. */
static unsigned
service_port(const PostfixService *service)
{
	const char *slash = strchr(service->name, '/');
	const char *start = slash;

	while (start > service->name && g_ascii_isdigit(start[-1]))
		start--;
	g_autofree char *digits = g_strndup(start, (size_t) (slash - start));
	guint64 port = 0;
	bool is_inet = strcmp(slash, "/inet") == 0;

	return is_inet && g_ascii_string_to_unsigned(digits, 10, 1, 65535, &port, NULL)
	               ? (unsigned) port
	               : 0;
}

/* Does any program of this host listen at the port already? */
static bool
is_port_taken(unsigned port)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons((in_port_t) port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int one = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;

	(void) setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
	bool taken = bind(fd, (const struct sockaddr *) &address, sizeof address) < 0 &&
	             errno == EADDRINUSE;
	(void) close(fd);

	return taken;
}

static void
add_option(GString *line, const char *name, const char *value)
{
	/* As postconf(1) prints it, so that undoing knows it again. */
	if (strpbrk(value, " \t") != NULL)
		g_string_append_printf(line, " -o {%s=%s}", name, value);
	else
		g_string_append_printf(line, " -o %s=%s", name, value);
}

/* The value of a list without one of its words. Caller frees. */
static char *
list_without(const char *list, const char *word)
{
	g_autoptr(GPtrArray) words = postfix_list_words(list);
	GString *out = g_string_new(NULL);

	for (guint i = 0; i < words->len; i++)
		if (strcmp(words->pdata[i], word) != 0)
			g_string_append_printf(out, "%s%s", out->len > 0 ? "," : "",
			                       (char *) words->pdata[i]);

	return g_string_free(out, FALSE);
}

/*
 * The smtpd for the fetching program. What it takes was accepted by another server already, and
 * refused here it would be lost; so it asks nothing of a client of this host but that the recipient
 * is ours.
 */
static char *
smtpd_line(const SetupPlanner *planner, const char *place)
{
	const PostfixFacts *facts = planner->facts;
	GString *line = g_string_new(NULL);

	g_string_printf(line, "%s inet n - n - - smtpd", place);
	add_option(line, "syslog_name", "postfix/fetched");
	add_option(line, "cleanup_service_name", CLEANUP_NAME);
	add_option(line, "mynetworks", "127.0.0.0/8,[::1]/128");
	add_option(line, "smtpd_client_restrictions", "permit_mynetworks,reject");

	static const char *const asked_before[] = { "smtpd_helo_restrictions",
		                                    "smtpd_sender_restrictions",
		                                    "smtpd_recipient_restrictions" };
	for (size_t i = 0; i < G_N_ELEMENTS(asked_before); i++)
		add_option(line, asked_before[i], "");
	add_option(line, "smtpd_relay_restrictions", "reject_unauth_destination");

	/*
	 * A filter before the queue would hand the mail to the smtpd behind it, and that one to the
	 * usual cleanup.
	 */
	if (*postfix_facts_value(facts, "smtpd_proxy_filter") != '\0')
		add_option(line, "smtpd_proxy_filter", "");

	if (strcmp(postfix_facts_value(facts, "smtpd_tls_security_level"), "encrypt") == 0)
		add_option(line, "smtpd_tls_security_level", "may");

	const char *overrides = postfix_facts_value(facts, "receive_override_options");
	g_autofree char *kept = list_without(overrides, "no_header_body_checks");
	if (strstr(overrides, "no_header_body_checks") != NULL)
		add_option(line, "receive_override_options", kept);

	return g_string_free(line, FALSE);
}

/* A parameter of the usual cleanup: master.cf's word for it, else main.cf's. Caller frees. */
static char *
cleanup_value(const SetupPlanner *planner, const PostfixService *cleanup, const char *name)
{
	char *value = service_option(cleanup, name);
	return value != NULL ? value : g_strdup(postfix_facts_value(planner->facts, name));
}

/* The options of the usual cleanup, but for the tables of headers. */
static void
add_usual_options(GString *line, const PostfixService *cleanup)
{
	for (size_t i = 0; cleanup != NULL && cleanup->args[i] != NULL; i++) {
		const char *next = cleanup->args[i + 1];
		if (strcmp(cleanup->args[i], "-o") == 0 && next != NULL) {
			if (strstr(next, "header_checks") == NULL)
				g_string_append_printf(line, " -o %s", next);
			i++;
		} else {
			g_string_append_printf(line, " %s", cleanup->args[i]);
		}
	}
}

/*
 * The cleanup behind it: the usual one's tables, with ours first. Those for the parts of a message
 * and for attached messages, which are $header_checks by default, stay without ours: what is in a
 * body is not renamed.
 */
static char *
cleanup_line(const SetupPlanner *planner)
{
	const PostfixService *cleanup = postfix_facts_service(planner->facts, "cleanup/unix");
	g_autofree char *path = setup_plan_path(planner, HEADERS_FILE);
	g_autofree char *usual = cleanup_value(planner, cleanup, "header_checks"),
			*mime = cleanup_value(planner, cleanup, "mime_header_checks"),
			*nested = cleanup_value(planner, cleanup, "nested_header_checks");
	g_autofree char *checks = g_strconcat("regexp:", path, *usual != '\0' ? " " : "", usual,
	                                      NULL);
	GString *line = g_string_new(CLEANUP_NAME " unix n - n - 0 cleanup");

	add_usual_options(line, cleanup);
	add_option(line, "header_checks", checks);
	add_option(line, "mime_header_checks", mime);
	add_option(line, "nested_header_checks", nested);

	return g_string_free(line, FALSE);
}

/* Is the port for fetched mail another program's, or another service's of Postfix? */
static bool
find_taken_port(SetupPlanner *planner, unsigned port)
{
	const PostfixFacts *facts = planner->facts;
	const PostfixService *other = NULL;

	for (guint i = 0; i < facts->services->len; i++)
		if (service_port(facts->services->pdata[i]) == port)
			other = facts->services->pdata[i];
	bool is_ours = other != NULL && is_fetch_smtpd(other);
	if (is_ours || (other == NULL && !is_port_taken(port)))
		return false;

	setup_plan_find(
		planner, "port-taken",
		g_strdup_printf("port %u, where fetched mail should come in, is taken by %s", port,
	                        other != NULL ? other->name : "another program of this host"),
		g_strdup("name another one: --fetch-port PORT; or postfix reload, if it is its own "
	                 "port of before an --undo"));
	return true;
}

static void
plan_smtpd(SetupPlanner *planner)
{
	const PostfixService *there = find_fetch_smtpd(planner->facts);
	unsigned port = planner->wish->fetch_port;

	if (port == 0)
		port = there != NULL ? service_port(there) : SETUP_FETCH_PORT;
	if (find_taken_port(planner, port))
		return;

	bool only_v6 = strcmp(postfix_facts_value(planner->facts, "inet_protocols"), "ipv6") == 0;
	g_autofree char *place = g_strdup_printf("%s:%u", only_v6 ? "[::1]" : "127.0.0.1", port);
	g_autofree char *name = g_strdup_printf("%s/inet", place);
	g_autofree char *smtpd = smtpd_line(planner, place), *cleanup = cleanup_line(planner);
	const PostfixService *smtpd_now = postfix_facts_service(planner->facts, name),
			     *cleanup_now = postfix_facts_service(planner->facts,
	                                                          CLEANUP_NAME "/unix");
	g_autofree char *smtpd_before = smtpd_now != NULL ? postfix_service_print(smtpd_now) : NULL,
			*cleanup_before = cleanup_now != NULL ? postfix_service_print(cleanup_now)
	                                                      : NULL;

	setup_plan_want_file(planner, HEADERS_FILE, g_strdup(headers_file),
	                     "renames the Delivered-To lines of fetched mail");
	setup_plan_want(planner, true, CLEANUP_NAME "/unix", cleanup_before, cleanup,
	                "the cleanup of fetched mail");
	setup_plan_want(planner, true, name, smtpd_before, smtpd, "the port for fetched mail");
	planner->plan->fetch_line = g_strdup_printf("smtphost localhost/%u", port);
}

/*
 * local_recipient_maps without the aliases: whoever is named there alone is no recipient of lmtpd.
 * Caller frees.
 */
static char *
recipients_without_aliases(const SetupPlanner *planner)
{
	static const char *const forms[] = { "$alias_maps", "${alias_maps}", "$(alias_maps)",
		                             NULL };

	g_autoptr(GPtrArray)
		aliases = postfix_list_words(postfix_facts_value(planner->facts, "alias_maps"));
	g_autoptr(GPtrArray)
		words = postfix_list_words(setup_plan_written(planner, "local_recipient_maps"));
	GString *kept = g_string_new(NULL);

	for (guint i = 0; i < words->len; i++) {
		const char *word = words->pdata[i];
		bool drop = g_strv_contains(forms, word);
		for (guint k = 0; k < aliases->len && !drop; k++)
			drop = strcmp(postfix_map_without_proxy(word),
			              postfix_map_without_proxy(aliases->pdata[k])) == 0;
		if (!drop)
			g_string_append_printf(kept, "%s%s", kept->len > 0 ? " " : "", word);
	}

	/* An empty list would mean that anybody is a recipient. */
	if (kept->len == 0 && words->len > 0)
		g_string_assign(kept, "proxy:unix:passwd.byname");
	return g_string_free(kept, FALSE);
}

/* Parameters of local(8) that nobody reads once it is out of the way. */
static void
find_silent_parameters(SetupPlanner *planner)
{
	static const char *const names[] = { "mailbox_command",
		                             "mailbox_command_maps",
		                             "mailbox_transport",
		                             "mailbox_transport_maps",
		                             "fallback_transport",
		                             "fallback_transport_maps",
		                             "luser_relay",
		                             "home_mailbox",
		                             "prepend_delivered_header" };
	g_autoptr(GString) set = g_string_new(NULL);

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *said = g_hash_table_lookup(planner->facts->said, names[i]);
		if (said != NULL && *said != '\0')
			g_string_append_printf(set, "%s%s", set->len > 0 ? ", " : "", names[i]);
	}

	if (set->len > 0)
		setup_plan_find(
			planner, "local-parameters",
			g_strdup_printf(
				"main.cf sets %s, which only local(8) reads, and it is not asked "
				"any more",
				set->str),
			g_strdup("nothing must be done; what they did for all is a setting of "
		                 "todoke.conf, or a Sieve script "
		                 "(sieve_default)"));
}

static void
plan_lmtpd(SetupPlanner *planner)
{
	g_autofree char *route = setup_plan_lmtp_route(planner),
			*recipients = recipients_without_aliases(planner);
	const PostfixFacts *facts = planner->facts;

	if (postfix_facts_service(facts, "lmtp/unix") == NULL)
		setup_plan_want(planner, true, "lmtp/unix", NULL, "lmtp unix - - n - - lmtp",
		                "speaks LMTP with lmtpd");
	setup_plan_want_parameter(planner, "local_transport", route,
	                          "all mail of the accounts goes to lmtpd, none to local(8)");
	if (strcmp(postfix_facts_value(facts, "local_recipient_maps"), recipients) != 0)
		setup_plan_want(planner, false, "local_recipient_maps",
		                g_hash_table_lookup(facts->said, "local_recipient_maps"),
		                recipients, "lmtpd knows no aliases");

	find_silent_parameters(planner);
	if (*planner->wish->conf->lmtp_user != '\0')
		setup_plan_find(
			planner, "lmtp-user",
			g_strdup_printf(
				"lmtp_user of todoke.conf is '%s': lmtpd would deliver as it, and "
				"could not write to "
				"people's homes",
				planner->wish->conf->lmtp_user),
			g_strdup("lmtp_user = \"\" in todoke.conf, and lmtpd started as root: it "
		                 "becomes each recipient"));
}

/* Does the mail of the accounts of the system reach local(8)? */
static bool
is_local_asked(const SetupPlanner *planner)
{
	const char *transport = postfix_facts_value(planner->facts, "local_transport");
	return strcmp(transport, "local") == 0 || g_str_has_prefix(transport, "local:");
}

static void
find_loop_check(SetupPlanner *planner)
{
	const char *folder = planner->facts->folder;
	g_autofree char *quoted = folder != NULL ? g_shell_quote(folder) : NULL;
	g_autofree char *command = g_strconcat("todoke setup postfix", quoted != NULL ? " -C " : "",
	                                       quoted != NULL ? quoted : "", NULL);

	setup_plan_find(
		planner, "local-loop-check",
		g_strdup("local(8) compares Delivered-To before it looks at mailbox_command or "
	                 "mailbox_transport, and bounces "
	                 "fetched mail whose line was copied (5.4.6)"),
		g_strdup_printf(
			"where mail is fetched from other mailboxes: `%s --fetched smtpd` (a port "
			"for the fetching "
			"program, where the line is renamed) or `%s --fetched lmtp` (lmtpd in the "
			"place of local(8))",
			command, command));
}

void
setup_fetched_plan(SetupPlanner *planner)
{
	const SetupWish *wish = planner->wish;

	if (wish->fetched != SETUP_FETCHED_AS_IS && wish->virtual_users) {
		setup_plan_find(
			planner, "no-system-users",
			g_strdup(
				"--fetched is for accounts of the system, and todoke.conf delivers "
				"to virtual users"),
			g_strdup("leave it out: the mail of virtual users does not pass local(8), "
		                 "and fetched mail arrives by the "
		                 "doors pipe and lmtp"));
		return;
	}

	if (wish->fetched == SETUP_FETCHED_SMTPD)
		plan_smtpd(planner);
	else if (wish->fetched == SETUP_FETCHED_LMTP)
		plan_lmtpd(planner);
	else if ((wish->door == SETUP_LOCAL || !wish->virtual_users) && is_local_asked(planner) &&
	         find_fetch_smtpd(planner->facts) == NULL)
		find_loop_check(planner);

	if (wish->fetched != SETUP_FETCHED_LMTP && wish->door == SETUP_LOCAL &&
	    !is_local_asked(planner))
		setup_plan_find(
			planner, "local-transport",
			g_strdup_printf(
				"local_transport is %s: local(8), which would run mailbox_command, "
				"is not asked",
				postfix_facts_value(planner->facts, "local_transport")),
			setup_plan_set_command(planner, "local_transport", "local:$myhostname"));
}
