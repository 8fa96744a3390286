#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The unit files: systemd reads them without a complaint, the exposure that it counts stays low; and a read-only root."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Client, is_served

UNITS = os.path.join(tap.TOP, "contrib", "systemd")


def analyze(*args):
    if shutil.which("systemd-analyze") is None:
        raise tap.Skip("systemd-analyze is not installed")
    return subprocess.run(["systemd-analyze", *args], capture_output=True, text=True, timeout=tap.PATIENCE, check=False)


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


def test_read_only_root(folder):
    """A container that may write to the mail, the socket's folder and the spool only: small and big mail, reload, stop."""
    if os.geteuid() != 0 or shutil.which("bwrap") is None:
        raise tap.Skip("needs root and bubblewrap")
    box = os.path.join(folder, "box")
    for name in ("", "mail", "spool", "run"):
        os.mkdir(os.path.join(box, name))
        os.chown(os.path.join(box, name), 65534, 65534)
    os.chmod(folder, 0o755)
    inside = ["bwrap", "--ro-bind", "/", "/", "--proc", "/proc", "--dev", "/dev", "--tmpfs", "/var/tmp", "--remount-ro", "/var/tmp",
              "--bind", box, box, "--unshare-pid", "--unshare-ipc", "--unshare-uts", "--cap-drop", "ALL", "--cap-add", "CAP_SETUID",
              "--cap-add", "CAP_SETGID", "--die-with-parent", "setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"]
    if subprocess.run([*inside, "true"], capture_output=True, check=False).returncode != 0:
        raise tap.Skip("bubblewrap cannot work here")
    written = subprocess.run([*inside, "sh", "-c", "touch /var/tmp/x || touch /x || touch %s/x" % folder], capture_output=True, check=False)
    tap.same(written.returncode != 0, True, "the root is read-only")
    path = box + "/run/lmtp"
    server = subprocess.Popen([*inside, tap.TODOKE, "lmtpd", "--listen", "unix:" + path, "-o", "maildir=%s/mail/%%d/%%n" % box,
                               "-o", "lmtp_spool=%s/spool" % box, "-o", "log_file=%s/log" % box, "-o", "key_file="])
    try:
        tap.wait_for("lmtpd", lambda: is_served(path))
        client = Client(path).greet()
        for size in (10, 3000000):
            tap.same(client.deliver("ann@d.test", body="x" * size + "\r\n"), ["250 2.0.0 <ann@d.test> stored in INBOX"])
        tap.same(len(os.listdir(box + "/mail/d.test/ann/new")), 2)
        tap.same(os.listdir(box + "/spool"), [], "the spool")
    finally:
        server.terminate()
        server.wait(tap.PATIENCE)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")], keep_root=True)
