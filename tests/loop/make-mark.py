#!/usr/bin/env python3
"""Print a mark field for a test message: make-mark.py ID KEY stored|redirected RETURNS TIME RECIPIENT < message.eml

Written from the text in agent/message/mark.h and from nothing else, so that the cases judge the C code. RECIPIENT must be in
canonical form (lower case where the site folds, A-labels). The mark goes above the newest Received line of the delivery.
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


def mark(key_id, key, kind, returns, time, recipient, message):
    header = email.parser.HeaderParser().parsestr(message)
    subject = line("Recipient", recipient)
    for name in ("Message-ID", "Date", "From"):
        subject += line(name, header.get_all(name, [None])[0])
    digest = hashlib.sha256(subject.encode("utf-8", "surrogateescape")).hexdigest()
    text = f"todoke mark 1\n{kind}\n{returns}\n{time}\n{digest}\n"
    mac = hmac.new(bytes.fromhex(key), text.encode(), "sha256").hexdigest()
    return f"X-Todoke-Mark: v=1; k={key_id}; a={kind}; n={returns}; t={time};\n\th={mac}\n"


if __name__ == "__main__":
    if len(sys.argv) != 7:
        sys.exit(__doc__)
    sys.stdin.reconfigure(errors="surrogateescape")
    sys.stdout.write(mark(*sys.argv[1:4], int(sys.argv[4]), int(sys.argv[5]), sys.argv[6], sys.stdin.read()))
