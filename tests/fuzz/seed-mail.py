#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
Make seed corpora of tests/cases and tests/fuzz/corpus: seed-mail.py mime|sieve|recipe TESTS CORPUS.

mime: all messages. sieve: each case is a seed, in parse/ its script, in run/ with its message behind a mark; and what was found, of
which the name says to whom it belongs. recipe: each case of recipes with its message, in the same form.
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


def seed_sieve(tests, corpus):
    for target in ("parse", "run"):
        (corpus / target).mkdir()
        # What the fuzzer found that goes where no case goes, the least set of it: names are hashes of the contents.
        for find in (tests / "fuzz/corpus" / ("sieve-" + target)).iterdir():
            shutil.copy(find, corpus / target)
    for find in (tests / "fuzz/corpus/sieve").iterdir():
        shutil.copy(find, corpus / find.name.partition("-")[0])
    cases = tests / "cases/sieve"
    for script in cases.glob("**/script.sieve"):
        name = "-".join(script.parent.relative_to(cases).parts)
        shutil.copyfile(script, corpus / "parse" / name)
        (corpus / "run" / name).write_bytes(script.read_bytes() + b"\n%%\n" + message_of(script.parent).read_bytes())


def seed_recipe(tests, corpus):
    for find in (tests / "fuzz/corpus/recipe-run").iterdir():
        shutil.copy(find, corpus)
    for case in (tests / "cases/recipe").glob("*/rc"):
        (corpus / case.parent.name).write_bytes(case.read_bytes() + b"\n%%\n" + message_of(case.parent).read_bytes())


if __name__ == "__main__":
    {"mime": seed_mime, "sieve": seed_sieve, "recipe": seed_recipe}[sys.argv[1]](pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]))
