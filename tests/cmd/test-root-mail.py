#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Root has no mailbox: its mail goes on to root_mail_to, or waits with a reason; check finds that before the first mail."""

import os
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
import tap
from lmtp_client import Server
from smtp_peer import Peer

MESSAGE = b"From: cron@here.test\nTo: root\nSubject: x\n\nbody\n"
FROM_LOCAL = {"LOGNAME": "root", "USER": "root", "HOME": "/root", "SENDER": "cron@here.test", "RECIPIENT": "root@here.test"}


def options(folder, submit, *more):
    return ["-o", "maildir=~/Maildir", "-o", "log_file=%s/log" % folder, "-o", "submit=" + submit, "-o", "add_mark=no", *more]


def log(folder):
    with open(folder + "/log", encoding="utf-8") as file:
        return file.read().splitlines()[-1]


def by_local(folder, submit, *more, **how):
    result = tap.todoke("deliver", *options(folder, submit, *more), stdin=MESSAGE, env=FROM_LOCAL, **how)
    return result.returncode, result.stdout.decode().strip()


def by_pipe(folder, submit, *more):
    result = tap.todoke("deliver", *options(folder, submit, *more), "-f", "cron@here.test", "-d", "root@here.test", stdin=MESSAGE)
    return result.returncode, result.stdout.decode().strip()


def test_local_runs_as_nobody_for_root(folder):
    """As local(8) does: default_privs is nobody."""
    with Peer() as peer:
        tap.same(by_local(folder, peer.submit), (75, "4.3.5 mail system is configured incorrectly"))
        tap.contains(log(folder), "'root' is root, which has no mailbox: set root_mail_to, or give root's mail to a person by an alias")
        tap.same(by_local(folder, peer.submit, "-o", "root_mail_to=admin@here.test"), (0, "redirect"))
        ((sender, _, mail),) = peer.mails
        tap.contains(sender, "<cron@here.test>")
        tap.same(peer.recipients(), ["admin@here.test"])
        tap.contains(mail, b"Subject: x\r\n\r\nbody\r\n")
    tap.same(by_local(folder, peer.submit, "-o", "root_mail_to=admin@here.test")[1][:6], "4.4.0 ", "it waits where it cannot be handed over")


@tap.as_root
def test_root_at_other_doors(folder):
    os.chmod(folder, 0o755)
    with Peer() as peer:
        for door in (by_local, by_pipe):
            tap.same(door(folder, peer.submit)[1][:6], "4.3.5 ")
            tap.same(door(folder, peer.submit, "-o", "root_mail_to=admin@here.test"), (0, "redirect"))
        os.mkdir(folder + "/lmtp")
        with Server(folder + "/lmtp", "-o", "maildir=~/Maildir", "-o", "submit=" + peer.submit,
                    "-o", "root_mail_to=admin@here.test") as server:
            tap.same(server.client().greet().deliver("root@here.test"), ["250 2.0.0 <root@here.test> redirect"])
        tap.same(peer.recipients(), ["admin@here.test"] * 3)


def check(folder, main, *more):
    """The codes of what check finds where that is Postfix's main.cf."""
    etc = os.path.join(folder, "etc")
    shutil.rmtree(etc, ignore_errors=True)
    os.mkdir(etc)
    for name, text in (("main.cf", "compatibility_level = 3.6\n" + main), ("master.cf", "")):
        with open(os.path.join(etc, name), "w", encoding="utf-8") as file:
            file.write(text)
    with open(folder + "/aliases", "w", encoding="utf-8") as file:
        file.write("postmaster: root\n")
    with open(folder + "/with-root", "w", encoding="utf-8") as file:
        file.write("root: admin@here.test\n")
    for name in ("aliases", "with-root"):
        subprocess.run(["postalias", "-c", etc, "hash:%s/%s" % (folder, name)], check=True)
    conf = os.path.join(folder, "todoke.conf")
    if not os.path.exists(conf):
        with open(conf, "w", encoding="utf-8") as file:
            file.write("add_mark = no\n")
    result = tap.todoke("check", "-c", conf, *more, "--json", env={"MAIL_CONFIG": etc})
    return [word for word in ("root-mail", "local-maildir") if '"%s"' % word in result.stdout.decode()]


def test_check_knows_the_local_door(folder):
    if shutil.which("postconf") is None or shutil.which("postalias") is None:
        raise tap.Skip("there is no postconf here")
    local = "mailbox_command = /usr/bin/todoke deliver\nalias_maps = hash:%s/" % folder
    tap.same(check(folder, local + "aliases\n"), ["root-mail"])
    tap.same(check(folder, local + "aliases\n", "-o", "root_mail_to=admin@here.test"), [])
    tap.same(check(folder, local + "with-root\n"), [])
    tap.same(check(folder, local + "with-root\n", "-o", "maildir=/var/vmail/%d/%n"), ["local-maildir"])
    tap.same(check(folder, local + "with-root\n", "-o", "maildir=/home/%n/Maildir"), [])
    tap.same(check(folder, "mailbox_command = /usr/bin/procmail\n", "-o", "maildir=/var/vmail/%d/%n"), [])
    maps = "alias_maps = hash:%s/with-root\nmailbox_command_maps = texthash:%s/commands\n" % (folder, folder)
    for line, wanted in (("taro /usr/bin/todoke deliver\n", ["local-maildir"]), ("taro /usr/bin/procmail\n", []), ("taro /usr/bin/todoke deliver -c /etc/other.conf\n", [])):
        with open(folder + "/commands", "w", encoding="utf-8") as file:
            file.write(line)
        tap.same(check(folder, maps, "-o", "maildir=/var/vmail/%d/%n"), wanted, line)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
