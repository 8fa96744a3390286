#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The tables of the source and what the manual and the sample say of them."""

import glob
import json
import os
import re
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap


def read(*path):
    with open(os.path.join(tap.TOP, *path), encoding="utf-8") as file:
        return file.read()


def plain(roff):
    """The text of a manual page without what roff means by it."""
    for code, text in (("\\(dq", '"'), ("\\(aq", "'"), ("\\(ti", "~"), ("\\(ha", "^"), ("\\-", "-"), ("\\e", "\\")):
        roff = roff.replace(code, text)
    return re.sub(r"^\.[BIR]+ ", "", roff, flags=re.M)


def settings(*args):
    result = tap.todoke("config", "--all", "--json", *args, env={"TODOKE_CONF": os.devnull} if not args else None)
    tap.same(result.stderr, b"")
    return json.loads(result.stdout)


def as_configured(text, folder):
    """What a page or the sample says of /etc/todoke, as `make install` writes it for the --sysconfdir of this program."""
    (key,) = [row["value"] for row in defaults(folder) if row["name"] == "key_file"]
    return text.replace("/etc/todoke", os.path.dirname(key))


def defaults(folder):
    empty = os.path.join(folder, "empty.conf")
    open(empty, "w").close()
    return settings("-c", empty)["settings"]


def test_sample_says_each_setting_and_its_default(folder):
    """All lines of the sample taken in must be what holds without it."""
    path = os.path.join(folder, "sample.conf")
    with open(path, "w", encoding="utf-8") as file:
        text = re.sub(r"^#(?=[a-z ]|\})(?! )", "", read("conf", "todoke.conf"), flags=re.M).replace("\n#  ", "\n  ")
        file.write(as_configured(text, folder))
    sample = settings("-c", path)
    missing = [row["name"] for row in sample["settings"] if row["from"] == "default"]
    tap.same(missing, [], "settings that the sample lacks")
    tap.same([(row["name"], row["value"]) for row in sample["settings"]], [(row["name"], row["value"]) for row in defaults(folder)])
    tap.same([rule["action"] for rule in sample["rules"]], ["rename"])


def test_sample_as_it_is_sets_nothing(folder):
    result = tap.todoke("config", "--json", "-c", os.path.join(tap.TOP, "conf", "todoke.conf"))
    tap.same((result.returncode, json.loads(result.stdout)["settings"]), (0, []))


def test_sample_has_the_help_of_each_setting(folder):
    words = " ".join(read("conf", "todoke.conf").replace("\n# ", " ").split()).lower()
    for row in defaults(folder):
        tap.contains(words, " ".join(row["help"].replace("`", "").split()).lower(), "sample")


def test_manual_says_each_setting_and_its_default(folder):
    page = plain(read("agent", "man", "todoke.conf.5"))
    found = dict(re.findall(r"^(\w+) = (.+)$", page, flags=re.M))
    path = os.path.join(folder, "manual.conf")
    with open(path, "w", encoding="utf-8") as file:
        for row in defaults(folder):
            tap.contains(page, "\n%s = " % row["name"], "todoke.conf(5)")
            file.write("%s = %s\n" % (row["name"], as_configured(found[row["name"]], folder)))
    tap.same([row["value"] for row in settings("-c", path)["settings"]], [row["value"] for row in defaults(folder)])


def test_manual_says_each_choice(folder):
    page = plain(read("agent", "man", "todoke.conf.5"))
    rows = re.findall(r'^CONF\(ENUM, *(\w+),.*?"([^"]*\|[^"]*)"', read("conf", "conf-table.def"), flags=re.M)
    tap.same(len(rows) > 5, True)
    for name, choices in rows:
        section = page[page.index("\n%s = " % name):].split(".TP", 1)[0]
        tap.contains(section, "one of " + ", ".join(choices.split("|")), name)


def test_manual_says_each_fault(folder):
    page = plain(read("agent", "man", "todoke.8"))
    rows = re.findall(r'^STATUS\(\w+, *"([^"]+)", *\w+, *"([^"]+)", *(\d+), *"(.*)"\)', read("agent", "base", "status-table.def"), flags=re.M)
    tap.same(len(rows) > 30, True)
    for name, code, reply, text in rows:
        if not re.search(r"^%s +%s +\d+ +%s +%s$" % tuple(map(re.escape, (name, code, reply, text))), page, flags=re.M):
            raise AssertionError("todoke(8) has no line for fault '%s' (%s, %s, %s)" % (name, code, reply, text))


def test_manual_says_each_command(folder):
    page = plain(read("agent", "man", "todoke.1"))
    rows = re.findall(r'^CMD\("(\w+)"', read("agent", "cmd", "cmd-table.def"), flags=re.M)
    tap.same("deliver" in rows, True)
    section = page[page.index("SH COMMANDS"):page.index('SH "OTHER PAGES"')]
    for name in rows:
        number = re.search(r"^todoke-%s \((\d)\)$" % name, section, flags=re.M)
        tap.same(number is not None, True, "todoke(1) has no entry for the command '%s'" % name)
        tap.same(os.path.exists(os.path.join(tap.TOP, "agent", "man", "todoke-%s.%s" % (name, number[1]))), True, "a page of its own for '%s'" % name)


def test_manual_says_each_difference_from_procmail(folder):
    page = " ".join(plain(read("agent", "man", "todoke-recipes.7")).split())
    rows = re.findall(r'^DIFFERENCE\("(.*)"\)$', read("agent", "cmd", "procmail-differences.def"), flags=re.M)
    tap.same(len(rows) > 10, True)
    tap.same([row for row in rows if row not in page], [], "what the manual lacks")
    printed = tap.todoke("procmail", "--differences").stdout.decode().splitlines()
    tap.same(printed, ["- " + row for row in rows])


def test_manual_says_each_limit(folder):
    pages = plain(read("agent", "man", "todoke-limits.7")) + plain(read("agent", "man", "todoke.conf.5"))
    rows = re.findall(r"^#define (LIMIT_\w+) (.+)$", read("agent", "base", "limits.h"), flags=re.M)
    tap.same(len(rows) > 20, True)
    missing = []
    for name, text in rows:
        value = eval(re.sub(r"(?<=\d)u", "", text), {})  # our own header: numbers, '*' and brackets
        if not re.search(r"\b%s = %d\b" % (name, value), pages):
            missing.append("%s = %d" % (name, value))
    tap.same(missing, [], "limits that todoke-limits(7) lacks, or has with another value")


def event_rows():
    """(id, code, key) of each kind of log line; of a fault its name."""
    names = dict(re.findall(r'^STATUS\((\w+), *"([^"]+)"', read("agent", "base", "status-table.def"), flags=re.M))
    table = read("agent", "base", "event-table.def").split("*/", 2)[2]
    rows = [(name, code, key) for name, code, key in re.findall(r'^EVENT\((\w+), "(T\d+)", "([^"]+)"', table, flags=re.M)]
    return rows + [("FAULT_" + name, code, names[name]) for name, code in re.findall(r'^FAULT\((\w+), "(T\d+)"\)', table, flags=re.M)]


def test_page_has_each_code_of_the_log(_):
    page = read("agent", "man", "todoke-log.7").replace("\\-", "-")
    rows = event_rows()
    tap.same(len(rows) > 60, True, "rows")
    entries = re.findall(r"^\.B (T\d\d\d) (\S+)$", page, flags=re.M)
    tap.same(sorted(entries), sorted((code, key) for _, code, key in rows), "entries of todoke-log(7)")
    for code, _ in entries:
        entry = page.split("\n.B %s " % code, 1)[1].split("\n.TP\n")[0]
        cause, remedy = entry.split("\n.br\n.I Remedy:\n")
        tap.same(len(cause.split("\n", 1)[1]) > 20 and len(remedy) > 5, True, code)


def sources(*folders):
    for folder in folders:
        for path in glob.glob(os.path.join(tap.TOP, folder, "**", "*"), recursive=True):
            if os.path.isfile(path) and os.path.getsize(path) < 1000000:
                with open(path, encoding="utf-8", errors="replace") as file:
                    yield path, file.read()


# Lines that a test elsewhere brings about without their code: the file, and what it says of them.
TESTED_BY = {
    "not-stored-again": ("cmd/test-returns.py", "not stored again"),
    "server-reloaded": ("lmtp/test-lmtpd.py", "loaded anew"),
    "server-keeps-conf": ("lmtp/test-lmtpd.py", "the old configuration stays"),
    "rule-defer": ("cmd/test-procmail.py", "4.7.1"),
    "untrusted": ("cmd/test-trust.py", "4.3.5"),
    "rule-data": ("cmd/test-procmail.py", "5.6.0"),
    "rule-unavailable": ("cmd/test-procmail.py", "5.3.0"),
}

# Faults that are told to a client and never logged.
WITHOUT_WRITER = {"shutdown": "lmtpd answers 421 to who is idle then"}

# Lines that no test can make happen here, with what it would take.
WITHOUT_TEST = {
    "server-ready": "each test of lmtpd waits for it",
    "worker-not-started": "fork must fail in the master",
    "worker-unlimited": "setrlimit must fail",
    "worker-unable": "root's two halves, one of which must vanish",
    "delivery-died": "root's child must die in a delivery",
    "submit-mail": "such mail is kept, so the fault ends as a note",
    "internal": "a fault that nobody foresaw",
}


def test_each_code_of_the_log_is_written_and_tested(_):
    code = "".join(text for path, text in sources("agent", "filters") if path.endswith(".c"))
    tests = "".join(text for path, text in sources("tests") if not path.endswith(("test-manual.py", "test-event.c")))
    missing = []
    for name, number, key in event_rows():
        fault = name.removeprefix("FAULT_") if name.startswith("FAULT_") else None
        written = "STATUS_" + fault if fault else "EVENT_" + name
        tap.same(written in code or key in WITHOUT_WRITER, True, "%s is written by nobody" % written)
        words = (number, "EVENT_" + name, key, *(("STATUS_" + fault,) if fault else ()))
        file, said = TESTED_BY.get(key, ("", ""))
        if file and said in read("tests", file):
            continue
        if key not in WITHOUT_TEST and not any(re.search(r"\b%s\b" % re.escape(word), tests) for word in words):
            missing.append("%s %s" % (number, key))
    tap.same(missing, [], "codes without a test")
    tap.same(sorted(set(WITHOUT_TEST) - {key for _, _, key in event_rows()}), [], "exemptions of codes that are gone")


def test_page_has_each_key_of_the_log(_):
    page = read("agent", "man", "todoke-log.7").replace("\\-", "-")
    keys = re.findall(r'^FIELD\("([^"]+)"', read("agent", "base", "log-field-table.def"), flags=re.M)
    written = set()
    for path, text in sources("agent"):
        if path.endswith((".c", ".h")):
            written.update(re.findall(r'log_line_add(?:_int|_field)?\(line, "([a-z_-]+)"', text))
    tap.same(sorted(written - set(keys)), ["bytes", "count", "event", "messages", "percent"], "keys of lines about a message that the table lacks")
    for key in keys:
        tap.same(re.search(r"^\.B %s$" % re.escape(key), page, flags=re.M) is not None, True, key)


def test_help_of_each_command_fits_a_screen(folder):
    rows = re.findall(r'^CMD\("(\w+)", ', read("agent", "cmd", "cmd-table.def"), flags=re.M)
    for name in rows:
        result = tap.todoke(name, "--help")
        lines = result.stdout.decode().splitlines()
        tap.same((name, result.returncode, len(lines) <= 24, max(map(len, lines)) <= 80), (name, 0, True, True))
    overview = tap.todoke("--help").stdout.decode()
    tap.same((len(overview.splitlines()) <= 24, max(map(len, overview.splitlines())) <= 80), (True, True))


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
