#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The table of defaults in filters/READINGS.md: ours are those of the program, Dovecot's those that doveconf prints where it is installed."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
import tap


def rows():
    with open(os.path.join(tap.TOP, "filters", "READINGS.md"), encoding="utf-8") as file:
        table = file.read().split("## Defaults beside Dovecot's")[1]
    found = [[cell.strip() for cell in line.strip("|").split("|")] for line in table.split("\n") if line.startswith("| ")][1:]
    assert len(found) >= 13, found
    return found


def test_ours(folder):
    conf = os.path.join(folder, "todoke.conf")
    with open(conf, "w", encoding="utf-8") as file:
        file.write("# nothing\n")
    shown = tap.todoke("config", "--all", "-c", conf, tree=False).stdout.decode()
    values = dict(re.findall(r'^(\w+) = "?(.*?)"?  # default$', shown, re.M))
    for name, ours, *_ in rows():
        tap.same(values.get(name), ours, name)


def short(value):
    """2.4 writes a time out, and a size with a blank."""
    number, _, unit = value.partition(" ")
    if unit == "weeks":
        return "%dd" % (int(number) * 7)
    units = {"days": "d", "hours": "h", "mins": "m", "secs": "s"}
    return number + units.get(unit, unit) if number.isdigit() else value


def test_dovecots(_):
    """Those of Pigeonhole stand in no output of doveconf 2.3."""
    if shutil.which("doveconf") is None:
        raise tap.Skip("there is no doveconf here")
    shown = subprocess.run(["doveconf", "-d"], capture_output=True, check=False).stdout.decode()
    values = dict(re.findall(r"^(\w+) = (.*)$", shown, re.M))
    known = [row for row in rows() if row[2] in values]
    assert len(known) >= 6, known
    for _, _, theirs, value, _ in known:
        old, new = re.fullmatch(r"(\S+)(?: \(2\.4: (\S+)\))?", value).groups()
        tap.same(short(values[theirs]), new if dovecot_conf.IS_NEW and new else old, theirs)


def test_a_reason_for_each_difference(_):
    for name, ours, theirs, value, why in rows():
        alike = (ours, value) in (("1w", "7d"),) or ours == value
        tap.same(why == "the same", alike, (name, theirs))


def test_each_has_its_setting_in_the_conversion(_):
    """Where ours differs and Dovecot has a setting, the conversion of a file that sets it says ours."""
    with open(os.path.join(tap.TOP, "agent", "cmd", "convert-dovecot.def"), encoding="utf-8") as file:
        table = file.read()
    for name, _, theirs, _, why in rows():
        if theirs.startswith(("lda_", "sieve_vacation_m", "recipient_")) and name != "sieve_vacation_seconds_min":
            assert re.search(r'"%s",\s*"%s"' % (theirs, name), table), (theirs, name, why)


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
