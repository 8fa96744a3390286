#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the tables of the source into the manual and the sample file, so that a new row is one edit: the settings of
conf-table.def into todoke.conf and todoke.conf(5), the limits of limits.h into todoke-limits(7), the table of
faults of the disk into todoke-retry(7), the keys of texts into todoke-bounce(7), the keys and codes of the log into todoke-log(7).

Run it from any folder after a change of a table; tests/cmd/test-manual.py checks what it wrote.
"""

import os
import re
import textwrap

HERE = os.path.dirname(os.path.abspath(__file__))
ROW = re.compile(r'CONF\((\w+),\s*(\w+),\s*"((?:[^"\\]|\\.)*)",\s*(\w+),\s*(\w+),\s*"([^"]*)",\s*"((?:[^"\\]|\\.)*)"\)$')


def unescape(text):
    return re.sub(r"\\(.)", r"\1", text)


def groups():
    """(title, rows) in the order of the table."""
    found = []
    with open(os.path.join(HERE, "conf-table.def"), encoding="utf-8") as table:
        for line in table.read().split("*/", 1)[1].splitlines():
            title = re.fullmatch(r"/\* (.*?)\.? \*/", line)
            if title:
                found.append((title[1], []))
            elif line.startswith("CONF("):
                line = line.replace('TODOKE_SYSCONFDIR "', '"/etc/todoke')  # make install has the right one in its place
                kind, name, default, low, high, choices, text = ROW.match(line).groups()
                found[-1][1].append((kind, name, unescape(default), low, high, choices, unescape(text)))
    return found


def quoted(text):
    return '"%s"' % text.replace("\\", "\\\\").replace('"', '\\"')


def value(kind, default):
    if kind == "LIST":
        return "{%s}" % ", ".join(quoted(item.strip()) for item in default.split(",") if item.strip())
    if kind == "TEXT" or not re.fullmatch(r"[\w.-]+", default):
        return quoted(default)
    return default


def sentence(text):
    text = text.replace("`", "")
    return text[0].upper() + text[1:] + "."


def bounds(kind, low, high, choices):
    if kind == "ENUM":
        return "one of " + choices.replace("|", ", ")
    if kind in ("BOOL", "TEXT", "LIST"):
        return {"BOOL": "yes or no", "TEXT": "text", "LIST": "a list"}[kind]
    noun = {"INT": "a whole number", "SIZE": "a size", "TIME": "a time"}[kind]
    unit = {"INT": "", "SIZE": " bytes", "TIME": " seconds"}[kind]
    if high.startswith("G_MAXINT"):
        return "%s, at least %s%s" % (noun, low, unit)
    return "%s from %s to %s%s" % (noun, low, high, unit)


def sample():
    out = []
    for title, rows in groups():
        out.append("# %s.\n" % title)
        for kind, name, default, _, _, choices, text in rows:
            one_of = "# One of: %s\n" % choices.replace("|", ", ") if kind == "ENUM" else ""
            words = textwrap.fill(sentence(text), 120, initial_indent="# ", subsequent_indent="# ", break_on_hyphens=False)
            out.append("%s\n%s#%s = %s\n" % (words, one_of, name, value(kind, default)))
    return "\n".join(out) + "\n"


def roff(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha").replace('"', "\\(dq").replace("'", "\\(aq")
    return "\\&" + text if text[0] in ".'" else text


def manual():
    out = []
    for title, rows in groups():
        out.append('.SS "%s"\n' % title)
        for kind, name, default, low, high, choices, text in rows:
            high = "0777" if name == "umask" else high
            out.append(".TP\n.B %s = %s\n%s\n(%s)\n" % (name, roff(value(kind, default)), roff(sentence(text)), roff(bounds(kind, low, high, choices))))
    return "".join(out)


def scoped():
    """The settings that may stand in a block for some recipients."""
    with open(os.path.join(HERE, "conf-scope.def"), encoding="utf-8") as table:
        names = re.findall(r"^SCOPED\((\w+)\)$", table.read(), flags=re.M)
    return ",\n".join("\\fB%s\\fP" % name for name in names) + ".\n"


def limits():
    """Entries of limits.h: a comment, and the names and values below it."""
    out = []
    with open(os.path.join(HERE, "..", "agent", "base", "limits.h"), encoding="utf-8") as header:
        entries = re.findall(r"/\*\s((?:(?!\*/).)*?)\s*\*/\n((?:#define LIMIT_[^\n]*\n)+)", header.read().split("#define TODOKE_LIMITS_H", 1)[1], flags=re.S)
    for text, defines in entries:
        rows = re.findall(r"#define (\w+) (.+)", defines)
        values = ", ".join("%s = %d" % (name, eval(re.sub(r"(?<=\d)u", "", value), {})) for name, value in rows)
        words = " ".join(line.strip(" *\t") for line in text.splitlines()).strip()
        out.append(".TP\n.B %s\n%s\n" % (values, roff(words)))
    return "".join(out)


OUTCOMES = {
    "PUT_OFF": "put off (4.x.x)", "PUT_OFF_A_DAY": "put off, for defer_at_most", "NEXT_PLACE": "as if there were none",
    "LAST_GOOD": "last version, else INBOX", "MAKE": "made", "INBOX": "INBOX, with a note", "GO_ON": "goes on, with a note",
}


def outcomes():
    """What becomes of the mail, by object and kind of fault."""
    out = [".nf\n\\fB%-26s %-27s %-22s %s\\fP\n" % ("object", "passing fault", "missing", "lasting fault")]
    with open(os.path.join(HERE, "..", "agent", "base", "outcome-table.def"), encoding="utf-8") as table:
        rows = re.findall(r'^OUTCOME\(\w+, +(\w+), +(\w+), +(\w+), +"([^"]+)"\)', table.read(), flags=re.M)
    for passing, missing, lasting, text in rows:
        out.append(roff("%-26s %-27s %-22s %s" % (text, OUTCOMES[passing], OUTCOMES[missing], OUTCOMES[lasting])).rstrip() + "\n")
    return "".join(out) + ".fi\n"


TEXTS = {
    "bounce.refusal": "the mail is in a loop, or a header rule refuses or defers it; {reason} names the proof or the rule",
    "notice.loop.subject": "to the owner: mail that the owner's rules passed on came back; this is the subject",
    "notice.loop.body": "the text of that notice",
    "notice.rules.subject": "to the owner: a script with rules could not be used",
    "notice.rules.body": "the text of that notice; {errors} is the list of errors",
    "notice.rules.last-good": "the text for {instead} in notice.rules.body if an earlier version of the script runs in its place",
    "notice.rules.none": "the text for {instead} in notice.rules.body if no earlier version runs",
    "notice.rules.again": "the text for {again} in notice.rules.body, for Sieve scripts: a script that was corrected and is wrong again brings a new notice",
    "notice.refused.subject": "to the owner: mail that the rules passed on was refused",
    "notice.refused.body": "the text of that notice; {header} is From, Subject and Message-ID of the mail",
    "notice.quota.subject": "to the owner: the mailbox has reached a threshold of quota_warnings",
    "notice.quota.body": "the text of that notice; {percent} is the threshold, {fill} one of the three texts below",
    "notice.quota.full.subject": "to the owner: the mailbox is full (100% in quota_warnings)",
    "notice.quota.full.body": "the text of that notice",
    "notice.quota.bytes": "the text for {fill} where octets are limited, as 81 MB of 100 MB",
    "notice.quota.messages": "the text for {fill} where the number of messages is limited",
    "notice.quota.both": "the text for {fill} where both are limited",
}


KEYS = "the sentence of a failure. {text}: what todoke would say; {name}: the name of the fault. NAME is one of\n"


def texts():
    """The keys of text-table.def with their placeholders, below those of the faults."""
    base = os.path.join(HERE, "..", "agent", "base")
    with open(os.path.join(base, "status-table.def"), encoding="utf-8") as table:
        names = [name for name in re.findall(r'^STATUS\(\w+, *"([^"]+)"', table.read(), flags=re.M) if name != "ok"]
    out = [roff(", ".join(names)) + ".\n"]
    with open(os.path.join(base, "text-table.def"), encoding="utf-8") as table:
        rows = re.findall(r'^TEXT\(\w+, "([^"]+)", "([^"]*)"', table.read(), flags=re.M)
    for key, names in rows:
        holders = ", ".join("{%s}" % name for name in names.split())
        out.append(".TP\n.B %s\n%s.%s\n" % (roff(key), roff(TEXTS[key]), " " + roff("Placeholders: %s." % holders) if holders else ""))
    return "".join(out)


def replace(path, first, last, text):
    """Put `text` between the lines that begin with `first` (kept out) and `last` (kept)."""
    with open(path, encoding="utf-8") as file:
        old = file.read()
    start, end = old.index(first), old.index(last)
    with open(path, "w", encoding="utf-8") as file:
        file.write(old[:start] + text + old[end:])


AGENT = os.path.join(HERE, "..", "agent")
MAN = os.path.join(HERE, "..", "agent", "man")
STRING = r'"((?:[^"\\]|\\.)*)"'


def source(*path):
    with open(os.path.join(AGENT, *path), encoding="utf-8") as file:
        return file.read()


def events():
    """The codes of the log: those of faults have the texts that `todoke code` has for them."""
    names = dict(re.findall(r'^STATUS\((\w+), *"([^"]+)"', source("base", "status-table.def"), flags=re.M))
    texts = {row[0]: row[1:] for row in re.findall(r"^CODE\((\w+), *\w+,\s*N_\(%s\),\s*N_\(%s\)\)" % (STRING, STRING), source("cmd", "code-table.def"), flags=re.M)}
    table = source("base", "event-table.def").split("*/", 2)[2]
    rows = re.findall(r"^/\* (.*?) \*/$|^EVENT\(\w+, %s, %s,\s*N_\(%s\),\s*N_\(%s\)\)|^FAULT\((\w+), %s\)" % ((STRING,) * 5), table, flags=re.M)
    out = []
    for title, code, key, cause, remedy, fault, fault_code in rows:
        if title:
            out.append('.SS "%s"\n' % roff(title.rstrip(".")))
            continue
        if fault:
            code, key, (cause, remedy) = fault_code, names[fault], texts[fault]
        out.append(".TP\n.B %s %s\n%s\n.br\n.I Remedy:\n%s\n" % (code, roff(key), roff(unescape(cause)), roff(unescape(remedy))))
    return "".join(out)


def log_fields():
    rows = re.findall(r"^FIELD\(%s, (true|false), %s\)$" % (STRING, STRING), source("base", "log-field-table.def"), flags=re.M)
    return "".join(".TP\n.B %s\n%s%s\n" % (roff(key), roff(sentence(unescape(text))), " Can be masked." if mask == "true" else "") for key, mask, text in rows)


replace(os.path.join(MAN, "todoke-log.7"), ".TP\n.B to\n", ".SH OUTAGES", log_fields())
replace(os.path.join(MAN, "todoke-log.7"), '.SS "Delivered', ".SH EXAMPLES", events())
replace(os.path.join(HERE, "todoke.conf"), "# Who the recipients are, and", "# Rules about header fields", sample())
replace(os.path.join(MAN, "todoke.conf.5"), '.SS "Who the recipients are', ".SH RULES", manual())
replace(os.path.join(MAN, "todoke.conf.5"), "\\fB", "The other settings are the same", scoped())
replace(os.path.join(MAN, "todoke-limits.7"), ".TP\n.B LIMIT_", ".SH BUDGETS", limits())
replace(os.path.join(MAN, "todoke-retry.7"), ".nf\n\\fBobject", ".PP\nA passing fault", outcomes())
replace(os.path.join(MAN, "todoke-bounce.7"), KEYS, ".SH EXAMPLES", KEYS + texts())
