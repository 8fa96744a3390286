#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke-deliver, the small program: what it does alone, and how it hands a delivery to todoke when it needs more."""

import os
import re
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

BUILD = os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE))
SMALL = os.path.join(BUILD, "todoke-deliver")
BODY = b"line of the body\n"


class Home:
    """A virtual user. The program todoke beside it notes each time that it runs."""

    def __init__(self, folder, script=None, whole=True):
        if not os.path.exists(SMALL):
            raise tap.Skip("todoke-deliver is not built (--with-static-deliver)")
        self.folder, self.count = folder, 0
        self.programs = folder + "/programs"
        os.makedirs(folder + "/mail")  # and the folder itself
        os.mkdir(self.programs)
        if whole:
            self.write("programs/todoke", '#!/bin/sh\necho "$TODOKE_HANDED_OVER $*" >>%s/ran\nexec %s "$@"\n' % (folder, os.path.join(BUILD, "todoke")))
            os.chmod(self.programs + "/todoke", 0o755)
        # The stand-in for todoke is a script, which no box lets run; test-box.py hands over in it.
        self.options = ["-o", "sandbox=off", "-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "sieve_personal=%s/sieve" % folder,
                        "-o", "sieve_scripts=%s" % ("" if script is None else self.write("main.sieve", script))]

    def write(self, name, text):
        path = os.path.join(self.folder, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def deliver(self, message, *more, code=0, env=None):
        self.count += 1
        whole = dict(os.environ, TODOKE_PROGRAM_DIR=self.programs, TODOKE_CONF="", LC_ALL="C.UTF-8", **(env or {}))
        done = subprocess.run([SMALL, "deliver", *self.options, *more, "-f", "a@b.test", "-d", "ann@x.test", "--queue-id", "Q%d" % self.count],
                              input=message, capture_output=True, env={key: value for key, value in whole.items() if value != ""}, timeout=tap.PATIENCE, check=False)
        tap.same(done.returncode, code, "exit code (%r %r)" % (done.stdout, done.stderr))
        return done.stdout.decode()

    def ran(self):
        """How often todoke ran."""
        try:
            with open(self.folder + "/ran", encoding="utf-8") as file:
                return len(file.readlines())
        except FileNotFoundError:
            return 0

    def mails(self, box=""):
        root = os.path.join(self.folder, "mail/ann", box)
        return [open(os.path.join(root, name), "rb").read() for name in tap.files_below(root) if re.match("(new|cur)/", name)]

    def check(self, box, message, count=1):
        """`count` mails in the folder, each the message as it came behind our stamps; nothing half-made."""
        mails = self.mails(box)
        tap.same(len(mails), count, "mails in '%s'" % box)
        for mail in mails:
            tap.same(mail[-len(message):] == message, True, "the message of %d octets as it came" % len(message))
        tap.same(tap.litter(self.folder), [], "tmp")

    def settle(self):
        """The owner's script is remembered by todoke, once."""
        self.deliver(message("settle"), "-o", "maildir=%s/mail/other" % self.folder, "-o", "state_folder=%s/mail/ann/todoke-state" % self.folder)


def message(subject, size=0):
    return b"From: a@b.test\nTo: ann@x.test\nSubject: " + subject.encode() + b"\n\n" + BODY * (1 + size // len(BODY))


FILES_BY_SUBJECT = 'require "fileinto";\nif header :contains "subject" "caf\u00e9" { fileinto "Work"; }\n'
FILES_CYRILLIC = 'require "fileinto";\nif header :contains "subject" "\u043f\u0440\u0438" { fileinto "Work"; }\n'
RULES = "".join('if header :contains ["subject", "list-id"] "no such word %d" { fileinto "Folder%d"; stop; }\n' % (n, n) for n in range(20))


def test_plain_mail_needs_no_other_program(folder):
    home = Home(folder, whole=False)
    for size in (0, 300_000):
        mail = message("plain", size)
        tap.same(home.deliver(mail), "stored in INBOX\n")
        home.check("", mail) if size == 0 else tap.same(len(home.mails()), 2)


def test_encoded_words_and_rules_need_neither_program_nor_module(folder):
    home = Home(folder, 'require "fileinto";\n' + RULES + FILES_BY_SUBJECT.split("\n", 1)[1])
    home.settle()
    before = home.ran()
    for subject in ("=?utf-8?Q?un_caf=C3=A9?=", "=?UTF-8*fr?B?Y2Fmw6k=?=", "=?iso-8859-1?q?caf=E9?=", "caf\u00e9"):
        home.deliver(message(subject, 15_000), env={"TODOKE_MODULE_DIR": folder})
    tap.same((len(home.mails("Work" if os.path.isdir(folder + "/mail/ann/Work") else ".Work")), home.ran()), (4, before))


def test_other_charsets_are_read_by_the_whole_program(folder):
    for size in (0, 15_000, 400_000, 3_000_000):
        home = Home("%s/%d" % (folder, size), FILES_CYRILLIC)
        mail = message("=?koi8-r?q?=D0=D2=C9?=", size)
        tap.same(home.deliver(mail), "stored in Work\n")
        home.check(".Work", mail)
        tap.same((home.ran(), len(home.mails())), (1, 0), "handed over once")


def test_a_from_line_is_handed_over(folder):
    home = Home(folder, 'if header :contains "subject" "\u043f\u0440\u0438" { discard; }\n')
    for size in (0, 400_000):
        home.deliver(b"From sender@b.test Mon Nov 30 00:00:00 2026\n" + message("=?koi8-r?q?=D0=D2=C9?=", size))
    tap.same((home.ran(), len(home.mails()), tap.litter(folder)), (2, 0, []))


def test_what_leaves_is_handed_over(folder):
    home = Home(folder, 'require "vacation";\nvacation :addresses "ann@x.test" "I am away";\n')
    mail = message("hello", 100_000)
    home.deliver(mail, "-o", "submit=/nonexistent/sendmail")
    home.check("", mail)
    tap.same(home.ran(), 1)


def test_a_new_script_is_remembered_once(folder):
    home = Home(folder, FILES_BY_SUBJECT)
    for count in (1, 2, 3):
        home.deliver(message("number %d" % count))
        tap.same((home.ran(), len(home.mails())), (1, count))


def test_a_broken_script_is_told_of(folder):
    home = Home(folder, "this is no script")
    home.deliver(message("hello"))
    tap.same((home.ran(), len(home.mails())), (1, 2), "mail and notice")


def test_refusals_are_translated(folder):
    """A catalogue needs no module."""
    home = Home(folder, whole=False)
    if not os.path.exists(os.path.join(BUILD, "po/locale/ja")):
        raise tap.Skip("no catalogue is built")
    answer = home.deliver(message("big", 20_000), "-o", "message_size_limit=10000", "-o", "language=ja", "-o", "answer_language=both", code=69)
    tap.same(any("\u3040" <= letter <= "\u30ff" for letter in answer), True, "kana in %r" % answer)
    tap.same(home.mails(), [])


def test_without_the_whole_program_the_mail_waits(folder):
    home = Home(folder, FILES_BY_SUBJECT, whole=False)
    for size in (0, 400_000):
        answer = home.deliver(message("=?koi8-r?q?=D0=D2=C9?=", size), code=75)
        tap.same(answer.startswith("4.3.5 "), True, answer)
    tap.same((home.mails(), tap.litter(folder)), ([], []))
    tap.contains(open(folder + "/log", encoding="utf-8").read(), "cannot run '%s/programs/todoke'" % folder)


def test_other_commands_are_the_whole_programs(folder):
    home = Home(folder)
    for command, code in ((["version"], 0), (["deliver", "--help"], 0), (["help"], 0), (["nonsense"], 2)):
        env = dict(os.environ, TODOKE_PROGRAM_DIR=home.programs)
        small, whole = (subprocess.run([program, *command], capture_output=True, env=env, check=False) for program in (SMALL, os.path.join(BUILD, "todoke")))
        tap.same((small.returncode, small.stdout), (code, whole.stdout), command)
    tap.same(home.ran(), 4)


def test_it_never_hands_over_to_itself(folder):
    home = Home(folder, 'redirect "x@y.test";\n', whole=False)
    os.symlink(SMALL, home.programs + "/todoke")
    answer = home.deliver(message("hello"), code=75)
    tap.same(answer.startswith("4.3.5 "), True, answer)


def test_the_time_limit_goes_on_in_the_whole_program(folder):
    """What the small program has used of it is gone: the alarm that todoke finds when it starts is the one that counts."""
    tap.need_strace()
    home = Home(folder, 'require "vacation";\nvacation :addresses "ann@x.test" "I am away";\n')
    trace = folder + "/trace"
    env = dict(os.environ, TODOKE_PROGRAM_DIR=home.programs, TODOKE_CONF="", LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=0")
    with subprocess.Popen(["strace", "-f", "-qq", "-e", "trace=alarm,execve", "-o", trace, SMALL, "deliver", *home.options, "-o", "deadline=300",
                           "-f", "a@b.test", "-d", "ann@x.test"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env) as program:
        tap.wait_for("the small program's alarm", lambda: os.path.exists(trace) and "alarm(300)" in open(trace, encoding="utf-8").read())
        time.sleep(2)  # of the time limit
        program.communicate(message("late"), timeout=tap.PATIENCE)
    tap.same(program.returncode, 0, "exit code")
    tap.same(home.ran(), 1, "runs of todoke")
    told = re.findall(r"alarm\((\d+)\) += (\d+)", open(trace, encoding="utf-8").read())
    tap.same(told[0], ("300", "0"), "the small program's alarm")
    tap.same(told[1][0], "300", "the whole program's")
    left = int(told[1][1])
    tap.same(0 < left <= 298, True, "seconds that were left (%d)" % left)
    tap.same(told[2], (str(left), "300"), "what counts")


def test_a_rest_that_is_not_there_is_a_fault(folder):
    """Stored without it the message would be cut short."""
    home = Home(folder)
    for value in ("7", "0", "1", "2", "x", "-1", "99999999999", "7 ", ""):
        done = subprocess.run([os.path.join(BUILD, "todoke"), "deliver", "--rest=" + value, *home.options, "-d", "ann@x.test"], input=message("cut"), capture_output=True, check=False)
        tap.same((done.returncode, done.stdout[:6]), (75, b"4.3.5 "), value)
    tap.same(home.mails(), [])


def test_nobody_else_says_rest(folder):
    """A second rest would take the place of the one that the small program gives."""
    home = Home(folder, FILES_CYRILLIC)
    with open(home.write("rest", "typed\n"), "rb") as rest:
        for subject in ("plain", "=?koi8-r?q?=D0=D2=C9?="):
            done = subprocess.run([SMALL, "deliver", *home.options, "-d", "ann@x.test", "--rest=%d" % rest.fileno()], input=message(subject, 400_000), pass_fds=[rest.fileno()],
                                  env=dict({name: value for name, value in os.environ.items() if name != "TODOKE_CONF"}, TODOKE_PROGRAM_DIR=home.programs), capture_output=True, check=False)
            tap.same((done.returncode, done.stdout[:6]), (75, b"4.3.5 "), done)
            tap.contains(done.stderr, b"--rest is what todoke-deliver says to todoke")
    tap.same((home.mails(), home.mails(".Work")), ([], []))


def test_an_error_of_the_system_has_its_text(folder):
    """Its translation would need another charset, for which it is too late."""
    home = Home(folder, whole=False)
    home.deliver(message("hello"), "-o", "quota=dovecot", "-o", "quota_service=unix:%s/no-socket" % folder, "-o", "language=ja")
    with open(folder + "/log", encoding="utf-8") as log:
        tap.contains(log.read(), "no-socket': No such file or directory")


def test_rules_do_not_see_the_handover(folder):
    """Programs of the site have a clean environment."""
    home = Home(folder)
    home.write("show", "#!/bin/sh\nenv >%s/env\nls -l /proc/$$/fd >%s/fds\ncat >/dev/null\n" % (folder, folder))
    os.chmod(folder + "/show", 0o755)
    home.write("main.sieve", 'require ["vnd.dovecot.pipe", "copy"];\npipe :copy "show";\n')
    home.deliver(message("=?koi8-r?q?=D0=D2=C9?=", 400_000), "-o", "sieve_scripts=%s/main.sieve" % folder, "-o", "program_folder=%s" % folder)
    with open(folder + "/env", encoding="utf-8") as env, open(folder + "/fds", encoding="utf-8") as descriptors:
        tap.same("TODOKE_HANDED_OVER" in env.read(), False)
        tap.same([line for line in descriptors if "memfd" in line or "(deleted)" in line], [], "descriptors of the handover")
    tap.same(home.ran(), 1)


@tap.as_root
def test_root_is_handed_over_at_once(folder):
    home = Home(folder)
    os.chmod(folder, 0o755)
    os.mkdir(folder + "/mail/ann", 0o700)
    os.chown(folder + "/mail/ann", tap.NOBODY, tap.NOBODY)
    mail = message("root")
    home.deliver(mail)
    home.check("", mail)
    tap.same(home.ran(), 1)


if __name__ == "__main__":
    tap.run([test for name, test in list(globals().items()) if name.startswith("test_")])
