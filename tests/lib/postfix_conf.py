# SPDX-License-Identifier: MIT
"""A Postfix's configuration in a scratch folder, and `todoke setup postfix` that looks at it."""

import json
import os
import shutil

import tap

os.environ["PATH"] += ":/usr/sbin"
POSTCONF = shutil.which("postconf")
NAME = "mx.example.jp" # what main.cf and todoke.conf call this host


def long_ago(path):
    """Postfix waits a second or two for a file that has just changed to become quiet."""
    for name in ("main.cf", "master.cf"):
        os.utime(os.path.join(path, name), (1, 1))


def write(folder, main, master, mode=0o644):
    """The two files in FOLDER/etc; its path."""
    if POSTCONF is None:
        raise tap.Skip("there is no postconf here")
    path = os.path.join(folder, "etc")
    os.mkdir(path)
    for name, text in (("main.cf", main), ("master.cf", master)):
        with open(os.path.join(path, name), "w", encoding="utf-8") as file:
            file.write(text)
        os.chmod(os.path.join(path, name), mode)
    long_ago(path)
    return path


def setup(path, *args, **more):
    return tap.todoke("setup", "postfix", "-C", path, "--program", "/usr/bin/todoke", "-o", "myhostname=" + NAME, *args, **more)


def plan(path, *args):
    answer = json.loads(setup(path, "--json", *args).stdout)
    tap.same(answer["schema"], "todoke.setup/1")
    return answer


def codes(path, *args):
    return [finding["code"] for finding in plan(path, *args)["findings"]]
