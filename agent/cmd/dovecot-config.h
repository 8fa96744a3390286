/* SPDX-License-Identifier: MIT */
/*
 * dovecot-config: what `doveconf -n` of Dovecot 2.3 or 2.4 printed, as a list of settings with the
 * block that each stands in.
 */
#ifndef TODOKE_DOVECOT_CONFIG_H
#define TODOKE_DOVECOT_CONFIG_H

#include "agent/base/status.h"

#include <stdbool.h>

/* `namespace inbox {`: kind "namespace", title "inbox"; a block without a title has "". */
typedef struct DovecotBlock {
	char *kind;
	char *title;
	unsigned line;
	const struct DovecotBlock *parent; /* NULL: it stands in no other block */
} DovecotBlock;

/* `name = value` */
typedef struct {
	const DovecotBlock *block; /* NULL: in none */
	char *name;
	char *value; /* without quotes */
	unsigned line;
} DovecotSetting;

typedef struct {
	GPtrArray *blocks;   /* DovecotBlock, in the order of the text */
	GPtrArray *settings; /* DovecotSetting, in the order of the text */
	unsigned minor;      /* 3 for Dovecot 2.3, 4 for 2.4; 0: the text does not say */
} DovecotConfig;

/*
 * Read the text. NULL: STATUS_USAGE, and the detail says in which line what doveconf would not
 * print: NULs, a brace too many or too few, more than LIMIT_DOVECOT_..., !include. Caller frees.
 */
DovecotConfig *dovecot_config_parse(const char *text, size_t len, Status *st);
void dovecot_config_free(DovecotConfig *config);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(DovecotConfig, dovecot_config_free)

/*
 * The setting as a person names it: "namespace inbox/mailbox Trash/special_use". Caller frees.
 */
char *dovecot_config_name(const DovecotSetting *setting);

#endif
