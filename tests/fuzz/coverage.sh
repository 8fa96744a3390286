#!/bin/sh
# SPDX-License-Identifier: MIT
# What the inputs of all fuzz targets reach: lines and branches by folder, by llvm-cov.
#
#     sh tests/fuzz/coverage.sh [FOLDER]     FOLDER: where programs and profiles stay; without it they are removed
#
# Each target is built with clang's counters and reads its seeds once, and what stands in $FUZZ_CORPUS. Only files that a target
# links are counted: the rest of a folder is not there for it. It takes some minutes, so it is no part of contrib/check.
: "${top_srcdir:=$(dirname "$0")/../..}"
: "${CLANG:=clang}"
for tool in "$CLANG" llvm-profdata llvm-cov python3; do
	command -v "${tool%% *}" >/dev/null || { echo "coverage: no $tool" >&2; exit 2; }
done
top_srcdir=$(cd "$top_srcdir" && pwd)
if [ -n "${1-}" ]; then
	mkdir -p "$1" || exit 1
	out=$(cd "$1" && pwd)
else
	out=$(mktemp -d) || exit 1
	trap 'rm -rf "$out"' EXIT
fi
cd "$out" || exit 1

# A build of its own for fuzz-lib.sh, with counters.
export top_srcdir FUZZ_OPTIONS=-runs=0 FUZZ_BUILD="$out/build"
mkdir -p "$FUZZ_BUILD" || exit 1
(cd "$FUZZ_BUILD" && { [ -e config.status ] || "$top_srcdir/configure" -q --enable-fuzzing CC="$CLANG" \
	CFLAGS='-g -O1 -w -fprofile-instr-generate -fcoverage-mapping'; }) >&2 || exit 1
for name in sieve mime recipe readers lmtp loop foreign users; do
	rm -rf "${out:?}/$name"
	mkdir "$out/$name"
	LLVM_PROFILE_FILE=$out/$name/%p-%m.profraw sh "$top_srcdir/tests/fuzz/fuzz-$name.sh" --fuzz 600 >"$out/$name.log" 2>&1 || {
		tail -5 "$out/$name.log" >&2
		echo "coverage: fuzz-$name.sh failed" >&2
		exit 1
	}
done

llvm-profdata merge -sparse "$out"/*/*.profraw -o "$out/all.profdata" || exit 1
set --
for program in "$FUZZ_BUILD"/tests/fuzz/fuzz-* "$FUZZ_BUILD/.libs/todoke-mime.so"; do
	[ ! -x "$program" ] || set -- "$@" -object "$program"
done
shift # the first one stands without -object
llvm-cov export -summary-only -instr-profile="$out/all.profdata" "$@" 2>/dev/null >"$out/all.json" || exit 1
python3 - "$out/all.json" "$top_srcdir" <<'END'
import collections
import json
import os
import sys

folders = collections.defaultdict(lambda: [0, 0, 0, 0, 0])
with open(sys.argv[1], encoding="utf-8") as file:
    for one in json.load(file)["data"][0]["files"]:
        name = os.path.relpath(one["filename"], sys.argv[2])
        if name.startswith(("agent/", "conf/", "filters/")) and name.endswith(".c"):
            lines, branches = one["summary"]["lines"], one["summary"]["branches"]
            counts = (1, lines["covered"], lines["count"], branches["covered"], branches["count"])
            for key in (os.path.dirname(name), "all"):
                folders[key] = [old + new for old, new in zip(folders[key], counts)]
print("%-26s %5s  %15s  %s" % ("folder", "files", "lines", "branches"))
for key in sorted(folders, key=lambda key: (key == "all", key)):
    files, line, lines, branch, branches = folders[key]
    print("%-26s %5d  %6d %3.0f %%     %6d %3.0f %%" % (key, files, lines, 100 * line / max(lines, 1), branches, 100 * branch / max(branches, 1)))
END
