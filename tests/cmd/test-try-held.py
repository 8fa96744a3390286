#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""try: what would leave, and why something would not."""

import json
import os
import sqlite3
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

HEAD = "From: Boss <boss@example.org>\nTo: me@example1.jp\nSubject: hello\nMessage-ID: <1@example.org>\n"
VACATION = 'require "vacation"; vacation :days 7 :addresses "alias@example1.jp" "Bin weg – zurück am 1.";'


def run(folder, script, *options, head=HEAD, sender="boss@example.org", form="--json"):
    for name, text in (("x.sieve", script), ("m.eml", head + "\nText.\n")):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    result = tap.todoke("try", *([form] if form else []), "--script", folder + "/x.sieve", "--rcpt", "me@example1.jp", "-f", sender, *options, folder + "/m.eml")
    return json.loads(result.stdout) if form else result.stdout.decode()


# What is not answered (RFC 5230 4.5, 4.6; RFC 3834 2), and the word that says why.
NOT_ANSWERED = [
    ("bounce", "", HEAD, "the null sender"),
    ("list", "boss@example.org", "List-Id: <l.example.org>\n" + HEAD, "List-Id"),
    ("unsubscribe", "boss@example.org", "List-Unsubscribe: <mailto:x@y>\n" + HEAD, "List-Unsubscribe"),
    ("auto", "boss@example.org", "Auto-Submitted: auto-replied\n" + HEAD, "Auto-Submitted"),
    ("bulk", "boss@example.org", "Precedence: bulk\n" + HEAD, "Precedence"),
    ("suppress", "boss@example.org", "X-Auto-Response-Suppress: OOF\n" + HEAD, "X-Auto-Response-Suppress"),
    ("oneself", "me@example1.jp", HEAD, "the owner sent it"),
    ("oneself by another name", "alias@example1.jp", HEAD, "the owner sent it"),
    ("robot", "no-reply@example.org", HEAD, "address of a program"),
    ("owner of a list", "owner-l@example.org", HEAD, "address of a program"),
    ("bounce address", "bounces+1=2@example.org", HEAD, "address of a program"),
    ("daemon", "MAILER-DAEMON@example.org", HEAD, "address of a program"),
    ("not to me", "boss@example.org", HEAD.replace("me@", "all@"), "not addressed to the owner"),
]


def test_why_nobody_is_answered(folder):
    for name, sender, head, why in NOT_ANSWERED:
        action = run(folder, VACATION, head=head, sender=sender)["actions"][0]
        tap.contains(action.get("held", ""), why, name)
        tap.same([key for key in ("recipients", "sends", "envelope_from") if key in action], [], name)
    action = run(folder, VACATION, head=HEAD.replace("me@", "alias@"))["actions"][0]
    tap.same((action.get("held"), action["recipients"]), (None, ["boss@example.org"]), "by another name")


def test_what_would_be_said(folder):
    action = run(folder, VACATION)["actions"][0]
    tap.same((action["sends"]["subject"], action["sends"]["text"].rstrip()), ("Auto: hello", "Bin weg – zurück am 1."))
    tap.same((action["envelope_from"], action["recipients"]), ("", ["boss@example.org"]))
    script = 'require "enotify"; notify :message "Neue Post: ü" "mailto:a@example.net?body=Zeile%0Azwei";'
    tap.same(run(folder, script)["actions"][0]["sends"], {"subject": "Neue Post: ü", "text": "Zeile\nzwei\n"})
    script = 'require "vnd.dovecot.report"; report "abuse" "Das war Spam" "abuse@example.net";'
    tap.same(run(folder, script)["actions"][0]["sends"]["text"].strip(), "Das war Spam")
    action = run(folder, 'redirect "b@example.net";')["actions"][0]
    tap.same(("sends" in action, action["envelope_from"], action["recipients"]), (False, "boss@example.org", ["b@example.net"]))


def test_answered_before(folder):
    state = ("--state", folder + "/state")
    tap.same("held" in run(folder, VACATION, *state)["actions"][0], False)
    tap.same(run(folder, VACATION, *state)["actions"][0]["held"], "<boss@example.org> was answered before")


class Owner:
    """A virtual user whose rules answer, and remember what they have seen."""

    RULES = 'require ["vacation", "duplicate", "fileinto"];\nvacation :days 7 "weg";\nif duplicate :uniqueid "x" { fileinto "Again"; }\n'

    def __init__(self, folder):
        self.folder = folder
        self.state = folder + "/mail/me/todoke-state"
        for name, text in (("x.sieve", self.RULES), ("m.eml", HEAD + "\nText.\n"), ("sendmail", "#!/bin/sh\ncat >/dev/null\n")):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)
        os.chmod(folder + "/sendmail", 0o755)
        self.options = ["-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/x.sieve" % folder, "-o", "submit=sendmail:%s/sendmail" % folder,
                        "-o", "log_file=%s/log" % folder, "-f", "boss@example.org", "-d", "me@example1.jp"]

    def deliver(self):
        result = tap.todoke("deliver", *self.options, "--queue-id", "Q1", stdin=(HEAD + "\nText.\n").encode())
        tap.same(result.returncode, 0, result.stdout)

    def attempt(self):
        answer = json.loads(tap.todoke("try", "--json", *self.options, self.folder + "/m.eml", env=dict(os.environ, TMPDIR=self.folder + "/tmp")).stdout)
        return answer["actions"][0].get("held"), answer["actions"][1].get("mailbox"), answer.get("notes", [])

    def files(self):
        """Everything below the mail, as it is: nothing of it is touched."""
        root = self.folder + "/mail"
        stats = {name: os.lstat(os.path.join(root, name)) for name in tap.files_below(root)}
        return {name: (stat.st_ino, stat.st_size, stat.st_mtime_ns) for name, stat in stats.items()}


def test_what_the_owner_s_deliveries_remember(folder):
    owner = Owner(folder)
    os.mkdir(folder + "/tmp")
    tap.same(owner.attempt(), (None, "INBOX", []), "before the first delivery")
    owner.deliver()
    before = owner.files()
    tap.same("todoke-state/state.db" in " ".join(before), True, str(before))
    for _ in range(2):
        held, mailbox, _ = owner.attempt()
        tap.same((held, mailbox), ("<boss@example.org> was answered before", "Again"))
        tap.same(owner.files(), before, "only read")
        tap.same(os.listdir(folder + "/tmp"), [], "the copy is gone")
    # while a delivery has it open, what is new stands in the log beside it
    db = sqlite3.connect(owner.state + "/state.db")
    db.execute("DELETE FROM item WHERE kind = 0")
    db.commit()
    tap.same(os.path.getsize(owner.state + "/state.db-wal") > 0, True)
    tap.same(owner.attempt()[:2], (None, "INBOX"), "the log counts")
    db.close()


def test_a_state_that_cannot_be_read(folder):
    owner = Owner(folder)
    os.mkdir(folder + "/tmp")
    os.makedirs(owner.state)
    with open(owner.state + "/state.db", "wb") as file:
        file.write(b"nonsense" * 1000)
    before = owner.files()
    held, mailbox, notes = owner.attempt()
    tap.same((held, mailbox), (None, "INBOX"))
    tap.contains(str(notes), "state was damaged")
    tap.same(owner.files(), before)
    with open(owner.state + "/state.db", "wb") as file:
        file.truncate(64 * 1024 * 1024 + 1)
    held, mailbox, notes = owner.attempt()
    tap.same((held, mailbox), (None, "INBOX"))
    tap.contains(str(notes), "has more than 67108864 bytes", "LIMIT_STATE_COPY")
    tap.same(os.listdir(folder + "/tmp"), [])


def test_why_nothing_is_sent_on(folder):
    hops = "Received: by x.test; Thu, 3 Aug 2017 00:00:00 +0900\n"
    for address, head, why in (("me@example1.jp", HEAD, "that is the owner"), ("ME+x@EXAMPLE1.jp", HEAD, "that is the owner"),
                               ("b@example.net", hops * 31 + HEAD, "it has passed 31 hosts, more than 30")):
        answer = run(folder, 'redirect "%s";' % address, head=head)
        tap.same(answer["actions"][0]["held"], why, address)
        tap.same(any("not redirected to <%s> but stored" % address in note for note in answer["notes"]), True, answer["notes"])


def test_limits_of_the_day(folder):
    for setting, script in (("redirect_limit=1", 'redirect "b@example.net";'), ("reply_limit=1", VACATION.replace(":days", ":handle \"%d\" :days")),
                            ("notice_limit=1", 'require "enotify"; notify "mailto:a@example.net";')):
        options = ("-o", setting, "--state", os.path.join(folder, setting))
        first = run(folder, script.replace("%d", "1"), "--queue-id", "A1", *options)["actions"][0]
        second = run(folder, script.replace("%d", "2"), "--queue-id", "A2", *options)["actions"][0]
        tap.same(first.get("held"), None, setting)
        tap.same(second.get("held", "")[:16], "the limit of 1 r" if "not" not in setting else "the limit of 1 n", setting)


def test_why_nobody_is_notified(folder):
    for method, head, why in (("mailto:me@example1.jp", HEAD, "<me@example1.jp> is the owner"),
                              ("mailto:a@example.net", "Auto-Submitted: auto-generated\n" + HEAD, "a machine sent the message")):
        tap.contains(run(folder, 'require "enotify"; notify "%s";' % method, head=head)["actions"][0]["held"], why, method)


def test_why_no_program_runs(folder):
    os.mkdir(folder + "/bin")
    script = 'require "vnd.dovecot.pipe"; pipe "gone";'
    tap.contains(run(folder, script)["actions"][0]["held"], "program_folder is not set")
    tap.contains(run(folder, script, "-o", "program_folder=%s/bin" % folder)["actions"][0]["held"], "cannot run")
    with open(folder + "/bin/gone", "w", encoding="utf-8") as file:
        file.write("#!/bin/sh\n")
    os.chmod(folder + "/bin/gone", 0o755)
    tap.same("held" in run(folder, script, "-o", "program_folder=%s/bin" % folder)["actions"][0], False)


def test_for_people(folder):
    text = run(folder, VACATION, form=None)
    tap.contains(text, "m.eml -> vacation  %s/x.sieve:1\n    would be sent from <> to <boss@example.org>\n      Subject: Auto: hello\n\n      Bin weg – zurück am 1.\n" % folder)
    text = run(folder, VACATION, form=None, sender="")
    tap.contains(text, "m.eml -> vacation  %s/x.sieve:1\n    held back: the null sender sent it\n" % folder)


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
