#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""metrics_listen: lmtpd serves what it has counted, to whoever asks and however, and mail does not wait for that."""

import contextlib
import http.client
import os
import re
import select
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.request

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap
from lmtp_client import Server

MAIL = 64101  # an account that no system has


class Metered:
    """lmtpd with metrics_listen at a free port of loopback."""

    def __init__(self, folder, *args, owner=MAIL, **more):
        os.makedirs(folder + "/mail/d.test", exist_ok=True)
        os.chmod(folder, 0o755)
        if os.geteuid() == 0:
            os.chown(folder + "/mail/d.test", owner, owner)
        self.port = tap.unused_port()
        self.server = Server(folder, "-o", "metrics_listen=inet:127.0.0.1:%d" % self.port, *args, **more)

    def __enter__(self):
        return self

    def __exit__(self, *exc):
        self.server.stop()

    def get(self, path="/metrics", **more):
        request = urllib.request.Request("http://127.0.0.1:%d%s" % (self.port, path), **more)
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        return opener.open(request, timeout=tap.PATIENCE)

    def samples(self):
        with self.get() as answer:
            tap.same(answer.headers["Content-Type"], "application/openmetrics-text; version=1.0.0; charset=utf-8", "type")
            text = answer.read().decode()
            tap.same(int(answer.headers["Content-Length"]), len(text), "length")
        return parse(text)

    def deliveries(self):
        return {(labels["result"], labels["reason"]): value for name, labels, value in self.samples()
                if name == "todoke_deliveries_total" and value > 0}

    def value(self, name, **labels):
        found = [value for each, its, value in self.samples() if each == name and its == labels]
        tap.same(len(found), 1, "samples of %s %r" % (name, labels))
        return found[0]

    def raw(self):
        client = socket.create_connection(("127.0.0.1", self.port), timeout=tap.PATIENCE)
        return client

    def ask(self, octets):
        """What comes back for these octets; b'' where the connection is closed without a word."""
        with self.raw() as client:
            with contextlib.suppress(OSError):
                client.sendall(octets)
            return read_all(client)

    def pid(self):
        """The process that serves it: no other of the master's children holds the listening socket."""
        if os.geteuid() != 0:
            raise tap.Skip("none but root may look into a process that talks with clients")
        self.server.wait_for(lambda: len(self.holders()) == 1)  # a worker that has just begun still holds what it inherited
        return self.holders()[0]

    def holders(self):
        """Who has the listening socket open."""
        with open("/proc/net/tcp", encoding="ascii") as table:
            inodes = [line.split()[9] for line in table if ":%04X " % self.port in line.split()[1] + " " and line.split()[3] == "0A"]
        found = []
        for pid in self.server.workers():
            with contextlib.suppress(OSError):
                links = [os.readlink("/proc/%d/fd/%s" % (pid, fd)) for fd in os.listdir("/proc/%d/fd" % pid)]
                if "socket:[%s]" % inodes[0] in links:
                    found.append(pid)
        return found


def read_all(client):
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while True:
            octets = client.recv(65536)
            if not octets:
                break
            found += octets
    return found


def parse(text):
    """[(name, labels, value)] of OpenMetrics text, read as strictly as its specification asks for what we use."""
    lines = text.split("\n")
    tap.same(lines[-2:], ["# EOF", ""], "end")
    samples, families, kind = [], set(), ("", "")
    for line in lines[:-2]:
        if line.startswith("# HELP "):
            name = line.split(" ")[2]
            tap.same(name in families, False, "%s begins once" % name)
            families.add(name)
        elif line.startswith("# TYPE "):
            kind = tuple(line.split(" ")[2:])
            tap.same(kind[0], name, "TYPE follows HELP")
        else:
            match = re.fullmatch(r'([a-z_]+)(?:\{([a-z]+="[^"\\\n]*"(?:,[a-z]+="[^"\\\n]*")*)\})? ([0-9.]+)', line)
            tap.same(match is not None, True, "a sample (%r)" % line)
            tails = {"counter": ["_total"], "gauge": [""], "histogram": ["_bucket", "_sum", "_count"]}[kind[1]]
            tap.same(match[1] in [kind[0] + tail for tail in tails], True, "%s belongs to %s" % (match[1], kind))
            samples.append((match[1], dict(re.findall(r'([a-z]+)="([^"]*)"', match[2] or "")), float(match[3])))
    tap.same(len({(name, tuple(labels.items())) for name, labels, _ in samples}), len(samples), "each sample is there once")
    return samples


def refusing(folder):
    """A script of the site that refuses one kind of mail."""
    path = folder + "/before.sieve"
    with open(path, "w", encoding="ascii") as file:
        file.write('require "reject"; if header :contains "subject" "refuse" { reject "no"; }\n')
    os.chmod(path, 0o644)
    return path


def check_counts(metered):
    """Deliveries of all kinds, counted as they were answered; how long they took; who was refused at RCPT."""
    server = metered.server
    before = metered.samples()
    tap.same([value for name, labels, value in before if name == "todoke_deliveries_total" and labels["reason"] == "ok"], [0.0], "at the start")
    client = server.client().greet()
    for _ in range(3):
        tap.contains(client.deliver("ann@d.test")[0], "250 ")
    everybody = ["u%d@d.test" % number for number in range(12)]
    tap.same([reply[:4] for reply in client.deliver(*everybody)], ["250 "] * 12)
    tap.contains(client.deliver("ann@d.test", body="Subject: refuse this\r\n\r\n")[0], "550 5.7.1 ")
    client.say("MAIL FROM:<s@x.test>")
    tap.contains(client.say('RCPT TO:<"../../etc"@d.test>'), "55")
    client.say("QUIT")
    tap.same(metered.deliveries(), {("delivered", "ok"): 15, ("refused", "rule-refused"): 1})
    tap.same(metered.value("todoke_delivery_seconds_count"), 16.0)
    tap.same(metered.value("todoke_delivery_seconds_bucket", le="+Inf"), 16.0)
    tap.same(metered.value("todoke_delivery_seconds_sum") > 0, True)
    refused = [value for name, _, value in metered.samples() if name == "todoke_lmtp_rcpt_refused_total" and value > 0]
    tap.same(refused, [1.0], "refused at RCPT")
    tap.same(metered.value("todoke_lmtp_sessions_total"), 1.0)
    server.wait_for(lambda: metered.value("todoke_lmtp_workers", state="busy") == 0)
    tap.same(metered.value("todoke_lmtp_workers", state="idle") >= 1, True, "idle workers")


def test_counts_of_one_account(folder):
    """Its workers deliver by themselves; twelve recipients are shared out to several processes."""
    if os.geteuid() == 0:
        os.makedirs(folder + "/mail")
        for path in (folder, folder + "/mail"):
            os.chown(path, tap.NOBODY, tap.NOBODY)
    preexec = tap.become_nobody if os.geteuid() == 0 else None
    with Metered(folder, "-o", "sieve_before=" + refusing(folder), owner=tap.NOBODY, preexec=preexec) as metered:
        check_counts(metered)
        tap.same(metered.value("todoke_lmtp_delivery_processes"), 0.0, "processes of owners")


@tap.as_root
def test_counts_of_owners(folder):
    with Metered(folder, "-o", "sieve_before=" + refusing(folder)) as metered:
        check_counts(metered)
        tap.same(metered.value("todoke_lmtp_delivery_processes") >= 1, True, "processes that stay")
        with open("/proc/%d/status" % metered.pid(), encoding="ascii") as file:
            status = file.read()
        tap.same(re.search(r"^Uid:\t(\d+)\t(\d+)\t(\d+)", status, re.M).groups(), (str(tap.NOBODY),) * 3, "who serves it")
        tap.contains(status, "NoNewPrivs:\t1")


def test_unix_socket(folder):
    path = folder + "/metrics.socket"
    os.chmod(folder, 0o755)
    with Server(folder, "-o", "metrics_listen=unix:" + path):
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
            client.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n")
            head, _, body = read_all(client).partition(b"\r\n\r\n")
        tap.contains(head.decode(), "HTTP/1.1 200 OK\r\n")
        tap.same(len(parse(body.decode())) > 20, True, "samples")
        tap.same(os.stat(path).st_mode & 0o777, 0o666, "mode")


def test_what_is_asked(folder):
    with Metered(folder) as metered:
        for octets, want in (
                (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", b"HTTP/1.1 200 "),
                (b"GET /metrics?x=1 HTTP/1.0\n\n", b"HTTP/1.1 200 "),
                (b"GET / HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 "),
                (b"GET /metrics/../../etc/passwd HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 "),
                (b"POST /metrics HTTP/1.1\r\nContent-Length: 3\r\n\r\n", b"HTTP/1.1 405 "),
                (b"GET /metrics\r\n\r\n", b"HTTP/1.1 400 "),
                (b"\r\n\r\n", b"HTTP/1.1 400 "),
                (b"GET /met\0rics HTTP/1.1\r\n\r\n", b"HTTP/1.1 400 "),
                (b"\xff\xfe\x00\r\n\r\n", b"HTTP/1.1 400 "),
                (b"GET /%n%s%n HTTP/1.1\r\n\r\n", b"HTTP/1.1 404 ")):
            tap.same(metered.ask(octets)[:len(want)], want, repr(octets))
        with self_closing(http.client.HTTPConnection("127.0.0.1", metered.port, timeout=tap.PATIENCE)) as head:
            head.request("HEAD", "/metrics")
            answer = head.getresponse()
            tap.same((answer.status, answer.read()), (200, b""), "HEAD")
        with metered.raw() as slow:
            for octet in b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n":
                slow.sendall(bytes([octet]))
            tap.same(read_all(slow)[:13], b"HTTP/1.1 200 ", "an octet at a time")


@contextlib.contextmanager
def self_closing(connection):
    try:
        yield connection
    finally:
        connection.close()


def test_long_request(folder):
    """One over the limit is refused, as long as it may be is answered, whether or not its head ever ends."""
    most = tap.limit("METRICS_REQUEST")
    head, tail = b"GET /metrics HTTP/1.1\r\nX: ", b"\r\n\r\n"
    with Metered(folder) as metered:
        fits = head + b"x" * (most - len(head) - len(tail)) + tail
        tap.same(metered.ask(fits)[:13], b"HTTP/1.1 200 ", "a head of LIMIT_METRICS_REQUEST octets")
        tap.same(metered.ask(head + b"x" + fits[len(head):])[:13], b"HTTP/1.1 431 ", "one more")
        tap.same(metered.ask(head + b"x" * (most + 1 - len(head)))[:13], b"HTTP/1.1 431 ", "without an end")


def test_clients_that_hold_on(folder):
    """Silent clients, more than there are places: the next one is served, mail is delivered, and the oldest are closed."""
    most = tap.limit("METRICS_CLIENTS")
    with Metered(folder) as metered:
        silent = [metered.raw() for _ in range(3 * most)]
        for client in silent:
            with contextlib.suppress(OSError):
                client.sendall(b"GET /metr")
        tap.same(metered.get().status, 200)
        tap.same(metered.server.client().greet().deliver("ann@d.test")[0][:4], "250 ")
        tap.same(metered.deliveries(), {("delivered", "ok"): 1})
        for client in silent:  # all of them, the last ones when their time is over
            tap.same(read_all(client), b"", "closed without a word")
            client.close()


def test_time_of_a_client(folder):
    """LIMIT_METRICS_SECONDS from its connection on, whether it is silent or says an octet now and then."""
    with Metered(folder) as metered:
        for octets in (b"", b"x"):
            began = time.monotonic()
            with metered.raw() as client:
                while not select.select([client], [], [], 0.2)[0]:
                    tap.same(time.monotonic() - began < tap.PATIENCE, True, "%r: still open" % octets)
                    with contextlib.suppress(OSError):
                        client.sendall(octets)
                tap.same(read_all(client), b"", "closed without a word")
            took = time.monotonic() - began
            tap.same(took > tap.limit("METRICS_SECONDS") - 0.1, True, "%r: %.2f s" % (octets, took))


def test_clients_that_do_not_read(folder):
    with Metered(folder) as metered:
        stuck = []
        for _ in range(tap.limit("METRICS_CLIENTS")):
            client = socket.socket()
            client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
            client.settimeout(tap.PATIENCE)
            client.connect(("127.0.0.1", metered.port))
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            stuck.append(client)
        lmtp = metered.server.client().greet()
        for _ in range(20):
            tap.same(lmtp.deliver("ann@d.test")[0][:4], "250 ")
        tap.same(metered.deliveries(), {("delivered", "ok"): 20})
        for client in stuck:
            client.close()


def test_flood(folder):
    """Connections as fast as they can be made, from several sides, while mail comes: every mail is delivered and counted."""
    with Metered(folder) as metered:
        over = threading.Event()

        def flood():
            while not over.is_set():
                with contextlib.suppress(OSError), metered.raw() as client:
                    client.sendall(os.urandom(64) + b"\r\n\r\n")

        threads = [threading.Thread(target=flood) for _ in range(3)]
        for thread in threads:
            thread.start()
        lmtp = metered.server.client().greet()
        for _ in range(30):
            tap.same(lmtp.deliver("ann@d.test")[0][:4], "250 ")
        over.set()
        for thread in threads:
            thread.join(tap.PATIENCE)
        tap.same(metered.deliveries(), {("delivered", "ok"): 30})
        tap.same("died" in metered.server.read_log(), False, "a process died")


def test_where_it_may_listen(folder):
    """Only at addresses that other hosts cannot reach: else lmtpd does not start, and says so."""
    for where in ("inet:0.0.0.0:9926", "inet:192.0.2.1:9926", "inet:[::]:9926", "inet:[2001:db8::1]:9926", "inet:[::ffff:127.0.0.1]:9926",
                  "inet:localhost:9926", "inet:127.0.0.1", "inet:128.0.0.1:9926", "127.0.0.1:9926", "inet::9926"):
        command = [tap.TODOKE, "lmtpd", "-o", "maildir=%s/%%n" % folder, "-o", "log_file=%s/log" % folder, "--listen", "unix:%s/s" % folder,
                   "-o", "metrics_listen=" + where]
        result = subprocess.run(command, capture_output=True, timeout=tap.PATIENCE, check=False)
        tap.same(result.returncode, 78, where)
        with open(folder + "/log", encoding="utf-8") as log:
            tap.contains(log.read(), "metrics_listen: '%s' is not of this host alone" % where, where)


def test_reload(folder):
    conf = folder + "/conf"
    ports = [tap.unused_port(), tap.unused_port()]

    def write(port):
        with open(conf, "w", encoding="utf-8") as file:
            file.write("maildir = %s/mail/%%d/%%n\n" % folder)
            if port is not None:
                file.write("metrics_listen = inet:127.0.0.1:%d\n" % port)

    def answers(port):
        with socket.socket() as client:
            client.settimeout(tap.PATIENCE)
            if client.connect_ex(("127.0.0.1", port)) != 0:
                return False
            client.sendall(b"GET /metrics HTTP/1.1\r\n\r\n")
            return read_all(client)[:13] == b"HTTP/1.1 200 "

    write(ports[0])
    os.makedirs(folder + "/mail/d.test")
    os.chmod(folder, 0o755)
    if os.geteuid() == 0:
        os.chown(folder + "/mail/d.test", MAIL, MAIL)
    with Server(folder, conf=conf) as server:
        server.wait_for(lambda: answers(ports[0]))
        write(ports[1])
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: answers(ports[1]) and not answers(ports[0]))
        write(None)
        server.process.send_signal(signal.SIGHUP)
        server.wait_for(lambda: not answers(ports[1]))
        tap.same(server.client().greet().deliver("ann@d.test")[0][:4], "250 ")


def test_its_process_dies(folder):
    """It comes back by itself with all counts, and mail does not notice."""
    with Metered(folder) as metered:
        lmtp = metered.server.client().greet()
        tap.same(lmtp.deliver("ann@d.test")[0][:4], "250 ")
        first = metered.pid()
        os.kill(first, signal.SIGKILL)
        metered.server.wait_for(lambda: "the process of metrics_listen died (signal 9)" in metered.server.read_log())
        tap.same(lmtp.deliver("ann@d.test")[0][:4], "250 ")
        tap.same(metered.deliveries(), {("delivered", "ok"): 2})  # waits in the backlog meanwhile
        tap.same(metered.pid() != first, True, "another process")


def test_the_master_dies(folder):
    with Metered(folder) as metered:
        pid = metered.pid()
        metered.server.stop(signal.SIGKILL)
        tap.wait_for("its end", lambda: not tap.is_alive(pid))


def test_it_ends_with_lmtpd(folder):
    with Metered(folder) as metered:
        pid = metered.pid()
        tap.same(metered.server.stop(), 0, "exit")
        tap.same(tap.is_alive(pid), False, "alive")


def test_a_worker_dies(folder):
    """In the middle of a session: the counts of all others stay as they were."""
    with Metered(folder) as metered:
        lmtp = metered.server.client().greet()
        tap.same(lmtp.deliver("ann@d.test")[0][:4], "250 ")
        serving = metered.pid()
        killed = [pid for pid in metered.server.workers() if pid != serving]
        for pid in killed:
            os.kill(pid, signal.SIGKILL)
        metered.server.wait_for(lambda: metered.value("todoke_lmtp_workers_lost_total", reason="internal") >= len(killed))
        tap.same(metered.server.client().greet().deliver("ann@d.test")[0][:4], "250 ")
        tap.same(metered.deliveries(), {("delivered", "ok"): 2})


def test_next_hop(folder):
    script, port = folder + "/before.sieve", tap.unused_port()
    with open(script, "w", encoding="ascii") as file:
        file.write('redirect "x@y.test";\n')
    os.chmod(script, 0o644)
    with Metered(folder, "-o", "submit=smtp:127.0.0.1:%d" % port, "-o", "sieve_before=" + script) as metered:
        lmtp = metered.server.client().greet()
        tap.same(metered.value("todoke_next_hop_down", protocol="smtp"), 0.0)
        for _ in range(2):
            tap.contains(lmtp.deliver("ann@d.test")[0], "451 4.")
        tap.same(metered.value("todoke_next_hop_down", protocol="smtp"), 1.0)
        tap.same(metered.value("todoke_next_hop_unanswered_total", protocol="smtp"), 2.0)
        with socket.create_server(("127.0.0.1", port)) as hop:
            thread = threading.Thread(target=take_one, args=(hop,))
            thread.start()
            tap.contains(lmtp.deliver("ann@d.test")[0], "250 ")
            thread.join(tap.PATIENCE)
        tap.same(metered.value("todoke_next_hop_down", protocol="smtp"), 0.0)
        tap.same(metered.value("todoke_next_hop_unanswered_total", protocol="smtp"), 2.0)


def take_one(hop):
    client, _ = hop.accept()
    with client, client.makefile("rwb") as lines:
        def say(text):
            lines.write(text + b"\r\n")
            lines.flush()

        say(b"220 hop.test")
        in_data = False
        for line in lines:
            if in_data:
                in_data = line != b".\r\n"
                if not in_data:
                    say(b"250 2.0.0 taken")
            elif line.upper().startswith(b"DATA"):
                in_data = True
                say(b"354 go on")
            elif line.upper().startswith(b"QUIT"):
                say(b"221 bye")
                return
            else:
                say(b"250 ok")


def test_alerts_name_what_is_served(folder):
    try:
        import yaml
    except ImportError:
        raise tap.Skip("needs PyYAML") from None
    with Metered(folder) as metered:
        names = {name for name, _, _ in metered.samples()}
    with open(os.path.join(tap.TOP, "contrib/grafana/todoke-alerts.yaml"), encoding="utf-8") as file:
        groups = {group["name"]: group for group in yaml.safe_load(file)["groups"]}
    used = {name for rule in groups["todoke-lmtpd"]["rules"] for name in re.findall(r"\btodoke_[a-z_]+", rule["expr"])}
    tap.same((used - names, len(used) > 1), (set(), True), "names of the alerts")
    shared = {name for rule in groups["todoke"]["rules"] for name in re.findall(r"\btodoke_deliver[a-z_]+", rule["expr"])}
    tap.same(shared - names, set(), "names that todoke stats prints as well")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")], keep_root=True)
