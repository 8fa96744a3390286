#!/bin/sh
# SPDX-License-Identifier: MIT
# test-suites: contrib/suites.sh runs suites at once, shows each in one piece, and counts all of them, those that die too.
set -u
top=${top_srcdir:-$(cd "$(dirname -- "$0")/../.." && pwd)}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. "$top/tests/lib/test-that.sh"

# Waits for a file for a minute at most.
wait_for() {
	left=600
	while [ ! -e "$1" ] && [ $left -gt 0 ]; do
		sleep 0.1
		left=$((left - 1))
	done
	[ -e "$1" ]
}

tap() {
	printf '%s\n' "$@"
}

suite_good() { run_tap good tap 'ok 1 - a' 'ok 2 - b # SKIP no c' '1..2'; }
suite_bad() { run_tap bad tap 'ok 1 - a' 'not ok 2 - b' '1..2'; }
suite_short() { run_tap short tap 'ok 1 - a' '1..2'; }
suite_silent() { run_tap silent false; }
suite_none() { skip none "nothing to run with"; }
suite_dies() {
	run_tap dies tap 'ok 1 - a' '1..1'
	sh -c 'kill -9 $PPID'
}
# Neither ends unless the other runs at the same time.
suite_left() { : >"$work/left" && run_once left wait_for "$work/right" && say "left was here"; }
suite_right() { : >"$work/right" && run_once right wait_for "$work/left" && say "right was here"; }

# run SUITE...: into $work/out; its exit status into `status`.
run() {
	(
		logs=$work/logs
		jobs=1
		rm -rf "$logs" && mkdir "$logs"
		. "$top/contrib/setup.sh"
		. "$top/contrib/suites.sh"
		side_by_side "$@"
		finish
	) >"$work/out" 2>&1
	status=$?
}

# came_to STATUS LAST LINE
came_to() {
	[ "$status" -eq "$1" ] && [ "$(tail -n 1 "$work/out")" = "$2" ]
}

shown() {
	grep -q -- "$1" "$work/out"
}

run good none
test_that "passed and skipped are counted" came_to 0 "1 passed, 0 failed, 2 skipped"
test_that "what is skipped is told, with the reason" shown 'skipped: none: nothing to run with'
run good bad
test_that "a failed test is a failure" came_to 1 "2 passed, 1 failed, 1 skipped"
test_that "a failed test is shown" shown '^not ok 2 - b'
run good short
test_that "a plan that was not kept is a failure" came_to 1 "2 passed, 1 failed, 1 skipped"
run good silent
test_that "a suite that fails without a word is a failure" came_to 1 "1 passed, 1 failed, 1 skipped"
run good dies good
test_that "a suite that dies is a failure, and the next ones run" came_to 1 "2 passed, 1 failed, 1 skipped"
test_that "a suite that dies is named" shown '^dies died'
run left right
test_that "two suites run at once" came_to 0 "2 passed, 0 failed, 0 skipped"
run good none good bad short silent dies left right
test_that "all of them at once" came_to 1 "6 passed, 4 failed, 2 skipped"

# What kills the lanes, too, leaves suites without an end.
(
	logs=$work/logs
	jobs=1
	rm -rf "$logs" && mkdir "$logs"
	. "$top/contrib/setup.sh"
	. "$top/contrib/suites.sh"
	suite_hangs() { : >"$work/hangs" && wait_for "$work/never"; }
	(wait_for "$work/hangs" && for pid in $(cat "$work/lanes"); do kill_tree "$pid"; done) &
	lane() {
		sh -c 'echo $PPID' >>"$work/lanes"
		for suite; do
			mkdir "$logs/$suite.taken" 2>/dev/null || continue
			run_suite "$suite"
		done
	}
	side_by_side hangs
	finish
) >"$work/out" 2>&1
status=$?
test_that "a suite whose lane is killed is a failure" came_to 1 "0 passed, 1 failed, 0 skipped"
printf '1..%d\n' "$count"
