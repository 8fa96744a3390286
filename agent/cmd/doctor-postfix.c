/* SPDX-License-Identifier: MIT */
/*
 * doctor-postfix: what in Postfix's own settings keeps mail from todoke, loses it, or bounces it.
 */
#include "agent/cmd/doctor.h"

#include "agent/base/limits.h"
#include "agent/cmd/doctor-unit.h"
#include "agent/cmd/local-command.h"
#include "agent/cmd/mailbox-command.h"
#include "agent/cmd/own-program.h"
#include "agent/cmd/postfix-aliases.h"
#include "agent/cmd/setup-before.h"
#include "agent/cmd/setup-plan.h"
#include "conf/conf-choices.h"
#include "conf/conf-sum.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* How much longer than our deadline lmtp(8) must wait for the answer to a message. */
enum { TIME_MARGIN_SECONDS = 60 };

/* The parameters that name a transport, in the order in which people look for them. */
static const char *const routes[] = {
	"virtual_transport",  "mailbox_transport", "local_transport",
	"fallback_transport", "relay_transport",   "default_transport"
};

static const char *
value_of(const Doctor *doctor, const char *name)
{
	return postfix_facts_value(doctor->postfix, name);
}

static char *
set_command(const Doctor *doctor, const char *name, const char *value)
{
	SetupChange change = { .name = (char *) (uintptr_t) name,
		               .after = (char *) (uintptr_t) value };
	return setup_change_command(&change, doctor->postfix->folder, false);
}

/* "master.cf:118", where the line of a service begins; without the number where it is not found. */
static char *
place_of_service(const Doctor *doctor, const PostfixService *service)
{
	g_autofree char *path = g_build_filename(value_of(doctor, "config_directory"), "master.cf",
	                                         NULL);
	g_autofree char *text = NULL;
	g_auto(GStrv) halves = g_strsplit(service->name, "/", 2);
	if (!g_file_get_contents(path, &text, NULL, NULL))
		return g_strdup("master.cf");

	g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
	for (unsigned i = 0; lines[i] != NULL; i++) {
		g_auto(GStrv) words = g_strsplit_set(lines[i], " \t", 3);
		char *second = words[0] != NULL && words[1] != NULL
		                       ? g_strchug(lines[i] + strlen(words[0]))
		                       : NULL;
		if (second != NULL && strcmp(words[0], halves[0]) == 0 &&
		    g_str_has_prefix(second, halves[1]))
			return g_strdup_printf("master.cf:%u", i + 1);
	}

	return g_strdup("master.cf");
}

/* The service that a text of `todoke setup` speaks of; NULL: none. */
static const PostfixService *
service_of_text(const Doctor *doctor, const char *text)
{
	for (guint i = 0; i < doctor->postfix->services->len; i++) {
		const PostfixService *service = doctor->postfix->services->pdata[i];
		g_autofree char *words = g_strdup_printf("service %s ", service->name);
		if (strstr(text, words) != NULL)
			return service;
	}

	return NULL;
}

static const char *
argument_of(const PostfixService *service, const char *name)
{
	for (char **arg = service->args; *arg != NULL && !g_str_has_prefix(*arg, "argv="); arg++)
		if (g_str_has_prefix(*arg, name))
			return *arg + strlen(name);
	return NULL;
}

static bool
runs_todoke(const PostfixService *service)
{
	bool starts = strcmp(service->command, "pipe") == 0 ||
	              strcmp(service->command, "spawn") == 0;
	for (char **arg = service->args; starts && *arg != NULL; arg++) {
		if (!g_str_has_prefix(*arg, "argv="))
			continue;
		g_autofree char *base = g_path_get_basename(*arg + strlen("argv="));
		if (strcmp(base, "todoke") == 0 || strcmp(base, "todoke-deliver") == 0)
			return true;
	}

	return false;
}

/*
 * The todoke.conf that the service names, if it is another than the one that is looked at: what it
 * delivers is not this one's matter. NULL: it is this one's.
 */
static const char *
other_conf_of(const Doctor *doctor, const PostfixService *service)
{
	g_autofree char *path = g_canonicalize_filename(conf_main_path(doctor->conf), NULL);
	const char *named = postfix_service_conf(service);

	return named != NULL && strcmp(named, path) != 0 ? named : NULL;
}

/* The command that gives the line of `service` other arguments. Caller frees. */
static char *
rewrite_command(const Doctor *doctor, const PostfixService *service, char **args)
{
	PostfixService changed = *service;
	changed.args = args;
	g_autofree char *line = postfix_service_print(&changed);
	SetupChange change = { .master = true, .name = service->name, .after = line };

	return setup_change_command(&change, doctor->postfix->folder, false);
}

static char *
without_d_command(const Doctor *doctor, const PostfixService *service)
{
	g_autoptr(GPtrArray) args = g_ptr_array_new_with_free_func(g_free);

	for (char **arg = service->args; *arg != NULL; arg++) {
		bool is_flags = g_str_has_prefix(*arg, "flags=");
		g_auto(GStrv) parts = g_strsplit(*arg, is_flags ? "D" : "\n", -1);
		char *plain = g_strjoinv("", parts);
		if (strcmp(plain, "flags=") == 0)
			g_free(plain);
		else
			g_ptr_array_add(args, plain);
	}

	g_ptr_array_add(args, NULL);
	return rewrite_command(doctor, service, (char **) args->pdata);
}

static char *
with_null_sender_command(const Doctor *doctor, const PostfixService *service)
{
	g_autoptr(GPtrArray) args = g_ptr_array_new();

	for (char **arg = service->args; *arg != NULL; arg++) {
		if (g_str_has_prefix(*arg, "argv="))
			g_ptr_array_add(args, (char *) (uintptr_t) "null_sender=");
		if (!g_str_has_prefix(*arg, "null_sender="))
			g_ptr_array_add(args, *arg);
	}

	g_ptr_array_add(args, NULL);
	return rewrite_command(doctor, service, (char **) args->pdata);
}

/*
 * What setup would write is the whole line as it should be; what --fix may run changes no more than
 * the one thing. NULL: setup's command is as good. Caller frees.
 */
static char *
small_command(const Doctor *doctor, const PostfixService *service, const char *code)
{
	if (service == NULL)
		return NULL;
	return strcmp(code, "flags-d") == 0       ? without_d_command(doctor, service)
	       : strcmp(code, "null-sender") == 0 ? with_null_sender_command(doctor, service)
	                                          : NULL;
}

static char *
without_quotes_command(const Doctor *doctor, const PostfixService *service)
{
	g_auto(GStrv) args = g_strdupv(service->args);

	for (char **arg = args; *arg != NULL; arg++) {
		g_auto(GStrv) parts = g_strsplit_set(*arg, "\"'", -1);
		g_free(*arg);
		*arg = g_strjoinv("", parts);
	}

	return rewrite_command(doctor, service, args);
}

/* The parameter that sends mail to the service; NULL: none does. */
static const char *
route_to(const Doctor *doctor, const PostfixService *service)
{
	size_t len = strcspn(service->name, "/");

	for (size_t i = 0; i < G_N_ELEMENTS(routes); i++) {
		const char *value = value_of(doctor, routes[i]);
		if (strncmp(value, service->name, len) == 0 &&
		    (value[len] == '\0' || value[len] == ':'))
			return routes[i];
	}

	return NULL;
}

static void
tell_other_conf(Doctor *doctor, const PostfixService *service, const char *place, const char *file)
{
	g_auto(Status) st = STATUS_INIT;
	Conf *conf = conf_read(file, NULL, NULL, &st);

	if (conf == NULL) {
		doctor_find(doctor, DOCTOR_OTHER_CONF_BROKEN, place, NULL, service->name, file,
		            status_why(&st), NULL);
		return;
	}

	doctor_find(doctor, DOCTOR_OTHER_CONF, place, NULL, service->name, file, NULL);
	conf_free(conf);
}

/* pipe(8) has no quotes; a service of another program with D is what a change to todoke left. */
static void
examine_services(Doctor *doctor)
{
	for (guint i = 0; i < doctor->postfix->services->len; i++) {
		const PostfixService *service = doctor->postfix->services->pdata[i];
		const char *flags = argument_of(service, "flags="),
			   *route = route_to(doctor, service);
		g_autofree char *place = place_of_service(doctor, service);
		g_autofree char *argv = g_strjoinv(" ", service->args);
		bool is_pipe = strcmp(service->command, "pipe") == 0, ours = runs_todoke(service);

		if (is_pipe && !ours && route != NULL && flags != NULL &&
		    strchr(flags, 'D') != NULL) {
			g_autofree char *name = g_strndup(service->name,
			                                  strcspn(service->name, "/"));
			doctor_find(doctor, DOCTOR_OTHER_FLAGS_D, place,
			            without_d_command(doctor, service), name, route, flags, NULL);
		}

		const char *words = strstr(argv, "argv="), *other = other_conf_of(doctor, service);
		if (ours && other != NULL)
			tell_other_conf(doctor, service, place, other);
		if (is_pipe && ours && words != NULL && strpbrk(words, "\"'") != NULL)
			doctor_find(doctor, DOCTOR_ARGV_QUOTES, place,
			            without_quotes_command(doctor, service), service->name, words,
			            NULL);
	}
}

/* The doors by which this Postfix calls todoke. */
typedef struct {
	bool is_open[SETUP_DOORS];
	bool is_others;         /* pipe(8) calls todoke with another todoke.conf */
	const char *lmtp_route; /* the parameter */
} Doors;

/* Is this route one to lmtpd, by its name or by where lmtpd listens? */
static bool
leads_to_lmtpd(const Doctor *doctor, const char *route)
{
	if (!g_str_has_prefix(route, "lmtp:"))
		return false;
	if (strstr(route, "todoke") != NULL)
		return true;

	for (char **at = doctor->conf->lmtp_listen; *at != NULL; at++)
		if (strcmp(*at, route + strlen("lmtp:")) == 0)
			return true;
	return false;
}

/* Does it, or was it meant to? */
static bool
calls_todoke(const char *command)
{
	g_auto(MailboxCommand) ours = { 0 };
	mailbox_command_read(command, &ours);
	return ours.meant_program != NULL || strstr(command, "todoke") != NULL;
}

static Doors
find_doors(const Doctor *doctor)
{
	Doors doors = { 0 };

	for (guint i = 0; i < doctor->postfix->services->len; i++) {
		const PostfixService *service = doctor->postfix->services->pdata[i];
		bool ours = runs_todoke(service), is_other = other_conf_of(doctor, service) != NULL;
		doors.is_open[SETUP_PIPE] |= ours && !is_other;
		doors.is_others |= ours && is_other;
	}
	/* with a file of its own for virtual users, accounts have another */
	bool is_named = doctor->conf->files->len > 0 &&
	                postfix_facts_name_conf(doctor->postfix, doctor->conf->files->pdata[0]);
	doors.is_open[SETUP_LOCAL] = !is_named && local_command_any(doctor->postfix, calls_todoke);
	for (size_t i = 0; i < G_N_ELEMENTS(routes) && doors.lmtp_route == NULL; i++)
		if (leads_to_lmtpd(doctor, value_of(doctor, routes[i])))
			doors.lmtp_route = routes[i];
	doors.is_open[SETUP_LMTP] = doors.lmtp_route != NULL;

	return doors;
}

/* Is there a finding of that code and text already? Two doors may say the same. */
static bool
is_known(const Doctor *doctor, const char *code, const char *text)
{
	for (guint i = 0; i < doctor->findings->len; i++) {
		const DoctorFinding *finding = doctor->findings->pdata[i];
		if (strcmp(finding->code, code) == 0 && g_str_has_prefix(text, finding->evidence))
			return true;
	}

	return false;
}

/*
 * A command where `todoke setup` has advice that leaves several ways open, and one is right here.
 * NULL: none is known. Caller frees.
 */
static char *
command_of_finding(const Doctor *doctor, const SetupFinding *finding)
{
	const char *code = finding->code, *text = finding->text;
	if (strcmp(code, "lmtp-chroot") == 0) {
		g_autofree char *folder = g_shell_quote(doctor->postfix->folder);
		return g_strdup_printf("postconf -c %s -F lmtp/unix/chroot=n", folder);
	}

	bool is_here = strstr(text, "inet:127.0.0.1:") != NULL ||
	               strstr(text, "inet:localhost:") != NULL;
	if (strcmp(code, "lmtp-trusted") == 0 && is_here)
		return doctor_set_command(doctor, "lmtp_trusted", "{\"127.0.0.1\"}");
	if (strcmp(code, "other-maildir") == 0) {
		static const char name[] = "maildir = ";
		const char *value = finding->fix + strlen(name);
		g_autofree char *quoted = g_strndup(value, strcspn(value + 1, "\"") + 2);
		return doctor_set_command(doctor, "maildir", quoted);
	}
	return NULL;
}

/* What nothing fails by, and what is told where it stands, or where it is tried. */
static bool
is_told_elsewhere(const SetupFinding *finding, bool tries_socket)
{
	return strcmp(finding->code, "myhostname") == 0 ||
	       (strcmp(finding->code, "spool") == 0 &&
	        g_str_has_prefix(finding->text, "recipe_default ")) ||
	       strcmp(finding->code, "lmtp-root") == 0 ||
	       (strcmp(finding->code, "lmtp-listen") == 0 && tries_socket);
}

/*
 * What `todoke setup postfix` plans for this door. `tells_place`: with a finding where it would
 * make Postfix call a todoke that is not installed. Caller frees.
 */
static SetupPlan *
plan_for(const Doctor *doctor, SetupDoor door, bool tells_place)
{
	g_autofree char *self = own_program_path(), *installed = own_program_find_installed();
	bool is_stray = !own_program_is_installed(self);
	const char *program = is_stray && installed != NULL ? installed : self;
	const SetupWish wish = {
		.door = door,
		.conf = doctor->conf,
		.user = *doctor->conf->virtual_user != '\0' ? doctor->conf->virtual_user : "vmail",
		.program = program,
		.procmail_program = program,
		.is_stray = tells_place && is_stray && installed == NULL,
		.virtual_users = account_kind_of_users(doctor->conf) != CONF_USERS_SYSTEM,
		.deadline = doctor->conf->deadline,
		.runs_recipes = doctor->conf->recipes != CONF_RECIPES_NO,
		.listen = (const char *const *) doctor->conf->lmtp_listen,
	};

	return setup_plan_make(doctor->postfix, &wish);
}

/*
 * What `todoke setup postfix` finds for this door. `route` is the parameter by which lmtp is used;
 * NULL: none.
 */
static void
ask_setup(Doctor *doctor, SetupDoor door, const char *route)
{
	bool tries_socket = route != NULL &&
	                    g_str_has_prefix(value_of(doctor, route), "lmtp:unix:");
	g_autoptr(SetupPlan) plan = plan_for(doctor, door, false);

	for (guint i = 0; i < plan->findings->len; i++) {
		const SetupFinding *finding = plan->findings->pdata[i];
		if (is_told_elsewhere(finding, tries_socket) ||
		    is_known(doctor, finding->code, finding->text))
			continue;
		const PostfixService *service = service_of_text(doctor, finding->text);
		g_autofree char *place = service != NULL ? place_of_service(doctor, service)
		                                         : g_strdup("main.cf");
		char *small = small_command(doctor, service, finding->code);
		if (small == NULL)
			small = command_of_finding(doctor, finding);
		doctor_find_text(doctor, finding->code, DOCTOR_SETUP, place, finding->text,
		                 small != NULL ? small : g_strdup(finding->fix));
	}
}

/* The path of the unix socket of a route such as "lmtp:unix:private/todoke"; NULL: it has none. */
static char *
socket_of_route(const Doctor *doctor, const char *route)
{
	static const char prefix[] = "lmtp:unix:";
	if (!g_str_has_prefix(route, prefix))
		return NULL;
	const char *path = route + strlen(prefix);
	return *path == '/' ? g_strdup(path)
	                    : g_build_filename(value_of(doctor, "queue_directory"), path, NULL);
}

/* 0: somebody answers, else the errno of connect(2). */
static int
try_socket(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	if (g_strlcpy(address.sun_path, path, sizeof address.sun_path) >= sizeof address.sun_path)
		return ENAMETOOLONG;

	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int err = fd < 0 || connect(fd, (struct sockaddr *) &address, sizeof address) < 0 ? errno
	                                                                                  : 0;
	if (fd >= 0)
		(void) close(fd);
	return err == EAGAIN ? 0 : err; /* its queue is full: somebody listens */
}

/* The units of contrib/systemd; admins who start lmtpd otherwise have units of their own. */
static const char service_unit[] = "todoke-lmtpd.service", socket_unit[] = "todoke-lmtpd.socket";

/*
 * The socket of systemd is "failed" after lmtpd ended too often, as it does while todoke.conf is
 * wrong. Caller frees.
 */
static char *
start_socket_command(void)
{
	g_auto(DoctorUnit) unit = { 0 };
	if (!doctor_unit_read(socket_unit, &unit) || strcmp(unit.state, "failed") != 0)
		return g_strdup("systemctl enable --now todoke-lmtpd.socket");
	return g_strdup("systemctl reset-failed todoke-lmtpd.service todoke-lmtpd.socket; "
	                "systemctl start todoke-lmtpd.socket");
}

/* Does it serve the site? A socket that listens will start it. */
static bool
is_service_used(const DoctorUnit *service)
{
	g_auto(DoctorUnit) socket = { 0 };
	return strcmp(service->state, "active") == 0 ||
	       (doctor_unit_read(socket_unit, &socket) && strcmp(socket.state, "active") == 0);
}

static void
examine_lmtp_unit(Doctor *doctor)
{
	g_auto(DoctorUnit) unit = { 0 };
	if (!doctor_unit_read(service_unit, &unit) || !is_service_used(&unit))
		return;

	bool is_root = *unit.user == '\0' || strcmp(unit.user, "root") == 0;
	if (!is_root && account_kind_of_users(doctor->conf) == CONF_USERS_SYSTEM)
		doctor_find(doctor, DOCTOR_LMTP_ROOT, service_unit, setup_plan_root_unit_command(),
		            service_unit, unit.user, NULL);

	g_autofree char *now = conf_sum_text(doctor->conf);
	if (conf_sum_is_other(unit.status, now))
		doctor_find(doctor, DOCTOR_LMTP_OLD_CONF, service_unit,
		            g_strdup("systemctl reload todoke-lmtpd"),
		            (const char *) doctor->conf->files->pdata[0], NULL);
}

static void
examine_lmtp_socket(Doctor *doctor, const char *route)
{
	const char *value = value_of(doctor, route);
	g_autofree char *path = socket_of_route(doctor, value);
	int err = path != NULL ? try_socket(path) : 0;

	/* only root and Postfix may look into private/ */
	if (err != 0 && (err != EACCES || geteuid() == 0))
		doctor_find(doctor, DOCTOR_LMTP_SOCKET, "main.cf", start_socket_command(), route,
		            value, path, g_strerror(err), NULL);
}

static void
examine_lmtp(Doctor *doctor, const char *route)
{
	static const char limit_name[] = "lmtp_destination_recipient_limit";
	const char *limit = value_of(doctor, limit_name),
		   *forward = value_of(doctor, "lmtp_send_xforward_command"),
		   *patience = value_of(doctor, "lmtp_data_done_timeout");
	const PostfixService *service = postfix_facts_service(doctor->postfix, "lmtp/unix");
	const char *flags = service != NULL ? argument_of(service, "flags=") : NULL;
	bool needs_one = flags != NULL && strpbrk(flags, "DO") != NULL,
	     is_one = strcmp(limit, "1") == 0;

	if (needs_one && !is_one) {
		g_autofree char *place = place_of_service(doctor, service);
		doctor_find(doctor, DOCTOR_LMTP_FLAGS, place, set_command(doctor, limit_name, "1"),
		            service->name, flags, limit, NULL);
	} else if (!needs_one && is_one) {
		doctor_find(doctor, DOCTOR_LMTP_ONE, "main.cf",
		            set_command(doctor, limit_name, "50"), NULL);
	}

	if (strcmp(forward, "no") == 0)
		doctor_find(doctor, DOCTOR_XFORWARD, "main.cf",
		            set_command(doctor, "lmtp_send_xforward_command", "yes"), forward,
		            NULL);

	gint64 seconds = postfix_facts_seconds(patience, POSTFIX_SECOND),
	       deadline = doctor->conf->deadline;
	if (seconds >= 0 && seconds < deadline + TIME_MARGIN_SECONDS) {
		g_autofree char *longer = g_strdup_printf("%" G_GINT64_FORMAT "s", 2 * deadline),
				*ours = g_strdup_printf("%" G_GINT64_FORMAT, deadline);
		doctor_find(doctor, DOCTOR_LMTP_TIME, "main.cf",
		            set_command(doctor, "lmtp_data_done_timeout", longer), patience, ours,
		            NULL);
	}

	examine_lmtp_socket(doctor, route);
	examine_lmtp_unit(doctor);
}

/* A number such as "10240000"; 0: no limit. */
static gint64
number_of(const Doctor *doctor, const char *name)
{
	return g_ascii_strtoll(value_of(doctor, name), NULL, 10);
}

/* Limits of main.cf against ours. */
static void
examine_limits(Doctor *doctor)
{
	const Conf *conf = doctor->conf;
	gint64 size = number_of(doctor, "message_size_limit"), ours = conf->message_size_limit;
	gint64 life = postfix_facts_seconds(value_of(doctor, "maximal_queue_lifetime"),
	                                    POSTFIX_DAY);
	g_autofree char *size_text = g_strdup_printf("%" G_GINT64_FORMAT, size),
			*ours_text = g_strdup_printf("%" G_GINT64_FORMAT, ours);

	if (ours > 0 && (size == 0 || size > ours))
		doctor_find(doctor, DOCTOR_SIZE_OURS, "main.cf",
		            set_command(doctor, "message_size_limit", ours_text), size_text,
		            ours_text, NULL);

	gint64 quota = conf->quota == CONF_QUOTA_SITE ? conf->quota_bytes : 0;
	if (quota > 0 && (size == 0 || size > quota)) {
		g_autofree char *quota_text = g_strdup_printf("%" G_GINT64_FORMAT, quota);
		doctor_find(doctor, DOCTOR_QUOTA_SIZE, "main.cf",
		            set_command(doctor, "message_size_limit", quota_text), size_text,
		            quota_text, NULL);
	}

	if (life > conf->journal_lifetime) {
		g_autofree char *life_text = g_strdup_printf("%" G_GINT64_FORMAT, life),
				*journal = g_strdup_printf("%" G_GINT64_FORMAT,
		                                           conf->journal_lifetime),
				*longer = g_strconcat(life_text, "s", NULL);
		doctor_find(doctor, DOCTOR_JOURNAL_LIFETIME, "main.cf",
		            doctor_set_command(doctor, "journal_lifetime", longer), life_text,
		            journal, NULL);
	}
}

/*
 * Mail that a program took out of the very mailbox that it goes to (STATUS_OWN_MAILBOX) must not
 * wait longer than Postfix keeps it; bounces, with their null sender, have a parameter of their
 * own.
 */
static void
examine_lifetimes(Doctor *doctor)
{
	static const char *const names[] = { "maximal_queue_lifetime", "bounce_queue_lifetime" };

	for (size_t i = 0; i < G_N_ELEMENTS(names); i++) {
		const char *value = value_of(doctor, names[i]);
		gint64 life = postfix_facts_seconds(value, POSTFIX_DAY);
		g_autofree char *wait = g_strdup_printf("%us", LIMIT_FETCH_WAIT_SECONDS);
		if (life >= 0 && life < LIMIT_FETCH_WAIT_SECONDS)
			doctor_find(doctor, DOCTOR_QUEUE_LIFETIME, "main.cf",
			            set_command(doctor, names[i], "5d"), names[i], value, wait,
			            NULL);
	}
}

static void
examine_addresses(Doctor *doctor)
{
	const char *domains = value_of(doctor, "virtual_mailbox_domains"),
		   *delimiter = value_of(doctor, "recipient_delimiter"),
		   *ours = doctor->conf->delimiters;

	if (*domains != '\0' && *value_of(doctor, "virtual_mailbox_maps") == '\0') {
		g_autofree char *path = g_build_filename(value_of(doctor, "config_directory"),
		                                         "todoke-users", NULL);
		g_autofree char *map = g_strconcat("texthash:", path, NULL),
				*command = set_command(doctor, "virtual_mailbox_maps", map),
				*quoted = g_shell_quote(path);
		doctor_find(doctor, DOCTOR_NO_MAPS, "main.cf",
		            g_strdup_printf("{ [ -e %s ] || todoke account --list | sed 's/$/ "
		                            "there/' >%s; } && %s",
		                            quoted, quoted, command),
		            domains, NULL);
	}

	if (strcmp(delimiter, ours) != 0 && *delimiter != '\0') {
		g_autofree char *quoted = g_strdup_printf("\"%s\"", delimiter);
		doctor_find(doctor, DOCTOR_DELIMITER, "main.cf",
		            doctor_set_command(doctor, "delimiters", quoted), delimiter, ours,
		            NULL);
	}
}

/*
 * `todoke setup postfix` for the users of todoke.conf; by hand where it would refuse to change
 * anything, and say why.
 */
static void
tell_not_called(Doctor *doctor)
{
	bool is_virtual = account_kind_of_users(doctor->conf) != CONF_USERS_SYSTEM;
	g_auto(SetupBefore) before = { 0 };
	setup_before_find(doctor->postfix, is_virtual, &before);
	bool is_asked_for = before.program == NULL && !is_virtual;
	SetupDoor door = before.program != NULL ? before.door
	                 : is_virtual           ? SETUP_PIPE
	                                        : SETUP_LOCAL;
	g_autoptr(SetupPlan) plan = plan_for(doctor, door, true);
	g_autofree char *folder = doctor->postfix_folder != NULL
	                                  ? g_shell_quote(doctor->postfix_folder)
	                                  : NULL;
	g_autofree char *self = own_program_path();
	g_autofree char *installed = own_program_find_installed();
	bool is_named = !own_program_is_installed(self) && installed != NULL;
	g_autofree char *program = is_named ? g_shell_quote(installed) : g_strdup("todoke");
	g_autofree char *command = g_strconcat(program, " setup postfix",
	                                       is_asked_for ? " --door local" : "",
	                                       folder != NULL ? " -C " : "", folder, NULL);

	doctor_find(doctor, DOCTOR_NOT_CALLED, "main.cf",
	            setup_plan_has(plan, SETUP_BLOCKS) ? NULL
	                                               : g_strconcat(command, " --apply", NULL),
	            command, NULL);
}

void
doctor_postfix(Doctor *doctor)
{
	g_auto(Status) st = STATUS_INIT;

	g_clear_pointer(&doctor->postfix, postfix_facts_free);
	doctor->postfix = postfix_facts_read(doctor->postfix_folder, &st);
	if (doctor->postfix == NULL) {
		doctor_find(doctor, DOCTOR_NO_POSTFIX, "postconf", NULL, status_why(&st), NULL);
		return;
	}

	const Doors doors = find_doors(doctor);
	bool is_called = doors.is_others;
	for (unsigned door = 0; door < SETUP_DOORS; door++) {
		is_called |= doors.is_open[door];
		if (doors.is_open[door])
			ask_setup(doctor, (SetupDoor) door, doors.lmtp_route);
	}

	if (!is_called && *value_of(doctor, "transport_maps") == '\0')
		tell_not_called(doctor);
	examine_services(doctor);
	if (doors.lmtp_route != NULL)
		examine_lmtp(doctor, doors.lmtp_route);
	examine_addresses(doctor);
	examine_limits(doctor);
	examine_lifetimes(doctor);
}
