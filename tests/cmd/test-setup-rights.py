#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke setup postfix`: what todoke.conf names is there, and whoever delivers may reach it. Each fix that is printed is followed."""

import grp
import json
import os
import pwd
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

os.environ["PATH"] += ":/usr/sbin"
POSTCONF = shutil.which("postconf")
USER = "daemon"
MAIN = "compatibility_level = 3.6\nmyhostname = mx.example.jp\nvirtual_mailbox_domains = example.jp\nalias_maps = inline:{root=ann}\n"
MASTER = "local unix - n n - - local\nlmtp unix - - n - - lmtp\n"
PIPE = ("todoke unix - n n - - pipe user=daemon null_sender= argv=/usr/bin/todoke deliver -f ${sender} -a ${original_recipient}"
        " -d ${recipient} --queue-id ${queue_id}\n")


def world(folder, main=""):
    """Postfix's configuration, a todoke.conf, and a tree that the mail user may write to; all may pass the folder."""
    if POSTCONF is None:
        raise tap.Skip("there is no postconf here")
    os.chmod(folder, 0o755)
    for name in ("etc", "site", "tree"):
        os.mkdir(os.path.join(folder, name))
        os.chmod(os.path.join(folder, name), 0o755)
    os.chmod(os.path.join(folder, "tree"), 0o777)
    for name, text in (("main.cf", MAIN + main + "todoke_destination_recipient_limit = 1\nvirtual_transport = todoke\n"), ("master.cf", MASTER + PIPE)):
        write(folder, "etc/" + name, text)
        os.utime(os.path.join(folder, "etc", name), (1, 1))
    write(folder, "site/todoke.conf", "key_file = \"\"\nmaildir = \"%s/tree/%%d/%%n\"\n" % folder)
    return os.path.join(folder, "etc")


def write(folder, name, text, mode=0o644):
    path = os.path.join(folder, name)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, mode)
    return path


def findings(folder, *args):
    result = tap.todoke("setup", "postfix", "--json", "-C", os.path.join(folder, "etc"), "--program", "/usr/bin/todoke", "-o", "myhostname=mx.example.jp",
                        "-c", os.path.join(folder, "site/todoke.conf"), *args)
    return {found["code"]: found for found in json.loads(result.stdout)["findings"]}


def mends(folder, code, *args):
    """The finding is there, and its command removes it."""
    before = findings(folder, *args)
    tap.contains(before, code)
    subprocess.run(["sh", "-c", before[code]["fix"]], check=True)
    after = findings(folder, *args)
    tap.same(sorted(after), sorted(set(before) - {code}), before[code]["fix"])
    return before[code]


def reads(path, user=USER):
    """The oracle: can that user read it?"""
    entry = pwd.getpwnam(user)
    who = {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}
    return subprocess.run(["cat" if os.path.isfile(path) else "ls", path], capture_output=True, check=False, **who).returncode == 0


def need_root():
    if os.geteuid() != 0:
        raise tap.Skip("only root gives files away and is others")


PIPE_ARGS = ("--door", "pipe", "--user", USER)
LOCAL_ARGS = ("--door", "local", "-o", "maildir=~/Maildir")


def test_all_is_good(folder):
    world(folder)
    tap.same(findings(folder, *PIPE_ARGS), {})
    tap.same(sorted(findings(folder, *LOCAL_ARGS)), ["local-loop-check"])


def test_site_scripts_that_are_missing(folder):
    world(folder)
    for door in (PIPE_ARGS, LOCAL_ARGS, ("--door", "lmtp", "-o", "lmtp_listen=inet:127.0.0.1:24")):
        for setting in ("sieve_before", "sieve_after", "sieve_default", "sieve_discard", "sieve_global", "recipe_site"):
            path = os.path.join(folder, "site", "%s of %s" % (setting, door[1]))
            found = mends(folder, "missing-file", *door, "-o", "%s=%s" % (setting, path), "-o", "recipes=yes")
            tap.contains(found["text"], "%s of todoke.conf names '%s'" % (setting, path))
            tap.same(os.path.isdir(path), setting == "sieve_global")
    tap.same("missing-file" in findings(folder, *PIPE_ARGS, "-o", "recipe_site=/none"), False, "recipes are off")
    tap.same("missing-file" in findings(folder, *PIPE_ARGS, "-o", "sieve_before=~/x, /none/%u"), False, "the owners' own")


def test_site_scripts_that_cannot_be_read(folder):
    need_root()
    world(folder)
    group = grp.getgrgid(pwd.getpwnam(USER).pw_gid).gr_name
    for number, (door, file_mode, folder_mode) in enumerate((door, *modes) for door in (PIPE_ARGS, LOCAL_ARGS) for modes in ((0o640, 0o755), (0o644, 0o750), (0o600, 0o700))):
        place = os.path.join(folder, "site", str(number))
        os.mkdir(place)
        path = write(place, "a b.sieve", "keep;\n", file_mode)
        os.chmod(place, folder_mode)
        tap.same(reads(path), False)
        found = mends(folder, "unreadable-file", *door, "-o", "sieve_before=" + path)
        tap.contains(found["text"], "(mode %04o)" % (folder_mode if folder_mode != 0o755 else file_mode))
        tap.same(reads(path), True)
        tap.same("chgrp %s" % group in found["fix"], door is PIPE_ARGS and file_mode != 0o644, found["fix"])


def test_what_is_needed_blocks(folder):
    """The configuration, the file of users and the program: without them nothing is delivered."""
    need_root()
    world(folder)
    users = write(folder, "site/users", "a:x:::::\n", 0o600)
    program = os.path.join(folder, "bin")
    os.mkdir(program, 0o700)
    shutil.copy("/bin/true", os.path.join(program, "todoke"))
    os.chmod(os.path.join(folder, "site/todoke.conf"), 0o640)
    for door in (PIPE_ARGS, LOCAL_ARGS):
        tap.same(mends(folder, "conf-refused", *door)["blocks"], True)
        os.chmod(os.path.join(folder, "site/todoke.conf"), 0o640)
        os.chown(os.path.join(folder, "site/todoke.conf"), 0, 0)
    os.chmod(os.path.join(folder, "site/todoke.conf"), 0o644)
    tap.same(mends(folder, "passwd-refused", *PIPE_ARGS, "-o", "passwd_file=" + users)["blocks"], True)
    tap.same(mends(folder, "program-refused", *PIPE_ARGS, "--program", os.path.join(program, "todoke"))["blocks"], True)


def test_key(folder):
    """The mail user's key is given to its group; at the local door nobody's is, and that only matters to SRS."""
    need_root()
    world(folder)
    key = write(folder, "site/key", "k " + "5a" * 32 + "\n", 0o640)
    mends(folder, "key-unreadable", *PIPE_ARGS, "-o", "key_file=" + key)
    tap.same((reads(key), os.stat(key).st_mode & 0o777), (True, 0o640))
    os.chown(key, 0, 0)
    tap.same("key-unreadable" in findings(folder, *LOCAL_ARGS, "-o", "key_file=" + key), False)
    found = findings(folder, *LOCAL_ARGS, "-o", "key_file=" + key, "-o", "redirect_sender=srs")["key-unreadable"]
    tap.contains(found["fix"], "redirect_sender = owner")
    tap.same("key-unreadable" in findings(folder, *LOCAL_ARGS, "-o", "key_file=" + key, "-o", "redirect_sender=owner"), False)


def test_tree(folder):
    need_root()
    world(folder)
    tree = os.path.join(folder, "var", "a b")
    args = (*PIPE_ARGS, "-o", "maildir=%s/%%d/%%n" % tree)
    mends(folder, "tree-missing", *args)
    entry = pwd.getpwnam(USER)
    tap.same((os.stat(tree).st_uid, os.stat(tree).st_mode & 0o777), (entry.pw_uid, 0o700))
    os.chown(tree, 0, 0)
    mends(folder, "tree-refused", *args)
    tap.same("tree-missing" in findings(folder, *PIPE_ARGS, "-o", "maildir=~/Maildir", "-o", "users=system"), False)


def test_a_user_that_is_not_there(folder):
    """In a mount namespace with accounts of its own: the printed command makes one."""
    world(folder)
    with open(os.path.join(folder, "etc/master.cf"), encoding="utf-8") as file:
        text = file.read().replace("user=daemon", "user=todoke-nobody")
    write(folder, "etc/master.cf", text)
    found = findings(folder, "--door", "pipe")["no-user"]
    tap.contains(found["text"], "'todoke-nobody'")
    script = 'mkdir "$1/accounts" && cp -a /etc/. "$1/accounts" && mount --bind "$1/accounts" /etc && eval "$2" && shift 2 && "$@"'
    done = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", folder, found["fix"], tap.TODOKE, "setup", "postfix", "--json", "-C",
                           os.path.join(folder, "etc"), "-c", os.path.join(folder, "site/todoke.conf")], capture_output=True, check=False)
    if os.geteuid() != 0 or done.stdout == b"":
        raise tap.Skip("no mount namespace here: %r" % done.stderr)
    tap.same("no-user" in [one["code"] for one in json.loads(done.stdout)["findings"]], False)


def test_status_filter(folder):
    """A filter that makes bounces of what is temporary; not one that does the opposite, nor that of another part of Postfix."""
    world(folder)
    hard = write(folder, "site/hard", "/^4(\\.3\\.1 mail system full)/ 5$1\n")
    soft = write(folder, "site/soft", "/^5(\\.[0-9]+\\.[0-9]+ .*)/ 4$1\n/^4\\./ 4.9.9 x\n")
    path = os.path.join(folder, "etc")
    for door, name in ((PIPE_ARGS, "pipe"), (LOCAL_ARGS, "local"), (("--door", "lmtp", "-o", "lmtp_listen=inet:127.0.0.1:24"), "lmtp")):
        for parameter in (name, "default"):
            for table, wanted in ((soft, False), (hard, True)):
                subprocess.run([POSTCONF, "-c", path, "-e", "%s_delivery_status_filter = regexp:%s" % (parameter, table)], check=True)
                tap.same("status-filter" in findings(folder, *door), wanted)
            tap.contains(mends(folder, "status-filter", *door)["text"], "'5.3.1 mail system full'")
            subprocess.run([POSTCONF, "-c", path, "-X", name + "_delivery_status_filter"], check=True)
        subprocess.run([POSTCONF, "-c", path, "-X", "default_delivery_status_filter"], check=True)
    other = ("pipe_delivery_status_filter = regexp:%s" % hard,)
    subprocess.run([POSTCONF, "-c", path, "-e", *other], check=True)
    tap.same("status-filter" in findings(folder, *LOCAL_ARGS), False)


tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
