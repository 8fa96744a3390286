# SPDX-License-Identifier: MIT
"""A private mail world on loopback: a Postfix, a Dovecot and fetchmail of our own, all below one temporary folder.

Everything that is started is stopped by its own process id; nothing of the machine's own mail system is read or touched,
but for two system accounts that exist while the tests run (local(8) delivers to accounts only).
"""
import fcntl
import imaplib
import os
import pathlib
import pwd
import re
import shutil
import signal
import smtplib
import socket
import subprocess
import sys
import tempfile
import textwrap
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
from tap import PATIENCE, Skip, is_served, need_strace, unused_port, wait_for

USERS = ("todoke-e2e-a", "todoke-e2e-b")
LOCK = "/usr/sbin/postfix"  # any file that is there for all: one such world at a time on a machine
PASSWORD = "secret"


def answers(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as sock:
            return sock.recv(10) != b""
    except OSError:
        return False


def litter(maildir):
    """What is left in tmp, but for the links that a retry is known by."""
    return [path for path in (maildir / "tmp").iterdir() if not re.fullmatch("todoke-[0-9a-f]{34}", path.name)]


def run(*command, **options):
    """Run to the end; output is kept for the message of a failure."""
    options.setdefault("check", True)
    options.setdefault("timeout", PATIENCE)
    options.setdefault("stdin", subprocess.DEVNULL)
    try:
        return subprocess.run([str(word) for word in command], capture_output=True, **options)
    except subprocess.CalledProcessError as error:
        raise AssertionError(f"{command[0]} failed: {error.stdout!r} {error.stderr!r}") from error


class Services:
    """The folder, the accounts and the program under test."""

    def __init__(self):
        self.lock = open(LOCK, "rb")
        fcntl.flock(self.lock, fcntl.LOCK_EX)
        self.root = pathlib.Path(tempfile.mkdtemp(prefix="todoke-e2e-", dir="/tmp"))
        self.root.chmod(0o755)
        self.mounts = []

    def open(self, build, small=False):
        """`small`: transports and mailbox_command call todoke-deliver."""
        self.make_accounts()
        self.install(build)
        self.use_agent(small)
        self.write_settings()

    def path(self, *parts):
        return self.root.joinpath(*parts)

    def make_accounts(self):
        self.remove_accounts()
        for user in USERS:
            home = self.path("home", user)
            run("useradd", "--system", "--user-group", "--home-dir", home, "--shell", "/bin/sh", user)
            home.mkdir(parents=True)
            self.give(home, user)
        self.user = pwd.getpwnam(USERS[0])

    def remove_accounts(self):
        for user in USERS:
            if user in (entry.pw_name for entry in pwd.getpwall()):
                run("userdel", user)

    def give(self, path, user=USERS[0]):
        entry = pwd.getpwnam(user)
        os.chown(path, entry.pw_uid, entry.pw_gid)
        return path

    def install(self, build):
        run("make", "-C", build, "install", f"DESTDIR={self.path('install')}")
        binary = next(self.path("install").rglob("bin/todoke"))
        self.todoke = str(binary)
        self.modules = str(binary.parent.parent / "lib" / "todoke")
        binary.parent.joinpath(".libs").symlink_to(self.modules)  # where what is not at its place looks, whatever the environment has
        self.measure = str(shutil.copy(pathlib.Path(build) / "tests/bench/measure", self.path("measure")))
        os.environ["TODOKE_MODULE_DIR"] = self.modules
        self.locales = str(binary.parent.parent / "share" / "locale")

    def use_agent(self, small):
        self.programs = next(self.path("install").rglob("libexec/todoke"))
        self.agent = str(self.programs / "todoke-deliver") if small else self.todoke
        self.programs.joinpath("todoke").symlink_to(self.todoke)

    def write_settings(self):
        self.path("etc").mkdir()
        self.mail = self.path("mail")
        self.mail.mkdir()
        self.give(self.mail)
        key = self.path("etc", "key")
        key.write_text("e2e " + "5a" * 32 + "\n")
        key.chmod(0o400)
        self.give(key)
        self.log = self.path("todoke.log")
        self.log.touch()
        self.log.chmod(0o666)
        self.conf = self.write_conf("todoke.conf", maildir=f"{self.mail}/%d/%n", key_file=key)
        self.local_conf = self.write_conf("local.conf", maildir="~/Maildir", key_file="")

    def write_conf(self, name, **settings):
        settings.setdefault("log_file", self.log)
        settings.setdefault("tree_memory", self.path("trees"))
        settings.setdefault("umask", "0022")
        lines = [f"{key} = {value}\n" if key == "umask" else f'{key} = "{value}"\n' for key, value in settings.items()]
        path = self.path("etc", name)
        path.write_text("".join(lines))
        path.chmod(0o644)
        return path

    def write_forward(self, user, line):
        """Give a user a .forward; case by case, so remove it again."""
        forward = self.path("home", user, ".forward")
        forward.write_text(f"{line}\n")
        self.give(forward, user)
        return forward

    def script(self, name, text):
        path = self.path("bin", name)
        path.parent.mkdir(exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip())
        path.chmod(0o755)
        return str(path)

    def maildir(self, address):
        local, domain = address.rsplit("@", 1)
        return self.mail / domain / local

    def make_maildir(self, address):
        maildir = self.maildir(address)
        for folder in (maildir.parent, maildir, *(maildir / part for part in ("tmp", "new", "cur"))):
            folder.mkdir(exist_ok=True)
            self.give(folder)
        return maildir

    def stored(self, address):
        """The messages in new/ of a virtual user, oldest first, as bytes."""
        return read_folder(self.maildir(address) / "new")

    def deliver(self, *arguments, message=b"", env=None, **options):
        """Call the agent directly, as pipe(8)'s user would."""
        return subprocess.run([self.todoke, "deliver", "-c", str(self.conf), *map(str, arguments)], input=message,
                              capture_output=True, timeout=PATIENCE, user=self.user.pw_uid, group=self.user.pw_gid,
                              extra_groups=[], env={"PATH": "/usr/bin:/bin", **(env or {})}, cwd="/", **options)

    def mount_small(self, size):
        folder = self.path("small")
        folder.mkdir()
        try:
            run("mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", folder)
        except AssertionError as error:
            raise Skip("cannot mount a small tmpfs here") from error
        self.mounts.append(folder)
        self.give(folder)
        return folder

    def close(self, keep):
        for folder in self.mounts:
            run("umount", folder, check=False)
        self.remove_accounts()
        if not keep:
            shutil.rmtree(self.root, ignore_errors=True)
        self.lock.close()


def read_folder(folder):
    files = sorted(folder.iterdir(), key=lambda path: path.stat().st_mtime_ns) if folder.is_dir() else []
    return [path.read_bytes() for path in files]


class Postfix:
    """A private instance; one pipe(8) service for each way in which the cases call the agent."""

    def __init__(self, world):
        self.world = world
        self.conf = world.path("postfix")
        self.log = world.path("maillog")
        self.smtp_port = unused_port()
        self.services = {}
        self.refusers = {}  # port of a further smtpd: its options
        self.outside = world.path("outside")

    def add_pipe(self, domain, argv, flags="", more=""):
        """Mail for `domain` goes through a pipe(8) service with this command line."""
        self.services[domain] = f"{'flags=' + flags if flags else ''} user={USERS[0]} {more} null_sender= argv={argv}"

    def add_refuser(self, options):
        """One more smtpd, with options of its own; its port."""
        port = unused_port()
        self.refusers[port] = options
        return port

    def name_of(self, domain):
        return "agent-" + domain.split(".")[0]

    def main_cf(self):
        agents = "".join(f"{self.name_of(domain)}_destination_recipient_limit = 1\n" for domain in self.services)
        return textwrap.dedent(f"""\
            compatibility_level = 3.6
            queue_directory = {self.world.path('queue')}
            data_directory = {self.world.path('data')}
            maillog_file = {self.log}
            maillog_file_prefixes = {self.world.root}
            myhostname = mx.e2e.test
            mydestination = local.test
            myorigin = local.test
            mynetworks = 127.0.0.0/8
            inet_interfaces = 127.0.0.1
            inet_protocols = ipv4
            alias_maps =
            local_recipient_maps =
            relay_domains = {' '.join(self.services)}
            relay_recipient_maps =
            transport_maps = texthash:{self.conf}/transport
            virtual_mailbox_domains = outside.test
            virtual_mailbox_base = {self.outside}
            virtual_mailbox_maps = static:all/
            virtual_uid_maps = static:{self.world.user.pw_uid}
            virtual_gid_maps = static:{self.world.user.pw_gid}
            virtual_minimum_uid = 1
            mailbox_command = {self.world.agent} deliver -c {self.world.local_conf}
            mailbox_command_maps = texthash:{self.conf}/commands
            export_environment = TZ MAIL_CONFIG LANG TODOKE_MODULE_DIR={self.world.modules} TODOKE_LOCALE_DIR={self.world.locales} TODOKE_PROGRAM_DIR={self.world.programs} TODOKE_CONF={self.world.path('etc', 'procmail.conf')}
            recipient_delimiter = +
            message_size_limit = 250000000
            mailbox_size_limit = 0
            virtual_mailbox_limit = 0
            queue_minfree = 0
            hopcount_limit = 200
            allow_min_user = yes
            smtpd_client_connection_rate_limit = 0
            minimal_backoff_time = 1s
            maximal_backoff_time = 2s
            transport_retry_time = 1s
            queue_run_delay = 300s
            service_throttle_time = 1s
            in_flow_delay = 0
            """) + agents

    def master_cf(self):
        rows = [f"127.0.0.1:{self.smtp_port} inet n - n - - smtpd"]
        rows += [f"127.0.0.1:{port} inet n - n - - smtpd {options}" for port, options in self.refusers.items()]
        rows += [f"{name} {kind} {rest}" for name, kind, rest in (
            ("pickup", "unix", "n - n 60 1 pickup"), ("cleanup", "unix", "n - n - 0 cleanup"),
            ("qmgr", "unix", "n - n 300 1 qmgr"), ("rewrite", "unix", "- - n - - trivial-rewrite"),
            ("bounce", "unix", "- - n - 0 bounce"), ("defer", "unix", "- - n - 0 bounce"),
            ("trace", "unix", "- - n - 0 bounce"), ("verify", "unix", "- - n - 1 verify"),
            ("flush", "unix", "n - n 1000? 0 flush"), ("proxymap", "unix", "- - n - - proxymap"),
            ("smtp", "unix", "- - n - - smtp"), ("relay", "unix", "- - n - - smtp"),
            ("showq", "unix", "n - n - - showq"), ("error", "unix", "- - n - - error"),
            ("retry", "unix", "- - n - - error"), ("discard", "unix", "- - n - - discard"),
            ("local", "unix", "- n n - - local"), ("virtual", "unix", "- n n - - virtual"),
            ("anvil", "unix", "- - n - 1 anvil"), ("postlog", "unix-dgram", "n - n - 1 postlogd"))]
        rows += [f"{self.name_of(domain)} unix - n n - - pipe {arguments}" for domain, arguments in self.services.items()]
        return "".join(row + "\n" for row in rows)

    def start(self):
        for folder, owner in ((self.conf, "root"), (self.world.path("queue"), "root"), (self.world.path("data"), "postfix"),
                              (self.outside, USERS[0])):
            folder.mkdir()
            self.world.give(folder, owner)
        self.world.path("data").chmod(0o700)
        self.conf.joinpath("main.cf").write_text(self.main_cf())
        self.conf.joinpath("master.cf").write_text(self.master_cf())
        self.conf.joinpath("commands").write_text(f'{USERS[1]} {self.world.todoke} procmail -a "$EXTENSION"\n')
        self.conf.joinpath("transport").write_text("".join(f"{domain} {self.name_of(domain)}:\n" for domain in self.services))
        run("postfix", "-c", self.conf, "start")
        wait_for("Postfix", lambda: answers(self.smtp_port))

    def stop(self):
        if self.conf.joinpath("main.cf").exists():
            run("postfix", "-c", self.conf, "stop", check=False)

    def send(self, message, recipient, sender="sender@outside.test"):
        """Hand a message (bytes, LF) to smtpd; returns its queue id."""
        with smtplib.SMTP("127.0.0.1", self.smtp_port, local_hostname="client.test", timeout=PATIENCE) as smtp:
            smtp.ehlo()
            for code, reply in (smtp.mail(sender, ["BODY=8BITMIME"]), smtp.rcpt(recipient)):
                assert code == 250, reply
            code, reply = smtp.data(message.replace(b"\n", b"\r\n"))
        assert code == 250, reply
        return re.search(rb"queued as (\w+)", reply).group(1).decode()

    def log_lines(self, pattern):
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return [line for line in text.splitlines() if re.search(pattern, line)]

    def outcome(self, queue_id, status):
        """Wait for the log line that says `status` (sent, deferred, bounced) of a message; the last such line."""
        pattern = rf"{queue_id}: to=.* status="
        def seen():
            lines = self.log_lines(pattern)
            return [line for line in lines if f"status={status}" in line]
        try:
            return wait_for(f"status={status} of {queue_id}", seen)[-1]
        except AssertionError as error:
            raise AssertionError(f"{error}; the log says {self.log_lines(pattern)}") from None

    def flush(self):
        run("postqueue", "-c", self.conf, "-f")

    def is_empty(self):
        return run("postqueue", "-c", self.conf, "-j").stdout.strip() == b""

    def is_done(self):
        """Nothing is queued, at two looks: one of them may miss what just moves from queue to queue. What was put off is tried again."""
        if not self.is_empty():
            self.flush()
            time.sleep(0.1)
            return False
        time.sleep(0.1)
        return self.is_empty()

    def settle(self):
        wait_for("an empty queue", self.is_done)

    def wait_for_try(self, queue_id, count):
        """Flush until a message was put off so often."""
        def tried():
            self.flush()
            time.sleep(0.2)
            return len(self.log_lines(rf"{queue_id}: to=.* status=deferred")) >= count
        wait_for(f"try {count} of {queue_id}", tried)

    def retry_until_sent(self, queue_id):
        """Flush until a deferred message has gone."""
        def sent():
            self.flush()
            time.sleep(0.2)
            return self.log_lines(rf"{queue_id}: to=.* status=sent")
        return wait_for(f"the retry of {queue_id}", sent)[-1]

    def inbox(self, address):
        """Mail of the world outside, where bounces arrive; stored by Postfix's own virtual(8)."""
        return read_folder(self.outside / "all" / "new")

    def bounce_of(self, queue_id):
        """The bounce that names this queue id, parsed; see Bounce."""
        def arrived():
            return [message for message in self.inbox("all") if f"X-Postfix-Queue-ID: {queue_id}".encode() in message]
        return Bounce(wait_for(f"the bounce of {queue_id}", arrived)[0])

    def no_bounce_of(self, queue_id):
        removed = rf"{queue_id}: removed"
        wait_for(f"the end of {queue_id}", lambda: self.log_lines(removed))
        return not self.log_lines(rf"{queue_id}: sender non-delivery notification")


class Bounce:
    """A delivery report (RFC 3464): the part for people and the fields of the first recipient."""

    def __init__(self, raw):
        import email
        self.message = email.message_from_string(raw.decode(errors="replace"))  # reports of Postfix may have UTF-8
        self.text = self.message.get_payload(0).get_payload()
        self.fields = {}
        for block in self.message.get_payload(1).get_payload():
            self.fields.update({key.lower(): " ".join(value.split()) for key, value in block.items()})


class Dovecot:
    """A private Dovecot: POP3 for the provider's mailboxes, IMAP to read back what was stored."""

    def __init__(self, world):
        self.world = world
        self.pop3_port = unused_port()
        self.imap_port = unused_port()
        self.process = None
        self.homes = world.path("provider")

    def conf(self):
        base, entry = self.world.path("dovecot"), self.world.user
        return dovecot_conf.head() + textwrap.dedent(f"""\
            base_dir = {base}/run
            state_dir = {base}/state
            log_path = {base}/log
            protocols = pop3 imap
            listen = 127.0.0.1
            ssl = no
            auth_mechanisms = plain
            first_valid_uid = 1
            service pop3-login {{
              inet_listener pop3 {{
                port = {self.pop3_port}
              }}
              inet_listener pop3s {{
                port = 0
              }}
            }}
            service imap-login {{
              inet_listener imap {{
                port = {self.imap_port}
              }}
              inet_listener imaps {{
                port = 0
              }}
            }}
            service stats {{
              unix_listener stats-writer {{
                mode = 0666
              }}
            }}
            """) + dovecot_conf.clear_passwords() + dovecot_conf.maildir("~/Maildir") + dovecot_conf.passwords(PASSWORD) + \
            dovecot_conf.users(entry.pw_uid, entry.pw_gid, f"{self.homes}/{dovecot_conf.USER}")

    def start(self):
        base = self.world.path("dovecot")
        for folder in (base, self.homes):
            folder.mkdir()
            folder.chmod(0o755)
        base.joinpath("dovecot.conf").write_text(self.conf())
        self.process = subprocess.Popen(["dovecot", "-F", "-c", str(base / "dovecot.conf")], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=open(base / "stderr", "w"))
        try:
            wait_for("Dovecot", lambda: answers(self.pop3_port) and answers(self.imap_port))
        except AssertionError as error:
            raise AssertionError(f"{error}: {base.joinpath('stderr').read_text()}") from None

    def stop(self):
        if self.process is not None:
            self.process.terminate()
            self.process.wait(PATIENCE)

    def add_mailbox(self, name, maildir=None):
        """An account (all names are known, with one password) whose Maildir is `maildir`, or its own; returns the Maildir."""
        home = self.homes / name
        home.mkdir()
        self.world.give(home)
        if maildir is not None:
            home.joinpath("Maildir").symlink_to(maildir)
        return home / "Maildir"

    def put(self, name, message):
        """Lay a message into a provider's mailbox, as that provider's own delivery would."""
        maildir = self.add_mailbox(name)
        for folder in (maildir, *(maildir / part for part in ("tmp", "new", "cur"))):
            folder.mkdir(parents=True, exist_ok=True)
            self.world.give(folder)
        path = maildir / "new" / f"{time.time_ns()}.provider"
        path.write_bytes(message)
        self.world.give(path)

    def count_pop3(self, name):
        maildir = self.homes / name / "Maildir"
        return len(list((maildir / "new").iterdir())) + len(list((maildir / "cur").iterdir()))

    def read_imap(self, name, maildir):
        """All messages of a Maildir as an IMAP client gets them, with LF line ends."""
        self.add_mailbox(name, maildir)
        with imaplib.IMAP4("127.0.0.1", self.imap_port) as imap:
            imap.login(name, PASSWORD)
            imap.select("INBOX", readonly=True)
            _, found = imap.search(None, "ALL")
            parts = [imap.fetch(number, "(BODY.PEEK[])")[1][0][1] for number in found[0].split()]
        return [part.replace(b"\r\n", b"\n") for part in parts]


class Fetchmail:
    """One run of fetchmail: POP3 from our Dovecot, SMTP to our Postfix."""

    def __init__(self, world, dovecot, postfix):
        self.world, self.dovecot, self.postfix = world, dovecot, postfix

    def fetch(self, mailbox, recipient, options=""):
        home = self.world.path("fetch", mailbox)
        home.mkdir(parents=True)
        rc = home / "fetchmailrc"
        rc.write_text(f'poll 127.0.0.1 protocol pop3 port {self.dovecot.pop3_port}\n'
                      f' user "{mailbox}" password "{PASSWORD}" smtphost "127.0.0.1/{self.postfix.smtp_port}"\n'
                      f' smtpname "{recipient}" sslproto "" {options}\n')
        rc.chmod(0o600)
        for path in (home, rc):
            self.world.give(path)
        run("fetchmail", "--nosyslog", "--nodetach", "-v", "-f", rc, "--pidfile", home / "pid", "-i", home / "ids",
            user=self.world.user.pw_uid, group=self.world.user.pw_gid, extra_groups=[], cwd=home,
            env={"HOME": str(home), "PATH": "/usr/bin:/bin", "USER": USERS[0], "LOGNAME": USERS[0]})


def kill_hard(pid):
    os.kill(pid, signal.SIGKILL)
