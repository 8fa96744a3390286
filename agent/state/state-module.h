/* SPDX-License-Identifier: MIT */
/*
 * state-module: what the program and todoke-state.so know of each other. No type of SQLite crosses.
 */
#ifndef TODOKE_STATE_MODULE_H
#define TODOKE_STATE_MODULE_H

#include "agent/state/state.h"

/* Goes up with every change of the table: a module of another version is not used. */
#define STATE_MODULE_VERSION 1u

#define STATE_MODULE_FILE "todoke-state.so"
#define STATE_MODULE_SYMBOL "state_module"

typedef struct StateStore StateStore;

typedef enum {
	STATE_OK,
	STATE_FAULT, /* locked, no space, no permission ... */
	STATE_DAMAGED,
} StateOutcome;

/*
 * Every function gives *ret_why (caller frees) with a fault. `path` is the file; times are seconds
 * since 1970.
 */
typedef struct {
	unsigned version;
	StateOutcome (*open)(const char *path, StateStore **ret_store, char **ret_why);
	void (*close)(StateStore *store);
	StateOutcome (*get)(StateStore *store, StateKind kind, const char *key, gint64 now,
	                    char **ret_value, size_t *ret_len, char **ret_why);
	StateOutcome (*put)(StateStore *store, const StateItem *items, size_t n, char **ret_why);
	StateOutcome (*count)(StateStore *store, const char *key, gint64 by, gint64 until,
	                      gint64 now, gint64 *ret_total, char **ret_why);
	/* Forget what has ended. */
	StateOutcome (*sweep)(StateStore *store, gint64 now, char **ret_why);
} StateModule;

#endif
