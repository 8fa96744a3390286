#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz target of the LMTP session over the transcripts of the cases (TAP), or with --fuzz SECONDS really fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
python3 "$top_srcdir/tests/fuzz/seed-lmtp.py" "$top_srcdir/tests/cases/lmtp" "$work/seeds" || exit 1

if [ "${1-}" = --fuzz ]; then
	printf '"%s"\n' LHLO MAIL 'FROM:<' RCPT 'TO:<' DATA BDAT LAST RSET NOOP VRFY QUIT 'SIZE=' 'BODY=BINARYMIME' SMTPUTF8 'NOTIFY=' \
		'ORCPT=rfc822;' 'RET=HDRS' 'ENVID=' XFORWARD XCLIENT 'IDENT=' 'ADDR=' '\x0d\x0a.\x0d\x0a' >"$work/dict"
	fuzz lmtp "${2:-60}" "$work/seeds" -dict="$work/dict"
	exit
fi

replay lmtp "$work"/seeds/*
