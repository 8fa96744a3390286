#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""All cases of the recipe engine, one TAP line each. What is expected was written by procmail (tests/diff/recipe-diff --make), or by
hand where a file "ours" in the case says why we differ. With a file "strict" recipe_compat is strict."""
import os
import pathlib
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOP / "tests" / "diff"))
import recipe_oracle as oracle  # noqa: E402

oracle.run_cases(TOP, oracle.by_engine, pathlib.Path("tests/lib/recipe-case").resolve())
