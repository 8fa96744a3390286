#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target of the LMTP session over the transcripts of the cases (TAP), or with --fuzz SECONDS really fuzz, with
# clang and libFuzzer; finds stay in the current folder, new inputs in a temporary one or in $FUZZ_CORPUS.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
python3 "$top_srcdir/tests/fuzz/seed-lmtp.py" "$top_srcdir/tests/cases/lmtp" "$work/seeds" || exit 1

if [ "${1-}" = --fuzz ]; then
	new=${FUZZ_CORPUS:-$work/new}/lmtp
	mkdir -p "$new"
	# shellcheck disable=SC2046 # the flags are words
	built lmtp "$work/fuzz" || $CLANG -std=gnu11 -g -O1 -fsanitize=fuzzer,address,undefined -fno-sanitize-recover=undefined -w -I"$top_srcdir" \
		"$top_srcdir/tests/fuzz/fuzz-lmtp.c" "$top_srcdir/tests/lib/fake-lmtp.c" "$top_srcdir"/agent/lmtp/lmtp-command.c \
		"$top_srcdir"/agent/lmtp/lmtp-data.c "$top_srcdir"/agent/lmtp/lmtp-reply.c "$top_srcdir"/agent/lmtp/lmtp-session.c \
		"$top_srcdir"/agent/message/address.c "$top_srcdir"/agent/message/address-print.c "$top_srcdir"/agent/message/envelope.c "$top_srcdir"/agent/message/headers.c \
		"$top_srcdir"/agent/message/mail-ids.c "$top_srcdir"/agent/message/received.c \
		"$top_srcdir"/agent/base/answer.c "$top_srcdir"/agent/base/status.c "$top_srcdir"/agent/base/outside.c "$top_srcdir"/agent/base/texts.c \
		"$top_srcdir"/agent/base/words.c "$top_srcdir"/agent/base/catalogue.c "$top_srcdir"/agent/base/nearest.c "$top_srcdir"/agent/base/fs.c \
		"$top_srcdir"/agent/base/problem.c -I"$work" -DTODOKE_LOCALE_DIR='"/nowhere"' -DTODOKE_BIN_DIR='"/nowhere"' -pthread \
		$(pkg-config --cflags --libs glib-2.0) -o "$work/fuzz" || exit 1
	printf '"%s"\n' LHLO MAIL 'FROM:<' RCPT 'TO:<' DATA BDAT LAST RSET NOOP VRFY QUIT 'SIZE=' 'BODY=BINARYMIME' SMTPUTF8 'NOTIFY=' \
		'ORCPT=rfc822;' 'RET=HDRS' 'ENVID=' XFORWARD XCLIENT 'IDENT=' 'ADDR=' '\x0d\x0a.\x0d\x0a' >"$work/dict"
	"$work/fuzz" -max_total_time="${2:-60}" -max_len=8192 -timeout=60 -rss_limit_mb=1500 -print_final_stats=1 ${FUZZ_OPTIONS-} \
		-dict="$work/dict" "$new" "$work/seeds"
	exit
fi

replay tests/fuzz/fuzz-lmtp "$work"/seeds/*
