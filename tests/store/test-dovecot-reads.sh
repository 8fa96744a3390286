#!/bin/sh
# SPDX-License-Identifier: MIT
# What the store writes, as Dovecot reads it: folder names, subscriptions, flags, keywords, sizes; in both layouts.
set -u
echo 1..6

skip() {
	for n in 1 2 3 4 5 6; do echo "ok $n # SKIP $1"; done
	exit 0
}
command -v doveadm >/dev/null || skip 'no doveadm here'
[ "$(id -u)" -ne 0 ] || command -v setpriv >/dev/null || skip 'root without setpriv: Dovecot reads no mail as root'

dir=$(mktemp -d) || exit 1
trap 'rm -rf "$dir"' EXIT
mkdir "$dir/run"

# Dovecot serves no root: then all is nobody's.
uid=$(id -u) gid=$(id -g) become=
if [ "$uid" -eq 0 ]; then
	uid=65534 gid=65534 become="setpriv --reuid 65534 --regid 65534 --clear-groups"
	chown -R 65534:65534 "$dir"
fi

conf() {
	python3 "${top_srcdir:-.}/tests/lib/dovecot_conf.py" "$@"
}

# write_conf LAYOUT: Dovecot's configuration for the Maildir of that name.
write_conf() {
	cat >"$dir/dovecot.conf" <<EOF
$(conf head)
base_dir = $dir/run
log_path = $dir/log
default_internal_user = $(id -un "$uid")
default_login_user = $(id -un "$uid")
default_internal_group = $(getent group "$gid" | cut -d: -f1)
ssl = no
protocols =
mail_uid = $uid
mail_gid = $gid
first_valid_uid = 1
namespace inbox {
  inbox = yes
  separator = /
}
$(conf users "$uid" "$gid" "$dir")
$(conf maildir "$dir/$1" "$1")
EOF
}

# check NAME WANT COMMAND...: does the command print WANT?
check() {
	count=$((count + 1)) name=$1 want=$2
	shift 2
	got=$("$@" 2>&1)
	if [ "$got" = "$want" ]; then
		echo "ok $count - $name"
	else
		echo "not ok $count - $name"
		printf '%s\n' "want:" "$want" "got:" "$got" | sed 's/^/# /'
	fi
}

ask() {
	command=$1
	shift
	# shellcheck disable=SC2046,SC2086 # "mailbox list": words; an option or none
	env HOME="$dir" USER=nobody $become timeout 120 doveadm -c "$dir/dovecot.conf" $command $(conf no_lookup) "$@"
}

store() {
	layout=$1
	shift
	printf 'Subject: x\n\nbody\r\nmore\n' | env STORE_LAYOUT="$layout" $become tests/faults/store-once "$dir/$layout" "$@"
}

count=0
for layout in maildir++ fs; do
	write_conf "$layout"
	store "$layout" 'keep+\Seen+$Forwarded+Later' 'fileinto:Wörk/日本語 & Co+\Flagged+Later' || echo "# the store failed"
	check "$layout: subscriptions" 'Wörk/日本語 & Co' ask 'mailbox list' -s
	check "$layout: INBOX" 'flags: \Seen \Recent $Forwarded Later
size.physical: 23
size.virtual: 26' ask fetch 'flags size.physical size.virtual' mailbox INBOX
	check "$layout: folder" 'flags: \Flagged \Recent Later
size.physical: 23
size.virtual: 26' ask fetch 'flags size.physical size.virtual' mailbox 'Wörk/日本語 & Co'
done
