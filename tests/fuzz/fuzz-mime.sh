#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target of the parsed view over its corpus and the messages of all cases (TAP), or with --fuzz SECONDS really fuzz
# (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
python3 "$top_srcdir/tests/fuzz/seed-mail.py" mime "$top_srcdir/tests" "$work/seeds" || exit 1

if [ "${1-}" = --fuzz ]; then
	fuzz mime "${2:-60}" "$work/seeds" -max_len=20000
	exit
fi

replay mime "$work"/seeds/*
