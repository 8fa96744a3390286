#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`todoke help COMMAND`: the manual page for a person at a terminal, the short help for everybody else."""

import os
import pty
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

# Stands for man: it has the page todoke-try, and says what it was asked for and in which language.
MAN = """#!/bin/sh
if [ "$1" = -w ]; then
	echo noise; echo noise >&2
	[ "$2" = todoke-try ]
	exit
fi
echo "man shows $* in $LANGUAGE"
"""


def bin_folder(folder, text=MAN):
    path = os.path.join(folder, "bin")
    os.makedirs(path, exist_ok=True)
    man = os.path.join(path, "man")
    with open(man, "w", encoding="utf-8") as file:
        file.write(text)
    os.chmod(man, 0o755)
    return path + ":/usr/bin:/bin"


def at_terminal(*args, stdin=None, **env):
    """-> (exit code, what a terminal shows)."""
    master, slave = pty.openpty()
    with subprocess.Popen([tap.TODOKE, *args], stdin=slave if stdin is None else stdin, stdout=slave, stderr=slave, env={**os.environ, **env}) as process:
        os.close(slave)
        shown = b""
        while True:
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
    os.close(master)
    return process.returncode, shown.decode().replace("\r\n", "\n")


def short_help(command, **env):
    result = tap.todoke(command, "--help", env=env)
    return 0, result.stdout.decode()


def test_a_terminal_gets_the_page(folder):
    tap.same(at_terminal("help", "try", PATH=bin_folder(folder), LC_ALL="C"), (0, "man shows todoke-try in en\n"))


def test_in_the_language_that_was_asked_for(folder):
    tap.same(at_terminal("help", "--language", "ja", "try", PATH=bin_folder(folder), LC_ALL="C"), (0, "man shows todoke-try in ja\n"))


def test_without_the_page_the_short_help(folder):
    tap.same(at_terminal("help", "why", PATH=bin_folder(folder), LC_ALL="C"), short_help("why", LC_ALL="C"))


def test_without_man_the_short_help(folder):
    tap.same(at_terminal("help", "try", PATH=folder, LC_ALL="C"), short_help("try", LC_ALL="C"))


def test_a_man_that_crashes_is_no_man(folder):
    tap.same(at_terminal("help", "try", PATH=bin_folder(folder, "#!/bin/sh\nkill -9 $$\n"), LC_ALL="C"), short_help("try", LC_ALL="C"))


def test_a_program_gets_the_short_help(folder):
    """Either end that is no terminal is enough: nobody could turn pages."""
    env = {"PATH": bin_folder(folder), "LC_ALL": "C"}
    tap.same(tap.todoke("help", "try", env=env).stdout.decode(), short_help("try", **env)[1])
    tap.same(at_terminal("help", "try", stdin=subprocess.DEVNULL, **env), short_help("try", **env))


def pages():
    """The pages that are about no command, each with its section."""
    folder = os.path.join(tap.TOP, "agent", "man")
    commands = {line.split('"')[1] for line in open(os.path.join(tap.TOP, "agent", "cmd", "cmd-table.def"), encoding="utf-8") if line.startswith("CMD(")}
    found = [name.rsplit(".", 1) for name in os.listdir(folder) if name.startswith("todoke")]
    return [(page, section) for page, section in found if page.removeprefix("todoke-") not in commands and (page, section) != ("todoke", "8")]


def test_each_page_is_a_subject(folder):
    tap.same(len(pages()) > 10, True)
    for page, section in pages():
        for word in (page, page.removeprefix("todoke-").removeprefix("todoke.")):
            result = tap.todoke("help", word)
            tap.same((word, result.returncode, result.stdout.decode(), result.stderr), (word, 0, "its page is %s(%s): man %s %s\n" % (page, section, section, page), b""))
    path = bin_folder(folder, MAN.replace("todoke-try", "todoke-quota"))
    tap.same(at_terminal("help", "quota", PATH=path, LC_ALL="C"), (0, "man shows todoke-quota in en\n"))
    tap.same(at_terminal("help", "todoke-quota", PATH=path, LC_ALL="C"), (0, "man shows todoke-quota in en\n"))
    tap.same(tap.todoke("help", "todoke-try").stdout.decode(), short_help("try")[1], "a command's page")
    tap.contains(tap.todoke("help", "quotta").stderr, b"did you mean 'quota'?")


def test_an_unknown_command_opens_nothing(folder):
    code, shown = at_terminal("help", "delivr", PATH=bin_folder(folder), LC_ALL="C")
    tap.same((code, "did you mean 'deliver'?" in shown, "man shows" in shown), (2, True, False))


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
