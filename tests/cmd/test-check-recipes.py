#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke check over rc files: each warning and error with its place, included files, and --explain."""

import json
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

# (what, rc, findings as "line:column code", in order). A pair of rows: the trap, and beside it what is right.
ROWS = [
    ("nothing wrong", "MAILDIR=$HOME/Mail\nPATH=/bin\nX=`date`\n:0:\n* ^Subject:.*a\\.com\nmbox\n", []),
    ("filter without w", ":0f\n| cat\n", ["1:3 filter-without-wait"]),
    ("filter with W", ":0fW\n| cat\n", []),
    ("filter that is no program", ":0fw\nfoo/\n", ["1:3 no-filter"]),
    ("mbox without lock", ":0\nmbox\n", ["2:1 mbox-without-lock"]),
    ("Maildir needs no lock", ":0\nmbox/\n", []),
    ("MH needs no lock", ":0\nmbox/.\n", []),
    ("copy, then nothing", ":0c\n* ^Subject:\na/\n", ["1:3 copy-falls-through"]),
    ("copy of all is a backup", ":0c\na/\n", []),
    ("copy, then a recipe", ":0c\n* ^Subject:\na/\n:0\nb/\n", []),
    ("plain dot", ":0\n* ^From:.*@example.com\na/\n", ["2:19 plain-dot"]),
    ("escaped dot", ":0\n* ^From:.*@example\\.com\na/\n", []),
    ("^TO without underscore", ":0\n* ^TOjoe\na/\n", ["2:3 to-without-underscore"]),
    ("^TO_", ":0\n* ^TO_joe\na/\n", []),
    ("backquotes without PATH", "X=`date`\n", ["1:3 no-path"]),
    ("backquotes behind PATH", "PATH=/bin\nX=`date`\n", []),
    ("DELIVERED", "DELIVERED=yes\n", ["1:1 delivered"]),
    ("HOST", "HOST=mail\n", ["1:1 host"]),
    ("HOST alone is the end", "EXITCODE=75\nHOST\n", []),
    ("a flag that is none", ":0z\na/\n", ["1:3 flag"]),
    ("no action", ":0\n* ^Subject:\n", ["1:1 no-action"]),
    ("an action that is a comment", ":0\n#a/\n\n:0\nb/\n", ["1:1 no-action"]),
    ("a comment before the action", ":0\n#a/\nb/\n", []),
    ("a group that is open", ":0\n* ^Subject:.*(a\na/\n", ["2:16 expression"]),
    ("a group that was not opened", ":0\n* ^Subject:.*a)\na/\n", ["2:15 expression"]),
    ("a size that is none", ":0\n* > big\na/\n", ["2:5 size"]),
    ("an open quote", "A=\"b\n", ["1:3 unclosed-quote"]),
    ("an open block", ":0\n{\na=b\n", ["2:1 unclosed-block"]),
    ("a brace too many", "}\n", ["1:1 stray-brace"]),
    ("neither assignment nor recipe", "from foo\n* bar\n", ["2:1 not-understood"]),
    ("brace without blank", ":0\n{foo\n", ["2:1 odd-folder", "2:1 mbox-without-lock"]),
    ("condition behind the action", ":0:\na\n* b\n", ["3:1 not-understood"]),
    ("procmailex(5): what was seen before", "PATH=/bin\n:0 Wh: msgid.lock\n| formail -D 8192 msgid.cache\n", []),
    ("the header alone to another program", "PATH=/bin\n:0 Wh: msgid.lock\n| formail -X From: -D\n", ["2:4 half-a-mail"]),
    ("half a mail", ":0h\na/\n", ["1:3 half-a-mail"]),
    ("comment in a condition", ":0\n* ^Subject:.*a # b\na/\n", ["2:16 comment-in-condition"]),
    ("foreign class", ":0\n* ^Subject:.*[[:digit:]]\na/\n", ["2:14 foreign-class"]),
    ("foreign escape", ":0\n* ^Subject:.*a\\d\na/\n", ["2:15 foreign-escape"]),
    ("lazy", ":0\n* ^Subject:.*?a\na/\n", ["2:13 foreign-lazy"]),
    ("behind a recipe that takes all", ":0\na/\n\n:0\n* ^Subject:.*b\nb/\n:0\nc/\n", ["4:1 unreachable"]),
    ("the same condition again", ":0\n* ^Subject:.*a\na/\n:0\n* ^Subject:.*a\nb/\n:0\n* ^Subject:.*b\nb/\n", ["4:1 unreachable"]),
    ("a copy takes nothing", ":0c\na/\n:0\n* ^Subject:.*b\nb/\n", []),
    ("what was seen before takes no other mail", "PATH=/bin\n:0 Wh: msgid.lock\n| formail -D 8192 msgid.cache\n:0\na/\n", []),
    ("for where the first fails", ":0\na/\n:0e\nb/\n", []),
    ("first backslash", ":0\n* \\<a\na/\n", ["2:3 first-backslash"]),
]


def check(folder, rc, *args):
    path = os.path.join(folder, "procmailrc")
    with open(path, "w", encoding="utf-8") as file:
        file.write(rc)
    result = tap.todoke("check", "--json", *args, path, env={"HOME": folder})
    findings = json.loads(result.stdout)["findings"]
    tap.same(result.returncode, 1 if findings else 0, "exit code")
    return findings


def places(findings):
    return ["%d:%d %s" % (finding["line"], finding["column"], finding["code"]) for finding in findings]


def row_test(number, what, rc, want):
    def test(folder):
        findings = check(folder, rc)
        tap.same(sorted(places(findings)), sorted(want), what)
        for finding in findings:
            tap.same(finding["file"], os.path.join(folder, "procmailrc"))
    test.__name__ = "test_row_%d_%s" % (number, what.replace(" ", "_"))
    return test


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as file:
        file.write(text)
    return path


def test_places_nobody_can_store_to(folder):
    """A place that is there, or whose folder is: what a run would make is not guessed, nor what only a run knows."""
    for name, mode in (("shut", 0o555), ("open", 0o755)):
        write(folder, name + "/file", "")
        os.chmod(os.path.join(folder, name, "file"), mode & 0o666)
        os.chmod(os.path.join(folder, name), mode)
    try:
        for place, told in (("shut/x", True), ("shut/x/", True), ("shut", True), ("shut/file", True), ("$HOME/shut/x", True), ("open/x", False), ("open/x/", False), ("open/file", False),
                            ("missing/x/y", False), ("missing/x", False), ("/dev/null", False), ("$UNKNOWN/shut", False), ("shut/x shut/y", False), ("shut/../open/x", False)):
            found = places(check(folder, "MAILDIR=$HOME\n:0:\n%s\n" % place))
            tap.same([line for line in found if line.endswith("no-place")], ["3:1 no-place"] if told else [], place)
        tap.same([line for line in places(check(folder, ":0:\nx\n")) if line.endswith("no-place")], [], "MAILDIR as it is by itself")
    finally:
        os.chmod(os.path.join(folder, "shut"), 0o755)


def test_included_files(folder):
    inner = write(folder, "Mail/rules/one.rc", "# one\n:0x\nfoo/\n")
    outer = write(folder, "Mail/two.rc", "R=rules\nINCLUDERC=$R/one.rc\n:0\nmbox\n")
    findings = check(folder, "MAILDIR=$HOME/Mail\nINCLUDERC=two.rc\nSWITCHRC=${MAILDIR}/gone.rc\nINCLUDERC=`echo a`\nINCLUDERC=$1\n")
    tap.same([(f["file"], f["line"], f["code"]) for f in findings],
             [(inner, 2, "flag"), (outer, 4, "mbox-without-lock"),
              (os.path.join(folder, "procmailrc"), 3, "include-missing"), (os.path.join(folder, "procmailrc"), 4, "no-path")])


def test_included_files_show_their_line(folder):
    write(folder, "one.rc", "\n:0x\nfoo/\n")
    path = write(folder, "procmailrc", "INCLUDERC=one.rc\n")
    result = tap.todoke("check", path, env={"HOME": folder})
    tap.contains(result.stderr + result.stdout, b"one.rc:2:3: error: this is not a flag")
    tap.contains(result.stderr + result.stdout, b":0x\n      ^")


def test_a_file_that_includes_itself(folder):
    write(folder, "procmailrc", "")
    tap.same(places(check(folder, "INCLUDERC=procmailrc\n:0\nmbox\n")), ["3:1 mbox-without-lock"])


def test_names_that_may_change_are_not_followed(folder):
    write(folder, "one.rc", ":0x\nfoo/\n")
    tap.same(check(folder, "A=one\n:0\n* ^Subject:\n{ A=two }\nINCLUDERC=$A.rc\n"), [])


def test_more_files_than_are_looked_at(folder):
    """LIMIT_RECIPE_CHECKED_FILES, and one more."""
    for number in range(65):
        write(folder, "%d.rc" % number, "A=b\n")
    rc = "".join("INCLUDERC=%d.rc\n" % number for number in range(65))
    tap.same(places(check(folder, rc)), ["65:11 too-many-files"])


def explain(folder, rc):
    path = write(folder, "procmailrc", rc)
    return tap.todoke("check", "--explain", path, env={"HOME": folder}).stdout.decode()


def test_explain(folder):
    text = explain(folder, "INCLUDERC=a.rc\n:0c:\n* ! ^TO_joe\n* > 100\nmbox\n:0A\n| cat\n:0fbw\n| tr a b\n:0E\n{\n:0\n/dev/null\n}\n"
                           ":0\n* -5^0\n* 1^1 B ?? a\n! x@example.org\n")
    want = """Line 1: the recipes of a.rc come here.

Recipe 1, line 2:
  if NOT: a field with recipients has an address that matches joe
  and the mail has more than 100 octets
  then store a copy of the mail in the mbox file or directory mbox, locked
  The mail goes on to the next recipe.

Recipe 2, line 6:
  only where the recipe before matched (A)
  for every mail that comes here
  then give the mail to this program: cat
  The mail is delivered and nothing further is read; where that fails, it goes on to the next recipe.

Recipe 3, line 8:
  for every mail that comes here
  then replace the body alone by what this program makes of it, and wait for its exit code: tr a b
  The mail goes on, as it was where the program failed.

Recipe 4, line 10:
  only where the recipe before did not match (E)
  for every mail that comes here
  then do these:
    Recipe 5, line 12:
      for every mail that comes here
      then throw the mail away
      The mail is delivered and nothing further is read; where that fails, it goes on to the next recipe.

  After them what was not delivered goes on.

Recipe 6, line 15:
  count: score -5 where anything is in the header
  and score 1 (and again for each further place) where the body matches a
  and if the sum of the scores is above 0
  then forward the mail to x@example.org
  The mail is delivered and nothing further is read; where that fails, it goes on to the next recipe.

"""
    tap.same(text[:len(want)], want)


def test_explain_of_odd_recipes(folder):
    text = explain(folder, "SWITCHRC=b.rc\nSWITCHRC=\nHOST=mail\nINCLUDERC=\nA=b\n:0\n* ^Subject: x\n:0z\na/\n")
    want = """Line 1: reading goes on in b.rc and does not come back.

Line 2: reading goes on in no other file and does not come back.

Line 3: reading goes on only where the host is 'mail'.

Recipe 1, line 6:
  if the header matches ^Subject: x
  There is no action: nothing happens.

Recipe 2, line 8:
  for every mail that comes here
  'z' is not a flag: the recipe does nothing here; procmail does what follows:
  then store the mail in the Maildir a/
  The mail is delivered and nothing further is read; where that fails, it goes on to the next recipe.

"""
    tap.same(text[:len(want)], want)


def test_explain_says_nothing_in_json(folder):
    path = write(folder, "procmailrc", ":0\na/\n")
    json.loads(tap.todoke("check", "--explain", "--json", path).stdout)


TESTS = [row_test(number, *row) for number, row in enumerate(ROWS, 1)]
TESTS += [test for name, test in sorted(globals().items()) if name.startswith("test_") and callable(test)]
tap.run(TESTS)
