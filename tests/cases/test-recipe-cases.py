#!/usr/bin/env python3
"""All cases of the recipe engine, one TAP line each. What is expected was written by procmail (tests/diff/recipe-diff --make), or by
hand where a file "ours" in the case says why we differ. With a file "strict" recipe_compat is strict."""
import concurrent.futures
import os
import pathlib
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "diff"))
import recipe_oracle as oracle  # noqa: E402

CASES = TOP / "tests" / "cases" / "recipe"
PROGRAM = pathlib.Path("tests/lib/recipe-case").resolve()


def main():
    folders = sorted(p.parent for p in CASES.glob("*/rc"))
    print(f"1..{len(folders)}")
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        results = pool.map(lambda f: oracle.by_engine(PROGRAM, *oracle.load(f), (f / "strict").exists()), folders)
        for n, (folder, (got, said)) in enumerate(zip(folders, results), 1):
            good = got == (folder / "expect").read_bytes()
            print(f"{'ok' if good else 'not ok'} {n} - {folder.name}")
            for line in () if good else (got + said).decode("utf-8", "replace").split("\n"):
                print(f"# {line}")


main()
