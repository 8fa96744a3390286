#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Print a mark field for a test message: make-mark.py ID KEY KIND TIME RECIPIENT < message.eml

KIND: stored, passed or copied (version 2), stored-1 or redirected-1 (version 1).

Written from the text in agent/message/mark.h and agent/message/body-print.h and from nothing else, so that the cases judge the C code.
RECIPIENT must be in canonical form (lower case where the site folds, A-labels). The mark goes above the newest Received line of the
delivery.
"""
import email.parser
import hashlib
import hmac
import re
import sys


def line(name, value):
    if value is None:
        return name + "\n"
    return name + "=" + re.sub(r"[ \t\r\n\f]+", " ", value).strip(" ") + "\n"


def subject(recipient, message):
    header = email.parser.HeaderParser().parsestr(message)
    text = line("Recipient", recipient)
    for name in ("Message-ID", "Date", "From"):
        text += line(name, header.get_all(name, [None])[0])
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()


def body_print(message):
    """The body begins with the empty line behind the header."""
    octets = message.encode("utf-8", "surrogateescape").replace(b"\r", b"")
    end = octets.find(b"\n\n")
    body = (octets[end + 1:] if end >= 0 else b"").rstrip(b"\n")
    return f"{len(body)} {hashlib.md5(body[:65536]).hexdigest()}"


def sign(key, text):
    return hmac.new(bytes.fromhex(key), text.encode(), "sha256").hexdigest()


def mark(key_id, key, kind, time, recipient, message):
    mac = sign(key, f"todoke mark 2\n{kind}\n{time}\n{subject(recipient, message)}\n{body_print(message)}\n")
    return f"X-Todoke-Mark: v=2; k={key_id}; a={kind}; t={time};\n\th={mac}\n"


def mark_1(key_id, key, kind, returns, time, recipient, message):
    mac = sign(key, f"todoke mark 1\n{kind}\n{returns}\n{time}\n{subject(recipient, message)}\n")
    return f"X-Todoke-Mark: v=1; k={key_id}; a={kind}; n={returns}; t={time};\n\th={mac}\n"


if __name__ == "__main__":
    if len(sys.argv) != 6:
        sys.exit(__doc__)
    sys.stdin.reconfigure(errors="surrogateescape", newline="")
    KEY_ID, KEY, KIND, TIME, RECIPIENT = sys.argv[1:]
    MESSAGE = sys.stdin.read()
    if KIND.endswith("-1"):
        sys.stdout.write(mark_1(KEY_ID, KEY, KIND[:-2], 0, int(TIME), RECIPIENT, MESSAGE))
    else:
        sys.stdout.write(mark(KEY_ID, KEY, KIND, int(TIME), RECIPIENT, MESSAGE))
