/* compose: what the actions that send mail share: the sender, dates and ids, and submitting within the time that is left. */
#ifndef TODOKE_OUT_H
#define TODOKE_OUT_H

#include "agent/deliver/deliver.h"
#include "agent/send/route.h"
#include "agent/message/mime.h"

/* The address to speak as: the owner's first; NULL: none is known. Borrowed. */
const char *out_speaker(const DeliverRun *run);

/* Somebody whom a setting names. */
typedef enum { OUT_OWNER, OUT_RECIPIENT, OUT_ORIGINAL_RECIPIENT, OUT_POSTMASTER, OUT_SENDER } OutWho;

/*
 * The address of `who`, in the string form; if the door did not give it, the next best: the recipient for the one before aliases, the
 * owner for the recipient. NULL: none is known. Caller frees.
 */
char *out_address_of(const DeliverRun *run, OutWho who);

/* The first of the addresses in a header value ("Name <a@b>"), in the string form; NULL: there is none. Caller frees. */
char *out_first_address(const char *value);

/* The mailboxes of a header value, with their names, as a field has to have them (address_print_header); NULL: none is one. Caller frees. */
char *out_print_addresses(const char *value);

/* Text for people, cut behind `most` characters. It is taken over; caller frees. */
char *out_cut(char *text, gint64 most);

/* Is `address` one of the owner's own, with any detail? */
bool out_is_own(const DeliverRun *run, const char *address);

/* How addresses compare here. */
AddressRules out_rules(const DeliverRun *run);

/* A date for a header (RFC 5322 3.3), in UTC. Caller frees. */
char *out_date(gint64 now);

/*
 * A Message-ID for what the step `key` sends. The same step of the same message has the same one at every try, so that even a copy that
 * went out twice can be recognised. Caller frees.
 */
char *out_message_id(const DeliverRun *run, const char *key);

/* The first field of that name, unfolded and as UTF-8 where it can be decoded; NULL: there is none. Caller frees. */
char *out_field_text(const Headers *headers, const char *name);

/* The first field of that name as it stands, unfolded; NULL: there is none. Caller frees. */
char *out_field_raw(const Headers *headers, const char *name);

/* The header that an action means: as a rule edited it, or as it is stored. Borrowed. */
Headers *out_headers(const DeliverRun *run, const PlanAction *action);

/* The fields as message_write writes them; the body's octets follow. Caller frees. */
GString *out_print_headers(const Message *message, const Headers *headers);

/* Hand over a composed message; no notices about it are wanted. Faults of outmail_send. */
bool out_send_composed(DeliverRun *run, GBytes *message, const char *sender, const char *recipient, Status *st);

/* Hand over `message` with the fields of `headers`; sender, recipient and DSN wishes stand in `mail`, which is used up. */
bool out_send_message(DeliverRun *run, Message *message, const Headers *headers, OutMail *mail, guint64 *ret_bytes, Status *st);

/* Keep a copy of what was sent (RFC 8580), if the rule asked for one. A fault is noted. */
void out_keep_copy(DeliverRun *run, const PlanFcc *fcc, GBytes *message);

#endif
