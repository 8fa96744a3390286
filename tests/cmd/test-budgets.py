#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of BUDGETS in todoke-limits(7): just under a budget the rules decide, just over it the mail is in the INBOX with a note; by each door."""

import contextlib
import glob
import os
import pwd
import re
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lmtp_client
import tap

HEAD = b"From: a@b.test\nTo: ann@x.test\nMessage-ID: <%d@b.test>\nSubject: budgets\n"
USER = "ann@x.test"


class Door:
    """Delivers into folder/mail/x.test/ann, by todoke deliver as pipe(8) starts it."""

    program = tap.TODOKE

    def __init__(self, folder, *options):
        self.folder, self.options, self.number = folder, options, 0
        os.makedirs(folder + "/mail/x.test", exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass

    def settings(self):
        return ["-o", "maildir=%s/mail/%%d/%%n" % self.folder, "-o", "log_file=%s/log" % self.folder, "-o", "add_mark=no", "-o", "early_record_folder=",
                "-o", "state_folder=%s/state" % self.folder, *self.options]

    def environment(self):
        return {key: value for key, value in dict(os.environ, LC_ALL="C.UTF-8").items() if key != "TODOKE_CONF"}

    def command(self):
        return [self.program, "deliver", "-f", "a@b.test", "-d", USER, *self.settings()]

    def deliver(self, body=b"body\n", head=b""):
        """-> (is it accepted, the log's line of it)"""
        self.number += 1
        message = HEAD % self.number + head + b"\n" + body
        done = self.send(message)
        with open(self.folder + "/log", encoding="utf-8") as log:
            lines = [line for line in log.read().splitlines() if "status=" in line]
        return done, lines[-1] if lines else ""

    def send(self, message):
        run = subprocess.run(self.command(), input=message, env=self.environment(), capture_output=True, timeout=tap.PATIENCE, check=False)
        return run.returncode == 0

    def count(self, place=""):
        """Of what the test sent: what the owner is told lies there, too."""
        found = 0
        for path in glob.glob("%s/mail/x.test/ann/%s/new/*" % (self.folder, place)):
            with open(path, "rb") as file:
                found += b"\nSubject: budgets\n" in b"\n" + file.read()
        return found


class Small(Door):
    program = os.path.join(os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE)), "todoke-deliver")


class Local(Door):
    """As local(8) starts mailbox_command: everything is in the environment."""

    def settings(self):
        return [*super().settings(), "-o", "users=system", "-o", "maildir=%s/mail/x.test/ann" % self.folder]

    def command(self):
        return [self.program, "deliver", *self.settings()]

    def environment(self):
        user = pwd.getpwuid(os.geteuid())
        return dict(super().environment(), LOGNAME=user.pw_name, USER=user.pw_name, HOME=self.folder, RECIPIENT=USER, SENDER="a@b.test", ORIGINAL_RECIPIENT=USER)


class Lmtp(Door):
    def __enter__(self):
        self.server = lmtp_client.Server(self.folder, *self.settings()[4:], "-o", "maildir=%s/mail/%%d/%%n" % self.folder)
        return self

    def __exit__(self, *_):
        self.server.stop()

    def send(self, message):
        client = self.server.client().greet()
        with contextlib.closing(client):
            return client.deliver(USER, body=message.decode().replace("\n", "\r\n"))[0].startswith("250")


# A build with sanitizers has no small program.
HAS_SMALL = os.path.exists(Small.program)
DOORS = (Door, Small, Local, Lmtp) if HAS_SMALL else (Door, Local, Lmtp)
QUICKEST = Small if HAS_SMALL else Door


def script(folder, text):
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/main.sieve", "w", encoding="utf-8") as file:
        file.write(text)
    return ["-o", "sieve_scripts=%s/main.sieve" % folder]


def recipes(folder, text):
    os.makedirs(folder, exist_ok=True)
    with open(folder + "/rc", "w", encoding="utf-8") as file:
        file.write(text)
    return ["-o", "recipes=all", "-o", "recipe_files=%s/rc" % folder, "-o", "sieve_scripts="]


def check(folder, options, note, places, message=()):
    """One delivery by each door. `note`: over the budget, the mail is in the INBOX; None: it is in `places`, and no note is there."""
    for kind in DOORS:
        where = "%s/%s" % (folder, kind.__name__)
        with kind(where, *options) as door:
            done, line = door.deliver(*message)
            tap.same(done, True, "%s accepts: %s" % (kind.__name__, line))
            found = {place: door.count(place) for place in ("", *places)}
            want = {"": 1, **{place: 0 for place in places if place}} if note else {"": 0, **{place: 1 for place in places}}
            tap.same(found, want, "%s: %s" % (kind.__name__, line))
            noted = re.search(r'note="[^"]*"', line)
            if note:
                tap.contains(noted[0] if noted else line, note, kind.__name__)
            else:
                tap.same(noted, None, "note of " + kind.__name__)


def least(folder, name, low, high, options):
    """The smallest value of the setting with which the script decides."""
    while low < high:
        middle = (low + high) // 2
        door = QUICKEST("%s/%d" % (folder, middle), *options, "-o", "%s=%d" % (name, middle))
        door.deliver()
        low, high = (low, middle) if door.count(".Work") else (middle + 1, high)
    return low


WORK = 'require ["fileinto", "mailbox", "variables"];\n'


def test_work_of_a_script(folder):
    options = [*script(folder, WORK + 'set "a" "%s";\n%sfileinto :create "Work";\n' %
                       ("xy" * 4000, 'if string :contains "${a}${a}${a}${a}${a}${a}" "xyz" { stop; }\n' * 20)),
               "-o", "sieve_max_variable_size=64k"]
    bound = least(folder, "sieve_max_steps", 10000, 1000000, options)
    tap.same(10000 < bound < 1000000, True, "steps of the script: %d" % bound)
    check(folder + "/under", [*options, "-o", "sieve_max_steps=%d" % bound], None, [".Work"])
    check(folder + "/over", [*options, "-o", "sieve_max_steps=%d" % (bound - 1)], "sieve_max_steps", [".Work"])


def test_memory_of_a_script(folder):
    sets = "".join('set "a%d" "${a%d}${a%d}";\n' % (number + 1, number, number) for number in range(4))
    options = [*script(folder, WORK + 'set "a0" "%s";\n%sfileinto :create "Work";\n' % ("x" * 8000, sets)), "-o", "sieve_max_variable_size=1M"]
    bound = least(folder, "sieve_max_memory", 65536, 1000000, options)
    tap.same(65536 < bound < 1000000, True, "memory of the script: %d" % bound)
    check(folder + "/under", [*options, "-o", "sieve_max_memory=%d" % bound], None, [".Work"])
    check(folder + "/over", [*options, "-o", "sieve_max_memory=%d" % (bound - 1)], "sieve_max_memory", [".Work"])


def test_actions(folder):
    text = 'require ["fileinto", "mailbox"];\n' + "".join('fileinto :create "F%d";\n' % number for number in range(3))
    options = script(folder, text)
    places = [".F%d" % number for number in range(3)]
    check(folder + "/under", [*options, "-o", "sieve_max_actions=3"], None, places)
    check(folder + "/over", [*options, "-o", "sieve_max_actions=2"], "sieve_max_actions", places)


def test_redirects(folder):
    options = [*script(folder, 'require ["fileinto", "mailbox", "copy"];\nfileinto :create "Work";\nredirect :copy "a@y.test";\nredirect :copy "b@y.test";\n'),
               "-o", "submit=sendmail:/bin/true"]
    check(folder + "/under", [*options, "-o", "sieve_max_redirects=2"], None, [".Work"])
    check(folder + "/over", [*options, "-o", "sieve_max_redirects=1"], "sieve_max_redirects", [".Work"])


def test_output_of_a_program(folder):
    os.makedirs(folder + "/bin")
    with open(folder + "/bin/talk", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\ncat >/dev/null; printf 'Subject: budgets\\n\\n'; head -c 65518 /dev/zero | tr '\\0' x\n")  # 65,536 in all
    os.chmod(folder + "/bin/talk", 0o755)
    options = [*script(folder, 'require ["vnd.dovecot.filter", "fileinto", "mailbox"];\nfilter "talk";\nfileinto :create "Work";\n'), "-o",
               "program_folder=%s/bin" % folder]
    check(folder + "/under", [*options, "-o", "program_output=65536"], None, [".Work"])
    check(folder + "/over", [*options, "-o", "program_output=65535"], "talk", [".Work"])


def test_parts_that_rules_see(folder):
    """LIMIT_MIME_PARTS: what is in a part behind them is not seen, and the mail goes on."""
    options = script(folder, 'require ["body", "fileinto", "mailbox"];\nif body :content "text" :contains "needle" { fileinto :create "Work"; }\n')
    most = tap.limit("MIME_PARTS")
    for count, place in ((most - 2, ".Work"), (most, "")):
        parts = b"--b\nContent-Type: text/plain\n\nx\n" * count + b"--b\nContent-Type: text/plain\n\nneedle\n--b--\n"
        check("%s/%d" % (folder, count), options, None, [place], (parts, b"MIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n"))


# An expression that a search of its states takes a second or so for.
SLOW = "* ^(a?a?a?a?a?a?a?a?)*(b|a?a?a?a?a?a?a?a?a?a?a?)*[cd][ef]$\n"
BODY = (b"a" * 70 + b"\n") * 3000


def slow_recipes(folder, count):
    return recipes(folder, (":0 B\n" + SLOW + "/dev/null\n\n") * count + ":0\n${DEFAULT}.Work/\n")


def test_processor_time_of_one_mail(folder):
    """Recipes that would run beyond the deadline end at half of it, and the mail does not wait."""
    for kind in DOORS:
        where = "%s/%s" % (folder, kind.__name__)
        options = [*slow_recipes(where, 1000), "-o", "deadline=7"]
        with kind(where, *options) as door:
            done, line = door.deliver(BODY)
            tap.same((done, door.count()), (True, 1), "%s: %s" % (kind.__name__, line))
            tap.contains(line, "the script takes more than its part of the deadline")


def test_processor_time_of_all_mail(folder):
    """What deliveries use is added up; over it the mail is in the INBOX at once, until the recipes change."""
    options = [*slow_recipes(folder, 3), "-o", "rules_max_cpu_time=1", "-o", "rules_cpu_window=7d"]
    door = Door(folder + "/box", *options)
    filed = 0
    while door.count() == 0:
        done, line = door.deliver(BODY)
        tap.same(done, True, line)
        filed += 1
        assert filed < 100, "the time is not added up"
    tap.contains(line, "more than 1 s of processor time within 604800 s")
    inbox = door.count()
    tap.same(door.deliver(BODY)[0], True, "and the next one")
    tap.same(door.count() > inbox, True, "it is in the INBOX as well")
    work = door.count(".Work")
    with open(folder + "/rc", "w", encoding="ascii") as file:
        file.write(":0 B\n" + SLOW + "/dev/null\n\n:0\n${DEFAULT}.Work/\n")
    door.deliver(BODY)
    tap.same(door.count(".Work"), work + 1, "changed recipes begin anew")


def test_no_limit_of_processor_time(folder):
    door = Door(folder + "/box", *slow_recipes(folder, 2), "-o", "rules_max_cpu_time=0")
    for number in range(3):
        door.deliver(BODY)
        tap.same((door.count(), door.count(".Work")), (0, number + 1))


def test_sieve_is_asked_too(folder):
    """Patterns count by their time."""
    tests = "".join('if string :regex "${a}" "(x|y)*(a%d|b)" { stop; }\n' % number for number in range(300))
    options = [*script(folder, 'require ["fileinto", "mailbox", "variables", "regex"];\nset "a" "%s";\n%sfileinto :create "Work";\n' % ("x" * 400, tests)),
               "-o", "rules_max_cpu_time=1", "-o", "rules_cpu_window=7d", "-o", "sieve_max_steps=100000000000"]
    door = QUICKEST(folder + "/box", *options)
    for _ in range(50):
        done, line = door.deliver()
        tap.same(done, True, line)
        if door.count():
            break
    tap.contains(line, "rules_max_cpu_time")


def test_table(_):
    """Each setting and limit of the table is one that there is."""
    with open(os.path.join(tap.TOP, "agent/man/todoke-limits.7"), encoding="utf-8") as file:
        table = re.search(r"\n\.SH BUDGETS\n.*?\n\.nf\n(.*?)\n\.fi\n", file.read(), re.S)[1]
    with open(os.path.join(tap.TOP, "conf/conf-table.def"), encoding="utf-8") as file:
        settings = set(re.findall(r"^CONF\(\w+, *(\w+)", file.read(), re.M))
    limits = {"LIMIT_" + name for name in tap.limits()}
    named = set(re.findall(r"\b(?:LIMIT_[A-Z_]+|[a-z]+(?:_[a-z]+)+)\b", table))
    tap.same(sorted(named - settings - limits), [], "names in the table that nothing has")
    tap.same(len(named) > 15, True, "names were found")


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
