# SPDX-License-Identifier: MIT
"""user_sources: private servers that know users, for tests: a Dovecot (real, or one that says what it is told), PostgreSQL, slapd."""

import contextlib
import glob
import os
import shutil
import signal
import socket
import subprocess
import threading

import dovecot_conf
import tap


def stop(process):
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(tap.PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


class FakeDovecot:
    """
    A userdb socket that answers USER and LIST by `answer(verb, number, name)`: octets, or None to say nothing any more. It
    counts connections and questions.
    """

    def __init__(self, path, answer, greeting=b"VERSION\t1\t2\nSPID\t42\n"):
        self.path, self.answer, self.greeting = path, answer, greeting
        self.connections, self.questions = 0, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(path)
        self.listener.listen(50)
        self.open = []
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                client, _ = self.listener.accept()
                self.connections += 1
                self.open.append(client)
                threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with contextlib.suppress(OSError), client, client.makefile("rb") as lines:
            client.sendall(self.greeting)
            for line in lines:
                words = line.rstrip(b"\n").split(b"\t")
                if words[0] == b"VERSION":
                    tap.same(words[1], b"1", "version")
                    continue
                name = words[2].decode() if len(words) > 2 else ""
                self.questions.append((words[0].decode(), name))
                said = self.answer(words[0].decode(), words[1].decode(), name)
                if said is None:
                    threading.Event().wait(tap.PATIENCE)
                client.sendall(said)

    def drop(self):
        """Close the connections; new ones are served."""
        for client in self.open:
            with contextlib.suppress(OSError):
                client.shutdown(socket.SHUT_RDWR)
        self.open = []

    def close(self):
        self.listener.close()
        self.drop()
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self.path)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.close()


class Dovecot:
    """A real one, with only its userdb; root starts it."""

    def __init__(self, folder, lines):
        if shutil.which("dovecot") is None:
            raise tap.Skip("no dovecot here")
        self.folder = folder
        self.socket = os.path.join(folder, "run", "auth-userdb")
        self.conf = os.path.join(folder, "dovecot.conf")
        os.makedirs(os.path.join(folder, "run"), exist_ok=True)
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write(dovecot_conf.head() + "base_dir = %s/run\nstate_dir = %s/run\nlog_path = %s/log\nssl = no\nprotocols =\nfirst_valid_uid = 1\n%s"
                       % (folder, folder, folder, lines))
        self.start()

    def start(self):
        self.process = subprocess.Popen(["dovecot", "-F", "-c", self.conf], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        tap.wait_for("Dovecot", self.is_there)

    def is_there(self):
        if self.process.poll() is not None:
            raise tap.Skip("dovecot does not start here: %s" % open(self.folder + "/log", encoding="utf-8").read()[-500:])
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.socket) == 0

    def stop(self):
        stop(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()


def find_postgresql():
    found = sorted(glob.glob("/usr/lib/postgresql/*/bin/initdb"))
    if not found:
        raise tap.Skip("no PostgreSQL here")
    return os.path.dirname(found[-1])


class PostgreSQL:
    """A private server on a socket in `folder`; it runs as whoever runs the test, who is not root."""

    def __init__(self, folder):
        self.bin, self.folder = find_postgresql(), os.path.join(folder, "pg")
        self.log = open(os.path.join(folder, "pg.log"), "wb")
        done = subprocess.run([self.bin + "/initdb", "-D", self.folder, "-U", "test", "-A", "trust", "-N", "-E", "UTF8", "--locale=C"],
                              capture_output=True, check=False)
        tap.same(done.returncode, 0, "initdb: %r" % done.stderr)
        self.start()

    def start(self):
        self.process = subprocess.Popen([self.bin + "/postgres", "-D", self.folder, "-k", self.folder, "-c", "listen_addresses=", "-F"],
                                        stdout=self.log, stderr=self.log)
        tap.wait_for("PostgreSQL", lambda: self.run("SELECT 1", check=False) == 0)

    def run(self, sql, check=True):
        done = subprocess.run([self.bin + "/psql", "-q", "-X", "-h", self.folder, "-U", "test", "-d", "postgres", "-v", "ON_ERROR_STOP=1", "-c", sql],
                              capture_output=True, check=False)
        if check:
            tap.same(done.returncode, 0, "psql: %r" % done.stderr)
        return done.returncode

    def where(self):
        return "postgresql:host=%s user=test dbname=postgres" % self.folder

    def stop(self):
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
            self.process.wait(tap.PATIENCE)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
        self.log.close()


LDAP_BASE = "dc=example,dc=jp"
# The top of the tree, and who may read it.
LDIF_HEAD = """dn: %(base)s
objectClass: dcObject
objectClass: organization
dc: example
o: Example

dn: uid=todoke,%(base)s
objectClass: account
objectClass: simpleSecurityObject
uid: todoke
userPassword: reading

"""


class Slapd:
    """A private slapd on a socket in `folder`, with entries in LDIF."""

    def __init__(self, folder, ldif):
        self.program = shutil.which("slapd") or "/usr/sbin/slapd"
        if not os.path.exists(self.program):
            raise tap.Skip("no slapd here")
        self.folder = os.path.join(folder, "slapd")
        os.makedirs(self.folder + "/db")
        self.conf = self.folder + "/slapd.conf"
        self.uri = "ldapi://" + (self.folder + "/ldapi").replace("/", "%2f")
        with open(self.conf, "w", encoding="utf-8") as file:
            file.write("".join("include /etc/ldap/schema/%s.schema\n" % name for name in ("core", "cosine", "nis", "inetorgperson")) +
                       "modulepath /usr/lib/ldap\nmoduleload back_mdb\npidfile %s/pid\nargsfile %s/args\n"
                       "database mdb\nsuffix \"%s\"\nrootdn \"cn=admin,%s\"\nrootpw secret\ndirectory %s/db\n"
                       "access to attrs=userPassword by anonymous auth by * none\naccess to * by users read by anonymous auth\n"
                       % (self.folder, self.folder, LDAP_BASE, LDAP_BASE, self.folder))
        add = subprocess.run([os.path.join(os.path.dirname(self.program), "slapadd"), "-f", self.conf], input=ldif.encode(), capture_output=True, check=False)
        tap.same(add.returncode, 0, "slapadd: %r" % add.stderr)
        self.start()

    def start(self):
        with open(self.folder + "/log", "ab") as log:
            self.process = subprocess.Popen([self.program, "-d", "0", "-f", self.conf, "-h", self.uri], stdout=log, stderr=log)
        tap.wait_for("slapd", self.is_there)

    def is_there(self):
        tap.same(self.process.poll(), None, "slapd's exit: %s" % open(self.folder + "/log", encoding="utf-8").read()[-500:])
        with socket.socket(socket.AF_UNIX) as probe:
            return probe.connect_ex(self.folder + "/ldapi") == 0

    def stop(self):
        stop(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.stop()
