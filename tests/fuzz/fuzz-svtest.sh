#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target of rule tests over those of tests/svtest and finds (TAP), or with --fuzz SECONDS really fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
mkdir "$work/seeds/svtest"
cp "$top_srcdir"/tests/svtest/good/*.svtest "$top_srcdir"/tests/fuzz/corpus/svtest/* "$work/seeds/svtest" || exit 1

if [ "${1-}" = --fuzz ]; then
	fuzz svtest "${2:-60}" "$work/seeds/svtest" -dict="$top_srcdir/tests/fuzz/sieve.dict"
	exit
fi

replay svtest "$work"/seeds/svtest/*
