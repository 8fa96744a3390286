#!/bin/sh
# SPDX-License-Identifier: MIT
# Build the fuzz targets with clang and libFuzzer, each source once:
#
#     sh tests/fuzz/build.sh FOLDER      FOLDER/fuzz-NAME, and the module of the parsed view beside them
#     FUZZ_PROGRAMS=FOLDER sh tests/fuzz/fuzz-NAME.sh --fuzz SECONDS
#
# The scripts build what they need by themselves where FUZZ_PROGRAMS is not set; for all of them this is five times as fast. FUZZ_FLAGS
# are the sanitizers (or, for coverage.sh, counters), JOBS how many files are compiled at once.
set -e
: "${CLANG:=clang}"
: "${JOBS:=2}"
: "${FUZZ_FLAGS=-fsanitize=address,undefined -fno-sanitize-recover=undefined}"
mkdir -p "$1"
out=$(cd "$1" && pwd)
top=$(cd "${top_srcdir:-$(dirname "$0")/../..}" && pwd)

mkdir -p "$out/made/conf" "$out/made/agent/base" "$out/made/filters" "$out/objects"
touch "$out/made/config.h"
awk -f "$top/agent/base/list-calls" "$top/agent/base/box-call-table.def" >"$out/made/agent/base/box-call-numbers.h"
awk -f "$top/conf/list-choices" "$top/conf/conf-table.def" >"$out/made/conf/conf-choices.h"
printf 'FILTER(sieve)\nFILTER(recipe)\n' >"$out/made/filters/filter-table.def" # libsieve is not a part of this
# There is no other program that could take over.
printf 'void handover_go(const char *why);\nvoid handover_go(const char *why) { (void) why; }\n' >"$out/made/no-handover.c"

libraries='glib-2.0 libpcre2-8 jansson sqlite3'
# shellcheck disable=SC2086 # the libraries are words
cat >"$out/flags" <<END
-std=gnu11 -g -O1 -w $FUZZ_FLAGS -I"$out/made" -I"$top" -DPACKAGE_VERSION=\\"0\\"
-DTODOKE_SYSCONFDIR=\\"/nowhere\\" -DTODOKE_MODULE_DIR=\\"/nowhere\\" -DTODOKE_LOCALE_DIR=\\"/nowhere\\"
-DTODOKE_BIN_DIR=\\"/nowhere\\" -DTODOKE_PROGRAM_DIR=\\"/nowhere\\"
$(pkg-config --cflags $libraries)
END

# Modules have files of their own, and so have programs.
sources() {
	cd "$top"
	find agent/base agent/message agent/plan agent/store agent/state agent/exec agent/send agent/deliver agent/run agent/lmtp \
		conf filters/filter.c filters/header filters/sieve filters/recipe filters/foreign -name '*.c' |
		grep -vE -e '-module\.c$|/handover\.c$|account-source-dovecot|postgresql-wait' | while read -r file; do
		grep -q gmime-extra "$file" || echo "$file"
	done
	ls agent/cmd/code-*.c tests/lib/fake-lmtp.c tests/lib/sieve-world.c
	find tests/fuzz -name 'fuzz-*.c' ! -name fuzz-main.c ! -name fuzz-engines.c
}

sources >"$out/sources"
# An object that is newer than its source is kept: FOLDER may be used again.
# shellcheck disable=SC2016 # another shell expands it
tr '\n' '\0' <"$out/sources" | OUT=$out TOP=$top CLANG=$CLANG xargs -0 -P "$JOBS" -n 1 sh -c '
	object=$OUT/objects/$(printf "%s" "${1%.c}" | tr / _).o
	[ "$object" -nt "$TOP/$1" ] || exec $CLANG "@$OUT/flags" -fsanitize=fuzzer-no-link -c "$TOP/$1" -o "$object"' sh

rm -f "$out/all.a"
find "$out/objects" -name '*.o' ! -name 'tests_fuzz_*' -exec ar rcs "$out/all.a" {} +
ar rs "$out/all.a" "$out/objects/tests_fuzz_fuzz-filter.o" 2>"$out/log"
# shellcheck disable=SC2046
$CLANG "@$out/flags" -fsanitize=fuzzer-no-link -fPIC -shared -o "$out/todoke-mime.so" "$top"/agent/message/mime-module.c "$top"/agent/message/mime-charset.c \
	"$top"/agent/message/mime-compose.c "$top"/agent/message/mime-meaning.c "$top"/agent/message/mime-params.c \
	"$top"/agent/message/mime-words.c $(pkg-config --cflags --libs gmime-3.0)

for target in "$out"/objects/tests_fuzz_fuzz-*.o; do
	name=${target##*/tests_fuzz_}
	name=${name%.o}
	[ "$name" = fuzz-filter ] && continue
	# shellcheck disable=SC2046,SC2086
	$CLANG "@$out/flags" -fsanitize=fuzzer "$out/made/no-handover.c" "$target" "$out/all.a" $(pkg-config --libs $libraries) -ldl -lm -pthread -o "$out/$name"
done
