# SPDX-License-Identifier: MIT
"""Dovecot's sieve-test and our engine asked the same: what is shared by sieve-diff, sieve-corpus and mime-diff."""

import os
import re
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import dovecot_conf
import private_host  # noqa: F401 by its import alone

TOP = os.environ.get("top_srcdir", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", ".."))
CASES = os.path.join(TOP, "tests/cases/sieve")
OURS = os.environ.get("SIEVE_CASE", "tests/lib/sieve-case")
os.environ.setdefault("TODOKE_MODULE_DIR", os.path.abspath(".libs"))

EXTENSIONS = ("editheader", "spamtest", "spamtestplus", "virustest", "vacation-seconds", "special-use", "vnd.dovecot.environment")


def configuration(folder, actions):
    return dovecot_conf.head() + dovecot_conf.maildir(folder + "/mail") + "log_path = /dev/stderr\nssl = no\nprotocols =\n" + \
        ("recipient_delimiter = +\n" if dovecot_conf.IS_NEW else "plugin {\n  recipient_delimiter = +\n}\n") + \
        dovecot_conf.sieve_settings(EXTENSIONS, max_actions=actions, user_email="me@example.jp") + \
        dovecot_conf.sieve_script("dir", folder + "/personal") + dovecot_conf.sieve_script("global", folder + "/global")


# Lines of `envelope` that sieve-test has no words for.
FOREIGN = {"set", "item", "environment", "seen", "program", "list", "mailbox", "client", "now", "auth", "notify", "ret", "envid",
           "orcpt", "helo", "delimiters", "trust", "queue-id", "utc-offset", "trace", "user", "address", "mailboxid", "metadata"}


class Skip(Exception):
    """The case says something that sieve-test cannot be told."""


def read_envelope(folder):
    values = {"from": "sender@example.org", "to": "me@example.jp"}
    path = os.path.join(folder, "envelope")
    for line in open(path, encoding="utf-8") if os.path.exists(path) else []:
        key, _, value = line.rstrip("\n").partition(":")
        if key in FOREIGN:
            raise Skip("envelope says '%s'" % key)
        values[key] = value.strip()
    if values["from"] == "":
        raise Skip("null sender")
    return values


def as_nobody(command):
    """Dovecot's tools refuse root."""
    if os.geteuid() != 0:
        return command
    return ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", *command]


def unquote(text):
    return text[1:-1] if text.startswith('"') else text


def plain_address(text):
    """As our plan has it: a local part without quotes (agent/message/address.h)."""
    local, at, domain = text.rpartition("@")
    return unquote(local).replace('\\"', '"') + at + domain


def normal_flags(flags):
    return tuple(sorted(flag.lower() for flag in flags))


def parse_theirs(output, errors, code):
    """Kind ("error", "fault", "plan") and actions: (name, target, flags, create)."""
    if "failed to compile" in errors:
        return ("error", [])
    if "Performed actions:" not in output:
        return ("fault", [("store", "INBOX", (), False)])
    actions = []
    for line in output.splitlines():
        store = re.match(r" \* store message in folder: (.*)", line)
        redirect = re.match(r" \* redirect message to: <(.*)>", line)
        flags = re.match(r"\s+\+ add IMAP flags: (.*)", line)
        if store:
            actions.append(["store", store[1], (), False])
        elif redirect:
            actions.append(["redirect", plain_address(redirect[1]), (), False])
        elif flags:
            actions[-1][2] = normal_flags(flags[1].split())
        elif "+ create mailbox" in line:
            actions[-1][3] = True
        elif line.startswith(" * "):
            actions.append([line.split()[1].replace("send", "answer"), "", (), False])
    return ("fault" if code != 0 else "plan", [tuple(action) for action in actions])


def parse_ours(output):
    kind, actions = "plan", []
    for line in output.splitlines():
        if re.match(r"(\S+:)?\d+:\d+: error: ", line):
            kind = "error"
        elif line.startswith("fault: "):
            kind = "fault"
        action = re.match(r"(?:\S+:)?[-\d]+: (\w+)(.*)", line)
        if not action or ": warning: " in line:
            continue
        words = dict(re.findall(r'(\w+)=("(?:[^"\\]|\\.)*"|\[.*?\])', action[2]))
        name = {"keep": "store", "fileinto": "store", "ereject": "reject", "vacation": "answer", "notify": "answer"}.get(action[1], action[1])
        target = unquote(words.get("mailbox", words.get("address", ""))).replace('\\"', '"').replace("\\\\", "\\")
        flags = re.findall(r'"((?:[^"\\]|\\.)*)"', words.get("flags", ""))
        actions.append((name, target if name in ("store", "redirect") else "",
                        normal_flags(flag.replace("\\\\", "\\") for flag in flags), " create" in action[2]))
    return (kind, actions if kind != "error" else [])


def run_theirs(work, script, message, envelope):
    command = ["sieve-test", "-c", os.path.join(work, "dovecot.conf"), "-C", "-r", envelope["to"], "-f", envelope["from"]]
    if "orig" in envelope:
        command += ["-a", envelope["orig"]]
    environment = {"HOME": work, "PATH": os.environ["PATH"], "TZ": "UTC", "LC_ALL": "C.UTF-8"}
    result = subprocess.run(as_nobody([*command, script, message]), capture_output=True, timeout=120, env=environment, check=False,
                            cwd=work)
    errors = result.stderr.decode("utf-8", "replace")
    if "unknown Sieve capability" in errors:
        raise Skip("sieve-test lacks a capability")
    return parse_theirs(result.stdout.decode("utf-8", "replace"), errors, result.returncode), errors


def run_ours(folder):
    result = subprocess.run([OURS, folder], capture_output=True, timeout=120, check=False)
    text = result.stdout.decode("utf-8", "replace")
    return parse_ours(text), text


def copy_scripts(work, folder):
    """What include finds, for sieve-test where it looks for it."""
    for place in ("personal", "global"):
        shutil.rmtree(os.path.join(work, place), ignore_errors=True)
        os.makedirs(os.path.join(work, place))
        os.chmod(os.path.join(work, place), 0o777)
        there = os.path.join(folder, place)
        for name in os.listdir(there) if os.path.isdir(there) else []:
            shutil.copy(os.path.join(there, name), os.path.join(work, place, name))
            os.chmod(os.path.join(work, place, name), 0o644)


def message_folder(folder):
    """The case's own or that of the nearest folder above."""
    while not os.path.exists(os.path.join(folder, "message.eml")):
        folder = os.path.dirname(folder)
    return folder


def find_cases():
    """All of them by name, those in folders of an area, too."""
    return {os.path.basename(folder): folder for folder, _, files in os.walk(CASES) if "script.sieve" in files}


def prepare(work, actions=32):
    os.chmod(work, 0o777)
    os.mkdir(os.path.join(work, "mail"))
    os.chmod(os.path.join(work, "mail"), 0o777)
    with open(os.path.join(work, "dovecot.conf"), "w", encoding="utf-8") as file:
        file.write(configuration(work, actions))
