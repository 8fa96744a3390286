#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target over rules of maildrop and fdm and finds (TAP), or with --fuzz SECONDS really fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"

if [ "${1-}" = --fuzz ]; then
	fuzz foreign "${2:-60}" "$top_srcdir/tests/fuzz/corpus/foreign" -max_len=4096
	exit
fi

replay foreign "$top_srcdir"/tests/fuzz/corpus/foreign/*
