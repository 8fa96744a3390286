/* SPDX-License-Identifier: MIT */
/* fdm-parser: a .fdm.conf (fdm.conf(5)) as a tree of rules. */
#ifndef TODOKE_FDM_PARSER_H
#define TODOKE_FDM_PARSER_H

#include "filters/foreign/foreign.h"

/* See foreign_parse. */
ForeignRules *
fdm_parse(const FilterSource *source, const ForeignPlaces *places, GPtrArray *problems);

#endif
