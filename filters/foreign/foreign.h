/* SPDX-License-Identifier: MIT */
/*
 * foreign: the rules of another program (maildrop, fdm) as a tree that does not know whose they
 * were. Parsers make it, foreign-sieve writes it as Sieve, foreign-run decides by it. Nothing in
 * it is ever run: what starts a program there is a node that is left to the reader.
 */
#ifndef TODOKE_FOREIGN_H
#define TODOKE_FOREIGN_H

#include "filters/filter.h"

#include <glib.h>
#include <stdbool.h>

/*
 * Text in the tree may hold what only a message tells: FOREIGN_MARK, a letter for the test that
 * has the group, and the digit of the group.
 */
#define FOREIGN_MARK '\001'

typedef enum {
	FOREIGN_CONSTANT,
	FOREIGN_ALL,
	FOREIGN_ANY,
	FOREIGN_NOT,
	FOREIGN_HEADER,  /* a pattern over lines of the header */
	FOREIGN_BODY,    /* a pattern over lines of the body */
	FOREIGN_SENDER,  /* a pattern over the envelope sender */
	FOREIGN_SIZE,    /* more octets than `size`; inverted by FOREIGN_NOT */
	FOREIGN_ADDRESS, /* is `text` an address of To, Cc, Resent-To or Resent-Cc? */
	FOREIGN_UNKNOWN  /* only the other program can say; `why` */
} ForeignTestKind;

typedef struct {
	ForeignTestKind kind;
	bool truth;       /* of a constant */
	bool case_counts; /* of a pattern */
	char *text;       /* pattern (PCRE) or address */
	guint64 size;
	GPtrArray *tests; /* ForeignTest: of ALL, ANY, NOT */
	const char *why;
	char id; /* 'a' ...: the letter of its groups in texts; 0: they are not asked for */
} ForeignTest;

typedef enum {
	FOREIGN_IF,
	FOREIGN_STORE,   /* in the folder or file `text` */
	FOREIGN_FORWARD, /* to the addresses `text` */
	FOREIGN_DISCARD,
	FOREIGN_KEEP,
	FOREIGN_ADD_FIELD,    /* field `text` with `value` */
	FOREIGN_REMOVE_FIELD, /* fields `text` */
	FOREIGN_BY_HAND,      /* `why` says why, and what to do */
	FOREIGN_NOT_NEEDED    /* todoke does without it; `why` */
} ForeignNodeKind;

typedef struct {
	ForeignNodeKind kind;
	unsigned line, column;
	size_t start, end; /* octets of the file: what was written */
	ForeignTest *test; /* of an IF */
	GPtrArray *then, *otherwise;
	char *text, *value;
	GPtrArray *flags; /* char *: "\\Seen"; of a STORE; NULL: none */
	bool copy;        /* the rules go on behind it, and the mail is not taken yet */
	bool ends;        /* the rules end here */
	bool is_file;     /* a STORE into an mbox, whatever it is called */
	const char *why;
} ForeignNode;

typedef enum { FOREIGN_MAILDROP, FOREIGN_FDM } ForeignLanguage;

/* What the owner's account gives to the names in the file. */
typedef struct {
	const char *home;
	const char *inbox; /* path of the INBOX */
	const char *user;
} ForeignPlaces;

typedef struct {
	ForeignLanguage language;
	GPtrArray *nodes;  /* ForeignNode */
	char *last_resort; /* folder of mail that no rule took; NULL: the INBOX */
	bool discards;     /* mail that no rule took is dropped */
	const char *text;  /* of the file; borrowed */
	unsigned marks;    /* letters that were given to tests */
} ForeignRules;

ForeignTest *foreign_test_new(ForeignTestKind kind);
void foreign_test_free(ForeignTest *test);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ForeignTest, foreign_test_free)

/* ALL, ANY or NOT of tests, which it takes over; `second` may be NULL. */
ForeignTest *
foreign_test_join(ForeignTestKind kind, ForeignTest *taken_first, ForeignTest *taken_second);
ForeignTest *foreign_test_constant(bool truth);
ForeignTest *foreign_test_unknown(const char *why);

/* Why the value of `test` is not known; NULL: it is, or does not count. */
const char *foreign_test_why_unknown(const ForeignTest *test);

ForeignNode *foreign_node_new(ForeignNodeKind kind, unsigned line, unsigned column);
void foreign_node_free(ForeignNode *node);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ForeignNode, foreign_node_free)

/* An empty list of nodes that frees them. */
GPtrArray *foreign_nodes_new(void);

ForeignRules *foreign_rules_new(ForeignLanguage language, const char *text);
void foreign_rules_free(ForeignRules *rules);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ForeignRules, foreign_rules_free)

/*
 * Parse the file of that language. NULL: it is none that the program would read; `problems` says
 * where and why. The rules borrow the text of `source`.
 */
ForeignRules *foreign_parse(ForeignLanguage language, const FilterSource *source,
                            const ForeignPlaces *places, GPtrArray *problems);

/*
 * For the parsers: add an error, "syntax", at a place of the file, unless *failed says that there
 * was one; it does then. Returns false.
 */
bool foreign_syntax_error(const FilterSource *source, unsigned line, unsigned column,
                          const char *text, GPtrArray *problems, bool *failed);

/*
 * The mailbox that a path means, by names as rules write them. *ret_is_there: it is one of the
 * account's; else the mail would lie elsewhere. NULL: no mailbox can be meant. Caller frees.
 */
char *
foreign_mailbox(const ForeignPlaces *places, FilterEnv *env, const char *path, bool *ret_is_there);

/*
 * The octets [start, end) of the file as one line, shortened, for a list. Caller frees.
 */
char *foreign_excerpt(const ForeignRules *rules, size_t start, size_t end);

/* "maildrop", "fdm". */
const char *foreign_language_name(ForeignLanguage language);

#endif
