#!/bin/sh
# SPDX-License-Identifier: MIT
# Run recipes over mail: the fuzz target over all cases and finds (TAP), or with --fuzz SECONDS really fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
python3 "$top_srcdir/tests/fuzz/seed-mail.py" recipe "$top_srcdir/tests" "$work/seeds" || exit 1

if [ "${1-}" = --fuzz ]; then
	fuzz recipe-run "${2:-60}" "$work/seeds" -max_len=4096
	exit
fi

replay_sets recipe-run "$work/seeds"
