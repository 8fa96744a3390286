#!/bin/sh
# SPDX-License-Identifier: MIT
# test-package: contrib/package says how it is called, begins only where it can end, and makes a bare Debian once for each release.
set -u
top=${top_srcdir:-$(cd "$(dirname -- "$0")/../.." && pwd)}
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
. "$top/tests/lib/test-that.sh"

package() {
	sh "$top/contrib/package" "$@" >"$work/out" 2>&1 </dev/null
}

# Each option that the script takes is told, and it needs no root for that.
help_tells_all() {
	package --help || return
	sed -n 's/^\t\t\(--[a-z]*\)).*/\1/p' "$top/contrib/package" >"$work/options"
	[ "$(wc -l <"$work/options")" -ge 5 ] || return
	while read -r option; do
		grep -q "^  $option " "$work/out" || { echo "--help lacks $option" >>"$work/out"; return 1; }
	done <"$work/options"
}

wrong_option_is_told() {
	! package --relaese trixie "$work/none" && grep -q -e "unknown option '--relaese'.*--help" "$work/out" && [ ! -e "$work/none" ]
}

# refused WORDS COMMAND...: it ends at once, says those words, and has not begun.
refused() {
	words=$1
	shift
	mkdir -p "$work/deb"
	! "$@" >"$work/out" 2>&1 </dev/null && grep -q -e "$words" "$work/out" && ! grep -q 'now:' "$work/out" && [ ! -e "$work/deb/base" ]
}

without_capability() {
	refused "$2" setpriv --bounding-set "-$1" --inh-caps "-$1" sh "$top/contrib/package" "$work/deb"
}

on_a_small_disk() {
	refused "MB of room, and [0-9]* MB are needed: make room" unshare --mount sh -c '
		mount -t tmpfs -o size=20m none "$1" && sh "$2/contrib/package" "$1"' sh "$work/deb" "$top"
}

on_a_disk_without_devices() {
	refused "nodev" unshare --mount sh -c 'mount -t tmpfs -o nodev none "$1" && sh "$2/contrib/package" "$1"' sh "$work/deb" "$top"
}

# make WORDS...: make_chroot with a debootstrap that only counts; and says "broken" where the file is there.
make() {
	(
		PATH=$work/bin:$PATH
		. "$top/tests/fresh/chroot.sh"
		make_chroot "$work/base" "$@"
	) >>"$work/out" 2>&1
}

made() {
	[ "$(wc -l <"$work/calls")" -eq "$1" ]
}

base_is_made_once() {
	mkdir -p "$work/bin"
	cat >"$work/bin/debootstrap" <<-END
		#!/bin/sh
		echo "\$*" >>"$work/calls"
		for root; do case \$root in "$work"/*) break ;; esac; done
		[ ! -e "\$root/usr/bin/dpkg" ] || echo "made over another" >>"$work/calls"
		mkdir -p "\$root/usr/bin" "\$root/etc/apt" "\$root/etc/dpkg/dpkg.cfg.d" && cp /bin/true "\$root/usr/bin/dpkg"
		[ ! -e "$work/broken" ]
	END
	chmod 755 "$work/bin/debootstrap"
	: >"$work/broken"
	! make bookworm && made 1 || return
	rm "$work/broken"
	make bookworm && made 2 || return # what was not finished is made anew
	make bookworm && made 2 || return
	make trixie && made 3 || return
	make trixie postfix && made 4 || return
	make trixie postfix && made 4
}

no_root=
[ "$(id -u)" -eq 0 ] || no_root="root alone has rights to lose"
no_tools=$no_root
command -v debootstrap >/dev/null || no_tools="no debootstrap"
[ -n "$no_tools" ] || unshare --mount --pid --fork true 2>/dev/null || no_tools="this host permits no namespaces"
no_setpriv=$no_tools
command -v setpriv >/dev/null || no_setpriv="no setpriv"

test_that "--help tells each option, to everybody" help_tells_all
test_that "an unknown option is told before anything is done" wrong_option_is_told
skip_or_test "$no_setpriv" "without unshare(2) and mount(2) it says so at the start" without_capability sys_admin 'unshare(2) is not permitted.*--privileged'
skip_or_test "$no_setpriv" "without chroot(2) it says so at the start" without_capability sys_chroot 'chroot(2) is not permitted'
skip_or_test "$no_setpriv" "without mknod(2) it says so at the start" without_capability mknod 'device files.*CAP_MKNOD'
skip_or_test "$no_tools" "a disk that is too small is told with the room that is needed" on_a_small_disk
skip_or_test "$no_tools" "a disk without devices is told" on_a_disk_without_devices
test_that "a bare Debian is made once for each release, and again where it was not finished" base_is_made_once
echo "1..$count"
