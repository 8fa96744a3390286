# SPDX-License-Identifier: MIT
"""mutate_tests: which tests ask about which folder, in the smallest parts that can be run."""
import hashlib
import os
import pathlib
import re
import sys
import time

import mutate_build
import recipe_oracle as oracle

TOP = mutate_build.TOP
LEAST_S = 3
PATIENCE_FACTOR = 10
FIRST_S = 240


def units(*names):
    return [f"tests/unit/test-{name}" for name in names]


# What covers a folder or a file (the longest name that fits counts). A script of Python is taken by its tests, cases by their folders.
CASES = "tests/cases/recipe"
SIEVE_CASES = "tests/cases/sieve"
LIBSIEVE_CASES = "tests/cases/libsieve"
LOOP_CASES = "tests/cases/loop"
PATTERN, EXPAND, COND, COND_READ = units("recipe-pattern", "recipe-expand", "recipe-cond", "recipe-cond-read")
DELIVERY, CHECK, CONVERT, PROCMAIL = ("tests/cases/test-recipe-delivery.py", "tests/cmd/test-check-recipes.py", "tests/cmd/test-convert.py",
                                      "tests/cmd/test-procmail.py")
FORMAIL, LIMITS = "tests/diff/formail-diff", "tests/cases/test-recipe-limits.py"
DELIVER, RETRIES, RETURNS, REASON = (f"tests/cmd/test-{name}.py" for name in ("deliver", "retries", "returns", "reason"))
QUOTA, QUOTA_FULL = "tests/lmtp/test-quota.py", "tests/lmtp/test-quota-full.py"
STORE = [f"tests/store/test-{name}.py" for name in ("one-place", "endings", "outcomes")]
OUT, RETRY, LINES = "tests/out/test-out.py", "tests/out/test-retry.py", "tests/out/test-log-lines.py"
AGENT = units(*"""account account-admit account-answer address address-list address-print auth-results body-print child claim compose conf deadline deliver deliver-store early-record event folder
              folder-id headers id-cache kept log loop mail-ids mail-place maildir maildir-shelf mailto mark mark-history mbox message mime-compose mime-load mime-text mime-tree outage outside owner-walk path-template
              plan quota quota-service recipes record reply-guard route sandbox script-set source-dovecot source-sql state state-once submit-talk transact transact-loop transact-out transact-recipes transact-rules transact-state tree trust utf7""".split())  # only those that reach a place run
CAPTURE, REFILTER, RECORD = (f"tests/cmd/test-{name}.py" for name in ("capture", "refilter", "record"))
# What a script runs besides todoke.
PROGRAMS = {OUT: ["tests/out/plan-once"], RETRY: ["tests/out/plan-once"], LIMITS: ["tests/lib/recipe-case"], FORMAIL: ["tests/lib/recipe-case"]}
SUITES = {
    "agent/message": [*AGENT, SIEVE_CASES, LOOP_CASES, DELIVER, RETURNS, OUT],
    "agent/store": [*AGENT, *STORE, DELIVER, RETRIES, QUOTA, QUOTA_FULL, REFILTER],
    "agent/state": [*AGENT, DELIVER, RETRIES, RETURNS, OUT, RETRY, RECORD],
    "agent/send": [*AGENT, OUT, RETRY],
    "agent/deliver": [*AGENT, OUT, RETRY, LINES, *STORE, DELIVER, RETRIES, REASON, CAPTURE, REFILTER],
    "agent/run": [*AGENT, *STORE, DELIVER, RETRIES, RETURNS, REASON, RECORD, CAPTURE, QUOTA_FULL, *(f"tests/cmd/test-{name}.py" for name in (
        "users", "account", "trust", "tree", "trace", "early-record", "shadow", "chain", "broken-script", "budgets", "sieve-memory",
        "small-program", "box", "box-programs", "box-worlds", "unheard", "mailbox-facts", "crash", "root-mail", "try", "try-truth"))],
    "filters/header": [*units("header-rule"), LOOP_CASES, REASON, "tests/cmd/test-texts.py", "tests/cmd/test-event-codes.py"],
    "filters/foreign": ["tests/cmd/test-convert-foreign.py", "tests/diff/test-foreign-diff.sh"],
    "filters/libsieve": [*units("libsieve"), LIBSIEVE_CASES, "tests/cmd/test-libsieve.py", "tests/cases/test-engines.py"],
    "filters/sieve": [*units("sieve-lexer", "sieve-value", "sieve-variable", "sieve-compare", "sieve-match", "sieve-date"), SIEVE_CASES,
                      "tests/svtest/test-suites.sh", "tests/cmd/test-because.py", "tests/cmd/test-test.py"],
    "filters/recipe/convert": [CONVERT],
    "filters/recipe/lang": [COND_READ, CASES, CHECK, CONVERT],
    "filters/recipe/lang/recipe-explain": [CHECK, CONVERT],
    "filters/recipe/lang/recipe-check": [CHECK, CONVERT],
    "filters/recipe/pattern": [PATTERN, CASES, CONVERT],
    "filters/recipe/run": [EXPAND, COND, CASES, DELIVERY, CHECK, "tests/cmd/test-because.py"],
    "filters/recipe/run/recipe-formail": [CASES, FORMAIL, DELIVERY],
}
# With --slow: what mostly waits, and what starts servers.
SLOW = {
    "filters/recipe": [LIMITS, PROCMAIL],
    "agent/run": ["tests/cmd/test-small-doors.py", PROCMAIL],
    "agent/state": ["tests/cmd/test-shared-state.py", "tests/cmd/test-state-tls.py", "tests/cmd/test-stats.py"],
}


def suite_of(path, slow):
    names = [name for name in SUITES if path.startswith((name + "/", name + "."))]
    if not names:
        mutate_build.give_up(f"nobody said what tests {path}: {', '.join(SUITES)}")
    more = [name for folder, names in SLOW.items() if slow and path.startswith(folder + "/") for name in names]
    return SUITES[max(names, key=len)] + more


class Test:
    """The smallest part of a test that can be run alone. `suite`: the name in SUITES that it is a part of."""

    def __init__(self, suite, name, words, programs, may_vary):
        self.suite, self.name, self.words, self.programs, self.may_vary = suite, name, words, programs, may_vary
        self.took_s, self.cost_s, self.reaches = 0.0, None, None

    def fails(self, stage, timeout_s=None):
        """It does not come to a good end in (default) ten times what it takes, but three seconds at least."""
        limit = timeout_s or max(LEAST_S, PATIENCE_FACTOR * self.took_s)
        words = [str(stage.folder / word[2:]) if word.startswith("./") else word for word in self.words]
        code, said = mutate_build.run(words, stage.folder, stage.env, "not ok", limit)
        return code != 0 or re.search(r"^(not ok (?!\d+ # SKIP)|1\.\.0$)", said, re.M) is not None  # "1..0": there is no test of that name

    def digest(self):
        """Of the files that it is: what was learnt of it holds as long as they are the same."""
        path = TOP / (self.suite if (TOP / self.suite).exists() else self.suite + ".c")
        path = pathlib.Path(self.words[-1]) if path.is_dir() else path
        files = sorted(file for file in path.rglob("*") if file.is_file()) if path.is_dir() else [path]
        return hashlib.sha256(b"\0".join(file.read_bytes() for file in files)).hexdigest()

    def learn(self, stage):
        """Run it to see what it reaches and how long it takes -> is it good?"""
        stage.choose(-1, noting=True)
        start = time.monotonic()
        good = not self.fails(stage, FIRST_S)
        self.took_s, self.reaches = time.monotonic() - start, stage.reached()
        stage.end_processes()
        return good


class RecipeCase(Test):
    """A case of procmail's recipes, held against what procmail did."""

    def fails(self, stage, timeout_s=None):
        folder = TOP / CASES / self.name
        oracle_env = {"TODOKE_MODULE_DIR": stage.env["TODOKE_MODULE_DIR"]}
        got, _ = oracle.by_engine(stage.folder / "tests/lib/recipe-case", *oracle.load(folder), (folder / "strict").exists(),
                                  timeout_s or max(LEAST_S, PATIENCE_FACTOR * self.took_s), oracle_env)
        return got != (folder / "expect").read_bytes()


def functions_of(path):
    """The names that a script of Python takes: those of its functions, and those that it makes of rows (one for each kind of server, each case)."""
    text = path.read_text(encoding="utf-8")
    names = re.findall(r"^def (test_\w+)\(", text, re.M)
    if "tap.run(" not in text:
        return names, []
    code, said = mutate_build.run([sys.executable, str(path), "--list"], TOP, {**os.environ, "top_srcdir": str(TOP)}, timeout_s=FIRST_S)
    listed = re.findall(r"^test_\w+$", said, re.M) if code == 0 else []
    return [name for name in names if name in listed or not listed], [name for name in listed if name not in names]


def tests_of(suite):
    """The parts of what SUITES names."""
    path = TOP / suite
    if suite in (SIEVE_CASES, LIBSIEVE_CASES):
        program = "tests/lib/sieve-case"
        return [Test(suite, path.name + "/" + case.parent.name, ["./" + program, "--tap", str(case.parent)], [program], False) for case in sorted(path.glob("**/script.sieve"))]
    if suite == LOOP_CASES:
        program, judge = "tests/loop/loop-case", 'tests/loop/loop-case "$0" 2>&1 | cmp -s - "$0/expect"'
        return [Test(suite, "loop/" + case.parent.name, ["sh", "-c", judge, str(case.parent)], [program], False) for case in sorted(path.glob("*/expect"))]
    if suite == CASES:
        return [RecipeCase(suite, case.parent.name, [str(case.parent)], ["tests/lib/recipe-case"], True) for case in sorted(path.glob("*/rc"))]
    if not path.exists():
        return [Test(suite, suite, ["./" + suite], [suite], False)]
    programs = PROGRAMS.get(suite, [])
    names, rows = functions_of(path) if suite.endswith(".py") else ([], [])
    shell = "sh" if suite.endswith(".sh") else sys.executable
    together = [Test(suite, f"{suite} rows", [shell, str(path), *rows], programs, True)] if rows else []
    return together + [Test(suite, f"{suite} {name}", [shell, str(path), name], programs, True) for name in names] or [
        Test(suite, suite, [shell, str(path)], programs, True)]
