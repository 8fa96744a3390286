#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Names and processes that meet at one place: the same bytes twice at once, a folder by several names."""

import os
import pwd
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lmtp_client
import tap

MESSAGE = b"Received: by mx.test; Sun, 22 Nov 2026 01:13:00 +0000\nFrom: a@b.test\nSubject: x\n\n" + b"0123456789abcdef\n" * 20000
AT_ONCE, ROUNDS = 4, 8


def command(folder, *args):
    return [tap.TODOKE, "deliver", "-o", "maildir=%s/%%d/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "add_mark=no",
            "-f", "s@x.test", "-d", "ann@example.test", *args]


def deliver_at_once(folder, *args):
    """The same bytes AT_ONCE times; what each said with its exit code."""
    env = dict(os.environ, LC_ALL="C.UTF-8")
    env.pop("TODOKE_CONF", None)
    with open(folder + "/message", "wb") as file:
        file.write(MESSAGE)
    running = []
    for _ in range(AT_ONCE):
        with open(folder + "/message", "rb") as message:
            running.append(subprocess.Popen(command(folder, *args), stdin=message, stdout=subprocess.PIPE, env=env))
    said = [(one.communicate(timeout=tap.PATIENCE)[0], one.returncode) for one in running]
    return said


def shown(root):
    return [path for path in tap.files_below(root) if path.split(os.sep)[-2] in ("new", "cur")]


def test_same_bytes_at_once_by_pipe(folder):
    """Without a queue id nobody can say that they are one: each is stored, none fails."""
    for count in range(1, ROUNDS + 1):
        said = deliver_at_once(folder)
        tap.same([code for _, code in said], [0] * AT_ONCE, said)
        tap.same(len(shown(folder + "/example.test/ann")), count * AT_ONCE, "stored")
    tap.same(tap.litter(folder), [], "tmp")


def test_same_retry_at_once_by_pipe(folder):
    """With a queue id they are tries of one delivery: one copy, and all of them may say so."""
    for count in range(1, ROUNDS + 1):
        said = deliver_at_once(folder, "--queue-id", "4ABC%d" % count)
        tap.same([code for _, code in said], [0] * AT_ONCE, said)
        tap.same(len(shown(folder + "/example.test/ann")), count, "stored")
    tap.same(tap.litter(folder), [], "tmp")


def test_same_bytes_at_once_by_lmtp(folder):
    with lmtp_client.Server(folder, "-o", "lmtp_workers=4") as server:
        body = MESSAGE.decode().replace("\n", "\r\n")
        for count in range(1, ROUNDS + 1):
            clients = [server.client().greet() for _ in range(AT_ONCE)]
            for client in clients:
                client.begin("ann@example.test")
            for client in clients:
                client.send(body.replace("Subject: x", "Subject: %d" % count) + ".\r\n")
            for client in clients:
                tap.contains(client.read(), "250 2.0.0", "reply")
                client.close()
            tap.same(len(server.stored("example.test/ann")), count, "stored")
        tap.same(server.stop(), 0, "exit")


def make_maildir(path):
    for inside in ("tmp", "new", "cur"):
        os.makedirs(os.path.join(path, inside))


SIEVE = b'require ["fileinto", "copy"];\nfileinto :copy "Archive";\n'


def deliver_sieve(folder, script=SIEVE, *args):
    with open(folder + "/main.sieve", "wb") as file:
        file.write(script)
    return tap.todoke(*command(folder, "-o", "sieve_scripts=%s/main.sieve" % folder, "--queue-id", "4ABC", *args)[1:], stdin=MESSAGE)


def check_sieve(folder, want, script=SIEVE):
    """Exit 0, so many copies below each folder, and a retry adds none."""
    inbox = folder + "/example.test/ann"
    for again in (False, True):
        done = deliver_sieve(folder, script)
        tap.same(done.returncode, 0, "retry" if again else done.stdout)
        found = {name: len(shown(os.path.join(inbox, name)) if name else os.listdir(inbox + "/new") + os.listdir(inbox + "/cur")) for name in want}
        tap.same(found, want, "stored")
    tap.same(tap.litter(folder), [], "tmp")


def test_folder_that_links_to_the_inbox(folder):
    inbox = folder + "/example.test/ann"
    make_maildir(inbox)
    os.symlink(".", inbox + "/.Archive")
    check_sieve(folder, {"": 1})
    check_sieve(folder, {"": 1}, SIEVE + b'fileinto :copy "archive";\n'.replace(b"archive", b"Archive"))


def test_two_names_of_one_folder(folder):
    inbox = folder + "/example.test/ann"
    make_maildir(inbox)
    make_maildir(inbox + "/.Real")
    os.symlink(".Real", inbox + "/.Archive")
    check_sieve(folder, {"": 0, ".Real": 1}, b'require "fileinto";\nfileinto "Archive"; fileinto "Real";\n')


def test_shared_tmp(folder):
    """Many servers keep tmp on one fast file system: a draft may be there already where it is moved to."""
    inbox = folder + "/example.test/ann"
    make_maildir(inbox)
    os.mkdir(inbox + "/.Archive")
    os.symlink("../tmp", inbox + "/.Archive/tmp")
    for place in ("new", "cur"):
        os.mkdir(inbox + "/.Archive/" + place)
    check_sieve(folder, {"": 1, ".Archive": 1})


def test_shared_tmp_alone(folder):
    inbox = folder + "/example.test/ann"
    make_maildir(inbox)
    os.mkdir(inbox + "/.Archive")
    os.symlink("../tmp", inbox + "/.Archive/tmp")
    check_sieve(folder, {".Archive": 1, "": 0}, b'require "fileinto";\nfileinto "Archive";\n')


def test_shared_places(folder):
    """All three are the INBOX's, by three links: it is the same folder."""
    inbox = folder + "/example.test/ann"
    make_maildir(inbox)
    os.mkdir(inbox + "/.Archive")
    for place in ("tmp", "new", "cur"):
        os.symlink("../" + place, inbox + "/.Archive/" + place)
    check_sieve(folder, {"": 1})


RECIPES = [
    (b":0\n$DEFAULT\n", 1), (b":0\n$HOME/Maildir/\n", 1), (b":0\nMaildir/\n", 1), (b"MAILDIR=$HOME/Maildir\n:0\n./\n", 1),
    (b":0 c\n{\n}\n", 2), (b":0 c\n$DEFAULT\n", 2), (b":0 c\nother/\n\n:0\n$DEFAULT\n", 1), (b":0\n$HOME/Maildir/ $HOME/other/\n", 1),
    (b":0\nlinked/\n", 1),
]


def procmail_stores(folder, recipes, want):
    """How many copies procmail itself puts into the INBOX."""
    home = folder + "/judge"
    os.makedirs(home)
    make_maildir(home + "/Maildir")
    os.symlink("Maildir", home + "/linked")
    with open(home + "/rc", "wb") as file:
        file.write(b"HOME=%s\nMAILDIR=$HOME\nDEFAULT=$HOME/Maildir/\nORGMAIL=$HOME/Maildir/\n" % home.encode() + recipes)
    done = subprocess.run(["procmail", "-m", "rc"], cwd=home, input=MESSAGE, env={"PATH": os.environ["PATH"], "HOME": home}, check=False)
    tap.same(done.returncode, 0, "procmail")
    tap.wait_for("procmail's clone", lambda: len(os.listdir(home + "/Maildir/new")) >= want)
    return len(os.listdir(home + "/Maildir/new"))


def test_recipes_that_name_the_inbox(folder):
    """A retry, as Postfix makes it after a crash, adds no copy; procmail is the judge of how many there are."""
    os.chmod(folder, 0o755)
    judge = any(os.access(os.path.join(part, "procmail"), os.X_OK) for part in os.environ["PATH"].split(":"))
    for number, (recipes, want) in enumerate(RECIPES):
        home = "%s/%d" % (folder, number)
        make_maildir(home + "/Maildir")
        os.symlink("Maildir", home + "/linked")
        with open(home + "/rc", "wb") as file:
            file.write(recipes)
        as_user = {}
        if os.geteuid() == 0:  # recipes never run as root
            nobody = pwd.getpwnam("nobody")
            for path in [home, *(os.path.join(at, name) for at, folders, files in os.walk(home) for name in folders + files)]:
                os.chown(path, nobody.pw_uid, nobody.pw_gid, follow_symlinks=False)
            as_user = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        args = ["-o", "maildir=%s/Maildir" % home, "-o", "home=" + home, "-o", "recipes=all", "-o", "recipe_files=%s/rc" % home]
        done = tap.todoke(*command(home, *args)[1:], stdin=MESSAGE, **as_user)
        tap.same((done.returncode, len(shown(home + "/Maildir"))), (0, want), recipes + b" " + done.stdout)
        if judge:
            tap.same(procmail_stores(home, recipes, want), want, b"procmail: " + recipes)


if __name__ == "__main__":
    tap.run([test for name, test in sorted(globals().items()) if name.startswith("test_")])
