#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target of the parsed view over its corpus and the messages of all cases (TAP), or with --fuzz SECONDS really
# fuzz, with clang and libFuzzer; finds stay in the current folder, new inputs in a temporary one or in $FUZZ_CORPUS.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
number=0
find "$top_srcdir/tests/cases" "$top_srcdir/tests/fuzz/corpus/mime" -name '*.eml' >"$work/messages"
while read -r message; do
	number=$((number + 1))
	cp "$message" "$work/seeds/$number.eml"
done <"$work/messages"

# The module is instrumented too: most of what can go wrong is in it.
build() {
	from=$top_srcdir
	set -- -std=gnu11 -g -O1 -I"$top_srcdir" -fsanitize=address,undefined -fno-sanitize-recover=undefined \
		-DTODOKE_MODULE_DIR='"/nowhere"' -DTODOKE_LOCALE_DIR='"/nowhere"' -DTODOKE_BIN_DIR='"/nowhere"' -DTODOKE_PROGRAM_DIR='"/nowhere"'
	# shellcheck disable=SC2046 # the flags are words
	$CLANG "$@" -fsanitize=fuzzer-no-link -fPIC -shared -o "$work/todoke-mime.so" "$from"/agent/message/mime-module.c \
		"$from"/agent/message/mime-charset.c "$from"/agent/message/mime-compose.c "$from"/agent/message/mime-meaning.c "$from"/agent/message/mime-params.c \
		"$from"/agent/message/mime-words.c $(pkg-config --cflags --libs gmime-3.0) || exit 1
	# There is no other program that could take over.
	printf 'void handover_go(const char *why);\nvoid handover_go(const char *why) { (void) why; }\n' >"$work/handover.c"
	# shellcheck disable=SC2046
	$CLANG "$@" -fsanitize=fuzzer -o "$work/fuzz-mime" "$work/handover.c" "$from"/tests/fuzz/fuzz-mime.c "$from"/agent/message/address.c \
		"$from"/agent/message/address-list.c "$from"/agent/message/body-print.c \
		"$from"/agent/message/headers.c "$from"/agent/message/html-text.c "$from"/agent/message/message.c \
		"$from"/agent/message/mime.c "$from"/agent/message/line-count.c "$from"/agent/message/mime-load.c "$from"/agent/message/mime-plain.c "$from"/agent/message/mime-words.c "$from"/agent/message/mime-tree.c \
		"$from"/agent/base/digest.c "$from"/agent/base/fs.c "$from"/agent/base/module.c "$from"/agent/base/status.c "$from"/agent/base/outside.c \
		$(pkg-config --cflags --libs glib-2.0) -ldl || exit 1
}

if [ "$1" = --fuzz ]; then
	new=${FUZZ_CORPUS:-$work/new}/mime
	mkdir -p "$new"
	seconds=${2:-60}
	built mime "$work/fuzz-mime" || build
	TODOKE_MODULE_DIR=$work "$work/fuzz-mime" -max_total_time="$seconds" -max_len=20000 -timeout=60 -rss_limit_mb=1000 \
		-print_final_stats=1 ${FUZZ_OPTIONS-} "$new" "$work/seeds"
	exit
fi

echo 1..1
if timeout 300 tests/fuzz/fuzz-mime "$work/seeds"/* >"$work/log" 2>&1; then
	echo "ok 1 - $number messages"
else
	echo "not ok 1 - one of $number messages"
	sed 's/^/# /' "$work/log"
fi
