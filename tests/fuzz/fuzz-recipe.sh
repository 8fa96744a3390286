#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz targets of recipes over the cases and finds (TAP), or with --fuzz [run] SECONDS really fuzz, with clang and
# libFuzzer: files of recipes as they are read and converted, or with `run` as they run over a mail. Finds stay in the current
# folder, new inputs in a temporary one or in $FUZZ_CORPUS.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"

mkdir "$work/parse" "$work/run"
python3 "$top_srcdir/tests/fuzz/seed-cases.py" "$top_srcdir/tests/cases/recipe" rc "$work" || exit 1
for file in "$top_srcdir"/tests/fuzz/corpus/recipe-run/*; do
	[ ! -f "$file" ] || cp "$file" "$work/run"
done

if [ "$1" = --fuzz ]; then
	target=recipe
	if [ "$2" = run ]; then
		target=recipe-run
		shift
	fi
	if [ $target = recipe-run ]; then
		cp "$work"/run/* "$work/seeds"
	else
		cp "$work"/parse/* "$work/seeds"
		cp "$top_srcdir"/tests/diff/corpus/* "$top_srcdir"/tests/fuzz/corpus/recipe/* "$work/seeds"
	fi
	mkdir "$work/filters" # libsieve is not a part of this
	printf 'FILTER(sieve)\nFILTER(recipe)\n' >"$work/filters/filter-table.def"
	new=${FUZZ_CORPUS:-$work/new}/$target
	mkdir -p "$new"
	# shellcheck disable=SC2046,SC2010 # the flags are words
	built $target "$work/fuzz" || $CLANG -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -w \
		-DTODOKE_SYSCONFDIR='"/nowhere"' -DTODOKE_MODULE_DIR='"/nowhere"' -DTODOKE_LOCALE_DIR='"/nowhere"' -DTODOKE_BIN_DIR='"/nowhere"' -DTODOKE_PROGRAM_DIR='"/nowhere"' \
		-DPACKAGE_VERSION='"0"' \
		-I"$work" -I"$top_srcdir" \
		"$top_srcdir/tests/fuzz/fuzz-$target.c" "$top_srcdir"/filters/filter.c "$top_srcdir"/filters/recipe/*/*.c "$top_srcdir"/filters/sieve/*/*.c "$top_srcdir"/filters/header/*.c \
		$(grep -L gmime-extra "$top_srcdir"/agent/message/*.c | grep -v mime-params) \
		"$top_srcdir"/agent/plan/*.c $(grep -L postgresql-wait.h "$top_srcdir"/agent/base/*.c) "$top_srcdir"/conf/*.c \
		$(pkg-config --cflags --libs glib-2.0 libpcre2-8 jansson sqlite3) -ldl -lm -o "$work/fuzz" || exit 1
	"$work/fuzz" -max_total_time="${2:-60}" -max_len=4096 -timeout=60 -rss_limit_mb=1500 -print_final_stats=1 \
		${FUZZ_OPTIONS-} "$new" "$work/seeds"
	exit
fi

extra=1
replay "${FUZZ_RECIPE:-tests/fuzz/fuzz-recipe}" "$top_srcdir"/tests/cases/recipe/*/rc "$top_srcdir"/tests/diff/corpus/* \
	"$top_srcdir"/tests/fuzz/corpus/recipe/*

replay_all $((number + 1)) "recipes run over mail" "${FUZZ_RECIPE_RUN:-tests/fuzz/fuzz-recipe-run}" "$work/run"/*
