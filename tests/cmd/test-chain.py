#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Scripts of one chain: what a keep of one means for the next (draft-degener-sieve-multiscript 3, Pigeonhole's sieve_before)."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = "From: boss@example.org\nTo: me@example1.jp\nSubject: hello\nMessage-ID: <1@example.org>\n\nText.\n"

# scripts before, the owner's, those after -> the actions: name, mailbox or address, flags, where
ROWS = [
    ("an explicit keep does not stop the owner's script",
     ['keep;'], 'require "fileinto"; fileinto "Work";', [],
     [("fileinto", "Work", [], "o:1")]),
    ("a keep that nobody cancels is the site's own",
     ['\nkeep;'], 'require "fileinto"; if false { fileinto "Work"; }', [],
     [("keep", "INBOX", [], "b0:2")]),
    ("its flags stay with it",
     ['require "imap4flags"; keep :flags "\\\\Flagged";'], 'stop;', [],
     [("keep", "INBOX", ["\\Flagged"], "b0:1")]),
    ("flags of the next script take their place",
     ['require "imap4flags"; keep :flags "\\\\Flagged";'], 'require "imap4flags"; setflag "\\\\Seen";', [],
     [("keep", "INBOX", ["\\Seen"], "b0:1")]),
    ("flags of an implicit keep outlive a script that only edits the header",
     ['require "imap4flags"; setflag "\\\\Flagged";'], 'require "editheader"; addheader "X-A" "b";', [],
     [("keep", "INBOX", ["\\Flagged"], None)]),
    ("the owner's keep is the owner's",
     ['keep;'], '\n\nkeep;', [],
     [("keep", "INBOX", [], "o:3")]),
    ("keep and stop",
     ['keep; stop;'], 'require "fileinto"; fileinto "Work";', [],
     [("fileinto", "Work", [], "o:1")]),
    ("keep beside a store",
     ['require "fileinto"; keep; fileinto "Archive";'], 'require "fileinto"; fileinto "Work";', [],
     [("fileinto", "Archive", [], "b0:1"), ("fileinto", "Work", [], "o:1")]),
    ("keep beside fileinto INBOX: the copy in the INBOX stays",
     ['require "fileinto"; fileinto "INBOX"; keep;'], 'require "fileinto"; fileinto "Work";', [],
     [("fileinto", "INBOX", [], "b0:1"), ("fileinto", "Work", [], "o:1")]),
    ("the same the other way round",
     ['require "fileinto"; keep; fileinto "INBOX";'], 'require "fileinto"; fileinto "Work";', [],
     [("fileinto", "INBOX", [], "b0:1"), ("fileinto", "Work", [], "o:1")]),
    ("the same with :copy",
     ['require ["fileinto", "copy"]; fileinto :copy "INBOX"; keep;'], 'require "fileinto"; fileinto "Work";', [],
     [("fileinto", "INBOX", [], "b0:1"), ("fileinto", "Work", [], "o:1")]),
    ("a store without keep ends the chain",
     ['require "fileinto"; fileinto "INBOX";'], 'require "fileinto"; fileinto "Work";', [],
     [("fileinto", "INBOX", [], "b0:1")]),
    ("discard ends it",
     ['discard;'], 'require "fileinto"; fileinto "Work";', [],
     [("discard", None, None, "b0:1")]),
    ("a keep beside a discard goes on",
     ['keep; discard;'], 'require "fileinto"; fileinto "Work";', [],
     [("discard", None, None, "b0:1"), ("fileinto", "Work", [], "o:1")]),
    ("two scripts with keep before, the second one decides",
     ['keep;', 'require "imap4flags"; keep :flags "\\\\Seen";'], 'stop;', [],
     [("keep", "INBOX", ["\\Seen"], "b1:1")]),
    ("an explicit keep of the owner's does not stop the scripts after",
     [], 'keep;', ['require "fileinto"; fileinto "Site";'],
     [("fileinto", "Site", [], "a0:1")]),
    ("a script that fails leaves the keep of the one before",
     ['require "imap4flags"; keep :flags "\\\\Flagged";'], 'require "reject"; keep; reject "no";', [],
     [("keep", "INBOX", ["\\Flagged"], "b0:1")]),
    ("one answer: where a script before has one, the owner's goes on without",
     ['require "vacation"; vacation "site";'], 'require ["vacation", "fileinto"]; vacation "mine"; fileinto "Work";', [],
     [("vacation", None, None, "b0:1"), ("fileinto", "Work", [], "o:1")]),
    ("a header that was edited before the keep is in the copy of the next script",
     ['require "editheader"; addheader "X-A" "b"; keep;'], 'require "fileinto"; if header "X-A" "b" { fileinto "Work"; }', [],
     [("fileinto", "Work", [], "o:1")]),
]


def write(folder, name, text):
    path = os.path.join(folder, name + ".sieve")
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def chain(folder, before, own, after):
    args = ["--script", write(folder, "o", own)]
    for option, scripts in (("--script-before", before), ("--script-after", after)):
        for i, text in enumerate(scripts):
            args += [option, write(folder, "%s%d" % (option[len("--script-")], i), text)]
    message = os.path.join(folder, "message.eml")
    with open(message, "w", encoding="ascii") as file:
        file.write(MESSAGE)
    return json.loads(tap.todoke("try", "--json", *args, "--rcpt", "me@example1.jp", message).stdout)


def place(folder, at):
    return at.replace(folder + "/", "").replace(".sieve", "") if at is not None else None


def make(row):
    name, before, own, after, want = row

    def test(folder):
        answer = chain(folder, before, own, after)
        got = [(a["action"], a.get("mailbox"), a.get("flags"), place(folder, a.get("at"))) for a in answer["actions"]]
        tap.same(got, want)

    test.__name__ = "test_" + name.replace(" ", "_")
    return test


def test_a_delivery_says_who_decided(folder):
    """The log names the script whose keep stored the mail; the next script's store is its own."""
    before = write(folder, "before", "keep;")
    for own, script, box in (("stop;", before, ""), ('require "fileinto"; fileinto "Work";', folder + "/main.sieve", ".Work")):
        path = write(folder, "main", own)
        mail = os.path.join(folder, "mail" + box)
        result = tap.todoke("deliver", "-o", "maildir=%s/%%n" % mail, "-o", "log_file=%s/log" % folder, "-o", "sieve_scripts=" + path,
                            "-o", "sieve_before=" + before, "-f", "a@b.test", "-d", "ann@x.test", stdin=MESSAGE.encode())
        tap.same((result.returncode, len(os.listdir(os.path.join(mail, "ann", box, "new")))), (0, 1))
        with open(folder + "/log", encoding="utf-8") as log:
            tap.contains(log.read().splitlines()[-1], "script=" + script)


tap.run([make(row) for row in ROWS] + [test_a_delivery_says_who_decided])
