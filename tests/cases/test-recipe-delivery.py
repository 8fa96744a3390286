#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The cases of the recipe engine once more, from end to end: `todoke procmail` with procmail's own command line has to leave the files
that procmail left (what is expected was written by procmail: tests/diff/recipe-diff --make). One TAP line each."""
import os
import pathlib
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "diff"))
import recipe_oracle as oracle  # noqa: E402

oracle.run_cases(TOP, oracle.by_todoke, pathlib.Path("todoke").resolve())
