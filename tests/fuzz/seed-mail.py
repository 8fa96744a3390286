#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Make seed corpora of tests/cases and tests/fuzz/corpus: seed-mail.py mime|sieve|recipe TESTS CORPUS.

mime: all messages. sieve, recipe: each case is a seed, in parse/ its script or rc file, in run/ with its message behind a mark; and what
was found.
"""
import pathlib
import shutil
import sys


def seed_mime(tests, corpus):
    messages = [*sorted(tests.glob("cases/**/*.eml")), *sorted(tests.glob("fuzz/corpus/mime/*.eml"))]
    for number, message in enumerate(messages, 1):
        shutil.copyfile(message, corpus / ("%d.eml" % number))


def message_of(case):
    """Its own or that of the nearest folder above."""
    return next(folder / "message.eml" for folder in (case, *case.parents) if (folder / "message.eml").is_file())


def seed_cases(cases, name, corpus):
    for script in cases.glob("**/" + name):
        seed = "-".join(script.parent.relative_to(cases).parts)
        shutil.copyfile(script, corpus / "parse" / seed)
        (corpus / "run" / seed).write_bytes(script.read_bytes() + b"\n%%\n" + message_of(script.parent).read_bytes())


def copy_all(folder, corpus):
    for file in folder.iterdir():
        shutil.copy(file, corpus)


def make_parts(corpus):
    for part in ("parse", "run"):
        (corpus / part).mkdir()


def seed_sieve(tests, corpus):
    make_parts(corpus)
    for part in ("parse", "run"):
        # What the fuzzer found that goes where no case goes, the least set of it: names are hashes of the contents.
        copy_all(tests / "fuzz/corpus" / ("sieve-" + part), corpus / part)
    for find in (tests / "fuzz/corpus/sieve").iterdir():
        shutil.copy(find, corpus / find.name.partition("-")[0])
    seed_cases(tests / "cases/sieve", "script.sieve", corpus)


def seed_recipe(tests, corpus):
    make_parts(corpus)
    copy_all(tests / "diff/corpus", corpus / "parse")
    copy_all(tests / "fuzz/corpus/recipe", corpus / "parse")
    copy_all(tests / "fuzz/corpus/recipe-run", corpus / "run")
    seed_cases(tests / "cases/recipe", "rc", corpus)


if __name__ == "__main__":
    {"mime": seed_mime, "sieve": seed_sieve, "recipe": seed_recipe}[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
