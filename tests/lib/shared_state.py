# SPDX-License-Identifier: MIT
"""shared_state: a site whose state is in a server that several hosts share, for tests of what becomes of mail."""

import json
import os

import lmtp_client
import tap
from smtp_peer import Peer

MESSAGE = """Received: from client.test (client.test [192.0.2.1])
\tby mx.test (Postfix) with ESMTP id %s;
\tSun, 22 Nov 2026 01:13:00 +0000
From: %s
To: ann@example.jp, bob@example.jp
Message-ID: <%s@client.test>
Subject: x

body
"""
KEEP = "keep;\n"
REDIRECT = 'redirect "out@example.org";\n'
COPY = 'require "copy"; redirect :copy "out@example.org";\n'
VACATION = 'require "vacation"; vacation :days 7 "away";\n'
DUPLICATE = 'require "duplicate"; if duplicate { discard; }\n'


class Site:
    """A tree with one script for all, and a server that takes what is sent."""

    def __init__(self, folder, state, script, *lines):
        self.folder, self.number = folder, 0
        os.makedirs(folder + "/mail/example.jp", exist_ok=True)
        self.peer = Peer()
        self.conf = folder + "/todoke.conf"
        self.lines = ['maildir = "%s/mail/%%d/%%n"' % folder, 'log_file = "%s/log"' % folder, 'tree_memory = "%s/trees"' % folder,
                      'early_record_folder = ""', 'outage_folder = ""', 'sieve_before = "%s/site.sieve"' % folder, "state_timeout = 2", "deadline = 60",
                      'submit = "%s"' % self.peer.submit, "users_cache = 0", "add_mark = no", 'hostnames = "mx.test"', *lines]
        self.set(state)
        self.rule(script)

    def set(self, state):
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write("\n".join([*self.lines, 'state = "%s"' % state]) + "\n")
        os.chmod(self.conf, 0o644)

    def rule(self, script):
        with open(self.folder + "/site.sieve", "w", encoding="utf-8") as file:
            file.write(script)

    def message(self, number, sender="s@client.test"):
        return (MESSAGE % (number, sender, number)).encode()

    def try_once(self, number=None, rcpt="ann@example.jp", sender="s@client.test", **more):
        """One try: the exit code and the line for Postfix."""
        self.number += 1
        number = number or "4AB%d" % self.number
        result = tap.todoke("deliver", "-c", self.conf, "-f", sender, "-d", rcpt, "--queue-id", number, stdin=self.message(number, sender), **more)
        return result.returncode, result.stdout.decode()

    def deliver(self, *args, **more):
        code, said = self.try_once(*args, **more)
        tap.same(code, 0, "exit; %r; log: %s" % (said, self.log()[-600:]))

    def put_off(self, *args, code="4.3.0", **more):
        exit_code, said = self.try_once(*args, **more)
        tap.same((exit_code, said[:5]), (75, code), "%r; log: %s" % (said, self.log()[-600:]))

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as file:
            return file.read()

    def stored(self, user="ann"):
        new = "%s/mail/example.jp/%s/new" % (self.folder, user)
        return len(os.listdir(new)) if os.path.isdir(new) else 0

    def sent(self):
        self.peer.settle()
        return self.peer.recipients()

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.peer.__exit__(*exc)


def deliver_to_owners(folder, site):
    """Three mails by lmtpd as root for two owners: each is delivered, and what it sends leaves."""
    for number, user in enumerate(("ann", "bob")):
        os.makedirs("%s/mail/example.jp/%s" % (folder, user))
        os.chown("%s/mail/example.jp/%s" % (folder, user), 64111 + number, 64111)
    with lmtp_client.Server(folder, conf=site.conf) as lmtpd:
        client = lmtpd.client().greet()
        for user in ("ann", "bob", "ann"):
            tap.contains(client.deliver(user + "@example.jp")[0], "250 ", lmtpd.read_log())
        client.close()
        tap.same(len(site.sent()), 3, lmtpd.read_log())


def litter(folder):
    return [name for name in tap.files_below(folder + "/mail") if "ledger-" in name]


def write_secret(folder, text, mode=0o600):
    path = folder + "/secret"
    with open(path, "w", encoding="utf-8") as file:
        file.write(text + "\n")
    os.chmod(path, mode)
    return 'state_password_file = "%s"' % path


def findings(*args, env=None):
    result = tap.todoke("check", "--json", *args, env=env)
    return {one["code"]: one for one in json.loads(result.stdout)["findings"]}
