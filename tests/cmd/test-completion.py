#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke help --completion SHELL`: each shell itself says what it proposes."""

import json
import os
import pty
import select
import shutil
import subprocess
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap


def completion(folder, shell):
    if shutil.which(shell) is None:
        raise tap.Skip(f"{shell} is not installed")
    result = tap.todoke("help", "--completion", shell)
    tap.same((result.returncode, result.stderr), (0, b""))
    path = os.path.join(folder, "completion." + shell)
    with open(path, "wb") as file:
        file.write(result.stdout)
    return path


def answer_of(argv, folder):
    env = {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8", "TERM": "dumb"}
    result = subprocess.run(argv, cwd=folder, env=env, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=tap.PATIENCE, check=False)
    tap.same((result.returncode, result.stderr), (0, ""), " ".join(argv[:2]))
    return result.stdout.splitlines()


def bash(folder, path, *words):
    quoted = " ".join("'%s'" % word for word in ("todoke", *words))
    script = f"source '{path}'; COMP_WORDS=({quoted}); COMP_CWORD={len(words)}; _todoke; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return [line for line in answer_of(["bash", "--norc", "-c", script], folder) if line]


def fish(folder, path, *words):
    script = f"source '{path}'; complete -C '{' '.join(('todoke', *words))}'"
    return [line.split("\t")[0] for line in answer_of(["fish", "--no-config", "-c", script], folder)]


def zsh(folder, path, *words):
    """What is on the line after a TAB, in a real zsh on a terminal."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.chdir(folder)
        os.execvpe("zsh", ["zsh", "-f", "-i"], {"PATH": os.environ["PATH"], "HOME": folder, "LC_ALL": "C.UTF-8", "TERM": "dumb"})
    said = b""

    def until(mark):
        nonlocal said
        end = time.monotonic() + tap.PATIENCE
        while mark not in said:
            if not select.select([terminal], [], [], max(0, end - time.monotonic()))[0]:
                raise AssertionError(f"zsh did not say {mark}: {said[-500:]}")
            try:
                said += os.read(terminal, 65536)
            except OSError as error:
                raise AssertionError(f"zsh ended: {said[-500:]}") from error
        before, said = said.split(mark, 1)
        return before

    try:
        # A key shows the line between marks, so that nothing has to be guessed of what a terminal shows.
        setup = f"autoload -Uz compinit; compinit -u -D; source '{path}'; PROMPT=; unsetopt zle_bracketed_paste 2>/dev/null; " \
                "show() { print -r -- \"<<$BUFFER>\"\">\" }; zle -N show; bindkey '^X' show; print REA\"\"DY\n"
        os.write(terminal, setup.encode())
        until(b"READY")
        os.write(terminal, " ".join(("todoke", *words)).encode() + b"\t\x18")
        until(b"<<todoke")
        return until(b">>").decode().strip()
    finally:
        os.write(terminal, b"\x03exit\n")
        os.close(terminal)
        os.waitpid(pid, 0)


def options_of(command):
    table = json.loads(tap.todoke("help", "--options-json").stdout)
    row = next(row for row in table["commands"] if row["name"] == command)
    return sorted("--" + option["names"][0] for option in row["options"] + table["of_all_for_people"] if option["names"])


def test_bash(folder):
    path = completion(folder, "bash")
    os.mkdir(os.path.join(folder, "mails"))
    tap.same(bash(folder, path, "tr"), ["try"])
    tap.same(bash(folder, path, "wh"), ["why"])
    tap.same(sorted(bash(folder, path, "try", "--")), options_of("try"))
    tap.same(bash(folder, path, "check", "--engine", "l"), ["libsieve"])
    tap.same(bash(folder, path, "try", "-o", "maild"), ["maildir="])
    tap.same(bash(folder, path, "try", "mai"), ["mails"])
    tap.same(bash(folder, path, "setup", ""), ["postfix", "home"])
    tap.same(bash(folder, path, "config", "quota_b"), ["quota_bytes"])
    tap.same(bash(folder, path, "help", "doc"), ["doctor"])
    tap.same(bash(folder, path, "try", "--rcpt", ""), [], "an address is not to be guessed")


def test_fish(folder):
    path = completion(folder, "fish")
    with open(os.path.join(folder, "mail.eml"), "wb"):
        pass
    tap.same(fish(folder, path, "tr"), ["try"])
    tap.same([word for word in options_of("why") if word not in fish(folder, path, "why", "--")], [])
    tap.same(fish(folder, path, "check", "--engine", "l"), ["libsieve"])
    tap.same(fish(folder, path, "try", "-o", "maild"), ["maildir="])
    tap.same(fish(folder, path, "try", "mai"), ["mail.eml"])
    tap.same(fish(folder, path, "help", "doc"), ["doctor"])


def test_zsh(folder):
    path = completion(folder, "zsh")
    with open(os.path.join(folder, "mail.eml"), "wb"):
        pass
    tap.same(zsh(folder, path, "tr"), "try")
    tap.same(zsh(folder, path, "check", "--engine", "lib"), "check --engine libsieve")
    tap.same(zsh(folder, path, "check", "--eng"), "check --engine=")
    tap.same(zsh(folder, path, "try", "-o", "maild"), "try -o maildir=")
    tap.same(zsh(folder, path, "try", "mai"), "try mail.eml")
    tap.same(zsh(folder, path, "help", "doc"), "help doctor")


def test_wrong_shell(folder):
    del folder
    result = tap.todoke("help", "--completion", "csh")
    tap.same((result.returncode, result.stdout, b"bash" in result.stderr), (2, b"", True))


tap.run([test_bash, test_fish, test_zsh, test_wrong_shell])
