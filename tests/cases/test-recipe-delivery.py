#!/usr/bin/env python3
"""The cases of the recipe engine once more, from end to end: `todoke procmail` with procmail's own command line has to leave the files
that procmail left (what is expected was written by procmail: tests/diff/recipe-diff --make). One TAP line each."""
import concurrent.futures
import os
import pathlib
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "diff"))
import recipe_oracle as oracle  # noqa: E402

CASES = TOP / "tests" / "cases" / "recipe"
PROGRAM = pathlib.Path("todoke").resolve()


def main():
    folders = sorted(p.parent for p in CASES.glob("*/rc"))
    print(f"1..{len(folders)}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda f: oracle.by_todoke(PROGRAM, *oracle.load(f), (f / "strict").exists()), folders)
        for n, (folder, (got, said)) in enumerate(zip(folders, results), 1):
            good = got == (folder / "expect").read_bytes()
            print(f"{'ok' if good else 'not ok'} {n} - {folder.name}")
            for line in () if good else (got + said).decode("utf-8", "replace").split("\n"):
                print(f"# {line}")


main()
