#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Recipes beside the very procmail, in this run: each case, and random rc files. Skipped where procmail is not installed."""
import os
import pathlib
import subprocess
import sys

TOP = pathlib.Path(os.environ.get("top_srcdir", "."))
sys.exit(subprocess.run([sys.executable, str(TOP / "tests" / "diff" / "recipe-diff"), ".", "--tap"], check=False).returncode)
