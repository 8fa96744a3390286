#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""shadow_script: a script beside the one in force, on live mail; it decides nothing, and where it differs there is a record."""

import json
import os
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

RECEIVED = "Received: from a.example (a.example [192.0.2.1])\n\tby mx.example1.jp with ESMTP id 1; Mon, 30 Nov 2026 10:00:00 +0000\n"
IN_FORCE = 'require "fileinto";\nif header :contains "Subject" "list" { fileinto "Lists"; }\n'


class Box:
    def __init__(self, folder, shadow=None):
        self.folder, self.maildir = folder, folder + "/mail/me"
        for name in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(self.maildir, name))
        self.settings = ["-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/x.sieve" % folder, "-o", "users=virtual", "-o", "log_file=%s/log" % folder,
                         "-o", "shadow_script=%s/shadow.sieve" % folder]
        self.write("x.sieve", IN_FORCE)
        if shadow is not None:
            self.write("shadow.sieve", shadow)
        self.number, self.env = 0, {}

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8") as file:
            file.write(text)
        return os.path.join(self.folder, name)

    def deliver(self, subject, *more, text="Text.\n", door="deliver"):
        self.number += 1
        mail = RECEIVED + "From: boss@example.org\nTo: me@example1.jp\nSubject: %s\nMessage-ID: <%d@example.org>\n\n%s" % (subject, self.number, text)
        answer = tap.todoke(door, *self.settings, *more, "-d", "me@example1.jp", "-f", "boss@example.org", "--queue-id", "4A%04dX" % self.number, stdin=mail.encode(), env=self.env)
        tap.same((answer.returncode, answer.stdout[:9]), (0, b"stored in"), answer.stdout)
        return answer.stdout

    def stored(self):
        return sorted(path for path in tap.files_below(self.maildir) if os.path.basename(os.path.dirname(path)) in ("new", "cur"))

    def why(self, *args):
        return tap.todoke("why", *self.settings, *args).stdout.decode()


def shadows(box):
    path = [os.path.join(box.folder, path) for path in tap.files_below(box.folder) if path.endswith("/record")][0]
    with open(path, encoding="utf-8") as file:
        return [line for line in map(json.loads, file) if line["door"] == "shadow"]


def test_only_differences_are_recorded(folder):
    box = Box(folder, 'require ["fileinto", "imap4flags"];\nif header :contains "Subject" ["list", "news"] { fileinto "Lists"; }\n'
                      'if header :contains "Subject" "flag" { addflag "\\\\Flagged"; }\n')
    for subject in ("list one", "other", "news two", "flag three"):
        box.deliver(subject)
    found = shadows(box)
    tap.same([(line["message_id"], line["plan"][0]["action"], line["shadow"][0]["action"], line["shadow"][0].get("target"), line["shadow"][0].get("flags")) for line in found],
             [("<3@example.org>", "keep", "fileinto", "Lists", None), ("<4@example.org>", "keep", "keep", None, ["\\Flagged"])])
    tap.same(sorted(os.path.dirname(path) for path in box.stored()), [".Lists/new", "new", "new", "new"], "it changes nothing")
    text = box.why("--shadow", "--last")
    tap.contains(text, "in force  keep\n")
    tap.contains(text, "shadow    keep, flags \\Flagged\n")
    tap.same(text.count(" -> me@example1.jp"), 1)
    text = box.why("--shadow", "--last", "5")
    tap.contains(text, "shadow    fileinto Lists")
    tap.contains(text, "%s/shadow.sieve" % folder)
    tap.same("shadow" in box.why("--last", "9"), False, "what was done is told alone")
    answer = json.loads(box.why("--shadow", "--json"))
    tap.same([item["record"]["door"] for item in answer["mails"]], ["shadow", "shadow"])
    stats = json.loads(tap.todoke("stats", "--json", *box.settings).stdout)
    tap.same(stats.get("records", stats.get("decisions")), 4)


def test_the_same_by_other_rules_is_no_difference(folder):
    box = Box(folder, 'require ["fileinto", "variables"];\nset "where" "Lists";\nif header :matches "Subject" "list*" { fileinto "${where}"; stop; }\nkeep;\n')
    box.deliver("list one")
    box.deliver("other")
    tap.same(shadows(box), [])
    tap.contains(box.why("--shadow"), "No difference is recorded")


def test_no_shadow_no_cost(folder):
    box = Box(folder)
    box.deliver("list one")
    tap.same(shadows(box), [], "the file is not there")


def test_nothing_leaves_or_runs(folder):
    box = Box(folder, 'require ["vacation", "copy", "vnd.dovecot.pipe", "duplicate", "fileinto"];\nif duplicate { fileinto "Double"; stop; }\nvacation "Away.";\n'
                      'redirect :copy "other@example.org";\npipe :copy "mark";\n')
    os.mkdir(folder + "/programs")
    program = box.write("programs/mark", "#!/bin/sh\ncat >/dev/null\ntouch %s/ran\n" % folder)
    os.chmod(program, 0o755)
    sender = box.write("sendmail", "#!/bin/sh\ncat >/dev/null\ntouch %s/sent\n" % folder)
    os.chmod(sender, 0o755)
    more = ["-o", "sieve_extensions=+vnd.dovecot.pipe", "-o", "program_folder=%s/programs" % folder, "-o", "submit=sendmail:" + sender]
    box.deliver("other", *more)
    box.deliver("other", *more)
    tap.same([[action["action"] for action in line["shadow"]] for line in shadows(box)], [["vacation", "redirect", "pipe", "keep"]] * 2)
    tap.same([os.path.exists(folder + "/" + name) for name in ("ran", "sent")], [False, False])


def failed(folder, shadow=None, prepare=None):
    """Why the shadow script failed; the mail is delivered all the same."""
    box = Box(folder, shadow)
    if prepare is not None:
        prepare(box)
    box.deliver("list one")
    tap.same([os.path.dirname(path) for path in box.stored()], [".Lists/new"])
    found = shadows(box)
    tap.same((len(found), "shadow" in found[0]), (1, False))
    tap.contains(box.why("--shadow"), "shadow    failed: ")
    return found[0]["failed"]


def test_it_does_not_compile(folder):
    tap.contains(failed(folder, "nonsense;\n"), "nonsense")


def test_it_is_world_writable(folder):
    tap.contains(failed(folder, IN_FORCE, lambda box: os.chmod(folder + "/shadow.sieve", 0o666)), "not used")


def test_it_is_a_fifo(folder):
    failed(folder, None, lambda box: os.mkfifo(folder + "/shadow.sieve"))


def test_it_is_a_folder(folder):
    failed(folder, None, lambda box: os.mkdir(folder + "/shadow.sieve"))


def test_it_is_a_link_out_of_the_tree(folder):
    failed(folder, None, lambda box: os.symlink("/etc/passwd", folder + "/shadow.sieve"))
    tap.same(os.path.exists("/etc/passwd"), True)


def test_it_is_a_dangling_link(folder):
    """As with scripts in force: there is none."""
    box = Box(folder)
    os.symlink(folder + "/nowhere", folder + "/shadow.sieve")
    box.deliver("list one")
    tap.same(shadows(box), [])


def test_it_runs_out_of_its_steps(folder):
    stars = '"%s"' % ("*a" * 200 + "b")
    words = failed(folder, "".join('if header :matches "X-Long" %s { keep; }\n' % stars for _ in range(3)) + "redirect \"%s@example.org\";\n" % ("x" * 2000))
    tap.same(words != "", True)


def test_it_includes_itself(folder):
    failed(folder, 'require "include";\ninclude "shadow";\n')


def with_fault(folder, **fault):
    """Why it failed, where a file call of its process goes wrong."""
    shim = os.path.join(os.path.dirname(os.path.abspath(tap.TODOKE)), "tests", "faults", ".libs", "libshim.so")
    if not os.path.exists(shim):
        raise tap.Skip("no %s" % shim)
    box = Box(folder, 'require "fileinto";\nfileinto "Other";\n')
    box.env = {"LD_PRELOAD": shim, **fault}
    box.deliver("list one")
    tap.same([os.path.dirname(path) for path in box.stored()], [".Lists/new"])
    return shadows(box)[0]["failed"]


def test_its_process_hangs(folder):
    begin = time.monotonic()
    words = with_fault(folder, TODOKE_FAULT_HANG="/shadow.sieve")
    tap.contains(words, "longer than %d ms" % tap.limit("SHADOW_MS"))
    tap.same(time.monotonic() - begin < tap.PATIENCE / 2, True)


def test_its_process_crashes(folder):
    tap.contains(with_fault(folder, TODOKE_FAULT="1:kill", TODOKE_FAULT_FORKED="1"), "ended by signal")


def test_by_the_small_program(folder):
    """It cannot do all that a shadow script asks for, so it hands the delivery over."""
    small = os.path.join(os.environ.get("TODOKE_PROGRAM_DIR", os.path.dirname(tap.TODOKE)), "todoke-deliver")
    if not os.path.exists(small):
        raise tap.Skip("no %s" % small)
    box = Box(folder, 'require ["fileinto", "body"];\nif body :text :contains "\u65e5" { fileinto "Words"; }\n')
    mail = RECEIVED + "From: boss@example.org\nSubject: other\nMIME-Version: 1.0\nContent-Type: text/plain; charset=big5\nContent-Transfer-Encoding: base64\n\npOmlu7x0qsC7UA==\n"
    for number in range(2):
        done = subprocess.run([small, "deliver", *box.settings, "-d", "me@example1.jp", "-f", "boss@example.org", "--queue-id", "4C%04dX" % number],
                              input=("Message-ID: <%d@example.org>\n" % number + mail).encode(), capture_output=True, timeout=tap.PATIENCE, check=False, env=dict(os.environ, TODOKE_CONF=""))
        tap.same((done.returncode, done.stdout[:9]), (0, b"stored in"), done.stdout)
    tap.same([line["shadow"][0].get("target") for line in shadows(box)], ["Words"] * 2)


def test_through_lmtp(folder):
    """A worker serves on behind a shadow script that fails, and behind one that differs."""
    box = Box(folder, 'require "fileinto";\nif header :contains "Subject" "two" { fileinto "Two"; }\n')
    lines = ["LHLO client.example"]
    for subject in ("one", "list two"):
        lines += ["MAIL FROM:<boss@example.org>", "RCPT TO:<me@example1.jp>", "DATA", RECEIVED.replace("\n", "\r\n") + "Subject: %s\r\nMessage-ID: <%s@example.org>\r\n\r\nx\r\n." % (subject, subject[-3:])]
    lines += ["QUIT", ""]
    answer = tap.todoke("lmtpd", *box.settings, "--stdio", stdin="\r\n".join(lines).encode())
    tap.same(answer.stdout.count(b"250 2.0.0 "), 2, answer.stdout)
    tap.same([os.path.dirname(path) for path in box.stored()], [".Lists/new", "new"])
    tap.same([line["shadow"][0]["target"] for line in shadows(box)], ["Two"])


def test_without_a_record(folder):
    box = Box(folder, "discard;\n")
    box.deliver("other", "-o", "record=no")
    tap.same([path for path in tap.files_below(folder) if path.endswith("/record")], [])


def test_scripts_of_the_site_run_in_both(folder):
    box = Box(folder, 'require "fileinto";\nfileinto "Other";\n')
    before = box.write("before.sieve", 'require ["fileinto"];\nif header :contains "Subject" "site" { fileinto "Site"; stop; }\n')
    os.chmod(before, 0o644)
    box.deliver("site", "-o", "sieve_before=" + before)
    tap.same(shadows(box), [], "the site's script decides")


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
