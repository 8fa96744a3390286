# SPDX-License-Identifier: MIT
"""
story: a machine for one story, as its owner found it before todoke: a Postfix of a virtual domain, two accounts, loopback alone. A story
types what README says; the commands and what they print make the transcript that is shown when a moment does not come.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import textwrap
import traceback

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from e2e_world import PASSWORD, PATIENCE, USERS, Dovecot, Postfix, Services, Skip, is_served, read_folder, run, unused_port, wait_for  # noqa: F401 stories use them

VMAIL = USERS[0]
DOMAIN = "example.jp"
ENGLISH, JAPANESE = {"LC_ALL": "C.UTF-8"}, {"LC_ALL": "ja_JP.UTF-8", "LANG": "ja_JP.UTF-8"}
INSTALLED = "STORIES_INSTALLED"  # the folder where `run` has installed todoke for all stories


class Machine(Services):
    """The folder, the accounts and todoke, installed but not set up."""

    def install(self, build):
        if INSTALLED in os.environ:
            self.path("install").symlink_to(os.environ[INSTALLED])
        else:
            run("make", "-C", build, "install", f"DESTDIR={self.path('install')}")
        binary = next(pathlib.Path(os.path.realpath(self.path("install"))).rglob("bin/todoke"))
        prefix = binary.parent.parent
        self.todoke, self.modules, self.locales = str(binary), str(prefix / "lib" / "todoke"), str(prefix / "share" / "locale")
        os.environ["TODOKE_MODULE_DIR"] = self.modules
        os.environ["TODOKE_LOCALE_DIR"] = self.locales

    def use_agent(self, small):
        """The program as it was installed; all stories have the same one, and nothing is added to it."""
        self.agent, self.programs = self.todoke, self.path("install")

    def write_settings(self):
        self.path("etc").mkdir()
        self.mail, self.log, self.conf = self.path("vmail"), self.path("todoke.log"), self.path("etc", "todoke.conf")
        self.local_conf = self.conf
        self.mail.mkdir()
        self.give(self.mail)
        self.log.touch()
        self.log.chmod(0o666)

    def write_conf(self, *lines):
        """todoke.conf as README has it, /var/vmail being ours, and more lines."""
        self.conf.write_text("".join(line + "\n" for line in (
            f'home = "{self.mail}/%d/%n"', f'maildir = "{self.mail}/%d/%n/Maildir"', f'log_file = "{self.log}"', f'tree_memory = "{self.path("trees")}"',
            f'submit = "smtp:127.0.0.1:{self.smtp_port}"', *lines)))
        self.conf.chmod(0o644)

    def maildir(self, address):
        local, domain = address.split("@")
        return self.mail / domain / local / "Maildir"

    def folder(self, address, name=""):
        """The messages in a folder, new and seen."""
        place = self.maildir(address) / (f".{name}" if name else "")
        return read_folder(place / "new") + read_folder(place / "cur")


class FreshPostfix(Postfix):
    """A Postfix that has never heard of todoke: example.jp is delivered by virtual(8); outside.test is the rest of the world."""

    def __init__(self, machine, main="", master=""):
        super().__init__(machine)
        self.more_main, self.more_master = main, master

    def main_cf(self):
        machine = self.world
        text = super().main_cf()
        for name in ("relay_domains", "transport_maps", "virtual_mailbox_domains", "virtual_mailbox_base", "virtual_mailbox_maps", "mailbox_command",
                     "mailbox_command_maps", "export_environment", "alias_maps", "local_recipient_maps"):
            text = re.sub(rf"(?m)^{name} =.*\n", "", text)
        return text + textwrap.dedent(f"""\
            virtual_mailbox_domains = {DOMAIN}
            virtual_mailbox_base = {machine.mail}
            virtual_mailbox_maps = regexp:{machine.path('etc', 'users')}
            virtual_alias_maps = texthash:{machine.path('etc', 'virtual')}
            relay_domains = outside.test
            transport_maps = inline:{{outside.test=outside:}}
            alias_maps = inline:{{root=admin@{DOMAIN}}}
            export_environment = TZ MAIL_CONFIG LANG TODOKE_MODULE_DIR={machine.modules} TODOKE_CONF={machine.conf}
            """) + self.more_main

    def master_cf(self):
        return super().master_cf() + f"outside unix - n n - - pipe user={VMAIL} null_sender=<> argv={self.world.outside_program} ${{sender}} ${{recipient}}\n" + self.more_master


class Story:
    """What one person does, and sees."""

    def __init__(self, args, main="", master="", settings=()):
        self.transcript, self.settings = [], settings
        self.machine = Machine()
        try:
            self.machine.open(args.build)
            self.machine.outside = self.machine.path("world")
            self.machine.outside.mkdir()
            self.machine.give(self.machine.outside)
            self.machine.path("etc", "virtual").write_text("")
            self.machine.path("etc", "users").write_text(r"/^[a-z]+(\+.*)?@example\.jp$/ x" + "\n")
            self.machine.outside_program = self.machine.script("outside", f"""\
                #!/bin/sh
                # the world outside takes a mail; somebody@full.outside.test never does
                f={self.machine.outside}/$(date +%s%N).$$
                {{ printf 'X-Sender: %s\\nX-Recipient: %s\\n' "$1" "$2"; cat; }} >"$f.tmp"
                case $2 in refused*) rm "$f.tmp"; echo '5.7.1 not wanted here'; exit 77 ;; esac
                mv "$f.tmp" "$f"
                """)
            self.postfix = FreshPostfix(self.machine, main, master)
            self.machine.postfix, self.machine.smtp_port = self.postfix, self.postfix.smtp_port
            self.postfix.start()
        except BaseException:
            self.close()
            raise

    def close(self):
        if hasattr(self, "postfix"):
            self.postfix.stop()
        self.machine.close(False)

    # what is typed

    def type(self, command, code=None, user=None, env=ENGLISH, stdin=b""):
        """A line for the shell, as root or as a user; what it prints. The installation below a folder of the test is none to setup."""
        command = command.replace("todoke setup postfix", f"todoke setup postfix --program {self.machine.todoke}")
        bin_folder = os.path.dirname(self.machine.todoke)
        environment = {"PATH": f"{bin_folder}:/usr/sbin:/usr/bin:/sbin:/bin", "TODOKE_CONF": str(self.machine.conf), "MAIL_CONFIG": str(self.postfix.conf),
                       "TODOKE_MODULE_DIR": self.machine.modules, "TODOKE_LOCALE_DIR": self.machine.locales, "HOME": "/root", **env}
        options = {"user": user, "group": user, "extra_groups": []} if user else {}
        done = subprocess.run(["sh", "-c", command], input=stdin, capture_output=True, timeout=PATIENCE, env=environment, cwd=self.machine.root, check=False, **options)
        text = (done.stdout + done.stderr).decode(errors="replace")
        self.transcript.append(f"{'#' if not user else '$'} {command}\n{text}[{done.returncode}]")
        if code is not None and done.returncode != code:
            raise AssertionError(f"'{command}' ended with {done.returncode}, not {code}")
        return text

    def json(self, command, **more):
        return json.loads(self.type(command, **more))

    def sees(self, text, *patterns):
        """The moment: each pattern stands in what was printed, behind the one before."""
        at = 0
        for pattern in patterns:
            found = re.compile(pattern).search(text, at)
            if found is None:
                raise AssertionError(f"the moment does not come: no /{pattern}/ in:\n{text}")
            at = found.end()

    def write(self, name, text, user=VMAIL, mode=0o644):
        path = self.machine.root / name
        folders = [folder for folder in reversed(path.parents) if not folder.exists()]
        for folder in folders:
            folder.mkdir()
            self.machine.give(folder, user)
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        path.chmod(mode)
        self.machine.give(path, user)
        return path

    def script(self, address, text):
        """The owner's Sieve script, where README says that it lies."""
        local, domain = address.split("@")
        return self.write(f"vmail/{domain}/{local}/.config/todoke/main.sieve", text)

    def set_up(self, *settings, door="pipe", user=VMAIL):
        """Steps 2 and 3 of README's road 1."""
        self.machine.write_conf(*settings)
        more = f" --user {user}" if user else ""
        self.type(f"todoke setup postfix --door {door}{more} --apply", code=0)
        self.reload()

    def reload(self):
        self.type("postfix reload", code=0)
        # the new settings are in force with the next process
        wait_for("Postfix", lambda: self.postfix.log_lines("reload -- version"))

    # what happens

    def send(self, message, recipient, sender="sender@outside.test"):
        return self.postfix.send(message if isinstance(message, bytes) else message.encode(), recipient, sender)

    def delivered(self, message, recipient, sender="sender@outside.test"):
        """Send it and wait for Postfix's word that it was delivered; the queue id."""
        queue_id = self.send(message, recipient, sender)
        self.postfix.outcome(queue_id, "sent")
        return queue_id

    def world_got(self, what, pattern):
        """Mails that left this host and match; waits for one."""
        def found():
            return [text for text in (path.read_bytes().decode(errors="replace") for path in sorted(self.machine.outside.iterdir()) if path.suffix != ".tmp")
                    if re.search(pattern, text, re.M)]
        return wait_for(what, found)

    def stored(self, address, pattern, folder=""):
        """The mail of that folder that matches; waits for it."""
        def found():
            return [text for text in (raw.decode(errors="replace") for raw in self.machine.folder(address, folder)) if re.search(pattern, text, re.M)]
        return wait_for(f"/{pattern}/ in {folder or 'INBOX'} of {address}", found)


def mail(subject, to=f"anna@{DOMAIN}", sender="sender@outside.test", head="", body="The body.\n", number=None):
    identity = number if number is not None else re.sub(r"\W+", ".", subject)
    return (f"{head}From: Sender <{sender}>\nTo: <{to}>\nSubject: {subject}\nDate: Mon, 30 Nov 2026 09:00:00 +0900\n"
            f"Message-ID: <{identity}@outside.test>\n\n{body}")


def play(tell, need=(), **world):
    """Play one story, with its own machine; prints TAP, and the whole transcript where its moment does not come."""
    parser = argparse.ArgumentParser(description=tell.__doc__)
    parser.add_argument("--build", default=os.environ.get("TODOKE_PROGRAM_DIR", "obj"), help="the folder of the build")
    parser.add_argument("--show", action="store_true", help="print what was typed and seen")
    args = parser.parse_args()
    name, title = os.path.basename(sys.argv[0]), tell.__doc__.strip().splitlines()[0]
    missing = [program for program in ("postfix", "useradd", *need) if not any(os.access(os.path.join(at, program), os.X_OK) for at in "/usr/sbin:/usr/bin:/sbin:/bin".split(":"))]
    print("1..1")
    if os.geteuid() != 0 or missing:
        print(f"ok 1 - {name}: {title} # SKIP {'needs root' if os.geteuid() != 0 else 'no ' + missing[0]}")
        return
    story = None
    try:
        story = Story(args, **world)
        tell(story)
        print(f"ok 1 - {name}: {title}")
    except Skip as reason:
        print(f"ok 1 - {name}: {title} # SKIP {reason}")
    except Exception:  # a story may fail in any way
        print(f"not ok 1 - {name}: {title}")
        for line in traceback.format_exc().splitlines() + (["what was typed:"] + "\n".join(story.transcript).splitlines() if story else []):
            print("# " + line)
        if story and story.machine.log.exists():
            print("# log: " + story.machine.log.read_text()[-3000:].replace("\n", "\n# "))
        sys.exit(1)
    finally:
        if story:
            if args.show:
                print("# " + "\n".join(story.transcript).replace("\n", "\n# "))
            story.close()
