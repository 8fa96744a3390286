#!/bin/sh
# Run the fuzz targets of the Sieve engine over all cases and finds (TAP), or with --fuzz parse|run SECONDS really fuzz, with
# clang and libFuzzer; finds stay in the current folder, new inputs in a temporary one.
: "${top_srcdir:=.}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/seeds" "$work/new"

# Each case is a seed: its script, and for `run` its message behind a mark.
for folder in "$top_srcdir"/tests/cases/sieve/*/; do
	name=$(basename "$folder")
	message=$folder/message.eml
	test -f "$message" || message=$top_srcdir/tests/cases/sieve/message.eml
	cp "$folder/script.sieve" "$work/seeds/parse-$name"
	{ cat "$folder/script.sieve"; printf '\n%%%%\n'; cat "$message"; } >"$work/seeds/run-$name"
done
cp "$top_srcdir"/tests/fuzz/corpus/sieve/* "$work/seeds/" 2>/dev/null

if [ "$1" = --fuzz ]; then
	: "${CLANG:=clang-14}"
	touch "$work/config.h"
	# shellcheck disable=SC2046,SC2086 # the flags are words
	$CLANG -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -w \
		-DTODOKE_SYSCONFDIR='"/nowhere"' -DTODOKE_MODULE_DIR='"/nowhere"' -I"$top_srcdir" -I"$work" \
		"$top_srcdir/tests/fuzz/fuzz-sieve-$2.c" "$top_srcdir"/tests/lib/sieve-world.c "$top_srcdir"/filters/filter.c \
		"$top_srcdir"/filters/*/*.c $(ls "$top_srcdir"/agent/message/*.c | grep -v -e mime-charset -e mime-compose -e mime-module) \
		"$top_srcdir"/agent/plan/*.c "$top_srcdir"/agent/base/*.c "$top_srcdir"/conf/*.c \
		$(pkg-config --cflags --libs glib-2.0 libpcre2-8 jansson libconfuse sqlite3) -ldl -o "$work/fuzz" || exit 1
	"$work/fuzz" -max_total_time="${3:-60}" -max_len=8192 -timeout=10 -rss_limit_mb=1500 -print_final_stats=1 \
		-dict="$top_srcdir/tests/fuzz/sieve.dict" "$work/new" "$work/seeds"
	exit
fi

set -- "$work"/seeds/*
echo "1..$#"
n=0
for file; do
	n=$((n + 1))
	target=$(basename "$file" | sed 's/-.*//')
	timeout 20 "tests/fuzz/fuzz-sieve-$target" "$file" >/dev/null 2>&1 || printf 'not '
	echo "ok $n - $(basename "$file")"
done
