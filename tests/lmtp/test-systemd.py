#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The unit files and the AppArmor profile: systemd reads them without a complaint, the exposure that it counts stays low; and a read-only root."""

import ctypes
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Client, Server
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "out"))
from smtp_peer import Peer

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


def exposure(folder, *drop_ins):
    """What systemd counts for the unit with these drop-ins, whose lines come behind its own."""
    path = copy_units(folder)
    with open(path, encoding="utf-8") as file:
        service, install = file.read().split("[Install]")
    for name in drop_ins:
        with open(os.path.join(UNITS, name), encoding="utf-8") as file:
            service += file.read().replace("[Service]", "") + "\n"
    with open(path, "w", encoding="utf-8") as file:
        file.write(service + "[Install]" + install)
    result = analyze("security", "--offline=yes", "--no-pager", path)
    found = re.search(r"exposure level for todoke-lmtpd.service: ([0-9.]+)", result.stdout)
    if found is None:
        raise tap.Skip("this systemd-analyze cannot work offline: " + result.stderr.strip()[:100])
    return float(found.group(1))


def test_exposure_is_low(folder):
    for most, drop_ins in ((1.5, ()), (3.1, ("todoke-lmtpd-root.conf",)), (2.2, ("todoke-lmtpd-root.conf", "todoke-lmtpd-no-programs.conf"))):
        level = exposure(folder, *drop_ins)
        tap.same(level <= most, True, f"exposure {level} of {drop_ins}")


def test_drop_ins_count_in_the_order_of_their_names(folder):
    """What the second one closes stays closed: systemd reads them sorted, by the names under which their comments want them."""
    del folder
    names = []
    for drop_in in ("todoke-lmtpd-root.conf", "todoke-lmtpd-no-programs.conf"):
        with open(os.path.join(UNITS, drop_in), encoding="utf-8") as file:
            names += re.findall(r"etc/systemd/system/todoke-lmtpd\.service\.d/(\S+\.conf)", file.read())
    tap.same((len(names), sorted(names)), (2, names))


def capabilities(*drop_ins):
    """What the unit with these drop-ins leaves to root."""
    found = set()
    for name in drop_ins:
        with open(os.path.join(UNITS, name), encoding="utf-8") as file:
            for minus, words in re.findall(r"^CapabilityBoundingSet=(~?)(.*)$", file.read(), re.M):
                found = found - set(words.split()) if minus else found | set(words.split())
    return found


CAPABILITIES = ("CAP_CHOWN", "CAP_DAC_OVERRIDE", "CAP_DAC_READ_SEARCH", "CAP_FOWNER", "CAP_FSETID", "CAP_KILL", "CAP_SETGID", "CAP_SETUID")


def limit_to(kept):
    """In the process that becomes lmtpd."""
    PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 24, 38
    libc = ctypes.CDLL(None, use_errno=True)
    for number in range(64):
        if number >= len(CAPABILITIES) or CAPABILITIES[number] not in kept:
            libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0)
    libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


@tap.as_root
def test_capabilities_without_programs(folder):
    """Small and big mail, redirect and vacation, to a mailbox that only its owner can read, with what the drop-in leaves to root."""
    kept = capabilities("todoke-lmtpd-root.conf", "todoke-lmtpd-no-programs.conf")
    tap.same((kept - set(CAPABILITIES), "CAP_CHOWN" in kept), (set(), False))
    os.chmod(folder, 0o755)
    os.makedirs(folder + "/mail/x.test/ann")
    for path in ("/mail", "/mail/x.test", "/mail/x.test/ann"):
        os.chown(folder + path, 64101, 64101)
        os.chmod(folder + path, 0o700)
    script = folder + "/main.sieve"
    with open(script, "w", encoding="ascii") as file:
        file.write('require ["copy", "vacation"]; redirect :copy "far@outside.test"; vacation "away";\n')
    os.chmod(script, 0o644)
    with Peer() as peer:
        more = ("-o", "submit=" + peer.submit, "-o", "sieve_scripts={%s}" % script, "-o", "key_file=", "-o", "early_record_folder=",
                "-o", "outage_folder=")
        with Server(folder, *more, preexec=lambda: limit_to(kept)) as server:
            with open("/proc/%d/status" % server.process.pid, encoding="ascii") as file:
                tap.same(int(re.search(r"^CapEff:\t([0-9a-f]+)$", file.read(), re.M).group(1), 16), sum(1 << CAPABILITIES.index(name) for name in kept))
            for number, size in enumerate((10, 2 * tap.limit("LMTP_SPOOL_MEMORY"))):
                head = "To: ann@x.test\r\nMessage-ID: <%d@x.test>\r\nSubject: x\r\n\r\n" % number
                body = ("x" * 70 + "\r\n") * (size // 72 + 1)
                tap.contains(server.client().greet().deliver("ann@x.test", body=head + body)[0], "250 ", server.read_log())
        stored = glob.glob(folder + "/mail/x.test/ann/new/*")
        tap.same((len(stored), {os.stat(path).st_uid for path in stored}), (2, {64101}))
        tap.same(sorted(peer.recipients()), ["far@outside.test", "far@outside.test", "s@x.test"], "two redirects, one reply to the sender of both")


def test_units_let_the_box_be_entered(folder):
    """No group of calls of older versions of systemd has those of Landlock."""
    del folder
    for name in ("todoke-lmtpd.service", "todoke-lmtpd-no-programs.conf"):
        with open(os.path.join(UNITS, name), encoding="utf-8") as file:
            allowed = set(" ".join(re.findall(r"^SystemCallFilter=([^~\n]+)$", file.read(), re.M)).split())
        needed = {"landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "seccomp"}
        tap.same(needed - allowed, set(), name)


def test_apparmor_profile(folder):
    del folder
    parser = shutil.which("apparmor_parser", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
    if parser is None:
        raise tap.Skip("apparmor_parser is not installed")
    result = subprocess.run([parser, "--skip-kernel-load", "--skip-cache", os.path.join(tap.TOP, "contrib", "apparmor", "usr.bin.todoke")],
                            capture_output=True, text=True, timeout=tap.PATIENCE, check=False)
    tap.same((result.returncode, [line for line in result.stderr.splitlines() if "usr.bin.todoke" in line]), (0, []), result.stderr)


def test_no_memory_is_both_written_and_run(folder):
    """MemoryDenyWriteExecute: the modules, GMime's charsets and SQLite work without such memory."""
    PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN = 65, 1
    libc = ctypes.CDLL(None, use_errno=True)
    if os.fork() == 0:
        os._exit(0 if libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0) == 0 else 1)
    if os.wait()[1] != 0:
        raise tap.Skip("this kernel has no PR_SET_MDWE")

    script = os.path.join(folder, "main.sieve")
    with open(script, "w", encoding="utf-8") as file:
        file.write('require ["fileinto", "mailbox", "duplicate", "regex"];\n'
                   'if allof (header :regex "subject" "[\u3042-\u3093]+", not duplicate) { fileinto :create "Seen"; }\n')
    os.chmod(script, 0o644)
    message = "From: a@b.example\nTo: t@c.example\nSubject: ".encode() + b"=?iso-2022-jp?B?GyRCJDMkcyRLJEEkTxsoQg==?=\n\nx\n"
    options = ["-o", f"maildir={folder}/Maildir", "-o", f"sieve_scripts={{{script}}}", "-o", f"state_folder={folder}/state", "-o", "log_file=" + folder + "/log"]
    result = tap.todoke("deliver", "-f", "a@b.example", "-d", "t@c.example", *options, stdin=message,
                        preexec_fn=lambda: libc.prctl(PR_SET_MDWE, PR_MDWE_REFUSE_EXEC_GAIN, 0, 0, 0))
    tap.same((result.returncode, os.listdir(folder + "/Maildir/.Seen/new") != []), (0, True), result.stdout + result.stderr)


@tap.as_root
def test_read_only_root(folder):
    """A container that may write to the mail, the socket's folder and the spool only: small and big mail, reload, stop."""
    if os.geteuid() != 0 or shutil.which("bwrap") is None:
        raise tap.Skip("needs root and bubblewrap")
    if folder.startswith("/dev/"):  # the container has a /dev of its own
        with tempfile.TemporaryDirectory(prefix="todoke-", dir="/tmp") as elsewhere:
            return test_read_only_root(elsewhere)
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
        tap.wait_for("lmtpd", lambda: tap.is_served(path))
        client = Client(path).greet()
        for size in (10, 3000000):
            tap.same(client.deliver("ann@d.test", body="x" * size + "\r\n"), ["250 2.0.0 <ann@d.test> stored in INBOX"])
        tap.same(len(os.listdir(box + "/mail/d.test/ann/new")), 2)
        tap.same(os.listdir(box + "/spool"), [], "the spool")
    finally:
        server.terminate()
        server.wait(tap.PATIENCE)


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
