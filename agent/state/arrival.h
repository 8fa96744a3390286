/* SPDX-License-Identifier: MIT */
/*
 * arrival: what makes two tries the same delivery: one message, as it came, for one recipient.
 *
 * The parts are queue id, envelope, length, and the octets of the header as it came: a Received
 * field in it has the time and the id of the host that took the message. Postfix uses queue ids
 * again some day, but not with the same header.
 */
#ifndef TODOKE_ARRIVAL_H
#define TODOKE_ARRIVAL_H

#include "agent/message/envelope.h"
#include "agent/message/message.h"

/*
 * A short name of the arrival: lower-case hexadecimal digits, the same at every try. The message
 * has been read to its end. Caller frees.
 */
char *arrival_key(const Envelope *envelope, const Message *message);

/*
 * Can only a retry come with the same key? True behind a mail server: it named a queue id, or
 * called us as local(8) and LMTP clients do, and somebody wrote a Received field. Else the same
 * message may come again on purpose.
 */
bool arrival_is_certain(const Envelope *envelope, const Message *message);

#endif
