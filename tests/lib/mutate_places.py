# SPDX-License-Identifier: MIT
"""mutate_places: where a C file can be changed, the file with one change, and the file with all of them.

The file with all of them ("schemata") chooses at run time: each place asks mutate_(NUMBER), which is 1 for the chosen number alone and
notes in a map that the place was reached. So one build serves every place of a folder. Both forms of a change mean the same;
tests/docs/test-mutate.py holds one against the other.
"""
import bisect
import re

COMPARISONS = {"==": "!=", "!=": "==", "<=": ">", ">=": "<", "<": ">=", ">": "<=", "&&": "||", "||": "&&"}
# A statement of one line that calls or assigns: indented, ends with a semicolon, declares nothing.
STATEMENT = re.compile(r"^\t+((?:\(void\) )?[A-Za-z_][\w\->.\[\]]*\s*(?:\(|[-+|&*]?= |\+\+|--)[^;{}]*;)[ ]*$", re.M)
NO_STATEMENT = re.compile(r"(return|if|else|for|while|do|case|goto|break|switch|typedef|sizeof|g_auto\w*|auto_\w+)\b|\w+ \(\*\w+\)\(")
PRECEDENCE = {"*": 10, "/": 10, "%": 10, "+": 9, "-": 9, "<<": 8, ">>": 8, "<": 7, ">": 7, "<=": 7, ">=": 7, "==": 6, "!=": 6,
              "&": 5, "^": 4, "|": 3, "&&": 2, "||": 1, "?": 0, ":": 0, "?:": 0}
LOWEST = -2  # what ends any expression; an assignment is -1
TOKEN = re.compile(r"[(\[{)\]};,]|\b(?:return|case|else|do|default|goto)\b|(?<=\s)(?:<<=|>>=|[-+*/%&|^]=|\|\||&&|==|!=|<=|>=|<<|>>|\?:|[-+*/%&|^<>=?])(?=\s)|:")

# What only frees memory.
FREES = re.compile(r"(?:\(void\) )?(?:free|g_free|\w+_free|\w+_unref|PQclear|freeReplyObject|sqlite3_finalize)\([^;]*\);")

# What stands before each file. `chosen` and `map` are written into the program later, behind the mark: a program that has lost its
# environment, or that is started by another one, knows its change, too. The map has one address in a process, where a module finds it
# that is opened in the box, from which no file of ours is seen: openat says EFAULT of an address where nothing is.
MARK = b"mutate: chosen="
MAP_BYTES = 104
PRELUDE = """
#include <asm/unistd.h>
extern long syscall(long, ...);
extern int *__errno_location(void);
struct mutate_choice { char mark[16]; int chosen; char map[%d]; };
__attribute__((weak)) volatile struct mutate_choice mutate_choice = { "%s", -1, "" };
__attribute__((weak)) unsigned char mutate_nowhere[%d];
__attribute__((weak)) unsigned char *mutate_reached = mutate_nowhere;
__attribute__((weak, constructor(101))) void
mutate_start(void)
{
	char *const there = (char *) 0x6d7574610000;
	long fd = mutate_choice.map[0] == 0 || mutate_reached != mutate_nowhere ? -1 : syscall(__NR_openat, -100, mutate_choice.map, 2 | 02000000, 0);
	if (fd >= 0) {
		(void) syscall(__NR_mmap, there, sizeof mutate_nowhere, 3, 1 | 0x100000, fd, 0);
		syscall(__NR_close, fd);
	}
	if (mutate_choice.map[0] != 0 && syscall(__NR_openat, -100, there, 2, 0) < 0 && *__errno_location() != 14)
		mutate_reached = (unsigned char *) there;
}
static __inline__ int
mutate_(int number)
{
	mutate_reached[number] = 1;
	return mutate_choice.chosen == number;
}
#line 1 "%s"
"""


class Place:
    """A change: `text` instead of what stands from `start` to `end` of the file. `form`: the same with a choice; spans are what it keeps."""

    def __init__(self, path, source, start, end, text, what, form=None, at=None):
        self.path, self.start, self.end, self.text, self.what, self.form = path, start, end, text, what, form
        self.line = source.count("\n", 0, start if at is None else at) + 1
        self.shown = source.split("\n")[self.line - 1].strip()
        self.number = None  # of its choice, once it has one

    def __str__(self):
        return f"{self.path}:{self.line}: {self.what}: {self.shown}"

    def is_free(self):
        return self.what == "statement dropped" and FREES.match(self.shown) is not None

    def alone(self, source):
        return source[:self.start] + self.text + source[self.end:]


def blank_out(source):
    """The source with comments and literals as blanks of the same length, so that places are found in code alone."""
    pattern = r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\''
    return re.sub(pattern, lambda m: re.sub(r"[^\n]", " ", m[0]), source, flags=re.S)


def directives(code):
    """[(start, end)] of the lines of the preprocessor."""
    return [match.span() for match in re.finditer(r"^[ \t]*#(?:[^\n]*\\\n)*[^\n]*", code, re.M)]


class Expressions:
    """How far the operands of each operator go, from one walk over the code."""

    def __init__(self, code):
        self.levels = {}  # where an operator stands -> what ends expressions on its level: [(start, end, precedence)]
        level, stack = [(0, 0, LOWEST)], []
        for match in TOKEN.finditer(code):
            token, start, end = match[0], match.start(), match.end()
            if token in "([{":
                stack.append((level, re.search(r"\b(if|while|for|switch) $", code[max(0, start - 8):start]) is not None, token))
                level = [(start, end, LOWEST)]
            elif token in ")]}":
                level.append((start, end, LOWEST))
                if stack:
                    level, heads_statement, opened = stack.pop()
                    if heads_statement or opened == "{":
                        level.append((end, end, LOWEST))
            else:
                level.append((start, end, PRECEDENCE.get(token, LOWEST if token[0].isalpha() or token in ";," else -1)))
                self.levels[start] = level

    def around(self, start, operator):
        """-> (start of the left operand, end of the right one), or None."""
        level = self.levels.get(start)
        if level is None:
            return None
        own, at = PRECEDENCE[operator], bisect.bisect_left(level, (start, 0, -9))
        left = next((end for _, end, precedence in reversed(level[:at]) if precedence < own), None)
        right = next((begin for begin, _, precedence in level[at + 1:] if precedence <= own), None)
        return None if left is None or right is None else (left, right)


def closing(code, at):
    """The index behind the bracket that closes the one at `at`."""
    depth = 0
    for i in range(at, len(code)):
        depth += (code[i] == "(") - (code[i] == ")")
        if depth == 0:
            return i + 1
    return len(code)


def operator_place(path, source, match, expressions):
    operator, other = match[0], COMPARISONS[match[0]]
    what = f"{operator} is {other}"
    span = expressions.around(match.start(), operator)
    if span is None:
        return Place(path, source, match.start(), match.end(), other, what)
    left, right = (span[0], match.start()), (match.end(), span[1])
    is_cast = re.search(r"\(\w+\) \($", source[:span[0]]) is not None  # a cast of one: int would not do
    if operator == "&&":
        form = ["((!!(", left, ")) != ", None, " ? !!(", right, ") : ", None, ")"]
    elif operator == "||":
        form = ["((!!(", left, ")) == ", None, " ? !!(", right, ") : !", None, ")"]
    else:
        form = ["((", left, operator, right, ") != ", None, ")"]
    first, last = source[slice(*left)], source[slice(*right)]
    text = f"(({first}) {other} ({last}))" if operator in ("&&", "||") else f"({first}{other}{last})"
    return Place(path, source, span[0], span[1], text, what, None if is_cast else form, match.start())


def begins_statement(code, at):
    """Does a statement begin here, not a line of one that began above?"""
    before = code[:at].rstrip()
    return before[-1:] in tuple(";{}):") or before.endswith(("else", "do")) or before[before.rfind("\n") + 1:].lstrip().startswith("#")


def find_places(path, source):
    code = blank_out(source)
    expressions, lines = Expressions(code), directives(code)
    places = []
    for match in re.finditer(r"\b(if|while) \(", code):
        start = match.end() - 1
        end = closing(code, start)
        places.append(Place(path, source, start, end, f"(!{source[start:end]})", "condition turned over", ["((!!(", (start + 1, end - 1), ")) != ", None, ")"]))
    for match in re.finditer(r"(?<= )(==|!=|<=|>=|<|>|&&|\|\|)(?= )", code):
        places.append(operator_place(path, source, match, expressions))
    for match in re.finditer(r"\breturn (true|false);", code):
        other = "false" if match[1] == "true" else "true"
        places.append(Place(path, source, match.start(), match.end(), f"return {other};", "answer turned over", [f"return ({match[1]}) != ", None, ";"]))
    for match in STATEMENT.finditer(code):
        if not NO_STATEMENT.match(match[1]) and begins_statement(code, match.start(1)):
            places.append(Place(path, source, match.start(1), match.end(1), ";", "statement dropped",
                                ["do { if (!", None, ") { ", match.span(1), " } } while (0);"]))
    for place in places:
        if any(start < place.end and place.start < end for start, end in lines):
            place.form = None
    return places


def find_names(path, source, pattern):
    """A place for each name: the whole file, which knows it no more."""
    places = []
    for name in sorted(set(re.findall(rf'"({pattern})"', source))):
        place = Place(path, source, 0, len(source), source.replace(f'"{name}"', f'"{name}~"'), "name taken out")
        place.line, place.shown = source.count("\n", 0, source.index(f'"{name}"')) + 1, name
        places.append(place)
    return places


def with_choices(source, places):
    """The source with those places that have a number. One that would cut another in two loses its number."""
    order = sorted((place for place in places if place.number is not None), key=lambda place: (place.start, -place.end))
    parents, children = [], {None: []}
    for place in order:
        while parents and parents[-1].end <= place.start:
            parents.pop()
        parent = parents[-1] if parents else None
        holes = [(0, len(source))] if parent is None else [part for part in parent.form if isinstance(part, tuple)]
        if not any(start <= place.start and place.end <= end for start, end in holes):
            place.number = None
            continue
        children[parent].append(place)
        children[place] = []
        parents.append(place)

    def text_of(start, end, owner):
        parts, at = [], start
        for place in children[owner]:
            if start <= place.start and place.end <= end:
                parts += [source[at:place.start], text_with(place)]
                at = place.end
        return "".join(parts) + source[at:end]

    def text_with(place):
        return "".join(f"mutate_({place.number})" if part is None else part if isinstance(part, str) else text_of(*part, place)
                       for part in place.form)
    return text_of(0, len(source), None)


def schemata(path, source, places, count):
    """The whole text of a file that asks for its choice; there are `count` numbers in all files."""
    return PRELUDE.strip("\n") % (MAP_BYTES, MARK.decode(), max(count, 1), path) + "\n" + with_choices(source, places)
