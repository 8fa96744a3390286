# SPDX-License-Identifier: MIT
"""power_alike: which disks are the same one to a delivery that is tried again.

Two tries of one mail leave the same files with other unique names, times, keys and process ids. A disk is described without them: which name
stands where stays, as names are numbered in the order in which they are met. Left out is what no delivery reads: the log, the octets of the
record, and drafts that nothing names. A database is described by what SQLite reads from it.
"""

import contextlib
import functools
import os
import re
import sqlite3
import tempfile

# Unique names of mail, of claims and of drafts.
NAME = re.compile(rb"\d{10}\.M\d+P\d+Q\d+R[0-9a-f]+|(?<=todoke-)(?:[0-9a-f]{34}|[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12})")

# Keys, hashes, times, and how long things took.
VOLATILE = re.compile(rb"\b[0-9a-f]{8,}\b|\d{4}-\d\d-\d\dT[\d:]+Z|\b1[7-9]\d{8}\b")

# A file that was to take the place of another one: NAME.PID, or NAME.RANDOM.PID.
DRAFT = re.compile(r"\.\d+$")

DATABASE = re.compile(r"(.*\.db)(-wal|-journal|-shm)?$")


@functools.lru_cache(maxsize=4096)
def describe(octets):
    """(the octets without what differs from try to try, the unique names in them)"""
    return VOLATILE.sub(b"<>", NAME.sub(b"<name>", octets)), tuple(NAME.findall(octets))


@functools.lru_cache(maxsize=4096)
def describe_database(files):
    """What SQLite reads from ((suffix, octets), ...), or that it cannot."""
    with tempfile.TemporaryDirectory(dir="/dev/shm" if os.access("/dev/shm", os.W_OK) else None) as folder:
        for suffix, octets in files:
            with open(os.path.join(folder, "db" + suffix), "wb") as file:
                file.write(octets)
        try:
            with contextlib.closing(sqlite3.connect(os.path.join(folder, "db"))) as database:
                whole = database.execute("PRAGMA integrity_check").fetchall()
                text = "\n".join([repr(whole), *database.iterdump()])
        except sqlite3.Error as error:
            text = repr(error)
    return describe(text.encode())


def describe_tree(files):
    """A value that is the same for disks that are alike; `files` are (path, octets), and for a folder (path, None)."""
    found, databases = [], {}
    for path, octets in files:
        place, names = describe(os.fsencode(path))
        database = DATABASE.match(path)
        if octets is None:
            found.append((place, b"/", names, ()))
        elif database is not None and database[2] != "-shm":
            databases.setdefault(database[1], []).append((database[2] or "", octets))
            found.append((place, octets != b"", (), ()))
        elif path == "log" or (DRAFT.search(path) and "todoke-state/" in path):
            continue
        elif path.endswith("todoke-state/record"):
            found.append((place, octets[-1:], (), ()))
        else:
            found.append((place, describe(octets)[0], names, describe(octets)[1]))
    found += [(path.encode(), *describe_database(tuple(sorted(of_one))), ()) for path, of_one in databases.items()]
    return numbered(found)


def numbered(found):
    """The descriptions, names in them by numbers; without drafts of mail whose name stands nowhere else."""
    uses = [name for _, _, names, inside in found for name in names + inside]
    numbers, result = {}, []
    for place, octets, names, inside in found:
        if b"/tmp/<name>" in place and uses.count(names[0]) == 1:
            continue
        result.append((place, octets, tuple(numbers.setdefault(name, len(numbers)) for name in names + inside)))
    return frozenset(result)
