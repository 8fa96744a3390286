#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target over the rc files of the cases and finds (TAP), or with --fuzz SECONDS really fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"

if [ "${1-}" = --fuzz ]; then
	number=0
	for file in "$top_srcdir"/tests/cases/recipe/*/rc "$top_srcdir"/tests/diff/corpus/* "$top_srcdir"/tests/fuzz/corpus/recipe/*; do
		number=$((number + 1))
		cp "$file" "$work/seeds/$number"
	done
	fuzz recipe "${2:-60}" "$work/seeds" -max_len=4096
	exit
fi

replay recipe "$top_srcdir"/tests/cases/recipe/*/rc "$top_srcdir"/tests/diff/corpus/* \
	"$top_srcdir"/tests/fuzz/corpus/recipe/*
