#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""tests/mutate: a change that is chosen at run time does what the same change does that is compiled alone."""

import os
import resource
import shutil
import struct
import subprocess
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "lib"))
import mutate_places
import tap

# Each line of it has what the walk over operands could get wrong.
SOURCE = r'''
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#define IS_SMALL(n) ((n) < 3)
static int steps;
#if __STDC_VERSION__ >= 199901
typedef int Number;
#endif
struct pair { bool (*ask)(int); int left, right; };

static bool
note(const char *word, int n)
{
	printf("%s%d ", word, n);
	return n > 1;
}

static bool
both(int a, int b, int c)
{
	return a == 1 && b == 1 || note("or", a) && note("and", b) || c != 0 && note(")", c);
}

static int
choose(int a, int b)
{
	int n = a < b ? a == 2 && b > 2 ? 10 : 20 : a >= 2 || b <= 1;
	n += a & 1 && b | 2;
	note("over two lines",
		note("of which the second is none", a));
	if (!(a + 1 < b * 2) && (b == 0 || a == (b == 1 ? 1 : 2)))
		n = a - b < 0;
	else if (IS_SMALL(a))
		note("small", n);
	else
		n++;
	while (n < 3 && steps++ < 50)
		n += 2;
	for (int i = 0; i < 3 && steps++ < 50; i++)
		note("i", i);
	return strcmp("&& (", a == 1 ? "&& (" : "b") == 0 ? n : -n;
}

static bool
truth(struct pair *pair)
{
	switch (pair->left) {
	case 1:
		return true;
	case 2: return false;
	default:
		pair->right = pair->left > 2 && pair->ask != NULL;
		(void) note("right", pair->right);
	}
	bool done[] = { pair->left == 3, pair->right != 0 };
	return done[0] && !done[1];
}

static bool
never(int a)
{
	note("never", a);
	return true;
}

int
main(void)
{
	for (int a = 0; a <= 3; a++)
		for (int b = 0; b <= 3 && steps < 2000; b++) {
			struct pair pair = { a % 2 == 0 ? note_ : NULL, a, b };
			printf("%d %d ", both(a, b, a - b), choose(a, b));
			printf("%d\n", truth(&pair));
		}
	return steps > 5000 && never(1);
}
'''.replace("note_", "never")


def build(folder, text):
    """-> the program's path, or None: it does not compile."""
    source, program = os.path.join(folder, "x.c"), os.path.join(folder, "x")
    with open(source, "w", encoding="utf-8") as file:
        file.write(text)
    compiler = os.environ.get("CC", "cc").split()
    result = subprocess.run([*compiler, "-std=gnu11", "-w", "-O0", "-o", program, source], capture_output=True, check=False)
    return program if result.returncode == 0 else None


def output(program):
    """How it ends and what it prints. What loops for ever is ended by the size of its output, or after a second of the processor."""
    def bound():
        resource.setrlimit(resource.RLIMIT_CPU, (1, 1))
        resource.setrlimit(resource.RLIMIT_FSIZE, (65536, 65536))
    with open(program + ".out", "w+b") as out:
        result = subprocess.run([program], stdout=out, stderr=subprocess.DEVNULL, preexec_fn=bound, timeout=tap.PATIENCE, check=False)
        out.seek(0)
        return result.returncode, out.read()


def with_number(program, number, map_path=b""):
    with open(program, "rb") as file:
        data = file.read()
    at = data.index(mutate_places.MARK + b"\0") + len(mutate_places.MARK) + 1
    with open(program, "r+b") as file:
        file.seek(at)
        file.write(struct.pack("i%ds" % mutate_places.MAP_BYTES, number, map_path))
    return program


def places_with_numbers():
    places = mutate_places.find_places("x.c", SOURCE)
    for number, place in enumerate(place for place in places if place.form is not None):
        place.number = number
    return places


def chosen_program(folder, places):
    return build(folder, mutate_places.schemata("x.c", SOURCE, places, len(places)))


def need_compiler():
    if shutil.which(os.environ.get("CC", "cc").split()[0]) is None:
        raise tap.Skip("there is no compiler")


def test_a_chosen_change_is_the_change_alone(folder):
    need_compiler()
    places = places_with_numbers()
    program = chosen_program(folder, places)
    os.mkdir(folder + "/alone")
    plain = output(build(folder + "/alone", SOURCE))
    tap.same(output(with_number(program, -1)), plain, "nothing chosen")
    changes = 0
    for place in places:
        if place.number is None:
            continue
        alone = output(build(folder + "/alone", place.alone(SOURCE)))
        tap.same(output(with_number(program, place.number)), alone, str(place))
        changes += alone != plain
    tap.same(changes > 40, True, "%d of %d changes are seen" % (changes, len(places)))


def test_what_is_found(_folder):
    places = places_with_numbers()
    found = {(place.line, place.what) for place in places}
    line = SOURCE[:SOURCE.index("return a == 1 && b")].count("\n") + 1
    tap.same(sorted(what for at, what in found if at == line), ["!= is ==", "&& is ||", "== is !=", "|| is &&"], "one line")
    tap.same([place.shown for place in places if place.number is None], ["#define IS_SMALL(n) ((n) < 3)", "#if __STDC_VERSION__ >= 199901"],
             "what has no choice")
    tap.same([place.shown for place in places if place.what == "statement dropped" and "ask" in place.shown], ["pair->right = pair->left > 2 && pair->ask != NULL;"],
             "a member that is a function is no statement")
    tap.same([place.shown for place in places if "of which" in place.shown], [], "a line of a statement that began above is none")
    vectors = mutate_places.find_places("x.c", "void\nf(void)\n{\n\tn += (Vector) (octets == 1);\n}\n")
    tap.same([place.form is None for place in vectors if place.what == "== is !="], [True], "a choice would be no vector")


def test_what_is_reached(folder):
    need_compiler()
    places = places_with_numbers()
    path = os.path.join(folder, "map")
    with open(path, "wb") as file:
        file.write(bytes(len(places)))
    output(with_number(chosen_program(folder, places), -1, os.fsencode(path)))
    with open(path, "rb") as file:
        reached = {number for number, was in enumerate(file.read()) if was}
    unreached = [place.shown for place in places if place.number is not None and place.number not in reached]
    tap.same(sorted(unreached), ['note("never", a);', "return true;"], "unreached")


tap.run([value for name, value in list(globals().items()) if name.startswith("test_")])
