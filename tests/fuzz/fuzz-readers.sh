#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz targets of our small readers over their corpora (TAP): todoke.conf (conf), files that owners and IMAP servers write
# (files), the answers of an SMTP server (talk), bounces and log lines for `todoke code` (code). Or with --fuzz [TARGET] SECONDS really
# fuzz (fuzz-lib.sh).
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
targets='conf files talk code'

for target in $targets; do
	mkdir "$work/seeds/$target"
	cp "$top_srcdir/tests/fuzz/corpus/$target"/* "$work/seeds/$target" || exit 1
done
cp "$top_srcdir/conf/todoke.conf" "$work/seeds/conf"

if [ "${1-}" = --fuzz ]; then
	case " $targets " in
		*" ${2-} "*) fuzz "$2" "${3:-60}" "$work/seeds/$2" ;;
		*) for name in $targets; do fuzz "$name" "${2:-60}" "$work/seeds/$name" || exit 1; done ;;
	esac
	exit
fi

replay_sets conf "$work/seeds/conf" files "$work/seeds/files" talk "$work/seeds/talk" code "$work/seeds/code"
