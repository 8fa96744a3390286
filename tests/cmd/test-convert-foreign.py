#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke convert maildrop, convert fdm: what is written, what is by hand, --prove, and files that no program would read."""

import os
import random
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

OUTSIDE = "the place is outside of the home and of the mailbox: name a mailbox of the account"
BLANKS = "white space behind the colon does not count"
PATTERN_NAME = "the field's name is a pattern: write a test for each name"


def write(folder, name, text):
    path = os.path.join(folder, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as file:
        file.write(text if isinstance(text, bytes) else text.encode())
    return path


def convert(folder, language, rules, *args):
    return tap.todoke("convert", *args, language, write(folder, "rules", rules), env={"HOME": folder, "USER": "ann"})


def compiles(folder, script, what):
    result = tap.todoke("check", write(folder, "out.sieve", script), env={"HOME": folder})
    if b": error: " in result.stderr + result.stdout:
        raise AssertionError("%s: %s\n%s" % (what, result.stdout.decode(), script.decode()))


def body(folder, language, rules):
    """The rules of the script, without its head, its require and the list at its end."""
    result = convert(folder, language, rules)
    if result.stderr:
        raise AssertionError(result.stderr)
    compiles(folder, result.stdout, rules)
    text = result.stdout.decode().split("\n# Not converted:")[0]
    lines = text.split("\n")[2:]
    return "\n".join(line for line in lines if not line.startswith("require ")).strip("\n") + "\n"


MAILDROP = [
    ("a folder", 'if (/^X-Loop: me/)\n{\n  to "$HOME/Maildir/.lists.a/"\n}\n',
     '# line 1: changed: %s\nif header :regex "X-Loop" "^me" {\n\t# line 3: same\n\tfileinto "lists/a";\n\tstop;\n}\n' % BLANKS),
    ("text anywhere, without case", "if (/^(To|Cc):.*a@x\\.test/)\n  to Maildir/.a/\n",
     '# line 1: same\nif header :contains ["To", "Cc"] "a@x.test" {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("case counts", "if (/^Subject:.*FOO/:D)\n  to Maildir/.a/\n",
     '# line 1: same\nif header :comparator "i;octet" :contains "Subject" "FOO" {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a set of PCRE", "if (/^Subject:.*[\\]\\w.-]x/)\n  to Maildir/.a/\n",
     '# line 1: same\nif header :regex "Subject" "[][:alnum:]_.-]x" {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("and, or, not", 'if (/^A:/ && (/^B:/ || !/^C:/))\n  exit\n',
     '# line 1: same\nif allof (\n\theader :contains "A" "",\n\tanyof (\n\theader :contains "B" "",\n\tnot header :contains "C" "")) {\n\t# line 2: same\n\tdiscard;\n\tstop;\n}\n'),
    ("elsif and else", "if (/^A:/)\n  to Maildir/.a/\nelsif (/^B:/)\n  to Maildir/.b/\nelse\n  to Maildir/.c/\n",
     '# line 1: same\nif header :contains "A" "" {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\nelse {\n\t# line 3: same\n'
     '\tif header :contains "B" "" {\n\t\t# line 4: same\n\t\tfileinto "b";\n\t\tstop;\n\t}\n\telse {\n\t\t# line 6: same\n\t\tfileinto "c";\n\t\tstop;\n\t}\n}\n'),
    ("a copy", "cc Maildir/.a/\n", '# line 1: same\nfileinto :copy "a";\n'),
    ("a forward", 'to "! a@x.test b@x.test"\n', '# line 1: same\nredirect "a@x.test";\nredirect "b@x.test";\nstop;\n'),
    ("a forward of a name", 'to "! ann"\n',
     '# line 1: by hand: Sieve redirects to addresses with a domain\n#   to "! ann"\nstop;\n'),
    ("a program keeps the mail here", 'to "| vacation ann"\n',
     "# line 1: by hand: it gives the mail to a program: ask the site to allow it for pipe (vnd.dovecot.pipe); an autoreply is vacation\n"
     '#   to "| vacation ann"\nstop;\n'),
    ("a match names a folder", "if (/^List-Id:.*<([a-z]+)\\./)\n  to Maildir/.l.$MATCH1/\n",
     '# line 1: same\nif header :regex "List-Id" "<([a-z]+)\\\\." {\n\tset "matched_a1" "${1}";\n'
     "\t# line 2: changed: a '.' or '/' in the variable's value makes another folder\n\tfileinto \"l/${matched_a1}\";\n\tstop;\n}\n"),
    ("a match of the name", "if (/^(To|Cc):.*<(.*)@/)\n  to Maildir/.$MATCH1/\n",
     '# line 1: same\nif header :regex ["To", "Cc"] "<(.*)@" {\n\t# line 2: by hand: what was matched is a part of the field\'s name\n'
     "\t#   to Maildir/.$MATCH1/\n\tstop;\n}\n"),
    ("a match that is over", "if (/^List-Id:.*<([a-z]+)/)\n{\n}\nto Maildir/.$MATCH1/\n",
     '# line 1: same\nif header :regex "List-Id" "<([a-z]+)" {\n}\n# line 4: by hand: it asks for a variable that only a run of maildrop has\n#   to Maildir/.$MATCH1/\nstop;\n'),
    ("flags", 'FLAGS="SF"\nto Maildir/.a/\n', '# line 2: same\nfileinto :flags ["\\\\Flagged", "\\\\Seen"] "a";\nstop;\n'),
    ("variables are put in", 'A="x"\nif (/^A:/)\n  A="y"\nto Maildir/.$A/\n',
     '# line 2: same\nif header :contains "A" "" {\n}\n# line 4: by hand: it asks for a variable that only a run of maildrop has\n#   to Maildir/.$A/\nstop;\n'),
    ("a branch that ends does not change them", 'A="x"\nif (/^A:/)\n{\n  A="y"\n  to Maildir/.$A/\n}\nto Maildir/.$A/\n',
     '# line 2: same\nif header :contains "A" "" {\n\t# line 5: same\n\tfileinto "y";\n\tstop;\n}\n# line 7: same\nfileinto "x";\nstop;\n'),
    ("sizes", "if ($SIZE >= 1000)\n  to Maildir/.a/\n", '# line 1: same\nif size :over 999 {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("the sender", 'if ($FROM =~ /@x\\.test$/)\n  to Maildir/.a/\n',
     '# line 1: same\nif envelope :regex "from" "@x\\\\.test$" {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("an address", 'if (hasaddr("a@x.test"))\n  to Maildir/.a/\n',
     '# line 1: same\nif address :is ["To", "Cc", "Resent-To", "Resent-Cc"] "a@x.test" {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a body", "if (/^x$/:b)\n  to Maildir/.a/\n",
     '# line 1: same\nif body :content "text" :regex "(?m)^x\\\\r?$" {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("a block around rules", 'flock "$HOME/lock" {\n  to Maildir/.a/\n}\n',
     '# line 1: not needed: todoke locks where it must\n# line 2: same\nfileinto "a";\nstop;\n'),
    ("DEFAULT elsewhere", 'DEFAULT="$HOME/Maildir/.in/"\n', '# mail that no rule takes: same\nfileinto "in";\n'),
    ("a file outside", 'to "/var/mail/ann"\n', "# line 1: by hand: %s\n#   to \"/var/mail/ann\"\nstop;\n" % OUTSIDE),
    ("loops", "foreach /^Received: .*/\n{\n  N=$N+1\n}\nto Maildir/.a/\n",
     '# line 1: by hand: Sieve has no loops\n#   foreach /^Received: .*/\n#   {\n#     N=$N+1\n#   }\n# line 5: same\nfileinto "a";\nstop;\n'),
    ("a refusal is no discard", "EXITCODE=77\nexit\n", "# line 2: by hand: it says what maildrop answers: reject or ereject can refuse\n#   exit\nstop;\n"),
    ("no field is named", "if (/viagra/)\n  exit\n",
     "# line 1: by hand: it searches the whole header: Sieve asks for fields by name\n#   if (/viagra/)\n#     exit\n"),
    ("a name that is a pattern", "if (/^(To.*|Cc):.*a@x/)\n  exit\n", "# line 1: by hand: %s\n#   if (/^(To.*|Cc):.*a@x/)\n#     exit\n" % PATTERN_NAME),
    ("a colon at one name of two", "if (/^(To|Cc:).*a@x/)\n  exit\n", "# line 1: by hand: %s\n#   if (/^(To|Cc:).*a@x/)\n#     exit\n" % PATTERN_NAME),
    ("a colon at each name", "if (/^(To:|Cc:).*a@x/)\n  exit\n", '# line 1: same\nif header :contains ["To", "Cc"] "a@x" {\n\t# line 2: same\n\tdiscard;\n\tstop;\n}\n'),
    ("three are one list", "if (/^A:/ || /^B:/ || /^C:/)\n  exit\n",
     '# line 1: same\nif anyof (\n\theader :contains "A" "",\n\theader :contains "B" "",\n\theader :contains "C" "") {\n\t# line 2: same\n\tdiscard;\n\tstop;\n}\n'),
    ("a slash in it", "if (/^Subject:.*a\\/b[[:digit:]]/)\n  exit\n",
     '# line 1: same\nif header :regex "Subject" "a/b[[:digit:]]" {\n\t# line 2: same\n\tdiscard;\n\tstop;\n}\n'),
    ("a reference", "if (/^Subject:.*(a)\\1/)\n  exit\n",
     "# line 1: by hand: the expression uses references, options or verbs: write it in another way\n#   if (/^Subject:.*(a)\\1/)\n#     exit\n"),
    ("branches that are fields", "if (/(^A: x|^B:.*y)/)\n  exit\n",
     '# line 1: changed: %s\nif anyof (\n\theader :regex "A" "^x",\n\theader :contains "B" "y") {\n\t# line 2: same\n\tdiscard;\n\tstop;\n}\n' % BLANKS),
]

FDM = [
    ("a rule", 'match "^Subject:.*x" in headers action maildir "%h/Maildir/.a"\n',
     '# line 1: same\nif header :contains "Subject" "x" {\n\t# line 1: same\n\tfileinto "a";\n\tstop;\n}\n'),
    ("actions by name", 'action "a" maildir "%h/Maildir/.a"\naction "b" { "a" drop }\nmatch all action "b"\n',
     '# line 3: same\nfileinto "a";\n# line 3: same\ndiscard;\nstop;\n'),
    ("macros", '$b = "%h/Maildir"\nmatch all action maildir "${b}/.a" + "b"\n', '# line 2: same\nfileinto "ab";\nstop;\n'),
    ("what goes on is a copy", 'match all action maildir "~/Maildir/.a" continue\nmatch all action keep\n',
     '# line 1: same\nfileinto :copy "a";\n# line 2: same\nkeep;\nstop;\n'),
    ("from left to right", 'match "^A:" in headers and "^B:" in headers or "^C:" in headers action drop\n',
     '# line 1: same\nif anyof (\n\tallof (\n\theader :contains "A" "",\n\theader :contains "B" ""),\n\theader :contains "C" "") {\n\t# line 1: same\n\tdiscard;\n\tstop;\n}\n'),
    ("rules in rules", 'match "^A:" in headers {\n match not "^B:" in headers action drop\n}\n',
     '# line 1: same\nif header :contains "A" "" {\n\t# line 2: same\n\tif not header :contains "B" "" {\n\t\t# line 2: same\n\t\tdiscard;\n\t\tstop;\n\t}\n}\n'),
    ("brackets", 'match "^List-Id:.*<(.*)\\\\.x" in headers action maildir "%h/Maildir/.%1"\n',
     '# line 1: same\nif header :regex "List-Id" "<(.*)\\\\.x" {\n\tset "matched_a1" "${1}";\n'
     "\t# line 1: changed: a '.' or '/' in the variable's value makes another folder\n\tfileinto \"${matched_a1}\";\n\tstop;\n}\n"),
    ("the only account", 'account "s" stdin\nmatch account "s*" action drop\n',
     "# line 1: not needed: fdm fetches mail with it: todoke takes what Postfix, fetchmail or getmail give\n# line 2: same\ndiscard;\nstop;\n"),
    ("one of two accounts", 'account "s" stdin\naccount "p" pop3 server "x" user "u" pass "p" new-only cache "c"\nmatch account "p" action drop\n',
     "# line 1: not needed: fdm fetches mail with it: todoke takes what Postfix, fetchmail or getmail give\n"
     "# line 2: not needed: fdm fetches mail with it: todoke takes what Postfix, fetchmail or getmail give\n"
     '# line 3: by hand: todoke does not know which account mail was fetched from\n#   match account "p" action drop\n'),
    ("fields", 'match all action { add-header "X-A" value "b" remove-header "X-C" } continue\n',
     '# line 1: changed: fields are changed by editheader, where the site allows it\naddheader :last "X-A" "b";\n'
     '# line 1: changed: fields are changed by editheader, where the site allows it\ndeleteheader "X-C";\n'),
    ("a program", 'match "^A:" in headers action pipe "cat"\n',
     '# line 1: same\nif header :contains "A" "" {\n\t# line 1: by hand: it gives the mail to a program: ask the site to allow it for pipe (vnd.dovecot.pipe)\n'
     '\t#   match "^A:" in headers action pipe "cat"\n\tstop;\n}\n'),
    ("mail that no rule takes", "set unmatched-mail drop\n", "# mail that no rule takes is dropped\ndiscard;\n"),
    ("ifdef", 'ifdef $x\nmatch all action drop\nendif\nifndef $x\nmatch all action keep\nendif\n', "# line 5: same\nkeep;\nstop;\n"),
    ("sizes", 'match size < 1K action drop\n', "# line 1: same\nif not size :over 1023 {\n\t# line 1: same\n\tdiscard;\n\tstop;\n}\n"),
    ("header or body", 'match "^A: x" action drop\n',
     '# line 1: changed: %s\nif anyof (\n\theader :regex "A" "^x",\n\tbody :raw :regex "(?m)^A: x") {\n\t# line 1: same\n\tdiscard;\n\tstop;\n}\n' % BLANKS),
    ("an mbox", 'match all action mbox "%h/Mail/a"\n',
     "# line 1: changed: the folder is none of the mailbox: the mail lies elsewhere; an mbox file, directory or MH folder becomes a mailbox\n"
     'fileinto "Mail/a";\nstop;\n'),
]


def test_maildrop(folder):
    for what, rules, want in MAILDROP:
        tap.same(body(folder, "maildrop", rules), want, what)


def test_fdm(folder):
    for what, rules, want in FDM:
        tap.same(body(folder, "fdm", rules), want, what)


# What is known before any mail comes, as maildropfilter(7) compares: words by their octets, signs by numbers.
KNOWN = [('"a" eq "a"', True), ('"a" eq "b"', False), ('"a" ne "b"', True), ('"a" ne "a"', False), ('"a" lt "b"', True), ('"b" lt "a"', False),
         ('"b" gt "a"', True), ('"a" gt "a"', False), ('"a" le "a"', True), ('"b" le "a"', False), ('"a" ge "a"', True), ('"a" ge "b"', False),
         ("2 < 10", True), ('"2" lt "10"', False), ("10 <= 9", False), ("10 <= 10", True), ("10 > 9", True), ("9 >= 10", False), ("10 >= 10", True),
         ("1.0 == 1", True), ("1 == 2", False), ("1 != 1", False), ("1 != 2", True), ("$SIZE < 0", False), ("$SIZE >= 0", True), ('""', False), ('"0"', False),
         ('"1"', True)]


def test_known_conditions(folder):
    for condition, truth in KNOWN:
        want = '# line 1: same\nif %s {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n' % ("true" if truth else "false")
        tap.same(body(folder, "maildrop", "if (%s)\n  to Maildir/.a/\n" % condition), want, condition)


# Nobody knows these before a run: mail must not be filed by a guess.
UNKNOWN = ["RETURNCODE=0\n`run`\nif ($RETURNCODE == 0)\n", "RETURNCODE=0\nA=`run`\nif ($RETURNCODE == 0)\n", 'RETURNCODE=0\nxfilter "run"\nif ($RETURNCODE == 0)\n', 'RETURNCODE=0\nsystem "run"\nif ($RETURNCODE == 0)\n',
           "A=`run \\` me`\nif ($A eq \"\")\n", 'import A\nif ($A eq "")\n', 'if ($FROM =~ /x/:b)\n', "if ($SIZE =~ /1/)\n", 'if (length("a") == 1)\n', 'if (~"1")\n',
           'if ($SIZE eq 1)\n', 'if ("a" lt $FROM)\n', 'if ($FROM lt "a")\n', "if (/^List-Id: (.*)/)\n{\n}\nif ($FROM eq $MATCH1)\n",
           "if (/^List-Id: (.*)/)\n{\n}\nif ($MATCH1)\n", "if (/^List-Id: (.*)/)\n{\n}\nif ($MATCH1 == 1)\n"]


def test_unknown_conditions(folder):
    for rules in UNKNOWN:
        rules += "  to Maildir/.a/\n"
        text = body(folder, "maildrop", rules)
        tap.contains(text, "by hand", rules)
        tap.same("fileinto" in text, False, "%s: %s" % (rules, text))


def test_joined_lines(folder):
    for end in ("\n", "\r\n"):
        got = body(folder, "maildrop", "if (/^A:/ \\@&& /^B:/)@  exit@".replace("@", end))
        tap.same(got, '# line 1: same\nif allof (\n\theader :contains "A" "",\n\theader :contains "B" "") {\n\t# line 3: same\n\tdiscard;\n\tstop;\n}\n', repr(end))


def test_list_at_the_end(folder):
    result = convert(folder, "maildrop", 'to Maildir/.a/\n  xfilter "spamc"\n')
    tap.same(result.returncode, 1, "exit code")
    tap.contains(result.stdout.decode(), '# Not converted:\n#   line 2, column 3: xfilter "spamc"\n#     a program rewrites the mail: ')


def test_all_is_converted(folder):
    result = convert(folder, "maildrop", "to Maildir/.a/\n")
    tap.same((result.returncode, b"Not converted" in result.stdout), (0, False))
    tap.contains(result.stdout, b"# Fields of the message alone are searched")
    tap.contains(convert(folder, "fdm", "match all action drop\n").stdout, b"# Fields are searched decoded")


# (language, rules, line:column, words)
WRONG = [
    ("maildrop", 'to "a\n', "1:4", "closing quote"),
    ("maildrop", "if (/x\n", "1:5", "closing slash"),
    ("maildrop", "if /^A:/\n  exit\n", "1:4", "parentheses"),
    ("maildrop", "if (/^A:/\n  exit\n", "1:10", "')' is missing"),
    ("maildrop", "\n\n}\n", "3:1", "no '{'"),
    ("maildrop", "if (/^A:/)\n{\nexit\n", "4:1", "'}' is missing"),
    ("maildrop", "else\n exit\n", "1:1", "no 'if'"),
    ("maildrop", "x=`ls\n", "1:3", "back-tick"),
    ("maildrop", "to ${A\n", "1:4", "'}'"),
    ("maildrop", "a=b\n\x01\n", "2:1", "control character"),
    ("maildrop", "!\n", "1:1", "a statement is expected"),
    ("fdm", 'match "x\n', "1:7", "closing quote"),
    ("fdm", "match\n", "2:1", "a condition is expected"),
    ("fdm", "match all\n", "2:1", "'action' is expected"),
    ("fdm", "match all action jump\n", "1:18", "an action is expected"),
    ("fdm", "jump\n", "1:1", "a statement is expected"),
    ("fdm", "$x = $(ls\n", "1:6", "')'"),
    ("fdm", "ifdef $x\n", "2:1", "'endif' is missing"),
    ("fdm", 'match "${x" action drop\n', "1:7", "'}'"),
    ("fdm", "match size ~ 3 action drop\n", "1:12", "begins nothing"),
]


def test_faults_have_line_and_column(folder):
    for language, rules, place, words in WRONG:
        result = convert(folder, language, rules)
        text = (result.stdout + result.stderr).decode()
        tap.same(result.returncode, 1, rules)
        tap.contains(text, "rules:%s: error: " % place, rules)
        tap.contains(text, words, rules)


def test_a_language_without_a_file(folder):
    for language, name in (("maildrop", "~/.mailfilter"), ("fdm", "~/.fdm.conf"), ("procmail", "~/.procmailrc")):
        result = tap.todoke("convert", language, cwd=folder)
        tap.same(result.returncode, 2, language)
        tap.contains(result.stderr.decode(), "todoke convert %s %s" % (language, name))
    with open(folder + "/procmail", "w", encoding="ascii") as file:
        file.write(":0\n* ^Subject: x\nx/\n")
    tap.same(tap.todoke("convert", "procmail", cwd=folder).returncode, 0, "a file of that name")


def test_old_text_is_latin_1(folder):
    result = convert(folder, "maildrop", b"# caf\xe9\nif (/^Subject:.*caf\xe9/)\n  to Maildir/.a/\n")
    tap.contains(result.stderr.decode(), "it was read as ISO-8859-1")
    tap.contains(result.stdout.decode(), '"Subject" "café"')


def test_nothing_is_run(folder):
    mark = os.path.join(folder, "ran")
    for language, rules in (("maildrop", "`touch %s`\nA=`touch %s`\nxfilter \"touch %s\"\nsystem \"touch %s\"\nto \"|touch %s\"\n"),
                            ("fdm", "$x = $(touch %s)\n%%y = %%(touch %s)\nmatch exec \"touch %s\" returns (0, ) action drop\n"
                                    "match all action pipe \"touch %s\" continue\nmatch all action rewrite \"touch %s\"\n")):
        write(folder, "old/1", "Subject: x\n\n")
        text = rules % ((mark,) * 5)
        tap.same(convert(folder, language, text).returncode, 1, text)
        convert(folder, language, text, "--prove", os.path.join(folder, "old"))
        tap.same(os.path.exists(mark), False, text)


def test_prove(folder):
    write(folder, "old/1", "Subject: =?utf-8?q?x?=\n\n")
    write(folder, "old/2", "Subject: y\n\n")
    old = os.path.join(folder, "old")
    rules = 'match "^Subject: x" in headers action maildir "%h/Maildir/.a"\n'
    result = convert(folder, "fdm", rules, "--prove", old)  # fdm sees the words as they are written, Sieve what they say
    tap.same((result.returncode, result.stdout.decode()), (1, "1: fdm: store in INBOX; Sieve: store in a\n2 messages, 1 differs\n"))
    result = convert(folder, "maildrop", "if (/^Subject: x/)\n  to Maildir/.a/\n", "--prove", old)
    tap.same((result.returncode, result.stdout.decode()), (0, "2 messages, 0 differ\n"))


# Mail that the rules above ask about: each of their conditions holds for one of these and fails for another.
OLD = ["X-Loop: me\nTo: A@X.test\nSubject: foo\n\nbody\n", "Cc: b@x.test, Ann <a@x.test>\nSubject: a FOO b\nX-Loop: you\n\nx\n",
       "A: 1\nC: 1\n\nx x\n", "A: x\nB: 1\nC: 1\nSubject: a.x\n\n", "B: x y\nA: y\nList-Id: A list <abc.x>\n\nA: x\n", "C: 2\nList-Id: <ABC.y>\n\n",
       "A: 1\nResent-To: a@x.test\nResent-Cc: c@x.test\nTo: a@x.test.example\n\n" + "long line\n" * 200, "Subject: ]x\n\n", "Subject: nothing\n\n\n"]


def test_prove_finds_no_difference_in_what_is_the_same(folder):
    """What a row says is the same, with nothing by hand, comes to the same for each mail: two engines that share no rule."""
    for number, text in enumerate(OLD):
        write(folder, "old/%d" % number, text)
    proved = 0
    for language, rows in (("maildrop", MAILDROP), ("fdm", FDM)):
        for what, rules, want in rows:
            if "by hand" in want or "changed" in want:
                continue
            result = convert(folder, language, rules, "--prove", os.path.join(folder, "old"))
            tap.same((result.returncode, result.stdout.decode()), (0, "%d messages, 0 differ\n" % len(OLD)), "%s: %s" % (language, what))
            proved += 1
    tap.same(proved > 20, True, "%d rows" % proved)


def test_prove_says_what_it_cannot(folder):
    write(folder, "old/1", "Subject: x\n\n")
    result = convert(folder, "maildrop", 'if (/^Subject:/)\n  to "| vacation"\n', "--prove", os.path.join(folder, "old"))
    tap.same(result.returncode, 1)
    tap.contains(result.stdout.decode(), "line 2: it gives the mail to a program")


def test_limits(folder):
    """LIMIT_FOREIGN_DEPTH, LIMIT_FOREIGN_NAMES, LIMIT_FOREIGN_TEXT: at each of them, and one over."""
    depth, names, text = tap.limit("FOREIGN_DEPTH"), tap.limit("FOREIGN_NAMES"), tap.limit("FOREIGN_TEXT")
    for over in (0, 1):
        nested = "match all {\n" * (depth + over) + "match all action drop\n" + "}\n" * (depth + over)
        tap.same(b"nested too deeply" in convert(folder, "fdm", nested).stdout, bool(over), "depth")
        macros = "".join('$a%d = "x"\n' % number for number in range(names + over))
        tap.same(b"too many macros" in convert(folder, "fdm", macros).stdout, bool(over), "names")
        long = '$a = "%s"\nmatch all action maildir "${a}${a}%s"\n' % ("x" * (text // 2), "" if not over else "${a}")
        tap.same(b"too long" in convert(folder, "fdm", long).stdout, bool(over), "text")
    parentheses = "if (" + "(" * depth + "/^A:/" + ")" * depth + ")\n  exit\n"
    tap.contains(convert(folder, "maildrop", parentheses).stdout.decode(), "nested too deeply")


def test_deeper_than_sieve(folder):
    """What would not compile is told; two inversions are none, and an odd number is one."""
    limit = tap.limit("SIEVE_NESTING")
    for language, head, tail, last in (("maildrop", "if (/^A: %d/)\n{\n", "}\n", "exit\n"), ("procmail", ":0\n* ^A: %d\n{\n", "}\n", ":0\nx/\n"),
                                       ("fdm", 'match "^A: %d" in headers {\n', "}\n", "match all action drop\n")):
        for deep, words in ((limit - 4, False), (limit + 4, True)):
            result = convert(folder, language, "".join(head % number for number in range(deep)) + last + tail * deep)
            tap.same(b"blocks are nested deeper than %d" % limit in result.stdout + result.stderr, words, (language, deep))
            tap.same(result.returncode == 1 or not words, True, language)
    for signs in (61, 62):
        result = convert(folder, "maildrop", "if (" + "!" * signs + "/^A: x/)\n  exit\n")
        tap.same((result.returncode, result.stdout.count(b" not header") == 1), (0, signs % 2 == 1), signs)


def limited():
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


def test_hostile_files(folder):
    """Each is answered, in bounded time and memory; what is written compiles."""
    small = "SANITIZERS" in os.environ
    many = 2000 if small else 20000
    doubled = "A=x\n" + "".join('A="$A$A"\n' for _ in range(64)) + "to Maildir/.$A/\n"
    nested = "".join("if (/^A:/)\n{\n" for _ in range(200)) + "exit\n" + "}\n" * 200
    files = [("maildrop", "(" * many), ("maildrop", "if (" + "!" * many), ("maildrop", "if (" + "(" * many + "/^A:/" + ")" * many + ")\nexit\n"),
             ("maildrop", doubled), ("maildrop", nested), ("maildrop", "if (/^" + "(a|" * 500 + "b" + ")" * 500 + ":/)\nexit\n"),
             ("maildrop", "if (/^" + "(ab|cd)" * 40 + ":/)\nexit\n"), ("maildrop", "".join("V%d=x\n" % i for i in range(many))),
             ("maildrop", "if (/^A:" + "[" * many + "/)\nexit\n"), ("maildrop", "to \"" + "${A}" * many + "\"\n"),
             ("fdm", 'match all { ' * many), ("fdm", '$a = "x"\n' + "".join('$a = "${a}${a}"\n' for _ in range(64)) + 'match all action maildir "${a}"\n'),
             ("fdm", "".join('action "a%d" { "a%d" "a%d" }\n' % (i + 1, i, i) for i in range(64)) + 'match all action "a64"\n'),
             ("fdm", 'action "a0" drop\n' + "".join('action "a%d" { "a%d" "a%d" }\n' % (i + 1, i, i) for i in range(64)) + 'match all action "a64"\n'),
             ("fdm", "ifdef $x\n" * many), ("fdm", "match not " * many), ("fdm", "match size < 99999999999999999999999 action drop\n")]
    for language, rules in files:
        result = tap.todoke("convert", language, write(folder, "rules", rules), env={"HOME": folder}, preexec_fn=limited)
        if result.returncode not in (0, 1):
            raise AssertionError((language, rules[:80], result.returncode, result.stderr[:300]))
        if b": error: " not in result.stdout + result.stderr:
            compiles(folder, result.stdout, rules[:80])


def test_damaged_files(folder):
    """Rules with pieces cut out and doubled: an error, or a script that compiles."""
    rng = random.Random(17)
    pool = {"maildrop": "".join(rules for _, rules, _ in MAILDROP), "fdm": "".join(rules for _, rules, _ in FDM)}
    for language, text in pool.items():
        for _ in range(10 if "SANITIZERS" in os.environ else 25):
            rules = text
            for _ in range(rng.randint(1, 4)):
                start = rng.randrange(len(rules))
                end = min(len(rules), start + rng.randint(1, 12))
                rules = rules[:start] + rng.choice(["", rules[start:end] * 2, rng.choice("\"'(){}/$%\\|&!`;\n")]) + rules[end:]
            result = convert(folder, language, rules)
            if result.returncode not in (0, 1):
                raise AssertionError((rules, result.returncode, result.stderr))
            if b": error: " not in result.stdout + result.stderr:
                compiles(folder, result.stdout, rules)


if __name__ == "__main__":
    tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
