# SPDX-License-Identifier: MIT
"""box_site: a site of two mailboxes whose deliveries are in the box, with tests/faults/hostile.c to act in a message's place."""

import contextlib
import os
import re
import subprocess

import tap

MESSAGE = b"Received: from a by b; Mon, 30 Nov 2026 09:00:00 +0000\nFrom: a@b.test\nMessage-ID: <1@b.test>\nSubject: x\n\nx\n"
BUILD = os.path.dirname(tap.TODOKE)
SHIM = os.path.join(BUILD, "tests/faults/.libs/libhostile.so")
SMALL = os.path.join(BUILD, "tests/faults/hostile-deliver")


def kernel_can():
    found = subprocess.run([tap.TODOKE, "--version"], capture_output=True, text=True, check=True).stdout
    return re.search(r"^sandbox: (.*)$", found, re.M).group(1)


def need(*parts):
    """What this kernel lacks is a named skip; builds with sanitizers have no box."""
    for part in parts:
        if part not in kernel_can():
            raise tap.Skip("no box here: the kernel can do: %s" % kernel_can())
    if not os.path.exists(SHIM):
        raise tap.Skip("not built: %s" % SHIM)


class Site:
    """Two mailboxes of one account, as virtual users have them."""

    def __init__(self, folder, sandbox="on", more=()):
        self.folder = folder
        self.report_path = folder + "/report"
        self.other = folder + "/mail/x.test/bob/new/secret"
        os.makedirs(os.path.dirname(self.other))
        for box in ("ann", "bob"):
            os.makedirs(folder + "/mail/x.test/%s/cur" % box, exist_ok=True)
        for path in (self.other, folder + "/outside"):
            with open(path, "w", encoding="ascii") as file:
                file.write("secret\n")
        rows = {"maildir": folder + "/mail/%d/%n", "tree_memory": "", "early_record_folder": "", "outage_folder": "",
                "log_file": folder + "/log", "key_file": "", "sandbox": sandbox}
        self.options = [word for pair in rows.items() for word in ("-o", "=".join(pair))] + list(more)

    def environment(self, hostile, small=False, **more):
        env = {"TODOKE_HOSTILE": hostile, "TODOKE_HOSTILE_REPORT": self.report_path, **more}
        return env if small else dict(env, LD_PRELOAD=SHIM, ASAN_OPTIONS="verify_asan_link_order=0:detect_leaks=0")

    def deliver(self, hostile="", small=False, env=None, message=MESSAGE):
        if os.path.exists(self.report_path):
            os.unlink(self.report_path)
        whole = {**os.environ, "LC_ALL": "C.UTF-8", **self.environment(hostile, small), **(env or {})}
        whole.pop("TODOKE_CONF", None)
        program = SMALL if small else tap.TODOKE
        return subprocess.run([program, "deliver", *self.options, "-f", "a@b.test", "-d", "ann@x.test", "--queue-id", "4AB1"],
                              input=message, capture_output=True, env=whole, timeout=tap.PATIENCE, check=False)

    def report(self):
        """{what was tried: 0 or the errno}"""
        with contextlib.suppress(FileNotFoundError):
            with open(self.report_path, encoding="utf-8") as file:
                return {line.rsplit(" ", 1)[0]: int(line.rsplit(" ", 1)[1]) for line in file.read().splitlines()}
        return {}

    def log(self):
        with open(self.folder + "/log", encoding="utf-8") as file:
            return file.read()

    def stored(self, box="ann"):
        new = os.path.join(self.folder, "mail/x.test", box, "new")
        return [name for name in os.listdir(new) if name != "secret"] if os.path.isdir(new) else []
