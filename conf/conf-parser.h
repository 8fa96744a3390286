/* SPDX-License-Identifier: MIT */
/*
 * conf-parser: the statements of todoke.conf.
 *
 * 	name = value            name = {value, value}           name += value
 * 	include path
 * 	kind "title" { name = value ... }
 *
 * A statement begins on a line of its own or follows another; its value begins on the line of the
 * name. What is wrong is reported with its place, and reading goes on at the next line, so that all
 * problems come in one run. What names and values mean is the sink's matter.
 */
#ifndef TODOKE_CONF_PARSER_H
#define TODOKE_CONF_PARSER_H

#include "conf/conf-problem.h"

#include <stdbool.h>

/* A word as it was written, and where. */
typedef struct {
	char *text;
	ConfPlace place;
} ConfWord;

/* A setting. All is borrowed for the call. */
typedef struct {
	ConfWord name;
	GArray *values; /* ConfWord; one unless it is a list */
	bool is_list;   /* in braces */
	bool adds;      /* += */
	/* a value has a problem of its own already: only the name is worth a look */
	bool is_wrong;
} ConfStatement;

/* Who is told what the file says. */
typedef struct {
	void (*setting)(void *user, const ConfStatement *statement);
	/*
	 * A block begins; `title` is NULL where it has none. False: the sink has said why it cannot
	 * be; its inside is skipped.
	 */
	bool (*open)(void *user, const ConfWord *kind, const ConfWord *title);
	/* The block ends; `is_whole` is false where the file ended first. */
	void (*close)(void *user, bool is_whole);
	void (*include)(void *user, const ConfWord *path);
} ConfSink;

/*
 * Read `text`, which has `len` octets and a NUL behind them, and is changed. Problems are appended
 * to `problems`.
 */
void conf_parse(char *text, size_t len, const char *file, const ConfSink *sink, void *user,
                GPtrArray *problems);

#endif
