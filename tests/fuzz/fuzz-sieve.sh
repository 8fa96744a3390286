#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz targets of the Sieve engine over all cases and finds (TAP), or with --fuzz [parse|run] SECONDS really fuzz, with
# clang and libFuzzer, without a name both after each other; finds stay in the current folder, new inputs in a temporary one
# or in $FUZZ_CORPUS.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
mkdir "$work/parse" "$work/run"

# Each case is a seed: its script, and for `run` its message behind a mark.
python3 "$top_srcdir/tests/fuzz/seed-cases.py" "$top_srcdir/tests/cases/sieve" script.sieve "$work" || exit 1
for find in "$top_srcdir"/tests/fuzz/corpus/sieve/*; do
	name=${find##*/}
	cp "$find" "$work/${name%%-*}/$name"
done
# What the fuzzer found that goes where no case goes, the least set of it: names are hashes of the contents.
cp "$top_srcdir"/tests/fuzz/corpus/sieve-parse/* "$work/parse"
cp "$top_srcdir"/tests/fuzz/corpus/sieve-run/* "$work/run"

# The module of the parsed view is instrumented, too: most of what can go wrong in a message is in it.
build() {
	built sieve-parse "$work/fuzz-parse" && built sieve-run "$work/fuzz-run" && return
	set -- -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -w -I"$top_srcdir" -I"$work" \
		-DTODOKE_SYSCONFDIR='"/nowhere"' -DTODOKE_MODULE_DIR='"/nowhere"' -DTODOKE_LOCALE_DIR='"/nowhere"' -DTODOKE_BIN_DIR='"/nowhere"' -DTODOKE_PROGRAM_DIR='"/nowhere"' \
		-DPACKAGE_VERSION='"0"'
	# shellcheck disable=SC2046 # the flags are words
	$CLANG "$@" -fsanitize=fuzzer-no-link -fPIC -shared -o "$work/todoke-mime.so" "$top_srcdir"/agent/message/mime-module.c \
		"$top_srcdir"/agent/message/mime-charset.c "$top_srcdir"/agent/message/mime-compose.c \
		"$top_srcdir"/agent/message/mime-meaning.c "$top_srcdir"/agent/message/mime-params.c "$top_srcdir"/agent/message/mime-words.c \
		$(pkg-config --cflags --libs gmime-3.0) || exit 1
	printf 'FILTER(sieve)\n' >"$work/engines.def"
	sed 's|filters/filter-table.def|engines.def|' "$top_srcdir/filters/filter.c" >"$work/filter.c"
	for target in parse run; do
		# shellcheck disable=SC2046
		$CLANG "$@" -fsanitize=fuzzer "$top_srcdir/tests/fuzz/fuzz-sieve-$target.c" "$top_srcdir"/tests/lib/sieve-world.c \
			"$work/filter.c" "$top_srcdir"/filters/sieve/*/*.c "$top_srcdir"/filters/header/*.c \
			$(grep -L gmime-extra "$top_srcdir"/agent/message/*.c | grep -v mime-params) \
			"$top_srcdir"/agent/plan/*.c $(grep -L postgresql-wait.h "$top_srcdir"/agent/base/*.c) "$top_srcdir"/conf/*.c \
			$(pkg-config --cflags --libs glib-2.0 libpcre2-8 jansson sqlite3) -ldl -o "$work/fuzz-$target" || exit 1
	done
}

# fuzz TARGET SECONDS
fuzz() {
	new=${FUZZ_CORPUS:-$work/new}/$1
	mkdir -p "$new"
	TODOKE_MODULE_DIR=$work "$work/fuzz-$1" -max_total_time="$2" -max_len=8192 -timeout=60 -rss_limit_mb=1500 \
		-print_final_stats=1 ${FUZZ_OPTIONS-} -dict="$top_srcdir/tests/fuzz/sieve.dict" "$new" "$work/$1"
}

if [ "$1" = --fuzz ]; then
	build
	case $2 in
		parse | run) fuzz "$2" "${3:-60}" ;;
		*) fuzz parse "${2:-60}" && fuzz run "${2:-60}" ;;
	esac
	exit
fi

echo 1..2
number=0
for target in parse run; do
	number=$((number + 1))
	if timeout 300 "tests/fuzz/fuzz-sieve-$target" "$work/$target"/* >"$work/log" 2>&1; then
		echo "ok $number - $target, $(find "$work/$target" -type f | wc -l) seeds"
		continue
	fi
	echo "not ok $number - $target"
	sed 's/^/# /' "$work/log"
	for file in "$work/$target"/*; do
		timeout 60 "tests/fuzz/fuzz-sieve-$target" "$file" >/dev/null 2>&1 || echo "# $(basename "$file")"
	done
done
