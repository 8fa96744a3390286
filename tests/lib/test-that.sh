# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# test-that: TAP for tests in shell; sourced by those that have a folder in `work`, in which `out` says what went wrong.
count=0

# test_that NAME COMMAND...
test_that() {
	count=$((count + 1))
	name=$1
	shift
	if "$@"; then printf 'ok %d - %s\n' "$count" "$name"; else
		printf 'not ok %d - %s\n' "$count" "$name"
		sed 's/^/# /' "$work/out"
	fi
}

# skip_or_test REASON NAME COMMAND...: skipped where the reason is not empty.
skip_or_test() {
	if [ -z "$1" ]; then
		shift
		test_that "$@"
	else
		count=$((count + 1))
		printf 'ok %d - %s # SKIP %s\n' "$count" "$2" "$1"
	fi
}
