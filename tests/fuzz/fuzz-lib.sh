# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# What the scripts of the fuzz targets share; they source it. $work is theirs until they end.
: "${top_srcdir:=.}"
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
mkdir "$work/new" "$work/seeds"

# build_fuzzers: all targets with clang, libFuzzer and sanitizers, once for all scripts, in $FUZZ_BUILD or fuzz-build in the current
# folder; what changed since is built again. The modules are instrumented too: most of what can go wrong in a message is in one.
build_fuzzers() {
	: "${FUZZ_BUILD:=$PWD/fuzz-build}"
	mkdir -p "$FUZZ_BUILD" || exit 1
	top=$(cd "$top_srcdir" && pwd)
	(
		flock 9 # several scripts may be started at once
		cd "$FUZZ_BUILD" || exit 1
		[ -e config.status ] || "$top/configure" -q --enable-fuzzing CC="${CLANG:-clang}" CFLAGS='-g -O1 -w' || { rm -f config.status; exit 1; }
		make -s -j"$(getconf _NPROCESSORS_ONLN)" fuzz-programs
	) 9>"$FUZZ_BUILD/lock" >"$work/build.log" 2>&1 </dev/null || { tail -n 40 "$work/build.log"; exit 1; }
}

# fuzz TARGET SECONDS SEEDS [OPTION...]: what is found stays in the current folder, new inputs in a temporary one or in $FUZZ_CORPUS.
fuzz() {
	target=$1
	seconds=$2
	seeds=$3
	shift 3
	build_fuzzers
	new=${FUZZ_CORPUS:-$work/new}/$target
	mkdir -p "$new"
	TODOKE_MODULE_DIR=$FUZZ_BUILD/.libs "$FUZZ_BUILD/tests/fuzz/fuzz-$target" -max_total_time="$seconds" -max_len=8192 -timeout=60 \
		-rss_limit_mb=1500 -print_final_stats=1 "$@" ${FUZZ_OPTIONS-} "$new" "$seeds"
}

# at_once TARGET FILE...: true if the target reads them all, in one process; else $work/log has what it said.
at_once() {
	target=$1
	shift
	timeout 300 "tests/fuzz/fuzz-$target" "$@" >"$work/log" 2>&1
}

# replay TARGET FILE...: one TAP line for each file that the target reads. Only where one process cannot read them all does each get
# its own.
replay() {
	target=$1
	shift
	number=0
	bad=0
	at_once "$target" "$@" || bad=1
	[ "$bad" -eq 0 ] || sed 's/^/# /' "$work/log"
	for file; do
		number=$((number + 1))
		[ "$bad" -eq 0 ] || at_once "$target" "$file" || { bad=2; printf 'not '; }
		file=${file#"$top_srcdir"/}
		echo "ok $number - ${file#"$work/seeds/"}"
	done
	[ "$bad" -ne 1 ] || { number=$((number + 1)); echo "not ok $number - all in one process"; }
	echo "1..$number"
}

# replay_sets TARGET FOLDER...: one TAP line for each folder of files.
replay_sets() {
	set_number=0
	echo "1..$(($# / 2))"
	while [ $# -gt 0 ]; do
		set_number=$((set_number + 1))
		if at_once "$1" "$2"/*; then
			echo "ok $set_number - $1, $(find "$2" -type f | wc -l) seeds"
		else
			echo "not ok $set_number - $1"
			sed 's/^/# /' "$work/log"
			for file in "$2"/*; do
				at_once "$1" "$file" || echo "# ${file##*/}"
			done
		fi
		shift 2
	done
}
