#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target over its corpus (TAP), or with --fuzz SECONDS really fuzz, with clang and libFuzzer; finds stay in
# the current folder, new inputs in a temporary one or in $FUZZ_CORPUS.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
corpus=$top_srcdir/tests/fuzz/corpus/loop

if [ "$1" = --fuzz ]; then
	new=${FUZZ_CORPUS:-$work/new}/loop
	mkdir -p "$new"
	# shellcheck disable=SC2046 # the flags are words
	built loop "$work/fuzz" || $CLANG -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined \
		-DTODOKE_SYSCONFDIR='"/nowhere"' -I"$top_srcdir" -I"$work" "$top_srcdir"/tests/fuzz/fuzz-loop.c "$top_srcdir"/filters/header/header-rule.c \
		"$top_srcdir"/tests/fuzz/fuzz-filter.c "$top_srcdir"/agent/message/address.c "$top_srcdir"/agent/message/envelope.c \
		"$top_srcdir"/agent/message/headers.c "$top_srcdir"/agent/message/loop.c "$top_srcdir"/agent/message/mark.c \
		"$top_srcdir"/agent/message/received.c "$top_srcdir"/agent/base/digest.c "$top_srcdir"/agent/base/fs.c "$top_srcdir"/agent/base/regex.c \
		"$top_srcdir"/agent/base/status.c "$top_srcdir"/agent/base/outside.c $(pkg-config --cflags --libs glib-2.0 gmime-3.0 libpcre2-8 jansson sqlite3) \
		-o "$work/fuzz" || exit 1
	"$work/fuzz" -max_total_time="${2:-60}" -max_len=8192 -timeout=60 -print_final_stats=1 ${FUZZ_OPTIONS-} "$new" "$corpus" \
		"$top_srcdir"/tests/cases/loop/*/
	exit
fi

replay "${FUZZ_LOOP:-tests/fuzz/fuzz-loop}" "$corpus"/* "$top_srcdir"/tests/cases/loop/*/message.eml
