#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke try` shows what the door does that Postfix calls: `todoke procmail` runs recipes, and no Sieve script."""

import json
import os
import pwd
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from doctor_host import Host

MESSAGE = b"From: Sender <s@client.test>\nTo: a@b.test\nSubject: hello\nMessage-ID: <1@client.test>\n\nbody\n"
SIEVE = 'require "fileinto"; fileinto "BySieve";'
PROCMAIL = 'mailbox_command = /usr/bin/todoke procmail -a "$EXTENSION"\n'


class Owner:
    """An account of the system that has a script and recipes, behind a private Postfix."""

    def __init__(self, folder, main=""):
        self.folder = folder
        self.host = Host(os.path.join(folder, "host"), main=main)
        for name, text in (("sieve", SIEVE), ("rc", ":0\n%s/ByRecipes/\n" % folder)):
            self.host.write(os.path.join(folder, name), text, 0o600)
        self.host.write(self.host.conf, f'maildir = "{folder}/box"\nsieve_scripts = {{ "{folder}/sieve" }}\nrecipe_files = {{ "{folder}/rc" }}\n'
                        f'tree_memory = "{folder}/trees"\nusers = system\n')

    def call(self, *words, **settings):
        options = [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
        return tap.todoke(*words[:1], *options, *words[1:], stdin=MESSAGE, env={**self.host.environment(), "MAIL_CONFIG": self.host.etc, "LC_ALL": "C.UTF-8"})

    def ask(self, *words, **settings):
        self.host.still()
        result = self.call("try", *words, "-", **settings)
        tap.same(result.returncode, 0, str(result))
        return result.stdout.decode()


def door_of(said):
    return next((line for line in said.splitlines() if line.startswith("door: ")), None)


def test_postfix_calls_todoke_procmail(folder):
    """What try says is what that door does."""
    owner = Owner(folder, PROCMAIL)
    said = owner.ask()
    tap.same(door_of(said), "door: todoke procmail (Postfix's mailbox_command): the owner's recipes run, and no Sieve script")
    tap.contains(said, "ByRecipes")
    tap.same("BySieve" in said, False, said)
    answer = json.loads(owner.ask("--json"))
    tap.same((answer["door"], answer["stored"][0]["mailbox"]), ("procmail", folder + "/ByRecipes"))
    done = owner.call("procmail", "-a", "")
    tap.same(done.returncode, 0, str(done))
    tap.same([path.split("/new/")[0] for path in tap.files_below(folder) if "/new/" in path], ["ByRecipes"])
    tap.contains(owner.call("try", "--summary", folder + "/ByRecipes").stdout, b"door: todoke procmail (Postfix's mailbox_command)")


def test_postfix_calls_todoke_deliver(folder):
    owner = Owner(folder, "mailbox_command = /usr/bin/todoke deliver\n")
    said = owner.ask()
    tap.same(door_of(said), "door: todoke deliver (Postfix's mailbox_command)")
    tap.contains(said, "BySieve")
    tap.same("ByRecipes" in said, False, said)
    tap.same(json.loads(owner.ask("--json"))["door"], "deliver")


def test_a_command_of_ones_own(folder):
    """mailbox_command_maps goes before mailbox_command, and mailbox_transport_maps before both; `try`, `check` and `doctor` ask them."""
    me = pwd.getpwuid(os.geteuid()).pw_name
    tables = f"mailbox_command_maps = texthash:{folder}/empty, texthash:{folder}/commands\n"
    owner = Owner(folder, "mailbox_command = /usr/bin/todoke deliver\n" + tables)
    write = owner.host.write
    write(folder + "/empty", "")
    for line, door in ((f'{me} /usr/bin/todoke procmail -a "$EXTENSION"\n', "todoke procmail (Postfix's mailbox_command_maps): the owner's recipes run, and no Sieve script"),
                       (f"another /usr/bin/procmail\n{me} /usr/bin/todoke deliver\n", "todoke deliver (Postfix's mailbox_command_maps)"),
                       ("another /usr/bin/todoke procmail\n", "todoke deliver (Postfix's mailbox_command)"),
                       (f"{me} /usr/bin/procmail\n", "todoke deliver (assumed, as Postfix's mailbox_command_maps does not call todoke; else say --procmail yes)")):
        write(folder + "/commands", line)
        said = owner.ask()
        tap.same(door_of(said), "door: " + door)
        tap.contains(said, "ByRecipes" if "todoke procmail" in door else "BySieve")

    write(folder + "/commands", f"{me} /usr/bin/todoke procmail\n")
    write(folder + "/rc", ":0\n* ^Subject: (\n/dev/null\n", 0o600)
    conf = ("-c", owner.host.conf)
    tap.contains(owner.call("check", "-d", me, *conf).stdout, f"{folder}/rc:2".encode())
    tap.contains(owner.host.codes(me), "recipe-broken")

    owner.host.postconf("-e", f"mailbox_transport_maps = texthash:{folder}/transports")
    write(folder + "/transports", f"{me} lmtp:unix:x\n")
    tap.contains(door_of(owner.ask()), "assumed, as Postfix's mailbox_transport_maps does not call todoke")
    os.unlink(folder + "/transports")
    tap.contains(door_of(owner.ask()), "cannot be asked")


def test_what_is_assumed_is_said(folder):
    """A Postfix that calls something else, a mailbox_transport before it, or none: todoke deliver, and how to say otherwise."""
    for number, (main, why) in enumerate((("", "mailbox_command does not call todoke"), (PROCMAIL + "mailbox_transport = lmtp:unix:x\n", "does not call todoke"),
                                          (None, "there is no Postfix to ask"))):
        place = os.path.join(folder, str(number))
        os.mkdir(place)
        owner = Owner(place, main or "")
        if main is None:
            os.unlink(owner.host.etc + "/main.cf")
            owner.host.still = lambda: None
        said = owner.ask()
        tap.contains(door_of(said), why)
        tap.contains(door_of(said), "--procmail yes")
        tap.contains(said, "BySieve")
        said = owner.ask("--procmail", "yes")
        tap.contains(door_of(said), "todoke procmail (--procmail yes)")
        tap.contains(said, "ByRecipes")


def test_the_door_that_is_said(folder):
    owner = Owner(folder, PROCMAIL)
    said = owner.ask("--procmail", "no")
    tap.same(door_of(said), "door: todoke deliver (--procmail no)")
    tap.contains(said, "BySieve")
    result = owner.call("try", "--procmail", "yes", "--script", folder + "/sieve", "-")
    tap.same((result.returncode, b"excludes" in result.stderr), (2, True), str(result))
    tap.same(door_of(owner.ask("--recipes", folder + "/rc")), None, "recipes that are named run at no door")


def test_a_command_line_with_more_in_it(folder):
    """Another rc file, an assignment: try says that it does not look at them."""
    owner = Owner(folder, "mailbox_command = /usr/bin/todoke procmail -t DEFAULT=$HOME/x /etc/rc\n")
    tap.contains(door_of(owner.ask()), "what else stands in its command line is not looked at: -t DEFAULT=")


def test_virtual_users_come_by_no_mailbox_command(folder):
    owner = Owner(folder, PROCMAIL)
    said = owner.ask("-d", "ann@example.jp", users="virtual", maildir=folder + "/%d/%n")
    tap.same(door_of(said), None)
    tap.contains(said, "BySieve")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
