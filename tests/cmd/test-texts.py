#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What senders and owners read: the site's own words, two languages where they can be carried, and that no text stops mail."""

import email
import email.policy
import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import manual_bounce
import tap
from lmtp_client import Server

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nSubject: x\n\nbody\n"
JAPANESE = "そのような利用者はここにいません"


def need_japanese():
    if b"no catalogue" in tap.todoke("code", "--language", "ja", "loop").stderr:
        raise tap.Skip("no catalogue of Japanese (built without msgfmt)")


def write(folder, text, mode="w"):
    path = folder + "/texts"
    with open(path, mode, **({} if "b" in mode else {"encoding": "utf-8"})) as file:
        file.write(text)
    return path


def deliver(folder, *options, rcpt="bob@x.test", sender="a@b.test"):
    for part in ("new", "cur", "tmp"):
        os.makedirs("%s/mail/ann/%s" % (folder, part), exist_ok=True)
    result = tap.todoke("deliver", "-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "create_maildir=no", "-o", "tree_memory=%s/trees" % folder,
                        *[word for option in options for word in ("-o", option)], "-f", sender, "-d", rcpt, "--queue-id", "4AB", stdin=MESSAGE)
    return result.returncode, result.stdout.decode().strip()


def test_english_without_settings(folder):
    """Whatever the environment says: Postfix and strangers are answered in English."""
    os.environ["LC_ALL"] = "ja_JP.UTF-8"
    tap.same(deliver(folder), (67, "5.1.1 no such user here [4AB]"))
    tap.same(deliver(folder, "language=ja"), (67, "5.1.1 no such user here [4AB]"))


def test_both_languages(folder):
    need_japanese()
    tap.same(deliver(folder, "language=ja", "answer_language=both"), (67, "5.1.1 no such user here / %s [4AB]" % JAPANESE))
    with open(folder + "/log", encoding="utf-8") as log:
        tap.same(JAPANESE in log.read(), False, "log lines stay English")


def test_words_of_the_site(folder):
    texts = write(folder, "# ours\nstatus.unknown-user = {text}; ask +81 3 1234\nstatus.unknown-user[ja] = 総務へ: {text}\n")
    tap.same(deliver(folder, "texts=" + texts), (67, "5.1.1 no such user here; ask +81 3 1234 [4AB]"))
    need_japanese()
    tap.same(deliver(folder, "texts=" + texts, "language=ja", "answer_language=both"),
             (67, "5.1.1 no such user here; ask +81 3 1234 / 総務へ: %s [4AB]" % JAPANESE))


def test_broken_file_stops_nothing(folder):
    plain = (67, "5.1.1 no such user here [4AB]")
    for text in ("status.unknown-user = {oops}\n", "\0\0\0", "= = =\n" * 3000, "status.unknown-user = " + "x" * 5000, "[" * 60000):
        tap.same(deliver(folder, "texts=" + write(folder, text)), plain, text[:30])
    tap.same(deliver(folder, "texts=" + write(folder, b"status.unknown-user = \xff\n", "wb")), plain)
    tap.same(deliver(folder, "texts=" + write(folder, "status.unknown-user = x\n" + "#" * 70000)), plain, "LIMIT_TEXTS_FILE_BYTES")
    for path in (folder, folder + "/none", "/dev/zero"):
        tap.same(deliver(folder, "texts=" + path), plain, path)
        tap.same(deliver(folder, "texts=" + path, rcpt="ann@x.test")[0], 0, path)


def test_a_control_character_stays_inside(folder):
    texts = write(folder, "status.unknown-user = a\x1b[2Jb\x07\n")
    tap.same(deliver(folder, "texts=" + texts), (67, "5.1.1 a [2Jb [4AB]"))


def test_check_names_line_and_cure(folder):
    texts = write(folder, "status.quota = full\nstatus.quotaa = x\nbounce.refusal = {who}\n")
    conf = folder + "/todoke.conf"
    with open(conf, "w", encoding="ascii") as file:
        file.write('texts = "%s"\nkey_file = "%s/key"\ntree_memory = ""\n' % (texts, folder))
    out = tap.todoke("check", "-c", conf).stdout.decode()
    tap.contains(out, "%s:2: error: there is no text 'status.quotaa'\n    hint: did you mean 'status.quota'?" % texts)
    tap.contains(out, "%s:3: error: 'bounce.refusal' has no placeholder {who}\n    hint: it may have: recipient text reason name" % texts)
    os.unlink(texts)
    tap.contains(tap.todoke("check", "-c", conf).stdout.decode(), "%s:1: error: cannot open '%s'" % (conf, texts))


def test_notice_in_japanese(folder):
    need_japanese()
    script = folder + "/main.sieve"
    with open(script, "w", encoding="ascii") as file:
        file.write("nonsense\n")
    tap.same(deliver(folder, "language=ja", "sieve_scripts=" + script, rcpt="ann@x.test")[0], 0)
    mails = [open(os.path.join(folder, "mail/ann/new", name), "rb").read() for name in os.listdir(folder + "/mail/ann/new")]
    notices = [email.message_from_bytes(mail, policy=email.policy.default) for mail in mails if b"MAILER-DAEMON" in mail]
    tap.same([notice["Subject"] for notice in notices], ["メールの振り分け規則に誤りがあります"])
    body = notices[0].get_content()
    tap.contains(body, "メールは失われていません。直るまでの間は、スクリプトがないものとしてメールを保存します。")
    tap.contains(body, "nonsense")


def test_lmtp_is_ascii_without_smtputf8(folder):
    need_japanese()
    texts = write(folder, "status.unknown-user[ja] = {text}\n")
    server = Server(folder, "-o", "create_maildir=no", "-o", "language=ja", "-o", "answer_language=both", "-o", "texts=" + texts)
    try:
        os.makedirs(folder + "/mail/x.test/ann/new", exist_ok=True)
        for parameter, wanted in (("", None), (" SMTPUTF8", JAPANESE)):
            client = server.client().greet()
            client.say("MAIL FROM:<a@b.test>" + parameter)
            reply = client.say("RCPT TO:<bob@x.test>")
            tap.contains(reply, "550 5.1.1 <bob@x.test> no such user here" if wanted is None else "no such user here / ")
            tap.same(wanted in reply if wanted else reply.isascii(), True, reply)
            client.close()
    finally:
        server.stop()


def test_every_key_is_in_the_manual(folder):
    """Each status, notice and bounce text: its key in todoke-bounce(7), with its placeholders."""
    with open(os.path.join(tap.TOP, "agent/man/todoke-bounce.7"), encoding="utf-8") as file:
        page = file.read().replace("\\-", "-").replace("\\(aq", "'")
    with open(os.path.join(tap.TOP, "agent/base/text-table.def"), encoding="utf-8") as file:
        rows = re.findall(r'^TEXT\(\w+, "([^"]+)", "([^"]*)"', file.read(), flags=re.M)
    tap.same(len(rows) > 8, True)
    tap.same([key for key, _ in rows if ".B %s\n" % key not in page], [])
    tap.same([(key, name) for key, names in rows for name in names.split() if "{%s}" % name not in page.split(".B %s\n" % key)[1].split(".TP")[0]], [])
    with open(os.path.join(tap.TOP, "agent/base/status-table.def"), encoding="utf-8") as file:
        names = re.findall(r'^STATUS\(\w+, *"([^"]+)"', file.read(), flags=re.M)
    tap.same([name for name in names if name != "ok" and not re.search(r"\b%s\b" % name, page)], [])


def test_the_bounce_of_the_manual_is_ours(folder):
    """What todoke answers to the mail in that bounce is what the bounce says, and `todoke code` knows it again."""
    for page in ("todoke-bounce.7", "ja/todoke-bounce.7"):
        shown = manual_bounce.of_page(page)
        _, people, report, returned = re.split(r"^--4AB12C0F3\.\S+\n", shown.rsplit("\n--4AB12C0F3.", 1)[0], flags=re.M)
        mail = returned.split("\n\n", 1)[1]
        tap.same(mail.startswith("Return-Path:"), True)
        os.makedirs(folder + "/mail/one/new", exist_ok=True)
        result = tap.todoke("deliver", "-o", "maildir=%s/mail/%%n" % folder, "-o", "tree_memory=" + folder + "/trees", "-o", "hostnames=mx.example.jp", "-f", "sender@example.com",
                            "-d", "one@example.jp", "--queue-id", "4AB12C0F3", stdin=mail.split("\n", 1)[1].encode())
        answer = result.stdout.decode().strip()
        tap.same((result.returncode, answer[:6]), (69, "5.4.6 "))
        tap.contains(" ".join(people.split()), "<one@example.jp>: " + answer[6:])
        tap.contains(" ".join(report.split()), "Status: 5.4.6 Diagnostic-Code: x-unix; " + answer[6:])
        told = json.loads(tap.todoke("code", "--json", "-", stdin=shown.encode()).stdout)
        tap.same([(meaning["name"], meaning["recipient"], meaning["code"]) for meaning in told["meanings"]], [("loop", "one@example.jp", "5.4.6")])


def test_the_manual_explains_each_fault(_):
    """todoke-bounce(7), in both languages: each code that is answered, each fault below it with its sentence, and what to do."""
    for page in ("todoke-bounce.7", "ja/todoke-bounce.7"):
        with open(os.path.join(tap.TOP, "agent/man", page), encoding="utf-8") as file:
            text = file.read().replace("\\-", "-").replace("\\(aq", "'")
        section = text[text.index("\n.TP\n.B 4."):].split("\n.SH ", 1)[0]
        with open(os.path.join(tap.TOP, "agent/base/status-table.def"), encoding="utf-8") as file:
            rows = re.findall(r'^STATUS\(\w+, *"([^"]+)", *\w+, *"([^"]+)", *\d+, *"(.*)"\)', file.read(), flags=re.M)
        found = {}
        for entry in section.split("\n.TP\n.B ")[1:]:
            tag, rest = entry.split("\n", 1)
            if tag[0].isdigit():
                code = tag
                tap.same(len(rest.split("\n.RS")[0]) > 10, True, "what the sender is told by " + code)
            else:
                found[tag] = (code, rest)
        tap.same({name: code for name, (code, _) in found.items()}, {name: code for name, code, _ in rows if name != "ok"}, page)
        for name, _, sentence in rows[1:]:
            cause, remedy = found[name][1].split("\n.br\n.I ", 1)
            tap.contains(cause, "\\(lq" + sentence)
            tap.same(len(cause) > len(sentence) + 20 and len(remedy.split("\n", 1)[1]) > 5, True, name)


# Words in calls that make problems, which are no key of one.
NO_KEYS = set("""account block braces command pattern s test delimiter delimiters durability escaped false home maildir name recipes texts todoke true users""".split())
MAKES = r"\b(?:conf_problem_add|add_problem|sieve_check_error|sieve_check_warning|check_conf_finding|check_conf_about%s)\s*\("
WITH_SHORT_NAMES = "recipe-check.c recipe-parser.c header-rule.c sieve-lexer.c sieve-parser.c"


def problem_keys():
    """The keys of problems, as the sources have them."""
    keys = {"libsieve-refused"}
    for top in ("conf", "filters", "agent/base", "agent/cmd"):
        for path in glob.glob(os.path.join(tap.TOP, top, "**/*.c"), recursive=True):
            more = "|add|warn|report|complain" if os.path.basename(path) in WITH_SHORT_NAMES.split() else ""
            with open(path, encoding="utf-8") as file:
                text = file.read()
            for call in re.finditer(MAKES % more, text):
                keys.update(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)*)"', text[call.end():text.index(";", call.end())]))
            if os.path.basename(path) == "recipe-check.c":
                keys.update(re.findall(r'"(foreign-[a-z]+)"', text))
    return keys - NO_KEYS


def test_every_problem_is_explained(folder):
    """Each key of `todoke check --json`: what it means and what to do, by `todoke code KEY`, in both languages; none that no source has."""
    keys = sorted(problem_keys())
    tap.same(len(keys) > 120, True, keys)
    for language in ("en", "ja"):
        if language == "ja":
            need_japanese()
        told = set()
        for first in range(0, len(keys), 20):
            done = tap.todoke("code", "--json", "--language", language, *keys[first:first + 20])
            told.update(meaning["name"] for meaning in json.loads(done.stdout)["meanings"])
        tap.same([key for key in keys if key not in told], [], language)
    with open(os.path.join(tap.TOP, "agent/cmd/code-problem.def"), encoding="utf-8") as file:
        rows = [key for names in re.findall(r'^PROBLEM\("([^"]*)"', file.read(), flags=re.M) for key in names.split()]
    tap.same(sorted(set(rows) - set(keys)), [], "no source has them")
    tap.same(sorted(key for key in set(rows) if rows.count(key) > 1), [], "twice")


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
