#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A tree of mailboxes that is not there, is empty or is another one: our fault, never an unknown user, and nothing is written."""

import os
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

MAIL = 64101  # an account that no system has
MESSAGE = b"From: a@b.test\nTo: ann@d.test\nSubject: x\n\nbody\n"


class Site:
    """A tree below `folder`/v of one account, as /var/vmail is."""

    def __init__(self, folder, owner=MAIL):
        self.folder, self.tree, self.owner = folder, folder + "/v", owner
        os.chmod(folder, 0o755)
        self.make_tree()

    def make_tree(self):
        os.mkdir(self.tree)
        if os.geteuid() == 0:
            os.chown(self.tree, self.owner, self.owner)

    def options(self, *more):
        return ["-o", "maildir=%s/%%d/%%n" % self.tree, "-o", "tree_memory=%s/trees" % self.folder, "-o", "add_mark=no", *more]

    def deliver(self, *more, rcpt="ann@d.test", **how):
        result = tap.todoke("deliver", *self.options(*more), "-o", "log_file=%s/log" % self.folder, "-f", "s@x.test", "-d", rcpt, stdin=MESSAGE, tree=False, **how)
        return result.returncode, result.stdout.decode()[:6]

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as log:
            return log.read().splitlines()[-1]

    def memory(self):
        trees = self.folder + "/trees"
        return [os.path.join(trees, name) for name in os.listdir(trees)] if os.path.isdir(trees) else []


def by_lmtp(site, *more):
    os.makedirs(site.folder + "/lmtp", exist_ok=True)
    with Server(site.folder + "/lmtp", *site.options(*more)) as server:
        client = server.client().greet()
        client.say("MAIL FROM:<s@x.test>")
        reply = client.say("RCPT TO:<ann@d.test>")
        if reply.startswith("250"):
            client.say("DATA")
            client.send("Subject: x\r\n\r\nbody\r\n.\r\n")
            reply = client.read()
    return reply[:9]


def test_a_tree_that_is_missing(folder):
    site = Site(folder)
    os.rmdir(site.tree)
    for create in ("yes", "no"):
        tap.same(site.deliver("-o", "create_maildir=" + create), (75, "4.3.0 "), create)
        tap.contains(site.log(), "fault=tree", create)
        tap.contains(site.log(), "'%s', below which the mailboxes lie, is not there" % site.tree, create)
        tap.same(by_lmtp(site, "-o", "create_maildir=" + create), "451 4.3.0", create)
    tap.same(os.path.exists(site.tree), False)


def test_an_empty_tree_has_no_users_who_could_be_unknown(folder):
    site = Site(folder)
    tap.same(site.deliver("-o", "create_maildir=no"), (75, "4.3.0 "))
    tap.contains(site.log(), "is empty: mount its file system")
    tap.same(by_lmtp(site, "-o", "create_maildir=no"), "451 4.3.0")
    tap.same(site.deliver(), (0, "stored"), "the first delivery of a new site")
    tap.same(site.deliver("-o", "create_maildir=no", rcpt="bob@d.test"), (67, "5.1.1 "), "where there are users, others are unknown")
    tap.same(site.deliver("-o", "create_maildir=no"), (0, "stored"))


def each_owner(folder):
    """The tree of the account that has the mail, and one that is root's, with domains of that account."""
    for name, owner in (("of-mail", MAIL), ("of-root", 0)):
        os.chmod(folder, 0o755)
        os.mkdir("%s/%s" % (folder, name))
        site = Site("%s/%s" % (folder, name), owner)
        os.mkdir(site.tree + "/d.test")
        os.chown(site.tree + "/d.test", MAIL, MAIL)
        yield name, site


@tap.as_root
def test_the_first_delivery_marks_the_tree(folder):
    for name, site in each_owner(folder):
        tap.same(site.deliver(), (0, "stored"), name)
        (memory,) = site.memory()
        mark = site.tree + "/.todoke-tree"
        with open(memory, encoding="utf-8") as there, open(mark, encoding="utf-8") as here:
            tap.same(there.read(), here.read() + site.tree + "\n", name)
        tap.same((os.stat(mark).st_uid, os.stat(memory).st_uid), (site.owner, 0), name)
        tap.same(site.deliver(), (0, "stored"), "the mark changes nothing")


@tap.as_root
def test_a_tree_that_is_empty_again(folder):
    """As when its file system is not mounted, and the folder below belongs to the same account."""
    for name, site in each_owner(folder):
        site.deliver()
        os.rename(site.tree, site.tree + "-away")
        site.make_tree()
        for create in ("yes", "no"):
            tap.same(site.deliver("-o", "create_maildir=" + create), (75, "4.3.0 "), name)
            tap.contains(site.log(), "'%s' is not the folder that mail was delivered to before" % site.tree, name)
            tap.contains(site.log(), site.memory()[0], name)
            tap.same(by_lmtp(site, "-o", "create_maildir=" + create), "451 4.3.0", name)
        tap.same(os.listdir(site.tree), [], name)
        os.rmdir(site.tree)
        os.rename(site.tree + "-away", site.tree)
        tap.same(site.deliver(), (0, "stored"), name)


@tap.as_root
def test_another_tree_in_its_place(folder):
    for name, site in each_owner(folder):
        site.deliver()
        os.rename(site.tree, site.tree + "-away")
        site.make_tree()
        os.mkdir(site.tree + "/other")
        tap.same(site.deliver(), (75, "4.3.0 "), name)
        with open(site.tree + "/.todoke-tree", "w", encoding="ascii") as mark:
            mark.write("0" * 32 + "\n")
        tap.same(site.deliver(), (75, "4.3.0 "), "a mark of another tree")
        os.unlink(site.memory()[0])
        if name == "of-mail":
            tap.same(site.deliver(), (0, "stored"), "it is meant, says who removes the memory")


@tap.as_root
def test_a_mount(folder):
    """With a real file system, where that is allowed here."""
    script = """set -e
cd "$1"; shift; chmod 755 .; mkdir v; mount -t tmpfs none v; chown %d:%d v
echo mail | "$@" -o create_maildir=yes
umount v; chown %d:%d v
set +e; echo mail | "$@" -o create_maildir=yes; echo $?; echo mail | "$@" -o create_maildir=no; echo $?; ls -A v
mount -t tmpfs none v; chown %d:%d v; mkdir v/x; echo mail | "$@"; echo $?; ls -A v
""" % ((MAIL, MAIL) * 3)
    probe = subprocess.run(["unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"], capture_output=True, check=False)
    if probe.returncode != 0:
        raise tap.Skip("nothing can be mounted here")
    words = ["-o", "maildir=%s/v/%%d/%%n" % folder, "-o", "tree_memory=%s/trees" % folder, "-o", "log_file=%s/log" % folder,
             "-o", "add_mark=no", "-f", "s@x.test", "-d", "ann@d.test"]
    result = subprocess.run(["unshare", "-m", "sh", "-c", script, "sh", folder, tap.TODOKE, "deliver", *words],
                            capture_output=True, check=False, text=True)
    said = [line[:6] for line in result.stdout.splitlines()]
    tap.same((said, result.stderr), (["stored", "4.3.0 ", "75", "4.3.0 ", "75", "4.3.0 ", "75", "x"], ""))


@tap.as_root
def test_who_cannot_remember_delivers(folder):
    site = Site(folder)
    for _ in range(2):
        tap.same(site.deliver(user=MAIL, group=MAIL, extra_groups=[]), (0, "stored"))
    tap.same((site.memory(), os.path.exists(site.tree + "/.todoke-tree")), ([], False))


@tap.as_root
def test_what_root_remembers_holds_for_a_transport_that_is_not_root(folder):
    site = Site(folder)
    as_mail = {"user": MAIL, "group": MAIL, "extra_groups": []}
    site.deliver()
    tap.same(site.deliver(**as_mail), (0, "stored"))
    os.rename(site.tree, site.tree + "-away")
    site.make_tree()
    os.chmod(site.folder + "/log", 0o666)
    tap.same(site.deliver(**as_mail), (75, "4.3.0 "))
    tap.same(os.listdir(site.tree), [])


@tap.as_root
def test_homes(folder):
    """For ~ and %h the folders above the home count."""
    site = Site(folder)
    with open(folder + "/passwd", "w", encoding="ascii") as passwd:
        passwd.write("ann:x:%d:%d::%s/h/d.test/ann\n" % (MAIL, MAIL, folder))
    more = ["-o", "passwd_file=%s/passwd" % folder, "-o", "maildir=~/Maildir"]
    os.makedirs(folder + "/h/d.test")
    os.chown(folder + "/h", MAIL, MAIL)
    os.chown(folder + "/h/d.test", MAIL, MAIL)
    tap.same(site.deliver(*more), (0, "stored"))
    tap.same(os.path.exists(folder + "/h/d.test/.todoke-tree"), True)
    os.rename(folder + "/h", folder + "/away")
    os.mkdir(folder + "/h")
    os.chown(folder + "/h", MAIL, MAIL)
    for create in ("yes", "no"):
        tap.same(site.deliver(*more, "-o", "create_maildir=" + create), (75, "4.3.0 "), create)
    tap.same(os.listdir(folder + "/h"), [])


@tap.as_root
def test_the_mark_is_no_way_to_write_elsewhere(folder):
    """The tree's owner lays a link in the place of the mark, and one in the place of a draft."""
    for name, site in each_owner(folder):
        if site.owner == 0:
            continue
        target = folder + "/target"
        os.symlink(target, site.tree + "/.todoke-tree")
        tap.same(site.deliver(), (0, "stored"), name)
        tap.same((os.path.exists(target), site.memory()), (False, []), name)


def test_who_may_not_look(folder):
    """It is no other tree: nothing is to be removed, and others may run the command."""
    site = Site(folder)
    os.mkdir(folder + "/trees")
    os.chmod(folder + "/trees", 0o755)
    tap.same(site.deliver(), (0, "stored"))
    tap.same(len(site.memory()), 1)
    with open(folder + "/m", "wb") as file:
        file.write(MESSAGE)
    os.chmod(site.tree, 0)
    try:
        tried = tap.todoke("try", *site.options(), "--rcpt", "ann@d.test", folder + "/m", tree=False)
        told = (tried.stdout + tried.stderr).decode()
        tap.same(tried.returncode, 1, told)
        tap.contains(told, "cannot look into '%s': Permission denied; run this as root, or as the owner of the mailbox" % site.tree)
        tap.same("remove" in told, False, told)
        tap.same(site.deliver(), (75, "4.3.0 "))
        tap.contains(site.log(), "fault=no-permission")
    finally:
        os.chmod(site.tree, 0o755)


def test_try_marks_nothing(folder):
    site = Site(folder)
    with open(folder + "/m", "wb") as file:
        file.write(MESSAGE)
    os.mkdir(folder + "/trees")
    tried = tap.todoke("try", *site.options(), "--rcpt", "ann@d.test", folder + "/m", tree=False)
    tap.same(tried.returncode, 0)
    tap.same((os.listdir(site.tree), site.memory()), ([], []))
    os.rmdir(site.tree)
    tried = tap.todoke("try", *site.options(), "--rcpt", "ann@d.test", folder + "/m", tree=False)
    tap.same(tried.returncode, 1)
    tap.contains((tried.stdout + tried.stderr).decode(), "below which the mailboxes lie, is not there")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
