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
#include "agent/cmd/cmd-common.h"
#include "agent/lmtp/lmtp-server.h"
#include "agent/lmtp/lmtp-store.h"
#include "conf/conf-choices.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <syslog.h>
#include <unistd.h>

typedef struct {
	const char *conf_path;
	GPtrArray *overrides;
	GPtrArray *listen;
	bool stdio;
	int log_fd; /* of the present configuration; -1: none */
} Options;

static const CmdOption rows[] = {
	{ .name = "listen",
	  .argument = "WHERE",
	  CMD_INTO_LIST(Options, listen),
	  .help = N_(
		  "unix:/PATH, inet:127.0.0.1:24, inet:[::1]:24; beside lmtp_listen and systemd's "
		  "sockets") },
	{ .name = "stdio",
	  CMD_INTO_FLAG(Options, stdio),
	  .help = N_("serve one client at standard input and output, then leave (spawn(8))") },
	CMD_OPTION_CONFIG(CMD_INTO_TEXT(Options, conf_path)),
	CMD_OPTION_SETTING(CMD_INTO_LIST(Options, overrides)),
	CMD_OPTIONS_END
};

static const char about[] =
	"\nStays in the foreground. SIGTERM finishes what was begun, SIGHUP reads the\n"
	"configuration anew. See todoke-lmtpd(8).\n";

const CmdOptions cmd_lmtpd_options = { .synopsis = "[OPTION]...", .rows = rows, .about = about };

/* LmtpServiceLoad. */
static bool
load(void *user, LmtpService *ret_service, Status *st)
{
	Options *options = user;
	Conf *conf = conf_read(options->conf_path, cmd_option_words(options->overrides), NULL, st);
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
	const char *detail = status_why(st);
	bool is_heard = log_is_heard();

	log_event(EVENT_SERVER_FAILED, LOG_ERR, "lmtpd cannot start: %s", detail);
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
	Options options = { .log_fd = -1 };
	int exit_code;

	if (!cmd_options(&cmd_lmtpd_options, &argc, argv, &options, &exit_code))
		return exit_code;
	if (argc > 1)
		return cmd_usage("lmtpd", _("'%s' is not known here"), argv[1]);
	if (options.stdio && options.listen != NULL)
		return cmd_usage("lmtpd", _("--stdio and --listen exclude each other"));
	words_choose("en"); /* what follows is read by Postfix and stands in logs */

	static const char *const nowhere[] = { NULL };
	if (!options.stdio) /* there it is the client's */
		log_fall_back_to(STDERR_FILENO);
	log_open("todoke", -1, LOG_FORM_TEXT);
	log_catch_glib();

	g_auto(Status) st = STATUS_INIT;
	LmtpServerOptions server = {
		.load = load,
		.user = &options,
		.listen = options.listen != NULL ? cmd_option_words(options.listen) : nowhere,
		.stdio = options.stdio,
	};
	return lmtp_server_run(&server, &st) ? 0 : fail_start(&options, &st);
}
