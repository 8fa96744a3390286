# SPDX-License-Identifier: MIT
"""doctor_host: a host for tests of `todoke doctor`: a private configuration of the Postfix that is installed, a todoke.conf,
a tree of mailboxes, and a folder of programs that come before the real ones."""

import json
import os
import shutil
import subprocess

import tap

os.environ["PATH"] += ":/usr/sbin"
POSTCONF = shutil.which("postconf")
MAIN = """compatibility_level = 3.6
myhostname = mx.example.jp
queue_directory = %s
alias_maps = inline:{root=admin@example.jp}
recipient_delimiter = +
"""
MASTER = """smtp      inet  n       -       y       -       -       smtpd
virtual   unix  -       n       n       -       -       virtual
local     unix  -       n       n       -       -       local
lmtp      unix  -       -       n       -       -       lmtp%s
"""
WORDS = "-f ${sender} -a ${original_recipient} -d ${recipient} --queue-id ${queue_id}"
GOOD_LINE = "user=nobody null_sender= argv=/usr/bin/todoke deliver " + WORDS
GOOD_MAIN = "todoke_destination_recipient_limit = 1\n"
LOCAL = "mailbox_command = /usr/bin/todoke deliver\nmailbox_size_limit = 0\n"


class Host:
    """A Postfix, a todoke.conf, a tree of mailboxes, and programs of this test before the real ones."""

    def __init__(self, folder, main="", line=None, conf="", lmtp=""):
        if POSTCONF is None:
            raise tap.Skip("there is no postconf here")
        self.folder, self.etc, self.bin = folder, os.path.join(folder, "etc"), os.path.join(folder, "bin")
        self.tree, self.conf = os.path.join(folder, "mail"), os.path.join(folder, "todoke.conf")
        for path in (self.etc, self.bin, self.tree, os.path.join(folder, "queue", "private")):
            os.makedirs(path)
        os.chmod(self.tree, 0o777)
        os.chmod(folder, 0o755)
        service = "todoke unix - n n - - pipe\n  %s\n" % line if line is not None else ""
        self.write(os.path.join(self.etc, "main.cf"), MAIN % os.path.join(folder, "queue") + (GOOD_MAIN if line is not None else "") + main)
        self.write(os.path.join(self.etc, "master.cf"), MASTER % (" " + lmtp if lmtp else "") + service)
        self.write(self.conf, 'maildir = "%s/%%d/%%n"\ntree_memory = "%s/trees"\n%s' % (self.tree, folder, conf))
        # what this machine has must not count: no Dovecot, no mail that waits, and nobody who takes mail
        self.program("doveconf", "")
        self.program("postqueue", "")
        self.program("systemctl", "exit 1\n")
        self.still()

    @staticmethod
    def write(path, text, mode=0o644):
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(path, mode)

    def still(self):
        """Postfix waits a second or two for a file that has just changed to become quiet."""
        for name in ("main.cf", "master.cf"):
            os.utime(os.path.join(self.etc, name), (1, 1))

    def environment(self):
        return {"TODOKE_CONF": self.conf, "PATH": self.bin + ":" + os.path.dirname(tap.TODOKE) + ":" + os.environ["PATH"]}

    def program(self, name, text):
        self.write(os.path.join(self.bin, name), "#!/bin/sh\n" + text, 0o755)

    def units(self, service, socket="ActiveState=active", more=""):
        """systemctl that shows these lines of our units; `more` is its script for other commands. What `service` names may be changed by it."""
        self.write(os.path.join(self.folder, "service"), "LoadState=loaded\n%s\n" % service)
        self.write(os.path.join(self.folder, "socket"), "LoadState=loaded\n%s\n" % socket)
        self.program("systemctl", 'cd %s\nfor last; do :; done\n[ "$1" != show ] || exec cat "${last#todoke-lmtpd.}"\n%s' % (self.folder, more))

    def run(self, *args, **env):
        self.still()
        return tap.todoke("doctor", "-C", self.etc, *args, env={**self.environment(), **env})

    def findings(self, *args):
        result = self.run("--json", *args)
        answer = json.loads(result.stdout)
        tap.same(answer["schema"], "todoke.doctor/1")
        for finding in answer["findings"]:  # a command, or words on what to do instead
            tap.same(bool(finding["fix"]) != bool(finding["by_hand"]), True, finding)
        tap.same(result.returncode, 1 if [f for f in answer["findings"] if f["severity"] != "note" and not f["fixed"]] else 0)
        return answer["findings"]

    def codes(self, *args):
        return sorted({finding["code"] for finding in self.findings(*args)})

    def sh(self, command):
        self.still()
        subprocess.run(["sh", "-c", command], check=True, env={**os.environ, **self.environment()}, capture_output=True)

    def postconf(self, *args):
        return subprocess.run([POSTCONF, "-c", self.etc, *args], capture_output=True, check=True).stdout.decode().strip()

    def mend(self, code, *args):
        """The finding is there, and its fix, run as printed, makes it go."""
        found = [finding for finding in self.findings(*args) if finding["code"] == code]
        if not found:
            raise AssertionError("no finding %s, only %s" % (code, self.codes(*args)))
        for key in ("where", "evidence", "consequence", "fix"):
            if not found[0][key]:
                raise AssertionError("%s has no %s: %r" % (code, key, found[0]))
        for _ in range(len(found)):  # one file or folder may have several
            left = [finding for finding in self.findings(*args) if finding["code"] == code]
            if left:
                self.sh(left[0]["fix"])
        if code in self.codes(*args):
            raise AssertionError("%s is still there after: %s" % (code, found[0]["fix"]))
        return found[0]
