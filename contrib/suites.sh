# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# suites: runs suites side by side and counts what comes out; sourced by contrib/check, and by its test. Who sources it has
# say() and die() and jobs of contrib/setup.sh, an empty folder in `logs`, and a function suite_NAME for each suite.
counts=$logs/main.counts # of the suite that runs; each runs in a process of its own
quick_folder= # where the tests of `make check` lay their files; nothing: where the system says

# report SUITE SECONDS PASSED FAILED SKIPPED
report() {
	printf '%-12s %4d s  %5d passed, %d failed, %d skipped\n' "$1" "$2" "$3" "$4" "$5"
	echo "$3 $4 $5" >>"$counts"
}

to_run=
started=$(date +%s)

now() {
	date +%s
}

# Numbers of one TAP file; a plan that was not kept is a failure, and so is a test that passes though marked as known broken.
count_tap() {
	awk '/^ok/ && / # (SKIP|skip)/ { skipped++; total++; next }
		/^ok/ && / # TODO/ { failed++; total++; next }
		/^ok/ { passed++; total++ }
		/^not ok/ && / # TODO/ { passed++; total++; next }
		/^not ok/ { failed++; total++ }
		/^1\.\.0/ { skipped++; plan = -1 }
		/^1\.\.[1-9]/ { plan = substr($1, 4) + 0 }
		/^Bail out!/ { failed++ }
		END { if (plan != -1 && plan != total) failed++; print passed + 0, failed + 0, skipped + 0 }' "$1"
}

# Numbers of everything automake's harness ran in a folder.
count_automake() {
	find "$1" -name '*.trs' -exec cat {} + | awk '/^:test-result: (PASS|XFAIL)/ { passed++ }
		/^:test-result: (FAIL|XPASS|ERROR)/ { failed++ } /^:test-result: SKIP/ { skipped++ }
		END { print passed + 0, failed + 0, skipped + 0 }'
}

# run_tap SUITE COMMAND...: a suite that prints TAP; its failures and skips are shown, all of it is kept.
run_tap() {
	suite=$1
	shift
	start=$(now)
	"$@" >"$logs/$suite.tap" 2>"$logs/$suite.err" </dev/null
	code=$?
	# shellcheck disable=SC2046 # three numbers
	set -- $(count_tap "$logs/$suite.tap")
	if [ "$code" -ne 0 ] && [ "$2" -eq 0 ]; then
		set -- "$1" 1 "$3"
	fi
	[ "$2" -eq 0 ] || { grep -A 20 -e '^not ok' -e '^ok.*# TODO' "$logs/$suite.tap"; tail -n 20 "$logs/$suite.err"; }
	grep -i -e '^ok.*# skip' -e '^1\.\.0' "$logs/$suite.tap"
	report "$suite" $(($(now) - start)) "$@"
}

# run_make_check SUITE FOLDER: automake's harness, all tests even after a failure.
run_make_check() {
	start=$(now)
	find "$2" -name '*.trs' -exec rm -f {} +
	env ${quick_folder:+"TMPDIR=$quick_folder"} make -C "$2" -k -j$((jobs + 1)) check >"$logs/$1.log" 2>&1 </dev/null
	code=$?
	# shellcheck disable=SC2046 # three numbers
	set -- "$1" "$2" $(count_automake "$2")
	if [ "$code" -ne 0 ]; then
		grep -E '^(FAIL|XPASS|ERROR):|error:|\*\*\*' "$logs/$1.log" | head -n 40
		[ "$4" -gt 0 ] || set -- "$1" "$2" "$3" 1 "$5"
	fi
	grep '^SKIP:' "$logs/$1.log"
	report "$1" $(($(now) - start)) "$3" "$4" "$5"
}

# run_once SUITE COMMAND...: one test, by its exit status.
run_once() {
	suite=$1
	shift
	start=$(now)
	if "$@" >"$logs/$suite.log" 2>&1 </dev/null; then
		report "$suite" $(($(now) - start)) 1 0 0
	else
		tail -n 30 "$logs/$suite.log"
		report "$suite" $(($(now) - start)) 0 1 0
	fi
}

skip() {
	say "skipped: $1: $2"
	report "$1" 0 0 0 1
}

# run_suite NAME: what it prints is shown in one piece when it has ended. One without an end is counted by finish, and only there.
run_suite() {
	(
		counts=$logs/$1.counts
		"suite_$1"
		: >"$logs/$1.ended"
	) >"$logs/$1.out" 2>&1 </dev/null
	[ -e "$logs/$1.ended" ] || say "$1 died" >>"$logs/$1.out"
	flock "$logs/lock" cat "$logs/$1.out"
}

# lane SUITE...: runs those that no other lane has taken yet.
lane() {
	for suite; do
		mkdir "$logs/$suite.taken" 2>/dev/null || continue
		run_suite "$suite"
	done
}

# find_quick_folder: a folder in memory for the tests of `make check`, if there is room. Each delivery flushes what it wrote: on a disk
# that compilers write to as well, tests wait for it longer than they compute.
find_quick_folder() {
	[ "$(df --output=avail /dev/shm 2>/dev/null | tail -n 1)" -ge 4000000 ] 2>/dev/null || return 0
	[ "$(awk '$1 == "MemAvailable:" { print $2 }' /proc/meminfo)" -ge 6000000 ] 2>/dev/null || return 0
	quick_folder=$(mktemp -d /dev/shm/t.XXXXXX 2>/dev/null) || return 0
	trap 'chmod -R u+rwX "$quick_folder" 2>/dev/null; rm -rf "$quick_folder"' EXIT # tests of a user close folders
	chmod 1777 "$quick_folder" # for tests that root starts and others run
	printf '#!/bin/sh\n' >"$quick_folder/program"
	if chmod 755 "$quick_folder/program" && "$quick_folder/program" 2>/dev/null; then
		rm "$quick_folder/program"
	else
		rm -rf "$quick_folder" # no program may be started there
		quick_folder=
	fi
}

kill_tree() {
	for child in $(cat "/proc/$1/task/$1/children" 2>/dev/null); do
		kill_tree "$child"
	done
	kill "$1" 2>/dev/null
}

# What runs in the background does not hear an interrupt from the keyboard.
break_off() {
	for lane_pid in $lanes; do
		kill_tree "$lane_pid"
	done
	die "broken off; logs lie in $logs"
}

# side_by_side SUITE...: two at a time.
side_by_side() {
	to_run="$to_run $*"
	lane "$@" &
	lanes=$!
	lane "$@" &
	lanes="$lanes $!"
	trap break_off INT TERM HUP
	# shellcheck disable=SC2086 # two of them
	wait $lanes
	trap - INT TERM HUP
}

# What stops everything is a failure that is counted too.
stop() {
	say "$1"
	echo 0 1 0 >>"$counts"
	finish
}

# A suite that was to run and has no end is one that died, whatever killed it.
finish() {
	for suite in $to_run; do
		[ -e "$logs/$suite.ended" ] || counts=$logs/$suite.counts report "$suite" 0 0 1 0
	done
	# shellcheck disable=SC2046 # three numbers
	set -- $(cat "$logs"/*.counts 2>/dev/null | awk '{ p += $1; f += $2; s += $3 } END { print p + 0, f + 0, s + 0 }')
	say "all of it took $(($(now) - started)) s; logs lie in $logs"
	say "$1 passed, $2 failed, $3 skipped"
	[ "$2" -eq 0 ] && [ "$1" -gt 0 ]
	exit
}

