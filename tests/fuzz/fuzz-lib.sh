# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the scripts of the fuzz targets share; they source it. $work is theirs until they end, or what FUZZ_WORK names: an empty
# folder, in which seeds and programs stay.
: "${top_srcdir:=.}"
: "${CLANG:=clang}"
work=${FUZZ_WORK-}
if [ -z "$work" ]; then
	work=$(mktemp -d) || exit 1
	trap 'rm -rf "$work"' EXIT
fi
mkdir "$work/new" "$work/seeds" || exit 1
touch "$work/config.h"
mkdir -p "$work/conf" "$work/agent/base"
awk -f "$top_srcdir/agent/base/list-calls" "$top_srcdir/agent/base/box-call-table.def" >"$work/agent/base/box-call-numbers.h"
awk -f "$top_srcdir/conf/list-choices" "$top_srcdir/conf/conf-table.def" >"$work/conf/conf-choices.h"

# built NAME PROGRAM: PROGRAM is the one of build.sh; false where FUZZ_PROGRAMS does not say where those are.
built() {
	[ -n "${FUZZ_PROGRAMS-}" ] || return 1
	ln -sf "$FUZZ_PROGRAMS/todoke-mime.so" "$work" && ln -s "$FUZZ_PROGRAMS/fuzz-$1" "$2" || exit 1
}

# replay PROGRAM FILE...: one TAP line for each file that the target reads, and a plan for `extra` more.
replay() {
	target=$1
	shift
	echo "1..$(($# + ${extra:-0}))"
	number=0
	for file; do
		number=$((number + 1))
		timeout 60 "$target" "$file" >/dev/null 2>&1 || printf 'not '
		file=${file#"$top_srcdir"/}
		echo "ok $number - ${file#"$work/seeds/"}"
	done
}

# replay_all NUMBER NAME PROGRAM FILE...: one TAP line for all of them, which one process reads.
replay_all() {
	number=$1 name=$2 target=$3
	shift 3
	if timeout 300 "$target" "$@" >"$work/log" 2>&1; then
		echo "ok $number - $name, $# seeds"
	else
		echo "not ok $number - $name"
		sed 's/^/# /' "$work/log"
	fi
}
