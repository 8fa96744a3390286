#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Tests leave the folders alone in which an installed todoke keeps things by default (tests/lib/private_host.py)."""

import os
import shlex
import subprocess
import sys

LIB = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib")
sys.path.insert(0, LIB)
import private_host
import tap

# What mail does to a host with the default settings: a tree is remembered, and a wrong setting is in the early record.
MAIL = """\
cd %(folder)s && mkdir -p mail && chown nobody mail
for more in log_file=%(folder)s/log no_such_setting=1; do
	printf 'From: a@b.test\\n\\nx\\n' | %(todoke)s deliver -o virtual_user=nobody -o maildir=%(folder)s/mail/%%n \\
		-o $more -f a@b.test -d bob@x.test
done >>%(folder)s/out 2>&1
:
"""
SUITE = """\
import os, subprocess, sys
sys.path.insert(0, %(lib)r)
import tap

@tap.as_root
def test_mail(_):
    tap.same(os.path.exists("/var/lib/todoke"), False, "what another test has kept")
    subprocess.run(["sh", %(folder)r + "/mail.sh"], check=True)
    tap.same(os.path.isdir("/var/lib/todoke/trees"), True, "the defaults are in force")

def test_of_nobody(_):
    tap.same(os.path.exists("/var/lib/todoke"), False, "what another test has kept")

tap.run([test_mail, test_of_nobody, test_mail])
"""


def on_a_host(folder, command, owner="root"):
    """What the command changes on a host where todoke is installed, and the command's exit code."""
    script = """\
mount -t tmpfs -o mode=755 none /var/lib && mkdir -p /var/lib/other /var/lib/todoke && cd /var/lib/todoke && mkdir -m 755 early outages trees
chown -R %s /var/lib/todoke && chmod 755 /var/lib/todoke && ln -s other /var/lib/link && echo word >/var/lib/file && echo mail >early/record
cd %s && (%s) >host.out 2>&1
echo $?
cd /var/lib && grep -r . .
""" % (owner, folder, command)
    environment = {key: value for key, value in os.environ.items() if key not in (private_host.MARK, "TODOKE_CONF")}
    done = subprocess.run(["unshare", "--mount", "--propagation", "private", "sh", "-c", script], capture_output=True, env=environment, check=False)
    tap.same(done.stderr, b"")
    code, *there = done.stdout.decode().split("\n")[:-1]
    with open(folder + "/host.out", encoding="utf-8") as file:
        return int(code), sorted(set(there) - {"./file:word", "./todoke/early/record:mail"}), file.read()


def write_scripts(folder):
    if not private_host.is_private():
        raise tap.Skip("this kernel or container gives root no mounts of its own")
    names = {"folder": folder, "todoke": shlex.quote(os.path.abspath(tap.TODOKE)), "lib": os.path.abspath(LIB)}
    for name, text in (("mail.sh", MAIL), ("suite.py", SUITE)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text % names)
    os.chmod(folder, 0o755)


@tap.as_root
def test_without_the_harness_it_would_be_seen(folder):
    write_scripts(folder)
    _, changed, out = on_a_host(folder, "sh mail.sh")
    tap.same(sorted({line.split("/")[2] for line in changed}), ["early", "trees"], (changed, out))


@tap.as_root
def test_a_suite_in_python(folder):
    write_scripts(folder)
    code, changed, out = on_a_host(folder, "python3 suite.py")
    tap.same((code, changed, out.count("\nok ")), (0, [], 3), out)


@tap.as_root
def test_any_test_of_make_check(folder):
    write_scripts(folder)
    code, changed, out = on_a_host(folder, "sh %s/run-test sh mail.sh" % os.path.abspath(LIB))
    tap.same((code, changed), (0, []), out)


@tap.as_root
def test_the_rest_is_there(folder):
    """Other programs find what is theirs, and can write it."""
    write_scripts(folder)
    code, changed, out = on_a_host(folder, "python3 %s/private_host.py sh -c 'cat /var/lib/file; readlink /var/lib/link; echo more >/var/lib/other/more'"
                                   % os.path.abspath(LIB))
    tap.same((code, changed, out), (0, ["./other/more:more"], "word\nother\n"))


@tap.as_root
def test_whose_mail_it_is(folder):
    """Who is not root has no such place: where that account delivers mail, nothing runs."""
    write_scripts(folder)
    command = "setpriv --reuid nobody --regid nogroup --clear-groups python3 suite.py"
    code, changed, out = on_a_host(folder, command, owner="nobody")
    tap.same((code != 0, changed, out.startswith("Bail out! this account's mail is delivered with /var/lib/todoke")), (True, [], True), out)


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
