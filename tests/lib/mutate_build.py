# SPDX-License-Identifier: MIT
"""mutate_build: copies of the source and the build tree in memory, and folders with programs that know which change is chosen."""
import concurrent.futures
import os
import pathlib
import re
import shlex
import shutil
import signal
import struct
import subprocess
import sys
import threading

import mutate_places
import recipe_oracle as oracle

TOP = pathlib.Path(__file__).resolve().parent.parent.parent
MAKE_S = 1800
SHIMS = ("libshim", "libhostile")  # what tests preload


def give_up(text):
    print(f"mutate: {text}", file=sys.stderr, flush=True)
    sys.exit(2)


def run(argv, cwd, env=None, stop=None, timeout_s=MAKE_S):
    """-> (exit code, output). A process is ended with its children when it takes too long, or once a line begins with `stop`."""
    with subprocess.Popen(argv, cwd=cwd, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL,
                          start_new_session=True) as process:
        timer = threading.Timer(timeout_s, oracle.kill_group, [process.pid])
        timer.start()
        oracle.RUNNING.add(process.pid)
        output = []
        for line in process.stdout:
            output.append(line.decode("utf-8", "replace"))
            if stop and output[-1].startswith(stop):
                oracle.kill_group(process.pid)
                break
        process.wait()
        timer.cancel()
        oracle.kill_group(process.pid)
        oracle.RUNNING.discard(process.pid)
        return process.returncode, "".join(output)


class Tree:
    """A copy of the source and of its build tree, where files may be changed and make builds what depends on them, without optimizing."""

    def __init__(self, build, folder):
        self.top, self.build = folder, folder / "obj"
        if build.parent != TOP:
            give_up(f"{build} is not below {TOP}: its Makefile does not find the copy of the source")
        folder.mkdir()
        names = [path for path in TOP.iterdir() if not path.name.startswith((".", "obj"))]
        subprocess.run(["cp", "-a", "--", *names, str(folder)], check=True)
        subprocess.run(["cp", "-a", "--", str(build), str(self.build)], check=True)

    def write(self, path, text):
        (self.top / path).write_text(text, encoding="utf-8")

    def make(self, targets, jobs):
        """-> (exit code, output)"""
        return run(["make", "-k", f"-j{jobs}", "CFLAGS=-O0 -g0", "WERROR_CFLAGS=-w", *targets], self.build)


def mirror(source, target, own):
    """`target` is `source` in links; only the files of `own`, and the folders above them, are its own."""
    target.mkdir()
    for entry in os.scandir(source):
        path, new = pathlib.Path(entry.path), target / entry.name
        if path in own:
            shutil.copy(path, new)
        elif any(path in other.parents for other in own):
            mirror(path, new, own)
        else:
            new.symlink_to(path)


class Stage:
    """A folder that looks like the build tree, whose programs and modules can be told which change they run, and where to note what they reach."""

    def __init__(self, tree, folder, programs, count):
        self.folder, self.map, self.count = folder, folder.parent / (folder.name + ".map"), count
        mirror(tree.build, folder, set(programs))  # also those without a choice: modules are not opened through links
        self.marks = {}
        for program in programs:
            path = folder / program.relative_to(tree.build)
            at = path.read_bytes().find(mutate_places.MARK + b"\0")
            if at >= 0:
                self.marks[path] = at + len(mutate_places.MARK) + 1
        self.map.write_bytes(bytes(count))
        self.map.chmod(0o666)
        self.tmp = folder.parent / ("t" + folder.name[-1:])  # short: sockets stand in it
        self.env = environment(folder, self.tmp)

    def choose(self, number, noting=False):
        """`number`: of a change; -1: none. What tests have left goes."""
        empty(self.tmp)
        value = struct.pack(f"i{mutate_places.MAP_BYTES}s", number, os.fsencode(self.map) if noting else b"")
        for path, at in self.marks.items():
            try:
                with open(path, "r+b") as file:
                    file.seek(at)
                    file.write(value)
            except OSError:  # somebody runs it still
                data = path.read_bytes()
                new = path.with_name(path.name + ".new")
                new.write_bytes(data[:at] + value + data[at + len(value):])
                new.chmod(path.stat().st_mode)
                new.rename(path)
        if noting:
            with open(self.map, "r+b") as file:
                file.write(bytes(self.count))

    def reached(self):
        return {number for number, was in enumerate(self.map.read_bytes()) if was}

    def end_processes(self):
        """Those that still run a program of this folder: a test that failed may leave its servers."""
        for entry in os.scandir("/proc"):
            try:
                if entry.name.isdigit() and os.readlink(entry.path + "/exe").startswith(str(self.folder) + "/"):
                    os.kill(int(entry.name), signal.SIGKILL)
            except OSError:
                continue


class Alone(Tree):
    """A tree for one change at a time, for what has no choice. It is a stage, too."""

    def __init__(self, build, folder):
        super().__init__(build, folder)
        self.folder, self.changed, self.tmp = self.build, None, folder.parent / ("a" + folder.name[-1:])
        self.env = environment(self.build, self.tmp)

    def change(self, place, source, targets):
        """-> does it build?"""
        if self.changed not in (None, place.path):
            self.write(self.changed, (TOP / self.changed).read_text(encoding="utf-8"))
        self.changed = place.path
        self.write(place.path, place.alone(source))
        return self.make(targets, 1)[0] == 0

    def choose(self, number, noting=False):
        empty(self.tmp)

    def end_processes(self):
        Stage.end_processes(self)


def empty(folder):
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(exist_ok=True)
    folder.chmod(0o1777)


def environment(folder, tmp):
    """As AM_TESTS_ENVIRONMENT has it."""
    sanitizers = re.search(r"^SANITIZE_CFLAGS = *(.*)$", (folder / "Makefile").read_text(encoding="utf-8"), re.M)
    return {**os.environ, "TMPDIR": str(tmp), "SANITIZERS": sanitizers[1], "ASAN_OPTIONS": "intercept_tls_get_addr=0",
            "TODOKE_MODULE_DIR": str(folder / ".libs"), "TODOKE_PROGRAM_DIR": str(folder), "TODOKE": str(folder / "todoke"),
            "TODOKE_LOCALE_DIR": str(folder / "po/locale"), "top_srcdir": str(TOP), "PYTHONDONTWRITEBYTECODE": "1", "CMOCKA_MESSAGE_OUTPUT": "TAP"}


class Compiler:
    """How make compiles a file, asked once; with it: does a change come to other machine code?"""

    def __init__(self, build, folder):
        self.build, self.folder, self.argv, self.objects = build, folder, {}, {}
        self.lock = threading.RLock()

    def ask(self, path):
        """The words of the compiler for `path`, in the program or in the module that has it."""
        with self.lock:
            if path not in self.argv:
                stem = pathlib.Path(path)
                targets = [str(found.relative_to(self.build)) for kind in ("o", "lo") for found in sorted((self.build / stem.parent).glob(f"*.{kind}"))
                           if re.fullmatch(rf"(?:\w+-)?{re.escape(stem.stem)}", found.stem)  # of libtool, or of a program alone
                           and (found.stem == stem.stem or not (TOP / stem.parent / f"{found.stem}.c").exists())]  # not of another file
                code, said = run(["make", "-n", "V=1", "-W", f"../{path}", *targets[-1:]], self.build)
                lines = [line for line in said.replace("\\\n", " ").split("\n") if f" -MT {targets[-1]} " in line]
                if code != 0 or not lines:
                    give_up(f"make does not say how it compiles {path}: is {self.build} up to date?\n{said[-2000:]}")
                words = shlex.split(lines[-1].split("&&")[0])
                flags = words[words.index("--mode=compile") + 1 if "--mode=compile" in words else 0:words.index("-MT")]
                self.argv[path] = [word for word in flags if word not in ("ccache", "-Werror", "-g")] + ["-g0", "-w", "-c"]
            return self.argv[path]

    def compile(self, path, text):
        """-> the object's bytes; None: it does not compile."""
        folder = self.folder / str(threading.get_ident())
        folder.mkdir(parents=True, exist_ok=True)
        source = folder / pathlib.Path(path).name
        source.write_text(text, encoding="utf-8")
        code, _ = run([*self.ask(path), "-o", str(folder / "changed.o"), str(source)], self.build)
        return (folder / "changed.o").read_bytes() if code == 0 else None

    def is_change(self, place, source):
        """Does it compile, and to something else than the file as it is?"""
        if place.path not in self.objects:
            self.objects[place.path] = self.compile(place.path, source)
        return self.compile(place.path, place.alone(source)) not in (None, self.objects[place.path])


def programs_of(build, tests):
    """-> (targets of make, paths below the build tree): what the tests run, and what those programs may start or open."""
    programs = [path.name for path in build.iterdir() if path.is_file() and os.access(path, os.X_OK) and path.read_bytes()[:4] == b"\x7fELF"]
    programs += sorted(program for test in tests for program in test.programs)
    modules = [path.name for path in build.glob("*.la") if (build / ".libs" / (path.stem + ".so")).exists()]
    targets = [*dict.fromkeys(programs), *modules, *(f"tests/faults/{name}.la" for name in SHIMS)]
    return targets, [*dict.fromkeys(programs), *(f".libs/{name[:-3]}.so" for name in modules), *(f"tests/faults/.libs/{name}.so" for name in SHIMS)]


def build_schemata(tree, sources, places, targets, jobs):
    """Build all files with their choices. A place whose choice does not compile loses its number, and the file is built again."""
    for number, place in enumerate(place for place in places if place.form is not None):
        place.number = number
    count = sum(place.form is not None for place in places)
    by_path = {path: [place for place in places if place.path == path] for path in sources}
    changed = set(sources)
    for _ in range(20):
        for path in changed:
            tree.write(path, mutate_places.schemata(path, sources[path], by_path[path], count))
        code, said = tree.make(targets, jobs)
        if code == 0:
            return count
        changed = set()
        for path, line, name in re.findall(r"^(?:\.\./)?(\S+\.c):(\d+):\d+: error: (?:'(\w+)' undeclared)?", said, re.M):
            for place in blamed(by_path.get(path, []), sources.get(path, ""), int(line), name):
                place.number = None
                changed.add(path)
        if not changed:
            break
    give_up(f"the files with their choices do not build:\n{said[-3000:]}")


def blamed(places, source, line, name):
    """The places with a number that an error in that line comes from: those of the line, or what declared the name; else all of the file."""
    with_number = [place for place in places if place.number is not None]
    if name:
        found = [place for place in with_number if place.what == "statement dropped" and place.line < line and
                re.search(rf"\b{name}\b", source[place.start:place.end])][-1:]
    else:
        found = [place for place in with_number if source.count("\n", 0, place.start) < line <= source.count("\n", 0, place.end) + 1]
    return found or with_number


def in_parallel(jobs, items, work):
    """work(item, number of the thread) for each item."""
    items, lock = list(items)[::-1], threading.Lock()

    def loop(number):
        while True:
            with lock:
                if not items:
                    return
                item = items.pop()
            try:
                work(item, number)
            except BaseException:
                items.clear()
                raise
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        for done in [pool.submit(loop, number) for number in range(jobs)]:
            done.result()
