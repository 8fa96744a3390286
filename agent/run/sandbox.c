/* SPDX-License-Identifier: MIT */
/* sandbox: paths, ports and calls, from settings. */
#define _GNU_SOURCE
#include "agent/run/sandbox.h"

#include "agent/base/box.h"
#include "agent/base/crash.h"
#include "agent/base/fs.h"
#include "agent/base/handover.h"
#include "agent/base/log.h"
#include "agent/base/module.h"
#include "agent/base/starter.h"
#include "agent/run/account-parts.h"
#include "agent/run/delivery-trace.h"
#include "agent/run/recipes.h"
#include "agent/state/outage.h"
#include "conf/conf-choices.h"
#include "conf/conf-connection.h"
#include "conf/conf-state.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>

enum { ALL = BOX_CAN_PATHS | BOX_CAN_PORTS | BOX_CAN_CALLS, PORT_OF_DNS = 53 };

/* A box that is being made. */
typedef struct {
	SandboxProcess process;
	const Conf *conf;
	const Account *account;    /* NULL: anybody's mail */
	const RecipeCall *recipes; /* of the door; NULL: those of the settings, if they run */
	bool runs_recipes;
	BoxPaths paths;
	unsigned also; /* BOX_CALLS_* */
	Status *st;
} Sandbox;

/* What was to be allowed, but was not there when the box of this process was closed. */
static GPtrArray *absent;

/* Does another file take the place of one that was allowed, while the process lives? */
static bool
lives_long(const Sandbox *box)
{
	return box->process == SANDBOX_OWNER || box->process == SANDBOX_WORKER;
}

static bool
is_below(const char *path, const char *folder)
{
	size_t len = strlen(folder);
	return strncmp(path, folder, len) == 0 && path[len] == '/';
}

/* Also below /etc, which may be read: there may be a link on the way that leads out. */
static void
allow(Sandbox *box, const char *path, unsigned rights)
{
	if (*path == '\0' || box_paths_allow(&box->paths, path, rights) || errno != ENOENT ||
	    !lives_long(box))
		return;
	if (absent == NULL)
		absent = g_ptr_array_new_with_free_func(g_free);
	g_ptr_array_add(absent, g_strdup(path));
}

/* The folder of a file of which another version may come, also where it is a link; or the file. */
static void
allow_file(Sandbox *box, const char *path, unsigned rights)
{
	if (path[0] != '/' || !lives_long(box)) {
		allow(box, path, rights);
		return;
	}

	g_autofree char *folder = g_path_get_dirname(path), *target = realpath(path, NULL);
	allow(box, folder, rights);
	if (target == NULL || strcmp(target, path) == 0)
		return;

	g_autofree char *beyond = g_path_get_dirname(target);
	allow(box, beyond, rights);
}

/* What a setting stands for; where it is anybody's mail, what is the same for all. Caller frees. */
static char *
expand(const Sandbox *box, const char *setting)
{
	g_auto(Status) fault = STATUS_INIT; /* whoever uses the setting says so */
	if (setting == NULL || *setting == '\0')
		return NULL;
	if (box->account != NULL)
		return account_expand(box->account, setting, &fault);
	return strchr(setting, '%') != NULL ? tree_of_template(setting) : g_strdup(setting);
}

static void
allow_read(Sandbox *box, const char *setting)
{
	g_autofree char *path = expand(box, setting);
	bool is_of_many = box->account == NULL && setting != NULL && strchr(setting, '%') != NULL;
	if (path == NULL || strchr(path, '/') == NULL) /* others are names in a mailbox */
		return;
	if (is_of_many)
		allow(box, path, BOX_READ);
	else
		allow_file(box, path, BOX_READ);
}

static void
allow_read_list(Sandbox *box, char *const *list)
{
	for (; list != NULL && *list != NULL; list++)
		allow_read(box, *list);
}

static void
allow_write(Sandbox *box, const char *setting)
{
	g_autofree char *path = expand(box, setting);
	if (path != NULL)
		allow(box, path, BOX_READ | BOX_WRITE);
}

/*
 * A folder that a delivery makes if it is missing. It is made now, as the delivery would: to allow
 * it later, all that is beside it would have to be allowed.
 */
static bool
allow_made(Sandbox *box, const char *path, mode_t mode, Status *st)
{
	const unsigned rights = BOX_READ | BOX_WRITE;
	auto_fd int fd = -1;
	if (path[0] != '/' || box_paths_allow(&box->paths, path, rights) || errno != ENOENT)
		return true;
	fs_set_umask((mode_t) box->conf->umask);
	if (!fs_make_dir(AT_FDCWD, path, mode, &fd, st))
		return false;
	(void) box_paths_allow(&box->paths, path, rights);
	return true;
}

/* One that mail can do without: the step that needs it tells. */
static void
allow_made_beside(Sandbox *box, const char *path)
{
	g_auto(Status) untold = STATUS_INIT;
	(void) allow_made(box, path, 0700, &untold);
}

/*
 * The INBOX. What keeps it from being made is told here: in a box without it the delivery would see
 * "permission denied". Where that is the reason, it is left to the delivery, which may not need the
 * INBOX at all.
 */
static void
allow_inbox(Sandbox *box, const char *path)
{
	g_auto(Status) fault = STATUS_INIT;
	if (allow_made(box, path, 0777, &fault) || fault.id == STATUS_NO_PERMISSION ||
	    fault.id == STATUS_READ_ONLY || box->st->id != STATUS_OK)
		return;
	*box->st = fault;
	fault = (Status) STATUS_INIT;
}

/* Where the state of all lies; it is made with the first of them. */
static void
allow_states(Sandbox *box)
{
	g_autofree char *path = expand(box, box->conf->state_folder);
	if (path != NULL)
		allow_made_beside(box, path);
}

/* "name=/path" */
static void
allow_lists(Sandbox *box)
{
	for (char **list = box->conf->sieve_lists; list != NULL && *list != NULL; list++) {
		const char *sign = strchr(*list, '=');
		if (sign != NULL)
			allow_read(box, sign + 1 + strspn(sign + 1, " "));
	}
}

/* Scripts that blocks `user` and `domain` name: any of their recipients may come. */
static void
allow_blocks(Sandbox *box)
{
	const GPtrArray *scopes = box->conf->scopes;
	for (guint i = 0; scopes != NULL && i < scopes->len; i++) {
		const ConfScope *scope = scopes->pdata[i];
		for (guint j = 0; j < scope->settings->len; j++) {
			const ConfScoped *setting = scope->settings->pdata[j];
			if (g_str_has_prefix(setting->row->name, "sieve_") ||
			    strcmp(setting->row->name, "shadow_script") == 0)
				allow_read_list(box, setting->values);
		}
	}
}

static void
allow_scripts(Sandbox *box)
{
	const Conf *conf = box->conf;
	const char *const single[] = { conf->sieve_default,  conf->shadow_script,
		                       conf->sieve_discard,  conf->owner_settings,
		                       conf->sieve_personal, conf->sieve_global,
		                       conf->metadata_file,  conf->texts };
	char *const *const lists[] = { conf->sieve_scripts, conf->sieve_before, conf->sieve_after };

	for (size_t i = 0; i < G_N_ELEMENTS(lists); i++)
		allow_read_list(box, lists[i]);
	for (size_t i = 0; i < G_N_ELEMENTS(single); i++)
		allow_read(box, single[i]);
	allow_lists(box);
	if (lives_long(box))
		allow_blocks(box);
}

/* Users who are named have the folder made. */
static void
allow_trace(Sandbox *box)
{
	g_autofree char *folder = expand(box, box->conf->trace_dir);
	if (folder == NULL)
		return;
	if (box->account != NULL && delivery_trace_is_named(box->conf, box->account))
		allow_made_beside(box, folder);
	else
		allow(box, folder, BOX_READ | BOX_WRITE);
}

/* The account that delivers makes it, if it can, and then it serves all mail of that account. */
static void
allow_own(Sandbox *box, const char *folder)
{
	const unsigned rights = BOX_READ | BOX_WRITE;
	if (*folder == '\0' || box_paths_allow(&box->paths, folder, rights) || errno != ENOENT)
		return;

	auto_fd int made = outage_open_folder(folder, true);
	if (made >= 0)
		(void) box_paths_allow(&box->paths, folder, rights);
}

/* Beside the mailbox: what was done, and what went wrong. */
static void
allow_records(Sandbox *box)
{
	const Conf *conf = box->conf;
	g_autofree char *record = expand(box, conf->record_file);
	g_autofree char *record_folder = record != NULL ? g_path_get_dirname(record) : NULL;

	if (record_folder != NULL)
		allow_made_beside(box, record_folder);
	if (conf->record && lives_long(box)) /* a command makes it outside of the box */
		allow_own(box, conf->early_record_folder);
	else
		allow_write(box, conf->early_record_folder);
	allow_own(box, conf->outage_folder);
	allow_trace(box);
	if (*conf->shadow_script != '\0')
		allow(box, "/dev/null", BOX_READ | BOX_WRITE | BOX_OF_FILE);
}

/* It may be a link that leads out of what is allowed already. */
static void
allow_state(Sandbox *box)
{
	const Account *account = box->account;
	g_auto(Status) untold = STATUS_INIT;
	g_autofree char *state = account_state_folder(account, box->conf, &untold);
	if (state == NULL)
		return;

	g_autofree char *parent = g_path_get_dirname(state);
	if (!is_below(state, account->maildir))
		allow_made_beside(box, state);
	else if (strcmp(parent, account->maildir) != 0 ||
	         g_file_test(state, G_FILE_TEST_IS_SYMLINK))
		allow(box, state, BOX_READ | BOX_WRITE);
}

/*
 * Nothing else of a home: what its owner's shell, mail server and others read there would be a way
 * out of the box.
 */
static void
allow_mailbox(Sandbox *box)
{
	const Account *account = box->account;

	if (account->returns_to != NULL)
		return; /* it is nobody's, and has no mailbox to make */
	allow_inbox(box, account->maildir);
	allow_state(box);
}

/* The trees of all mailboxes. */
static void
allow_trees(Sandbox *box)
{
	const Conf *conf = box->conf;
	allow_write(box, conf->maildir);
	allow_write(box, conf->home);
	allow_states(box);
}

static void
allow_tree_of_owner(Sandbox *box)
{
	const Account *account = box->account;
	const char *tree = account->tree.path != NULL ? account->tree.path : account->maildir;
	if (account->is_system && account->home != NULL) {
		allow_mailbox(box);
		return;
	}

	allow(box, tree, BOX_READ | BOX_WRITE);
	/* below may be a link that leads out; what is not there yet, the delivery makes */
	if (is_below(account->maildir, tree))
		allow(box, account->maildir, BOX_READ | BOX_WRITE);
	else if (account->returns_to == NULL)
		allow_inbox(box, account->maildir);

	box->account = NULL; /* others of this tree will come */
	allow_states(box);
	allow_write(box, box->conf->home);
}

/* Certificates and keys, wherever they are: libpq reads them when it connects. */
static void
allow_files_of_connection(Sandbox *box, const char *setting)
{
	static const char postgresql[] = "postgresql:";
	if (!g_str_has_prefix(setting, postgresql))
		return;

	g_autoptr(GPtrArray) files = conf_connection_files(setting + strlen(postgresql));
	for (guint i = 0; i < files->len; i++)
		allow_file(box, files->pdata[i], BOX_READ);
}

/* What looking users up takes, for whoever does it in the box. */
static void
allow_sources(Sandbox *box, const char *conf_path)
{
	const Conf *conf = box->conf;
	static const char sqlite[] = "sqlite:";

	allow(box, conf_path != NULL ? conf_path : conf_default_path(), BOX_READ);
	for (guint i = 1; conf->files != NULL && i < conf->files->len; i++)
		allow(box, conf->files->pdata[i], BOX_READ);
	allow_file(box, conf->passwd_file, BOX_READ);
	allow_file(box, conf->ldap_password_file, BOX_READ);
	allow(box, conf->tree_memory, BOX_READ | BOX_WRITE);
	if (g_str_has_prefix(conf->sql_database, sqlite))
		allow_file(box, conf->sql_database + strlen(sqlite), BOX_READ);
	allow_files_of_connection(box, conf->sql_database);
	if (box->account == NULL || box->account->is_system)
		allow(box, "/var/lib/sss", BOX_READ); /* caches of the system's accounts */
}

/* It tells todoke, which asks again, that the folder of all mailboxes is the one of before. */
static void
allow_tree_mark(Sandbox *box)
{
	if (box->account->tree.path == NULL)
		return;
	g_autofree char *mark = g_build_filename(box->account->tree.path, TREE_MARK, NULL);
	allow(box, mark, BOX_READ | BOX_OF_FILE);
}

/* todoke finds all it needs when it starts in the box of todoke-deliver. */
static void
allow_becoming_todoke(Sandbox *box, const char *conf_path)
{
	g_autofree char *program = handover_program();

	if (!is_below(program, "/usr"))
		allow(box, program, BOX_READ | BOX_EXECUTE | BOX_OF_FILE);
	allow(box, "/dev/null", BOX_READ | BOX_WRITE | BOX_OF_FILE);
	allow(box, box->conf->log_file, BOX_READ | BOX_WRITE | BOX_OF_FILE);
	allow_tree_mark(box);
	allow_sources(box, conf_path);
	box->also |= BOX_CALLS_EXEC | BOX_CALLS_UNIX;
}

/* Folders of our own parts that are not below /usr: of a build, or of an installation elsewhere. */
static void
allow_parts(Sandbox *box)
{
	static const struct {
		const char *variable;
		const char *usual;
	} folders[] = { { "TODOKE_MODULE_DIR", TODOKE_MODULE_DIR },
		        { "TODOKE_LOCALE_DIR", TODOKE_LOCALE_DIR } };

	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		const char *said = secure_getenv(folders[i].variable);
		const char *folder = said != NULL ? said : folders[i].usual;
		if (!is_below(folder, "/usr"))
			allow(box, folder, BOX_READ);
	}
}

static void
allow_system(Sandbox *box)
{
	/* the loader of programs is there as well */
	unsigned rights = box->process == SANDBOX_SMALL ? BOX_READ | BOX_EXECUTE : BOX_READ;

	(void) box_paths_allow_folder(&box->paths, "/etc", BOX_READ);
	(void) box_paths_allow_folder(&box->paths, "/usr", rights);
	/* below /usr, on most systems */
	if (box_paths_allow_folder(&box->paths, "/lib", rights))
		(void) box_paths_allow_folder(&box->paths, "/lib64", rights);
	allow_parts(box);
}

/* What looking up names of hosts takes. */
static void
allow_resolving(Sandbox *box)
{
	g_autofree char *names = realpath("/etc/resolv.conf", NULL);
	if (names != NULL && !is_below(names, "/etc") && !is_below(names, "/usr")) {
		g_autofree char *folder = g_path_get_dirname(names);
		allow(box, folder, BOX_READ);
	}
	box->also |= BOX_CALLS_RESOLVE;
	box_paths_allow_port(&box->paths, PORT_OF_DNS);
}

/* "HOST:PORT" of a peer: its port, and whether its name has to be looked up. */
static void
allow_peer(Sandbox *box, const char *peer)
{
	struct in6_addr address;
	const char *colon = strrchr(peer, ':');
	if (colon == NULL)
		return;

	bool is_literal = peer[0] == '[' && colon[-1] == ']';
	g_autofree char *host = is_literal ? g_strndup(peer + 1, (size_t) (colon - peer) - 2)
	                                   : g_strndup(peer, (size_t) (colon - peer));
	box->also |= BOX_CALLS_TCP;
	box_paths_allow_port(&box->paths, (unsigned) strtoul(colon + 1, NULL, 10));
	if (inet_pton(AF_INET, host, &address) == 1 || inet_pton(AF_INET6, host, &address) == 1)
		return;

	allow_resolving(box);
}

/* "smtp:HOST:PORT", "unix:/PATH" */
static void
allow_peers(Sandbox *box)
{
	const Conf *conf = box->conf;
	const char *const peers[] = {
		g_str_has_prefix(conf->submit, "smtp:") ? conf->submit + strlen("smtp:") : "",
		conf->quota == CONF_QUOTA_DOVECOT ? conf->quota_service : "",
	};
	for (size_t i = 0; i < G_N_ELEMENTS(peers); i++)
		if (g_str_has_prefix(peers[i], "unix:"))
			box->also |= BOX_CALLS_UNIX;
		else
			allow_peer(box, peers[i]);
}

/* Servers of users or of state, whose ports only their libraries know. */
static bool
asks_servers(SandboxProcess process, const Conf *conf)
{
	unsigned kind = account_kind_of_users(conf);
	bool looks_up = process == SANDBOX_WORKER && kind != CONF_USERS_VIRTUAL &&
	                kind != CONF_USERS_PASSWD_FILE;
	return process != SANDBOX_FRONT && (looks_up || strcmp(conf->state, "sqlite") != 0);
}

static void
allow_recipes_of_door(Sandbox *box)
{
	g_auto(Status) fault = STATUS_INIT; /* whoever reads them says so */
	for (const char *const *file = box->recipes != NULL ? box->recipes->files : NULL;
	     file != NULL && *file != NULL; file++) {
		const char *const one[] = { *file, NULL };
		const RecipeCall call = { .files = one };
		g_autofree char *path = recipes_find(box->conf, box->account, &call, &fault);
		if (path != NULL)
			allow_file(box, path, BOX_READ);
	}
}

/*
 * Recipes file wherever the owner may, and have always done so: that is narrowed only where the
 * site asks for the whole box. Then it is what recipes commonly use.
 */
static void
allow_recipes(Sandbox *box)
{
	static const char *const common[] = { "/var/mail", "/var/spool/mail" };
	const Conf *conf = box->conf;
	const unsigned rights = BOX_READ | BOX_WRITE;
	if (conf->sandbox != CONF_SANDBOX_ON) {
		allow(box, "/", rights);
		return;
	}

	for (size_t i = 0; i < G_N_ELEMENTS(common); i++)
		allow(box, common[i], rights);
	allow(box, "/dev/null", rights | BOX_OF_FILE);
	if (box->account != NULL && box->account->home != NULL)
		allow(box, box->account->home, rights);
	g_autofree char *usual = expand(box, conf->recipe_default);
	g_autofree char *folder = usual != NULL ? g_path_get_dirname(usual) : NULL;
	if (folder != NULL)
		allow(box, folder, rights); /* its lock file lies beside it */
	allow_read(box, conf->recipe_site);
	allow_read_list(box, conf->recipe_files);
	if (box->account != NULL)
		allow_recipes_of_door(box);
}

static void
allow_state_server(Sandbox *box)
{
	const Conf *conf = box->conf;
	if (!conf_state_is_shared(conf->state))
		return;

	allow(box, conf->state_password_file, BOX_READ);
	allow(box, conf->state_tls_ca_file, BOX_READ);
	allow(box, conf->state_tls_certificate_file, BOX_READ);
	allow_files_of_connection(box, conf->state);
}

static void
allow_delivery(Sandbox *box, const char *conf_path)
{
	allow_system(box);
	if (box->process == SANDBOX_WORKER) {
		allow_trees(box);
		allow_sources(box, conf_path);
	} else if (box->process == SANDBOX_OWNER) {
		allow_tree_of_owner(box);
	} else {
		allow_mailbox(box);
	}

	allow_scripts(box);
	if (box->runs_recipes)
		allow_recipes(box);
	allow_records(box);
	allow(box, box->conf->key_file, BOX_READ);
	allow_state_server(box);
	for (char **path = box->conf->sandbox_paths; path != NULL && *path != NULL; path++)
		allow_write(box, *path);
	if (box->process == SANDBOX_SMALL)
		allow_becoming_todoke(box, conf_path);
	if (box->process == SANDBOX_WORKER && *box->conf->lmtp_spool == '/')
		allow(box, box->conf->lmtp_spool, BOX_READ | BOX_WRITE);
	allow_peers(box);
}

/*
 * Where the source of users says where each mailbox lies, a process that delivers for all of them
 * cannot know the paths beforehand.
 */
static bool
knows_paths(SandboxProcess process, const Conf *conf)
{
	bool is_said = process != SANDBOX_WORKER || *conf->sandbox_paths != NULL;
	return is_said || (account_kind_of_users(conf) == CONF_USERS_VIRTUAL &&
	                   account_tree_template(conf) != NULL);
}

/*
 * A file that is read could not be opened for want of memory or descriptors, or by a fault of the
 * disk, and in the box it would seem to be forbidden. Whoever reads it meets the fault itself, and
 * knows what it means for the mail. A process that lives on tries again; a disk may have that fault
 * for ever, and then it does without the file.
 */
static bool
go_without_paths(Sandbox *box)
{
	int fault = box->paths.read_fault;
	bool must_be_closed = lives_long(box) || box->conf->sandbox == CONF_SANDBOX_ON;
	if (must_be_closed && box_is_of_disk(fault))
		return box_paths_close(&box->paths);

	box_paths_drop(&box->paths);
	if (!must_be_closed)
		return true;

	errno = fault;
	return false;
}

static bool
fence(Sandbox *box, unsigned can, const char *conf_path)
{
	bool is_open = asks_servers(box->process, box->conf);
	if (is_open) {
		can &= ~(unsigned) BOX_CAN_PORTS;
		box->also |= BOX_CALLS_TCP | BOX_CALLS_UNIX;
	}
	if (!box_paths_begin(&box->paths, can, false))
		return false;

	if (is_open)
		allow_resolving(box);
	if (box->process != SANDBOX_FRONT)
		allow_delivery(box, conf_path);
	else
		allow(box, box->conf->lmtp_spool, BOX_READ | BOX_WRITE);
	if (box->st->id == STATUS_OK && box->paths.read_fault != 0)
		return go_without_paths(box);
	if (box->st->id != STATUS_OK)
		box_paths_drop(&box->paths);
	return box->st->id == STATUS_OK && box_paths_close(&box->paths);
}

/* False: errno. */
static bool
enter(Sandbox *box, unsigned can, const char *conf_path)
{
	BoxCallsList list = box->process == SANDBOX_FRONT ? BOX_CALLS_FRONT : BOX_CALLS_DELIVERY;

	if ((can & BOX_CAN_PATHS) != 0 && knows_paths(box->process, box->conf)) {
		if (!fence(box, can, conf_path))
			return false;
	} else {
		box->also = BOX_CALLS_TCP | BOX_CALLS_UNIX | BOX_CALLS_RESOLVE;
		box->also |= box->process == SANDBOX_SMALL ? BOX_CALLS_EXEC : 0;
	}

	return (can & BOX_CAN_CALLS) == 0 || box_calls_load(list, box->also);
}

/* Whose mail a process meets that is kept: that of accounts of the system, or of virtual users? */
static bool
is_of_system(const SandboxCall *call)
{
	return call->account != NULL ? call->account->is_system
	                             : account_kind_of_users(call->conf) == CONF_USERS_SYSTEM;
}

/* Does a block let recipes run, for one of those whose mail comes? */
static bool
is_let_by_block(const SandboxCall *call)
{
	const GPtrArray *scopes = call->conf->scopes;
	for (guint i = 0; scopes != NULL && i < scopes->len; i++) {
		const ConfScope *scope = scopes->pdata[i];
		for (guint j = 0; j < scope->settings->len; j++) {
			const ConfScoped *setting = scope->settings->pdata[j];
			if (strcmp(setting->row->name, "recipes") == 0 &&
			    (strcmp(setting->values[0], "all") == 0 ||
			     (strcmp(setting->values[0], "yes") == 0 && is_of_system(call))))
				return true;
		}
	}

	return false;
}

/* May recipes run in this process? One that lives on meets those that are written later, too. */
static bool
runs_recipes(const SandboxCall *call)
{
	const Conf *conf = call->conf;
	g_auto(Status) fault = STATUS_INIT;
	if (call->recipes != NULL)
		return true;

	bool is_one = call->account != NULL && call->account->is_system;
	bool is_kept = call->process == SANDBOX_OWNER || call->process == SANDBOX_WORKER;
	if (is_kept)
		return conf->recipes == CONF_RECIPES_ALL ||
		       (conf->recipes == CONF_RECIPES_YES && is_of_system(call)) ||
		       (!is_one && is_let_by_block(call));

	g_autofree char *recipes = recipes_find(conf, call->account, NULL, &fault);
	return recipes != NULL;
}

/* The program of submit; NULL: mail leaves by a socket. Borrowed. */
static const char *
sendmail_of(const Conf *conf)
{
	static const char scheme[] = "sendmail:";
	return g_str_has_prefix(conf->submit, scheme) ? conf->submit + strlen(scheme) : NULL;
}

static bool
has_cage(const Conf *conf)
{
	return conf->sieve_engine == CONF_SIEVE_ENGINE_LIBSIEVE || *conf->sieve_engine_of != NULL;
}

/* Programs that the settings let rules run; NULL: none. Caller frees. */
static char *
describe_programs(const Conf *conf, bool has_recipes)
{
	GString *text = g_string_new(NULL);
	const struct {
		bool is_set;
		const char *setting;
	} rows[] = {
		{ sendmail_of(conf) != NULL, "submit" },
		{ *conf->program_folder != '\0', "program_folder" },
		{ has_cage(conf), "sieve_engine" },
		{ has_recipes, "recipes" },
	};

	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++)
		if (rows[i].is_set)
			g_string_append_printf(text, "%s%s", text->len > 0 ? ", " : "",
			                       rows[i].setting);
	return g_string_free(text, text->len == 0);
}

/* What the site lets rules run is started outside of the box, and nothing else is. */
static bool
leave_starter(const Conf *conf, bool has_recipes, Status *st)
{
	/* behind the deadline, at which the delivery ends the program itself */
	enum { GRACE = 10 };
	g_autofree char *cage = has_cage(conf) ? module_program_path("todoke-libsieve") : NULL;
	const StarterPolicy policy = {
		.folder = *conf->program_folder != '\0' ? conf->program_folder : NULL,
		.sendmail = sendmail_of(conf),
		.cage = cage,
		.any = has_recipes,
		.seconds = (unsigned) conf->deadline + GRACE,
	};
	bool starts_some = policy.folder != NULL || policy.sendmail != NULL || cage != NULL ||
	                   has_recipes;

	/* todoke-deliver has left one before it became todoke */
	return !starts_some || starter_is_there() || starter_fork(&policy) ||
	       status_fail_errno(st, errno, "cannot start a process for programs");
}

static bool
fail_unable(unsigned can, Status *st)
{
	return status_fail_detail(st, STATUS_CONFIG, "sandbox = on: this kernel lacks %s%s",
	                          (can & BOX_CAN_PATHS) == 0 ? "Landlock" : "",
	                          (can & BOX_CAN_CALLS) != 0   ? ""
	                          : (can & BOX_CAN_PATHS) == 0 ? " and filters of system calls"
	                                                       : "filters of system calls");
}

/* A whole box needs more than the kernel: paths that are known. */
static bool
check_paths_known(SandboxProcess process, const Conf *conf, Status *st)
{
	return conf->sandbox != CONF_SANDBOX_ON || knows_paths(process, conf) ||
	       status_fail_detail(st, STATUS_CONFIG,
	                          "sandbox = on: the source of users says where each mailbox lies, "
	                          "so name their folders in sandbox_paths");
}

/*
 * Where the kernel does not keep what it promised, deliveries go on as on a kernel that promised
 * nothing, unless the site wants the box whatever it costs. False: errno.
 */
static bool
enter_or_do_without(Sandbox *box, unsigned can, const char *conf_path)
{
	if (enter(box, can, conf_path))
		return true;
	if (!box_is_refusal(errno) || box->st->id != STATUS_OK)
		return false;
	if (box->conf->sandbox == CONF_SANDBOX_ON)
		return status_fail_detail(box->st, STATUS_CONFIG,
		                          "sandbox = on: the kernel refuses the box: %s",
		                          g_strerror(errno));

	/* else it was the calls, and the paths may be in force */
	box->also = 0;
	return enter(box, can & ~(unsigned) BOX_CAN_PATHS, conf_path) || box_is_refusal(errno);
}

/* Is this process in its box, and was it too small? */
static bool entered, outgrown;

void
sandbox_note_fault(const Status *fault)
{
	outgrown = outgrown || (entered && fault->id == STATUS_NO_PERMISSION);
}

bool
sandbox_hides(const Status *fault)
{
	if (!entered || absent == NULL || fault->id != STATUS_NO_PERMISSION ||
	    fault->detail == NULL)
		return false;

	for (guint i = 0; i < absent->len; i++) {
		const char *path = absent->pdata[i], *found = strstr(fault->detail, path);
		if (found != NULL && strchr("/'", found[strlen(path)]) != NULL) {
			outgrown = true;
			return true;
		}
	}
	return false;
}

bool
sandbox_is_outgrown(void)
{
	return outgrown;
}

bool
sandbox_enter(const SandboxCall *call, Status *st)
{
	const Conf *conf = call->conf;
	if (conf->sandbox == CONF_SANDBOX_OFF || entered)
		return true;

	unsigned can = box_can(), needed = BOX_CAN_PATHS | BOX_CAN_CALLS;
	if (conf->sandbox == CONF_SANDBOX_ON && (can & needed) != needed)
		return fail_unable(can, st);
	if (!check_paths_known(call->process, conf, st))
		return false;
	if (can == 0)
		return true;

	bool starts_none = call->process == SANDBOX_FRONT;
	Sandbox box = { .process = call->process,
		        .conf = conf,
		        .account = call->account,
		        .recipes = call->recipes,
		        .runs_recipes = !starts_none && runs_recipes(call),
		        .st = st };
	if (!starts_none && !leave_starter(conf, box.runs_recipes, st))
		return false;

	log_connect();
	crash_catch_refused(call->queue_id);
	entered = prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 &&
	          enter_or_do_without(&box, can, call->conf_path);
	return entered || status_fail_errno(st, errno, "cannot enter the box");
}

/* Is the target the place that this setting names (NULL: none), or below it? */
static bool
is_within(const char *target, const char *place)
{
	g_autofree char *real = place != NULL ? realpath(place, NULL) : NULL;
	return real != NULL && (strcmp(target, real) == 0 || is_below(target, real));
}

char *
sandbox_leads_out(const Conf *conf, const Account *account, const char *path)
{
	g_auto(Status) unknown = STATUS_INIT;
	const SandboxCall call = { .process = SANDBOX_DELIVERY, .conf = conf, .account = account };
	bool files_anywhere = conf->sandbox == CONF_SANDBOX_AUTO && runs_recipes(&call);
	if (conf->sandbox == CONF_SANDBOX_OFF || (box_can() & BOX_CAN_PATHS) == 0 || files_anywhere)
		return NULL;

	g_autofree char *target = realpath(path, NULL),
			*state = account_state_folder(account, conf, &unknown);
	bool is_inside = target == NULL || !g_file_test(target, G_FILE_TEST_IS_DIR) ||
	                 is_within(target, account->maildir) || is_within(target, state);

	for (char **one = conf->sandbox_paths; !is_inside && one != NULL && *one != NULL; one++) {
		g_autofree char *allowed = account_expand(account, *one, &unknown);
		is_inside = is_within(target, allowed);
	}
	return is_inside ? NULL : g_steal_pointer(&target);
}

static const char *
name_parts(unsigned parts)
{
	switch (parts) {
	case ALL:
		return "paths, ports, calls";
	case BOX_CAN_PATHS | BOX_CAN_CALLS:
		return "paths, calls";
	case BOX_CAN_PATHS | BOX_CAN_PORTS:
		return "paths, ports";
	case BOX_CAN_PATHS:
		return "paths";
	case BOX_CAN_CALLS:
		return "calls";
	default:
		return "nothing";
	}
}

const char *
sandbox_describe_kernel(void)
{
	return name_parts(box_can());
}

char *
sandbox_describe(const Conf *conf, SandboxProcess process, bool *ret_is_whole)
{
	const SandboxCall call = { .process = SANDBOX_WORKER, .conf = conf };
	bool is_off = conf->sandbox == CONF_SANDBOX_OFF, has_recipes = runs_recipes(&call);
	bool is_narrow = conf->sandbox == CONF_SANDBOX_ON || !has_recipes;
	unsigned can = box_can(), wanted = ALL;
	if (asks_servers(process, conf))
		wanted &= ~(unsigned) BOX_CAN_PORTS;
	if (!knows_paths(process, conf)) /* and without paths no ports */
		can &= BOX_CAN_CALLS;
	const char *parts = name_parts(can & wanted);

	*ret_is_whole = !is_off && is_narrow && (can & wanted) == wanted;
	if (is_off)
		return g_strdup("off");
	g_autofree char *programs = box_can() != 0 ? describe_programs(conf, has_recipes) : NULL;
	if (programs == NULL)
		return g_strdup(parts);
	return g_strdup_printf("%s; programs start outside (%s)%s", parts, programs,
	                       is_narrow ? "" : "; all paths where recipes run");
}
