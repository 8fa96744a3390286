/* SPDX-License-Identifier: MIT */
/*
 * convert-dovecot: what `doveconf -n` printed as a todoke.conf that delivers to the same places.
 * Each setting has a comment with the line that it came from. Dovecot's defaults that differ from
 * ours are written out.
 */
#ifndef TODOKE_CONVERT_DOVECOT_H
#define TODOKE_CONVERT_DOVECOT_H

#include "agent/cmd/convert-settings.h"
#include "agent/cmd/dovecot-config.h"

/*
 * The configuration as settings. What is about other things than delivery is passed over; each
 * other setting is converted or lost. Looks whether folders of scripts and accounts exist on this
 * host. Caller frees.
 */
ConvertSettings *convert_dovecot(const DovecotConfig *config);

#endif
