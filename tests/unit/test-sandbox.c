/* SPDX-License-Identifier: MIT */
/* What the box of each process lets through, setting by setting. */
#define _GNU_SOURCE
#include "agent/run/sandbox.h"

#include "agent/base/box.h"
#include "tests/lib/delivery-world.h"
#include "tests/lib/scratch.h"
#include "tests/unit/unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/*
 * Below the folder: the mailboxes of ann and bob, and for what settings name a folder a with the
 * files f and g (its neighbour).
 */
static const char *const folders[] = { "mail/ann/new", "mail/ann/sub",    "mail/bob/new",
	                               "a/sub",        "home/ann/.local", "home/bob" };
static const char *const files[] = { "a/f", "a/g", "a/sub/f", "home/ann/f", "mail/f" };

enum { NO_PORT = 0, DNS_PORT = 53, PORT = 19999, OTHER_PORT = 19998 };

/* "rw", "r" or "-": what this process may do with a path. */
static const char *
rights_of(const char *path)
{
	g_autofree char *made = g_build_filename(path, "made-in-box", NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool reads = fd >= 0;
	if (reads)
		(void) close(fd);

	bool is_folder = g_file_test(path, G_FILE_TEST_IS_DIR);
	fd = is_folder ? open(made, O_WRONLY | O_CREAT | O_CLOEXEC, 0600)
	               : open(path, O_WRONLY | O_CLOEXEC);
	bool writes = fd >= 0;
	if (writes)
		(void) close(fd);
	if (writes && is_folder)
		(void) unlink(made);
	return writes ? reads ? "rw" : "w" : reads ? "r" : "-";
}

/* Nobody listens: what the box lets through is refused by the other side. */
static bool
reaches(unsigned port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons((uint16_t) port) };
	address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return false;
	bool was_let = connect(fd, (const struct sockaddr *) &address, sizeof address) == 0 ||
	               errno == ECONNREFUSED;
	(void) close(fd);
	return was_let;
}

/*
 * In a process of its own, which enters the box: the rights for each path below `dir` (NULL ends
 * them), or absolute, with blanks between; with a port whether it is reached. Caller frees.
 */
static char *
look_in_box(const SandboxCall *call, const char *dir, const char *const *paths, unsigned port)
{
	int ends[2];
	assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
	pid_t child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		g_auto(Status) st = STATUS_INIT;
		g_autoptr(GString) said = g_string_new(NULL);
		(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (!sandbox_enter(call, &st))
			g_string_printf(said, "%s: %s", status_row(st.id)->name, st.detail);
		for (size_t i = 0; st.id == STATUS_OK && paths[i] != NULL; i++) {
			g_autofree char *path = paths[i][0] == '/'
			                                ? g_strdup(paths[i])
			                                : g_build_filename(dir, paths[i], NULL);
			g_string_append_printf(said, "%s%s", i > 0 ? " " : "", rights_of(path));
		}
		if (port != NO_PORT)
			g_string_append_printf(said, " %s", reaches(port) ? "reached" : "closed");
		(void) !write(ends[1], said->str, said->len);
		_exit(0);
	}

	(void) close(ends[1]);
	char said[4096];
	ssize_t len = read(ends[0], said, sizeof said - 1);
	(void) close(ends[0]);
	(void) waitpid(child, NULL, 0);
	return g_strndup(said, (gsize) MAX(len, 0));
}

static void
make_world(DeliveryWorld *world, const char *settings)
{
	g_autofree char *all = g_strconcat("sandbox = auto\nsieve_scripts = @/none/f\n", settings,
	                                   NULL);
	delivery_world_init(world, NULL, NULL);
	for (size_t i = 0; i < G_N_ELEMENTS(folders); i++) {
		g_autofree char *path = g_build_filename(world->dir, folders[i], NULL);
		assert_int_equal(g_mkdir_with_parents(path, 0755), 0);
	}
	for (size_t i = 0; i < G_N_ELEMENTS(files); i++)
		scratch_write(world->dir, files[i], "");
	delivery_world_set(world, all);
}

/* The account of a process: ann, virtual or of the system; NULL: anybody. */
typedef enum { NOBODY, VIRTUAL, SYSTEM } Whose;

static Account *
make_account(const DeliveryWorld *world, Whose whose)
{
	g_auto(Status) st = STATUS_INIT;
	Account *account = account_find(world->site->conf, "ann@here.test", &st);
	assert_non_null(account);
	if (whose == SYSTEM) {
		account->is_system = true;
		g_free(account->home);
		account->home = g_build_filename(world->dir, "home/ann", NULL);
	}
	return account;
}

typedef struct {
	SandboxProcess process;
	Whose whose;
	const char *settings;
	const char *paths[6];
	const char *want;
} Row;

static const Row rows[] = {
	/* One delivery: the mailbox of its owner, nothing beside it. */
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "",
	  { "mail/ann", "mail/ann/sub", "mail/bob", "mail/f", "a/f" },
	  "rw rw - - -" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "",
	  { "/etc/passwd", "/usr/bin", "/var/lib", "/" },
	  "r r - -" },
	{ SANDBOX_SMALL, VIRTUAL, "", { "mail/ann", "mail/bob", "a/f" }, "rw - -" },
	{ SANDBOX_DELIVERY,
	  SYSTEM,
	  "",
	  { "mail/ann", "home/ann", "home/bob", "mail/bob", "home/ann/.local/state/todoke" },
	  "rw - - - rw" },
	{ SANDBOX_WORKER, NOBODY, "", { "mail/ann", "mail/bob", "a/f", "home/ann" }, "rw rw - -" },
	{ SANDBOX_WORKER,
	  NOBODY,
	  "home = @/home/%n\n",
	  { "mail/bob", "home/bob", "a/f" },
	  "rw rw -" },
	{ SANDBOX_FRONT,
	  NOBODY,
	  "lmtp_spool = @/a\n",
	  { "a", "mail/ann", "/etc/passwd" },
	  "rw - -" },
	{ SANDBOX_WORKER, NOBODY, "lmtp_spool = @/a\n", { "a", "mail/ann" }, "rw rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "lmtp_spool = @/a\n", { "a" }, "-" },
	{ SANDBOX_OWNER, VIRTUAL, "", { "mail/ann", "a/f" }, "rw -" },
	{ SANDBOX_OWNER,
	  SYSTEM,
	  "",
	  { "mail/ann", "home/ann", "home/bob", "mail/bob", "home/ann/.local/state/todoke" },
	  "rw - - - rw" },

/* Scripts: the file alone; a process that lives on has the folder, as files are replaced. */
#define SCRIPT(setting) \
	{ SANDBOX_DELIVERY, VIRTUAL, setting, { "a/f", "a/g", "a" }, "r - -" }, \
		{ SANDBOX_WORKER, NOBODY, setting, { "a/f", "a/g", "a" }, "r r r" }, \
	{ \
		SANDBOX_OWNER, VIRTUAL, setting, { "a/f", "a/g", "mail/ann" }, "r r rw" \
	}
	SCRIPT("sieve_scripts = @/a/f\n"),
	SCRIPT("sieve_before = { \"@/mail/x\", \"@/a/f\" }\n"),
	SCRIPT("sieve_after = @/a/f\n"),
	SCRIPT("sieve_default = @/a/f\n"),
	SCRIPT("sieve_discard = @/a/f\n"),
	SCRIPT("shadow_script = @/a/f\n"),
	SCRIPT("owner_settings = @/a/f\n"),
	SCRIPT("metadata_file = @/a/f\n"),
	SCRIPT("texts = @/a/f\n"),
	SCRIPT("sieve_lists = \"n= @/a/f\"\n"),
	{ SANDBOX_DELIVERY, VIRTUAL, "sieve_personal = @/a\n", { "a/f", "a" }, "r r" },
	{ SANDBOX_DELIVERY, VIRTUAL, "sieve_global = @/a/sub\n", { "a/sub/f", "a/f" }, "r -" },
	{ SANDBOX_DELIVERY, VIRTUAL, "sieve_scripts = @/%d/f\n", { "a/f" }, "-" },
	{ SANDBOX_WORKER,
	  NOBODY,
	  "sieve_scripts = @/a/%n/f\n",
	  { "a/sub/f", "a/f", "mail/ann" },
	  "r r rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "key_file = @/a/f\n", { "a/f", "a/g" }, "r -" },
	/* Of blocks: any of their recipients may come to a process that lives on. */
	{ SANDBOX_WORKER, NOBODY, "user \"bob@*\" { sieve_before = @/a/f }\n", { "a/f" }, "r" },
	{ SANDBOX_WORKER, NOBODY, "user \"bob@*\" { shadow_script = @/a/f }\n", { "a/f" }, "r" },
	{ SANDBOX_WORKER,
	  NOBODY,
	  "user \"bob@*\" { detail_folder = create sieve_after = @/a/f }\n",
	  { "a/f" },
	  "r" },
	{ SANDBOX_WORKER, NOBODY, "user \"bob@*\" { recipe_files = @/a/f }\n", { "a/f" }, "-" },
	{ SANDBOX_DELIVERY, VIRTUAL, "user \"bob@*\" { sieve_before = @/a/f }\n", { "a/f" }, "-" },

	/* What is written beside the mailbox. */
	{ SANDBOX_DELIVERY, VIRTUAL, "state_folder = @/a\n", { "a", "mail/ann" }, "rw rw" },
	{ SANDBOX_WORKER, NOBODY, "state_folder = @/a/%n\n", { "a/sub" }, "rw" },
	{ SANDBOX_OWNER, VIRTUAL, "state_folder = @/a/%n\n", { "a/sub" }, "rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "record_file = @/a/f\n", { "a/f", "a" }, "rw rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "early_record_folder = @/a\n", { "a" }, "rw" },
	{ SANDBOX_WORKER, NOBODY, "early_record_folder = @/a\n", { "a" }, "rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "outage_folder = @/a\n", { "a" }, "rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "trace_dir = @/a\n", { "a" }, "rw" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "sandbox_paths = { \"@/a/sub\", \"@/home/%n\" }\n",
	  { "a/sub", "a/f", "home/ann", "home/bob" },
	  "rw - rw -" },
	{ SANDBOX_WORKER,
	  NOBODY,
	  "sandbox_paths = @/home/%n\n",
	  { "home/ann", "home/bob" },
	  "rw rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "", { "/dev/null" }, "-" },
	{ SANDBOX_DELIVERY, VIRTUAL, "shadow_script = @/a/f\n", { "/dev/null" }, "rw" },

/* Where users and the state are looked up: for those that do it in the box. */
#define SOURCE(setting) \
	{ SANDBOX_DELIVERY, VIRTUAL, setting, { "a/f" }, "-" }, \
		{ SANDBOX_SMALL, VIRTUAL, setting, { "a/f", "a/g" }, "r -" }, \
	{ \
		SANDBOX_WORKER, NOBODY, setting, { "a/f", "a/g" }, "r r" \
	}
	SOURCE("passwd_file = @/a/f\n"),
	SOURCE("ldap_password_file = @/a/f\n"),
	SOURCE("sql_database = sqlite:@/a/f\n"),
	SOURCE("sql_database = \"postgresql:host=x sslrootcert=@/a/f\"\n"),
	{ SANDBOX_SMALL, VIRTUAL, "tree_memory = @/a\n", { "a" }, "rw" },
	{ SANDBOX_WORKER, NOBODY, "tree_memory = @/a\n", { "a" }, "rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "tree_memory = @/a\n", { "a" }, "-" },
	{ SANDBOX_SMALL, VIRTUAL, "", { "log", "/dev/null" }, "rw rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "", { "log" }, "-" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "state = redis://127.0.0.1:6379/0\nstate_password_file = @/a/f\n",
	  { "a/f", "a/g" },
	  "r -" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "state = rediss://x.test:6379/0\nstate_tls_ca_file = @/a/f\n",
	  { "a/f", "a/g" },
	  "r -" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "state = rediss://x.test:6379/0\nstate_tls_certificate_file = @/a/f\n",
	  { "a/f", "a/g" },
	  "r -" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "state = \"postgresql:host=x sslkey=@/a/f\"\n",
	  { "a/f", "a/g" },
	  "r -" },
	{ SANDBOX_DELIVERY, VIRTUAL, "state_password_file = @/a/f\n", { "a/f" }, "-" },

	/* Recipes file where the owner may, unless the whole box is wanted. */
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "recipes = all\nrecipe_files = @/a/f\n",
	  { "a/f", "a/g", "home/bob" },
	  "rw rw rw" },
	{ SANDBOX_DELIVERY, VIRTUAL, "recipes = all\nrecipe_files = @/a/none\n", { "a/f" }, "-" },
	{ SANDBOX_DELIVERY, VIRTUAL, "recipes = yes\nrecipe_files = @/a/f\n", { "a/f" }, "-" },
	{ SANDBOX_DELIVERY, SYSTEM, "recipes = yes\nrecipe_files = @/a/f\n", { "a/f" }, "rw" },
	{ SANDBOX_WORKER, NOBODY, "recipes = all\n", { "a/f" }, "rw" },
	{ SANDBOX_WORKER, NOBODY, "recipes = yes\n", { "a/f" }, "-" },
	{ SANDBOX_OWNER, SYSTEM, "recipes = yes\n", { "a/f" }, "rw" },
	{ SANDBOX_WORKER, NOBODY, "user \"bob@*\" { recipes = all }\n", { "a/f" }, "rw" },
	{ SANDBOX_WORKER, NOBODY, "user \"bob@*\" { recipes = yes }\n", { "a/f" }, "-" },
	{ SANDBOX_WORKER,
	  NOBODY,
	  "users = system\nsandbox_paths = @/home\nuser \"bob@*\" { recipes = yes }\n",
	  { "a/f" },
	  "rw" },
	{ SANDBOX_WORKER,
	  NOBODY,
	  "users = system\nsandbox_paths = @/home\nuser \"bob@*\" { recipes = no }\n",
	  { "a/f", "home/bob" },
	  "- rw" },
	{ SANDBOX_WORKER,
	  NOBODY,
	  "user \"bob@*\" { detail_folder = create recipes = no }\n",
	  { "a/f" },
	  "-" },
	{ SANDBOX_FRONT, NOBODY, "recipes = all\nlmtp_spool = @/mail\n", { "a/f" }, "-" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "sandbox = on\nrecipes = all\nrecipe_files = @/a/f\n",
	  { "a/f", "a/g", "mail/ann", "home/bob", "/dev/null" },
	  "r - rw - rw" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "sandbox = on\nrecipes = all\nrecipe_files = @/a/f\nrecipe_site = @/a/g\n",
	  { "a/f", "a/g", "a/sub/f" },
	  "r r -" },
	{ SANDBOX_DELIVERY,
	  VIRTUAL,
	  "sandbox = on\nrecipes = all\nrecipe_files = @/a/f\nrecipe_default = @/a/sub/%n\n",
	  { "a/f", "a/g", "a/sub" },
	  "r - rw" },
	{ SANDBOX_DELIVERY,
	  SYSTEM,
	  "sandbox = on\nrecipes = yes\nrecipe_files = @/a/f\n",
	  { "home/ann", "home/bob" },
	  "rw -" },
};

static void
skip_without_box(void)
{
	if ((box_can() & BOX_CAN_PATHS) == 0 || (box_can() & BOX_CAN_CALLS) == 0)
		skip();
}

static void
test_paths(void **state)
{
	(void) state;
	skip_without_box();
	for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
		const Row *row = &rows[i];
		DeliveryWorld world;
		make_world(&world, row->settings);
		scratch_write(world.dir, "log", "");
		g_autoptr(Account) account = row->whose != NOBODY ? make_account(&world, row->whose)
		                                                  : NULL;
		const SandboxCall call = { .process = row->process,
			                   .conf = world.site->conf,
			                   .account = account };
		g_autofree char *got = look_in_box(&call, world.dir, row->paths, NO_PORT);
		if (strcmp(got, row->want) != 0)
			fail_msg("row %zu, %s of %d: %s, not %s", i, row->settings,
			         (int) row->process, got, row->want);
		delivery_world_clear(&world);
	}
}

/* Recipes that the door names may be read in the whole box, though the settings run none. */
static void
test_recipes_of_the_door(void **state)
{
	(void) state;
	skip_without_box();
	static const char *const named[] = { "none", "f", NULL };
	const char *const paths[] = { "home/ann/f", "a/f", "home/bob", NULL };
	DeliveryWorld world;
	make_world(&world, "sandbox = on\n");
	g_autoptr(Account) account = make_account(&world, VIRTUAL);
	g_free(account->home);
	account->home = g_build_filename(world.dir, "home/ann", NULL);
	const RecipeCall recipes = { .files = named };
	const SandboxCall call = { .process = SANDBOX_DELIVERY,
		                   .conf = world.site->conf,
		                   .account = account,
		                   .recipes = &recipes };
	g_autofree char *got = look_in_box(&call, world.dir, paths, NO_PORT);
	assert_string_equal(got, "rw - -");

	/* A file beside the home, by its whole path. */
	g_autofree char *whole = g_build_filename(world.dir, "a/f", NULL);
	const char *const by_path[] = { whole, NULL };
	const RecipeCall other = { .files = by_path };
	const SandboxCall with_path = { .process = SANDBOX_DELIVERY,
		                        .conf = world.site->conf,
		                        .account = account,
		                        .recipes = &other };
	g_autofree char *found = look_in_box(&with_path, world.dir, paths, NO_PORT);
	assert_string_equal(found, "rw r -");
	delivery_world_clear(&world);
}

/* Of all processes the small one alone starts a program: todoke, and so what the loader is. */
static void
test_programs(void **state)
{
	(void) state;
	skip_without_box();
	static const struct {
		SandboxProcess process;
		const char *kernel;
		bool is_started;
	} processes[] = { { SANDBOX_DELIVERY, "no-seccomp", false },
		          { SANDBOX_SMALL, "no-seccomp", true },
		          { SANDBOX_SMALL, "no-landlock", true },
		          { SANDBOX_SMALL, "", true } };
	for (size_t i = 0; i < G_N_ELEMENTS(processes); i++) {
		DeliveryWorld world;
		make_world(&world, "");
		g_autoptr(Account) account = make_account(&world, VIRTUAL);
		const SandboxCall call = { .process = processes[i].process,
			                   .conf = world.site->conf,
			                   .account = account };
		(void) g_setenv("TODOKE_TEST_KERNEL", processes[i].kernel, TRUE);
		pid_t child = fork();
		assert_true(child >= 0);
		if (child == 0) {
			g_auto(Status) st = STATUS_INIT;
			static char name[] = "true";
			char *const argv[] = { name, NULL };
			if (sandbox_enter(&call, &st))
				(void) execv("/usr/bin/true", argv);
			_exit(errno == EACCES ? 77 : 78);
		}
		g_unsetenv("TODOKE_TEST_KERNEL");
		int status;
		assert_int_equal(waitpid(child, &status, 0), child);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), processes[i].is_started ? 0 : 77);
		delivery_world_clear(&world);
	}
}

/* Ports: those of submit and of the quota service; all where a library asks a server. */
static void
test_ports(void **state)
{
	(void) state;
	static const struct {
		SandboxProcess process;
		const char *settings;
		unsigned port;
		bool is_reached;
	} ports[] = {
		{ SANDBOX_DELIVERY, "submit = smtp:127.0.0.1:19999\n", PORT, true },
		{ SANDBOX_DELIVERY, "submit = smtp:127.0.0.1:19999\n", OTHER_PORT, false },
		{ SANDBOX_DELIVERY, "submit = smtp:[::1]:19999\n", PORT, true },
		{ SANDBOX_DELIVERY, "submit = smtp:mx.x.test:19999\n", PORT, true },
		{ SANDBOX_DELIVERY, "submit = smtp:mx.x.test:19999\n", DNS_PORT, true },
		{ SANDBOX_DELIVERY, "submit = smtp:127.0.0.1:19999\n", DNS_PORT, false },
		{ SANDBOX_DELIVERY, "submit = smtp:[::1]:19999\n", DNS_PORT, false },
		{ SANDBOX_DELIVERY, "submit = smtp:unix:/run/smtp\n", PORT, false },
		{ SANDBOX_DELIVERY, "quota = dovecot\nquota_service = 127.0.0.1:19999\n", PORT,
		  true },
		{ SANDBOX_DELIVERY, "quota_service = 127.0.0.1:19999\n", PORT, false },
		{ SANDBOX_DELIVERY, "state = redis://127.0.0.1:19999/0\n", PORT, true },
		{ SANDBOX_WORKER, "submit = smtp:127.0.0.1:19999\n", OTHER_PORT, false },
		{ SANDBOX_FRONT, "submit = smtp:127.0.0.1:19999\n", PORT, false },
		{ SANDBOX_WORKER, "users = passwd_file\npasswd_file = @/a/f\nsandbox_paths = @/a\n",
		  OTHER_PORT, false },
		{ SANDBOX_WORKER, "users = dovecot\nsandbox_paths = @/a\n", OTHER_PORT, true },
	};
	skip_without_box();
	if ((box_can() & BOX_CAN_PORTS) == 0)
		skip();
	for (size_t i = 0; i < G_N_ELEMENTS(ports); i++) {
		DeliveryWorld world;
		make_world(&world, ports[i].settings);
		bool is_of_one = ports[i].process == SANDBOX_DELIVERY;
		g_autoptr(Account) account = is_of_one ? make_account(&world, VIRTUAL) : NULL;
		const SandboxCall call = { .process = ports[i].process,
			                   .conf = world.site->conf,
			                   .account = account };
		const char *const none[] = { NULL };
		g_autofree char *got = look_in_box(&call, world.dir, none, ports[i].port);
		if ((strcmp(got, " reached") == 0) != ports[i].is_reached)
			fail_msg("row %zu:%s", i, got);
		delivery_world_clear(&world);
	}
}

/* A kernel that cannot: mail goes on, unless the site wants the box whatever it costs. */
static void
test_a_kernel_that_cannot(void **state)
{
	(void) state;
	static const struct {
		const char *kernel, *settings, *want;
	} kernels[] = {
		{ "no-landlock,no-seccomp", "", "rw rw" },
		{ "no-landlock", "", "rw rw" },
		{ "no-seccomp", "", "rw -" },
		{ "no-landlock,no-seccomp", "sandbox = on\n",
		  "config: sandbox = on: this kernel lacks Landlock and filters of system calls" },
		{ "no-landlock", "sandbox = on\n",
		  "config: sandbox = on: this kernel lacks Landlock" },
		{ "no-seccomp", "sandbox = on\n",
		  "config: sandbox = on: this kernel lacks filters of system calls" },
		{ "", "sandbox = off\n", "rw rw" },
		{ "", "sandbox = on\n", "rw -" },
	};
	skip_without_box();
	for (size_t i = 0; i < G_N_ELEMENTS(kernels); i++) {
		DeliveryWorld world;
		make_world(&world, kernels[i].settings);
		g_autoptr(Account) account = make_account(&world, VIRTUAL);
		const SandboxCall call = { .process = SANDBOX_DELIVERY,
			                   .conf = world.site->conf,
			                   .account = account };
		const char *const paths[] = { "mail/ann", "a/f", NULL };
		(void) g_setenv("TODOKE_TEST_KERNEL", kernels[i].kernel, TRUE);
		g_autofree char *got = look_in_box(&call, world.dir, paths, NO_PORT);
		g_unsetenv("TODOKE_TEST_KERNEL");
		if (strcmp(got, kernels[i].want) != 0)
			fail_msg("row %zu: %s", i, got);
		delivery_world_clear(&world);
	}
}

/* Where the source of users says where each mailbox lies, "on" wants the folders named. */
static void
test_paths_that_nobody_knows(void **state)
{
	(void) state;
	static const struct {
		SandboxProcess process;
		const char *settings, *want;
	} calls[] = {
		{ SANDBOX_WORKER, "", "config: " },
		{ SANDBOX_WORKER, "sandbox_paths = @/a\n", "rw" },
		{ SANDBOX_FRONT, "", "-" },
	};
	skip_without_box();
	for (size_t i = 0; i < G_N_ELEMENTS(calls); i++) {
		DeliveryWorld world;
		g_autofree char *settings = g_strconcat(
			"sandbox = on\nusers = passwd_file\npasswd_file = @/a/f\n",
			calls[i].settings, NULL);
		make_world(&world, settings);
		const SandboxCall call = { .process = calls[i].process, .conf = world.site->conf };
		const char *const paths[] = { "a/sub", NULL };
		g_autofree char *got = look_in_box(&call, world.dir, paths, NO_PORT);
		if (!g_str_has_prefix(got, calls[i].want))
			fail_msg("row %zu: %s", i, got);
		delivery_world_clear(&world);
	}
}

/* What is in force, in words: what is missing, what starts outside, where all paths are open. */
static void
test_words(void **state)
{
	(void) state;
	static const struct {
		const char *kernel, *settings, *want;
		bool is_whole;
	} words[] = {
		{ "", "", "paths, ports, calls", true },
		{ "", "sandbox = on\n", "paths, ports, calls", true },
		{ "", "sandbox = off\n", "off", false },
		{ "no-seccomp", "", "paths, ports", false },
		{ "no-landlock", "", "calls", false },
		{ "no-landlock,no-seccomp", "", "nothing", false },
		{ "no-landlock,no-seccomp", "submit = sendmail:/bin/true\n", "nothing", false },
		{ "", "submit = sendmail:/bin/true\n",
		  "paths, ports, calls; programs start outside (submit)", true },
		{ "", "program_folder = /x\nsubmit = sendmail:/bin/true\n",
		  "paths, ports, calls; programs start outside (submit, program_folder)", true },
		{ "", "sieve_engine = libsieve\n",
		  "paths, ports, calls; programs start outside (sieve_engine)", true },
		{ "", "sieve_engine_of = \"ann=libsieve\"\n",
		  "paths, ports, calls; programs start outside (sieve_engine)", true },
		{ "", "recipes = all\n",
		  "paths, ports, calls; programs start outside (recipes); all paths where recipes run",
		  false },
		{ "", "recipes = all\nsandbox = on\n",
		  "paths, ports, calls; programs start outside (recipes)", true },
		{ "", "recipes = yes\n", "paths, ports, calls", true },
	};
	skip_without_box();
	if ((box_can() & BOX_CAN_PORTS) == 0)
		skip();
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		DeliveryWorld world;
		make_world(&world, words[i].settings);
		bool is_whole = !words[i].is_whole;
		(void) g_setenv("TODOKE_TEST_KERNEL", words[i].kernel, TRUE);
		g_autofree char *got = sandbox_describe(world.site->conf, SANDBOX_DELIVERY,
		                                        &is_whole);
		g_unsetenv("TODOKE_TEST_KERNEL");
		assert_string_equal(got, words[i].want);
		assert_int_equal(is_whole, words[i].is_whole);
		delivery_world_clear(&world);
	}
}

/* By whom: not each process has all parts, whatever the kernel can. */
static void
test_words_of_processes(void **state)
{
	(void) state;
	static const char of_file[] = "users = passwd_file\npasswd_file = @/a/f\n";
	static const struct {
		SandboxProcess process;
		const char *settings, *more, *want;
		bool is_whole;
	} words[] = {
		{ SANDBOX_DELIVERY, "state = redis://127.0.0.1:1/0\n", "", "paths, calls", true },
		{ SANDBOX_DELIVERY, of_file, "", "paths, ports, calls", true },
		{ SANDBOX_OWNER, of_file, "", "paths, ports, calls", true },
		{ SANDBOX_WORKER, of_file, "", "calls", false },
		{ SANDBOX_WORKER, of_file, "sandbox = off\n", "off", false },
		{ SANDBOX_WORKER, of_file, "submit = sendmail:/bin/true\n",
		  "calls; programs start outside (submit)", false },
		{ SANDBOX_WORKER, of_file, "sandbox_paths = @/a\n", "paths, ports, calls", true },
		{ SANDBOX_WORKER, "users = dovecot\n", "sandbox_paths = @/a\n", "paths, calls",
		  true },
		{ SANDBOX_WORKER, "users = dovecot\n", "", "calls", false },
	};
	skip_without_box();
	if ((box_can() & BOX_CAN_PORTS) == 0)
		skip();
	for (size_t i = 0; i < G_N_ELEMENTS(words); i++) {
		DeliveryWorld world;
		g_autofree char *settings = g_strconcat(words[i].settings, words[i].more, NULL);
		make_world(&world, settings);
		bool is_whole = !words[i].is_whole;
		g_autofree char *got = sandbox_describe(world.site->conf, words[i].process,
		                                        &is_whole);
		assert_string_equal(got, words[i].want);
		assert_int_equal(is_whole, words[i].is_whole);
		delivery_world_clear(&world);
	}
}

/* A folder of the mailbox that is a link to where no delivery in its box may write. */
static void
test_leads_out(void **state)
{
	(void) state;
	static const struct {
		const char *settings, *target;
		Whose whose;
		bool is_out;
	} links[] = {
		{ "", "a", VIRTUAL, true },
		{ "", "a/f", VIRTUAL, false }, /* no folder */
		{ "", "a/none", VIRTUAL, false },
		{ "", "mail/ann/sub", VIRTUAL, false },
		{ "", "mail/ann", VIRTUAL, false },
		{ "", "mail/bob", VIRTUAL, true },
		{ "sandbox_paths = @/a\n", "a", VIRTUAL, false },
		{ "sandbox_paths = { \"@/none\", \"@/a\" }\n", "a/sub", VIRTUAL, false },
		{ "sandbox_paths = { \"@/none\", \"@/home/%n\" }\n", "home/ann", VIRTUAL, false },
		{ "sandbox_paths = { \"@/a\", \"@/none\" }\n", "a", VIRTUAL, false },
		{ "sandbox_paths = @/a/sub\n", "a", VIRTUAL, true },
		{ "state_folder = @/a\n", "a/sub", VIRTUAL, false },
		{ "", "home/ann/.local", SYSTEM, true },
		{ "sandbox_paths = ~\n", "home/ann/.local", SYSTEM, false },
		{ "sandbox_paths = ~\n", "home/bob", SYSTEM, true },
		{ "", "home/ann/.local", VIRTUAL, true },
		{ "", "home/bob", SYSTEM, true },
		{ "sandbox = off\n", "a", VIRTUAL, false },
		{ "recipes = all\nrecipe_files = @/a/f\n", "a", VIRTUAL, false },
		{ "sandbox = on\nrecipes = all\nrecipe_files = @/a/f\n", "a", VIRTUAL, true },
	};
	skip_without_box();
	for (size_t i = 0; i < G_N_ELEMENTS(links); i++) {
		DeliveryWorld world;
		make_world(&world, links[i].settings);
		g_autoptr(Account) account = make_account(&world, links[i].whose);
		g_autofree char *link = g_build_filename(world.dir, "mail/ann/.Link", NULL);
		g_autofree char *target = g_build_filename(world.dir, links[i].target, NULL);
		assert_int_equal(symlink(target, link), 0);
		g_autofree char *got = sandbox_leads_out(world.site->conf, account, link);
		if (g_strcmp0(got, links[i].is_out ? target : NULL) != 0)
			fail_msg("row %zu: %s", i, got);
		if (i == 0) {
			(void) g_setenv("TODOKE_TEST_KERNEL", "no-landlock", TRUE);
			assert_null(sandbox_leads_out(world.site->conf, account, link));
			g_unsetenv("TODOKE_TEST_KERNEL");
		}
		delivery_world_clear(&world);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_paths),
		cmocka_unit_test(test_recipes_of_the_door),
		cmocka_unit_test(test_programs),
		cmocka_unit_test(test_ports),
		cmocka_unit_test(test_paths_that_nobody_knows),
		cmocka_unit_test(test_a_kernel_that_cannot),
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_words_of_processes),
		cmocka_unit_test(test_leads_out),
	};
	return _cmocka_run_group_tests("sandbox", tests, G_N_ELEMENTS(tests), NULL, NULL);
}
