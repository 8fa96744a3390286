/* sieve-parser: tokens -> tree (RFC 5228 8.2). Knows no command by meaning; goes on after an error at the next ";" or "}". */
#ifndef TODOKE_SIEVE_PARSER_H
#define TODOKE_SIEVE_PARSER_H

#include "filters/sieve/sieve-lexer.h"

/* Is the word the name of a command and of no test? Then it cannot be the test of the command before it: a ";" is missing. */
typedef bool SieveParserIsCommand(const char *word);

/* Parse all of it. The first command, or NULL for an empty script; what was reported says whether it is whole. */
SieveCall *sieve_parser_parse(const char *text, size_t len, SieveArena *arena, SieveParserIsCommand *is_command,
                              SieveLexerReport *report, void *user);

#endif
