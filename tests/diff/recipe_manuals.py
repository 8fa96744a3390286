# SPDX-License-Identifier: MIT
"""recipe_manuals: the examples of procmail's manual pages, read from the installed pages, and mail for each of them."""
import gzip
import pathlib
import re

PAGES = [pathlib.Path(f"/usr/share/man/man5/{name}.5.gz") for name in ("procmailex", "procmailsc")]

HEAD = b"From a@b.test Mon Jan  1 00:00:00 2024\nReceived: from h.test by m.test; Mon, 1 Jan 2024 00:00:00 +0000\nMessage-ID: <1@b.test>\n"
MESSAGES = tuple(HEAD + text.encode("latin1") for text in (
    "From: Peter <peter@b.test>\nTo: scuba@list.test\nSubject: on compilers\n\nTeXt\n",
    "From: MAILER-DAEMON@b.test (Mail Delivery Subsystem)\nTo: nobody@m.test\nSubject: Returned mail\nPrecedence: junk\n\nno such user\n",
    "From: Ann <a@b.test>\nTo: surfing@list.test\nSubject: surfing Digest 12\n\nFrom x@y.test Mon Jan  1 00:00:00 2024\nFrom: x@y.test\nSubject: one\n\nfirst\n\n"
    "From z@y.test Mon Jan  1 00:00:00 2024\nFrom: z@y.test\nSubject: two\n\nsecond\n",
    "From: Ann <a@b.test>\nTo: nobody\nSubject: hello\nKeywords: x, y\n\nhow are you?\n",
    "From: Ann <a@b.test>\nTo: nobody@m.test\nX-Loop: your@own.mail.address\nX-Loop: yourname@your.main.mail.address\nSubject: again\n\nloop\n",
    "From: Ann <a@b.test>\nTo: TeX-users@m.test\nSubject: TeX and meeting\n\na meeting\nwith spam\n",
    "From: Ann <a@print-server.test>\nTo: nobody@m.test\nSubject: a page\n\n%!PS-Adobe\nshowpage\n",
    "From: Ann <a@b.test>\nTo: nobody@m.test\nSubject: a page\n\n%!PS-Adobe\nshowpage\n",
    "From: Ann <a@b.test>\nTo: nobody@m.test\nSubject: please retrieve it\n\nthanks\n",
    "From: Ann <a@b.test>\nTo: nobody@m.test\nSubject: send file notes\n\nthanks\n",
    "From: Ann <a@b.test>\nTo: nobody@m.test\nSubject: send file ../.urgent\n\nthanks\n",
    "From: Ann <a@b.test>\nTo: nobody@m.test\nSubject: whatever\nMIME-Version: 1.0\nContent-Type: text/plain; charset=iso-8859-1\n"
    "Content-Transfer-Encoding: quoted-printable\n\ncaf=E9\n",
    "From: Ann <a@b.test>\nTo: nobody@m.test\nSubject: b\nMIME-Version: 1.0\nContent-Type: text/plain\nContent-Transfer-Encoding: base64\n\naGVsbG8K\n",
    "From: urgent@where.test\nTo: nobody@m.test\nSubject: caf\xe9\n\nau lait \xe9\n",
    "From: john@home.test\nTo: mailinglist-request@some.where\nSubject: Re: meeting on skiing\n\n" + "> quoted\nelvis presley :-)\nanswer\n" * 20,
    "From: boss@work.test\nTo: nobody@m.test\nSubject: long\n\n" + "line without a word\n" * 200,
    "From mailinglist-request@some.where\nFrom: bill@b.test\nTo: mailinglist@some.where\nSubject: skiing\n\n> a\nb\n",
))

PROGRAMS = {"lpr": "cat >$MAILDIR/printed", "rcvstore": "cat >$MAILDIR/stored.mh", "mimencode": "echo \"$*\"; cat", "uncompress": ":", "compress": ":"}
FILES = {
    **{"bin/" + name: f"#!/bin/sh\n{text}\n".encode() for name, text in PROGRAMS.items()},
    "sendmail": b'#!/bin/sh\nn=0\nwhile [ -e $MAILDIR/sent.$n ]; do n=$((n+1)); done\n{ for i; do echo "$i"; done; cat; } >$MAILDIR/sent.$n\n',
    ".urgent": b"urgent\n", ".signature": b"Ann\n", "info_file": b"info\n", "fileserver/notes": b"notes\n", "backup/keep": b"", "texmail/keep": b"",
    "wordprocessing/keep": b"", "dtp/keep": b"", "spamfold/keep": b"", "Mail/keep": b"",
}


def plain(line):
    """A line of roff in no-fill mode as it is shown."""
    line = re.sub(r"\\f[BIRP]|\\&", "", line)
    return line.replace("\\-", "-").replace("\\e", "\\").replace("\\\\", "\\")


def examples():
    """-> (name, rc file) of each example that is one."""
    for page in PAGES:
        text = gzip.decompress(page.read_bytes()).decode("latin1") if page.exists() else ""
        for number, match in enumerate(re.finditer(r"^\.Sx \d+\n(.*?)^\.Ex", text, re.M | re.S), 1):
            rc = "".join(plain(line) + "\n" for line in match[1].split("\n")[:-1])
            if re.search(r"^ *:0|^[A-Z]+=", rc, re.M):
                yield f"{page.name.split('.')[0]} {number}", rc


def whole(rc):
    """The example as the rc file of somebody whose programs are stand-ins."""
    return ("HOME=$MAILDIR\nPATH=$MAILDIR/bin:$PATH\nSENDMAIL=$MAILDIR/sendmail\n" + rc + "\nLOG=\"## [$SUBJECT] [$FROM] [$KEYWORDS] [$=] [$?]\n\"\n:0\nrest/\n").encode("latin1")
