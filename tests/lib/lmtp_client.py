# SPDX-License-Identifier: MIT
"""lmtp_client: a client for tests that says exactly what it is told, and a lmtpd to talk to."""

import contextlib
import os
import signal
import socket
import subprocess

import tap


def kill(pid):
    """It may have ended by itself in the meantime."""
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


class Client:
    def __init__(self, where):
        if isinstance(where, socket.socket):
            self.socket = where
        else:
            family = socket.AF_UNIX if isinstance(where, str) else socket.AF_INET
            self.socket = socket.socket(family, socket.SOCK_STREAM)
            self.socket.connect(where)
        self.socket.settimeout(tap.PATIENCE)
        self.file = self.socket.makefile("rb")

    def read(self):
        """One reply, its lines joined with '|'; '' at the end of the connection."""
        lines = []
        while True:
            try:
                line = self.file.readline().decode().rstrip("\r\n")
            except ConnectionResetError:  # an end too: octets of ours were still on their way
                line = ""
            lines.append(line)
            if line[3:4] != "-":
                return "|".join(lines)

    def send(self, octets):
        self.socket.sendall(octets if isinstance(octets, bytes) else octets.encode())

    def say(self, line):
        self.send(line + "\r\n")
        return self.read()

    def greet(self):
        tap.contains(self.read(), "220 ", "greeting")
        tap.contains(self.say("LHLO test"), "PIPELINING", "LHLO")
        return self

    def begin(self, *recipients, sender="s@x.test"):
        """MAIL, RCPT and DATA; all have to pass."""
        tap.contains(self.say("MAIL FROM:<%s>" % sender), "250 ", "MAIL")
        for recipient in recipients:
            tap.contains(self.say("RCPT TO:<%s>" % recipient), "250 ", "RCPT")
        tap.contains(self.say("DATA"), "354 ", "DATA")

    def deliver(self, *recipients, body="Subject: x\r\n\r\nbody\r\n"):
        """One message; the replies of all recipients."""
        self.begin(*recipients)
        self.send(body + ".\r\n")
        return [self.read() for _ in recipients]

    def close(self):
        self.file.close()
        self.socket.close()


class Server:
    """lmtpd on a unix socket in `folder`, with virtual users below folder/mail."""

    def __init__(self, folder, *args, env=None, preexec=None, pass_fds=(), conf=None, listen=True):
        self.folder = folder
        self.path = folder + "/socket"
        self.log = folder + "/log"
        command = [tap.TODOKE, "lmtpd", "-o", "log_file=" + self.log, "-o", "add_mark=no", "-o", "tree_memory=%s/trees" % folder]
        command += ["-o", "maildir=%s/mail/%%d/%%n" % folder] if conf is None else ["-c", conf]
        command += ["--listen", "unix:" + self.path] if listen else []
        whole = dict(os.environ, LC_ALL="C.UTF-8", **(env or {}))
        whole.pop("TODOKE_CONF", None)
        os.makedirs(folder + "/mail", exist_ok=True)
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.process = subprocess.Popen(command + list(args), env=whole, preexec_fn=preexec, pass_fds=pass_fds,
                                        stderr=subprocess.PIPE)
        self.wait_for(lambda: "is ready" in self.read_log() or self.process.poll() is not None)

    def wait_for(self, condition):
        try:
            tap.wait_for("lmtpd", condition)
        except AssertionError as error:
            raise AssertionError("%s; log:\n%s" % (error, self.read_log())) from None

    def read_log(self):
        try:
            with open(self.log, encoding="utf-8") as file:
                return file.read()
        except FileNotFoundError:
            return ""

    def workers(self):
        with open("/proc/%d/task/%d/children" % (self.process.pid, self.process.pid), encoding="ascii") as file:
            return [int(pid) for pid in file.read().split()]

    def client(self):
        return Client(self.path)

    def stored(self, box):
        """The messages in new/ of `box`, without our stamps; nothing may be left in tmp/."""
        root = os.path.join(self.folder, "mail", box)
        tap.same(tap.litter(root), [], "tmp")
        new = os.path.join(root, "new")
        found = []
        for name in sorted(os.listdir(new)) if os.path.isdir(new) else []:
            with open(os.path.join(new, name), "rb") as file:
                found.append(file.read())
        return found

    def stop(self, sig=signal.SIGTERM):
        """End it and return the exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            self.process.wait(tap.PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            raise
        self.process.stderr.close()
        return self.process.returncode

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
