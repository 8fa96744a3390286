/* SPDX-License-Identifier: MIT */
/*
 * cmd-option: the options of a command. From one table a command line is read, --help is printed,
 * and other programs learn what can be typed (`todoke help --options-json`).
 *
 * An option that several commands have means the same in all of them: such rows are made by the
 * macros CMD_OPTION_CONFIG and following; tests/cmd/test-options.py holds all tables against each
 * other. Nothing here depends on the locale, and reading costs little: a delivery goes through it.
 */
#ifndef TODOKE_CMD_OPTION_H
#define TODOKE_CMD_OPTION_H

#include "agent/base/status.h"
#include "agent/base/words.h"

#include <glib.h>
#include <stdbool.h>
#include <stddef.h>

/* What becomes of a value: CMD_INTO_... sets it. */
typedef enum {
	CMD_OPTION_IGNORED, /* taken, and without effect */
	CMD_OPTION_TEXT,
	CMD_OPTION_FLAG,
	CMD_OPTION_LIST,
	CMD_OPTION_NUMBER,
	CMD_OPTION_CHOICE,
	CMD_OPTION_OWN, /* CmdOptions.set, a function of the command, takes it */
} CmdOptionKind;

/*
 * One row. It holds no pointers: the dynamic linker would have to set them in each delivery, for
 * the tables of all commands.
 */
typedef struct {
	char name[20];     /* "recipient", for --recipient; "": it has letters only */
	char also[12];     /* another name for the same; "": none */
	char letters[4];   /* "dr": -d, and -r for the same; "": none */
	char argument[16]; /* "ADDR"; "": it takes none */
	char choices[48];  /* what the argument may be, split by blanks; "": anything */
	char help[104];    /* "" ends the table */
	CmdOptionKind kind;
	unsigned at;       /* offset of the member in the command's struct */
	guint64 low, high; /* of a number */
	bool repeats;      /* each time adds something */
	bool is_rare;      /* --help leaves it to the text below the options */
} CmdOption;

/* What users of other programs pass and no command takes, with what to do instead. */
typedef struct {
	char letter; /* '\0' ends */
	const char *why;
} CmdOptionForeign;

typedef struct {
	/* what follows "todoke NAME"; a line for each form of the command */
	const char *synopsis;
	const CmdOption *rows;
	const char *about;               /* below the options; ends with a line end */
	const CmdOptionForeign *foreign; /* NULL: none */

	/*
	 * Takes the value of a row of CMD_INTO_OWN; `into` is the command's struct, `value` is
	 * borrowed from the command line. False: STATUS_USAGE with a detail that says what is
	 * wrong; the option's name is put before it.
	 */
	bool (*set)(const CmdOption *option, void *into, const char *value, Status *st);

	/* the first word that is no option ends the options */
	bool words_end_options;

	/*
	 * Called for a letter that is not known, or without its value, in place of the fault.
	 * `into` is the command's struct. True: go on.
	 */
	bool (*wrong)(void *into, char letter, bool lacks_value);
} CmdOptions;

/* What each command for people takes besides; cmd_option_people is their table. */
typedef struct {
	bool wants_help;
	const char *language; /* NULL: not said */
} CmdOptionPeople;

extern const CmdOption cmd_option_people[];

/*
 * Read the command line into the command's struct `into`, and what all commands for people take
 * into `people` (NULL: for a delivery, which takes none of it). argv[0], the command's name, stays;
 * behind it are left the words that are no options. Long names may be cut short where that is
 * clear. False: `st` is STATUS_USAGE and its detail one line for the person who typed it; what
 * follows --help is never wrong.
 *
 * What is put into `into` is borrowed: it lives as long as the process.
 */
bool cmd_option_read(const CmdOptions *options, CmdOptionPeople *people, int *argc, char **argv,
                     void *into, Status *st);

/*
 * The text that --help prints, at most 80 columns wide, in the language of words_choose(). Caller
 * frees.
 */
char *cmd_option_help(const CmdOptions *options, const char *name);

/*
 * Is --help the first argument (or -h the only one; for procmail also --differences, and -? or -v
 * alone)? Then the command speaks to a person, whoever its audience is.
 */
bool cmd_option_wants_help(int argc, char **argv);

/* The words of a list (CMD_INTO_LIST), ended by NULL; of a NULL list: NULL. Borrowed. */
const char *const *cmd_option_words(const GPtrArray *list);

/* Add a word, which is borrowed, to a list; *list may be NULL. */
void cmd_option_add(GPtrArray **list, const char *word);

/* The offset of a member whose type is `wanted`; another type is a warning of the compiler. */
#define CMD_OPTION_AT(type, member, wanted) \
	(offsetof(type, member) + 0 * sizeof((wanted *) 0 == &((type *) 0)->member))

/* Where the value goes: a member of the command's struct. */
#define CMD_INTO_TEXT(type, member) \
	.kind = CMD_OPTION_TEXT, .at = CMD_OPTION_AT(type, member, const char *)
#define CMD_INTO_FLAG(type, member) .kind = CMD_OPTION_FLAG, .at = CMD_OPTION_AT(type, member, bool)
#define CMD_INTO_LIST(type, member) \
	.kind = CMD_OPTION_LIST, .at = CMD_OPTION_AT(type, member, GPtrArray *), .repeats = true
#define CMD_INTO_NUMBER(type, member, from, to) \
	.kind = CMD_OPTION_NUMBER, .at = CMD_OPTION_AT(type, member, guint64), .low = (from), \
	.high = (to)
/* The number of the word in `words`; what the member holds before stands for "not said". */
#define CMD_INTO_CHOICE(type, member, words) \
	.kind = CMD_OPTION_CHOICE, .at = CMD_OPTION_AT(type, member, int), .choices = words
#define CMD_INTO_OWN .kind = CMD_OPTION_OWN

#define CMD_OPTIONS_END \
	{ \
		.help = "" \
	}

/* The options that several commands have. `into` is one of the above. */
#define CMD_OPTION_CONFIG(into) \
	{ \
		.name = "config", .letters = "c", .argument = "FILE", into, \
		.help = N_("instead of the installed todoke.conf, or $TODOKE_CONF") \
	}
#define CMD_OPTION_SETTING(into) \
	{ \
		.name = "option", .letters = "o", .argument = "NAME=VALUE", into, \
		.help = N_("a setting for this run") \
	}
/* The schema follows; --help translates what stands before it. */
#define CMD_OPTION_JSON_HELP "print for programs: "
#define CMD_OPTION_JSON(into, schema) \
	{ \
		.name = "json", into, .help = CMD_OPTION_JSON_HELP schema \
	}
#define CMD_OPTION_RECIPIENT(into, text) \
	{ \
		.name = "recipient", .also = "rcpt", .letters = "d", .argument = "ADDR", into, \
		.help = text \
	}
#define CMD_OPTION_SENDER(into, text) \
	{ \
		.name = "sender", .also = "from", .letters = "f", .argument = "ADDR", into, \
		.help = text \
	}
#define CMD_OPTION_ORIGINAL(into) \
	{ \
		.name = "original", .also = "orig", .letters = "a", .argument = "ADDR", into, \
		.help = N_("the recipient before aliases") \
	}
#define CMD_OPTION_QUEUE_ID(into) \
	{ \
		.name = "queue-id", .argument = "ID", into, \
		.help = N_("Postfix's ${queue_id}, for log and answer") \
	}
#define CMD_OPTION_SITE(into) \
	{ \
		.name = "site", into, .help = N_("scripts are the site's, not a user's") \
	}
/* The words of --engine. */
#define CMD_ENGINES "native libsieve"
#define CMD_OPTION_ENGINE(into) \
	{ \
		.name = "engine", .argument = "NAME", into, \
		.help = N_("engine of Sieve scripts: native, libsieve") \
	}

#endif
