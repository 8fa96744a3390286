#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target over its corpus (TAP), or with --fuzz SECONDS really fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
corpus=$top_srcdir/tests/fuzz/corpus/loop

if [ "${1-}" = --fuzz ]; then
	number=0
	for message in "$top_srcdir"/tests/cases/loop/*/message.eml "$corpus"/*; do
		number=$((number + 1))
		cp "$message" "$work/seeds/$number"
	done
	fuzz loop "${2:-60}" "$work/seeds"
	exit
fi

replay loop "$corpus"/* "$top_srcdir"/tests/cases/loop/*/message.eml
