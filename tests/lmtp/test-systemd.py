#!/usr/bin/env python3
"""The unit files: systemd reads them without a complaint, and the exposure that it counts stays low."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

UNITS = os.path.join(tap.TOP, "contrib", "systemd")


def analyze(*args):
    if shutil.which("systemd-analyze") is None:
        raise tap.Skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, timeout=60, check=False)


def copy_units(folder):
    """With a program that exists, as `verify` wants; nothing else changes."""
    for name in ("todoke-lmtpd.service", "todoke-lmtpd.socket"):
        with open(os.path.join(UNITS, name), encoding="utf-8") as file:
            text = file.read().replace("/usr/bin/todoke", "/bin/true").replace("man:todoke", "file:/todoke")
        with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
            file.write(text)
    return os.path.join(folder, "todoke-lmtpd.service")


def test_units_are_well_formed(folder):
    result = analyze("verify", "--man=no", copy_units(folder))
    complaints = [line for line in result.stderr.splitlines() if "todoke" in line]
    tap.same(complaints, [], "complaints")


def test_exposure_is_low(folder):
    result = analyze("security", "--offline=yes", "--no-pager", copy_units(folder))
    found = re.search(r"exposure level for todoke-lmtpd.service: ([0-9.]+)", result.stdout)
    if found is None:
        raise tap.Skip("this systemd-analyze cannot work offline: " + result.stderr.strip()[:100])
    tap.same(float(found.group(1)) <= 2.0, True, "exposure " + found.group(1))


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
