/* SPDX-License-Identifier: MIT */
/*
 * cmd-lmtpd: the LMTP door: on sockets of its own, of systemd, or at standard input and output
 * under spawn(8).
 */
#define _GNU_SOURCE
#include "agent/base/answer.h"
#include "agent/base/log.h"
#include "agent/base/words.h"
#include "agent/cmd/cmd.h"
#include "agent/lmtp/lmtp-server.h"
#include "agent/lmtp/lmtp-store.h"
#include "conf/conf-choices.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

typedef struct {
	const char *conf_path;
	GPtrArray *overrides; /* "key=value", NULL at the end */
	GPtrArray *listen;    /* the same */
	bool stdio;
	int log_fd; /* of the present configuration; -1: none */
} Options;

enum { OPTION_LISTEN = 256, OPTION_STDIO, EXIT_WRONG_USAGE = 2 };

static const struct option long_options[] = {
	{ "listen", required_argument, NULL, OPTION_LISTEN },
	{ "stdio", no_argument, NULL, OPTION_STDIO },
	{ "config", required_argument, NULL, 'c' },
	{ "option", required_argument, NULL, 'o' },
	{ NULL, 0, NULL, 0 },
};

static const char help[] =
	"usage: todoke lmtpd [OPTION]...\n"
	"      --listen WHERE     unix:/PATH, inet:127.0.0.1:24, inet:[::1]:24, as often\n"
	"                         as wanted; beside lmtp_listen and systemd's sockets\n"
	"      --stdio            serve one client at standard input and output, then\n"
	"                         leave (spawn(8))\n"
	"  -c, --config FILE      instead of $TODOKE_CONF or the installed todoke.conf\n"
	"  -o, --option KEY=VALUE a setting for this run\n"
	"Stays in the foreground. SIGTERM finishes what was begun, SIGHUP reads the\n"
	"configuration anew. See todoke(8).\n";

static void
append(GPtrArray *list, char *word)
{
	g_ptr_array_insert(list, (gint) list->len - 1, word);
}

static bool
read_options(Options *options, int argc, char **argv)
{
	int option;
	while ((option = getopt_long(argc, argv, "c:o:", long_options, NULL)) != -1) {
		if (option == OPTION_LISTEN)
			append(options->listen, optarg);
		else if (option == OPTION_STDIO)
			options->stdio = true;
		else if (option == 'c')
			options->conf_path = optarg;
		else if (option == 'o')
			append(options->overrides, optarg);
		else
			return false;
	}

	return optind == argc && !(options->stdio && options->listen->len > 1);
}

/* LmtpServiceLoad. */
static bool
load(void *user, LmtpService *ret_service, Status *st)
{
	Options *options = user;
	Conf *conf = conf_read(options->conf_path, (const char *const *) options->overrides->pdata,
	                       NULL, st);
	if (conf == NULL)
		return false;

	mode_t mask = (mode_t) conf->umask;
	Site *site = site_new_without_keys(conf, st);
	if (site == NULL)
		return false;

	(void) umask(mask);
	int old_log = options->log_fd;
	options->log_fd = site_open_log(site->conf);
	if (old_log >= 0)
		(void) close(old_log);
	lmtp_store_init(site, ret_service);

	return true;
}

/* Under spawn(8) the client reads all that we print, so it is told in its own words. */
static int
fail_start(const Options *options, Status *st)
{
	const char *detail = st->detail != NULL ? st->detail : status_text(st);
	bool is_heard = log_is_heard();

	log_note(LOG_ERR, "lmtpd cannot start: %s", detail);
	if (!options->stdio) {
		if (!log_falls_back())
			fprintf(stderr, "todoke lmtpd: %s\n", detail);
		return EX_CONFIG;
	}

	if (!is_heard)
		answer_tell_cause(st);
	printf("421 %s %s\r\n", status_row(st->id)->dsn, status_text(st));
	return EX_CONFIG;
}

int
cmd_lmtpd(int argc, char **argv)
{
	if (cmd_wants_help(argc, argv)) {
		fputs(help, stdout);
		return 0;
	}

	words_choose("en"); /* what follows is read by Postfix and stands in logs */
	g_autoptr(GPtrArray) overrides = g_ptr_array_new(), listen = g_ptr_array_new();
	g_ptr_array_add(overrides, NULL);
	g_ptr_array_add(listen, NULL);

	Options options = { .overrides = overrides, .listen = listen, .log_fd = -1 };
	if (!read_options(&options, argc, argv)) {
		fputs(help, stderr);
		return EXIT_WRONG_USAGE;
	}

	if (!options.stdio) /* there it is the client's */
		log_fall_back_to(STDERR_FILENO);
	log_open("todoke", -1, LOG_FORM_TEXT);
	log_catch_glib();

	g_auto(Status) st = STATUS_INIT;
	LmtpServerOptions server = {
		.load = load,
		.user = &options,
		.listen = (const char *const *) listen->pdata,
		.stdio = options.stdio,
	};
	return lmtp_server_run(&server, &st) ? 0 : fail_start(&options, &st);
}
