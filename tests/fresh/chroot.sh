# SPDX-License-Identifier: MIT
# shellcheck shell=sh
# chroot: bare Debian systems to try things in; sourced by tests/fresh/prove and contrib/package, which set `work`. Their
# results are TAP.
count=0
failures=0

# mirror: the machine's own, so that this works wherever apt works.
mirror() {
	apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' | sed -n 1p
}

# copy_apt_setup ROOT: the chroot gets the machine's way to its packages: sources, settings, names.
copy_apt_setup() {
	rm -f "$1/etc/apt/sources.list"
	for file in /etc/apt/sources.list /etc/apt/sources.list.d/*.list /etc/apt/sources.list.d/*.sources \
		/etc/apt/apt.conf /etc/apt/apt.conf.d/* /usr/share/keyrings/* /etc/resolv.conf /etc/hosts; do
		[ -f "$file" ] || continue
		! dpkg -S "$file" >/dev/null 2>&1 || continue # the chroot gets it with the package
		mkdir -p "$1/${file%/*}"
		cp -L "$file" "$1/$file"
	done
}

# inside ROOT COMMAND...: in its own mount and process space, so that nothing stays mounted or running; ended after inside_seconds.
inside_seconds=7200
inside() {
	folder=$1
	shift
	timeout "$inside_seconds" unshare --mount --pid --fork --kill-child sh -c '
		mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --make-rslave "$1/dev" || exit 1
		root=$1
		shift
		exec chroot "$root" /usr/bin/env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin "$@"' sh "$folder" "$@"
}

# make_chroot ROOT RELEASE [PACKAGE,...]: a minimal system of that release, with the machine's own way to its packages.
make_chroot() {
	[ ! -x "$1/usr/bin/dpkg" ] || return 0
	debootstrap --variant=minbase --include="${3:+$3,}debian-archive-keyring" "$2" "$1" "$(mirror)" && copy_apt_setup "$1" || return
	here=$(. /etc/os-release && echo "$VERSION_CODENAME")
	find "$1/etc/apt" \( -name '*.list' -o -name '*.sources' \) -exec sed -i "s/\\b$here\\b/$2/g" {} +
}

# try NAME COMMAND...: one test; its output is kept, and shown where it failed.
try() {
	name=$1
	shift
	count=$((count + 1))
	start=$(date +%s)
	if "$@" >"$work/$count.log" 2>&1 </dev/null; then
		printf 'ok %d - %s (%d s)\n' "$count" "$name" $(($(date +%s) - start))
		sed 's/^/# /' "$work/$count.log" | tail -n 12
	else
		failures=$((failures + 1))
		printf 'not ok %d - %s (%d s)\n' "$count" "$name" $(($(date +%s) - start))
		sed 's/^/# /' "$work/$count.log" | tail -n 60
	fi
}
