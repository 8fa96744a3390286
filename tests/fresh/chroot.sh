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
# CFLAGS of the caller reach configure.
inside_seconds=7200
inside() {
	folder=$1
	shift
	[ -z "${cache-}" ] || cp -ln "$cache"/packages/*.deb "$folder/var/cache/apt/archives/" 2>/dev/null
	cache=${cache-} timeout "$inside_seconds" unshare --mount --pid --fork --kill-child sh -c '
		mount -t proc proc "$1/proc" && mount --rbind /dev "$1/dev" && mount --make-rslave "$1/dev" || exit 1
		[ -z "$cache" ] || mount --bind "$cache/objects" "$1/objects" || exit 1
		root=$1
		shift
		exec chroot "$root" /usr/bin/env -i HOME=/root ${CFLAGS:+CFLAGS="$CFLAGS"} PATH=/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin "$@"' sh "$folder" "$@"
	code=$?
	[ -z "${cache-}" ] || cp -ln "$folder"/var/cache/apt/archives/*.deb "$cache/packages/" 2>/dev/null
	return "$code"
}

# keep_in_cache ROOT: what apt loads and what compilers make stays in the folder `cache`, for all chroots. For who runs this often.
keep_in_cache() {
	mkdir -p "$1/objects" "$cache/objects" "$cache/packages" && cache=$(cd "$cache" && pwd -P) || return
	chmod 1777 "$cache/objects"
	printf '%s\n' 'cache_dir = /objects' 'hash_dir = false' 'umask = 000' 'max_size = 2G' 'base_dir = /var/cache' >"$1/etc/ccache.conf"
	for compiler in gcc cc x86_64-linux-gnu-gcc; do
		ln -sf /usr/bin/ccache "$1/usr/local/bin/$compiler"
	done
}

# is_made ROOT RELEASE [PACKAGE,...]: is that system there, and whole? Its last file says what it was made with.
is_made() {
	[ "$(cat "$1/etc/bare-debian" 2>/dev/null)" = "$2 ${3-}${cache:+ ccache}" ]
}

# make_chroot ROOT RELEASE [PACKAGE,...]: a minimal system of that release, with the machine's own way to its packages; one that is
# there is taken, but for one of another release and one that was not finished.
make_chroot() {
	if is_made "$@"; then
		[ -z "${cache-}" ] || keep_in_cache "$1"
		return
	fi
	rm -rf "$1"
	debootstrap --variant=minbase --include="${3:+$3,}${cache:+ccache,}debian-archive-keyring" "$2" "$1" "$(mirror)" &&
		copy_apt_setup "$1" || return
	here=$(. /etc/os-release && echo "$VERSION_CODENAME")
	find "$1/etc/apt" \( -name '*.list' -o -name '*.sources' \) -exec sed -i "s/\\b$here\\b/$2/g" {} + || return
	echo force-unsafe-io >"$1/etc/dpkg/dpkg.cfg.d/unsafe-io" || return # nobody misses this system after a power cut
	[ -z "${cache-}" ] || keep_in_cache "$1" || return
	echo "$2 ${3-}${cache:+ ccache}" >"$1/etc/bare-debian"
}

# may_make_chroots FOLDER MEGABYTES: what stands in the way of chroots there, in words with what to do; nothing: all is well.
may_make_chroots() {
	trial=$1/.trial
	rm -rf "$trial"
	mkdir -p "$trial/proc" || { echo "cannot write to $1: name another folder"; return; }
	if ! unshare --mount --pid --fork --kill-child true 2>/dev/null; then
		echo "unshare(2) is not permitted, as in a container without CAP_SYS_ADMIN: run this on the host or in a virtual machine," \
			"or give the container that right (docker run --privileged, podman run --privileged)"
	elif ! unshare --mount --pid --fork --kill-child mount -t proc proc "$trial/proc" 2>/dev/null; then
		echo "mount(2) of /proc is not permitted, as in a container whose /proc is masked: run this on the host or in a virtual" \
			"machine, or give the container that right (docker run --privileged, podman run --privileged)"
	elif ! chroot / true 2>/dev/null; then
		echo "chroot(2) is not permitted: CAP_SYS_CHROOT is missing; run this on the host, or give the container that right"
	elif ! mknod "$trial/null" c 1 3 2>/dev/null || ! true 2>/dev/null >"$trial/null"; then
		echo "$1 cannot have device files (nodev, or no CAP_MKNOD): name a folder on a file system of this host that has no nodev"
	elif ! cp /bin/true "$trial/true" 2>/dev/null || ! "$trial/true" 2>/dev/null; then
		echo "programs in $1 cannot run (noexec, or no room at all): name a folder on a file system that has no noexec"
	else
		free=$(df -Pm "$1" | awk 'NR == 2 { print $4 }')
		[ "$free" -ge "$2" ] || echo "$1 has $free MB of room, and $2 MB are needed: make room, or name a folder on another file system"
	fi
	rm -rf "$trial"
}

# step RESULT NAME: counts one step and prints its line of TAP; in the file `steps` it is told in words.
step() {
	[ "$count" -gt 0 ] || : >"$work/steps"
	count=$((count + 1))
	echo "$1 $count - $2"
	case $1 in
		ok) echo "passed  $2" ;;
		*)
			failures=$((failures + 1))
			echo "FAILED  $2"
			;;
	esac >>"$work/steps"
}

# try NAME COMMAND...: one test; its output is kept, and shown where it failed.
try() {
	name=$1
	log=$work/$((count + 1)).log
	shift
	start=$(date +%s)
	printf '# now: %s; what it prints goes to %s\n' "$name" "$log"
	if "$@" >"$log" 2>&1 </dev/null; then
		step ok "$name ($(($(date +%s) - start)) s)"
		sed 's/^/# /' "$log" | tail -n 12
	else
		step 'not ok' "$name ($(($(date +%s) - start)) s)"
		sed 's/^/# /' "$log" | tail -n 60
	fi
}

# try_tap NAME COMMAND...: a test that speaks TAP itself; each of its results is a step. One that fails without a word is a failure.
try_tap() {
	name=$1
	log=$work/$((count + 1)).tap
	failed_before=$failures
	shift
	"$@" >"$log" 2>&1 </dev/null
	code=$?
	while read -r line; do
		case $line in
			'ok '*) step ok "$name: ${line#*- }" ;;
			'not ok '*) step 'not ok' "$name: ${line#*- }" ;;
			'#'*) printf '%s\n' "$line" ;;
			1..*) ;;
			*) printf '# %s\n' "$line" ;;
		esac
	done <"$log"
	[ "$code" -eq 0 ] || [ "$failures" -gt "$failed_before" ] || step 'not ok' "$name: exit $code"
	[ "$code" -ne 0 ] || grep -q '^ok ' "$log" || step 'not ok' "$name: it has tried nothing"
}
