#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target over answers of sources of users and finds (TAP), or with --fuzz SECONDS really fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"

if [ "${1-}" = --fuzz ]; then
	fuzz users "${2:-60}" "$top_srcdir/tests/fuzz/corpus/users" -max_len=4096
	exit
fi

replay users "$top_srcdir"/tests/fuzz/corpus/users/*
