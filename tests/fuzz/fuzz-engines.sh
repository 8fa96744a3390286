#!/bin/sh
# SPDX-License-Identifier: MIT
# Both engines of Sieve against each other. As a test: some hundred inputs, always the same ones (TAP). With --fuzz SECONDS
# [FIRST]: random inputs from number FIRST on, as long as time is; one that differs stays in the current folder.
: "${top_srcdir:=.}"
: "${TODOKE_PROGRAM_DIR:=$PWD}" # programs start in another folder
export TODOKE_PROGRAM_DIR
test -x "$TODOKE_PROGRAM_DIR/todoke-libsieve" || { echo "1..0 # SKIP built without libsieve"; exit 0; }
exec python3 "$top_srcdir/tests/fuzz/fuzz-engines.py" "$@"
