/* SPDX-License-Identifier: MIT */
/* redis-peer: several connections, one command after the other. */
#define _GNU_SOURCE
#include "tests/lib/redis-peer.h"

#include "tests/lib/scratch.h"

#include <glib.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CLIENTS = 8 };

typedef struct {
	FILE *file;        /* unbuffered: poll() must see each command */
	GPtrArray *queued; /* GPtrArray of words: between MULTI and EXEC; NULL: there is no MULTI */
	bool is_spoilt;    /* one of them had an odd answer: none is carried out */
} Client;

/* A command: its words. NULL: the connection has ended. */
static GPtrArray *
read_command(FILE *from)
{
	char line[64];
	unsigned words, len;
	if (fgets(line, sizeof line, from) == NULL || sscanf(line, "*%u", &words) != 1)
		return NULL;

	GPtrArray *command = g_ptr_array_new_with_free_func(g_free);
	for (unsigned i = 0; i < words; i++) {
		if (fgets(line, sizeof line, from) == NULL || sscanf(line, "$%u", &len) != 1)
			abort();
		char *word = g_malloc0(len + 3);
		if (fread(word, 1, len + 2, from) != len + 2)
			abort();
		word[len] = '\0';
		g_ptr_array_add(command, word);
	}

	g_ptr_array_add(command, NULL);
	return command;
}

static char *
print_value(const char *value)
{
	return value != NULL ? g_strdup_printf("$%zu\r\n%s\r\n", strlen(value), value)
	                     : g_strdup("$-1\r\n");
}

/* The scripts of the state are told apart by what they call. */
static char *
evaluate(GHashTable *values, char **words)
{
	const char *script = words[1], *key = words[3], *argument = words[4];
	const char *old = g_hash_table_lookup(values, key);

	if (strstr(script, "INCRBY") != NULL) {
		int total = (old != NULL ? atoi(old) : 0) + atoi(argument);
		g_hash_table_insert(values, g_strdup(key), g_strdup_printf("%d", total));
		return g_strdup_printf(":%d\r\n", total);
	}
	if (strstr(script, "DEL") != NULL) {
		if (g_strcmp0(old, argument) == 0)
			g_hash_table_remove(values, key);
		return g_strdup(":0\r\n");
	}
	if (old != NULL && strcmp(old, argument) != 0)
		return g_strdup(":0\r\n");
	g_hash_table_insert(values, g_strdup(key), g_strdup(argument));
	return g_strdup(":1\r\n");
}

static char *
carry_out(GHashTable *values, char **words)
{
	if (strcmp(words[0], "GET") == 0)
		return print_value(g_hash_table_lookup(values, words[1]));
	if (strcmp(words[0], "EVAL") == 0)
		return evaluate(values, words);
	if (strcmp(words[0], "DEL") == 0)
		g_hash_table_remove(values, words[1]);
	else if (strcmp(words[0], "SET") == 0)
		g_hash_table_insert(values, g_strdup(words[1]), g_strdup(words[2]));
	return g_strdup("+OK\r\n");
}

/* What the test wants to be answered; NULL: what is right. */
static char *
odd_answer(const char *dir, char **words)
{
	g_autofree char *order = scratch_read(dir, "redis-order"),
			*command = g_strjoinv(" ", words);
	g_auto(GStrv) lines = g_strsplit(order != NULL ? order : "", "\n", -1);
	for (size_t i = 0; lines[i] != NULL && lines[i + 1] != NULL; i += 2)
		if (strstr(command, lines[i]) != NULL)
			return g_strconcat(lines[i + 1], "\r\n", NULL);
	return NULL;
}

static char *
execute(GHashTable *values, Client *client)
{
	g_autoptr(GPtrArray) queued = g_steal_pointer(&client->queued);
	if (client->is_spoilt)
		return g_strdup("-EXECABORT discarded\r\n");
	GString *all = g_string_new(NULL);
	g_string_append_printf(all, "*%u\r\n", queued->len);
	for (guint i = 0; i < queued->len; i++) {
		GPtrArray *command = queued->pdata[i];
		g_autofree char *answer = carry_out(values, (char **) command->pdata);
		g_string_append(all, answer);
	}
	return g_string_free(all, FALSE);
}

static char *
answer(const char *dir, GHashTable *values, Client *client, GPtrArray *command)
{
	char **words = (char **) command->pdata, *odd = odd_answer(dir, words);
	if (odd != NULL) {
		client->is_spoilt = true;
		return odd;
	}
	if (strcmp(words[0], "MULTI") == 0) {
		client->is_spoilt = false;
		client->queued = g_ptr_array_new_with_free_func((GDestroyNotify) g_ptr_array_unref);
		return g_strdup("+OK\r\n");
	}
	if (strcmp(words[0], "EXEC") == 0)
		return execute(values, client);
	if (client->queued == NULL)
		return carry_out(values, words);

	g_ptr_array_add(client->queued, g_ptr_array_ref(command));
	return g_strdup("+QUEUED\r\n");
}

static void
serve(const char *dir, GHashTable *values, Client *client)
{
	g_autoptr(GPtrArray) command = read_command(client->file);
	if (command == NULL) {
		(void) fclose(client->file);
		client->file = NULL;
		g_clear_pointer(&client->queued, g_ptr_array_unref);
		return;
	}

	g_autofree char *said = answer(dir, values, client, command);
	(void) !send(fileno(client->file), said, strlen(said), MSG_NOSIGNAL);
}

static void
accept_one(int listener, Client *clients)
{
	int fd = accept(listener, NULL, NULL);
	for (int i = 0; fd >= 0 && i < CLIENTS; i++)
		if (clients[i].file == NULL) {
			clients[i].file = fdopen(fd, "r");
			(void) setvbuf(clients[i].file, NULL, _IONBF, 0);
			return;
		}
	abort();
}

static void
serve_all(const char *dir, int listener)
{
	Client clients[CLIENTS] = { { NULL, NULL, false } };
	g_autoptr(GHashTable)
		values = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_free);
	for (;;) {
		struct pollfd fds[CLIENTS + 1];
		for (int i = 0; i < CLIENTS; i++)
			fds[i] = (struct pollfd){ clients[i].file != NULL ? fileno(clients[i].file)
				                                          : -1,
				                  POLLIN, 0 };
		fds[CLIENTS] = (struct pollfd){ listener, POLLIN, 0 };
		if (poll(fds, G_N_ELEMENTS(fds), -1) < 0)
			abort();
		for (int i = 0; i < CLIENTS; i++)
			if (fds[i].revents != 0)
				serve(dir, values, &clients[i]);
		if (fds[CLIENTS].revents != 0)
			accept_one(listener, clients);
	}
}

pid_t
redis_peer_begin(const char *dir)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int size = (int) sizeof address.sun_path;
	g_assert(g_snprintf(address.sun_path, (gulong) size, "%s/redis", dir) < size);
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	g_assert(bind(listener, (const struct sockaddr *) &address, sizeof address) == 0);
	g_assert(listen(listener, CLIENTS) == 0);

	pid_t peer = fork();
	g_assert(peer >= 0);
	if (peer == 0) {
		(void) prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve_all(dir, listener);
	}

	(void) close(listener);
	return peer;
}

void
redis_peer_end(pid_t peer)
{
	(void) kill(peer, SIGKILL);
	(void) waitpid(peer, NULL, 0);
}

void
redis_peer_break(const char *dir, const char *part, const char *reply)
{
	g_autofree char *before = scratch_read(dir, "redis-order");
	g_autofree char *all = part != NULL ? g_strconcat(before != NULL ? before : "", part, "\n",
	                                                  reply, "\n", NULL)
	                                    : g_strdup("");
	scratch_write(dir, "redis-order", all);
}
