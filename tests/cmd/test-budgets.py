#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of BUDGETS in todoke-limits(7): just under a budget the rules decide, just over it the mail is in the INBOX with a note; by each door."""

import contextlib
import glob
import os
import pwd
import re
import shutil
import sqlite3
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import lmtp_client
import tap

COUNTER = 2  # of the kinds in the state
BUDGETS = ("sieve_max_steps", "rules_max_cpu_time", "rules_cpu_window", "deadline", "sieve_max_memory", "sieve_max_variable_size", "sieve_max_part_size",
           "program_output", "sieve_max_actions", "sieve_max_redirects", "redirect_limit", "reply_limit", "sieve_max_notices", "notice_limit")
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


def test_variables_are_cut_off(folder):
    """At a character, and without a note."""
    for name, value, kept in (("under", "x" * 100, "x" * 100), ("over", "x" * 101, "x" * 100), ("within a character", "x" * 99 + "\u00e9", "x" * 99)):
        options = script(folder, WORK + 'set "a" "%s";\nif string :is "${a}" "%s" { fileinto :create "Work"; }\n' % (value, kept))
        check("%s/%s" % (folder, name), [*options, "-o", "sieve_max_variable_size=100"], None, [".Work"])


def test_one_search(folder):
    """LIMIT_REGEX_STEPS: an expression that takes twice as long for each further octet."""
    def options(count):
        return script("%s/%d" % (folder, count), 'require ["fileinto", "mailbox", "regex", "variables"];\nif string :regex "%s" "^(x+x+)+[0-9]" { discard; }\n'
                      'fileinto :create "Work";\n' % ("x" * count))

    def is_under(count):
        door = QUICKEST("%s/try%d" % (folder, count), *options(count))
        door.deliver()
        return door.count(".Work")

    least_over = next(count for count in range(8, 40) if not is_under(count))
    tap.same(least_over > 8, True, "a short one is searched")
    check(folder + "/under", options(least_over - 1), None, [".Work"])
    check(folder + "/over", options(least_over), "main.sieve:2: pattern", [".Work"])


def test_recipes_that_are_tried(folder):
    most = tap.limit("RECIPE_TRIED")
    for name, count, note in (("under", most, None), ("over", most + 1, "recipes were tried")):
        text = ":0\n* zork\na/\n" + ":0A\na/\n" * (count - 2) + ":0\n${DEFAULT}.Work/\n"
        check("%s/%s" % (folder, name), recipes("%s/%s" % (folder, name), text), note, [".Work"])


def test_what_a_recipe_keeps_of_a_program(folder):
    """LIMIT_RECIPE_VALUE_BYTES: what is longer is cut off, and PROCMAIL_OVERFLOW says so."""
    most = tap.limit("RECIPE_VALUE_BYTES")
    for count, said in ((most, ""), (most + 1, "yes")):
        text = "A=`head -c %d /dev/zero | tr '\\\\0' a`\n:0\n* A ?? > %d\n* ! A ?? > %d\n* PROCMAIL_OVERFLOW ?? ^^%s^^\n${DEFAULT}.Work/\n" % (count, most - 1, most, said)
        check("%s/%d" % (folder, count), recipes("%s/%d" % (folder, count), text), None, [".Work"])


def nested(levels):
    """A text with a word in it, in so many parts."""
    head, body = b"Content-Type: text/plain\n", b"needle\n"
    for number in range(levels - 1):
        head, body = (b"Content-Type: multipart/mixed; boundary=b%d\n" % number, b"--b%d\n%s\n%s\n--b%d--\n" % (number, head, body, number))
    return body, b"MIME-Version: 1.0\n" + head


BODY_SCRIPT = 'require ["body", "fileinto", "mailbox"];\nif body :content "text" :contains "needle" { fileinto :create "Work"; }\n'


def test_depth_that_rules_see(folder):
    """LIMIT_MIME_DEPTH: what lies deeper is not seen, and the mail goes on."""
    options, most = script(folder, BODY_SCRIPT), tap.limit("MIME_DEPTH")
    for levels, place in ((most, ".Work"), (most + 1, "")):
        check("%s/%d" % (folder, levels), options, None, [place], nested(levels + 1))  # the message itself is no level


def test_octets_of_a_part_that_rules_see(folder):
    options = [*script(folder, BODY_SCRIPT), "-o", "sieve_max_part_size=1024"]
    for before, place in ((1024 - 6, ".Work"), (1024 - 5, "")):
        check("%s/%d" % (folder, before), options, None, [place], (b"x" * before + b"needle\n",))


def test_fields_that_rules_see(folder):
    """LIMIT_HEADER_FIELDS; what follows counts as body."""
    options = script(folder, 'require ["fileinto", "mailbox"];\nif exists "X-Last" { fileinto :create "Work"; }\n')
    most = tap.limit("HEADER_FIELDS")
    for count, place in ((most, ".Work"), (most + 1, "")):
        check("%s/%d" % (folder, count), options, None, [place], (b"body\n", b"a:\n" * (count - HEAD.count(b"\n") - 1) + b"X-Last: x\n"))


def test_octets_of_a_header_that_rules_see(folder):
    """LIMIT_HEADER_BYTES; what follows counts as body."""
    options = script(folder, 'require ["fileinto", "mailbox"];\nif exists "X-Last" { fileinto :create "Work"; }\n')
    last, line = b"X-Last: x\n", b"X-Fill: " + b"x" * 900 + b"\n"
    for name, more, place in (("under", 0, ".Work"), ("over", 1, "")):
        room = tap.limit("HEADER_BYTES") + more - len(HEAD % 1) - len(last)
        fill = line * (room // len(line))
        fill += b"y: " + b"y" * (room - len(fill) - 4) + b"\n" if room - len(fill) > 4 else b""
        check("%s/%s" % (folder, name), options, None, [place], (b"body\n", fill + last))


def test_notices(folder):
    options = [*script(folder, 'require ["fileinto", "mailbox", "enotify"];\nfileinto :create "Work";\nnotify "mailto:a@y.test";\nnotify "mailto:b@y.test";\n'),
               "-o", "submit=sendmail:/bin/true"]
    check(folder + "/under", [*options, "-o", "sieve_max_notices=2"], None, [".Work"])
    check(folder + "/over", [*options, "-o", "sieve_max_notices=1"], "sieve_max_notices", [".Work"])


def test_mail_of_a_day(folder):
    """What is sent by each door, and what becomes of the mail that would be one too many."""
    os.makedirs(folder + "/bin")
    sent = folder + "/sent"
    with open(folder + "/bin/sendmail", "w", encoding="ascii") as file:
        file.write("#!/bin/sh\ncat >/dev/null\necho >>%s\n" % sent)
    os.chmod(folder + "/bin/sendmail", 0o755)
    for setting, text, kept in (("redirect_limit", 'redirect "a@y.test";\n', 0), ("reply_limit", 'require "vacation-seconds";\nvacation :seconds 0 "away";\n', 1),
                                ("notice_limit", 'require "enotify";\nnotify "mailto:a@y.test";\n', 1)):
        for kind in DOORS:
            where = "%s/%s/%s" % (folder, setting, kind.__name__)
            with kind(where, *script(where, text), "-o", "submit=sendmail:%s/bin/sendmail" % folder, "-o", setting + "=2", "-o", "sieve_vacation_seconds_min=0") as door:
                open(sent, "w", encoding="ascii").close()
                for number, leaves in ((1, 1), (2, 2), (3, 2)):
                    done, line = door.deliver()
                    with open(sent, encoding="ascii") as file:
                        tap.same((done, file.read().count("\n"), door.count()), (True, leaves, number if kept else number - leaves), "%s: %s" % (kind.__name__, line))
                tap.contains(line, "the limit of 2 ")


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


def test_one_search_counts_too(folder):
    """What a single expression takes is added up as well, though nobody looked at the clock before it."""
    door = Door(folder, *slow_recipes(folder, 1), "-o", "rules_max_cpu_time=1d", "-o", "rules_cpu_window=7d")
    door.deliver(BODY * 10)
    tap.same(door.count(".Work"), 1)
    tap.same(used_ms(folder) >= 100, True, "%d ms" % used_ms(folder))


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


def used_ms(folder):
    """What the owner's state says of processor time: the sum of its counters."""
    with contextlib.closing(sqlite3.connect(folder + "/state/state.db")) as db:
        return sum(int(value) for (value,) in db.execute("SELECT value FROM item WHERE kind = ?", (COUNTER,)))


def test_deliveries_at_once_are_all_added_up(folder):
    options = [*slow_recipes(folder, 1), "-o", "rules_max_cpu_time=1d", "-o", "rules_cpu_window=7d"]
    many = 4
    alone, crowd = Door(folder + "/alone", *options, "-o", "state_folder=%s/alone/state" % folder), Door(folder + "/crowd", *options, "-o", "state_folder=%s/crowd/state" % folder)
    alone.deliver(BODY * 4)
    one = used_ms(alone.folder)
    tap.same(one > 0, True, "one is counted: %d ms" % one)
    started = [subprocess.Popen(crowd.command(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=crowd.environment()) for _ in range(many)]
    for number, process in enumerate(started):
        process.stdin.write(HEAD % (100 + number) + b"\n" + BODY * 4)
        process.stdin.close()
    tap.same([process.wait(tap.PATIENCE) for process in started], [0] * many)
    for process in started:
        process.stdout.close()
    tap.same(used_ms(crowd.folder) > one * many / 2, True, "%d ms of all, %d of one" % (used_ms(crowd.folder), one))


def hurt_state(path, how):
    """What a disk, or an owner who has rights there, may do to the state between two deliveries."""
    if how == "gone":
        shutil.rmtree(os.path.dirname(path))
    elif how == "garbage":
        with open(path, "r+b") as file:
            file.write(b"x" * 4096)
    elif how == "folder":
        os.unlink(path)
        os.mkdir(path)
    elif how == "closed":
        os.chmod(path, 0)
    else:
        with contextlib.closing(sqlite3.connect(path)) as db:
            db.execute("UPDATE item SET value = ? WHERE kind = ?", (how, COUNTER))
            db.commit()


def test_a_state_that_is_hurt(folder):
    """Mail is delivered whatever the state says; a counter that is spoilt says "used up" or "nothing", and never more."""
    text = slow_recipes(folder, 1)
    hurts = ("gone", "garbage", "folder", "closed", "-9223372036854775808", "no number", "9223372036854775807", "99999999999999999999999")
    for number, how in enumerate(hurts):
        where = "%s/%d" % (folder, number)
        door = Door(where, *text, "-o", "rules_max_cpu_time=1h", "-o", "rules_cpu_window=7d")
        door.deliver(BODY * 3)
        tap.same(door.count(".Work"), 1, how)
        hurt_state(where + "/state/state.db", how)
        done, line = door.deliver(BODY * 3)
        is_used_up = how[0] == "9"
        tap.same((done, door.count(), door.count(".Work")), (True, int(is_used_up), 2 - is_used_up), "%s: %s" % (how, line))
        if how[0] == "-":
            tap.same(0 < used_ms(where) < 60000, True, "less than nothing counts as nothing: %d" % used_ms(where))


def test_bounds_of_the_settings(folder):
    """With the least and the most that a setting takes rules run or the INBOX gets the mail; one more or less is an error of the configuration."""
    with open(os.path.join(tap.TOP, "conf/conf-table.def"), encoding="utf-8") as file:
        rows = re.findall(r'^CONF\((?:INT|SIZE|TIME), *(\w+), *"[^"]*", *(\w+), (\w+),', file.read(), re.M)
    bounds = {name: [int({"G_MAXINT64": "9223372036854775807"}.get(value, value)) for value in (low, high)] for name, low, high in rows if name in BUDGETS}
    tap.same(sorted(bounds), sorted(BUDGETS), "found")
    options = script(folder, WORK + 'set "a" "x";\nif string :is "${a}" "x" { fileinto :create "Work"; }\n')
    for name, (low, high) in bounds.items():
        for value, good in ((low, True), (high, True), (low - 1, False), (high + 1, False)):
            door = QUICKEST("%s/%s=%d" % (folder, name, value), *options, "-o", "%s=%d" % (name, value))
            done, line = door.deliver()
            tap.same((done, door.count() + door.count(".Work")), (good, int(good)), "%s=%d: %s" % (name, value, line))
            if not good:
                tap.contains(line, name)
                tap.contains(line, "4.3.5")
            elif value == high:
                tap.same(door.count(".Work"), 1, "%s=%d: %s" % (name, value, line))


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
