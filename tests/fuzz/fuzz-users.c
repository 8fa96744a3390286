/* SPDX-License-Identifier: MIT */
/*
 * fuzz-users: what sources of users say. The first octet chooses: what a userdb answers over its
 * socket, a passwd_file, or a template of paths. An account that comes of it must have paths
 * that are absolute and do not climb. fuzz-users.sh says how to fuzz.
 */
#define _GNU_SOURCE
#include "agent/run/account-source-dovecot.c"

#include "agent/base/path-template.h"
#include "agent/run/account-answer.h"
#include "agent/run/account-list.h"

#include <sys/mman.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const guchar *data, size_t size);

/* Nothing that a source says leads above where it stands. */
static void
check_path(const char *path)
{
	if (path == NULL)
		return;
	g_auto(GStrv) parts = g_strsplit(path, "/", -1);
	for (char **part = parts; *part != NULL; part++)
		g_assert(strcmp(*part, "..") != 0);
	g_assert(path[0] == '/');
}

static void
use_fields(const Conf *conf, const GPtrArray *fields)
{
	g_auto(Status) st = STATUS_INIT;
	g_autoptr(AccountAnswer) answer = account_answer_read(fields, "fuzz", &st);
	g_assert((answer == NULL) == (st.id != STATUS_OK));
	if (answer == NULL)
		return;

	g_assert(answer->uid != 0);
	g_autoptr(Account) account = account_begin(conf, "ann@example.jp", &st);
	g_assert(account != NULL);
	account->source = "dovecot";
	account->user = g_strdup("ann@example.jp");
	account_answer_use(answer, account);
	if (!account_set_paths(conf, account, NULL, &st))
		return;
	check_path(account->home);
	check_path(account->maildir);

	Conf *own = account_conf(account, conf);
	if (own != NULL)
		conf_free(own);
}

static void
fuzz_userdb(const Conf *conf, const char *text, size_t len)
{
	int ends[2];
	g_auto(Status) st = STATUS_INIT;
	Talk talk = begin(conf, "ann", &st);
	g_assert(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) == 0);
	server.fd = ends[0];
	server.path = g_strdup("/fuzz");
	server.in = g_string_new(NULL);
	bool is_sent = send(ends[1], text, len, MSG_NOSIGNAL) == (ssize_t) len;
	(void) shutdown(ends[1], SHUT_RDWR);

	if (is_sent && read_greeting(&talk)) {
		g_auto(GStrv) words = read_answer(&talk, "1");
		g_autoptr(GPtrArray) fields = words != NULL && strcmp(words[0], "USER") == 0
		                                      ? read_fields(words)
		                                      : NULL;
		if (fields != NULL)
			use_fields(conf, fields);
	}
	close_server();
	(void) close(ends[1]);
}

static void
fuzz_passwd_file(const Conf *base, const char *text, size_t len)
{
	int fd = memfd_create("fuzz", MFD_CLOEXEC);
	g_assert(fd >= 0 && fchmod(fd, 0600) == 0 && write(fd, text, len) == (ssize_t) len);

	Conf *conf = conf_copy(base);
	g_auto(Status) st = STATUS_INIT, unlisted = STATUS_INIT;
	g_autofree char *file = g_strdup_printf("/proc/self/fd/%d", fd);
	char *shared = conf->passwd_file;
	conf->passwd_file = file;
	g_autoptr(Account) account = account_find(conf, "ann@example.jp", &st);
	g_assert((account == NULL) == (st.id != STATUS_OK));
	if (account != NULL) {
		check_path(account->home);
		check_path(account->maildir);
		g_assert(account->uid != 0);
	}
	g_autoptr(GPtrArray) list = account_list(conf, &unlisted);
	g_assert(list != NULL || unlisted.id != STATUS_OK);

	conf->passwd_file = shared;
	conf_free(conf);
	(void) close(fd);
}

static void
fuzz_template(const Conf *conf, const char *text)
{
	g_auto(Status) st = STATUS_INIT, unknown = STATUS_INIT;
	bool is_known = path_template_check(text, "undh%", &unknown);
	g_autoptr(Account) account = account_begin(conf, "ann+x@example.jp", &st);
	g_assert(account != NULL);
	account->user = g_strdup("ann@example.jp");
	account->home = g_strdup("/home/ann");

	g_autofree char *path = account_expand(account, text, &st);
	g_assert((path == NULL) == (st.id != STATUS_OK));
	g_assert(path == NULL || is_known);
}

int
LLVMFuzzerTestOneInput(const guchar *data, size_t size)
{
	const Conf *conf = conf_default();
	if (size == 0)
		return 0;
	g_autofree char *text = g_strndup((const char *) data + 1, size - 1);

	if (data[0] == 'd')
		fuzz_userdb(conf, text, strlen(text));
	else if (data[0] == 'p')
		fuzz_passwd_file(conf, text, strlen(text));
	else
		fuzz_template(conf, text);
	return 0;
}
