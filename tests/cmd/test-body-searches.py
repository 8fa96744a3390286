#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Many body tests of one script: what the first ones learned of a part answers the later ones as if each had read it."""

import base64
import os
import random
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

WORDS = ["alpha", "Beta", "GAMMA", "delta", "unsubscribe", "list 20", "caf\u00e9", "\u212aelvin", "a@b", "x", "", "end\n", "two\nlines", "Stra\u00dfe"]
KINDS = ["text/plain; charset=utf-8", "text/html; charset=utf-8", "application/octet-stream"]


def message(chance):
    parts = []
    for _ in range(chance.randint(1, 4)):
        text = " ".join(chance.choice(WORDS) for _ in range(chance.randint(0, 400)))
        kind = chance.choice(KINDS)
        octets = ("<p>" + text + "</p>" if "html" in kind else text).encode()
        parts.append(b"--b\nContent-Type: %s\nContent-Transfer-Encoding: base64\n\n%s" % (kind.encode(), base64.encodebytes(octets)))
    return (b"From: a@b.test\nTo: ann@x.test\nSubject: x\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=b\n\n"
            + b"".join(parts) + b"--b--\n")


def script(chance):
    tests = []
    for number in range(40):
        transform = chance.choice([":text", ":raw", ':content "text"', ':content ""'])
        comparator = chance.choice(["", ':comparator "i;octet" ', ':comparator "i;unicode-casemap" '])
        word = "".join(chance.choice([c.lower(), c.upper()]) for c in chance.choice(WORDS)) if chance.random() < 0.5 else chance.choice(WORDS)
        word += chance.choice(["", "", "", "zqx"])
        how = chance.choice([":contains", ":contains", ":contains", ":is", ":matches", ":count \"ge\""])
        key = "2" if "count" in how else word
        tests.append('if body %s%s %s "%s" { keep; addflag "f%d"; }\n' % (comparator, transform, how, key, number))
    return ('require ["body", "imap4flags", "comparator-i;unicode-casemap", "relational"];\n' + "".join(tests)).encode()


def test_same_answers(folder):
    """Who traces what is compared has each part read for each test; who does not trace has the same actions."""
    seen = set()
    for seed in range(8 if os.environ.get("SANITIZERS") else 25):
        chance = random.Random(seed)
        paths = [os.path.join(folder, name) for name in ("m.eml", "s.sieve")]
        for path, octets in zip(paths, (message(chance), script(chance))):
            with open(path, "wb") as file:
                file.write(octets)
        answers = []
        for level in ("actions", "matching"):
            result = tap.todoke("try", "--trace", level, "--json", "--script", paths[1], paths[0])
            tap.same(result.returncode, 0, result.stderr)
            answers.append([line for line in result.stdout.decode().splitlines() if '"actions"' in line or '"flags"' in line] or result.stdout.decode())
        seen.add(str(answers[0]))
        tap.same(answers[0], answers[1], "seed %d" % seed)
    tap.same(len(seen) > 5, True, "different outcomes")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
