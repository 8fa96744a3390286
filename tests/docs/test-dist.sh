#!/bin/sh
# SPDX-License-Identifier: MIT
# What git knows is in the release too, but for the files of git itself and of its server.
# contrib/check builds from a copy, which has a list of what it is.
tracked=$({ tr '\0' '\n' <"$top_srcdir/.files" || git -C "$top_srcdir" ls-files; } 2>/dev/null)
[ -n "$tracked" ] || { echo "1..0 # SKIP no git repository"; exit 0; }
released=$(env -u MAKEFLAGS -u MAKELEVEL make -s list-dist) || { echo "Bail out! make list-dist failed"; exit 1; }
echo 1..1
missing=$({ echo "$released"; echo; echo "$tracked" | grep -v -e '^\.ci/' -e '^\.git'; } | awk '
	$0 == "" { is_tracked = 1; next }
	!is_tracked { released[$0]; next }
	{
		path = $0
		while (!(path in released) && match(path, "/[^/]*$")) path = substr(path, 1, RSTART - 1)
		if (!(path in released)) print
	}')
if [ -z "$missing" ]; then
	echo "ok 1 - the release has all files"
else
	echo "not ok 1 - the release has all files"
	echo "$missing" | sed 's/^/# /'
	exit 1
fi
