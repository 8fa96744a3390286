# SPDX-License-Identifier: MIT
"""state_servers: private servers that keep the state of several hosts, and a door before them that fails as it is told."""

import contextlib
import os
import shutil
import socket
import subprocess
import threading

import tap
import user_sources

MODULES = os.environ.get("TODOKE_MODULE_DIR", "")


def need_module(name):
    if not os.path.exists(os.path.join(MODULES, "todoke-state-%s.so" % name)):
        raise tap.Skip("built without the module for state in %s" % name)


class PostgreSQL(user_sources.PostgreSQL):
    """The state in PostgreSQL."""

    name = "postgresql"

    def __init__(self, folder):
        need_module(self.name)
        super().__init__(folder)
        self.socket = self.folder + "/.s.PGSQL.5432"

    def state(self, through=None):
        """The setting; `through`: a Door in front of it."""
        return "postgresql:host=%s user=test dbname=postgres" % (through.folder if through else self.folder)

    def ask(self, sql):
        done = subprocess.run([self.bin + "/psql", "-q", "-X", "-A", "-t", "-h", self.folder, "-U", "test", "-d", "postgres", "-c", sql],
                              capture_output=True, check=True)
        return done.stdout.decode().split()

    def owners(self):
        return set(self.ask("SELECT DISTINCT owner FROM todoke_state"))

    def items(self, kind=None):
        return int(self.ask("SELECT count(*) FROM todoke_state" + ("" if kind is None else " WHERE kind = %d" % kind))[0])

    def counted(self):
        return [int(number) for number in self.ask("SELECT number FROM todoke_state WHERE kind = 2")]

    def set_read_only(self, read_only):
        self.run("BEGIN READ WRITE; ALTER ROLE test SET default_transaction_read_only = %s; COMMIT" % ("on" if read_only else "off"))
        self.hang_up()

    def hang_up(self):
        """End the connections that there are."""
        self.run("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'todoke'")

    def forget(self):
        self.run("DROP TABLE IF EXISTS todoke_state")


class Redis:
    """The state in Redis: a private server on a socket in `folder`."""

    name = "redis"

    def __init__(self, folder, *lines):
        need_module(self.name)
        self.program = shutil.which("redis-server") or shutil.which("valkey-server")
        if self.program is None:
            raise tap.Skip("no redis-server here")
        self.folder = folder
        self.socket = folder + "/redis.sock"
        self.lines = ["port 0", "unixsocket " + self.socket, "dir " + folder, "save \"\"", "appendonly yes", "appendfsync always", *lines]
        self.start()

    def start(self):
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.socket)
        with open(self.folder + "/redis.conf", "w", encoding="utf-8") as file:
            file.write("\n".join(self.lines) + "\n")
        with open(self.folder + "/redis.log", "ab") as log:
            self.process = subprocess.Popen([self.program, self.folder + "/redis.conf"], stdout=log, stderr=log)
        tap.wait_for("Redis", self.is_there)

    def is_there(self):
        tap.same(self.process.poll(), None, "Redis' exit")
        with contextlib.suppress(OSError):
            said = self.command("PING")
            return said == "PONG" or (said or "").startswith("NOAUTH")
        return False

    def command(self, *words):
        """One command; its answer as text, number, None or a list of them."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(tap.PATIENCE)
            client.connect(self.socket)
            client.sendall(b"*%d\r\n" % len(words) + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in (str(w).encode() for w in words)))
            with client.makefile("rb") as lines:
                return self.read(lines)

    def read(self, lines):
        line = lines.readline().rstrip(b"\r\n")
        kind, rest = line[:1], line[1:]
        if kind == b":":
            return int(rest)
        if kind == b"$":
            return None if int(rest) < 0 else lines.read(int(rest) + 2)[:-2].decode("latin-1")
        if kind == b"*":
            return [self.read(lines) for _ in range(int(rest))]
        return rest.decode()

    def state(self, through=None):
        return "redis:%s" % (through.path if through else self.socket)

    def owners(self):
        return {key.split("{")[1].split("}")[0] for key in self.command("KEYS", "todoke:*")}

    def items(self, kind=None):
        return len(self.command("KEYS", "todoke:{*}:%s:*" % ("*" if kind is None else kind)))

    def counted(self):
        return [int(self.command("GET", key)) for key in self.command("KEYS", "todoke:{*}:2:*")]

    def set_read_only(self, read_only):
        self.command("REPLICAOF", *(("127.0.0.1", "1") if read_only else ("NO", "ONE")))

    def hang_up(self):
        self.command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")

    def forget(self):
        self.command("FLUSHALL")

    def stop(self):
        user_sources.stop(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisByTls(Redis):
    """The same on a port of 127.0.0.1, by TLS, with the certificate files of `pair` (certificates.Pair)."""

    def __init__(self, folder, pair, *lines):
        self.port = free_port()
        super().__init__(folder, "bind 127.0.0.1", "tls-port %d" % self.port, "tls-cert-file " + pair.certificate, "tls-key-file " + pair.key,
                         "tls-ca-cert-file " + pair.authority, *lines)

    def is_there(self):
        said = super().is_there()
        if said and "TLS" in open(self.folder + "/redis.log", encoding="utf-8", errors="replace").read():
            raise tap.Skip("this redis-server has no TLS")
        return said

    def state(self, through=None):
        return "rediss://127.0.0.1:%d" % (through.port if through else self.port)


class Door:
    """
    A socket in front of a server (`behind`: its path; None: there is none). It counts connections. `mode`: pass; silent (takes
    all and says nothing); garbage; closed (hangs up at once); an int: hangs up after so many octets of the answers of
    each connection.
    """

    def __init__(self, folder, behind=None):
        self.folder, self.behind, self.mode = folder, behind, "pass"
        self.path = folder + "/.s.PGSQL.5432"  # the name that libpq looks for; Redis takes any
        self.connections, self.answered = 0, 0
        os.makedirs(folder, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(50)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError), client:
            if self.mode == "closed":
                return
            if self.mode == "garbage":
                client.recv(65536)
                client.sendall(b"\x00\xff?E$*99999999999\r\n" * 50)
                client.recv(65536)
                return
            if self.mode == "silent" or self.behind is None:
                while client.recv(65536):
                    pass
                return
            with self.reach() as server:
                asks = threading.Thread(target=self.copy, args=(client, server, False), daemon=True)
                asks.start()
                self.copy(server, client, True)

    def reach(self):
        server = socket.socket(socket.AF_UNIX)
        server.connect(self.behind)
        return server

    def note(self, data):
        """What was asked."""

    def copy(self, source, target, is_answer):
        done = 0
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                if not data:
                    break
                if is_answer and isinstance(self.mode, int):
                    data = data[:max(self.mode - done, 0)]
                    done += len(data)
                    if data:
                        target.sendall(data)
                    if done >= self.mode:
                        break
                    continue
                if is_answer and self.mode == "silent":
                    continue
                self.answered += len(data) if is_answer else 0
                if not is_answer:
                    self.note(data)
                target.sendall(data)
        for end in (source, target):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)


class PortDoor(Door):
    """The same on a port of 127.0.0.1, in front of another port; it keeps what was asked."""

    def __init__(self, behind=None):  # pylint: disable=super-init-not-called
        self.behind, self.mode = behind, "pass"
        self.connections, self.answered, self.asked = 0, 0, b""
        self.listener = socket.socket()
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(50)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def reach(self):
        return socket.create_connection(("127.0.0.1", self.behind))

    def note(self, data):
        self.asked += data

    def __exit__(self, *exc):
        self.listener.close()


class Liar:
    """A server that greets with `greeting`, and answers whatever it is told with `answer`; with `endless` it says that for ever."""

    def __init__(self, folder, answer, greeting=b"", endless=False):
        self.folder, self.answer, self.greeting, self.endless = folder, answer, greeting, endless
        self.path = folder + "/.s.PGSQL.5432"
        os.makedirs(folder, exist_ok=True)
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(50)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                threading.Thread(target=self.serve, args=(self.listener.accept()[0],), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError), client:
            if self.greeting:
                client.recv(65536)
                client.sendall(self.greeting)
            while self.endless or client.recv(65536):
                client.sendall(self.answer)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.listener.close()
        os.unlink(self.path)
