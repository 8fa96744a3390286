#!/bin/sh
# SPDX-License-Identifier: MIT
# Run the fuzz targets of the Sieve engine over all cases and finds (TAP), or with --fuzz [parse|run] SECONDS really fuzz
# (fuzz-lib.sh), without a name both after each other.
# shellcheck source=tests/fuzz/fuzz-lib.sh
. "${top_srcdir:=.}/tests/fuzz/fuzz-lib.sh"
python3 "$top_srcdir/tests/fuzz/seed-mail.py" sieve "$top_srcdir/tests" "$work/seeds" || exit 1

if [ "${1-}" = --fuzz ]; then
	dictionary=-dict=$top_srcdir/tests/fuzz/sieve.dict
	case ${2-} in
		parse | run) fuzz "sieve-$2" "${3:-60}" "$work/seeds/$2" "$dictionary" ;;
		*) fuzz sieve-parse "${2:-60}" "$work/seeds/parse" "$dictionary" && fuzz sieve-run "${2:-60}" "$work/seeds/run" "$dictionary" ;;
	esac
	exit
fi

replay_sets sieve-parse "$work/seeds/parse" sieve-run "$work/seeds/run"
