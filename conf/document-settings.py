#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write the tables of the source into the manual and the sample file, so that a new row is one edit: the settings of
conf-table.def into todoke.conf and todoke.conf(5), the limits of limits.h into todoke-limits(7), the table of
faults of the disk into todoke-retry(7), the keys of texts and (in English and Japanese) the codes that are answered into
todoke-bounce(7), the findings that block into todoke-setup(8), the keys and codes of the log into todoke-log(7).

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


SENDER = {
    "4.2.0": ("The mailbox cannot be used just now, or another program has locked it.",
              "メールボックスが今は使えないか、ほかのプログラムがロックしています。"),
    "4.2.1": ("The mailbox is on hold, for example while it moves to another server.",
              "メールボックスは、別のサーバーへの移行などのために保留されています。"),
    "4.2.2": ("The mailbox is full, and the mail waits for room. What is urgent should reach the recipient in another way.",
              "メールボックスがいっぱいで、空きができるのを待っています。急ぐ場合は、ほかの手段で受信者に連絡してください。"),
    "4.3.0": ("Something on the recipient's mail server failed or is missing. It is no fault of the mail.",
              "受信者のメールサーバーで何かが失敗したか、足りません。メールに問題はありません。"),
    "4.3.1": ("The disk of the recipient's mail server is full.", "受信者のメールサーバーのディスクがいっぱいです。"),
    "4.3.2": ("The recipient's mail server is too busy, or is just being stopped.", "受信者のメールサーバーは混んでいるか、停止中です。"),
    "4.3.5": ("A setting, a rule or a file on the recipient's mail server is wrong. It is no fault of the mail.",
              "受信者のメールサーバーの設定、規則、またはファイルに誤りがあります。メールに問題はありません。"),
    "4.4.0": ("The recipient's rules pass the mail on, and the mail server there does not take it just now.",
              "受信者の規則がメールを転送しようとしましたが、メールサーバーが今は受け取りません。"),
    "4.4.6": ("The mail goes round in a circle at the recipient's. It is no fault of the mail.",
              "メールが受信者の側で循環しています。メールに問題はありません。"),
    "4.5.3": ("The mail, or what a rule does with it, is over a limit of the recipient's mail server.",
              "メール、または規則がメールに行う処理が、受信者のメールサーバーの上限を超えています。"),
    "4.7.1": ("A rule of the recipient's site holds the mail back for now.", "受信者のサイトの規則が、メールを今は保留しています。"),
    "5.1.1": ("No mailbox has this address. Correct it, or ask the recipient for the right one; the same mail to the same address comes back again.",
              "このアドレスのメールボックスはありません。アドレスを直すか、正しいアドレスを受信者に尋ねてください。同じアドレスに送れば、また戻ってきます。"),
    "5.2.0": ("The recipient's own rules name no place for the mail. Reach the recipient in another way.",
              "受信者の規則に、メールを保存できる場所がありません。ほかの手段で受信者に連絡してください。"),
    "5.2.1": ("The mailbox is there but closed. Reach the recipient in another way.",
              "メールボックスはありますが、閉じられています。ほかの手段で受信者に連絡してください。"),
    "5.2.2": ("The mailbox has been full for too long. Reach the recipient in another way, and send the mail again when there is room.",
              "メールボックスがいっぱいの状態が続いています。ほかの手段で受信者に連絡し、空きができてから送り直してください。"),
    "5.2.3": ("The mail is bigger than the mailbox takes. Send it in parts, or a link in its place.",
              "メールがこのメールボックスの上限より大きいので、分けて送るか、代わりにリンクを送ってください。"),
    "5.3.0": ("The recipient's own rules do not take this kind of mail.", "受信者の規則は、この種のメールを受け取りません。"),
    "5.4.0": ("The recipient's rules pass the mail on, and the place where it went refused it. The sender cannot repair that.",
              "受信者の規則がメールを転送しましたが、転送先に拒否されました。送信者には直せません。"),
    "5.4.6": ("The mail went round in a circle and was stopped; who sends it again sees the same. Tell the postmaster of the recipient.",
              "メールが循環したため、止められました。送り直しても同じです。受信者のサイトのポストマスターに知らせてください。"),
    "5.6.0": ("The recipient's rules, or the mail server that should pass it on, refuse the mail for its content or form.",
              "受信者の規則、または転送するメールサーバーが、内容や形式を理由にメールを拒否しました。"),
    "5.7.1": ("The recipient or the site does not want this mail.", "受信者またはサイトが、このメールを望んでいません。"),
}

REPAIR = {
    "NOBODY": ("Remedy:", "対処:"), "SENDER": ("For the sender:", "送信者:"), "OWNER": ("For the owner:", "メールボックスの持ち主:"),
    "ADMIN": ("For the admin:", "管理者:"), "OWNER_OR_ADMIN": ("For the owner or the admin:", "メールボックスの持ち主または管理者:"),
}


def translations():
    """What po/ja.po has, by the English text."""
    with open(os.path.join(HERE, "..", "po", "ja.po"), encoding="utf-8") as catalogue:
        text = re.sub(r'"\n"', "", catalogue.read())
    return {unescape(entry): unescape(words) for entry, words in re.findall(r'^msgid "((?:[^"\\]|\\.)*)"\nmsgstr "((?:[^"\\]|\\.)*)"', text, flags=re.M)}


def codes(language):
    """Each enhanced code that is answered: what the sender reads in it, and below it each fault that has it, with its remedy."""
    words = translations() if language else None
    told = {row[0]: row[1:] for row in re.findall(r"^CODE\((\w+), *(\w+),\s*N_\(%s\),\s*N_\(%s\)\)" % (STRING, STRING), source("cmd", "code-table.def"), flags=re.M)}
    faults = {}
    for fault, name, code, text in re.findall(r'^STATUS\((\w+), *"([^"]+)", *\w+, *"([^"]+)", *\d+, *"(.*)"\)', source("base", "status-table.def"), flags=re.M):
        if fault != "OK":
            faults.setdefault(code, []).append((name, text, *told[fault]))
    out = []
    for code, rows in sorted(faults.items()):
        out.append(".TP\n.B %s\n%s\n.RS\n" % (code, roff(SENDER[code][language])))
        for name, text, who, *texts in rows:
            cause, remedy = (words[unescape(part)] if language else unescape(part) for part in texts)
            text = text + " / " + words[text] if language and text in words else text
            out.append(".TP\n.B %s\n\\(lq%s\\(rq. %s\n.br\n.I %s\n%s\n" % (roff(name), roff(text), roff(cause), REPAIR[who][language], roff(remedy)))
        out.append(".RE\n")
    return "".join(out)


def blocking():
    """The findings of `todoke setup` that keep --apply from its work."""
    rows = re.findall(r"^FINDING\(%s, BLOCKS, %s\)$" % (STRING, STRING), source("cmd", "setup-finding.def"), flags=re.M)
    return "".join(".TP\n.B %s\n%s.\n" % (roff(code), roff(unescape(when))) for code, when in rows)


replace(os.path.join(MAN, "todoke-log.7"), ".TP\n.B to\n", ".SH OUTAGES", log_fields())
replace(os.path.join(MAN, "todoke-log.7"), '.SS "Delivered', ".SH EXAMPLES", events())
replace(os.path.join(HERE, "todoke.conf"), "# Who the recipients are, and", "# Rules about header fields", sample())
replace(os.path.join(MAN, "todoke.conf.5"), '.SS "Who the recipients are', ".SH RULES", manual())
replace(os.path.join(MAN, "todoke.conf.5"), "\\fB", "The other settings are the same", scoped())
replace(os.path.join(MAN, "todoke-limits.7"), ".TP\n.B LIMIT_", ".SH BUDGETS", limits())
replace(os.path.join(MAN, "todoke-retry.7"), ".nf\n\\fBobject", ".PP\nA passing fault", outcomes())
replace(os.path.join(MAN, "todoke-bounce.7"), KEYS, ".SH EXAMPLES", KEYS + texts())
replace(os.path.join(MAN, "todoke-bounce.7"), ".TP\n.B 4.", '.SH "WORDS OF YOUR OWN"', codes(0))
replace(os.path.join(MAN, "ja", "todoke-bounce.7"), ".TP\n.B 4.", ".SH 文面を変える", codes(1))
replace(os.path.join(MAN, "todoke-setup.8"), ".TP\n.B aliases", '.SH "EXIT STATUS"', blocking())
