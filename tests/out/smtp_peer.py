# SPDX-License-Identifier: MIT
"""smtp_peer: the other side of an SMTP connection, which does what a test tells it to.

A script is a dict from step (greeting, EHLO, MAIL, RCPT, DATA, DOT) to what happens there: a reply ("451 4.3.0 later"), "die"
(the connection is closed), "hang" (nothing for as long as the peer lives), "die in data" (closed after the first
octets of the message). Steps that are not in it are answered as a good server does.
"""
import os
import re
import socket
import sys
import threading

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

GOOD = {"greeting": "220 peer.test ESMTP", "EHLO": "250-peer.test\r\n250-DSN\r\n250-8BITMIME\r\n250 SMTPUTF8", "MAIL": "250 2.1.0 ok",
        "RCPT": "250 2.1.5 ok", "DATA": "354 go ahead", "DOT": "250 2.0.0 queued", "QUIT": "221 bye", "RSET": "250 ok"}


class Gone(Exception):
    pass


class Peer:
    """Listens on a port of loopback, or on a unix socket; `mails` are (MAIL line, RCPT line, message) that it took."""

    def __init__(self, script=None, path=None):
        self.script = dict(script or {})
        self.mails = []
        self.commands = []
        self.talks = []
        self.over = threading.Event()
        self.socket = socket.socket(socket.AF_UNIX if path else socket.AF_INET)
        if path:
            self.socket.bind(path)
            self.submit = "smtp:unix:" + path
        else:
            self.socket.bind(("127.0.0.1", 0))
            self.submit = "smtp:127.0.0.1:%d" % self.socket.getsockname()[1]
        self.socket.listen(8)
        self.thread = threading.Thread(target=self.accept, daemon=True)
        self.thread.start()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        # A thread that still accepts on a number that was closed would take the connections of the next peer.
        self.over.set()
        self.socket.shutdown(socket.SHUT_RDWR)
        self.thread.join(10)
        self.socket.close()

    def accept(self):
        while not self.over.is_set():
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            connection.settimeout(tap.PATIENCE)
            talk = threading.Thread(target=self.talk, args=(connection,), daemon=True)
            self.talks.append(talk)
            talk.start()

    def talk(self, connection):
        with connection, connection.makefile("rb") as lines:
            try:
                self.converse(connection, lines)
            except (Gone, OSError):
                pass

    def say(self, connection, step):
        what = self.script.get(step, GOOD.get(step, "250 ok"))
        if what == "die":
            raise Gone()
        if what == "hang":
            self.over.wait(tap.PATIENCE)
            raise Gone()
        connection.sendall(what.encode() + b"\r\n")
        if what.startswith("421"):
            raise Gone()
        return what[0] in "23"

    def converse(self, connection, lines):
        self.say(connection, "greeting")
        mail = rcpt = None
        while True:
            line = lines.readline()
            if not line:
                return
            text = line.decode().rstrip("\r\n")
            self.commands.append(text)
            step = text[:4].upper()
            good = self.say(connection, step) if step != "DATA" or self.script.get("DATA") != "die in data" else True
            if step == "MAIL":
                mail = text
            elif step == "RCPT":
                rcpt = text
            elif step == "DATA" and good:
                self.take(connection, lines, mail, rcpt)
            elif step == "QUIT":
                return

    def take(self, connection, lines, mail, rcpt):
        if self.script.get("DATA") == "die in data":
            connection.sendall(b"354 go ahead\r\n")
            connection.recv(10)
            raise Gone()
        message = []
        while True:
            line = lines.readline()
            if not line:
                raise Gone()
            if line == b".\r\n":
                break
            message.append(line[1:] if line.startswith(b".") else line)
        if self.script.get("DOT", GOOD["DOT"])[0] == "2" or self.script["DOT"] == "take and die":
            self.mails.append((mail, rcpt, b"".join(message)))
        if self.script.get("DOT") == "take and die":
            raise Gone()
        self.say(connection, "DOT")

    def settle(self):
        """Wait until all that was said has been heard: who died may have said it just before."""
        for talk in self.talks:
            talk.join(tap.PATIENCE)

    def recipients(self):
        return [re.search("<(.*)>", rcpt).group(1) for _, rcpt, _ in self.mails]


def write_program(folder, name, text):
    path = os.path.join(folder, name)
    with open(path, "w") as file:
        file.write("#!/bin/sh\n" + text)
    os.chmod(path, 0o755)
    return path
