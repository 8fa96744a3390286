# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the scripts of the fuzz targets share; they source it. $work is theirs until they end.
: "${top_srcdir:=.}"
: "${CLANG:=clang}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/new" "$work/seeds"
touch "$work/config.h"
mkdir -p "$work/conf" "$work/agent/base"
awk -f "$top_srcdir/agent/base/list-calls" "$top_srcdir/agent/base/box-call-table.def" >"$work/agent/base/box-call-numbers.h"
awk -f "$top_srcdir/conf/list-choices" "$top_srcdir/conf/conf-table.def" >"$work/conf/conf-choices.h"

# replay PROGRAM FILE...: one TAP line for each file that the target reads.
replay() {
	target=$1
	shift
	echo "1..$#"
	number=0
	for file; do
		number=$((number + 1))
		timeout 60 "$target" "$file" >/dev/null 2>&1 || printf 'not '
		file=${file#"$top_srcdir"/}
		echo "ok $number - ${file#"$work/seeds/"}"
	done
}
