/* SPDX-License-Identifier: MIT */
/* redis-peer: as much of a Redis server as the state asks for, in a process of its own. */
#ifndef TODOKE_REDIS_PEER_H
#define TODOKE_REDIS_PEER_H

#include <sys/types.h>

/*
 * Begin to listen on dir/redis ("state = redis:DIR/redis"). It keeps what it is told until it ends,
 * and forgets nothing by itself. -> the process.
 */
pid_t redis_peer_begin(const char *dir);
void redis_peer_end(pid_t peer);

/*
 * From now on each command with `part` in it (its words are parted by blanks: "GET
 * todoke:{ann@here.test}:1:...") is answered by `reply` ("-ERR no") in place of what is right, and
 * changes nothing; of several such orders the first that fits counts. NULL: all is right again.
 */
void redis_peer_break(const char *dir, const char *part, const char *reply);

#endif
