#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What edits of the header and variables of Sieve may cost: by every door the mail is in the INBOX and the owner is told; and
a thousand edits of a long header take little memory."""

import os
import pwd
import resource
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

FIELDS = 50000
EDITS = 1000
# More than the whole process and the header take, far less than the 1,500 MB that copies would.
MEMORY_KB = 120 * 1024
GREEDY = 'require ["editheader", "fileinto"];\nfileinto "Never";\n' + 'addheader "X-Added" "%s";\n' % ("v" * 1000) * 100
SMALL = ["-o", "sieve_max_memory=64k", "-o", "add_mark=no"]
HEAD = "From: a@b.test\nTo: ann@x.test\nSubject: x\n"


def write(path, text):
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(path, 0o644)
    return path


def mails(root):
    """The message and the notice, each as bytes, of the INBOX."""
    found = [open(os.path.join(root, name), "rb").read() for name in tap.files_below(root) if name.startswith(("new/", "cur/"))]
    return [mail for mail in found if b"\nbody" in mail and b"MAILER-DAEMON" not in mail], [mail for mail in found if b"MAILER-DAEMON" in mail]


def expect_inbox_and_note(root):
    message, notice = mails(root)
    tap.same((len(message), len(notice)), (1, 1), "the message and the notice in %s" % root)
    tap.same(b"X-Added" in message[0], False, "no half of the edits")
    tap.contains(notice[0].decode(), "sieve_max_memory", "the notice names the setting")
    tap.same([name for name in tap.files_below(root) if name.startswith(".Never/new")], [], "no half plan")


def test_too_much_by_pipe(folder):
    script = write(folder + "/x.sieve", GREEDY)
    result = tap.todoke("deliver", "-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=" + script, *SMALL, "-f", "a@b.test", "-d",
                        "ann@x.test", stdin=(HEAD + "\nbody\n").encode())
    tap.same(result.returncode, 0, result.stdout)
    expect_inbox_and_note(folder + "/mail/ann")


def test_too_much_by_local(folder):
    script = write(folder + "/x.sieve", GREEDY)
    user = "games" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
    if user == "games":
        shutil.chown(folder, "games")
    result = tap.todoke("deliver", "-o", "maildir=%s/mail" % folder, "-o", "sieve_scripts=" + script, *SMALL,
                        env={"LOGNAME": user, "LOCAL": user, "DOMAIN": "x.test", "RECIPIENT": user + "@x.test", "SENDER": "a@b.test",
                             "HOME": folder}, stdin=("From a@b.test Mon Jan  5 10:00:00 2026\n" + HEAD + "\nbody\n").encode())
    tap.same(result.returncode, 0, result.stdout)
    expect_inbox_and_note(folder + "/mail")


def test_too_much_by_lmtp(folder):
    script = write(folder + "/x.sieve", GREEDY)
    with Server(folder, "-o", "sieve_scripts=" + script, *SMALL) as server:
        reply, = server.client().greet().deliver("ann@d.test", body=HEAD.replace("\n", "\r\n") + "\r\nbody\r\n")
        tap.contains(reply, "250 2.0.0", "answer")
    expect_inbox_and_note(folder + "/mail/d.test/ann")


def deliver_bounded(folder, script, message):
    """Deliver; returns the peak of the process in kB."""
    if tap.SANITIZED:
        raise tap.Skip("sanitizers keep memory that was freed")
    write(folder + "/message", message)
    write(folder + "/x.sieve", script)
    os.makedirs(folder + "/mail", exist_ok=True)
    command = [tap.TODOKE, "deliver", "-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/x.sieve" % folder, "-o", "add_mark=no",
               "-f", "a@b.test", "-d", "ann@x.test"]
    with open(folder + "/message", "rb") as stdin:
        process = subprocess.Popen(command, stdin=stdin, env=dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8"))
        _, status, usage = os.wait4(process.pid, 0)
    tap.same(os.waitstatus_to_exitcode(status), 0, "exit code")
    return usage.ru_maxrss


def test_a_thousand_edits_of_a_long_header(folder):
    fields = "".join("X-F%d: v\n" % (number % 1000) for number in range(FIELDS))
    script = 'require "editheader";\n' + 'addheader "X-Added" "value";\n' * EDITS
    peak = deliver_bounded(folder, script, HEAD + fields + "\nbody\n")
    message, notice = mails(folder + "/mail/ann")
    tap.same((len(message), len(notice)), (1, 0), "mails")
    tap.same((message[0].count(b"X-Added: value\n"), message[0].count(b"\nX-F")), (EDITS, FIELDS), "fields")
    tap.same(peak < MEMORY_KB, True, "%d kB" % peak)


def test_the_sender_chooses_how_often(folder):
    """foreverypart { addheader }: as many edits as the message has parts."""
    fields = "".join("X-F%d: v\n" % (number % 1000) for number in range(FIELDS))
    parts = "Content-Type: multipart/mixed; boundary=b\n\n" + "--b\n\nbody\n" * (EDITS - 2) + "--b--\n"
    script = 'require ["editheader", "foreverypart"];\nforeverypart { addheader "X-Added" "value"; }\n'
    peak = deliver_bounded(folder, script, HEAD + fields + parts)
    message, _ = mails(folder + "/mail/ann")
    tap.same(message[0].count(b"X-Added: value\n"), EDITS - 1, "edits")
    tap.same(peak < MEMORY_KB, True, "%d kB" % peak)


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
