#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target over answers of sources of users and finds (TAP), or with --fuzz SECONDS really fuzz, with clang and
# libFuzzer; finds stay in the current folder, new inputs in a temporary one.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"

if [ "$1" = --fuzz ]; then
	cp "$top_srcdir"/tests/fuzz/corpus/users/* "$work/seeds"
	mkdir "$work/filters" # libsieve is not a part of this
	printf 'FILTER(sieve)\nFILTER(recipe)\n' >"$work/filters/filter-table.def"
	# shellcheck disable=SC2046,SC2010 # the flags are words
	$CLANG -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -w \
		-DTODOKE_SYSCONFDIR='"/nowhere"' -DTODOKE_MODULE_DIR='"/nowhere"' -DTODOKE_LOCALE_DIR='"/nowhere"' -DTODOKE_BIN_DIR='"/nowhere"' -DTODOKE_PROGRAM_DIR='"/nowhere"' \
		-DPACKAGE_VERSION='"0"' \
		-I"$work" -I"$top_srcdir" \
		"$top_srcdir"/tests/fuzz/fuzz-users.c "$top_srcdir"/filters/filter.c "$top_srcdir"/filters/header/*.c \
		"$top_srcdir"/filters/recipe/*/*.c "$top_srcdir"/filters/sieve/*/*.c "$top_srcdir"/filters/foreign/*.c \
		$(ls "$top_srcdir"/agent/run/*.c | grep -v -e '-module\.c$' -e account-source-dovecot) \
		$(ls "$top_srcdir"/agent/state/*.c "$top_srcdir"/agent/send/*.c | grep -v -e '-module\.c$' -e submit-talk -e redis-tls) \
		"$top_srcdir"/agent/deliver/*.c "$top_srcdir"/agent/exec/*.c "$top_srcdir"/agent/store/*.c \
		$(grep -L gmime-extra "$top_srcdir"/agent/message/*.c | grep -v mime-params) \
		"$top_srcdir"/agent/plan/*.c $(ls "$top_srcdir"/agent/base/*.c | grep -v postgresql-wait) "$top_srcdir"/conf/*.c \
		$(pkg-config --cflags --libs glib-2.0 libpcre2-8 jansson sqlite3) -ldl -lm -o "$work/fuzz" || exit 1
	"$work/fuzz" -max_total_time="${2:-60}" -max_len=4096 -timeout=60 -rss_limit_mb=1500 -print_final_stats=1 \
		${FUZZ_OPTIONS-} "$work/new" "$work/seeds"
	exit
fi

replay "${FUZZ_USERS:-tests/fuzz/fuzz-users}" "$top_srcdir"/tests/fuzz/corpus/users/*
