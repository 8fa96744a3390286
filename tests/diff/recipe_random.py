# SPDX-License-Identifier: MIT
"""recipe_random: expressions, rc files and messages at random, for recipe-diff. The same generator (random.Random) makes the same ones."""


# Random expressions: few letters, so that they often match.
def random_item(rng, depth):
    roll = rng.random()
    if roll < 0.45:
        return rng.choice("abc ")
    if roll < 0.55:
        return "."
    if roll < 0.63:
        return rng.choice(["[ab]", "[^a]", "[a-c]", "[^ab ]", "[b\\]", "[]a]", "[Aa]", "[bB]", "[Ab]", "[A-C]"])
    if roll < 0.70:
        return rng.choice(["^", "$"])
    if roll < 0.74:
        return rng.choice(["\\<", "\\>"])
    if roll < 0.76:
        return rng.choice(["\\.", "\\a", "\\*"])
    if roll < 0.78:
        return "^^"
    if depth > 0:
        return "(" + random_or(rng, depth - 1) + ")"
    return "b"


def random_branch(rng, depth):
    out = ""
    for _ in range(rng.randint(0 if depth < 2 else 1, 4)):
        out += random_item(rng, depth) + rng.choice(["", "", "", "", "*", "+", "?"])
    return out


def random_or(rng, depth):
    return "|".join(random_branch(rng, depth) for _ in range(rng.choice([1, 1, 1, 2, 3])))


def random_expression(rng):
    left = random_or(rng, 2)
    if rng.random() < 0.3 and "|" not in left:
        left += "\\/" + random_branch(rng, 1)
    return left


FLAGS = "HBDAaEehbcwWir"
CONDITIONS = ("* ^Subject: yes", "* ^Subject:.*list", "* ! ^X-No", "* B ?? body", "* < 300", "* > 300", "* ? true", "* ! ? false", "* 1^0 ^From",
              "* V1 ?? a", "* V2 ?? ^^^^", "* $ ^Subject: ${V1:-yes}", "* ^Subject: \\/.*", "* -1^0\n* 2^0 ^From", "* $ ! ^X-$V3", "* HB ?? me",
              "* ? test -n \"$V1\"", "* ! ? grep -q yes", "* $ $V1 ?? a", "* ^TO_me@", "* ! $ V2 ?? ${V1:-x}", "* ^From:.*\\/[a-z]+", "* MATCH ?? y", "* ^[Ss]ubject: [Yy]es", "* ^Subject:.*[Ll]i", "* [^A-Z]es", "* [xY]es|l[in]st")
# Weights: terms, powers, sizes, programs, counts; what ends at once, what goes on for ever.
WEIGHED = ("1^0", "2^1 o", "1^1 B ?? t", "-3^0", "1^.5 e", "3^.7 B ?? ^.", "100^0 > 200", "1^1 > 300", "2^-1 B ?? e", "1^1 ^Subject:.*yes", "3^0 ? false",
           "1^2 ! ? sh -c \"exit 3\"", "-1^1 B ?? o", "1^1 < 300", "2^2 > 250", ".5^0 ^From", "-.4^0", "1^0 ! ^X-No", "1^1 V1 ?? a", "-2^1 V2 ?? .", "5^0 ! B ?? body",
           "1^1 ^^From", "9^.1 ^[a-z]+:", "2^1 ^Subject: \\/.", "2147483647^0 X-a", "-1^1 B ?? ^.*$", "7^0 ! ? true", "1^3 ? sh -c \"exit 2\"")
VALUES = ("a", "", '"two words"', "$V1", "'$V2'", "x$V3", '"${V1:-none}"', "${V2:+set}", "`echo back`", '"`cat | wc -l | tr -d \' \'`"', "$MATCH", "$?", "\\$V1", "a\\ b",
          "$=", "`head -1`", '`echo "$V1" | wc -c | tr -d " "`', "\"`grep -c o`\"", "`sh -c 'exit 3'`", "x`echo a b`y", "`printf 'a\\n\\n'`", "\\\n  `echo below`", "`echo $V2``echo $V3`",
          "'`echo no`'", "\"a`echo ' b '`c\"", "${V1+`echo within`}", "`formail -xSubject:`", "\"`sed -n 's/^From: //p'`\"", "${V3-`cat | head -c 3`}", "`echo \\`echo deep\\``")
PRESETS = ("UMASK=022", "LOCKEXT=.lck", "SHELLFLAGS=-c", "MSGPREFIX=mine.", "LINEBUF=4096", "VERBOSE=no", "TIMEOUT=30", "LOGABSTRACT=no", "DEFAULT=other/",
           "ORGMAIL=org/", "SENDMAILFLAGS=-i", "COMSAT=no", "LOCKSLEEP=1", "LOCKTIMEOUT=20", "NORESRETRY=2", "SUSPEND=1", "DELIVERED", "EXITCODE=0", "SHIFT=1",
           "LOCKFILE=all.lock", "LOCKFILE", "TRAP='echo trapped $V1 >trap.out'", "SHELLMETAS=&|<>~;?*", "LOGABSTRACT=all", "INCLUDERC=missing.rc", "SWITCHRC=missing.rc")
CAPTURED = ("head -1", "cat >/dev/null; echo said", "cat >/dev/null; exit 1", "sed -n 's/^Subject: //p'", "wc -c | tr -d ' '")
FILTERS = ("sed s/yes/no/", "cat", "cat; exit 2", "sed -e '/^X-/d'", "sed -e 's/^Subject: /&more /'", "formail -IX-a:", "formail -AX-b:\\ $V1")
SENDMAIL = b'#!/bin/sh\nn=0\nwhile [ -e sent.$n ]; do n=$((n+1)); done\n{ for i; do echo "$i"; done; cat; } >sent.$n\n'


def whole(texts, message):
    """-> (rc file, message, other files) of what RcFile made: what stands before and behind the lines of all."""
    rc = ["SENDMAIL=./sendmail", 'NL="', '"', *texts["rc"], ":0", "end/"]
    files = {name: ("\n".join(lines) + "\n").encode("latin1") for name, lines in texts.items() if name != "rc"}
    return ("\n".join(rc) + "\n").encode("latin1"), message, {**files, "sendmail": SENDMAIL}


class RcFile:
    """An rc file and the files that it includes. Each action has files of its own: ours are written when all recipes have run."""

    def __init__(self, rng):
        self.rng = rng
        self.count = 0
        self.texts = {"rc": []}  # the lines of each file
        self.texts["rc"] = self.rules(0, 6).split("\n")[:-1]

    def number(self):
        self.count += 1
        return str(self.count)

    def conditions(self):
        rng = self.rng
        roll = rng.random()
        if roll < 0.25:
            return []
        if roll < 0.75:
            return [rng.choice(CONDITIONS) for _ in range(rng.choice([1, 1, 1, 2]))]
        weights = ["* " + rng.choice(WEIGHED) for _ in range(rng.randint(1, 4))]
        return weights + ([rng.choice(CONDITIONS)] if rng.random() < 0.3 else [])

    def include(self, depth):
        """An assignment that reads a file of its own."""
        name = "rc." + self.number()
        text = self.rules(depth + 1, 2)
        if self.rng.random() < 0.1:
            text += self.rng.choice(["SWITCHRC\n", "SWITCHRC=\n", "INCLUDERC=\n"])
        self.texts[name] = text.split("\n")[:-1]
        return self.rng.choice(["INCLUDERC=", "INCLUDERC=", "SWITCHRC="]) + self.rng.choice(["", "", "$MAILDIR/", "./"]) + name + "\n"

    def action(self, depth, in_chain):
        """-> (text, whether it is a program)."""
        rng = self.rng
        roll = rng.random()
        if roll < 0.35:
            return rng.choice(["m%d/", "m%d/", "h%d/.", "box%d", "d%d/ e%d/", "no/such/m%d/", "no/such/box%d"]).replace("%d", self.number()), False
        if roll < 0.40:
            return "/dev/null", False
        if roll < 0.55:
            return rng.choice(["| cat >p%d", "| cat >>p%d", "|cat>p%d; exit 3", "| tee p%d"]).replace("%d", self.number()), True
        if roll < 0.62:
            return rng.choice(["! a@b.test", '! "Bob <b@c.test>" $V1', "! -t", "! $V2 x@y.test"]), True
        if roll < 0.82 and depth < 3:
            inside = self.include(depth) if rng.random() < 0.15 and depth < 2 else self.rules(depth + 1, rng.randint(1, 3))
            return "{\n" + inside + "}", False
        if in_chain:
            return '{ LOG="## in %s$NL" }' % self.number(), False
        return "", False

    def rule(self, depth, chained=""):
        rng = self.rng
        flags = chained + "".join(rng.choice(FLAGS) for _ in range(rng.randint(0, 2 if chained else 3)))
        action, is_program = self.action(depth, bool(chained))
        if action.startswith("{"):
            flags = flags.translate({ord(c): None for c in "hbcfwWir"})
            # The copy of a block runs beside the rest, if nobody waits for it.
            flags += rng.choice(["cw", "cW"]) if depth < 2 and rng.random() < 0.15 else ""
        elif action == "":
            flags, action = flags.replace("c", "") + "fw", "| " + rng.choice(FILTERS)
            # What formail makes of a body has the time in it; where a filter of an empty body fails, procmail adds an empty line.
            if "formail" in action or "exit" in action:
                flags = flags.replace("b", "") + "h"
        elif not is_program:
            flags = flags.replace("i", "")  # with it, procmail loses what cannot be stored
        else:
            flags += "w"  # what nobody waits for may come too late to be seen
        lock = rng.choice(["", "", "", ":", ":l%s.lock" % self.number()]) if not action.startswith("{") else ""
        return "\n".join([":0 " + flags + (" " if lock else "") + lock, *self.conditions(), action]) + "\n"

    def chain(self, depth):
        """Recipes that ask what those before them came to."""
        text = self.rule(depth, "c")
        for _ in range(self.rng.randint(1, 4)):
            text += self.rule(depth, self.rng.choice(["A", "a", "E", "e", "Ac", "ac", "Ec", "ec"]))
        return text

    def rules(self, depth, count):
        rng, out = self.rng, ""
        for _ in range(count):
            roll = rng.random()
            if roll < 0.22:
                out += "V%d%s%s\n" % (rng.randint(1, 3), rng.choice(["=", "=", "=", " = "]), rng.choice(VALUES))
            elif roll < 0.28:
                out += rng.choice(PRESETS) + "\n"
            elif roll < 0.32:
                out += "V%d\n" % rng.randint(1, 3)
            elif roll < 0.38:
                out += ":0 %s\nV%d=| %s\n" % (rng.choice(["w", "w", "W", "hw", "bw"]), rng.randint(1, 3), rng.choice(CAPTURED))
            elif roll < 0.44 and depth < 2:
                out += self.include(depth)
            elif roll < 0.56 and depth < 3:
                out += self.chain(depth)
            else:
                out += self.rule(depth)
            out += 'LOG="## %s $V1,$V2,$V3,$?,$=,$MATCH$NL"\n' % self.number()
        return out


def random_message(rng):
    fields = ["From: x@y.test", "To: me@example.test, b@c.test", "Subject: " + rng.choice(["yes", "no", "[list] yes", "a\n folded list"])]
    fields += ["X-No: 1"] * rng.randint(0, 1) + ["X-a: 1"] * rng.randint(0, 2)
    body = rng.choice(["body\n", "body", "", "\n\nFrom me\nbody\n\n", "text\n" * 60, "one\ntwo\nthree\n", "o" * 300 + "\n"])
    return ("From x@y.test Mon Jan  1 00:00:00 2024\n" + "\n".join(fields) + "\n\n" + body).encode()
