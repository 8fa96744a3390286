#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The bounds of agent/base/limits.h: what is just inside works, one over does not; and no bound is without a test."""

import glob
import json
import os
import re
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

MESSAGE = b"From: a@b.test\nTo: ann@x.test\nSubject: x\n\nbody\n"
# Bounds that nothing from outside can reach.
WITHOUT_TEST = {
    "CLAIM_WAIT_MS": "half a minute: tests/unit/test-claim.c waits by the same parameter, but shorter",
    "COPY_CHUNK": "the size of a buffer",
    "USERS_CACHED": "over it answers are asked for again: slower, and nothing else",
    "SUBMIT_END_SECONDS": "ten minutes; the wait itself is tested in tests/out",
    "HOST_NAME": "the kernel allows no longer names (HOST_NAME_MAX)",
    "DOCTOR_NAMES": "two million files",
    "DOCTOR_USER_S": "five minutes",
    "SETUP_ACCOUNTS": "a test has no way to give the machine ten thousand accounts",
    "SIEVE_PART_CACHE": "over it parts are decoded again: slower, and nothing else",
    "SIEVE_GRAMS": "over it words are searched in each part: slower, and nothing else",
    "RECIPE_PREPARED_BYTES": "over it each expression is compiled: slower, and nothing else",
    "LMTP_SEARCH": "half a minute: tests/lmtp/test-processes.py has a shorter deadline",
    "LMTP_SEARCH_AGAIN": "the same test: what hangs is given up sooner the second time",
    "LMTP_STUCK": "a minute",
    "LMTP_STUCK_PLACES": "a thousand folders that hang",
    "LMTP_FOUND": "tests/lmtp/test-delivery-processes.py: within these seconds an owner is not searched again, and one who changed is noticed",
    "LMTP_FOUND_UNMARKED": "a second: tests/lmtp/test-source-costs.py counts the searches that it saves",
    "TREES_KEPT": "over it folders are looked for again: slower, and nothing else",
    "LMTP_FOUND_KEPT": "over it owners are searched again: slower, and nothing else",
    "LMTP_DELIVERY_LIFE": "ten minutes: tests/unit/test-lmtp-pool.c has a pool with a shorter life",
    "REGEX_HEAP_KB": "PCRE2 reaches the steps first",
}


limit = tap.limit


def deliver(folder, *options, message=MESSAGE, rcpt="ann@x.test", code=0, sender="a@b.test"):
    result = tap.todoke("deliver", "-o", "maildir=%s/mail/%%n" % folder, "-o", "log_file=%s/log" % folder, "-o", "add_mark=no", "-f", sender,
                        "-d", rcpt, *options, stdin=message)
    tap.same(result.returncode, code, "exit code (%r)" % result.stdout)
    return result.stdout.decode()


def last_line(folder):
    with open(folder + "/log", encoding="utf-8") as file:
        return file.read().splitlines()[-1]


def script(folder, text):
    with open(folder + "/x.sieve", "w", encoding="utf-8") as file:
        file.write(text)
    return ["-o", "sieve_scripts=%s/x.sieve" % folder]


def check(folder, text):
    script(folder, text)
    return json.loads(tap.todoke("check", "--json", folder + "/x.sieve").stdout)["findings"]


def sized_file(path, size, begin=b""):
    with open(path, "wb") as file:
        file.write(begin)
        file.truncate(size)
    return path


def try_message(folder, head, *options):
    with open(folder + "/m", "wb") as file:
        file.write(head + MESSAGE)
    result = tap.todoke("try", "--json", "-o", "maildir=%s/mail/%%n" % folder, "-d", "ann@x.test", "-f", "a@b.test", *options, folder + "/m")
    return json.loads(result.stdout)


# files that are read as a whole

def test_passwd_file(folder):
    line = b"ann@x.test:::::%s/home:\n" % folder.encode()
    size = limit("PASSWD_FILE")
    path = sized_file(folder + "/passwd", size, line + b"#" * (size - len(line)))
    options = ("-o", "passwd_file=" + path)
    tap.same(deliver(folder, *options), "stored in INBOX\n")
    sized_file(path, size + 1, line + b"#" * size)
    tap.contains(deliver(folder, *options, code=75), "4.3.0")
    tap.contains(last_line(folder), "more than %d bytes" % size)


def test_list_file(folder):
    size = limit("LIST_FILE")
    path = folder + "/list"
    options = script(folder, 'require ["extlists", "fileinto", "envelope"]; if envelope :list "from" "l" { fileinto "Listed"; }')
    options += ["-o", "sieve_lists=l=" + path]
    sized_file(path, size, b"a@b.test\n" + b"#" * (size - 9))
    tap.same(deliver(folder, *options), "stored in Listed\n")
    sized_file(path, size + 1, b"a@b.test\n" + b"#" * (size - 8))
    tap.same(deliver(folder, *options), "stored in INBOX\n")
    tap.contains(last_line(folder), "more than %d bytes" % size)


def test_code_file(folder):
    size = limit("CODE_FILE_BYTES")
    path = sized_file(folder + "/bounce", size, b"5.4.6 loop\n")
    tap.same(tap.todoke("code", path).returncode, 0)
    result = tap.todoke("code", sized_file(path, size + 1))
    tap.same(result.returncode != 0, True)
    tap.contains(result.stderr, b"more than %d bytes" % size)


def test_code_meanings(_):
    codes = ["5.%d.%d" % (group, number) for group in range(1, 8) for number in range(1, 9)]
    for count in (limit("CODE_MEANINGS"), limit("CODE_MEANINGS") + 1):
        text = tap.todoke("code", "--json", " ".join(codes[:count])).stdout
        tap.same(len(json.loads(text)["meanings"]), limit("CODE_MEANINGS"), "%d codes" % count)


def test_words_near_a_code(_):
    words = "no such user here"
    pad = limit("CODE_NEAR_BYTES") - len("5.1.1") - len(words)
    for more, meanings in ((0, ["unknown-user"]), (1, ["unknown-address"])):
        text = tap.todoke("code", "--json", "5.1.1" + " " * (pad + more) + words).stdout
        tap.same([meaning["name"] for meaning in json.loads(text)["meanings"]], meanings, "%d octets" % (pad + more))


# headers

def test_delivered_to(folder):
    others = b"Delivered-To: other@x.test\n"
    hop = b"Received: from q.test by h.test; Thu, 3 Aug 2017 00:00:00 +0900\n"
    last = b"Delivered-To: ann@x.test\n"
    inside = try_message(folder, hop + others * (limit("DELIVERED_TO") - 1) + last)
    tap.same((inside["loop"]["ignored"], len(inside["loop"]["evidence"])), (0, 1))
    over = try_message(folder, hop + others * limit("DELIVERED_TO") + last)
    tap.same((over["loop"]["ignored"], len(over["loop"]["evidence"])), (1, 0))


def test_marks(folder):
    with open(folder + "/key", "w", encoding="utf-8") as file:
        file.write("k1 " + "11" * 32 + "\n")
    hop = b"Received: from q.test by h.test; Thu, 3 Aug 2017 00:00:00 +0900\n"
    for count, ignored in ((limit("MARKS"), 0), (limit("MARKS") + 1, 1)):
        verdict = try_message(folder, hop + b"X-Todoke-Mark: v=1; nonsense\n" * count, "-o", "key_file=%s/key" % folder)["loop"]
        tap.same(verdict["ignored"], ignored, "%d marks" % count)


# what is said

def test_answer(folder):
    """LIMIT_ANSWER_BYTES of a refusal, and LIMIT_ANSWER_OK_BYTES of what was done."""
    folders = "".join('fileinto :copy "Folder-%02d";' % number for number in range(12))
    answer = deliver(folder, *script(folder, 'require ["fileinto", "copy"]; ' + folders))
    tap.same(len(answer), limit("ANSWER_OK_BYTES") + 1)


def test_refusal(folder):
    """A recipient that doubles when it is quoted, in the site's own words: LIMIT_ANSWER_BYTES of them, and the queue id behind them."""
    rcpt = "\\" * 1000 + "@x.test"
    with open(folder + "/texts", "w", encoding="utf-8") as file:
        file.write("bounce.refusal = {recipient}: {text}\n")
    with open(folder + "/conf", "w", encoding="utf-8") as file:
        file.write('texts = "%s/texts"\nrule "no" { header = "From" match = "any" action = "bounce" }\n' % folder)
    os.chmod(folder + "/conf", 0o600)
    answer = deliver(folder, "-c", folder + "/conf", "-o", "maildir=%s/mail/one" % folder, "--queue-id", "4ABC",
                     message=b"From: a@b.test\n" + MESSAGE, rcpt=rcpt, code=77)
    tap.contains(answer, '<"' + "\\\\" * 900)
    tap.same(len(answer), limit("ANSWER_BYTES") + len(" [4ABC]\n"))


def test_log(folder):
    """LIMIT_LOG_VALUE octets of a value, LIMIT_LOG_LINE of a line."""
    for more in (0, 1):
        domain = ".test"
        sender = "s" * (limit("LOG_VALUE") + more - len(domain) - 2) + "@x" + domain
        deliver(folder, sender=sender, message=b"\n")
        line = last_line(folder)
        tap.same("from=%s," % sender in line, more == 0, "%d octets" % len(sender))
    folders = "".join('fileinto :copy "%s-%02d";' % ("f" * 150, number) for number in range(25))
    deliver(folder, *script(folder, 'require ["fileinto", "copy"]; ' + folders))
    line = last_line(folder)
    body = line.split(": ", 1)[1]
    tap.same(limit("LOG_LINE") - 4 <= len(body) <= limit("LOG_LINE") + len("Q: "), True, "%d octets" % len(body))
    tap.contains(line, "status=sent", "what matters is at the beginning")


# locks of other programs

def test_lock(folder):
    """LIMIT_LOCK_WAIT_MS for a lock that somebody holds; one older than LIMIT_LOCK_STALE_S is nobody's."""
    deliver(folder)
    lock = folder + "/mail/ann/subscriptions.lock"
    for age, waits in ((0, True), (limit("LOCK_STALE_S") + 2, False)):
        with open(lock, "w", encoding="utf-8"):
            pass
        os.utime(lock, (time.time() - age, time.time() - age))
        began = time.monotonic()
        deliver(folder, *script(folder, 'require ["fileinto", "mailbox"]; fileinto :create "New%d";' % age))
        took = time.monotonic() - began
        tap.same(took >= limit("LOCK_WAIT_MS") / 1000 or not waits, True, "%.1f s at an age of %d s" % (took, age))
        tap.same(os.path.exists(lock), waits, "the lock")


# Sieve

def test_sieve_nesting(folder):
    depth = limit("SIEVE_NESTING")
    for make in (lambda n: "if true {" * n + "keep;" + "}" * n, lambda n: "if " + "not " * n + "true { keep; }"):
        found = [[problem["code"] for problem in check(folder, make(n)) if problem["severity"] == "error"] for n in (depth - 1, depth, depth + 1, depth + 2)]
        tap.same((found[0], found[-1]), ([], ["too-deep"]), "levels")


def test_sieve_arguments(folder):
    most = limit("SIEVE_ARGUMENTS")
    for count, code in ((most, False), (most + 1, True)):
        found = [problem["code"] for problem in check(folder, "keep " + '"a" ' * count + ";")]
        tap.same("too-many-arguments" in found, code, "%d arguments: %s" % (count, found))


def test_sieve_problems(folder):
    most = limit("SIEVE_PROBLEMS")
    for count in (most, most + 1):
        tap.same(len(check(folder, "nonsense;\n" * count)), most, "%d problems" % count)


def test_sieve_script_name(folder):
    most = limit("SIEVE_SCRIPT_NAME")
    for length, code in ((most, "missing-script"), (most + 1, None)):
        found = [problem["code"] for problem in check(folder, 'require "include"; include "%s";' % ("n" * length))]
        tap.same(found == [code] if code else "missing-script" not in found and len(found) == 1, True, "%d octets: %s" % (length, found))


# all of them

def words_of_tests():
    """All names of limits that tests say, as in C, in comments, or to tap.limit."""
    words = set(WITHOUT_TEST)
    for path in glob.glob(os.path.join(tap.TOP, "tests/**/*"), recursive=True):
        if not os.path.isfile(path) or os.path.getsize(path) > 1000000:
            continue
        with open(path, encoding="utf-8", errors="replace") as file:
            text = file.read()
        words.update(re.findall(r"LIMIT_([A-Z0-9_]+)", text))
        words.update(re.findall(r'limit\("([A-Z0-9_]+)"\)', text))
    return words


def test_every_limit_has_a_test(_):
    known, words = tap.limits(), words_of_tests()
    missing = sorted(name for name in known if name not in words)
    tap.same(missing, [], "limits without a test")
    tap.same(sorted(set(WITHOUT_TEST) - set(known)), [], "exemptions of limits that are gone")


if __name__ == "__main__":
    tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
