/* SPDX-License-Identifier: MIT */
/* maildrop-parser: a .mailfilter (maildropfilter(7)) as a tree of rules. */
#ifndef TODOKE_MAILDROP_PARSER_H
#define TODOKE_MAILDROP_PARSER_H

#include "filters/foreign/foreign.h"

/* See foreign_parse. */
ForeignRules *
maildrop_parse(const FilterSource *source, const ForeignPlaces *places, GPtrArray *problems);

#endif
