# SPDX-License-Identifier: MIT
# shellcheck shell=sh disable=SC2034 # the lists of packages are for those that source it
# setup: what contrib/quickstart and contrib/check share; sourced, not run. `top` is the source tree.
#
# Everything is built from a copy of the source tree, so that a tree that belongs to somebody else, or that was configured
# in place, serves as well as a fresh clone, and a second run builds only what changed.

BUILD_PACKAGES="gcc libc6-dev make autoconf automake libtool pkg-config gettext libglib2.0-dev libpcre2-dev libgmime-3.0-dev
	libjansson-dev libsqlite3-dev libcurl4-openssl-dev libsieve2-dev"
# For modules that todoke is built without where these are missing.
OPTIONAL_PACKAGES="libpq-dev libldap-dev libhiredis-dev libssl-dev"
TEST_PACKAGES="libcmocka-dev python3 strace valgrind clang libclang-rt-dev groff-base mandoc xz-utils
	postfix dovecot-core dovecot-pop3d dovecot-imapd dovecot-lmtpd dovecot-sieve fetchmail procmail procmail-lib maildrop fdm bubblewrap sqlite3 zsh fish apparmor shellcheck codespell
	postgresql slapd ldap-utils redis-server"

LC_ALL=C.UTF-8
DEBIAN_FRONTEND=noninteractive
export LC_ALL DEBIAN_FRONTEND
umask 022 # other users read what is built and what tests lay out

jobs=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 1)

say() {
	printf '%s\n' "$*"
}

die() {
	printf '%s: %s\n' "${0##*/}" "$*" >&2
	exit 1
}

is_root() {
	[ "$(id -u)" -eq 0 ]
}

# True where as_root works without anybody typing: as root, or with a sudo that asks nothing or has a terminal to ask on.
can_be_root() {
	is_root && return 0
	command -v sudo >/dev/null 2>&1 || return 1
	[ -t 0 ] || sudo -n true 2>/dev/null
}

as_root() {
	if is_root; then "$@"; else sudo "$@"; fi
}

missing_packages() {
	for package in "$@"; do
		case $(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null) in
			installed) ;;
			*) printf '%s\n' "$package" ;;
		esac
	done
}

# Packages of servers start them on installation unless this file says no. It is ours only while we install.
guard=/usr/sbin/policy-rc.d
guard_is_ours=no

guard_services() {
	[ -e "$guard" ] && return 0
	guard_is_ours=yes
	trap 'unguard_services' EXIT
	printf '#!/bin/sh\nexit 101\n' | as_root tee "$guard" >/dev/null && as_root chmod 755 "$guard"
}

unguard_services() {
	[ "$guard_is_ours" = no ] || as_root rm -f "$guard"
	guard_is_ours=no
	trap - EXIT
}

# Nor shall the next boot start what was installed for tests only.
keep_services_off() {
	for service in "$@"; do
		case $service in
			postfix) as_root systemctl --quiet disable postfix.service >/dev/null 2>&1 || true ;;
			postgresql) as_root systemctl --quiet disable postgresql.service >/dev/null 2>&1 || true ;;
			slapd) as_root systemctl --quiet disable slapd.service >/dev/null 2>&1 || true ;;
			dovecot-core) as_root systemctl --quiet disable dovecot.service >/dev/null 2>&1 || true ;;
		esac
	done
}

# apt_install LOG PACKAGE...: nothing is removed for them, nothing is asked.
apt_install() {
	log=$1
	shift
	as_root apt-get -q -o DPkg::Lock::Timeout=120 update </dev/null >>"$log" 2>&1 || true
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=120 -o Dpkg::Use-Pty=0 \
		--no-install-recommends --no-remove install "$@" </dev/null >>"$log" 2>&1
}

# known_packages PACKAGE...: those that this release of Debian has.
known_packages() {
	for package in "$@"; do
		[ -z "$(apt-cache --quiet=2 policy "$package" 2>/dev/null | sed -n 's/^  Candidate: (none)$//;s/^  Candidate: //p')" ] ||
			printf '%s\n' "$package"
	done
}

# install_packages LOG PACKAGE...: asks apt only for what is missing; false where that fails.
install_packages() {
	log=$1
	shift
	missing=$(missing_packages "$@" | tr '\n' ' ')
	[ -n "$missing" ] || return 0
	command -v apt-get >/dev/null 2>&1 || { say "not Debian; install by hand: $missing"; return 1; }
	can_be_root || { say "neither root nor sudo; install by hand: apt-get install $missing"; return 1; }
	say "installing: $missing"
	if command -v debconf-set-selections >/dev/null 2>&1; then
		case " $missing" in
			*' postfix '*) echo 'postfix postfix/main_mailer_type select No configuration' |
				as_root debconf-set-selections ;;
		esac
	fi
	guard_services
	# shellcheck disable=SC2086 # a list
	if apt_install "$log" $missing; then installed=yes; else installed=no; fi
	unguard_services
	# shellcheck disable=SC2086 # a list
	keep_services_off $missing
	[ "$installed" = yes ] || { tail -n 15 "$log"; say "apt-get failed; the whole story is in $log"; return 1; }
}

# Tests that root starts become other users, who must reach what was built: not so below /root, say.
others_can_reach() {
	folder=$1
	while [ "$folder" != / ]; do
		case $(stat -c %A "$folder") in
			*x | *t) ;;
			*) return 1 ;;
		esac
		folder=$(dirname "$folder")
	done
}

# private_folder NAME: prints a folder for builds: in the tree where that serves, else in a cache.
private_folder() {
	if mkdir -p "$top/build/$1" 2>/dev/null && [ -w "$top/build/$1" ] && { ! is_root || others_can_reach "$top/build/$1"; }; then
		say "$top/build/$1"
		return
	fi
	if is_root; then folder=/var/cache/todoke-build/$1; else folder=${XDG_CACHE_HOME:-${HOME:-/tmp}/.cache}/todoke/$1; fi
	mkdir -p "$folder" || return 1
	say "$folder"
}

# A clone, a copy that copy_sources made, or an unpacked archive.
list_sources() {
	if [ -f "$top/.files" ]; then
		cat "$top/.files"
	elif [ "$(git -c safe.directory='*' -C "$top" rev-parse --show-toplevel 2>/dev/null)" = "$top" ]; then
		git -c safe.directory='*' -C "$top" ls-files -z --cached --others --exclude-standard
	else
		(cd "$top" && find . -path ./build -prune -o -type f -printf '%P\0')
	fi | (cd "$top" && xargs -0 -r sh -c 'for file; do [ ! -e "$file" ] || printf "%s\\0" "$file"; done' sh) | sort -zu
}

# copy_sources FOLDER: the files of the tree as they are now; files that left the tree leave the copy too.
copy_sources() {
	mkdir -p "$1" || return 1
	list_sources >"$1/.files.new" || return 1
	if [ -e "$1/.files" ]; then
		comm -z -23 "$1/.files" "$1/.files.new" | (cd "$1" && xargs -0 -r rm -f --)
	fi
	tar -C "$top" --null --no-recursion -T "$1/.files.new" -cf - | tar -C "$1" -xf - || return 1
	mv "$1/.files.new" "$1/.files"
	(cd "$1" && sh contrib/list-sources) || return 1 # a file that came since the last run is in the build too
	[ -e "$1/configure" ] || (cd "$1" && autoreconf -fi) >"$1/autoreconf.log" 2>&1 ||
		{ tail -n 20 "$1/autoreconf.log"; return 1; }
}

# build FOLDER SOURCES [CONFIGURE OPTION...]: configures where nothing is configured, and makes.
build() {
	folder=$1
	sources=$2
	shift 2
	mkdir -p "$folder" || return 1
	if [ ! -e "$folder/config.status" ]; then
		(cd "$folder" && "$sources/configure" "$@") >"$folder/build.log" 2>&1 </dev/null ||
			{ tail -n 20 "$folder/build.log"; rm -f "$folder/config.status"; return 1; }
	fi
	make -C "$folder" -j"$jobs" >>"$folder/build.log" 2>&1 </dev/null || { tail -n 30 "$folder/build.log"; return 1; }
}
