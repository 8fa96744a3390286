/* state-copy: the state of an owner for who only looks: nothing of it is opened, locked or written. */
#ifndef TODOKE_STATE_COPY_H
#define TODOKE_STATE_COPY_H

#include "agent/base/status.h"

/*
 * Copy what the file `name` and its log say in `folder` to the folder `to`, as it is between two writes. Where there is none, there
 * will be none. False: it cannot be read, or has more than LIMIT_STATE_COPY octets; whatever is in `to` then is no state.
 */
bool state_copy(const char *folder, const char *name, const char *to, Status *st);

#endif
