#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""
The state in a server that is reached by TLS (rediss:, and sslmode of PostgreSQL): whom todoke trusts, whom it shows who it is, and
what a server that does not speak TLS as it should comes to. And what Redis refuses: users, replicas, clusters.
"""

import os
import re
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "lib"))
sys.path.insert(0, os.path.join(HERE, "..", "out"))
import certificates
import state_servers
import tap
from shared_state import COPY, KEEP, REDIRECT, Site, deliver_to_owners, findings, litter, write_secret

SECRET = "s3cr3t-w0rd"


def ca_line(authority):
    return 'state_tls_ca_file = "%s"' % authority.path


def need_tls():
    """Is the module built with it?"""
    state_servers.need_module("redis")
    with open(os.path.join(state_servers.MODULES, "todoke-state-redis.so"), "rb") as module:
        if b"built without OpenSSL" in module.read():
            raise tap.Skip("built without OpenSSL")


class Redis(state_servers.RedisByTls):
    def __init__(self, folder, pair, *lines):
        need_tls()
        super().__init__(folder, pair, *lines)


# Whom todoke trusts.

def test_a_server_that_is_trusted(folder):
    authority = certificates.Authority(folder)
    with Redis(folder, authority.sign("server"), "tls-auth-clients no") as server, \
            state_servers.PortDoor(server.port) as door, \
            Site(folder, server.state(door), REDIRECT, ca_line(authority)) as site:
        site.deliver("4AAA")
        site.deliver("4AAA")
        tap.same(site.sent(), ["out@example.org"], "a retry sends nothing again")
        tap.same(server.owners(), {"ann@example.jp"})
        tap.same("state-server" in findings("-c", site.conf), False)
        tap.same((door.connections > 0, b"ann@example.jp" in door.asked, b"EVAL" in door.asked), (True, False, False), "in plain text")


def test_servers_that_are_not_trusted(folder):
    """Another authority, another host, an end that is past: nothing is said to them, and check and log tell why."""
    authority, other = certificates.Authority(folder), certificates.Authority(folder, "other")
    bad = ((other.sign("server"), authority, "not accepted"),
           (authority.sign("elsewhere", "IP:192.0.2.1,DNS:redis.test"), authority, "mismatch"),
           (authority.sign("old", days=0), authority, "expired"))
    for number, (pair, trusted, why) in enumerate(bad):
        at = "%s/%d" % (folder, number)
        os.mkdir(at)
        with Redis(at, pair, "tls-auth-clients no", "requirepass " + SECRET) as server, \
                Site(at, server.state(), COPY, ca_line(trusted), write_secret(at, SECRET)) as site:
            site.put_off("4AAA")
            tap.same((site.stored(), site.sent()), (0, []), why)
            tap.contains(site.log(), why)
            tap.contains(findings("-c", site.conf)["state-server"]["text"], why)
            site.lines.append("state_tls_verify = no")
            site.set(server.state())
            site.deliver("4AAA")
            tap.same(site.sent(), ["out@example.org"], "state_tls_verify = no")


def test_the_authorities_of_the_system_do_not_know_it(folder):
    with Redis(folder, certificates.Authority(folder).sign("server"), "tls-auth-clients no") as server, \
            Site(folder, server.state(), REDIRECT) as site:
        site.put_off()
        tap.contains(site.log(), "not accepted")


def test_a_name_is_what_the_certificate_must_have(folder):
    authority = certificates.Authority(folder)
    with Redis(folder, authority.sign("server", "DNS:localhost"), "tls-auth-clients no") as server, \
            Site(folder, server.state(), REDIRECT, ca_line(authority)) as site:
        site.put_off()
        site.set(server.state().replace("127.0.0.1", "localhost"))
        site.deliver()


def test_a_file_of_authorities_that_is_none(folder):
    authority = certificates.Authority(folder)
    with Redis(folder, authority.sign("server"), "tls-auth-clients no") as server, \
            Site(folder, server.state(), REDIRECT, 'state_tls_ca_file = "%s/ca"' % folder) as site:
        site.put_off()
        tap.contains(findings("-c", site.conf)["state-server"]["text"], "/ca")
        broken = open(authority.path, encoding="utf-8").read().replace("A", "B", 5)
        for text in ("", "no certificate\n", broken):
            open(folder + "/ca", "w", encoding="utf-8").write(text)
            site.put_off()
        tap.contains(site.log(), "state_tls_ca_file has no certificates")
        site.rule(KEEP)
        site.deliver()


# Who todoke is.

def test_a_server_that_wants_a_certificate(folder):
    authority, other = certificates.Authority(folder), certificates.Authority(folder, "other")
    ours, foreign = authority.sign("todoke"), other.sign("todoke")
    with Redis(folder, authority.sign("server"), "tls-auth-clients yes") as server, \
            Site(folder, server.state(), REDIRECT, ca_line(authority)) as site:
        site.put_off()
        own = "%s/own.pem" % folder
        site.lines.append('state_tls_certificate_file = "%s"' % own)
        site.set(server.state())
        for pair, mode, works in ((foreign, 0o600, False), (ours, 0o644, False), (ours, 0o600, True)):
            with open(own, "w", encoding="utf-8") as file:
                file.write(open(pair.both, encoding="utf-8").read())
            os.chmod(own, mode)
            (site.deliver if works else site.put_off)()
        tap.contains(site.log(), "others can read or write it")
        tap.same("state-server" in findings("-c", site.conf), False)
        os.chmod(own, 0o644)
        tap.contains(findings("-c", site.conf)["state-server"]["text"], "chmod o=")
        tap.same(site.sent(), ["out@example.org"])


def test_files_that_are_no_certificate_with_its_key(folder):
    authority = certificates.Authority(folder)
    ours, another = authority.sign("todoke"), authority.sign("another")
    locked = folder + "/locked.key"
    certificates.run("ec", "-in", ours.key, "-aes128", "-passout", "pass:x", "-out", locked)

    def read(path):
        return open(path, encoding="utf-8").read()

    with Redis(folder, authority.sign("server"), "tls-auth-clients yes") as server, \
            Site(folder, server.state(), REDIRECT, ca_line(authority), 'state_tls_certificate_file = "%s/own"' % folder) as site:
        for text, why in (("", "no certificate"), (read(ours.certificate), "no key"), (read(ours.key), "no certificate"),
                          (read(ours.certificate) + read(another.key), "no key of this"), (read(ours.certificate) + read(locked), "passphrase")):
            with open(folder + "/own", "w", encoding="utf-8") as file:
                file.write(text)
            os.chmod(folder + "/own", 0o600)
            site.put_off()
            tap.contains(site.log().splitlines()[-1], why)
            tap.same("PRIVATE" in site.log(), False)


@tap.as_root
def test_root_reads_the_key_and_owners_use_the_server(folder):
    """lmtpd as root: each owner's process delivers as that owner, who could read neither key nor authorities."""
    os.chmod(folder, 0o755)
    authority = certificates.Authority(folder)
    os.chmod(authority.path, 0o600)
    with Redis(folder, authority.sign("server"), "tls-auth-clients yes") as server, \
            Site(folder, server.state(), REDIRECT, ca_line(authority), 'state_tls_certificate_file = "%s"' % authority.sign("todoke").both) as site:
        deliver_to_owners(folder, site)


# Servers that do not speak TLS as they should.

def test_servers_that_are_silent_close_or_talk_garbage(folder):
    authority = certificates.Authority(folder)
    with Redis(folder, authority.sign("server"), "tls-auth-clients no") as server, state_servers.PortDoor(server.port) as door, \
            Site(folder, server.state(door), COPY, ca_line(authority), "state_timeout = 1") as site:
        for mode, why in (("silent", "no answer in time"), ("garbage", "TLS: "), ("closed", "closed")):
            door.mode = mode
            begun = time.monotonic()
            site.put_off("4AAA")
            if not tap.SANITIZED:
                tap.same(time.monotonic() - begun < 20, True, "time: " + mode)
            tap.contains(site.log().splitlines()[-1], why)
            tap.same((site.stored(), site.sent()), (0, []), mode)
        door.mode = "pass"
        site.deliver("4AAA")


def test_cut_in_the_middle_of_tls(folder):
    """In the handshake and behind it: nothing is sent twice, and the retry goes on."""
    authority = certificates.Authority(folder)
    with Redis(folder, authority.sign("server"), "tls-auth-clients no") as server, state_servers.PortDoor(server.port) as door, \
            Site(folder, server.state(door), COPY, ca_line(authority)) as site:
        site.deliver()
        whole = door.answered
        step = max(whole // (3 if tap.SANITIZED else 10), 1)
        for at in range(1, whole + step, step):
            before, had = len(site.sent()), site.stored()
            door.mode = at
            code, said = site.try_once("4F%d" % at)
            tap.same(code in (0, 75), True, said)
            door.mode = "pass"
            for key in server.command("KEYS", "todoke:{*}:4:*"):
                server.command("DEL", key)
            site.deliver("4F%d" % at)
            tap.same((len(site.sent()) - before, site.stored() - had), (1, 1), "cut after %d octets" % at)
        tap.same(litter(folder), [])


def test_a_plain_server_is_told_nothing(folder):
    """A server without TLS hears no command, and no password, from somebody who wants TLS."""
    need_tls()
    with state_servers.PortDoor() as door, \
            Site(folder, "rediss://mail@127.0.0.1:%d" % door.port, REDIRECT, write_secret(folder, SECRET), "state_timeout = 1") as site:
        door.mode = "garbage"
        site.put_off()
        tap.same(SECRET.encode() in door.asked, False)
        tap.same(SECRET in site.log(), False)


def test_settings(folder):
    del folder
    for state, what in (("rediss:/run/socket", "rediss://HOST"), ("rediss:", "does not say where"), ("rediss://u:%s@host" % SECRET, "state_password_file"),
                        ("rediss://:%s/x@host/0" % SECRET, "state_password_file"), ("redisss://host", "rediss://HOST")):
        result = tap.todoke("config", "-o", "state=" + state)
        tap.same(result.returncode != 0, True, state)
        tap.contains((result.stdout + result.stderr).decode(), what)
        tap.same(SECRET.encode() in result.stdout + result.stderr, False)
    tap.same(tap.todoke("config", "-o", "state=rediss://u@[::1]:6380/1").returncode, 0)


# What Redis refuses.

def manual_rights():
    """The commands that todoke-sites(7) lists for a user of Redis."""
    with open(os.path.join(tap.TOP, "agent/man/todoke-sites.7"), encoding="utf-8") as file:
        text = file.read().replace("\\-", "-").replace("\\(ti", "~")
    return re.search(r"^user todoke on >PASSWORD (.*)$", text, re.M).group(1)


def test_a_user_with_the_rights_of_the_manual(folder):
    authority = certificates.Authority(folder)
    with Redis(folder, authority.sign("server"), "tls-auth-clients no", "user default off",
               "user admin on nopass ~* +@all", "user todoke on >%s %s" % (SECRET, manual_rights())) as server, \
            Site(folder, server.state().replace("//", "//todoke@"), 'require ["vacation", "copy"]; vacation "away"; redirect :copy "out@example.org";\n',
                 ca_line(authority), write_secret(folder, SECRET)) as site:
        site.deliver("4AAA")
        site.deliver("4AAA")
        site.rule('require "duplicate"; if duplicate { keep; }\n')
        site.deliver()
        tap.same(sorted(site.sent()), ["out@example.org", "s@client.test"])
        tap.same("state-server" in findings("-c", site.conf), False)
        write_secret(folder, "wrong")
        tap.contains(findings("-c", site.conf)["state-server"]["text"], "state_password_file is not that of the user")
        site.lines[-1] = "state_timeout = 2"
        site.set(server.state())
        tap.contains(findings("-c", site.conf)["state-server"]["text"], "the server wants a password")


def test_a_user_without_the_rights(folder):
    with state_servers.Redis(folder, "user default on nopass ~* +@all -eval") as server, Site(folder, server.state(), COPY) as site:
        site.put_off()
        tap.contains(findings("-c", site.conf)["state-server"]["text"], "todoke-sites(7) has the rights")


def test_clusters_and_replicas(folder):
    state_servers.need_module("redis")
    for number, (answer, what) in enumerate(((b"-MOVED 3999 127.0.0.1:6381\r\n", "one of a cluster"), (b"-ASK 3999 127.0.0.1:6381\r\n", "one of a cluster"),
                                             (b"-CLUSTERDOWN Hash slot not served\r\n", "one of a cluster"),
                                             (b"-READONLY You can't write against a read only replica.\r\n", "state has to name the primary"))):
        at = "%s/%d" % (folder, number)
        with state_servers.Liar(at + "/s", answer) as liar, Site(at, "redis:" + liar.path, COPY) as site:
            site.put_off("4AAA")
            tap.same((site.stored(), site.sent()), (0, []), what)
            for text in (site.log(), findings("-c", site.conf)["state-server"]["text"]):
                tap.contains(text, what)
                tap.contains(text, answer.decode().split()[0][1:])


def test_a_real_replica(folder):
    with state_servers.Redis(folder, "replicaof 127.0.0.1 1") as server, Site(folder, server.state(), COPY) as site:
        site.put_off()
        tap.contains(site.log(), "state has to name the primary")


# PostgreSQL's TLS is libpq's.

class PostgreSQL(state_servers.PostgreSQL):
    """On a port of 127.0.0.1; `pair`: its certificate, None: no TLS."""

    def __init__(self, folder, pair):
        self.pair, self.port = pair, state_servers.free_port()
        super().__init__(folder)

    def start(self):
        ssl = ["-c", "ssl=off"] if self.pair is None else \
            ["-c", "ssl=on", "-c", "ssl_cert_file=" + self.pair.certificate, "-c", "ssl_key_file=" + self.pair.key]
        self.process = subprocess.Popen([self.bin + "/postgres", "-D", self.folder, "-k", self.folder, "-c", "listen_addresses=127.0.0.1", "-c",
                                         "port=%d" % self.port, "-F", *ssl], stdout=self.log, stderr=self.log)
        tap.wait_for("PostgreSQL", lambda: self.run("SELECT 1", check=False) == 0)

    def run(self, sql, check=True):
        done = subprocess.run([self.bin + "/psql", "-q", "-X", "-h", self.folder, "-p", str(self.port), "-U", "test", "-d", "postgres", "-c", sql],
                              capture_output=True, check=False)
        return done.returncode

    def by_port(self, words):
        return "postgresql:host=127.0.0.1 port=%d user=test dbname=postgres gssencmode=disable %s" % (self.port, words)


def test_sslmode_of_postgresql(folder):
    authority, other = certificates.Authority(folder), certificates.Authority(folder, "other")
    full = "sslmode=verify-full sslrootcert="
    with PostgreSQL(folder, authority.sign("server")) as server, \
            Site(folder, server.by_port(full + other.path), REDIRECT) as site:
        site.put_off()
        tap.contains(site.log(), "certificate verify failed")
        site.set(server.by_port(full + authority.path))
        site.deliver("4AAA")
        site.deliver("4AAA")
        tap.same(site.sent(), ["out@example.org"])
        tap.same("state-server" in findings("-c", site.conf), False)
        server.stop()
        server.pair = authority.sign("elsewhere", "IP:192.0.2.1")
        server.start()
        site.put_off()
        site.set(server.by_port("sslmode = verify-ca sslrootcert = '%s'" % authority.path))
        site.deliver()
        site.set("postgresql:postgresql://test@127.0.0.1:%d/postgres?sslmode=verify-ca&sslrootcert=%s" % (server.port, authority.path.replace("/", "%2F")))
        site.deliver()
        server.stop()
        server.pair = None
        server.start()
        site.put_off()
        tap.contains(site.log(), "does not support SSL")


if __name__ == "__main__":
    tap.run([test for name, test in list(globals().items()) if name.startswith("test_") and callable(test)])
