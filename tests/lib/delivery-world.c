/* SPDX-License-Identifier: MIT */
/* delivery-world: what a door does, without a door. */
#define _GNU_SOURCE
#include "tests/lib/delivery-world.h"

#include "agent/base/log.h"
#include "agent/run/recipient.h"
#include "tests/lib/scratch.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

/* Nothing of this machine's: no folder outside of the world, no server that is asked by itself. */
static const char fixed[] = "users = virtual\n"
			    "maildir = @/mail/%n\n"
			    "tree_memory = \"\"\n"
			    "early_record_folder = \"\"\n"
			    "outage_folder = \"\"\n"
			    "key_file = @/site.key\n"
			    "log_file = @/log\n"
			    "myhostname = here.test\n"
			    "sieve_scripts = @/sieve\n"
			    "submit = smtp:unix:@/nobody\n"
			    "durability = none\n"
			    "sandbox = off\n";

void
delivery_world_set(DeliveryWorld *world, const char *settings)
{
	g_autoptr(GString) text = g_string_new(fixed);
	g_string_append(text, settings != NULL ? settings : "");
	g_autofree char *folder = g_strconcat(world->dir, "/", NULL);
	g_string_replace(text, "@/", folder, 0);
	scratch_write(world->dir, "todoke.conf", text->str);

	g_auto(Status) st = STATUS_INIT;
	g_autofree char *path = g_build_filename(world->dir, "todoke.conf", NULL);
	Conf *conf = conf_read(path, NULL, NULL, &st);
	if (conf == NULL)
		g_error("%s", st.detail);
	site_free(world->site);
	world->site = site_new(conf, &st);
	if (world->site == NULL)
		g_error("%s", st.detail);
}

void
delivery_world_init(DeliveryWorld *world, const char *settings, const char *script)
{
	*world = (DeliveryWorld){ .dir = scratch_new(), .now = 1800000000, .st = STATUS_INIT };
	if (script != NULL)
		scratch_write(world->dir, "sieve", script);
	delivery_world_set(world, settings);
	world->envelope = envelope_new(DOOR_PIPE);
	world->envelope->sender = g_strdup("a@x.test");
	world->envelope->recipient = g_strdup("ann@here.test");
	world->envelope->queue_id = g_strdup("4ABC12");
}

void
delivery_world_clear(DeliveryWorld *world)
{
	site_free(world->site);
	envelope_free(world->envelope);
	status_clear(&world->st);
	g_free(world->done);
	g_free(world->id);
	scratch_remove(world->dir);
}

static Message *
read_message(const DeliveryWorld *world, int fd, Status *st)
{
	Message *message = message_read(fd, st);
	if (message != NULL)
		message_limit_size(message, (guint64) world->site->conf->message_size_limit);
	return message;
}

bool
delivery_world_deliver(DeliveryWorld *world, const char *text)
{
	scratch_write(world->dir, "message", text);
	g_autofree char *path = g_build_filename(world->dir, "message", NULL);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	Status *st = &world->st;
	status_clear(st);
	*st = (Status) STATUS_INIT;
	g_clear_pointer(&world->done, g_free);
	g_clear_pointer(&world->id, g_free);

	int log = site_open_log(world->site->conf);
	g_autoptr(Account) account = recipient_find(world->site, world->envelope->recipient, st);
	g_autoptr(Message) message = account != NULL ? read_message(world, fd, st) : NULL;
	bool done = false;
	if (message != NULL) {
		g_autoptr(Transact) transact = transact_new(world->site, account, world->envelope,
		                                            message, world->folder, world->now);
		done = transact_judge(transact, st) && transact_deliver(transact, st);
		transact_log(transact, st, 0.25);
		world->id = g_strdup(transact_queue_id(transact));
		world->done = done ? transact_done_text(transact) : NULL;
	}

	(void) close(fd);
	(void) close(log);
	return done;
}

/* The last line of a file; NULL: there is no such file. Caller frees. */
static char *
last_line(const DeliveryWorld *world, const char *below)
{
	g_autofree char *text = scratch_read(world->dir, below);
	if (text == NULL)
		return NULL;
	g_auto(GStrv) lines = g_strsplit(g_strchomp(text), "\n", -1);
	guint n = g_strv_length(lines);
	return n > 0 ? g_strdup(lines[n - 1]) : NULL;
}

char *
delivery_world_logged(const DeliveryWorld *world, const char *key)
{
	g_autofree char *line = last_line(world, "log"), *begin = g_strconcat(" ", key, "=", NULL);
	const char *at = line != NULL ? strstr(line, begin) : NULL;
	if (at == NULL)
		return NULL;

	at += strlen(begin);
	if (*at != '"')
		return g_strndup(at, strcspn(at, ", "));

	GString *value = g_string_new(NULL);
	for (at++; *at != '\0' && *at != '"'; at++) {
		at += *at == '\\' && at[1] != '\0';
		g_string_append_c(value, *at);
	}
	return g_string_free(value, FALSE);
}

char *
delivery_world_recorded(const DeliveryWorld *world)
{
	return last_line(world, "mail/ann/todoke-state/record");
}

static char *
new_in(const char *folder)
{
	return g_build_filename("mail/ann", folder, "new", NULL);
}

char *
delivery_world_stored(const DeliveryWorld *world, const char *folder)
{
	g_autofree char *below = new_in(folder), *path = scratch_only(world->dir, below),
			*text = NULL;
	return g_file_get_contents(path, &text, NULL, NULL) ? g_steal_pointer(&text) : NULL;
}

unsigned
delivery_world_count(const DeliveryWorld *world, const char *folder)
{
	g_autofree char *below = new_in(folder), *names = scratch_list(world->dir, below);
	if (*names == '\0' || strcmp(names, "-") == 0)
		return 0;
	unsigned n = 1;
	for (const char *c = names; *c != '\0'; c++)
		n += *c == ' ';
	return n;
}

void
delivery_world_empty(const DeliveryWorld *world, const char *folder)
{
	g_autofree char *below = new_in(folder), *path = g_build_filename(world->dir, below, NULL);
	g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
	for (const char *name; dir != NULL && (name = g_dir_read_name(dir)) != NULL;) {
		g_autofree char *file = g_build_filename(path, name, NULL);
		(void) unlink(file);
	}
}
