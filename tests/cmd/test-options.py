#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The command line: one table a command, the same option means the same everywhere, and who is told what of a wrong one."""

import json
import os
import pty
import re
import subprocess
import sys
import unicodedata

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import tap

# Its command line is procmail's own.
FOREIGN = "procmail"


def commands():
    answer = json.loads(tap.todoke("help", "--options-json").stdout)
    tap.same(answer["schema"], "todoke.options/1")
    return answer["commands"]


def names_of_table(*path):
    with open(os.path.join(tap.TOP, *path), encoding="utf-8") as file:
        return file.read()


def test_each_command_of_the_table_is_told(folder):
    del folder
    rows = re.findall(r'^CMD\("(\w+)", ', names_of_table("agent", "cmd", "cmd-table.def"), flags=re.M)
    tap.same([command["name"] for command in commands()], rows)


def test_help_agrees(folder):
    del folder
    for command in commands():
        by_option, by_command = tap.todoke(command["name"], "--help"), tap.todoke("help", command["name"])
        tap.same((by_option.returncode, by_option.stderr, by_command.returncode, by_command.stderr), (0, b"", 0, b""))
        tap.same(by_option.stdout, by_command.stdout)
        text = by_option.stdout.decode()
        tap.same(text.startswith("usage: todoke %s" % command["name"]), True)
        for option in command["options"]:
            if option["names"] and "--" + option["names"][0] not in text:
                raise AssertionError("help of %s has nothing of --%s" % (command["name"], option["names"][0]))
    tap.same(tap.todoke("--help").stdout, tap.todoke("help").stdout)


def columns(text):
    """Of a terminal: Japanese letters take two."""
    return sum(2 if unicodedata.east_asian_width(letter) in "WF" else 1 for letter in text)


def test_help_in_japanese(folder):
    """Each option is explained in Japanese, but for words that are typed, within 80 columns; without --language the locale decides."""
    del folder
    locale = os.path.join(os.path.dirname(os.path.abspath(tap.TODOKE)), "po", "locale")
    if not os.path.isdir(locale):
        raise tap.Skip("built without translations")
    env = dict(os.environ, TODOKE_LOCALE_DIR=locale, LC_ALL="C.UTF-8", LANGUAGE="ja")
    seen = 0
    for command in commands():
        text = tap.todoke("help", command["name"], "--language", "ja", env=env).stdout.decode()
        options = text.partition("\n\n")[0].split("\n")
        for line in [line for line in options if re.match(r" {2,6}-", line)]:
            if command["name"] == FOREIGN and line.startswith("  -v"):
                continue  # it stands in the text below the options
            tap.same(columns(line) <= 80, True, "%s: columns of %r" % (command["name"], line))
            words = line.strip().split("  ")[-1].strip()
            typed = "actions, commands, tests, matching, json"
            starts_below = re.fullmatch(r" +(-\w, |    )?--[a-z-]+( [A-Z]+)? *", line) is not None
            tap.same(starts_below or words == typed or re.search("[\u3040-\u30ff\u4e00-\u9fff]", words) is not None, True,
                     "%s: Japanese in %r" % (command["name"], line))
            seen += 1
    tap.same(seen > 60, True, "options")
    wrong = tap.todoke("code", "--language", "ja", env=env)
    tap.contains(wrong.stderr.decode(), "コードの指定がありません")
    tap.same("tells more" in wrong.stderr.decode(), False, wrong.stderr.decode())


def test_the_same_means_the_same(folder):
    """A name or a letter stands for one option: the same names, letters and kind of argument wherever it is taken."""
    del folder
    meant = {}
    for command in commands():
        for option in command["options"] if command["name"] != FOREIGN else ():
            kind = (option["names"][0], option["argument"], option["repeats"])
            for word in ["--" + name for name in option["names"]] + ["-" + letter for letter in option["letters"]]:
                if (command["name"], word) == ("record", "--before"):
                    continue  # a time, as mail commands have it; a script's place elsewhere
                first = meant.setdefault(word, (command["name"], kind))
                tap.same((command["name"], word, kind), (command["name"], word, first[1]), "as in " + first[0])


def test_choices_are_of_an_argument(folder):
    """The reader of options compares the value with the choices, so there must be one."""
    del folder
    chosen = [(command["name"], option) for command in commands() for option in command["options"] if option["choices"]]
    for name, option in chosen:
        tap.same(bool(option["argument"]), True, "%s --%s" % (name, option["names"]))
    tap.same(len(chosen) > 4, True, "options with choices")


def test_whoever_has_a_recipient_takes_all_its_names(folder):
    del folder
    families = (("d", {"recipient", "rcpt"}), ("f", {"sender", "from"}), ("a", {"original", "orig"}), ("c", {"config"}), ("o", {"option"}))
    for command in commands():
        for option in command["options"] if command["name"] != FOREIGN else ():
            for letter, names in families:
                if names & set(option["names"]) or letter in option["letters"]:
                    tap.same((command["name"], set(option["names"]), letter in option["letters"]), (command["name"], names, True))


def test_letters_of_other_agents(folder):
    """maildrop, dovecot-lda and deliver of Cyrus: -f -a -d -m -r have values, so that a line of master.cf can be swapped."""
    del folder
    deliver = [command for command in commands() if command["name"] == "deliver"][0]
    letters = {letter: option["argument"] for option in deliver["options"] for letter in option["letters"]}
    tap.same({letter: letters[letter] for letter in "fadmr"}, {"f": "ADDR", "a": "ADDR", "d": "ADDR", "m": "NAME", "r": "ADDR"})


def test_wrong_option_of_each_command(folder):
    del folder
    for command in commands():
        if command["audience"] == "postfix":
            continue
        result = tap.todoke(command["name"], "--jsn-nonsense")
        tap.same((result.returncode, result.stdout), (2, b""))
        tap.contains(result.stderr, b"todoke %s: option '--jsn-nonsense' is not known" % command["name"].encode())
    tap.contains(tap.todoke("check", "--recipent", "x").stderr, b"did you mean '--recipient'?")


def test_wrong_setting(folder):
    del folder
    for args in (("config", "hop_limt"), ("config", "-o", "hop_limt=3"), ("try", "-o", "hop_limt=3", "-d", "a@b.test", "/dev/null")):
        result = tap.todoke(*args)
        tap.same((result.returncode != 0, result.stdout), (True, b""))
        tap.contains(result.stderr, b"did you mean 'hop_limit'?")
    tap.same(b"did you mean" in tap.todoke("config", "xyzzyplugh").stderr, False)


def test_wrong_command_in_japanese(folder):
    del folder
    locale = os.path.join(os.path.dirname(os.path.abspath(tap.TODOKE)), "po", "locale")
    if not os.path.isdir(locale):
        raise tap.Skip("built without translations")
    env = dict(os.environ, TODOKE_LOCALE_DIR=locale, LC_ALL="ja_JP.UTF-8")
    for args, said in (((), "コマンドを指定してください"), (("delivr",), "'deliver' のことですか?"), (("xyzzyplugh",), "というコマンドはありません")):
        tap.contains(tap.todoke(*args, env=env).stderr.decode(), said)


def test_wrong_command(folder):
    del folder
    result = tap.todoke("delivr")
    tap.same((result.returncode, result.stdout), (2, b""))
    tap.contains(result.stderr, b"todoke: unknown command 'delivr'; did you mean 'deliver'?")
    tap.contains(tap.todoke("help", "delivr").stderr, b"unknown command 'delivr'; did you mean 'deliver'?")
    tap.same(tap.todoke("help", "delivr").returncode, 2)
    tap.same(b"did you mean" in tap.todoke("xyzzyplugh").stderr, False)
    result = tap.todoke()
    tap.same((result.returncode, result.stdout), (2, b""))
    tap.contains(result.stderr, b"which command?")
    tap.same(b"\x1b" in tap.todoke("\x1b[31m").stderr, False)


def as_postfix(*args):
    """Descriptors 1 and 2 are one non-blocking pipe (agent/POSTFIX, CALLING)."""
    read, write = os.pipe()
    os.set_blocking(write, False)
    with open(read, "rb") as answer:
        process = subprocess.Popen([tap.TODOKE, *args], stdin=subprocess.DEVNULL, stdout=write, stderr=write)
        os.close(write)
        text = answer.read()
        return process.wait(), text


def test_wrong_command_bounces_nothing(folder):
    """An exit code that Postfix does not know bounces the mail: a misspelt line of master.cf is the site's fault, and temporary."""
    del folder
    for args in (["delivr", "-d", "a@b.test"], []):
        code, text = as_postfix(*args)
        tap.same((code, text[:6], b"\n" in text), (75, b"4.3.5 ", False))
    tap.contains(as_postfix("delivr")[1], b"'delivr'")


def test_wrong_option_of_a_delivery(folder):
    """Postfix reads the answer and nothing beside it; a person is told what was wrong, by a pipe or at a terminal."""
    del folder
    for args, why in ((["--recipent", "a@b.test"], b"option '--recipent' is not known; did you mean '--recipient'?"),
                      (["-d", "a@b.test", "-d", "c@b.test"], b"more than one recipient"),
                      (["-e"], b"-e of dovecot-lda is not taken"), (["-d"], b"--recipient needs ADDR behind it"),
                      (["--size", "many"], b"--size: 'many' is not a number")):
        code, text = as_postfix("deliver", *args)
        tap.same((code, text[:6], b"\n" in text, why in text), (75, b"4.3.5 ", False, False))
        result = tap.todoke("deliver", *args)
        tap.same((result.returncode, result.stdout[:6], result.stdout.count(b"\n")), (75, b"4.3.5 ", 1))
        tap.contains(result.stderr, why)

        master, terminal = pty.openpty()
        process = subprocess.Popen([tap.TODOKE, "deliver", *args], stdin=subprocess.DEVNULL, stdout=terminal, stderr=terminal)
        os.close(terminal)
        tap.same(process.wait(), 75)
        shown = b""
        while True:  # a terminal gives what it has, and an error where the other side is closed
            try:
                part = os.read(master, 65536)
            except OSError:
                break
            if not part:
                break
            shown += part
        os.close(master)
        tap.contains(shown, why)
        tap.contains(shown, b"4.3.5 ")


def test_version(folder):
    del folder
    plain = tap.todoke("--version")
    tap.same((plain.returncode, plain.stdout), (0, tap.todoke("version").stdout))
    result = tap.todoke("--version", "--json")
    tap.same((result.returncode, result.stdout), (0, tap.todoke("version", "--json").stdout))
    answer = json.loads(result.stdout)
    tap.same(answer["schema"], "todoke.version/1")
    tap.contains(plain.stdout, b"todoke %s\n" % answer["version"].encode())

    told = {ext["name"]: ext for ext in answer["sieve_extensions"]}
    for name, specification in (("fileinto", "RFC 5228"), ("vacation", "RFC 5230"), ("variables", "RFC 5229"), ("relational", "RFC 5231")):
        tap.contains(told[name]["specification"], specification)
    tap.same(told["imapflags"]["now_called"], "imap4flags")

    tap.same("".join(sorted(answer["recipes"]["flags"])), "ABDEHWabcefhirw")
    tap.same([(module["name"], module["usable"], module["fault"]) for module in answer["modules"]],
             [("mime", True, None), ("state", True, None), ("submit", True, None)])
    rows = re.findall(r'^CONF\(\w+,\s*(\w+),', names_of_table("conf", "conf-table.def"), flags=re.M)
    tap.same([setting["name"] for setting in answer["settings"]], rows)
    tap.same(answer["commands"], [command["name"] for command in commands()])


def test_version_tells_of_a_module_that_is_missing(folder):
    """What is not installed is not claimed."""
    answer = json.loads(tap.todoke("version", "--json", env={**os.environ, "TODOKE_MODULE_DIR": folder}).stdout)
    tap.same([module["usable"] for module in answer["modules"]], [False, False, False])
    tap.same(all(module["fault"] for module in answer["modules"]), True)


tap.run([value for name, value in sorted(globals().items()) if name.startswith("test_")])
