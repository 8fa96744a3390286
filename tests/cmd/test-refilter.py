#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""refilter: where rules want mail that lies in a folder, moving it, and taking that back; tests/e2e has it beside an IMAP session."""

import hashlib
import json
import os
import pwd
import random
import shutil
import signal
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from doctor_host import Host

SCRIPT = """require ["fileinto", "imap4flags", "editheader", "vacation", "mailbox"];
if header :contains "Subject" "list" { fileinto "Lists"; }
elsif header :contains "Subject" "bill" { fileinto :flags ["\\\\Flagged", "$Work"] "Bills"; }
elsif header :contains "Subject" "spam" { discard; }
elsif header :contains "Subject" "away" { vacation "I am away."; }
elsif header :contains "Subject" "on" { redirect "other@example.org"; }
elsif header :contains "Subject" "edit" { addheader "X-New" "1"; fileinto "Lists"; }
"""

RECEIVED = "Received: from a.example (a.example [192.0.2.1])\n\tby mx.example1.jp with ESMTP id 1; Mon, 30 Nov 2026 10:00:00 +0000\n"


def mail(subject, body="Text.\n", head=""):
    return "%sFrom: boss@example.org\nTo: me@example1.jp\nSubject: %s\nMessage-ID: <%s@example.org>\n\n%s" % (head, subject, subject.replace(" ", "."), body)


class Box:
    """A virtual user's mailbox with a script, and mail in it."""

    def __init__(self, folder, script=SCRIPT, folders=("Lists", "Bills")):
        self.folder, self.maildir = folder, folder + "/mail/me"
        for name in ("", *("." + name for name in folders)):
            for place in ("tmp", "new", "cur"):
                os.makedirs(os.path.join(self.maildir, name, place))
        self.options = ["-o", "maildir=%s/mail/%%n" % folder, "-o", "sieve_scripts=%s/x.sieve" % folder, "-o", "users=virtual", "-o", "log_file=%s/log" % folder,
                        "-d", "me@example1.jp"]
        self.write("x.sieve", script)
        self.number = 0

    def write(self, name, text):
        with open(os.path.join(self.folder, name), "w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
        return os.path.join(self.folder, name)

    def add(self, subject, letters="", place="cur", below="", **more):
        self.number += 1
        text = mail(subject, **more)
        name = "%d.M1P1.host,S=%d,W=%d%s" % (1700000000 + self.number, len(text), len(text) + text.count("\n"), ":2," + letters if place == "cur" else "")
        self.write(os.path.join("mail/me", below, place, name), text)
        return name

    def names(self, below="", place="cur"):
        return sorted(os.listdir(os.path.join(self.maildir, below, place)))

    def all(self):
        return [path for path in tap.files_below(self.maildir) if path.split(os.sep)[-2] in ("new", "cur")]

    def run(self, *args, settings=(), **more):
        return tap.todoke("refilter", *self.options, *[word for setting in settings for word in ("-o", setting)], *args, **more)

    def summary(self, *args, **more):
        return json.loads(self.run("--json", *args, **more).stdout.decode().splitlines()[-1])

    def keywords(self, below, text=None):
        path = os.path.join(self.maildir, below, "dovecot-keywords")
        if text is not None:
            self.write(path, text)
        with open(path, encoding="utf-8") as file:
            return file.read()


def test_dry_run(folder):
    box = Box(folder)
    for subject in ("list 1", "list 2", "bill 3", "spam 4", "away 5", "on 6", "edit 7", "other 8"):
        box.add(subject, "S")
    before = tap.files_below(folder)
    result = box.run("INBOX")
    lines = result.stdout.decode().splitlines()
    tap.same((result.returncode, lines[0]), (0, "8 messages read, 4 would move (Lists 3, Bills 1), 1 redirects, 1 replies (dry run)"))
    tap.same([line.split(None, 1)[0] for line in lines[1:]], ["1", "1", "1"], "discarded, passed on, changed")
    tap.contains(lines[1], "--discard-to")
    listed = box.run("--list", "INBOX").stdout.decode()
    tap.contains(listed, "x.sieve:2  because Subject contains list  \"list 1\"\n")
    tap.same("other 8" in listed, False)
    tap.same(box.run("--summary", "INBOX").stdout.decode().splitlines()[1:3], ["        3  Lists", "        1  Bills"])
    tap.same(tap.files_below(folder), before)


def test_apply_and_undo(folder):
    box = Box(folder)
    names = [box.add("list 1", "RS"), box.add("bill 2", "S"), box.add("list 3", place="new"), box.add("other 4", "F"), box.add("spam 5")]
    text = open(os.path.join(box.maildir, "cur", names[0]), "rb").read()
    inode = os.stat(os.path.join(box.maildir, "cur", names[0])).st_ino
    lines = box.run("--apply", "INBOX").stdout.decode().splitlines()
    tap.same(lines[0], "5 messages read, 3 moved (Lists 2, Bills 1), 0 redirects and 0 replies not sent")
    tap.same((box.names(".Lists"), box.names(".Lists", "new"), box.names(".Bills"), box.names()), ([names[0]], [names[2]], [names[1]], [names[3], names[4]]))
    stored = os.path.join(box.maildir, ".Lists/cur", names[0])
    tap.same((open(stored, "rb").read(), os.stat(stored).st_ino), (text, inode), "the file itself")
    tap.same(box.run("INBOX").stdout.decode().splitlines()[0], "2 messages read, 0 would move, 0 redirects, 0 replies (dry run)")
    command, run = lines[-1].split(": ", 1)[1], lines[-1].split()[-1]
    tap.contains(command, "--recipient me@example1.jp --undo " + run)
    undone = subprocess.run(["sh", "-c", command.replace("todoke", tap.TODOKE, 1)], capture_output=True, check=False)  # as it is printed
    tap.same((undone.returncode, undone.stdout.decode()), (0, "3 messages moved back, 0 lay there already, 0 stay\n"))
    tap.same((box.names(), box.names(place="new")), (sorted(name for name in names if name != names[2]), [names[2]]))
    again = box.run("--undo", run)
    tap.same(again.stdout.decode(), "0 messages moved back, 3 lay there already, 0 stay\n")
    tap.same((box.run("--undo", "last").returncode, box.run("--undo", "2001").returncode), (1, 1))
    tap.contains(box.run("--undo", "2001").stderr, run.encode())


def test_undo_last_takes_the_newest_that_stands(folder):
    box = Box(folder)
    first, second = box.add("list 1"), None
    box.run("--apply", "INBOX")
    second = box.add("bill 2")
    box.run("--apply", "INBOX")
    box.run("--undo", "last")
    tap.same((box.names(), box.names(".Lists")), ([second], [first]))
    box.run("--undo", "last")
    tap.same(box.names(), [first, second])


def test_flags_of_rules(folder):
    box = Box(folder)
    name = box.add("bill 1", "S")
    box.run("--apply", "--flags", "INBOX")
    tap.same((box.names(".Bills"), box.keywords(".Bills")), ([name.replace(":2,S", ":2,FSa")], "0 $Work\n"))


def test_keywords_are_carried(folder):
    box = Box(folder)
    box.keywords("", "0 Work\n1 $Label1\n25 zed\n")
    box.keywords(".Lists", "0 Other\n3 $label1\n")
    names = [box.add("list 1", "Sab"), box.add("list 2", "bz"), box.add("list 3", "S"), box.add("list 4", "P")]
    tap.same(box.run("--apply", "INBOX").returncode, 0)
    tap.same(box.names(".Lists"), [names[0].replace("Sab", "Sbd"), names[1].replace("bz", "cd"), names[2], names[3]])
    tap.same(box.keywords(".Lists"), "0 Other\n1 Work\n2 zed\n3 $label1\n")
    box.run("--undo", "last")
    tap.same(box.names(), names, "and back")
    tap.same(box.keywords(""), "0 Work\n1 $Label1\n25 zed\n")


def test_keywords_without_letters(folder):
    box = Box(folder)
    box.keywords("", "0 Work\n")
    full = "".join("%d k%d\n" % (number, number) for number in range(26))
    box.keywords(".Lists", full)
    name, nameless = box.add("list 1", "a"), box.add("list 2", "c")
    result = box.run("--apply", "INBOX")
    tap.same((result.returncode, box.names(), box.names(".Lists"), box.keywords(".Lists")), (1, [name, nameless], [], full))
    tap.contains(result.stdout.decode(), "cur/%s stays: no letter is left for keyword 'Work'" % name)
    tap.contains(result.stdout.decode(), "cur/%s stays: its keyword 'c' has no name in dovecot-keywords" % nameless)


def test_keywords_while_dovecot_has_the_lock(folder):
    box = Box(folder)
    box.keywords("", "0 Work\n")
    names = [box.add("list 1", "aS"), box.add("list 2", "S")]
    lock = box.write("mail/me/.Lists/dovecot-uidlist.lock", "1:host")
    result = box.run("--apply", "INBOX")
    tap.same((result.returncode, box.names(), box.names(".Lists")), (1, [names[0]], [names[1]]))
    os.unlink(lock)
    tap.same((box.run("--apply", "INBOX").returncode, box.keywords(".Lists"), box.names(".Lists")), (0, "0 Work\n", [names[0].replace("aS", "Sa"), names[1]]))
    tap.same([name for name in os.listdir(box.maildir + "/.Lists") if name.endswith(".lock")], [])


def test_discard_to(folder):
    box = Box(folder)
    name = box.add("spam 1", "S")
    box.write("mail/me/maildirsize", "1000000S\n%d 1\n" % os.path.getsize(os.path.join(box.maildir, "cur", name)))
    box.run("--apply", "INBOX", settings=["quota=maildirsize"])
    tap.same(box.names(), [name], "nothing is thrown away")
    result = box.run("--apply", "--discard-to", "Trash", "INBOX", settings=["quota=maildirsize"])
    tap.same((result.returncode, box.names(), box.names(".Trash")), (0, [], [name]))
    lines = open(box.maildir + "/maildirsize", encoding="ascii").read().splitlines()[1:]
    tap.same([sum(int(line.split()[n]) for line in lines) for n in (0, 1)], [0, 0], "trash does not count")
    box.run("--undo", "last", settings=["quota=maildirsize"])
    lines = open(box.maildir + "/maildirsize", encoding="ascii").read().splitlines()[1:]
    tap.same(sum(int(line.split()[1]) for line in lines), 1)


def test_a_folder_that_is_made_by_half(folder):
    """Who made it died in between: the rest of it is made as far as the rules may make folders."""
    box = Box(folder, folders=())
    name = box.add("list 1", "S")
    for place in ("tmp", "new"):
        os.makedirs(box.maildir + "/.Lists/" + place)
    before = tap.files_below(folder)
    tap.contains(box.run("INBOX").stdout.decode(), "1 would move (Lists 1)")
    tap.same((tap.files_below(folder), len(os.listdir(box.maildir + "/.Lists"))), (before, 2), "a dry run")
    tap.same(box.run("--apply", "INBOX", settings=["create_folders=no"]).returncode, 1)
    tap.same(box.names(), [name])
    tap.same((box.run("--apply", "INBOX").returncode, box.names(".Lists"), box.names(".Lists", "new")), (0, [name], []))


def test_a_full_mailbox_can_be_refiltered(folder):
    box = Box(folder)
    name = box.add("list 1")
    result = box.run("--apply", "INBOX", settings=["quota=site", "quota_bytes=10"])
    tap.same((result.returncode, box.names(".Lists")), (0, [name]))
    lines = open(box.maildir + "/maildirsize", encoding="ascii").read().splitlines()
    tap.same(lines[1:], ["%d 1" % int(name.split("S=")[1].split(",")[0])])


def test_what_is_kept_stays_in_any_folder(folder):
    box = Box(folder, 'require ["fileinto", "copy"];\nif header :contains "Subject" "two" { fileinto "Lists"; fileinto "Bills"; }\n'
                      'elsif header :contains "Subject" "copy" { fileinto :copy "Lists"; }\n')
    names = [box.add("other 1", below=".Lists"), box.add("two 2", below=".Lists"), box.add("two 3"), box.add("copy 4")]
    tap.same(box.summary("--apply", "Lists")["moved"], 0)
    done = box.summary("--apply", "INBOX")
    tap.same((done["moved"], done["copies"], box.names(), box.names(".Lists")), (1, 2, [names[3]], names[:3]))


def test_names_of_folders(folder):
    box = Box(folder)
    for name in ("../x", "a\nb", "", "Lists//x", "No such", "/etc", "x" * 2000):
        result = box.run("--apply", name)
        tap.same((result.returncode in (1, 2), result.stdout, result.stderr != b""), (True, b"", True), name)
        tap.same(b"\n" in result.stderr[:-1], False, name)
    tap.same(sorted(name for name in os.listdir(box.maildir) if name.startswith(".")), [".Bills", ".Lists"], "nothing is made")


def test_the_inbox_in_any_case(folder):
    """RFC 3501 5.1: INBOX is one name in all cases; what a rule files there from elsewhere moves, what lies there stays."""
    box = Box(folder, 'require "fileinto";\nfileinto "InBox";\n')
    name = box.add("list 1")
    tap.same((box.run("--apply", "INBOX").returncode, box.names()), (0, [name]))
    tap.same(tap.todoke("try", *box.options, os.path.join(box.maildir, "cur", name)).stdout.split(b" -> ")[1].split(b"  ")[0], b"INBOX")
    other = box.add("list 2", below=".Lists")
    tap.same((box.run("--apply", "Lists").returncode, box.names()), (0, sorted([name, other])))


def test_links_are_not_followed(folder):
    box = Box(folder)
    os.rename(box.maildir + "/.Lists/cur", folder + "/elsewhere")
    os.symlink(folder + "/elsewhere", box.maildir + "/.Lists/cur")
    result = box.run("--apply", "Lists")
    tap.same((result.returncode, b"symbolic link" in result.stderr), (1, True))
    name = box.add("list 1")
    result = box.run("--apply", "INBOX")
    tap.same((result.returncode, box.names(), os.listdir(folder + "/elsewhere")), (1, [name], []))
    tap.contains(result.stdout, b"stays: 'cur' is a symbolic link")


def test_hostile_files(folder):
    box = Box(folder)
    outside = box.write("secret", mail("list secret"))
    os.symlink(outside, box.maildir + "/cur/1.link:2,")
    os.mkfifo(box.maildir + "/cur/2.fifo:2,")
    os.mkdir(box.maildir + "/cur/3.dir:2,")
    open(box.maildir + "/cur/4.empty:2,", "wb").close()
    box.write("mail/me/cur/5.long:2,", "X-Long: " + "y" * 100000 + "\nSubject: list long\n\nx\n")
    box.write("mail/me/cur/6.lines:2,", "".join("X-%d: 1\n" % number for number in range(20000 if tap.SANITIZED else 100000)) + "Subject: list lines\n\nx\n")
    box.write("mail/me/cur/7.\x1b[31m\n:2,", mail("list escape \x1b[31m"))
    box.write("mail/me/cur/8.info:1,x", mail("list info"))
    with open(os.path.join(os.fsencode(box.maildir), b"cur/9.\xff:2,"), "wb") as file:
        file.write(mail("list octets").encode())
    result = box.run("--apply", "INBOX", "--list")
    tap.same((result.returncode, b"\x1b" in result.stdout), (1, False))
    stay = sorted(os.listdir(os.fsencode(box.maildir + "/cur")))
    tap.same([name[:1] for name in stay if name[:1] in b"12349"], [b"1", b"2", b"3", b"4", b"9"])
    for words in (b"1.link:2, stays: it is a symbolic link", b"2.fifo:2, stays: it is not a regular file", b"3.dir:2, stays: ", b"the record cannot hold its name"):
        tap.contains(result.stdout, words)
    tap.same(set(box.names(".Lists")) >= {"5.long:2,", "7.\x1b[31m\n:2,", "8.info:1,x"}, True)
    tap.same(open(outside, encoding="utf-8").read(), mail("list secret"))
    tap.same(box.run("--undo", "last").returncode, 0)
    tap.same(box.names(".Lists"), [])


@tap.as_root
def test_files_of_others(folder):
    box = Box(folder)
    tree = ["tree_memory=%s/trees" % folder]
    names = [box.add("list 1"), box.add("list 2")]
    for at, folders, files in os.walk(folder + "/mail"):
        for name in (at, *(os.path.join(at, name) for name in folders + files)):
            os.chown(name, tap.NOBODY, tap.NOBODY)
    os.chown(folder, tap.NOBODY, tap.NOBODY)
    os.chown(folder + "/x.sieve", tap.NOBODY, tap.NOBODY)
    os.chown(os.path.join(box.maildir, "cur", names[0]), 0, 0)
    nobody = pwd.getpwuid(tap.NOBODY).pw_name
    leaks = {"ASAN_OPTIONS": "detect_leaks=0"}  # the search for them needs the rights that the process gives up
    result = box.run("--as", "daemon", "--apply", "INBOX", settings=tree, env=leaks)
    tap.same((result.returncode, len(box.names())), (1, 2), "without the right to write")
    result = box.run("--as", nobody, "--apply", "INBOX", settings=tree, env=leaks)
    tap.same((result.returncode, box.names(), box.names(".Lists")), (1, [names[0]], [names[1]]))
    tap.contains(result.stdout, b"it belongs to uid 0")
    record = [os.path.join(folder, path) for path in tap.files_below(folder) if path.endswith("/record")]
    tap.same([os.stat(path).st_uid for path in record], [tap.NOBODY])
    tap.same(box.run("--as", "root", "INBOX", settings=tree).returncode, 2)


def test_targets_that_cannot_be_had(folder):
    box = Box(folder, folders=("Bills",))
    names = [box.add("list 1"), box.add("bill 2")]
    result = box.run("--apply", "INBOX", settings=["create_folders=no"])
    tap.same((result.returncode, box.names(), box.names(".Bills")), (1, [names[0]], [names[1]]))
    tap.contains(result.stdout, b"cannot go where the rules want them")
    os.makedirs(box.maildir + "/.Lists")
    for place in ("tmp", "new", "cur"):
        os.mkdir(box.maildir + "/.Lists/" + place)
    os.chmod(box.maildir + "/.Lists/cur", 0o500)
    if os.geteuid() != 0:
        result = box.run("--apply", "INBOX")
        tap.same((result.returncode, box.names()), (1, [names[0]]))
    os.chmod(box.maildir + "/.Lists/cur", 0o700)
    tap.same((box.run("--apply", "INBOX").returncode, box.names(".Lists")), (0, [names[0]]))


def test_another_file_system(folder):
    there = [at for at in ("/dev/shm", "/var/tmp") if os.path.isdir(at) and os.stat(at).st_dev != os.stat(folder).st_dev]
    if not there:
        raise tap.Skip("neither /dev/shm nor /var/tmp is another file system")
    box = Box(folder, folders=())
    name = box.add("list 1")
    other = "%s/todoke-refilter-%d" % (there[0], os.getpid())
    try:
        for place in ("tmp", "new", "cur"):
            os.makedirs(os.path.join(other, place))
        os.symlink(other, box.maildir + "/.Lists")
        result = box.run("--apply", "INBOX")
        tap.same((result.returncode, box.names(), os.listdir(other + "/cur")), (1, [name], []))
        tap.contains(result.stdout, b"stays: the folder lies on another file system")
    finally:
        shutil.rmtree(other)


def test_same_name_there(folder):
    box = Box(folder)
    name = box.add("list 1", "S")
    box.write("mail/me/.Lists/cur/" + name.replace(":2,S", ":2,RS"), mail("list 1"))
    result = box.run("--apply", "INBOX")
    tap.same((result.returncode, box.names(), len(box.names(".Lists"))), (1, [name], 1))
    tap.contains(result.stdout, b"a message of that name is there already")


def test_the_same_folder_by_a_link(folder):
    box = Box(folder, folders=("Bills",))
    os.symlink(".Bills", box.maildir + "/.Lists")
    name = box.add("list 1", below=".Bills")
    tap.same((box.run("--apply", "Bills").returncode, box.names(".Bills")), (0, [name]))


def test_rules_with_errors(folder):
    box = Box(folder, "nonsense;\n")
    name = box.add("list 1")
    result = box.run("--apply", "INBOX")
    tap.same((result.returncode, box.names()), (1, [name]))
    tap.contains(result.stderr, b"the rules have errors")
    tap.contains(result.stdout, b"x.sieve:1:")


def test_compare(folder):
    box = Box(folder)
    box.add("list 1"), box.add("bill 2"), box.add("other 3")
    new = box.write("new.sieve", SCRIPT.replace('"Lists"', '"Mail lists"', 1))
    text = box.run("--compare", "current", new, "INBOX").stdout.decode()
    tap.same(text.count("before:"), 1)
    tap.contains(text, '"list 1"\n    before: Lists')
    tap.contains(text, "3 messages read, the outcome of 1 changes (dry run)\n")
    tap.same(box.run("--compare", box.folder + "/x.sieve", "current", "INBOX").stdout.decode(), "3 messages read, the outcome of 0 changes (dry run)\n")
    answer = [json.loads(line) for line in box.run("--json", "--compare", "current", new, "INBOX").stdout.splitlines()]
    tap.same((answer[0]["old_rules"].split()[0], answer[0]["rules"].split(" (")[0], answer[1]["differ"]), ("Lists", "Mail lists", 1))
    for wrong in (("--compare", "current", "INBOX"), ("--compare", "--apply", "current", new, "INBOX"), ("--undo",), ("INBOX", "Lists"), ("--undo", "--apply", "last")):
        tap.same(box.run(*wrong).returncode, 2, wrong)


def test_rules_of_a_file(folder):
    box = Box(folder)
    name = box.add("list 1")
    recipes = box.write("rc", "MAILDIR=%s\n\n:0\n* ^Subject: list\n.Bills/\n" % box.maildir)
    tap.same(box.summary("--rules", recipes, "INBOX")["places"], {"Bills": 1})
    script = box.write("other.sieve", 'require "fileinto"; fileinto "Bills";\n')
    tap.same(box.summary("--rules", script, "INBOX")["places"], {"Bills": 1})
    conf = box.write("some.conf", "maildir = /x/%n\nusers = virtual\n")
    tap.same(box.run("--rules", conf, "INBOX").returncode, 2)
    tap.same(box.run("--rules", folder + "/none", "INBOX").returncode, 1)
    tap.same((box.summary("--apply", "--rules", recipes, "INBOX")["moved"], box.names(".Bills")), (1, [name]))


def test_recipes_in_force(folder):
    box = Box(folder, "keep;\n")
    os.mkdir(folder + "/ran")
    rc = box.write("rc", "MAILDIR=%s\n:0 c\n| touch %s/ran/program\n\n:0\n* ^Subject: list\n.Lists/\n\n:0\n* ^Subject: box\nmbox\n" % (box.maildir, folder))
    names = [box.add("list 1"), box.add("box 2"), box.add("other 3")]
    done = box.summary("--apply", "INBOX", settings=["recipes=all", "recipe_files=" + rc])
    tap.same((done["moved"], done["programs"], box.names(), box.names(".Lists"), os.listdir(folder + "/ran")), (1, 3, names[1:], names[:1], []))
    tap.same(os.path.exists(box.maildir + "/mbox"), False)


def test_recipes_of_the_door(folder):
    """Where Postfix calls `todoke procmail`, the owner's recipes are the rules in force, and no script is."""
    host = Host(folder + "/host", main="mailbox_command = /usr/bin/todoke procmail\n")
    box = Box(folder)
    rc = box.write("rc", ":0\n* ^Subject: bill\n%s/.Lists/\n" % box.maildir)
    names = [box.add("list 1"), box.add("bill 2")]
    options = [word for setting in ("maildir=" + box.maildir, "users=system", "recipe_files=" + rc, "sieve_scripts=%s/x.sieve" % folder, "record_file=%s/record" % folder)
               for word in ("-o", setting)]
    result = tap.todoke("refilter", *options, "--apply", "INBOX", env={**host.environment(), "MAIL_CONFIG": host.etc})
    tap.contains(result.stdout, b"door: todoke procmail (Postfix's mailbox_command)")
    tap.same((box.names(), box.names(".Lists"), box.names(".Bills")), (names[:1], names[1:], []), str(result))


def test_undo_and_a_folder(folder):
    tap.contains(Box(folder).run("--undo", "last", "INBOX").stderr, b"and no folder")


def test_names_by_a_block_of_the_user(folder):
    """Folders that recipes name by their paths are told as this user's rules call them."""
    box = Box(folder, "keep;\n", folders=("Work.Old",))
    rc = box.write("rc", "MAILDIR=%s\n:0\n.Work.Old/\n" % box.maildir)
    conf = box.write("todoke.conf", 'folder_separator = "."\nuser "me@example1.jp" { folder_separator = "/" }\n')
    box.add("list 1")
    tap.same(box.summary("-c", conf, "INBOX", settings=["recipes=all", "recipe_files=" + rc])["places"], {"Work/Old": 1})


def test_nothing_is_remembered(folder):
    box = Box(folder, 'require ["duplicate", "fileinto", "vacation"];\nif duplicate { fileinto "Lists"; }\nvacation "I am away.";\n')
    for subject in ("same 1", "same 1"):
        box.add(subject)
    before = tap.files_below(folder)
    tap.same(box.summary("INBOX")["outcomes"]["stays"], 2, "none is a duplicate")
    tap.same(tap.files_below(folder), before)
    box.run("--apply", "INBOX")
    tap.same([path for path in tap.files_below(folder) if "state" in path and not path.endswith("record")], [])


def test_why_tells_both(folder):
    box = Box(folder, "keep;\n")
    tap.todoke("deliver", *box.options, "-f", "boss@example.org", stdin=mail("list 1").encode())
    box.write("x.sieve", SCRIPT)
    tap.same(box.run("--apply", "INBOX").returncode, 0)
    place = "new" if box.names(".Lists", "new") else "cur"
    path = os.path.join(box.maildir, ".Lists", place, box.names(".Lists", place)[0])
    options = [word for word in box.options if word not in ("-d", "me@example1.jp")]
    text = tap.todoke("why", *options, path).stdout.decode()
    tap.contains(text, "stored in INBOX")
    tap.contains(text, "moved from INBOX to Lists")
    tap.same(text.count("delivered, after"), 1)
    tap.contains(text, "asks for fileinto Lists")
    box.run("--undo", "last")
    text = tap.todoke("why", *options, "list.1@example.org").stdout.decode()
    tap.contains(text, "moved from Lists to INBOX")
    stats = json.loads(tap.todoke("stats", "--json", *options).stdout)
    tap.same(stats["records"] if "records" in stats else stats["decisions"], 1)


def test_undo_refuses_what_changed(folder):
    box = Box(folder)
    names = [box.add("list %d" % number, "S") for number in range(5)]
    box.run("--apply", "INBOX")
    lists = box.maildir + "/.Lists/cur/"
    with open(lists + names[0], "a", encoding="ascii") as file:
        file.write("more\n")
    os.unlink(lists + names[1])
    os.rename(lists + names[2], lists + names[2].replace(":2,S", ":2,FS"))
    box.write("mail/me/cur/" + names[3], mail("list 3"))
    result = box.run("--undo", "last")
    tap.same((result.returncode, box.names()), (1, sorted([names[2].replace(":2,S", ":2,FS"), names[3], names[4]])))
    text = result.stdout.decode()
    for words in ("its text was changed", "it is no longer in Lists: it was moved or deleted since", "a message of that name is there already", "2 messages moved back, 0 lay there already, 3 stay"):
        tap.contains(text, words)


def records_of(box):
    return [os.path.join(box.folder, path) for path in tap.files_below(box.folder) if path.endswith("/record")][0]


def test_undo_of_a_forged_record(folder):
    """The owner may write anything: no path leads out of the mailbox, over a link, or to what is no message."""
    box = Box(folder)
    box.add("list 1")
    box.run("--apply", "INBOX")
    record = records_of(box)
    with open(record, encoding="utf-8") as file:
        line = json.loads(file.read())
    for place in ("tmp", "new", "cur"):
        os.makedirs(folder + "/other/" + place)
    secret = box.write("other/cur/secret", "secret")
    with open(secret, "rb") as file:
        line["done"][0]["sha256"] = hashlib.sha256(file.read()).hexdigest()
    os.symlink(folder + "/other", box.maildir + "/.Link")
    for number, (file, back) in enumerate((("../../other/cur/secret", "cur/x"), (".Link/cur/secret", "cur/x"), ("/etc/cur/secret", "cur/x"), ("cur/..", "cur/x"),
                                           (".Lists/../../../other/cur/secret", "cur/x"), (".Lists/cur/x", "../../other/new/y"), ("todoke-state/record", "cur/x"), ("", ""))):
        line["run"] = "2020-01-0%dT00:00:00.000Z" % (number + 1)
        line["done"][0]["file"], line["done"][0]["from_file"] = file, back
        with open(record, "w", encoding="utf-8") as out:
            out.write('{"schema":"todoke.record/1",' + json.dumps({key: line[key] for key in line if key != "schema"}, separators=(",", ":"))[1:] + "\n")
        before = tap.files_below(folder)
        result = box.run("--undo", line["run"])
        tap.same((result.returncode, tap.files_below(folder)), (1, before), file)
        tap.contains(result.stdout, b"0 messages moved back, 0 lay there already, 1 stay", file)


def test_without_a_record(folder):
    box = Box(folder)
    name = box.add("list 1")
    result = box.run("--apply", "INBOX", settings=["record=no"])
    tap.same((result.returncode, b"--undo" in result.stdout, box.names(".Lists")), (0, False, [name]))
    tap.contains(box.run("--undo", "last", settings=["record=no"]).stderr, b"record = no")


def test_interrupted(folder):
    """By a signal that ends it in order, and by one that does not: all mail is there once, and the rest follows."""
    box = Box(folder)
    count = 300 if tap.SANITIZED else 1500
    names = [box.add("list %d" % number) for number in range(count)]
    for number in (signal.SIGINT, signal.SIGKILL):
        process = subprocess.Popen([tap.TODOKE, "refilter", *box.options, "--apply", "INBOX"], stdout=subprocess.PIPE, env=dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8"))
        already = len(box.names(".Lists"))
        tap.wait_for("a move", lambda: len(box.names(".Lists")) > already or process.poll() is not None)  # pylint: disable=cell-var-from-loop
        process.send_signal(number)
        process.communicate()
        tap.same(sorted(box.names() + box.names(".Lists")), names)
    tap.same((box.run("--apply", "INBOX").returncode, box.names(), box.names(".Lists")), (0, [], names))
    while b"moved back" in box.run("--undo", "last").stdout:
        pass
    tap.same(box.names(), names, "each move had its line")


def shim():
    path = os.path.join(os.path.dirname(os.path.abspath(tap.TODOKE)), "tests", "faults", ".libs", "libshim.so")
    if not os.path.exists(path):
        raise tap.Skip("no %s" % path)
    return path


def test_faults_of_the_rename(folder):
    """A file that vanishes between reading and moving, and what else a rename may meet: the mail is where it was, and it is said."""
    box = Box(folder)
    name = box.add("list 1", "S")
    for errno, words, code in ((2, b"gone meanwhile", 0), (18, b"stays: the folder lies on another file system", 1), (13, b"stays: cannot be moved", 1), (28, b"stays: cannot be moved", 1)):
        result = box.run("--apply", "INBOX", env={"LD_PRELOAD": shim(), "TODOKE_FAULT_ALWAYS": "renameat2:%d" % errno})
        tap.same((result.returncode, box.names(), box.names(".Lists")), (code, [name], []), errno)
        tap.contains(result.stdout, words)
    text = tap.todoke("why", *[word for word in box.options if word not in ("-d", "me@example1.jp")], "list.1@example.org").stdout.decode()
    tap.contains(text, "moved from INBOX to Lists")
    tap.same(box.run("--undo", "last").stdout, b"0 messages moved back, 1 lay there already, 0 stay\n", "what was written down and did not happen")


def test_file_systems_that_cannot_rename_without_replacing(folder):
    box = Box(folder)
    name = box.add("list 1", "S")
    result = box.run("--apply", "INBOX", env={"LD_PRELOAD": shim(), "TODOKE_FAULT_ALWAYS": "renameat2:38"})
    tap.same((result.returncode, box.names(), box.names(".Lists")), (0, [], [name]))


def test_a_record_that_cannot_be_written(folder):
    """No line, no move: nobody could take it back."""
    box = Box(folder)
    name = box.add("list 1", "S")
    os.makedirs(folder + "/elsewhere")
    os.mkdir(box.maildir + "/todoke-state")
    os.symlink(folder + "/elsewhere/record", box.maildir + "/todoke-state/record")
    result = box.run("--apply", "INBOX")
    tap.same((result.returncode, box.names(), os.listdir(folder + "/elsewhere")), (1, [name], []))
    tap.contains(result.stdout, b"stays: no record")


def test_an_undo_is_interrupted(folder):
    """ "last" goes on with the run that is taken back in part, and only then means an earlier one."""
    box = Box(folder)
    first = box.add("bill 1")
    box.run("--apply", "INBOX")
    names = [box.add("list %d" % number) for number in range(60)]
    box.run("--apply", "INBOX")
    calls = 100
    while not box.names():
        result = box.run("--undo", "last", env={"LD_PRELOAD": shim(), "TODOKE_FAULT": "%d:kill" % calls})
        tap.same((result.returncode, calls < 2000), (-signal.SIGKILL, True))
        calls += 10
    tap.same((len(box.names()) < 60, box.names(".Bills")), (True, [first]), "a part of it")
    tap.same((box.run("--undo", "last").returncode, box.names(), box.names(".Bills")), (0, names, [first]))
    tap.same((box.run("--undo", "last").returncode, box.names()), (0, sorted([first] + names)))
    tap.same((box.run("--undo", "last").returncode, box.names()), (1, sorted([first] + names)))


def test_flags_are_set_meanwhile(folder):
    """A client that sets a flag renames the file: what was listed under the old name moves by the new one, and is not gone."""
    box = Box(folder)
    count = 300 if tap.SANITIZED else 1500
    names = [box.add("list %d" % number) for number in range(count)] + [box.add("bill %d" % number, place="new") for number in range(5)]
    process = subprocess.Popen([tap.TODOKE, "refilter", *box.options, "--apply", "--json", "INBOX"], stdout=subprocess.PIPE, env=dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8"))
    tap.wait_for("a move", lambda: box.names(".Lists") or process.poll() is not None)
    process.send_signal(signal.SIGSTOP)
    tap.wait_for("its stop", lambda: open("/proc/%d/stat" % process.pid, encoding="ascii").read().rsplit(")", 1)[1].split()[0] in "TZ")
    for name in box.names():
        os.rename(os.path.join(box.maildir, "cur", name), os.path.join(box.maildir, "cur", name + "FS"))
    for name in box.names(place="new"):
        os.rename(os.path.join(box.maildir, "new", name), os.path.join(box.maildir, "cur", name + ":2,"))
    gone = box.names()[-7]
    os.unlink(os.path.join(box.maildir, "cur", gone))
    process.send_signal(signal.SIGCONT)
    said = json.loads(process.communicate()[0].decode().splitlines()[-1])
    tap.same((process.returncode, said["gone"], said["messages"], said["moved"]), (0, 1, len(names) - 1, len(names) - 1))
    tap.same(len([name for name in box.names(".Lists") if name.endswith(":2,FS")]) > count / 3, True, "with their flags")
    tap.same((box.names(), len(box.names(".Lists")), len(box.names(".Bills"))), ([], count - 1, 5))


def test_flags_are_set_while_it_is_undone(folder):
    box = Box(folder)
    names = [box.add("list %d" % number) for number in range(300 if tap.SANITIZED else 1500)]
    box.run("--apply", "INBOX")
    process = subprocess.Popen([tap.TODOKE, "refilter", *box.options, "--undo", "last"], stdout=subprocess.PIPE, env=dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8"))
    tap.wait_for("a move", lambda: box.names() or process.poll() is not None)
    process.send_signal(signal.SIGSTOP)
    tap.wait_for("its stop", lambda: open("/proc/%d/stat" % process.pid, encoding="ascii").read().rsplit(")", 1)[1].split()[0] in "TZ")
    for name in box.names(".Lists"):
        os.rename(os.path.join(box.maildir, ".Lists/cur", name), os.path.join(box.maildir, ".Lists/cur", name + "FS"))
    process.send_signal(signal.SIGCONT)
    said = process.communicate()[0]
    tap.same((process.returncode, said.split(b", ")[-1], len(box.names()), box.names(".Lists")), (0, b"0 stay\n", len(names), []))


def test_an_undo_of_mail_that_is_gone(folder):
    """However much of it: folders are listed anew for all of it together, not for each."""
    box = Box(folder)
    names = [box.add("list %d" % number) for number in range(100)]
    box.run("--apply", "INBOX")
    for name in names:
        os.unlink(os.path.join(box.maildir, ".Lists/cur", name))
    result = box.run("--undo", "last", env={"LD_PRELOAD": shim(), "TODOKE_FAULT_LOG": folder + "/calls"})
    tap.same((result.returncode, result.stdout.splitlines()[-1]), (1, b"0 messages moved back, 0 lay there already, 100 stay"))
    tap.same(len(result.stdout.splitlines()), 101, "each is told once")
    with open(folder + "/calls", encoding="utf-8") as file:
        tap.same(len([line for line in file if "openat" in line]) < 60, True)


def test_unread_in_json(folder):
    box = Box(folder)
    os.mkfifo(os.path.join(box.maildir, "cur/1.M1P1.host:2,"))
    lines = [json.loads(line) for line in box.run("--json", "INBOX").stdout.decode().splitlines()]
    tap.same([(line.get("message"), line.get("outcome")) for line in lines[:-1]], [("cur/1.M1P1.host:2,", "left")])


def test_only_headers_are_read(folder):
    """Rules that look at the header cost no body, however long."""
    tap.need_strace()
    box = Box(folder)
    name = box.add("list 1", body="x" * 70000 + "\n" + ("y" * 70 + "\n") * 50000)
    log = folder + "/strace"
    command = ["strace", "-f", "-y", "-o", log, "-e", "trace=read,pread64,readv,mmap", tap.TODOKE, "refilter", *box.options, "INBOX"]
    env = dict(os.environ, TODOKE_CONF="", LC_ALL="C.UTF-8", ASAN_OPTIONS="detect_leaks=0")
    result = subprocess.run(command, capture_output=True, env=env, check=False)
    tap.contains(result.stdout, b"1 would move")
    with open(log, encoding="utf-8", errors="replace") as file:
        reads = [int(line.rsplit("= ", 1)[1].split()[0]) for line in file if name.split(",", maxsplit=1)[0] in line and "= " in line]
    tap.same((len(reads), sum(reads) < 300000), (1, True), reads)


def test_envelope_of_stored_mail(folder):
    """Return-Path and Delivered-To count where only this site can have put them."""
    box = Box(folder, 'require ["envelope", "subaddress", "fileinto", "variables"];\nif envelope :detail "to" "shop" { fileinto "Lists"; }\n'
                      'elsif envelope "from" "bounce@list.example" { fileinto "Bills"; }\n')
    received = RECEIVED
    above = box.add("mine 1", head="Delivered-To: me+shop@example1.jp\n" + received)
    below = box.add("forged 2", head=received + "Delivered-To: me+shop@example1.jp\n")
    alien = box.add("alien 3", head="Delivered-To: you+shop@example1.jp\n" + received)
    sender = box.add("sender 4", head="Return-Path: <bounce@list.example>\n" + received)
    box.run("--apply", "INBOX")
    tap.same((box.names(".Lists"), box.names(".Bills"), box.names()), ([above], [sender], [below, alien]))


def random_script(chance):
    words = ["red", "green", "blue", "list", "bill"]
    actions = ['fileinto "Lists";', 'fileinto "Bills";', "keep;", "discard;", 'fileinto :copy "Lists";', 'redirect "x@example.org";', 'fileinto "New/One";', "stop;",
               'addflag "\\\\Flagged";', 'fileinto "Bills"; fileinto "Lists";']
    lines = ['require ["fileinto", "copy", "imap4flags", "envelope", "body"];']
    for _ in range(chance.randint(1, 4)):
        test = chance.choice(['header :contains "Subject" "%s"', 'not header :contains "Subject" "%s"', 'body :contains "%s"', 'envelope :contains "from" "%s"']) % chance.choice(words)
        lines.append("if %s { %s }" % (test, chance.choice(actions)))
    return "\n".join(lines) + "\n"


def test_it_does_what_try_says(folder):
    """Over stored mail and random rules: the folder that try names is the one that refilter moves it to."""
    chance = random.Random(15)
    words = ["red", "green", "blue", "list", "bill"]
    box = Box(folder, "keep;\n")
    for number in range(12):
        text = mail("%s %d" % (" ".join(chance.sample(words, 2)), number), body=chance.choice(words) + "\n", head=RECEIVED)
        tap.todoke("deliver", *box.options, "-f", "%s@example.org" % chance.choice(words), stdin=text.encode())
    files = {place + "/" + name for place in ("new", "cur") for name in box.names("", place)}
    for _ in range(6 if tap.SANITIZED else 25):
        box.write("x.sieve", random_script(chance))
        tried = [json.loads(line) for line in tap.todoke("try", "--json", *box.options, *(os.path.join(box.maildir, file) for file in sorted(files))).stdout.splitlines()]
        listed = {item["message"]: item for item in map(json.loads, box.run("--json", "--list", "INBOX").stdout.splitlines()) if "message" in item}
        for answer in tried:
            file = "/".join(answer["message"].split("/")[-2:])
            folders = [item["folder"] for item in answer["stored"]]
            kinds = [action["action"] for action in answer["actions"]]
            item = listed.get(file, {"outcome": "stays"})
            if "" in folders:
                tap.same(item["outcome"], "stays", (file, folders))
            elif folders:
                tap.same((item["outcome"], item.get("folder", "").replace("/", ".")), ("moves", folders[0][1:]), (file, folders))
            else:
                tap.same(item["outcome"], "passed-on" if "redirect" in kinds else "discarded", (file, kinds, answer))


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
