#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Why a rule applied: which field, which part of it, and the tests around it, in the words of `todoke try` and as JSON."""

import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MAIL = """From: Bob <bob@client.example>
To: undisclosed-recipients:;
subject: quarterly figures
X-Score: 7
List-Id: <devel.lists.example.org>
Date: Mon, 30 Nov 2026 23:10:00 +0900
Message-ID: <1@example.org>

the secret word
"""
REQUIRE = 'require ["fileinto", "mailbox", "envelope", "subaddress", "relational", "comparator-i;ascii-numeric", "regex", "body", "date", "variables", ' \
          '"imap4flags", "editheader", "duplicate", "mailbox", "environment"];\n'

# A test of Sieve, and the words that say why it is true.
WORDS = (
    ('header :contains "subject" ["nothing", "figures"]', "subject contains figures"),
    ('header :is ["x-none", "list-id"] "<devel.lists.example.org>"', "List-Id is <devel.lists.example.org>"),
    ('header :matches "SUBJECT" "quarterly *"', "subject matches quarterly *"),
    ('header :regex "subject" "^quart"', "subject matches the expression ^quart"),
    ('header :is "x-empty" ""', None),
    ('address :domain "from" "client.example"', "From's domain is client.example"),
    ('address :localpart "from" "bob"', "From's local part is bob"),
    ('address "from" "bob@client.example"', "From is bob@client.example"),
    ('envelope "from" "ann@example.org"', "the envelope sender is ann@example.org"),
    ('envelope :detail "to" "lists"', "the envelope recipient's detail is lists"),
    ('header :value "ge" :comparator "i;ascii-numeric" "x-score" "5"', "X-Score is at least 5"),
    ('header :count "ge" :comparator "i;ascii-numeric" ["from", "to"] "2"', "the number of From, To is at least 2"),
    ('body :contains "secret"', "the text contains secret"),
    ('date :zone "+0900" :value "ge" "date" "hour" "23"', "Date's hour is at least 23"),
    ('currentdate :is "year" "2026"', "the year now is 2026"),
    ('size :under 1K', "the message is smaller than 1024 octets"),
    ('size :over 10', "the message is larger than 10 octets"),
    ('exists ["from", "to"]', "the header has From, To"),
    ('string :contains "a ${1}b" "b"', "a ${1}b contains b"),
    ('true', 'the test "true" is true'),
    # what is false
    ('not address ["to", "cc"] "taro@example.jp"', "no To, Cc is taro@example.jp"),
    ('not address :domain ["to", "cc"] "example.jp"', "no domain of To, Cc is example.jp"),
    ('not header :contains "auto-submitted" ["auto", "yes"]', "no Auto-Submitted contains auto, yes"),
    ('not header :is "X-SPAM" ""', 'no X-SPAM is ""'),
    ('not exists "subject"', None),
    ('not exists "x-none"', "the header has no X-None"),
    ('not exists ["from", "x-none"]', "the header lacks one of From, X-None"),
    ('not size :over 1K', "the message is not larger than 1024 octets"),
    ('not body :contains "nonsense"', "it is not true that the text contains nonsense"),
    ('not duplicate', "this mail did not come before"),
    ('not not header "subject" "quarterly figures"', "subject is quarterly figures"),
    ('not mailboxexists "None"', 'the test "mailboxexists None" is false'),
    # lists: only what decided
    ('allof (header :contains "subject" "figures", size :over 10)', "subject contains figures and the message is larger than 10 octets"),
    ('anyof (header :contains "subject" "nothing", size :over 10)', "the message is larger than 10 octets"),
    ('anyof (allof (header :contains "subject" "figures", exists "x-none"), size :over 10)', "the message is larger than 10 octets"),
    ('not allof (header :contains "subject" "figures", exists "x-none")', "the header has no X-None"),
    ('not anyof (exists "x-a", exists "x-b")', "the header has no X-A and the header has no X-B"),
)


def attempt(folder, script, *args, mail=MAIL):
    for name, text in (("main.sieve", script), ("mail.eml", mail)):
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    os.chmod(os.path.join(folder, "main.sieve"), 0o600)
    result = tap.todoke("try", "--now", "2026-11-30T14:00:00Z", "-f", "ann@example.org", "-d", "taro+lists@example.jp", *args,
                        "--script", "main.sieve", "mail.eml", cwd=folder)
    tap.same(result.stderr, b"", script)
    return result.stdout.decode()


def verdict(folder, script, **more):
    """The lines before the answer."""
    return attempt(folder, script, **more).split("answer: ", 1)[0]


def test_words(folder):
    for test, words in WORDS:
        want = "mail.eml -> INBOX  no rule says otherwise\n" if words is None else "mail.eml -> Work  main.sieve:2  because %s\n" % words
        tap.same(verdict(folder, REQUIRE + 'if %s { fileinto :create "Work"; }\n' % test), want, test)


def test_branches(folder):
    text = verdict(folder, REQUIRE + """if header :contains "subject" "nothing" { stop; }
elsif address :domain "from" "client.example" {
    if size :over 1M { discard; }
    else { fileinto :create "Work"; }
}
""")
    tap.same(text, "mail.eml -> Work  main.sieve:5  because From's domain is client.example and no test before line 5 is true\n")
    text = verdict(folder, REQUIRE + 'if exists "from" { if exists "to" { set "x" "y"; } fileinto :create "Work"; }\n')
    tap.same(text, "mail.eml -> Work  main.sieve:2  because the header has From\n", "a branch that has ended")
    tap.same(verdict(folder, REQUIRE + 'if exists "from" { set "x" "y"; }\nfileinto :create "Work";\n'), "mail.eml -> Work  main.sieve:3\n")


def test_json(folder):
    script = REQUIRE + 'if allof (address :domain "from" "client.example", not size :over 1M) {\n' \
                       'if header :contains "subject" "figures" { fileinto "Work"; }\n}\n'
    action = json.loads(attempt(folder, script, "--json"))["actions"][0]
    tap.same(action["test"], {"line": 3, "name": "header", "field": "subject", "match": "contains", "key": "figures", "value": "quarterly figures"})
    tap.same(action["within"], [{"line": 2, "name": "address", "field": "From", "part": "domain", "match": "is", "key": "client.example", "value": "client.example"},
                                {"line": 2, "not": True, "name": "size", "match": "over", "key": "1048576"}])


def limit(name):
    with open(os.path.join(tap.TOP, "agent", "base", "limits.h"), encoding="utf-8") as file:
        return int(re.search(r"#define %s (\d+)u" % name, file.read())[1])


def test_no_more_than_the_limit(folder):
    most = limit("LIMIT_PLAN_TESTS")
    for depth in (most, most + 1, most + 2):
        script = REQUIRE + "".join('if exists "from" {\n' for _ in range(depth)) + 'fileinto "Work";\n' + "}" * depth
        action = json.loads(attempt(folder, script, "--json"))["actions"][0]
        tap.same(action["test"]["line"], depth + 1)
        tap.same([test["line"] for test in action["within"]], list(range(depth + 1 - min(depth - 1, most), depth + 1)), "those nearest to it")


def test_long_lists(folder):
    """Of a long list what decides it is told, however much came before."""
    many = ", ".join('exists "x-%d"' % number for number in range(100))
    text = verdict(folder, REQUIRE + 'if anyof (%s, allof (exists "from", exists "to")) { fileinto "Work"; }\n' % many)
    tap.contains(text, "because the header has From and the header has To\n")
    nested = "exists \"from\""
    for _ in range(8):
        nested = "anyof (%s, allof (%s, %s))" % (many.split(", e", 20)[0], nested, 'exists "to"')
    tap.contains(verdict(folder, REQUIRE + 'if %s { fileinto "Work"; }\n' % nested), "  because the header has From and the header has To and ")
    everything = ", ".join('exists "from"' for _ in range(100))
    text = verdict(folder, REQUIRE + 'if allof (%s) { fileinto "Work"; }\n' % everything)
    tap.same(text.count("the header has From"), limit("LIMIT_PLAN_TESTS"))


def test_hostile_mail(folder):
    """What a stranger writes reaches no terminal as it is, and is cut."""
    mail = MAIL.replace("subject:", "sUbJeCt:").replace("quarterly figures", "\x1b[31m" + "請" * 5000)
    script = REQUIRE + 'if header :contains "subject" "請" { fileinto :create "Work"; }\n'
    tap.contains(verdict(folder, script, mail=mail), "because sUbJeCt contains 請\n")
    test = json.loads(attempt(folder, script, "--json", mail=mail))["actions"][0]["test"]
    tap.same((len(test["value"].encode()) <= 160, test["value"].endswith("請")), (True, True), "whole characters, not too many")
    captured = REQUIRE + 'if header :matches "subject" "*" { set "x" "${1}"; }\nif header :contains "subject" "${x}" { fileinto :create "Work"; }\n'
    tap.same("\x1b" in attempt(folder, captured, mail=mail), False, "an escape of the mail")


def test_what_other_rules_did(folder):
    tap.same(verdict(folder, REQUIRE + 'addheader "X-A" "1";\n'), "mail.eml -> INBOX  no rule says otherwise (header edited by main.sieve:2)\n")
    tap.same(verdict(folder, REQUIRE + 'deleteheader "x-score";\naddheader "X-A" "1";\naddheader "X-B" "1";\n'),
             "mail.eml -> INBOX  no rule says otherwise (header edited by main.sieve:2, main.sieve:3, main.sieve:4)\n")
    tap.same(verdict(folder, REQUIRE + 'deleteheader "x-none";\n'), "mail.eml -> INBOX  no rule says otherwise\n", "nothing was edited")
    tap.same(verdict(folder, REQUIRE + 'fileinto :create "Work";\naddheader "X-A" "1";\nkeep;\n'),
             "mail.eml -> Work  main.sieve:2\nmail.eml -> INBOX  main.sieve:4 (header edited by main.sieve:3)\n")
    tap.same(verdict(folder, REQUIRE + 'addflag "\\\\Flagged";\n'), "mail.eml -> INBOX, flags \\Flagged  no rule says otherwise (flags set by main.sieve:2)\n")
    tap.same(verdict(folder, REQUIRE + 'addflag "a";\nremoveflag "a";\n'), "mail.eml -> INBOX  no rule says otherwise\n")
    tap.same(verdict(folder, REQUIRE + 'setflag "a";\nkeep :flags "b";\n'), "mail.eml -> INBOX, flags b  main.sieve:3\n", "flags of its own")
    flagged = REQUIRE + 'setflag "a";\nif allof (hasflag "a", not hasflag "b", hasflag :count "eq" :comparator "i;ascii-numeric" "1") { discard; }\n'
    tap.same(verdict(folder, flagged), "mail.eml -> discard  main.sieve:3  because a flag is a and no flag is b and the number of flags equals 1\n")
    most = limit("LIMIT_PLAN_TESTS")
    text = verdict(folder, REQUIRE + "".join('addheader "X-A" "%d";\n' % number for number in range(most + 5)))
    tap.same((text.count("main.sieve"), ", ...)" in text), (most, True), "places")


def try_recipes(folder, rules):
    with open(folder + "/rc", "w", encoding="utf-8") as file:
        file.write("MAILDIR=%s\nDEFAULT=%s/Maildir/\n%s" % (folder, folder, rules))
    with open(folder + "/mail.eml", "w", encoding="utf-8") as file:
        file.write(MAIL)
    result = tap.todoke("try", "--recipes", "rc", "-d", "taro@example.jp", "-o", "maildir=%s/Maildir" % folder, "mail.eml", cwd=folder)
    return result.stdout.decode()


def test_recipes(folder):
    """Their conditions, and those of the blocks around them."""
    block = ":0\n* ^From:.*client\n{\n    :0\n    * ^Subject:.*nothing\n    wrong/\n\n    :0\n    * ^Subject:.*figures\n    * < 10000\n    %s/\n}\n"
    tap.contains(try_recipes(folder, block % "right"), "rc:10  because * ^From:.*client and * ^Subject:.*figures * < 10000\n")
    tap.contains(try_recipes(folder, ":0\n* ^From:.*client\n{\n    A=b\n}\n\n:0\n* ^List-Id:.*devel\nright/\n"),
                 "rc:9  because * ^List-Id:.*devel\n")
    text = try_recipes(folder, ":0c\n* ^From:.*client\n* ! ^X-None\none/\n:0c\n{\n:0\n* ^Subject:.*figures\ntwo/\n}\n:0\nthree/\n")
    tap.contains(text, "rc:3  because * ^From:.*client * ! ^X-None\n")
    tap.contains(text, "rc:9  because * ^Subject:.*figures\n")
    tap.contains(text, "rc:13\n", "no condition was asked for it")


def test_copies_of_recipes(folder):
    """What goes on is a copy, and says so."""
    for action in ("! %s@x.test", "%s/"):
        try_recipes(folder, "".join(":0%s\n%s\n" % (flag, action % name) for flag, name in (("c", "one"), ("c", "two"), ("", "three"))))
        result = tap.todoke("try", "--json", "--recipes", "rc", "-d", "taro@example.jp", "-o", "maildir=%s/Maildir" % folder, "mail.eml", cwd=folder)
        actions = json.loads(result.stdout)["actions"]
        tap.same([one["copy"] for one in actions], [True, True, False], action)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
