#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""todoke convert maildrop, convert fdm: what is written, what is by hand, --prove, and files that no program would read."""

import os
import pwd
import random
import resource
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

OUTSIDE = "the place is outside of the home and of the mailbox: name a mailbox of the account"
BLANKS = "white space behind the colon does not count"
PATTERN_NAME = "the field's name is a pattern: write a test for each name"


def few(rows):
    """All of them; with sanitizers, where each program takes long, each fourth."""
    return rows[::4] if tap.SANITIZED else rows


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
    ("a search before what it finds is used", "/^List-Id:.*<([a-z]+)/\nto Maildir/.$MATCH1/\n",
     "# line 1: by hand: the statements behind it ask for what it finds (MATCH1): put both into if (...) { ... }\n#   /^List-Id:.*<([a-z]+)/\n"
     "# line 2: by hand: it asks for a variable that only a run of maildrop has\n#   to Maildir/.$MATCH1/\nstop;\n"),
    ("a search that replaces what was found", "if (/^List-Id:.*<([a-z]+)/)\n{\n  (/^From:.*<([a-z]+)/)\n  to Maildir/.$MATCH1/\n}\n",
     '# line 1: same\nif header :regex "List-Id" "<([a-z]+)" {\n\t# line 3: by hand: the statements behind it ask for what it finds (MATCH1): put both into if (...) { ... }\n'
     "\t#   (/^From:.*<([a-z]+)/)\n\t# line 4: by hand: it asks for a variable that only a run of maildrop has\n\t#   to Maildir/.$MATCH1/\n\tstop;\n}\n"),
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


# Conditions and actions of fdm that stay by hand, with a piece of the reason. Each is read to its end: the rule behind it counts.
FDM_CONDITIONS = [
    ('exec "x" returns (0, )', "what a program says"), ('exec "x" user "a" returns (1, case "x")', "what a program says"),
    ('pipe "x" returns (, "(")', "what a program says"), ("age < 3 hours", "how old mail is"), ("age > 1 year", "how old mail is"),
    ("age invalid", "how old mail is"), ("matched", '"matched"'), ("unmatched", '"matched"'), ('tagged "x"', "tags are fdm's own"),
    ('string "%1" to "b"', "tags of fdm"), ('string "a" + "b" to case "b"', "tags of fdm"), ('in-cache "/p" key "k"', "duplicate (RFC 7352)"),
    ("attachment count == 1", "attachments"), ("attachment count != 2", "attachments"), ("attachment total-size < 10K", "attachments"),
    ("attachment any-size > 2 mb", "attachments"), ('attachment any-type "text/*"', "attachments"), ('attachment any-name "*.exe"', "attachments"),
    ('"x" + $unknown in headers', "only a run of fdm knows"), ('$(x) in body', "only a run of fdm knows"), ('"${unknown}"', "only a run of fdm knows"),
    ("size < %(x)", "only a run of fdm knows"), ("size > %unknown", "only a run of fdm knows"), ("size > 2147483648", "only a run of fdm knows"),
    ('account "x"', "which account"), ('accounts { "x" "y" }', "which account"),
]
FDM_ACTIONS = [
    ('pipe "x"', "gives the mail to a program"), ('exec "x"', "gives the mail to a program"), ('write "x"', "writes a file"), ('append "x"', "writes a file"),
    ("stdout", "writes a file"), ('rewrite "x"', "a program rewrites the mail"), ('tag "x"', "tags are fdm's own"), ('tag "x" value "y"', "tags are fdm's own"),
    ('add-to-cache "/p" key "k"', "duplicate (RFC 7352)"), ('to-cache "/p" key "k"', "duplicate (RFC 7352)"), ('remove-from-cache "/p" key "k"', "duplicate (RFC 7352)"),
    ('smtp server "x"', "sends the mail to a server"), ('smtp server "x" port 25 from "a" to "b"', "sends the mail to a server"),
    ('smtp server "x" port "smtp" to "b"', "sends the mail to a server"), ('imap server "x" port 143 user "u" pass "p" folder "f"', "sends the mail to a server"),
    ('imaps server "x" user "u" pass "p" folder "f"', "sends the mail to a server"), ('remove-header "X*"', "wants the fields' names"),
    ('remove-headers { "X[ab]" }', "wants the fields' names"), ('remove-header "X" + $unknown', "wants the fields' names"), ('"none"', "no action of that name"),
    ('action "none"', "no action of that name"), ('add-header "X" value $(x)', "only a run of fdm knows"), ('add-header "X" "%a"', "only a run of fdm knows"),
    ('maildir "%h/%[hour]"', "only a run of fdm knows"), ('maildir $(x) + "y"', "only a run of fdm knows"), ('maildir "x%"', "only a run of fdm knows"),
    ('maildir "%1"', "only a run of fdm knows"),
]
FDM_GROUPS = [("%1", True), ("%9", True), ("%0", False), ("%a", False), ("%:", False)]
FDM_STATEMENTS = [('include "x"', "convert that file too"), ('cache "/p"', "duplicate (RFC 7352)"), ('cache "/p" expire 3 days', "duplicate (RFC 7352)")]


def by_hand(folder, language, rules, reason, then, tail):
    """`rules`, which go to the end of a line or more, stay by hand with that reason; `then` behind them is the same, and is `tail` in Sieve."""
    text = body(folder, language, rules + "\n" + then)
    lines = text.split("\n")
    source = ["#   " + line for line in rules.split("\n")]
    tap.same(lines[0].startswith("# line 1: by hand: ") and reason in lines[0], True, "%s: %s" % (rules, text))
    tap.same(lines[1:1 + len(source)], source, rules)
    tap.same("\n".join(lines[1 + len(source):]), tail.replace("LINE", str(1 + len(source))), rules)


def test_fdm_by_hand(folder):
    keep = "# line LINE: same\nkeep;\nstop;\n"
    for condition, reason in few(FDM_CONDITIONS):
        by_hand(folder, "fdm", "match %s action drop" % condition, reason, "match all action keep\n", keep)
        by_hand(folder, "fdm", 'match "^A:" in headers and not %s or all action drop' % condition, reason, "match all action keep\n", keep)
    for action, reason in few(FDM_ACTIONS):
        by_hand(folder, "fdm", "match all action %s" % action, reason, "match all action keep\n", "stop;\n" + keep)
        by_hand(folder, "fdm", "match all actions { %s } continue" % action, reason, "match all action keep\n", keep)
    for tag, known in FDM_GROUPS:
        text = body(folder, "fdm", 'match "^A: (x)" in headers action maildir "%%h/Maildir/.%s"\n' % tag)
        tap.same("only a run of fdm knows" in text, not known, text)
    for statement, reason in FDM_STATEMENTS:
        by_hand(folder, "fdm", statement, reason, "match all action keep\n", keep)


# As fdm.conf(5) has it: K, M and G in letters or words, also a word of its own, which is 1024 each.
FDM_NUMBERS = [("0", 0), ("10", 10), ("10b", 10), ("10 bytes", 10), ("1 byte", 1), ("3K", 3072), ("3 k", 3072), ("3kb", 3072), ("1 kilobyte", 1024), ("2 Kilobytes", 2048),
               ("1M", 1048576), ("2 mb", 2097152), ("1 megabyte", 1048576), ("3 megabytes", 3145728), ("1G", 1073741824), ("1 gb", 1073741824),
               ("1 gigabyte", 1073741824), ("1 gigabytes", 1073741824), ("2147483647", 2147483647)]


def test_fdm_numbers(folder):
    for number, octets in few(FDM_NUMBERS):
        for rules in ("match size > %s action drop\n" % number, "%%n = %s\nmatch size > %%n action drop\n" % number):
            tap.contains(body(folder, "fdm", rules), "same\nif size :over %d {\n" % octets, rules)
    tap.contains(body(folder, "fdm", "match size > 9 G action drop\n"), "same\nif size :over 2147483647 {\n", "more than Sieve's numbers have")
    tap.contains(body(folder, "fdm", "match size < 0 action drop\n"), "same\nif false {\n", "nothing is smaller")
    tap.contains(body(folder, "fdm", "match size < 1 action drop\n"), "same\nif not size :over 0 {\n", "empty mail is")


# Statements of fdm that come to `keep` alone.
FDM_KEEPS = ["match all action keep", 'match all action keep\naccount "a" stdin', 'match all action keep\nset lock-file ""', '$x = $(echo ")")\nmatch all action keep',
             "$x = $(echo '\")')\nmatch all action keep", '$x = $(echo "a" ")")\nmatch all action keep', 'action "a" add-header "X" value $(x)\naction "a" keep\nmatch all action "a"', "match all action { keep }", 'action "a" keep match all action "a"', 'action "a" { keep } match all action action "a"',
             "# a note\nmatch all \\\n action keep # a note", "set maximum-size 10M\nmatch all action keep", 'set lock-file ""\n$a = "x"\nmatch all action keep',
             'ifdef $x\nifdef $y\nmatch all action drop\nendif\nmatch all action drop\nifndef $z\nendif\nendif\nmatch all action keep',
             '$x = "y"\nifdef $x\nmatch all action keep\nendif', '%x = 3\nifndef %x\nmatch all action drop\nendif\nmatch all action keep',
             "set unmatched-mail keep\nmatch all action keep",
             'account "a" disabled pop3 server "h" port 110 user "u" pass "p" new-only cache "c" keep\nmatch account "a" action keep',
             'account "a" nntp server "h" groups { "a" "b" } cache "c"\nmatch all action keep', 'account "a" maildirs { "a" "b" } account "b" stdin match all action keep',
             'account "a" imap server "h" folders { "x" "set" } old-only cache "c"\n$x = "y"\nmatch accounts { "a" "b" } action keep',
             '$h = "h"\naccount "a" pop3 server $h user "u" pass ${h}\n%p = 3\nmatch all action keep',
             'account "a" stdin\naccount "b" stdin\nmatch accounts { "b" "a" } action keep', 'account "ab" stdin\naccount "ac" stdin\nmatch account "a?" action keep']


def test_fdm_statements(folder):
    for rules in few(FDM_KEEPS):
        text = body(folder, "fdm", rules + "\n")
        left = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
        tap.same((left, "by hand" in text), ("keep;\nstop;\n", False), rules)
    text = body(folder, "fdm", 'account "a" stdin\ncache "/p"\nmatch all action keep\n')
    tap.contains(text, 'line 2: by hand: it keeps a list of what was seen: duplicate (RFC 7352) does that\n#   cache "/p"\n', "no option of that account")
    for users in ('user "x"', 'users { "x" "y" }'):
        for rules in ("match all %s action keep\n" % users, 'action "a" %s keep\nmatch all action "a"\n' % users):
            text = body(folder, "fdm", rules)
            tap.contains(text, "by hand: it is for other users", rules)
            tap.contains(text, "same\nkeep;\nstop;\n", rules)


# (how fdm writes a text, the mailbox that it is; None: by hand). USER is who runs it.
FDM_TEXTS = [('"%h/Maildir/.a"', "a"), ("'%h/Maildir/.a'", "a"), ('"%[home]/Maildir/.a"', "a"), ('"~/Maildir/.a"', "a"), ('"~/Maildir/." + "a"', "a"),
             ('"~/Maildir/.%u"', "USER"), ('"~/Maildir/.%[user]x"', "USERx"), ('"~/Maildir/.5%%"', "5%"), ('"~/Maildir/.${m}-%{n}"', "mm-7"), ('"~/Maildir/." + $m', "mm"),
             ('"~/Maildir/." + ${m} + "x"', "mmx"), ("'~/Maildir/.${m}'", None),
             ('"~/Maildir/.$m"', "$m"), ('"~/Maildir/.a~b"', "a~b"), ('"~/Maildir"', "INBOX"), ('"~/Maildir/"', "INBOX")]


def test_fdm_texts(folder):
    user = pwd.getpwuid(os.getuid()).pw_name
    for text, mailbox in few(FDM_TEXTS):
        got = body(folder, "fdm", '$m = "mm"\n%%n = 7\nmatch all action maildir %s\n' % text)
        if mailbox is not None:
            tap.same(got, '# line 3: same\nfileinto "%s";\nstop;\n' % mailbox.replace("USER", user), text)
        else:
            tap.contains(got, "by hand: the text has '${', which Sieve would read", text)


# (how fdm writes a text, as Sieve writes it)
FDM_QUOTES = [('"x\\"y"', 'x\\"y'), ("'x\"y'", 'x\\"y'), ('"x\'y"', "x'y"), ('"x\\\\y"', "x\\\\y"), ("'x\\y'", "x\\\\y"), ('"x\\yz"', "xyz"), ('"x\\ty"', "x\ty"),
              ('"a # b"', "a # b"), ('"$"', "$"), ('"x{y}"', "x{y}"), ('"\\${m}"', None)]


def test_fdm_quotes(folder):
    for text, want in few(FDM_QUOTES):
        got = body(folder, "fdm", '$m = "mm"\nmatch all action add-header "X" value %s continue\n' % text)
        tap.contains(got, 'addheader :last "X" "%s";\n' % want if want else "by hand: the text has '${', which Sieve would read", text)
    tap.contains(body(folder, "fdm", 'action "a" add-header "X" value "y"\nmatch all action "a" continue\n'), 'addheader :last "X" "y";\n', "by its name")
    text = body(folder, "fdm", 'match all action add-header "X" value "y"\n')
    tap.same(text, "# line 1: changed: fields are changed by editheader, where the site allows it; fdm drops mail that such a rule takes: here it stays in the INBOX\n"
             'addheader :last "X" "y";\nstop;\n')
    for taken in ("keep", "drop", 'maildir "%h/Maildir/.a"'):
        text = body(folder, "fdm", 'match all action { %s add-header "X" value "y" }\n' % taken)
        tap.same("fdm drops mail that such a rule takes" in text, False, text)
    tap.contains(body(folder, "fdm", 'match all action { remove-headers { "X" "Y-Z" } } continue\n'), 'deleteheader "X";\n# line 1: changed: fields are changed by editheader, '
                 'where the site allows it\ndeleteheader "Y-Z";\n')
    tap.contains(body(folder, "fdm", 'match all action add-header "\\${m}" "y" continue\n'), "by hand: the text has '${'", "as a name")
    for name in ("", "X Y", "X:", 'X\\"', "é"):
        tap.contains(body(folder, "fdm", 'match all action add-header "%s" "y" continue\n' % name), "by hand: it is no name of a field", name)


# (language, pattern, what it becomes: the match type and the key of the test of "A"; or a piece of the reason why it does not)
PATTERNS = [
    # where it stands
    ("maildrop", "^A:.*x", ':contains "A" "x"'), ("maildrop", "^A:.*", ':contains "A" ""'), ("maildrop", "^A:", ':contains "A" ""'),
    ("maildrop", "^A:.+x", ':contains "A" "x"'), ("maildrop", "^A:.*?x", ':contains "A" "x"'), ("maildrop", "^A:.*+", ':contains "A" ""'),
    ("maildrop", "^A: x", ':regex "A" "^x"'), ("maildrop", "^A:[ \\t]+x", ':regex "A" "^x"'), ("maildrop", "^A:\\s*x", ':regex "A" "^x"'),
    ("maildrop", "^A:[ ]{1,2}x", ':regex "A" "^x"'), ("maildrop", "^A:[[:space:]]*?x", ':regex "A" "^x"'), ("maildrop", "^A:\\h*\\t?x", ':regex "A" "^x"'),
    ("maildrop", "^A: {x", ':regex "A" "^{x"'), ("maildrop", "^A: .*x", ':contains "A" "x"'), ("maildrop", "^A: .x", ':regex "A" "^.x"'),
    ("maildrop", "^A:.*x$", ':regex "A" "x$"'), ("maildrop", "^A:.*x.*", ':contains "A" "x"'), ("maildrop", "^A:.*x.*$", ':contains "A" "x"'),
    ("maildrop", "^A: x.*$", ':regex "A" "^x"'), ("maildrop", "^A:.*x\\.*", ':regex "A" "x\\\\.*"'), ("maildrop", "^A:.*x\\.*$", ':regex "A" "x\\\\.*$"'),
    ("maildrop", "^A:.*a\\.b\\-", ':contains "A" "a.b-"'), ("maildrop", "^A:.*a\\db", ':regex "A" "a\\\\db"'), ("maildrop", "^A:.*a*b", ':regex "A" "a*b"'),
    ("maildrop", "^A:.*\\(x\\)", ':contains "A" "(x)"'), ("maildrop", "^A:.*a\\|b", ':contains "A" "a|b"'), ("maildrop", "^A:.*\\/x", ':contains "A" "/x"'),
    ("maildrop", "^A:x", "without a blank"), ("maildrop", "^A:(x|y)", "without a blank"), ("maildrop", "^A:[x]", "without a blank"),
    # what takes the blank behind the colon, which Sieve does not see
    ("maildrop", "^A:(.*)x", ':regex "A" "^(.*)x"'), ("maildrop", "^A:[^x]*y", ':regex "A" "^[^x]*y"'), ("maildrop", "^A:( *x)", ':regex "A" "^( *x)"'),
    ("maildrop", "^A:(?:\\s?x|.*y)", ':regex "A" "^(?:\\\\s?x|.*y)"'),
    ("maildrop", "^A:.?x", "without a blank"), ("maildrop", "^A:[^x]?y", "without a blank"),
    ("maildrop", "^A:( foo| bar)", "without a blank"), ("maildrop", "^A:( *foo| bar)", "without a blank"), ("maildrop", "^A:.x", "without a blank"),
    ("maildrop", "^A:[^x]y", "without a blank"), ("maildrop", "^A:(.)x", "without a blank"), ("maildrop", "^A:((?: x))", "without a blank"),
    ("maildrop", "^A:.* x", ':regex "A" "(?:^| )x"'), ("maildrop", "^A:.*\\sx", ':regex "A" "(?:^|\\\\s)x"'), ("maildrop", "^A:.*[ ]+(x)", ':regex "A" "(?:^|[ ]+)(x)"'),
    ("maildrop", "^A:.* *x", ':regex "A" " *x"'), ("maildrop", "^A:.* $", ':regex "A" "(?:^| )$"'), ("maildrop", "^A:.*\\  x", ':regex "A" "(?:^|\\\\ ) x"'),
    # names
    ("maildrop", "^[Aa]: x", ':regex "A" "^x"'), ("maildrop", "^X-A?b:.*y", ':contains ["X-b", "X-Ab"] "y"'), ("maildrop", "^X\\-A_1:.*y", ':contains "X-A_1" "y"'),
    ("maildrop", "^(?:A|B):.*y", ':contains ["A", "B"] "y"'), ("maildrop", "^(A|[Bb]c)-D:.*y", ':contains ["A-D", "Bc-D"] "y"'),
    ("maildrop", "^(A|B)?C:.*y", ':contains ["C", "AC", "BC"] "y"'), ("maildrop", "^(A:|B:)?y", "whole header"), ("maildrop", "^(A:|B:)+y", "whole header"),
    ("maildrop", "^A+:.*y", "is a pattern"), ("maildrop", "^A{2}:.*y", "is a pattern"), ("maildrop", "^.:.*y", "is a pattern"), ("maildrop", "^\\w:.*y", "is a pattern"),
    ("maildrop", "^[AB]:.*y", "is a pattern"), ("maildrop", "^[A\\]]:.*y", "is a pattern"), ("maildrop", "^[.,]a:.*y", "is a pattern"), ("maildrop", "^: y", "is a pattern"),
    ("maildrop", "^(A|):.*y", "is a pattern"), ("maildrop", "^Abc", "is a pattern"), ("maildrop", "^X(A|B)(C|D)(E|F)(G|H)(I|J):.*y", None),
    ("maildrop", "^X(A|B)(C|D)(E|F)(G|H)(I|J)(K|L):.*y", "is a pattern"),
    ("maildrop", "Abc:.*y", ':contains "Abc" "y"'), ("maildrop", "(Abc|Bcd):.*y", ':contains ["Abc", "Bcd"] "y"'), ("maildrop", "a:.*y", "whole header"),
    ("maildrop", "[Aa]bc:.*y", "whole header"), ("maildrop", "abc", "whole header"), ("maildrop", "(abc|^A: y)", "whole header"),
    # branches
    ("maildrop", "^A:.*x|^A:.*y", 'anyof (\n\theader :contains "A" "x",\n\theader :contains "A" "y")'),
    ("maildrop", "^(A:.*x|B:.*y)z", 'anyof (\n\theader :contains "A" "xz",\n\theader :contains "B" "yz")'),
    ("maildrop", "(?:^A:.*x|Bcd:.*y)z", 'anyof (\n\theader :contains "A" "xz",\n\theader :contains "Bcd" "yz")'),
    ("maildrop", "(^A: x|^B: y)*", "whole header"), ("maildrop", "(^A: x){2}", "whole header"), ("maildrop", "^A:.*[|]x", ':regex "A" "[|]x"'),
    ("maildrop", "^A:.*(x|y)", ':regex "A" "(x|y)"'), ("maildrop", "^A:.*(x|(y|z)w)", ':regex "A" "(x|(y|z)w)"'), ("maildrop", "^A:.*([)]|x)", ':regex "A" "([)]|x)"'),
    ("maildrop", "^A:.*(\\)|x)", ':regex "A" "(\\\\)|x)"'), ("maildrop", "|".join(["^A:.*x"] * 16), None), ("maildrop", "|".join(["^A:.*x"] * 17), "too many branches"),
    ("maildrop", "^" + "(" * 8 + "A:.*x" + ")" * 8, ':contains "A" "x"'), ("maildrop", "^" + "(" * 9 + "A:.*x" + ")" * 9, "too many branches"),
    # sets: those of PCRE as POSIX writes them
    ("maildrop", "^A:.*[a-z0-9]", ':regex "A" "[a-z0-9]"'), ("maildrop", "^A:.*[^a]", ':regex "A" "[^a]"'), ("maildrop", "^A:.*[]a]", ':regex "A" "[]a]"'),
    ("maildrop", "^A:.*[^]a]", ':regex "A" "[^]a]"'), ("maildrop", "^A:.*[\\]]x", ':regex "A" "[]]x"'), ("maildrop", "^A:.*[\\^]", ':regex "A" "\\\\^"'),
    ("maildrop", "^A:.*[\\^-]", ':regex "A" "[-^]"'), ("maildrop", "^A:.*[\\^\\]]", ':regex "A" "[]^]"'), ("maildrop", "^A:.*[a^]", ':regex "A" "[a^]"'),
    ("maildrop", "^A:.*[\\^a]", ':regex "A" "[a^]"'), ("maildrop", "^A:.*[^^]", ':regex "A" "[^^]"'), ("maildrop", "^A:.*[^^-]", ':regex "A" "[^^-]"'),
    ("maildrop", "^A:.*[-a]", ':regex "A" "[a-]"'), ("maildrop", "^A:.*[a-]", ':regex "A" "[a-]"'), ("maildrop", "^A:.*[a\\-z]", ':regex "A" "[az-]"'),
    ("maildrop", "^A:.*[!-\\/]", ':regex "A" "[!-/]"'), ("maildrop", "^A:.*[\\t]", ':regex "A" "[\t]"'), ("maildrop", "^A:.*[\\\\]x", ':regex "A" "[\\\\]x"'),
    ("maildrop", "^A:.*[\\s\\d\\w]", ':regex "A" "[[:space:][:digit:][:alnum:]_]"'), ("maildrop", "^A:.*[[:digit:]a-f]", ':regex "A" "[[:digit:]a-f]"'),
    ("maildrop", "^A:.*[[:x]", None), ("maildrop", "^A:.*[^\\d.]", ':regex "A" "[^[:digit:].]"'),
    ("maildrop", "^A:.*[\\n]", "a set of characters"), ("maildrop", "^A:.*[\\x41]", "a set of characters"), ("maildrop", "^A:.*[\\D]", "a set of characters"),
    ("maildrop", "^A:.*[+--]", "a set of characters"), ("maildrop", "^A:.*[!-\\]]", "a set of characters"), ("maildrop", "^A:.*[Z-^]", "a set of characters"),
    ("maildrop", "^A:.*[--a]x", "a set of characters"), ("maildrop", "^A:.*[\\[-z]", "a set of characters"), ("maildrop", "^A:.*[^--a]", "a set of characters"),
    ("maildrop", "^A:.*[\\--a]", "a set of characters"),
    # what means something else once it is taken apart, and what looks like it
    ("maildrop", "^A:.*(?i)x", "references, options or verbs"), ("maildrop", "^A:.*(?<n>x)", "references, options or verbs"), ("maildrop", "^A:.*(?#x)y", "references, options or verbs"),
    ("maildrop", "^A:.*\\Qx\\E", "references, options or verbs"), ("maildrop", "^A:.*(x)\\1", "references, options or verbs"), ("maildrop", "^A:.*(x)\\g1", "references, options or verbs"),
    ("maildrop", "(*UCP)^A:.*x", "references, options or verbs"), ("maildrop", "^A:.*x\\Z", "references, options or verbs"), ("maildrop", "^A:.*${", "references, options or verbs"),
    ("maildrop", "^A:.*(?=x)", ':regex "A" "(?=x)"'), ("maildrop", "^A:.*(?!x)y", ':regex "A" "(?!x)y"'), ("maildrop", "^A:.*(?<=x)y", ':regex "A" "(?<=x)y"'),
    ("maildrop", "^A:.*(?<!x)y", ':regex "A" "(?<!x)y"'), ("maildrop", "^A:.*\\\\1", ':contains "A" "\\\\1"'), ("maildrop", "^A:.*x{2}", ':regex "A" "x{2}"'),
    ("maildrop", "^A:.*(x", "PCRE does not take"), ("maildrop", "^A:.*[x", "PCRE does not take"), ("maildrop", "^A:.*x**+", None),
]


# Behind `.*` stands what may be the blank behind the colon: (pattern, may it?)
FIRST = [(".x", True), ("[^a]x", True), ("\\Wx", True), ("( x|y)", True), ("(?:y|(?: x))", True), ("y?[^a]", True), ("(y)*[ x]", True), ("[[:space:]y]", True), ("y{0,2}.", True),
         ("[a-z]x", False), ("[^ ]x", False), ("\\Sx", False), ("(x|y )", False), ("y[ ]", False), ("y+.", False), ("(y)[ x]", False), ("(x|$)", False), ("\\w", False), ("(x?y|z)", False), ("[^a]*x", False), (".?x", False), ("( x)?y", False)]


def test_patterns_that_take_the_blank(folder):
    for pattern, takes in few(FIRST):
        text = body(folder, "maildrop", "if (/^A:.*%s/)\n  exit\n" % pattern)
        tap.contains(text, "# line 1: changed: white space behind the colon does not count\nif " if takes else "# line 1: same\nif ", pattern)


def test_patterns(folder):
    for language, pattern, want in few(PATTERNS):
        text = body(folder, language, "if (/%s/)\n  exit\n" % pattern)
        if want is None:
            continue
        if want.startswith((":", "anyof")):
            tap.contains(text, "if %s%s {\n" % ("header " if want[0] == ":" else "", want), pattern)
        else:
            tap.same("# line 1: by hand: " in text and want in text.split("\n", maxsplit=1)[0], True, "%s: %s" % (pattern, text))


# What an fdm without PCRE reads in another way: (pattern, does it?)
PCRE = [("x[\\\\w]", True), ("x+?y", True), ("x*+y", True), ("x??", True), ("(?:x)", True), ("\\\\d", True), ("\\\\h", True), ("x\\\\t", True), ("[a-z]+", False), ("x?y", False),
        ("x+", False), ("(x|y)+z", False), ("\\\\.x", False), ("\\\\w", False), ("[?]?", False), ("x+\\\\?", False), ("a*b+", False)]


def test_patterns_of_pcre(folder):
    for pattern, needs in few(PCRE):
        for where in ("headers", "body"):
            text = body(folder, "fdm", 'match "^A:.*%s" in %s action drop\n' % (pattern, where))
            tap.same("it is read as PCRE does: an fdm that was built without it" in text, needs, pattern)
        text = body(folder, "maildrop", "if (/^A:.*%s/)\n  exit\n" % pattern.replace("\\\\", "\\"))
        tap.same("as PCRE does" in text, False, "maildrop is always built with it: " + pattern)


# Over a body, lines count: (pattern, key of the test).
BODIES = [("x", "x"), ("^x", "(?m)^x"), ("x$", "(?m)x\\\\r?$"), ("a\\$", "a\\\\$"), ("a\\/b", "a/b"), ("[\\]\\d]", "[][:digit:]]"), ("(^x|y$)", "(?m)(^x|y\\\\r?$)"), ("[$]", "[$]")]


def test_patterns_of_a_body(folder):
    for pattern, key in few(BODIES):
        for options, comparator in ((":b", ""), (":bD", ' :comparator "i;octet"')):
            text = body(folder, "maildrop", "if (/%s/%s)\n  exit\n" % (pattern, options))
            tap.contains(text, 'same\nif body%s :content "text" :regex "%s" {\n' % (comparator, key), pattern)
    tap.contains(body(folder, "maildrop", "if (/[\\n]/:b)\n  exit\n"), "by hand: a set of characters")
    tap.contains(body(folder, "maildrop", "if (/(x/:b)\n  exit\n"), "by hand: PCRE does not take")
    tap.contains(body(folder, "maildrop", "if (/^A: x/:hb)\n  exit\n"), 'anyof (\n\theader :regex "A" "^x",\n\tbody :content "text" :regex "(?m)^A: x") {\n')
    tap.contains(body(folder, "fdm", 'match case "x" in body action drop\n'), 'if body :comparator "i;octet" :raw :regex "x" {\n')
    tap.contains(body(folder, "maildrop", "if (/x/:b,1)\n  exit\n"), "by hand: matches are counted")
    tap.contains(body(folder, "maildrop", "if (/x/:w)\n  exit\n"), "by hand: a pattern has an option that is not known")


# Rules of maildrop that stay by hand, with a piece of the reason.
MAILDROP_STATEMENTS = [
    ("xfilter \"spamc -s 10\"", "a program rewrites the mail"), ("system \"x\"", "it runs a program"), ("`x`", "it runs a program"), ("A=`x \\` y`", "it runs a program"),
    ("include \"x\"", "convert that file too"), ("import A", "only maildrop's environment"), ("foreach /^A: x/:hD\n{\n  A=1\n}", "Sieve has no loops"),
    ("while (/^A: x/)\n{\n  if (/^B:/)\n    to \"x\"\n}", "Sieve has no loops"), ("foreach (getaddr(/^A: .*/))\n  B=1", "Sieve has no loops"),
    ("lookup(/^A:.*/, \"file\")", "no statement that does anything by itself"), ("gdbmopen(\"x\", \"R\")", "no statement that does anything by itself"),
    ("\"text\"", "no statement that does anything by itself"), ("name", "no statement that does anything by itself"), ("$A", "no statement that does anything by itself"),
    ("\"exit\"", "no statement that does anything by itself"), ("'to'", "no statement that does anything by itself"), ("EXITCODE", "no statement that does anything by itself"),
]
MAILDROP_ENDS = [
    ("to \"$A\"", "only a run of maildrop has"), ("to \"| x\"", "gives the mail to a program"), ("to `x`", "what a program says"), ("to \"\"", "only a run of maildrop knows"),
    ("to \"$SIZE\"", "only a run of maildrop knows"), ("to \"x$FROM\"", "only a run of maildrop knows"), ("to \"!\"", "nobody is named"),
    ("to \"! -oi a@x.test\"", "addresses with a domain"), ("to \"! a@x.test, ann\"", "addresses with a domain"), ("to '${x}'", "the text has '${'"),
]
MAILDROP_CONDITIONS = [
    ("length(\"x\") > 2", "a function or an operator"), ("substr(\"abc\", 1, 1) eq \"a\"", "a function or an operator"), ("time > 3", "a function or an operator"),
    ("lookup($FROM, \"file\")", "a function or an operator"), ("getaddr(\"x\") eq \"y\"", "a function or an operator"), ("~ 3", "a function or an operator"),
    ("$A", "only a run of maildrop has"), ("$A eq \"x\"", "only a run of maildrop has"), ("\"x\" eq $A", "only a run of maildrop has"), ("hasaddr($A)", "a function or an operator"),
    ("`x` eq \"y\"", "what a program says"), ("$A =~ /x/", "only a run of maildrop has"), ("\"x\" =~ /x/", "a function or an operator"), ("$FROM =~ /x/:b", "a function or an operator"),
    ("/^A: x/:h,1,1 + /^B: x/:h,1,1 > 1", "counted or weighed"), ("3 + 4 > 5", "counted or weighed"), ("$SIZE / 2 > 5", "counted or weighed"), ("/^A:/ * 2", "counted or weighed"),
    ("3 - 4", "counted or weighed"), ("3 | 4", "counted or weighed"), ("3 & 4", "counted or weighed"), ("/^A:/:x", "has an option that is not known"), ("$FROM lt \"b\"", "only a run of maildrop has"),
    ("$SIZE == 3", "only a run of maildrop has"), ("$SIZE < x", "only a run of maildrop has"), ("3 < $SIZE", "only a run of maildrop has"), ("$SIZE > 2147483648", "only a run of maildrop has"),
    ("/^A:/ lt 3", "counted or weighed"), ("escape(\"x\") eq \"x\"", "a function or an operator"), ("gdbmfetch(\"x\") eq \"y\"", "a function or an operator"),
]


def test_maildrop_by_hand(folder):
    keep = '# line LINE: same\nfileinto "a";\nstop;\n'
    for rules, reason in few(MAILDROP_STATEMENTS):
        by_hand(folder, "maildrop", rules, reason, "to Maildir/.a/\n", keep)
    for rules, reason in few(MAILDROP_ENDS):
        by_hand(folder, "maildrop", rules, reason, "to Maildir/.a/\n", "stop;\n" + keep)
        by_hand(folder, "maildrop", rules.replace("to ", "cc "), reason, "to Maildir/.a/\n", keep)
    for condition, reason in few(MAILDROP_CONDITIONS):
        for rules in ("if (%s)\n  exit", "if (/^Z:/ && !(%s))\n{\n  exit\n}"):
            by_hand(folder, "maildrop", rules % condition, reason, "to Maildir/.a/\n", keep)


# (condition of maildrop, test of Sieve)
MAILDROP_TESTS = [
    ("/^A:.*x/ && /^B:.*x/ && /^C:.*x/", 'allof (\n\theader :contains "A" "x",\n\theader :contains "B" "x",\n\theader :contains "C" "x")'),
    ("/^A:.*x/ || /^B:.*x/ && /^C:.*x/", 'anyof (\n\theader :contains "A" "x",\n\tallof (\n\theader :contains "B" "x",\n\theader :contains "C" "x"))'),
    ("!/^A:.*x/ || !(/^B:.*x/)", 'anyof (\n\tnot header :contains "A" "x",\n\tnot header :contains "B" "x")'), ("!!/^A:.*x/", 'header :contains "A" "x"'),
    ("!!!/^A:.*x/", 'not header :contains "A" "x"'), ("!(/^A:.*x/ && /^B:.*x/)", 'not allof (\n\theader :contains "A" "x",\n\theader :contains "B" "x")'),
    ("$SIZE < 10", "not size :over 9"), ("$SIZE <= 10", "not size :over 10"), ("$SIZE > 10", "size :over 10"), ("$SIZE >= 10", "size :over 9"), ("$SIZE <= 0", "not size :over 0"),
    ("$SIZE > 0", "size :over 0"), ("$SIZE < 1", "not size :over 0"), ("$SIZE > 2147483647", "size :over 2147483647"),
    ('$FROM eq "a+b@x.test"', 'envelope :comparator "i;octet" :regex "from" "^a\\\\+b@x\\\\.test$"'), ('$FROM ne ""', 'not envelope :comparator "i;octet" :regex "from" "^$"'),
    ("$FROM =~ /@x\\.test$/", 'envelope :regex "from" "@x\\\\.test$"'), ("$FROM =~ /^b/:D", 'envelope :comparator "i;octet" :regex "from" "^b"'),
    ("$FROM =~ /^b/:h", 'envelope :regex "from" "^b"'), ('hasaddr("A@x.test")', 'address :is ["To", "Cc", "Resent-To", "Resent-Cc"] "A@x.test"'),
    ('hasaddr "a\\"@x.test"', 'address :is ["To", "Cc", "Resent-To", "Resent-Cc"] "a\\"@x.test"'), ('tolower("ABC") eq "abc"', "true"), ('toupper("abc") eq "ABC"', "true"),
    ('toupper("abc") eq "abc"', "false"), ('tolower "X"', "true"), ('("a" eq "a") && /^A:.*x/', 'allof (\n\ttrue,\n\theader :contains "A" "x")'), ('"a" "b" eq "ab"', "true"),
    ('a.b:c/d-e_f@g eq "a.b:c/d-e_f@g"', "true"), ('"\\"\\\\\\$x" eq \'"\\$x\'', "true"), ("'a\\'b' eq \"a'b\"", "true"), ("'$HOME' eq \"\\$HOME\"", "true"), ("\"\\x\" eq '\\x'", "true"),
    ('"$" eq \'$\'', "true"), ('"$ x" eq \'$ x\'', "true"), ('"${EXITCODE}1" eq 01', "true"), ("$EXITCODE eq 0", "true"), ('"$EXITCODE-" eq 0-', "true"), ("é eq \"é\"", "true"),
    ('"a\\\n  b" eq "ab"', "true"), ('"a\\\rbc" ne "ac"', "true"), ("\"a # b\" eq 'a # b'", "true"), ("-3 < 2", "true"), ("1.5 > 1.25", "true"), ('$FLAGS eq ""', "true"), ('$KEYWORDS eq ""', "true"),
]


def test_maildrop_conditions(folder):
    for condition, test in few(MAILDROP_TESTS):
        text = body(folder, "maildrop", "if (%s)\n  exit\n" % condition)
        tap.contains(text, "# line 1: same\nif %s {\n" % test, condition)
    tap.contains(body(folder, "maildrop", "if (hasaddr('${x}'))\n  exit\n"), "by hand: it is no address")


# Statements of maildrop that come to keep a copy in "a" and no more.
MAILDROP_COPIES = ["cc Maildir/.a/", "cc Maildir/.a", "cc \"$HOME/Maildir/.a/\"", "cc '" + "Maildir/.a/'", "cc ./Maildir/.a/", "cc Maildir/.a/;", ";;cc Maildir/.a/;;", "# a note\ncc Maildir/.a/ # a note",
                   "\t cc\t\"Maildir/.a/\"\r", "cc \"Maildir\" \"/.a/\"", "A=Maildir/.a/\ncc $A", "A=Maildir\ncc $A/.a/", "A = \"Maildir\"\ncc ${A}/.a/", "A=Maildir/.a/; cc $A",
                   "A=x\nA=Maildir/.a/\ncc \"$A\"", "A=\nA=$A/x\ncc Maildir/.a/", "VERBOSE=9\nSHELL=/bin/sh\nUMASK=077\ncc Maildir/.a/", "log \"x\"\nlogfile \"y\"\necho \"z\"\ncc Maildir/.a/",
                   "exception {\ncc Maildir/.a/\n}", "flock \"x\" {\ncc Maildir/.a/\n}", "dotlock \"x\"\n{\ncc Maildir/.a/\n}\n", "dotlock x\ncc Maildir/.a/",
                   "cc Maildir/.a/\ncc /dev/null", "import HOME\nHOME=x\nA=Maildir/.a/\ncc $A", "DEFAULT=Maildir/\ncc Maildir/.a/", "LOGNAME=x\ncc Maildir/.a/"]


def test_maildrop_statements(folder):
    for rules in few(MAILDROP_COPIES):
        text = body(folder, "maildrop", rules + "\n")
        left = "\n".join(line for line in text.split("\n") if not line.startswith("#"))
        tap.same((left, "by hand" in text), ('fileinto :copy "a";\n', "import" in rules), rules)
    for name in ("VERBOSE", "SHELL", "PATH", "LOCKEXT", "LOCKSLEEP", "LOCKTIMEOUT", "SENDMAIL", "LOCKREFRESH", "UMASK", "MAILDIRQUOTA"):
        tap.same(body(folder, "maildrop", "%s=\"x y\"\n" % name), "# line 1: not needed: it is a setting of maildrop's own\n", name)
    tap.same(body(folder, "maildrop", "to /dev/null\n"), "# line 1: same\ndiscard;\nstop;\n", "nowhere")
    tap.same(body(folder, "maildrop", "exit\n"), "# line 1: same\ndiscard;\nstop;\n", "exit")


# (rules, flags of what is stored then)
MAILDROP_FLAGS = [('FLAGS="D"', '"\\\\Draft"'), ('FLAGS="F"', '"\\\\Flagged"'), ('FLAGS="R"', '"\\\\Answered"'), ('FLAGS="S"', '"\\\\Seen"'), ('FLAGS="T"', ""),
                  ('FLAGS="SRFD"', '["\\\\Draft", "\\\\Flagged", "\\\\Answered", "\\\\Seen"]'), ('KEYWORDS="a"', '"a"'), ('KEYWORDS="a,b c"', '["a", "b", "c"]'),
                  ('FLAGS="S"\nKEYWORDS="a"', '["\\\\Seen", "a"]'), ('FLAGS="S"\nFLAGS=""', "")]


def test_maildrop_flags(folder):
    for rules, flags in few(MAILDROP_FLAGS):
        text = body(folder, "maildrop", rules + "\nto Maildir/.a/\n")
        tap.contains(text, 'fileinto%s "a";\n' % (" :flags " + flags if flags else ""), rules)
    text = body(folder, "maildrop", "FLAGS=`x`\nto Maildir/.a/\n")
    tap.contains(text, 'changed: FLAGS is not known here: its flags are left out\nfileinto "a";\n')
    tap.contains(body(folder, "maildrop", "if (/^A: (x)/)\n{\n  KEYWORDS=$MATCH1\n  to Maildir/.a/\n}\n"), '\tfileinto "a";\n', "a keyword of a match is none")


# What is known of A behind the rules: its value, or None.
MAILDROP_VARIABLES = [("A=x", "x"), ("A=x\nif (/^B:/)\n  A=x", "x"), ("A=x\nif (/^B:/)\n  A=y", None), ("A=x\nif (/^B:/)\n  A=y\nelse\n  A=y", "y"), ("if (/^B:/)\n  A=y\nelse\n  A=y", "y"),
                      ("if (/^B:/)\n  A=y\nelse\n  A=z", None), ("A=x\nif (/^B:/)\n{\n}\nelse\n  A=y", None), ("if (/^B:/)\n  A=y\nelsif (/^C:/)\n  A=y\nelse\n  A=y", "y"),
                      ("if (/^B:/)\n  A=y\nelsif (/^C:/)\n  A=y\nelse\n  A=z", None), ("A=x\nif (/^B:/)\n{\n  A=y\n  exit\n}", "x"), ("A=x\nwhile (/^B:/)\n  A=y", None),
                      ("A=x\nforeach /^B:/\n  A=y", None), ("A=x\nforeach /^B:/\n  B=y", "x"), ("A=x\nimport A", None), ("A=x\nB=$A\nA=$B$B", "xx"), ("A=x\nA=`y`", None), ("A=x\nA=$B", None),
                      ("A=x\nflock \"f\" {\n  A=y\n}", "y"), ("if (/^B: (x)/)\n  A=$MATCH1", None), ("A=x\nif (/^B:/)\n  A=y\nelse\n{\n  A=z\n  exit\n}", None)]


def test_maildrop_variables(folder):
    for rules, value in few(MAILDROP_VARIABLES):
        text = body(folder, "maildrop", rules + "\ncc Maildir/.a-$A\n")
        last = text.split("\n# line ")[-1]
        if value:
            tap.contains(last, 'same\nfileinto :copy "a-%s";\n' % value, rules)
        else:
            tap.contains(last, "by hand: it asks for a variable that only a run of maildrop has\n", rules)
    for rules, default in (("DEFAULT=Maildir/.b/", 'same\nfileinto "b";\n'), ("DEFAULT=`x`", "by hand: DEFAULT is not known at the end"), ("DEFAULT=\"\"", "by hand: DEFAULT is not known at the end"),
                           ("DEFAULT=Maildir/.b/\nif (/^A:/)\n  DEFAULT=Maildir/", "by hand: DEFAULT is not known at the end")):
        tap.contains(body(folder, "maildrop", rules + "\n").replace("mail that no rule takes: ", ""), default, rules)


def test_matches_go_into_names(folder):
    """What was matched has a name of its own, as long as its test holds, and as it is counted in the value."""
    for pattern, use, want in (("^A: (x)(y)", "$MATCH2-$MATCH1", 'set "matched_a1" "${1}";\n\tset "matched_a2" "${2}";\n\t# line 3: changed: a \'.\' or \'/\' in the variable\'s value makes '
                                'another folder\n\tfileinto "${matched_a2}-${matched_a1}";\n'),
                               ("^(?:A|B): (x)", "$MATCH1", 'set "matched_a1" "${1}";\n'), ("^(A|B): (x)", "$MATCH2", 'set "matched_a2" "${1}";\n'),
                               ("^(A|B): (x)", "$MATCH1", "by hand: what was matched is a part of the field's name"), ("^A: (x)", "$MATCH2", "by hand: it asks for a variable"),
                               ("^A: x", "$MATCH1", "by hand: it asks for a variable"), ("^A: (x)|^B: (y)", "$MATCH1", "by hand: what was matched is a part of the field's name"),
                               ("^A: (x)", "$MATCH", "by hand: it asks for a variable"), ("^(A: (x))", "$MATCH2", 'set "matched_a2" "${1}";\n'),
                               ("^(A: (x))", "$MATCH1", "by hand: what was matched is a part of the field's name"), ("^(?:A: (x))", "$MATCH1", 'set "matched_a1" "${1}";\n'), ("^A: (1)(2)(3)(4)(5)(6)(7)(8)(9)(0)", "$MATCH9", 'set "matched_a9" "${9}";\n')):
        text = body(folder, "maildrop", "if (/%s/)\n{\n  to Maildir/.%s/\n}\n" % (pattern, use))
        tap.contains(text, want, pattern)
    for command, behind in (("to", '\tfileinto "${matched_a1}";\n'), ("cc", "\t# line 5: by hand: it asks for a variable")):
        text = body(folder, "maildrop", "if (/^A: (x)/)\n{\n  if (/^B: (y)/)\n    %s Maildir/.$MATCH1\n  to Maildir/.$MATCH1\n}\n" % command)
        tap.contains(text, 'if header :regex "B" "^(y)" {\n\t\tset "matched_b1" "${1}";\n', "the inner one has a name")
        tap.contains(text, "\n" + behind, "the outer one, when the inner one has matched: " + command)
    text = body(folder, "maildrop", "if ($FROM =~ /^(.*)@/)\n  to \"! $MATCH1@x.test\"\n")
    tap.contains(text, 'set "matched_a1" "${1}";\n\t# line 2: changed: the variable must hold one address alone\n\tredirect "${matched_a1}@x.test";\n', "of the sender")
    text = body(folder, "maildrop", "if (/^A: (x)/)\n{\n  to \"Maildir/.$MATCH1\"'${y}'\n}\n")
    tap.contains(text, "by hand: the text has '${', which Sieve would read", "both")
    text = body(folder, "fdm", 'match "^A: (x)" in headers action { add-header "X" value "%1" } continue\n')
    tap.contains(text, 'addheader :last "X" "${matched_a1}";\n', "in a field's value")
    text = body(folder, "maildrop", "".join("if (/^A: (%d)/)\n  cc Maildir/.$MATCH1\n" % number for number in range(27)))
    tap.same((text.count("set \"matched_z1\""), text.count("by hand: it asks for a variable")), (1, 1), "26 have names")


def test_excerpts(folder):
    """The list at the end has each statement in one line, cut at a character."""
    for text, shown in (("x" * 90, 'xfilter "%s"' % ("x" * 90)), ("x" * 91, 'xfilter "%s...' % ("x" * 91)), ("x" * 99, 'xfilter "%s...' % ("x" * 91)),
                        ("é" * 45, 'xfilter "%s"' % ("é" * 45)), ("x" + "é" * 49, 'xfilter "x%s...' % ("é" * 45)), ("é" * 49, 'xfilter "%s...' % ("é" * 46))):
        lost = convert(folder, "maildrop", 'xfilter "%s"\n' % text).stdout.decode().split("# Not converted:\n")[1].split("\n")[0]
        tap.same(lost.split("column 1: ")[1], shown, text)
    lost = convert(folder, "maildrop", 'if (/^A:.*x/  &&\t`y`)\n{\n\n  exit\n}\n').stdout.decode()
    tap.contains(lost, "line 1, column 1: if (/^A:.*x/ && `y`) { exit }\n")


# What is known before any mail comes, as maildropfilter(7) compares: words by their octets, signs by numbers.
KNOWN = [('"a" eq "a"', True), ('"a" eq "b"', False), ('"a" ne "b"', True), ('"a" ne "a"', False), ('"a" lt "b"', True), ('"b" lt "a"', False),
         ('"b" gt "a"', True), ('"a" gt "a"', False), ('"a" le "a"', True), ('"b" le "a"', False), ('"a" ge "a"', True), ('"a" ge "b"', False),
         ("2 < 10", True), ('"2" lt "10"', False), ("10 <= 9", False), ("10 <= 10", True), ("10 > 9", True), ("9 >= 10", False), ("10 >= 10", True),
         ("1.0 == 1", True), ("1 == 2", False), ("1 != 1", False), ("1 != 2", True), ("$SIZE < 0", False), ("$SIZE >= 0", True), ('""', False), ('"0"', False),
         ('"1"', True)]


def test_known_conditions(folder):
    for condition, truth in few(KNOWN):
        want = '# line 1: same\nif %s {\n\t# line 2: same\n\tfileinto "a";\n\tstop;\n}\n' % ("true" if truth else "false")
        tap.same(body(folder, "maildrop", "if (%s)\n  to Maildir/.a/\n" % condition), want, condition)


# Nobody knows these before a run: mail must not be filed by a guess.
UNKNOWN = ["RETURNCODE=0\n`run`\nif ($RETURNCODE == 0)\n", "RETURNCODE=0\nA=`run`\nif ($RETURNCODE == 0)\n", 'RETURNCODE=0\nxfilter "run"\nif ($RETURNCODE == 0)\n', 'RETURNCODE=0\nsystem "run"\nif ($RETURNCODE == 0)\n',
           "A=`run \\` me`\nif ($A eq \"\")\n", 'import A\nif ($A eq "")\n', 'if ($FROM =~ /x/:b)\n', "if ($SIZE =~ /1/)\n", 'if (length("a") == 1)\n', 'if (~"1")\n',
           'if ($SIZE eq 1)\n', 'if ("a" lt $FROM)\n', 'if ($FROM lt "a")\n', "if (/^List-Id: (.*)/)\n{\n}\nif ($FROM eq $MATCH1)\n",
           "if (/^List-Id: (.*)/)\n{\n}\nif ($MATCH1)\n", "if (/^List-Id: (.*)/)\n{\n}\nif ($MATCH1 == 1)\n"]


def test_unknown_conditions(folder):
    for rules in few(UNKNOWN):
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
    ("maildrop", "a=b\na=b\x01\n", "2:4", "control character"),
    ("maildrop", "if (tolower)\n", "1:12", "an expression is expected"),
    ("maildrop", "tolower\n", "1:8", "an expression is expected"),
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
    ("fdm", "# \"\nmatch all \\\n jump\n", "3:2", "'action' is expected"),
    ("fdm", 'match "x" in nowhere action drop\n', "1:14", "'headers', 'body' or 'any'"),
    ("fdm", "match size 3 action drop\n", "1:12", "a comparison is expected"),
    ("fdm", "match size == 3 action drop\n", "1:12", "a comparison is expected"),
    ("fdm", "match age != 3 hours action drop\n", "1:11", "a comparison is expected"),
    ("fdm", "match attachment total-size == 3 action drop\n", "1:29", "a comparison is expected"),
    ("fdm", "match size < x action drop\n", "1:14", "a number is expected"),
    ("fdm", 'match exec "x" action drop\n', "1:16", "a '(' is expected"),
    ("fdm", 'match exec "x" returns (0, \n', "2:1", "a ')' is missing"),
    ("fdm", "match exec drop\n", "1:12", "a string is expected"),
    ("fdm", "match attachment size < 3 action drop\n", "1:18", "a question about attachments"),
    ("fdm", 'match string "x" action drop\n', "1:18", "this condition is not complete"),
    ("fdm", 'match in-cache "x" to "y" action drop\n', "1:20", "this condition is not complete"),
    ("fdm", "match tagged drop\n", "1:14", "a string is expected"),
    ("fdm", "match all and action drop\n", "1:15", "a condition is expected"),
    ("fdm", 'match accounts { "x" drop }\n', "1:22", "a string is expected"),
    ("fdm", "match account drop\n", "1:15", "a string is expected"),
    ("fdm", 'match "a" + drop action drop\n', "1:13", "a string is expected"),
    ("fdm", "match all action maildir drop\n", "1:26", "a string is expected"),
    ("fdm", "match all action mbox drop\n", "1:23", "a string is expected"),
    ("fdm", 'match all action { keep "x" mbox }\n', "1:34", "a string is expected"),
    ("fdm", "match all action { keep\n", "2:1", "an action is expected"),
    ("fdm", 'match all action smtp "x"\n', "1:23", "'server' is expected"),
    ("fdm", "match all action smtp server\n", "2:1", "a string is expected"),
    ("fdm", 'match all action smtp server "x" port drop\n', "1:39", "a number is expected"),
    ("fdm", 'match all action add-header "x" drop\n', "1:33", "a string is expected"),
    ("fdm", "match all action add-header drop\n", "1:29", "a string is expected"),
    ("fdm", 'match all action remove-headers { "x" drop }\n', "1:39", "a string is expected"),
    ("fdm", 'match all action add-to-cache "x" drop\n', "1:35", "'key' is expected"),
    ("fdm", 'match all action add-to-cache drop\n', "1:31", "a string is expected"),
    ("fdm", 'match all action tag "x" value drop\n', "1:32", "a string is expected"),
    ("fdm", 'match all users { "x" drop } action drop\n', "1:23", "a string is expected"),
    ("fdm", 'match all user "x" drop\n', "1:20", "'action' is expected"),
    ("fdm", 'match all {\n drop\n}\n', "2:2", "a statement is expected"),
    ("fdm", 'match all {\n match all action drop\n', "3:1", "a statement is expected"),
    ("fdm", 'match all {\n match drop action drop\n}\n', "2:8", "a condition is expected"),
    ("fdm", "action drop\n", "1:8", "a string is expected"),
    ("fdm", 'action "x" jump\n', "1:12", "an action is expected"),
    ("fdm", 'action "x" user drop\n', "1:17", "a string is expected"),
    ("fdm", "account drop\n", "1:9", "a string is expected"),
    ("fdm", 'cache "x" expire drop\n', "1:18", "a number is expected"),
    ("fdm", "cache drop\n", "1:7", "a string is expected"),
    ("fdm", "include drop\n", "1:9", "a string is expected"),
    ("fdm", '$x "y"\n', "1:4", "a statement is expected"),
    ("fdm", "$x = 3\n", "1:6", "a string is expected"),
    ("fdm", '%x = "y"\n', "1:6", "a number is expected"),
    ("fdm", "${x = 3\n", "1:1", "a macro without its '}'"),
    ("fdm", "ifdef x\nendif\n", "1:7", "a macro is expected"),
    ("fdm", "ifdef $x\nifdef $y\nendif\n", "4:1", "'endif' is missing"),
    ("fdm", '$x = $(ls ")"\n', "1:6", "a command without its ')'"),
    ("fdm", "match 'x\\' action 'drop\n", "1:19", "closing quote"),
    ("maildrop", "to\n", "1:3", "a mailbox is expected"),
    ("maildrop", "cc (\n", "1:4", "a mailbox is expected"),
    ("maildrop", "to 'a\n", "1:4", "closing quote"),
    ("maildrop", "A='a\n", "1:3", "closing quote"),
    ("maildrop", "xfilter \"a\n", "1:9", "closing quote"),
    ("maildrop", "xfilter\n", "1:8", "an expression is expected"),
    ("maildrop", "flock \"a\n", "1:7", "closing quote"),
    ("maildrop", "exception\n}\n", "2:1", "no '{'"),
    ("maildrop", "import (\n", "1:8", "the name of a variable is expected"),
    ("maildrop", "elsif (/^A:/)\n  exit\n", "1:1", "no 'if' before it"),
    ("maildrop", "if (/^A:/)\n  exit\nelse\n  exit\nelse\n  exit\n", "5:1", "no 'if' before it"),
    ("maildrop", "if (/^A:/ &&)\n  exit\n", "1:13", "an expression is expected"),
    ("maildrop", "if (/^A:/ ||)\n  exit\n", "1:13", "an expression is expected"),
    ("maildrop", "if ($FROM =~ \"a\")\n  exit\n", "1:14", "'=~' wants a /pattern/"),
    ("maildrop", "if ($A eq)\n  exit\n", "1:10", "an expression is expected"),
    ("maildrop", "if (3 +)\n  exit\n", "1:8", "an expression is expected"),
    ("maildrop", "if (!)\n  exit\n", "1:6", "an expression is expected"),
    ("maildrop", "if (length(\"a\"\n", "1:15", "a ')' is missing"),
    ("maildrop", "if (length(\"a\",))\n", "1:16", "an expression is expected"),
    ("maildrop", "if (/^A:/) {\n  exit }\n  if ((/^B:/)\n", "3:14", "a ')' is missing"),
    ("maildrop", "while /^A:/\n  exit\n&\n", "3:1", "a statement is expected"),
    ("maildrop", "while (\n", "1:8", "an expression is expected"),
    ("maildrop", "to Maildir/.a/\n^\n", "2:1", "begins nothing"),
    ("maildrop", "A=`ls\\`\n", "1:3", "back-tick"),
    ("maildrop", "A=\"x\\\n y\n", "1:3", "closing quote"),
    ("maildrop", "A=${A\n", "1:3", "'}'"),
]


def test_faults_have_line_and_column(folder):
    for language, rules, place, words in few(WRONG):
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


# Where the rules and the script part, --prove says both: (language, rules, what its program does, what Sieve does). fdm sees =?utf-8?q?x?=, Sieve sees x.
PARTED = "Subject: =?utf-8?q?x?=\nFrom: Ann <a@x.test>\nB: one\n two\nB: 2\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\neHl6\n"
PARTINGS = [
    ("fdm", 'match "^Subject: =" in headers action drop', "discard", "store in INBOX"), ("fdm", 'match "^Subject: x" in headers action drop', "store in INBOX", "discard"),
    ("fdm", 'match not "^Subject: x" in headers action drop', "discard", "store in INBOX"),
    ("fdm", 'match "^Subject: =" in headers and "^From:.*a@" in headers and not "^C:" in headers action drop', "discard", "store in INBOX"),
    ("fdm", 'match "^C:" in headers or "^Subject: =" in headers action drop', "discard", "store in INBOX"),
    ("fdm", 'match "^Subject: =" in headers and "^C:" in headers or all action maildir "%h/Maildir/.a"\nmatch "^Subject: =" in headers action drop', None, None),
    ("fdm", 'match "^Subject: =" in headers action maildir "%h/Maildir/.a"', "store in a", "store in INBOX"),
    ("fdm", 'match "^Subject: =.(utf)-(.)" in headers action maildir "%h/Maildir/.%2-%1-%1"', "store in 8-utf-utf", "store in INBOX"),
    ("fdm", 'match "^Subject: =.(x)?(ut)" in headers action maildir "%h/Maildir/.%1-%2"', "store in -ut", "store in INBOX"),
    ("fdm", 'match "^SUBJECT: =" in headers action maildir "/dev/null"', "discard", "store in INBOX"),
    ("fdm", 'match case "^SUBJECT: =" in headers action drop', None, None),
    ("fdm", 'match "^Subject: =" in headers action maildir "%h/Maildir/.a" continue\nmatch all action maildir "%h/Maildir/.b"', "store in a, store in b", "store in b"),
    ("fdm", 'match "^Subject: =" in headers {\n match "^B: one two" in headers action drop\n match all action maildir "%h/Maildir/.a"\n}', "discard", "store in INBOX"),
    ("fdm", 'match "^Subject: =" in headers {\n match "^C:" in headers action drop\n}\nmatch all action maildir "%h/Maildir/.a"', None, None),
    ("fdm", 'set unmatched-mail drop\nmatch "^Subject: x" in headers action keep', "discard", "store in INBOX"),
    ("fdm", 'set unmatched-mail drop\nmatch "^Subject: =" in headers action keep', "store in INBOX", "discard"),
    ("fdm", 'match "^eHl6" in body action drop', None, None), ("fdm", 'match "xyz" in body action drop', None, None),
    ("fdm", 'match "^From:" in body action drop', None, None), ("fdm", 'match "eHl6" in headers action drop', None, None),
    ("maildrop", "if (/^xyz$/:b)\n  exit", None, None), ("maildrop", "if (/^eHl6/:b)\n  exit", None, None), ("maildrop", "if (/^B: one two$/)\n  exit", None, None),
    ("maildrop", "if (/^XYZ/:bD)\n  exit", None, None), ("maildrop", 'if (hasaddr("A@X.test"))\n  exit', None, None), ("maildrop", "if (/^Subject: x$/)\n  to \"! a@x.test, b@x.test\"", None, None),
    ("maildrop", "if (/^Subject: x$/)\n  cc \"! a@x.test\"\nDEFAULT=Maildir/.a/", None, None), ("maildrop", "if (/^Subject: x$/)\n  cc /dev/null\nelse\n  exit", None, None),
    ("maildrop", "if (/^Subject: y$/)\n  exit\nelse\n  to Maildir/.a/", None, None), ("maildrop", "if ($SIZE > 150 && $SIZE < 250)\n  exit", None, None),
    ("maildrop", "if (/^Subject: (.)/)\n  to Maildir/.$MATCH1", None, None), ("maildrop", 'if ($FROM eq "")\n  exit', None, None), ("maildrop", 'if ($FROM ne "")\n  exit', None, None),
    ("maildrop", 'if ($FROM =~ /(a)@x/)\n  to Maildir/.$MATCH1', None, None),
]


def test_prove_says_what_each_does(folder):
    path = write(folder, "old/1", PARTED)
    for language, rules, ours, sieve in few(PARTINGS):
        result = convert(folder, language, rules + "\n", "--prove", os.path.dirname(path))
        said = result.stdout.decode()
        if ours is None:
            tap.same((result.returncode, said), (0, "1 message, 0 differ\n"), rules)
        else:
            tap.same((result.returncode, said), (1, "1: %s: %s; Sieve: %s\n1 message, 1 differs\n" % (language, ours, sieve)), rules)


def test_prove_over_conditions(folder):
    """Each pattern and condition above that is the same finds the same in mail that holds it, and in mail that does not."""
    mails = OLD + ["A: %s\n\n%s\n" % (value, value) for value in ("x", "y", "xz", "a.b-", "a5b", "aab", "(x)", "a|b", "/x", "|x", "[]x", "^", "^-", "az-", "\\x", "5f_", "\tt", "{x", "${", "xx", "(y)x")]
    mails += ["X-Ab: y\nAbc: y\nB: yz\nAC: y\nC: y\nBc-D: y\nX-A_1: y\nXACEGI: y\n\n", "A: xz\nB: x\nC: x\n\n"]
    for number, text in enumerate(mails):
        write(folder, "old/%d" % number, text)
    tests = ["/%s/" % pattern for language, pattern, want in PATTERNS if want is None or want.startswith((":", "anyof"))] + [condition for condition, _ in MAILDROP_TESTS]
    proved = 0
    for condition in few(tests):
        rules = "if (%s)\n  cc Maildir/.a/\n" % condition
        text = body(folder, "maildrop", rules)
        if "by hand" in text or ("changed" in text and ' "^' not in text):
            continue
        result = convert(folder, "maildrop", rules, "--prove", os.path.join(folder, "old"))
        tap.same((result.returncode, result.stdout.decode()), (0, "%d messages, 0 differ\n" % len(mails)), condition + "\n" + text)
        proved += 1
    tap.same(proved > (20 if tap.SANITIZED else 100), True, "%d conditions" % proved)


def test_prove_says_what_it_cannot(folder):
    write(folder, "old/1", "Subject: x\n\n")
    result = convert(folder, "maildrop", 'if (/^Subject:/)\n  to "| vacation"\n', "--prove", os.path.join(folder, "old"))
    tap.same(result.returncode, 1)
    tap.contains(result.stdout.decode(), "line 2: it gives the mail to a program")
    result = convert(folder, "maildrop", '\nif (length("x") == 1)\n  exit\n', "--prove", os.path.join(folder, "old"))
    tap.contains(result.stdout.decode(), "1: maildrop: store in INBOX (line 2: it uses a function or an operator")


def test_limits(folder):
    """LIMIT_FOREIGN_DEPTH, LIMIT_FOREIGN_NAMES, LIMIT_FOREIGN_TEXT: at each of them, and one over."""
    depth, names, text = tap.limit("FOREIGN_DEPTH"), tap.limit("FOREIGN_NAMES"), tap.limit("FOREIGN_TEXT")
    known = len(("HOME", "DEFAULT", "LOGNAME", "SIZE", "FROM", "EXITCODE", "FLAGS", "KEYWORDS"))
    for over in (0, 1):
        nested = "match all {\n" * (depth + over) + "match all action drop\n" + "}\n" * (depth + over)
        tap.same(b"nested too deeply" in convert(folder, "fdm", nested).stdout, bool(over), "depth")
        macros = "".join('$a%d = "x"\n' % number for number in range(names + over))
        tap.same(b"too many macros" in convert(folder, "fdm", macros).stdout, bool(over), "names")
        long = '$a = "%s"\nmatch all action maildir "${a}${a}%s"\n' % ("x" * (text // 2), "" if not over else "${a}")
        tap.same(b"too long" in convert(folder, "fdm", long).stdout, bool(over), "text")
        variables = "".join("A%d=x\n" % number for number in range(names - known + over))
        tap.same(b"too many variables" in convert(folder, "maildrop", variables).stdout, bool(over), "variables")
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
