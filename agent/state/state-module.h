/* SPDX-License-Identifier: MIT */
/*
 * state-module: what the program and the modules that keep the state know of each other:
 * todoke-state.so (SQLite), todoke-state-postgresql.so and todoke-state-redis.so. No type of their
 * libraries crosses. A further one is a file, and a row in conf/conf-state.def.
 */
#ifndef TODOKE_STATE_MODULE_H
#define TODOKE_STATE_MODULE_H

#include "agent/state/state.h"

/* Goes up with every change of the table: a module of another version is not used. */
#define STATE_MODULE_VERSION 3u

/* Of a file beside the mailbox. */
#define STATE_MODULE_FILE "todoke-state.so"

#define STATE_MODULE_SYMBOL "state_module"

typedef struct StateStore StateStore;

typedef enum {
	STATE_OK,
	STATE_FAULT, /* locked, no space, no permission ... */
	STATE_DAMAGED,
	/* of a server: the connection has ended, and a new one might answer */
	STATE_LOST,
	/* of a server: no answer in time, so a new connection would wait as long */
	STATE_SILENT,
} StateOutcome;

typedef struct {
	const char *where;    /* the file, or how to reach the server */
	const char *password; /* NULL: none */
	const StateTls *tls;  /* NULL: not encrypted, or by the module's library */
	unsigned timeout_ms;  /* for connecting, and for each question */
} StateTarget;

/*
 * Every function gives *ret_why (caller frees) with a fault; never a password. Times are seconds
 * since 1970. `owner` keeps what is remembered for one owner apart from all others; a file is one
 * owner's, and needs none.
 */
typedef struct {
	unsigned version;
	StateOutcome (*open)(const StateTarget *target, StateStore **ret_store, char **ret_why);
	/* `is_ours`: this process has opened it; else the server must hear nothing of its end. */
	void (*close)(StateStore *store, bool is_ours);
	StateOutcome (*get)(StateStore *store, const char *owner, StateKind kind, const char *key,
	                    gint64 now, char **ret_value, size_t *ret_len, char **ret_why);
	/* All of them or none. Of two with one key the later one counts. */
	StateOutcome (*put)(StateStore *store, const char *owner, const StateItem *items, size_t n,
	                    gint64 now, char **ret_why);
	StateOutcome (*count)(StateStore *store, const char *owner, const char *key, gint64 by,
	                      gint64 until, gint64 now, gint64 *ret_total, char **ret_why);
	/*
	 * Put the item unless there is one already that has not ended, in one step that no other
	 * process sees the middle of. One with the same value is ours: it is put again.
	 */
	StateOutcome (*take)(StateStore *store, const char *owner, const StateItem *item,
	                     gint64 now, bool *ret_taken, char **ret_why);
	/* Remove the item if it has this value. */
	StateOutcome (*drop)(StateStore *store, const char *owner, const StateItem *item,
	                     char **ret_why);
	/* Forget what has ended, of all owners. */
	StateOutcome (*sweep)(StateStore *store, gint64 now, char **ret_why);
} StateModule;

#endif
