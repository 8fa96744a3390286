#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Write agent/man/todoke-cookbook.7 from the tasks in tests/cookbook, which tests/cmd/test-cookbook.py runs.

Run it from any folder after a change of a task. With --check it writes nothing, and fails if the page is not what it would write.
"""

import os
import sys

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")
COOKBOOK = os.path.join(TOP, "tests", "cookbook")
PAGE = os.path.join(TOP, "agent", "man", "todoke-cookbook.7")

# Title of a group, and its tasks in the order of the page.
GROUPS = (
    ("Mail into folders", "domain and-not list any-list detail japanese body urgent spam spam-level attachment big no-subject not-to-me night year".split()),
    ("Order and copies", "last-rule two-folders duplicates scores".split()),
    ("Flags and the header", "boss read mark strip subject-tag".split()),
    ("Passed on, answered, refused", "forward copy away refuse drop".split()),
)

HEAD = r""".\" SPDX-License-Identifier: MIT
.\" conf/document-cookbook.py writes this page from tests/cookbook.
.TH TODOKE\-COOKBOOK 7 "2026-11-30" todoke "todoke"
.SH NAME
todoke\-cookbook \- rules for everyday tasks
.SH DESCRIPTION
Some tasks have words in Japanese; a terminal shows them where its locale is a UTF\-8 one.
Each task is done by a recipe in the language of procmail, where it can, and by a Sieve script. Behind them stands what
.B todoke try
prints for a message: where the mail goes, which line of the script asked for it, and why. Put recipes into
.IR ~/.procmailrc ,
a script into
.IR ~/.config/todoke/main.sieve ,
and try them with
.PP
.nf
    todoke try \-\-rcpt taro@example.jp mail.eml
    todoke try \-\-script main.sieve \-d taro@example.jp mail.eml
.fi
.PP
The folders of the recipes lie in the Maildir, as
.B MAILDIR
says:
.PP
.nf
    MAILDIR=$HOME/Maildir
    DEFAULT=$HOME/Maildir/
.fi
"""

FOOT = r""".SH "SEE ALSO"
.BR todoke\-try (1),
.BR todoke\-recipes (7),
.BR todoke\-sieve (7),
.BR todoke.conf (5)
"""


def read_task(name):
    """-> comments on top, sections by name."""
    about, sections = [], {}
    current = about
    with open(os.path.join(COOKBOOK, name), encoding="utf-8") as file:
        for line in file:
            if line.startswith("== "):
                current = sections.setdefault(line[3:].strip(), [])
            else:
                current.append(line)
    return [line.lstrip("# ").rstrip("\n") for line in about], {title: "".join(lines) for title, lines in sections.items()}


def roff(text):
    """Plain text as roff prints it, letter by letter."""
    for sign, escape in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga"), ("^", "\\(ha"), ("~", "\\(ti"), ('"', "\\(dq")):
        text = text.replace(sign, escape)
    return "\n".join("\\&" + line if line.startswith(".") else line for line in text.split("\n"))


def prose(text):
    text = roff(text[0].upper() + text[1:])
    return text if text.endswith(".") else text + "."


def block(title, text):
    lines = "".join("    " + roff(line) + "\n" for line in text.rstrip("\n").split("\n"))
    return ".I %s\n.PP\n.nf\n%s.fi\n" % (title, lines)


def entry(name):
    about, task = read_task(name)
    out = [".SS %s\n" % roff(about[0][0].upper() + about[0][1:])]
    out += [prose(line) + "\n" for line in about[1:]]
    titles = (("Recipe:", "recipes"), ("Sieve:", "sieve"), ("todoke try prints:", "prints"))
    blocks = [block(title, task[key]) for title, key in titles if key in task]
    # a paragraph begins by itself below a title
    return "".join(out) + (".PP\n" if about[1:] else "") + ".PP\n".join(blocks)


def page():
    listed = sorted(name for _, names in GROUPS for name in names)
    if listed != sorted(os.listdir(COOKBOOK)):
        sys.exit("tasks of tests/cookbook that GROUPS lacks, or the other way round: %s" % sorted(set(listed) ^ set(os.listdir(COOKBOOK))))
    parts = [HEAD]
    for title, names in GROUPS:
        parts.append('.SH "%s"\n' % roff(title.upper()))
        parts += [entry(name) for name in names]
    return "".join(parts) + FOOT


def main():
    text = page()
    if sys.argv[1:] == ["--check"]:
        with open(PAGE, encoding="utf-8") as file:
            if file.read() != text:
                sys.exit("agent/man/todoke-cookbook.7 is not what tests/cookbook says: run conf/document-cookbook.py")
        return
    with open(PAGE, "w", encoding="utf-8") as file:
        file.write(text)


if __name__ == "__main__":
    main()
