#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What a retry finds of the try before it (todoke-retry(7)): tries at the same time, queue ids that come again, links that end."""

import concurrent.futures
import errno
import functools
import os
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

SHIM = os.path.abspath("tests/faults/.libs/libshim.so")
RECEIVED = b"Received: from client.test (client.test [192.0.2.1])\n\tby mx.test (Postfix) with ESMTP id %s;\n\tSun, 22 Nov 2026 01:13:%02d +0000\n"
TEXT = b"From: a@b.test\nTo: ann@example.test\nMessage-ID: <1@b.test>\nSubject: x\n\n"
DAY = 86400


def message(queue_id="4ABC", second=0, body=b"body\n"):
    return RECEIVED % (queue_id.encode(), second) + TEXT + body


def command(folder, *args, queue_id="4ABC", rcpt="ann@example.test"):
    return [tap.TODOKE, "deliver", "-f", "a@b.test", "-o", "maildir=%s/Maildir" % folder, "-o", "log_file=%s/log" % folder, "-d", rcpt,
            *(["--queue-id", queue_id] if queue_id else []), *args]


def deliver(folder, *args, raw=None, env=None, code=0, **more):
    result = tap.todoke(*command(folder, *args, **more)[1:], stdin=raw if raw is not None else message(), env=env)
    tap.same(result.returncode, code, "exit; %r" % result.stdout)
    return result.stdout.decode()


def shim(fault, always=""):
    if not os.path.exists(SHIM):
        raise tap.Skip("tests/faults/libshim.la is not built")
    sanitizer = os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0:detect_leaks=0"
    return {"LD_PRELOAD": SHIM, "TODOKE_FAULT": fault, "TODOKE_FAULT_ALWAYS": always, "ASAN_OPTIONS": sanitizer}


@functools.cache
def calls():
    """The names of the file calls of a clean delivery into a new Maildir."""
    with tempfile.TemporaryDirectory(prefix="todoke-") as folder:
        deliver(folder, env={**shim(""), "TODOKE_FAULT_LOG": folder + "/calls"})
        with open(folder + "/calls") as file:
            return [line.split()[1] for line in file]


def number(name):
    """Which call of these is the last one of that name."""
    return max(n for n, call in enumerate(calls(), 1) if call == name)


def test_answers_of_nfs_that_are_lost(folder):
    """It has no rename without replacing; each link and rename is done and seems to have failed."""
    lost = "symlinkat:%d,linkat:%d,renameat:%d" % (errno.EEXIST, errno.EEXIST, errno.ENOENT)
    env = {**shim("", "renameat2:%d" % errno.EINVAL), "TODOKE_FAULT_LOST": lost}
    deliver(folder, env=env)
    deliver(folder, env=env)
    tap.same(copies(folder), 1, "the retry finds it")
    with open(folder + "/two.sieve", "w") as file:
        file.write('require ["fileinto", "mailbox"]; fileinto :create "Work"; keep;\n')
    for _ in range(2):
        deliver(folder, "-o", "sieve_scripts=%s/two.sieve" % folder, env=env, queue_id="4ABD", raw=message("4ABD"))
    tap.same((copies(folder), len(os.listdir(folder + "/Maildir/.Work/new"))), (3, 1), "two folders")


def copies(folder):
    tap.same(tap.litter(folder), [], "tmp")
    return len([path for path in tap.files_below(folder) if path.split(os.sep)[-2:-1] in (["new"], ["cur"])])


def age(folder, seconds):
    for path in tap.claims(folder):
        past = time.time() - seconds
        os.utime(os.path.join(folder, path), (past, past), follow_symlinks=False)


def test_a_retry_after_success_stores_nothing(folder):
    """Postfix tries again where its pipe(8) died before it heard our answer."""
    tap.same(deliver(folder), "stored in INBOX\n")
    deliver(folder)
    tap.same(copies(folder), 1)
    with open(folder + "/log") as log:
        tap.contains(log.read().splitlines()[-1], "stored in INBOX by an earlier try")


def recipes(folder, text):
    with open(folder + "/rc", "w") as file:
        file.write(text)
    return "-o", "recipes=all", "-o", "recipe_files=%s/rc" % folder


def test_a_retry_into_folders_of_other_programs(folder):
    """MH folders and plain directories have neither new nor cur."""
    os.mkdir(folder + "/plain")
    both = recipes(folder, ":0 c\n%s/mh/.\n\n:0\n%s/plain\n" % (folder, folder))
    for _ in range(3):
        deliver(folder, *both)
        tap.same((len(os.listdir(folder + "/mh")), len(os.listdir(folder + "/plain")), copies(folder)), (1, 1, 0))
    with open(folder + "/log") as log:
        tap.same("stored in the INBOX" in log.read(), False)


def test_a_killed_try_at_an_mh_folder(folder):
    """Without a queue id the file is not known any more, as it has a number now: a second copy, in its folder."""
    options = recipes(folder, ":0\n%s/mh/.\n" % folder)
    for queue_id, wanted in (("4ABC", 1), (None, 3)):
        deliver(folder, *options, env={**shim(""), "TODOKE_FAULT_BEHIND": "renameat2:1"}, code=-9, queue_id=queue_id)
        deliver(folder, *options, queue_id=queue_id)
        shown = [name for name in os.listdir(folder + "/mh") if name.isdigit()]
        tap.same((len(shown), os.listdir(folder + "/Maildir/new")), (wanted, []), queue_id)


def test_a_folder_that_is_repaired_between_two_tries(folder):
    """The recipes passed over it the first time; what is behind it is no other copy by that."""
    for name in ("first", "plain"):
        os.mkdir(folder + "/" + name)
    os.chmod(folder + "/first", 0o500)
    options = recipes(folder, ":0 c\n{0}/first\n\n:0 c\n{0}/plain\n\n:0\n{0}/box\n".format(folder))
    deliver(folder, *options)
    os.chmod(folder + "/first", 0o700)
    for _ in range(2):
        deliver(folder, *options)
        with open(folder + "/box") as box:
            tap.same((len(os.listdir(folder + "/first")), len(os.listdir(folder + "/plain")), box.read().count("\nMessage-ID:"), copies(folder)), (1, 1, 1, 0))


def test_zeros_that_a_power_cut_left_in_an_mbox(folder):
    """The file had grown, and its octets were not on the disk: they are a beginning of the mail, too."""
    options = recipes(folder, ":0:\n{0}/box\n".format(folder))
    deliver(folder, *options, queue_id="4ABD", raw=message("4ABD"))
    with open(folder + "/box", "rb") as box:
        before = box.read()
    deliver(folder, *options, env={**shim(""), "TODOKE_FAULT_BEHIND": "renameat:1"}, code=-9)
    with open(folder + "/box", "ab") as box:
        box.write(bytes(100))
    os.unlink(folder + "/box.lock")
    deliver(folder, *options)
    with open(folder + "/box", "rb") as box:
        after = box.read()
    tap.same((after.startswith(before + b"From "), b"\0" in after, after.count(b"\nMessage-ID:")), (True, False, 2))


def test_two_copies_for_one_place(folder):
    """Each is stored once."""
    os.mkdir(folder + "/plain")
    options = recipes(folder, ":0 c\n{0}/plain\n\n:0 c\n{0}/box\n\n:0 c\n{0}/plain\n\n:0\n{0}/box\n".format(folder))
    for _ in range(2):
        deliver(folder, *options)
        with open(folder + "/box") as box:
            tap.same((len(os.listdir(folder + "/plain")), box.read().count("\nMessage-ID:")), (2, 2))


def test_what_differs_is_another_delivery(folder):
    """Another id, another second, octet, recipient, or address before aliases."""
    deliver(folder)
    others = [dict(queue_id="4ABD"), dict(raw=message(second=1)), dict(raw=message("4ABD")), dict(rcpt="bob@example.test"),
              dict(raw=message(body=b"longer body\n")), dict(raw=message().replace(b"Subject: x", b"Subject: y"))]
    for wanted, other in enumerate(others, 2):
        deliver(folder, **other)
        tap.same(copies(folder), wanted, "copies with %s" % other)
    deliver(folder, "-a", "info@example.test")
    tap.same(copies(folder), len(others) + 2, "copies of an alias")


def test_without_server_the_same_mail_may_come_again(folder):
    """No queue id, or nobody who wrote a Received field: it is sent again on purpose."""
    for wanted, other in ((2, dict(queue_id=None)), (4, dict(raw=TEXT + b"x\n"))):
        deliver(folder, **other)
        deliver(folder, **other)
        tap.same(copies(folder), wanted)
        tap.same(tap.claims(folder), [])


def killed_after_the_move(folder, **more):
    deliver(folder, env=shim("%d:kill" % (number("renameat2") + 1)), code=-9, **more)
    tap.same(len(tap.claims(folder)), 1)


def test_an_mbox_of_a_recipe(folder):
    """What Postfix sends again is stored once; what has no queue file may come again on purpose, and is stored again."""
    for name, queue_id, want in (("known", "4ABC", 1), ("unknown", None, 2)):
        box, rc = os.path.join(folder, name), os.path.join(folder, name + ".rc")
        with open(rc, "w") as file:
            file.write(":0:\n%s\n" % box)
        for _ in range(2):
            deliver(folder, "-o", "recipes=all", "-o", "recipe_files=" + rc, "-o", "sieve_scripts=", "-o", "home=" + folder, queue_id=queue_id)
        with open(box, "rb") as file:
            tap.same(file.read().count(b"\nSubject: x\n"), want, name)


def test_without_server_a_killed_try_is_known_by_its_octets(folder):
    killed_after_the_move(folder, queue_id=None)
    deliver(folder, queue_id=None, raw=message(body=b"ydob\n"))
    tap.same(copies(folder), 2, "same header, another body of that length")
    again = tempfile.mkdtemp(dir=folder)
    killed_after_the_move(again, queue_id=None)
    deliver(again, queue_id=None)
    tap.same(copies(again), 1, "same octets")
    deliver(again, queue_id=None)
    tap.same(copies(again), 2, "that retry was answered, so this is a new one")


def folders(folder):
    return {name: len(os.listdir("%s/Maildir/%snew" % (folder, name and "." + name + "/"))) for name in ("", "Twice") if os.path.isdir("%s/Maildir/%snew" % (folder, name and "." + name + "/"))}


def sub(folder, name):
    os.mkdir(os.path.join(folder, name))
    return os.path.join(folder, name)


def as_second_copy(folder, *options):
    """A mail, its retries, a second copy, and the retries of that: how many are where in the end."""
    for queue_id in ("4ABC", "4ABC", "4ABD", "4ABD", "4ABC"):
        deliver(folder, *options, queue_id=queue_id, raw=message(queue_id))
    return folders(folder)


def test_a_retry_is_no_duplicate(folder):
    """What makes a mail known as seen stands under its own name too: Sieve's `duplicate`, formail -D, the setting `duplicates`."""
    with open(folder + "/main.sieve", "w") as file:
        file.write('require ["duplicate", "fileinto"]; if duplicate :handle "h" { fileinto "Twice"; }')
    tap.same(as_second_copy(folder, "-o", "sieve_scripts=%s/main.sieve" % folder), {"": 1, "Twice": 1}, "Sieve")

    for number, rules in enumerate((":0 Wh: ids.lock\n| formail -D 8192 ids\n", ":0\n* ? formail -D 8192 ids\nMaildir/.Twice/\n")):
        home = sub(folder, str(number))
        with open(home + "/rc", "w") as file:
            file.write("MAILDIR=$HOME\n" + rules)
        options = ("-o", "home=" + home, "-o", "recipes=all", "-o", "recipe_files=%s/rc" % home, "-o", "sieve_scripts=")
        tap.same(as_second_copy(home, *options), {"": 1, "Twice": 1} if number else {"": 1}, rules)
        with open(home + "/log") as log:
            tap.same([line.count("by an earlier try") for line in log.read().splitlines() if "4ABC" in line], [0, 1, 1], "who takes the retry for what it is")

    tap.same(as_second_copy(sub(folder, "off"), "-o", "duplicates=file", "-o", "duplicates_of=all", "-o", "duplicates_folder=Twice"), {"": 1, "Twice": 1}, "the setting")
    tap.same(as_second_copy(sub(folder, "gone"), "-o", "duplicates=discard", "-o", "duplicates_of=all"), {"": 1}, "the setting")


def test_links_end(folder):
    killed_after_the_move(folder)
    age(folder, DAY + 10)
    deliver(folder)
    tap.same(copies(folder), 2, "after its lifetime it is not known any more")
    deliver(folder)
    tap.same(copies(folder), 2, "the new link counts")
    age(folder, 3700)
    deliver(folder, "-o", "retry_lifetime=1h")
    tap.same(copies(folder), 3, "by setting")
    age(folder, -3700)
    deliver(folder)
    tap.same(copies(folder), 4, "a link from the future is nobody's")


def test_old_links_are_removed(folder):
    deliver(folder)
    (first,) = tap.claims(folder)
    age(folder, DAY + 10)
    for second in range(1, 400):
        deliver(folder, raw=message(second=second))
        if first not in tap.claims(folder):
            return
    raise AssertionError("400 deliveries, and it is still there")


def test_no_links_by_setting(folder):
    for _ in range(2):
        deliver(folder, "-o", "retry_lifetime=0")
    tap.same((copies(folder), tap.claims(folder)), (2, []))


def test_folders_without_links(folder):
    """Where a file system has no symbolic links, mail arrives all the same."""
    for wanted, error in enumerate((errno.EPERM, errno.EACCES, errno.EOPNOTSUPP), 1):
        deliver(folder, env=shim("", "symlinkat:%d" % error))
        tap.same((copies(folder), tap.claims(folder)), (wanted, []), os.strerror(error))


def test_links_of_strangers(folder):
    """A link that is none of ours leads nowhere and stops nothing."""
    deliver(folder)
    (path,) = [os.path.join(folder, claim) for claim in tap.claims(folder)]
    victim = folder + "/victim"
    for text in ("../../../victim", victim, ".", "..", "x" * 300, "+", "+../../victim"):
        with open(victim, "w") as file:
            file.write("precious")
        os.unlink(path)
        os.symlink(text, path)
        before = copies(folder)
        deliver(folder)
        tap.same((copies(folder), os.path.exists(victim)), (before + 1, True), "text %r" % text)
    os.unlink(path)
    with open(path, "w") as file:
        file.write("no link")
    deliver(folder)


def test_things_of_strangers_delay_nothing(folder):
    """Where a link should be is a folder that cannot be removed; or the link names what is no draft."""
    deliver(folder)
    (path,) = [os.path.join(folder, claim) for claim in tap.claims(folder)]
    inside = os.path.join(os.path.dirname(path), "planted")
    for number, make in enumerate((lambda: os.symlink("..", inside), lambda: os.mkfifo(inside), lambda: os.mkdir(inside)), 2):
        os.unlink(path)
        os.symlink("planted", path)
        make()
        deliver(folder)
        if os.path.isdir(inside) and not os.path.islink(inside):
            os.rmdir(inside)
        tap.same(copies(folder), number)
    os.unlink(path)
    os.makedirs(path + "/full")
    deliver(folder)
    tap.same(len([name for name in tap.files_below(folder) if "/new/" in name]), 5)


def together(folder, env=None):
    """Six tries of one delivery at the same moment; how they ended."""
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        tries = [pool.submit(subprocess.run, command(folder), input=message(), capture_output=True, timeout=tap.PATIENCE, check=False,
                             env=dict(os.environ, TODOKE_CONF="", **(env or {}))) for _ in range(6)]
        return [one.result() for one in tries]


def test_tries_at_the_same_time(folder):
    for turn in range(15):
        box = "%s/%d" % (folder, turn)
        os.makedirs(box)
        if turn % 3 == 1:
            deliver(box, env=shim("%d:kill" % (number("symlinkat") + 1)), code=-9)
        results = together(box)
        codes = [one.returncode for one in results]
        tap.same(set(codes) <= {0, 75}, True, "exit codes %s: %s" % (codes, [one.stdout for one in results]))
        deliver(box)
        tap.same(copies(box), 1, "copies; exit codes %s" % codes)


def test_a_flush_that_hangs_is_answered_in_time(folder):
    """At the deadline, with some seconds for the commit: 75, and the retry knows that the copy is visible."""
    said = deliver(folder, "-o", "deadline=10", env=shim("%d:hang" % number("fsync")), code=75)
    tap.same(said, "4.3.0 delivery took too long: stopped while storing the message [4ABC]\n")
    tap.same(copies(folder), 1)
    deliver(folder)
    tap.same(copies(folder), 1)


def test_a_move_that_hangs_is_answered_in_time(folder):
    deliver(folder, "-o", "deadline=10", env=shim("%d:hang" % number("renameat2")), code=75)
    deliver(folder)
    tap.same(copies(folder), 1)


def calls_of(folder, *args, code):
    """The names of the file calls of this delivery."""
    log = folder + "/calls"
    deliver(folder, *args, env={**shim(""), "TODOKE_FAULT_LOG": log}, code=code)
    with open(log) as file:
        names = [line.split()[1] for line in file]
    os.unlink(log)
    return names


def test_a_link_that_cannot_be_removed_swallows_nothing(folder):
    """The mailbox is full, so the claimed draft is given up; the claim stays although it should go. With room the mail arrives."""
    full, room = ["-o", "quota=site", "-o", "quota_messages=1"], ["-o", "quota=site", "-o", "quota_messages=5"]
    deliver(folder, *full, raw=message(second=1))
    names = calls_of(folder, *full, code=75)
    behind = max(n for n, call in enumerate(names, 1) if call == "symlinkat")
    for n in [n for n, call in enumerate(names, 1) if n > behind and call in ("readlinkat", "unlinkat")]:
        box = "%s/%d" % (folder, n)
        os.makedirs(box)
        deliver(box, *full, raw=message(second=1))
        deliver(box, *full, env=shim("%d:5" % n), code=75)
        deliver(box, *room)
        tap.same(len([path for path in tap.files_below(box) if "/new/" in path]), 2, "EIO at call %d, %s" % (n, names[n - 1]))


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
