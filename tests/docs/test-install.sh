#!/bin/sh
# SPDX-License-Identifier: MIT
# `make install` into a folder of its own: what names files does so by --prefix and --sysconfdir; `make uninstall` leaves nothing
# but what others put there.
root=$(mktemp -d) || exit 1
trap 'rm -rf "$root"' EXIT
quiet() {
	env -u MAKEFLAGS -u MAKELEVEL make "$@" >"$root/log" 2>&1 || { sed 's/^/# /' "$root/log"; return 1; }
}
value() {
	sed -n "s/^$1 = //p" Makefile
}
prefix=$(value prefix)
sysconfdir=$(value sysconfdir | sed "s|\${prefix}|$prefix|")
bindir=$(value bindir | sed "s|\${exec_prefix}|$prefix|")
libdir=$(value libdir | sed "s|\${exec_prefix}|$prefix|")
mandir=$(value mandir | sed "s|\${datarootdir}|$prefix/share|")

number=0
failures=0
check() {
	name=$1
	shift
	number=$((number + 1))
	if "$@"; then
		echo "ok $number - $name"
	else
		failures=$((failures + 1))
		echo "not ok $number - $name"
	fi
}
says() {
	grep -q -F -- "$2" "$1" || { echo "# $1 has no '$2'"; return 1; }
}
left() {
	find "$root/dest" -mindepth 1 "$@" | sed 's/^/# left: /'
}
nothing_is_left() {
	[ -z "$(left ! -type d)$(left -type d -name '*todoke*')" ] || { left ! -type d; left -type d -name '*todoke*'; return 1; }
}

check "make install" quiet install DESTDIR="$root/dest"
main=$root/dest$libdir/todoke/todoke-main.so
check "the program knows what it loads" says "$root/dest$bindir/todoke" "$libdir/todoke"
check "what it loads knows its key" says "$main" "$sysconfdir/todoke/key"
check "the sample names it" says "$root/dest$sysconfdir/todoke/todoke.conf.sample" "#key_file = \"$sysconfdir/todoke/key\""
check "the page names the configuration" says "$root/dest$mandir/man5/todoke.conf.5" "$sysconfdir/todoke/todoke.conf"
check "the unit starts the program" says "$root/dest$prefix/lib/systemd/system/todoke-lmtpd.service" "ExecStart=$bindir/todoke lmtpd"
drop_in=$(grep -a -o -E '/[^ ]*/todoke-lmtpd-root\.conf' "$main" | head -n 1)
check "setup names a drop-in that is installed" test -s "$root/dest${drop_in:-/none}"
check "make uninstall" quiet uninstall DESTDIR="$root/dest"
check "nothing is left" nothing_is_left
quiet install DESTDIR="$root/dest" && echo 'hop_limit = 20' >"$root/dest$sysconfdir/todoke/todoke.conf" && quiet uninstall DESTDIR="$root/dest"
check "what the admin wrote stays" says "$root/dest$sysconfdir/todoke/todoke.conf" 'hop_limit = 20'
echo "1..$number"
[ "$failures" -eq 0 ]
