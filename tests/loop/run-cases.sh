#!/bin/sh
# SPDX-License-Identifier: MIT
# Every folder below tests/cases/loop is a case: loop-case must print what its `expect` says. TAP on stdout.
: "${top_srcdir:=.}"
program=${LOOP_CASE:-tests/loop/loop-case}
cases=$top_srcdir/tests/cases/loop
got=$(mktemp) || exit 99
trap 'rm -f "$got"' EXIT

set -- "$cases"/*/
[ -d "$1" ] || { echo "Bail out! no cases in $cases"; exit 99; }
echo "1..$#"
n=0
for folder; do
	n=$((n + 1))
	name=$(basename "$folder")
	if timeout 60 "$program" "$folder" >"$got" 2>&1 && diff -u "$folder/expect" "$got" >"$got.diff" 2>&1; then
		echo "ok $n - $name"
	else
		echo "not ok $n - $name"
		[ -s "$got.diff" ] || cp "$got" "$got.diff"
		sed 's/^/# /' "$got.diff"
		echo "# again: $program $folder | diff -u ${folder}expect -"
	fi
	rm -f "$got.diff"
done
