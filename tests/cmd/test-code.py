#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke code`: what servers really say, whole bounces, and input that wants to do harm."""
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap  # noqa: E402

CASES = os.path.join(os.path.dirname(os.path.abspath(__file__)), "code-cases")


def cases():
    with open(CASES, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            if line.strip() and not line.startswith("#"):
                yield number, line.rstrip("\n").split(" | ", 4)


def ask(*args, code=0, **more):
    result = tap.todoke("code", "--json", *args, **more)
    tap.same(result.returncode, code, "exit code of %r: %s" % (args, result.stderr))
    return json.loads(result.stdout)["meanings"]


def short(meaning):
    return (meaning["code"], meaning["name"], meaning["repair"])


def test_real_texts(folder):
    """One text, one meaning, with the one who can repair it."""
    wrong, count = [], 0
    for number, (_, code, name, repair, text) in cases():
        count += 1
        result = tap.todoke("code", "--json", "-", stdin=text.encode())
        got = [short(meaning) for meaning in json.loads(result.stdout)["meanings"]]
        if got != [(None if code == "-" else code, name, repair)]:
            wrong.append((number, text[:80], got, (code, name, repair)))
    tap.same(wrong, [])
    tap.same(count >= 80, True, "number of cases")


def test_sources_are_named(folder):
    for number, fields in cases():
        tap.same((number, len(fields), all(field.strip() for field in fields)), (number, 5, True))


def test_a_code_that_many_faults_have(folder):
    """At a terminal the likeliest count: those first, the names of the others, and how to see them."""
    every = [meaning["name"] for meaning in ask("4.3.0")]
    tap.same(len(every) > 12, True)
    text = tap.todoke("code", "4.3.0").stdout.decode()
    shown = [line.split("  ")[1] for line in text.splitlines() if line.startswith("4.3.0  ")]
    tap.same(shown, ["no-permission", "missing", "tree", "lookup", "other-system"])
    tap.same(len(text.splitlines()) < 45, True, text)
    tap.contains(text, "\n\nLess often 4.3.0 is one of these: " + ", ".join(name for name in every if name not in shown) + "\n`todoke code NAME` explains one of them, ")
    tap.contains(text, "`todoke code --all 4.3.0` all.")
    for args in (("--all", "4.3.0"), ("--all", "4.3.0", "5.4.6")):
        text = tap.todoke("code", *args).stdout.decode()
        tap.same([line.split("  ")[1] for line in text.splitlines() if line.startswith("4.3.0  ")], every)
        tap.same("Less often" in text, False)
    two = tap.todoke("code", "4.3.0 5.4.6").stdout.decode()
    tap.same(two.index("Less often 4.3.0") < two.index("5.4.6  loop"), True, "the names stand behind their own code")
    tap.same("Less often" in tap.todoke("code", "4.3.5").stdout.decode(), False, "few: all are shown")
    ja = tap.todoke("code", "--language", "ja", "4.3.0").stdout.decode()
    tap.same("Less often" in ja or "todoke code --all 4.3.0" not in ja, False)


def test_whole_log_tells_each_kind_once(folder):
    texts = [text for _, (source, _, _, _, text) in cases() if source.startswith("postfix 3.7") and "status=" in text][:5]
    found = ask("-", stdin="\n".join(texts * 30).encode())
    tap.same(len(found), len({(meaning["code"], meaning["name"]) for meaning in found}))
    tap.same(len(found) >= 4, True)


REPORT = """\
From: MAILER-DAEMON@mx.example (Mail Delivery System)
To: c@d.example
Subject: Undelivered Mail Returned to Sender
Date: Mon, 30 Nov 2026 09:00:00 +0000
MIME-Version: 1.0
Content-Type: multipart/report; report-type=delivery-status; boundary="B"

--B
Content-Type: text/plain; charset=us-ascii

This is the mail system at host mx.example.

<a@gmail.example>: host gmail-smtp-in.l.google.com said: 552 mailbox is full

--B
Content-Type: message/delivery-status

Reporting-MTA: dns; mx.example

Final-Recipient: rfc822; a@gmail.example
Action: failed
Status: 5.1.1
Remote-MTA: dns; gmail-smtp-in.l.google.com
Diagnostic-Code: smtp; 550-5.1.1 The email account that you tried to reach does
    not exist. Please try 550-5.1.1 double-checking

Final-Recipient: rfc822; b@other.example
Original-Recipient: rfc822;info@other.example
Action: delayed
Status: 4.4.1
Diagnostic-Code: X-Postfix; connect to other.example[192.0.2.1]:25: Connection
    timed out

Final-Recipient: rfc822; e@old.example
Action: failed
Status: 4.4.7
Diagnostic-Code: smtp; 450 4.7.1 something odd

--B
Content-Type: message/rfc822

From: c@d.example
To: a@gmail.example
Subject: 550 5.7.1 refused by a rule

Diagnostic-Code: smtp; 554 5.7.1 blocked using zen.spamhaus.org

--B--
"""


def test_report(folder):
    """Each recipient by itself; what the returned message says does not count."""
    found = ask("-", stdin=REPORT.encode())
    tap.same([(meaning["recipient"],) + short(meaning) + (meaning["temporary"],) for meaning in found],
             [("a@gmail.example", "5.1.1", "unknown-address", "sender", False),
              ("info@other.example", "4.4.1", "no-answer", "receiving-admin", True),
              ("e@old.example", "4.7.1", "not-authorized", "sender-or-admin", False)])
    tap.contains(found[0]["said"], "The email account that you tried to reach does not exist")
    text = tap.todoke("code", "-", stdin=REPORT.encode()).stdout.decode()
    tap.contains(text, "<a@gmail.example>: 5.1.1  unknown-address")
    tap.contains(text, "given up")


def test_report_of_todoke_by_postfix(folder):
    """Postfix takes the code off our text and puts it into Status."""
    report = re.sub(r"Final-Recipient: rfc822; a@gmail.*?\n\n--B", "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.1.1\n"
                    "Diagnostic-Code: x-unix; <a@b.example>: no such user here [4AB]\n\n--B", REPORT, flags=re.S)
    tap.same([short(meaning) for meaning in ask("-", stdin=report.encode())], [("5.1.1", "unknown-user", "sender")])


def test_words_of_an_owner_s_rule(folder):
    """An owner may write anything; what tells that it is ours is the queue id of the same mail behind it."""
    line = "Dec  1 17:36:20 mx postfix/%s: 4ABC12: to=<a@b.example>, relay=%s, delay=0.1, dsn=%s, status=%s (%s)\n"
    for service, relay, dsn, status, words, want in (
            ("pipe[1]", "todoke", "5.7.1", "bounced", "No thanks. [4ABC12]", ("5.7.1", "rule-refused", "rule-author")),
            ("pipe[1]", "todoke", "5.7.1", "bounced", "<a@b.example>: No thanks. [4ABC12]", ("5.7.1", "rule-refused", "rule-author")),
            ("lmtp[1]", "mx[private/todoke]", "5.7.1", "bounced", "host mx[private/todoke] said: 550 5.7.1 No thanks. [4ABC12] (in reply to end of DATA command)",
             ("5.7.1", "rule-refused", "rule-author")),
            ("local[1]", "local", "4.7.1", "deferred", "come again. [4ABC12]", ("4.7.1", "rule-defer", "admin")),
            ("pipe[1]", "other", "5.7.1", "bounced", "No thanks. [7DEF12]", ("5.7.1", "not-authorized", "sender-or-admin")),
            ("smtp[1]", "mx.far.example[192.0.2.1]:25", "5.7.1", "bounced", "host mx.far.example[192.0.2.1] said: 550 5.7.1 No thanks. [7DEF12] (in reply to end of DATA command)",
             ("5.7.1", "not-authorized", "sender-or-admin"))):
        tap.same([short(meaning) for meaning in ask("-", stdin=(line % (service, relay, dsn, status, words)).encode())], [want], words)
    report = re.sub(r"Final-Recipient: rfc822; a@gmail.*?\n\n--B", "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.7.1\n"
                    "Diagnostic-Code: x-unix; No thanks. [4ABC12]\n\n--B", REPORT, flags=re.S)
    tap.same([short(meaning) for meaning in ask("-", stdin=report.encode())], [("5.7.1", "rule-refused", "rule-author")])


QMAIL = """\
Return-Path: <>
From: MAILER-DAEMON@mx.example
To: c@d.example
Subject: failure notice
Date: 30 Nov 2026 09:00:00 -0000

Hi. This is the qmail-send program at mx.example.
I'm afraid I wasn't able to deliver your message to the following addresses.
This is a permanent error; I've given up. Sorry it didn't work out.

<a@b.example>:
192.0.2.1 does not like recipient.
Remote host said: 550 5.1.1 <a@b.example>: Recipient address rejected: User unknown in virtual mailbox table
Giving up on 192.0.2.1.

--- Below this line is a copy of the message.

Return-Path: <c@d.example>
Subject: 552 5.2.2 mailbox is full

zen.spamhaus.org
"""

EXIM = """\
From: Mail Delivery System <Mailer-Daemon@mx.example>
To: c@d.example
Subject: Mail delivery failed: returning message to sender
Date: Mon, 30 Nov 2026 09:00:00 +0000

This message was created automatically by mail delivery software.

A message that you sent could not be delivered to one or more of its
recipients. This is a permanent error. The following address(es) failed:

  a@b.example
    Unrouteable address

------ This is a copy of the message, including all the headers. ------

Subject: greylisted
"""


def test_plain_bounces(folder):
    tap.same([short(meaning) for meaning in ask("-", stdin=QMAIL.encode())], [("5.1.1", "postfix-user-unknown", "sender")])
    tap.same([short(meaning) for meaning in ask("-", stdin=EXIM.encode())], [(None, "unknown-address", "sender")])


def test_japanese_bounce(folder):
    head = "From: MAILER-DAEMON@mx.example\nTo: c@d.example\nSubject: x\nMIME-Version: 1.0\nContent-Type: text/plain; charset=%s\n\n"
    words = "お送りいただいたメールは、受信者のメールボックスがいっぱいのため配信できませんでした。\n"
    for charset in ("iso-2022-jp", "utf-8", "shift_jis", "euc-jp"):
        found = ask("-", stdin=(head % charset).encode() + words.encode(charset))
        tap.same([short(meaning) for meaning in found], [(None, "mailbox-full", "recipient")], charset)


def test_forwarded_bounce(folder):
    """A user passes the bounce on as an attachment: it is read all the same."""
    outer = "From: c@d.example\nTo: admin@d.example\nSubject: what is this\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=O\n\n" \
            "--O\nContent-Type: text/plain\n\nPlease help\n--O\nContent-Type: message/rfc822\n\n%s\n--O--\n" % REPORT
    tap.same([meaning["name"] for meaning in ask("-", stdin=outer.encode())], ["unknown-address", "no-answer", "not-authorized"])


def test_hostile_input(folder):
    """Bounded in time and output, and nothing that a terminal would obey."""
    escape = "From: x@y.example\nTo: c@d.example\nSubject: x\n\nFinal-Recipient: rfc822; \x1b[2J\x07evil@b.example\nAction: failed\nStatus: 5.1.1\n" \
             "Diagnostic-Code: smtp; 550 5.1.1 \x1b]0;owned\x07 \u009b31m \u202euser unknown\n"
    nested = "From: a@b.example\nTo: c@d.example\nSubject: x\nMIME-Version: 1.0\n" + \
             "".join('Content-Type: multipart/report; boundary="%d"\n\n--%d\n' % (i, i) for i in range(3000)) + "\n"
    less = 20 if os.environ.get("SANITIZERS") else 1  # they cost twenty times the processor, and read a text to its end for each strstr
    many = REPORT.split("Final-Recipient")[0] + "".join("Final-Recipient: rfc822; u%d@b.example\nStatus: 5.1.1\n\n" % i for i in range(50000 // less)) + "\n--B--\n"
    huge = b"550 5.1.1 " + b"x" * (5000000 // less)
    inputs = {"escape": escape.encode(), "nested": nested.encode(), "many": many.encode(), "huge": huge, "binary": bytes(range(256)) * (20000 // less if tap.SANITIZED else 4000),
              "nul": b"550\x005.1.1\x00user unknown", "paragraphs": b"a\n\n" * (250000 // less if tap.SANITIZED else 1000000), "codes": b"5.1.1 " * (600000 // less), "stars": b"relay=" * (600000 // less),
              "cut letter": ("550 " + "x" * 1995 + "あ" * 1000).encode(), "cut log": (" status=" + "x" * 1991 + "あ" * 1000).encode(),
              "log": b"x status=y " * (300000 // less), "reports": b"Status: 5.1.1\n\n" * (200000 // less), "empty": b""}
    for name, data in inputs.items():
        for form in ([], ["--json"]):
            result = tap.todoke("code", *form, "-", stdin=data, timeout=tap.PATIENCE)
            tap.same((name, result.returncode in (0, 1)), (name, True))
            tap.same((name, len(result.stdout) < 60000), (name, True))
            harmful = [byte for byte in (b"\x1b", b"\x07", b"\x00", "\u009b".encode(), "\u202e".encode()) if byte in result.stdout + result.stderr]
            tap.same((name, form, harmful if not form else [b for b in harmful if b in (b"\x1b", b"\x07", b"\x00")]), (name, form, []))
    tap.same(len(ask("-", stdin=many.encode())), tap.limit("CODE_MEANINGS"))


def test_limits(folder):
    """LIMIT_CODE_SAID_BYTES of what a server says, LIMIT_CODE_NEAR_BYTES of a paragraph, LIMIT_CODE_UNITS of them."""
    report = REPORT.replace("connect to other", "x" * 1000 + " connect to other")
    tap.same(len(ask("-", stdin=report.encode())[1]["said"]), 500)
    near = "a" * 1900 + " user unknown"
    tap.same([meaning["name"] for meaning in ask("-", stdin=near.encode())], ["unknown-address"])
    tap.same(tap.todoke("code", "-", stdin=("a" * 2100 + " user unknown").encode()).returncode, 1)
    tap.same([meaning["name"] for meaning in ask("-", stdin=b"nothing\n\n" * 19999 + b"user unknown\n")], ["unknown-address"])
    tap.same(tap.todoke("code", "-", stdin=b"nothing\n\n" * 20000 + b"user unknown\n").returncode, 1)


def test_argument_with_control_characters(folder):
    result = tap.todoke("code", "nothing \x1b[2J known")
    tap.same((result.returncode, b"\x1b" in result.stderr), (1, False))


def lines_in_terminal(columns, *args):
    text, code = tap.in_terminal(*args, columns=columns)
    tap.same(code, 0)
    return text.splitlines()


def cells(line):
    return sum(2 if ord(letter) > 0x2e80 else 1 for letter in line)


def test_meanings_of_one_code_are_told_apart(folder):
    """A code alone: our own faults first, each short and with the words that tell it; a whole line has one meaning and no such part."""
    meanings = json.loads(tap.todoke("code", "--json", "5.4.6").stdout)["meanings"]
    tap.same([meaning["name"] for meaning in meanings], ["loop", "hops", "routing-loop"])
    for meaning, words in zip(meanings, ('fault=loop', '"mail is looping: too many hops"', "another server or program")):
        tap.contains(meaning["tell"], words)
    told = tap.todoke("code", "5.4.6").stdout.decode()
    tap.same((told.count("How to know it:"), told.count("Who can help:")), (3, 1), "of others there is nowhere else to look")
    tap.contains(told, "todoke code hops\n")
    for argument in ("hops", "4AB12C0F3: to=<a@b.example>, relay=todoke, delay=0.1, dsn=5.4.6, status=bounced (5.4.6 <a@b.example>: mail is looping: too many hops [4AB12C0F3])"):
        [meaning] = json.loads(tap.todoke("code", "--json", argument).stdout)["meanings"]
        tap.same((meaning["name"], meaning["tell"]), ("hops", None))
        tap.same("How to know it" in tap.todoke("code", argument).stdout.decode(), False)


def test_width(folder):
    for columns in (50, 80, 132):
        for language in ("en", "ja"):
            lines = lines_in_terminal(columns, "code", "--language", language, "5.4.6", "tree", "4.3.0")
            words = [line for line in lines if not any(len(word) > columns - 10 for word in line.split())]
            tap.same((columns, language, [line for line in words if cells(line) > columns]), (columns, language, []))
            tap.same((columns, language, [line for line in lines if line.strip()[:1] in "、。」)" and line.strip()]), (columns, language, []))
            tap.same(max(map(cells, lines)) > columns * 0.7, True, "the width is used")
    text = " ".join(line.strip() for line in lines_in_terminal(60, "code", "tree"))
    plain = " ".join(line.strip() for line in tap.todoke("code", "tree").stdout.decode().splitlines())
    tap.same(text, plain, "words of the wrapped text")


def test_not_a_terminal(folder):
    tap.same(max(len(line) for line in tap.todoke("code", "tree").stdout.decode().splitlines()) > 150, True)


def test_iana_table(folder):
    """All codes that the registry lists (RFC 3463, 3886, 4468, 4954, 5248, 6531, 6710, 7293, 7372, 7505, 8617, 8689)."""
    registry = ["0.0"] + ["1.%d" % i for i in range(0, 11)] + ["2.%d" % i for i in range(0, 5)] + ["3.%d" % i for i in range(0, 7)] + \
        ["4.%d" % i for i in range(0, 8)] + ["5.%d" % i for i in range(0, 7)] + ["6.%d" % i for i in range(0, 11)] + ["7.%d" % i for i in range(0, 31)]
    for code in registry[::8] if tap.SANITIZED else registry:  # a table
        found = ask("5." + code)
        tap.same((code, found[-1]["source"], found[-1]["code"]), (code, "iana", "5." + code))
        tap.same((code, bool(re.fullmatch(r"[a-z0-9-]+", found[-1]["name"])), found[-1]["what"][-1]), (code, True, "."))
    tap.same(ask("5.6.3")[-1]["name"], "conversion-not-supported")
    tap.same(ask("5.7.999")[-1]["name"], "other-security")
    tap.same(ask("4.9.9")[-1]["name"], "other-status")


def names_of(table, pattern):
    with open(os.path.join(tap.TOP, "agent", table), encoding="utf-8") as file:
        return re.findall(pattern, file.read(), flags=re.M)


def test_each_status_event_and_meaning_in_both_languages(folder):
    """Each has an entry, a cause, who can repair it and a remedy, in English and Japanese."""
    if b"no catalogue" in tap.todoke("code", "--language", "ja", "loop").stderr:
        raise tap.Skip("no catalogue of Japanese (built without msgfmt)")
    names = names_of("base/status-table.def", r'^STATUS\(\w+, *"([^"]+)"') + names_of("base/event-table.def", r'^(?:EVENT|FAULT)\(\w+, *"(T\d+)"') + \
        names_of("base/event-table.def", r'^EVENT\(\w+, *"T\d+", *"([^"]+)"') + names_of("cmd/code-meaning.def", r'^MEANING\(\w+, "([^"]+)"')
    tap.same(len(names) > 150, True)
    for name in names[::8] if tap.SANITIZED else names:  # a table
        english, japanese = (ask("--language", language, name)[0] for language in ("en", "ja"))
        for key in ("what", "who", "todo"):
            tap.same((name, key, english[key].isascii(), len(english[key]) > 5), (name, key, True, True))
            tap.same((name, key, bool(re.search("[\u3041-\u30ff\u4e00-\u9fff]", japanese[key]))), (name, key, True))
        tap.same((english["code"], english["name"], english["repair"]), (japanese["code"], japanese["name"], japanese["repair"]))


def test_mailq(folder):
    """Each mail that waits has its reason in brackets; of what todoke said to pipe(8) Postfix has taken the code off."""
    queue = folder + "/mailq"
    reasons = ("mail system is configured incorrectly: todoke.conf:3: x", "permission denied on this host", "host mx.test[192.0.2.1] said: 452 4.2.2 Over quota",
               "connect to mx.test[192.0.2.1]:25: Connection refused")
    with open(queue, "w", encoding="ascii") as file:
        file.write("-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n")
        for number, reason in enumerate(reasons):
            file.write("4ABC%d      350 Tue Dec  1 02:00:00  a@example.org\n%77s\n%50s\n\n" % (number, "(%s)" % reason, "ann@example.org"))
        file.write("-- 2 Kbytes in 4 Requests.\n")
    found = json.loads(tap.todoke("code", "--json", queue).stdout)
    tap.same([(one["code"], one["name"]) for one in found["meanings"]],
             [("4.3.5", "config"), ("4.3.0", "no-permission"), ("4.2.2", "mailbox-full"), (None, "no-connection")])



def queue_of(*reasons):
    """What mailq(1) prints; two mails for each reason."""
    text = "-Queue ID-  --Size-- ----Arrival Time---- -Sender/Recipient-------\n"
    for number, reason in enumerate(reasons * 2):
        text += "4ABC%d      350 Tue Dec  1 02:00:00  a@example.org\n%77s\n%50s\n\n" % (number, "(%s)" % reason, "ann@example.org")
    return (text + "-- 2 Kbytes in %d Requests.\n" % (2 * len(reasons))).encode()


def test_mailq_leaves_nothing_out(folder):
    """A reason that is explained by words alone, and one that is not known: it is said."""
    dns = "Host or domain name not found. Name service error for name=nowhere.example type=MX: Host not found, try again"
    lost = "lost connection with vm[private/todoke] while receiving the initial server greeting"
    odd = "the dog ate it, and that is a long story that fills more than a line of eighty columns"
    result = tap.todoke("code", "--json", "-", stdin=queue_of(dns, odd, lost))
    tap.same(result.returncode, 0)
    found = json.loads(result.stdout)
    tap.same([one["name"] for one in found["meanings"]], ["dns-failed", "lmtpd-unreachable"])
    tap.same(found["unexplained"], [odd])
    text = tap.todoke("code", "-", stdin=queue_of(dns, odd, lost)).stdout.decode()
    tap.contains(text, "No explanation is known of 1 reason:\n  %s\n" % odd)
    result = tap.todoke("code", "-", stdin=queue_of(odd, "so it is"))
    tap.same((result.returncode, result.stderr), (1, b""))
    tap.contains(result.stdout.decode(), "No explanation is known of 2 reasons:\n  %s\n  so it is\n" % odd)
    tap.same("No explanation" in tap.todoke("code", "-", stdin=queue_of(dns)).stdout.decode(), False)


def test_nothing_on_standard_input(folder):
    """A grep that found nothing, and a queue in which nothing waits."""
    for octets, words in ((b"", "nothing came on standard input"), (b" \n", "nothing came on standard input"), (b"Mail queue is empty\n", "the mail queue is empty")):
        result = tap.todoke("code", "-", stdin=octets)
        tap.same(result.returncode, 1)
        tap.contains(result.stderr.decode(), words)
    open(folder + "/empty", "wb").close()
    tap.contains(tap.todoke("code", folder + "/empty").stderr.decode(), "'%s/empty' is empty" % folder)


def test_bounce_of_our_quota_by_lmtp(folder):
    """lmtpd on the host of that Postfix: whoever reports and whoever said it are one; from elsewhere it is some other server."""
    for remote, name in (("mx.example", "quota"), ("other.example", "mailbox-full")):
        report = re.sub(r"Final-Recipient: rfc822; a@gmail.*?\n\n--B", "Final-Recipient: rfc822; a@b.example\nAction: failed\nStatus: 5.2.2\n"
                        "Remote-MTA: dns; %s\nDiagnostic-Code: smtp; 552 5.2.2 <a@b.example> mailbox is full: 80 of 100 bytes are there\n\n--B" % remote,
                        REPORT, flags=re.S)
        tap.same([short(meaning)[1] for meaning in ask("-", stdin=report.encode())], [name], remote)


def test_own_log_is_the_readers(folder):
    tap.contains(ask("4.3.0")[0]["who"], "you, if")
    tap.contains(ask("postfix-local-loop")[0]["who"], "you, if")


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
