#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz targets of recipes over all cases and finds (TAP): files of recipes as they are read and converted, and as they run over
# a mail. Or with --fuzz [parse|run] SECONDS really fuzz (fuzz-lib.sh), without a name both after each other.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
python3 "$top_srcdir/tests/fuzz/seed-mail.py" recipe "$top_srcdir/tests" "$work/seeds" || exit 1

if [ "${1-}" = --fuzz ]; then
	case ${2-} in
		parse) fuzz recipe "${3:-60}" "$work/seeds/parse" -max_len=4096 ;;
		run) fuzz recipe-run "${3:-60}" "$work/seeds/run" -max_len=4096 ;;
		*) fuzz recipe "${2:-60}" "$work/seeds/parse" -max_len=4096 && fuzz recipe-run "${2:-60}" "$work/seeds/run" -max_len=4096 ;;
	esac
	exit
fi

replay_sets recipe "$work/seeds/parse" recipe-run "$work/seeds/run"
