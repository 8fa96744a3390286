#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz targets of our small readers over their corpora (TAP): todoke.conf (conf), files that owners and IMAP servers write
# (files), the answers of an SMTP server (talk), bounces and log lines for `todoke code` (code). Or with --fuzz [TARGET] SECONDS really
# fuzz, with clang and libFuzzer; finds stay in the current folder, new inputs in a temporary one, or below $FUZZ_CORPUS.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
targets='conf files talk code'

for target in $targets; do
	mkdir "$work/seeds/$target"
	cp "$top_srcdir/tests/fuzz/corpus/$target"/* "$work/seeds/$target" || exit 1
done
cp "$top_srcdir/conf/todoke.conf" "$work/seeds/conf"

# The sources are compiled once for all targets.
build() {
	mkdir "$work/objects"
	top=$(cd "$top_srcdir" && pwd)
	# shellcheck disable=SC2046 # the flags are words
	set -- -std=gnu11 -g -O1 -fsanitize=address,undefined -fno-sanitize-recover=undefined -w -I"$work" -I"$top" \
		-DTODOKE_SYSCONFDIR='"/nowhere"' -DTODOKE_MODULE_DIR='"/nowhere"' -DTODOKE_LOCALE_DIR='"/nowhere"' \
		-DTODOKE_BIN_DIR='"/nowhere"' -DTODOKE_PROGRAM_DIR='"/nowhere"' \
		$(pkg-config --cflags glib-2.0 libpcre2-8 jansson sqlite3)
	# There is no other program that could take over.
	printf 'void handover_go(const char *why);\nvoid handover_go(const char *why) { (void) why; }\n' >"$work/handover.c"
	# shellcheck disable=SC2046,SC2010
	(cd "$work/objects" && $CLANG "$@" -fsanitize=fuzzer-no-link -c "$work/handover.c" $(
		ls "$top"/agent/base/*.c | grep -vE '/(handover|postgresql-wait|box)\.c$'
		ls "$top"/conf/*.c "$top"/agent/store/*.c "$top"/agent/cmd/code-*.c "$top"/agent/send/submit-talk.c
		ls "$top"/agent/state/*.c | grep -v -e '-module\.c$' -e redis-tls
		grep -L gmime-extra "$top"/agent/message/*.c | grep -v mime-params
	)) || exit 1
	for target in $targets; do
		# shellcheck disable=SC2046
		$CLANG "$@" -fsanitize=fuzzer "$top/tests/fuzz/fuzz-$target.c" "$work"/objects/*.o \
			$(pkg-config --libs glib-2.0 libpcre2-8 jansson sqlite3) -ldl -lm -o "$work/fuzz-$target" || exit 1
	done
}

# fuzz TARGET SECONDS
fuzz() {
	new=${FUZZ_CORPUS:-$work/new}/$1
	mkdir -p "$new"
	"$work/fuzz-$1" -max_total_time="$2" -max_len=8192 -timeout=60 -rss_limit_mb=1500 -print_final_stats=1 \
		${FUZZ_OPTIONS-} "$new" "$work/seeds/$1"
}

if [ "${1-}" = --fuzz ]; then
	build
	case " $targets " in
		*" ${2-} "*) fuzz "$2" "${3:-60}" ;;
		*) for target in $targets; do fuzz "$target" "${2:-60}" || exit 1; done ;;
	esac
	exit
fi

set -- $targets
echo "1..$#"
number=0
for target; do
	number=$((number + 1))
	if timeout 300 "tests/fuzz/fuzz-$target" "$work/seeds/$target"/* >"$work/log" 2>&1; then
		echo "ok $number - $target, $(find "$work/seeds/$target" -type f | wc -l) seeds"
	else
		echo "not ok $number - $target"
		sed 's/^/# /' "$work/log"
	fi
done
