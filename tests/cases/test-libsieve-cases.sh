#!/bin/sh
# SPDX-License-Identifier: MIT
# Cases of libsieve as the engine: its bugs, what is refused, what our own engine decides. One TAP line each.
test -x "${TODOKE_PROGRAM_DIR:=.}/todoke-libsieve" || { echo "1..0 # SKIP built without libsieve"; exit 0; }
exec ./tests/lib/sieve-case --tap "${top_srcdir:-.}/tests/cases/libsieve"
