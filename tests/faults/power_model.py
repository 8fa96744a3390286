# SPDX-License-Identifier: MIT
"""power_model: what a disk may hold after a power cut, by what strace saw of a delivery.

Log reads the calls of a trace: names that were made, moved and removed, octets that were written, flushes. cuts() walks through it and
gives, behind each call, every state of the disk that a file system may show after the power failed there:

- ext4 (data=ordered): names reach the disk in the order in which they were made, up to some moment that is not before the last flush of
  anything; what was written up to that moment and not flushed is missing, or is there up to some point. (What is written later makes a
  file longer, and the journal has that in the same order.)
- xfs: the same, and what was not flushed may be zeros as well.
- btrfs: all names up to some moment, and behind it those that a flush of their folder, of the file or of the new folder itself has
  brought to the disk; octets as with xfs.
- any: each folder by itself has all its names, or only those that its own flush has brought to the disk and those of files that were
  flushed under them. Only file systems without a journal are as bad (ext2); but folders may lie on several.

Octets are lost of all files in the same way, and of one file alone while the others are the contrary. An ext4 file that grows within
its last block may end in zeros there; what is written in place needs no journal; a file that was cut off and written again may be short.

A move is one thing in the first three. In the last one a file may still have its old name besides the new one, but never none.
"""

import collections
import functools
import os
import re

PAGE = 4096
MODELS = ("ext4", "xfs", "btrfs", "any")
ORDERED = ("ext4", "xfs")  # a retry doubles nothing there
CALLS = ("openat,open,creat,read,pread64,write,pwrite64,writev,pwritev,sendfile,copy_file_range,ftruncate,lseek,mkdirat,mkdir,linkat,link,"
         "symlinkat,symlink,renameat2,renameat,rename,unlinkat,unlink,rmdir,fsync,fdatasync,fcntl,dup,dup2,dup3,close,exit_group,sendto,sendmsg")
STRACE = ("strace", "-f", "-y", "-s", "4000000", "-e", "signal=none", "-e", "trace=" + CALLS)

# A name is bound to (or, with None, freed from) an inode. `folders`: whose flush brings it to the disk.
Name = collections.namedtuple("Name", "at effects inode")  # effects: (folder's inode, name, inode or None)
State = collections.namedtuple("State", "model cut tree data")  # data: inode -> octets


class Inode:
    """A file, folder or symbolic link, and what its octets were: (index of the call, octets), newest last."""

    def __init__(self, kind, octets=b""):
        self.kind, self.versions, self.flushed = kind, [(-1, octets)], [-1]

    def octets(self, at):
        return next(octets for index, octets in reversed(self.versions) if index <= at)

    def change(self, at, octets):
        self.versions.append((at, octets))


def unescape(text):
    octets = text.encode("latin-1")
    return re.sub(rb"\\(x[0-9a-f]{2}|[0-7]{1,3}|.)", lambda m: one_escape(m[1]), octets, flags=re.S)


def one_escape(what):
    if what[:1] == b"x":
        return bytes([int(what[1:], 16)])
    if what[:1].isdigit():
        return bytes([int(what, 8) & 255])
    return {b"n": b"\n", b"t": b"\t", b"r": b"\r", b"v": b"\v", b"f": b"\f"}.get(what, what)


ARGUMENT = re.compile(r'\s*(?:"((?:\\.|[^"\\])*)"(?:\.\.\.)?|(-?\d+|AT_FDCWD)<((?:\\.|[^>\\])*)>(\(deleted\))?|(\[(?:[^\]"]|"(?:\\.|[^"\\])*")*\])|([^,()"]+(?:\([^)]*\))?))\s*(?:,|$)', re.S)


class Argument:
    """text of a string; number and path of a descriptor; or a word."""

    def __init__(self, match):
        self.text = unescape(match[1]) if match[1] is not None else None
        self.fd, self.path = match[2], unescape(match[3]).decode("utf-8", "replace") if match[3] is not None else None
        self.is_removed = match[4] is not None
        self.word = match[5] or (match[6] or "").strip()

    def __int__(self):
        return int(self.word, 0)


def arguments(text):
    found, at = [], 0
    while at < len(text):
        match = ARGUMENT.match(text, at)
        assert match is not None and match.end() > at, "strace wrote %r" % text[at:at + 80]
        found.append(Argument(match))
        at = match.end()
    return found


def trace_calls(path):
    """(process, name, text of the arguments, result, its path) of each call that did not fail, in the order in which they ended. What had
    not ended when strace went has the result "?"."""
    begun = {}
    with open(path, encoding="latin-1") as trace:
        for line in trace:
            match = re.match(r"(?:(\d+) +)?(.*)\n?$", line, re.S)
            pid, rest = match[1] or "0", match[2].rstrip("\n")
            if rest.endswith("<unfinished ...>"):
                begun[pid] = rest[:-len("<unfinished ...>")].rstrip()
                continue
            if rest.endswith("<detached ...>"):
                begun[pid] = rest[:-len("<detached ...>")].rstrip()
                continue
            resumed = re.match(r"<\.\.\. \w+ resumed>(.*)$", rest, re.S)
            if resumed is not None:
                rest = begun.pop(pid, "") + resumed[1]
            match = re.match(r"(\w+)\((.*)\)\s+= (-?\d+|\?|0x[0-9a-f]+)(?:<(.*)>(?:\(deleted\))?)?.*$", rest, re.S)
            if match is not None and not match[3].startswith("-"):
                yield pid, match[1], match[2], match[3], unescape(match[4]).decode("utf-8", "replace") if match[4] else None
    for pid, rest in begun.items():
        yield pid, *rest.split("(", 1), "?", None


class Log:
    """The calls of a trace that change what is below `root`, which was like the folder `before`."""

    def __init__(self, root, before, flush_counts=lambda at: True):
        self.root, self.flush_counts = root, flush_counts
        self.inodes, self.names, self.flushes, self.marks = [], [], [], []
        self.now = collections.defaultdict(dict)  # the names as they are at this moment of the log
        self.places = {}  # (process, descriptor) -> [inode, place in the file]
        self.count = 0
        self.top = self.make("folder")
        self.load(before, self.top)
        self.before = {folder: dict(names) for folder, names in self.now.items()}

    def make(self, kind, octets=b""):
        self.inodes.append(Inode(kind, octets))
        return len(self.inodes) - 1

    def load(self, path, folder):
        for entry in os.scandir(path):
            if entry.is_symlink():
                self.now[folder][entry.name] = self.make("link", os.readlink(entry.path).encode())
            elif entry.is_dir():
                self.now[folder][entry.name] = self.make("folder")
                self.load(entry.path, self.now[folder][entry.name])
            else:
                with open(entry.path, "rb") as file:
                    self.now[folder][entry.name] = self.make("file", file.read())

    def find(self, path):
        """(folder's inode, name, inode or None) of a path; None: it lies elsewhere."""
        path = os.path.normpath(path)
        if path == self.root:
            return None, "", self.top
        if not path.startswith(self.root + "/"):
            return None
        folder, words = self.top, path[len(self.root) + 1:].split("/")
        for word in words[:-1]:
            folder = self.now[folder].get(word)
            if folder is None:
                return None
        return folder, words[-1], self.now[folder].get(words[-1])

    def at(self, folder, name):
        """What a call means by a folder's descriptor and a name."""
        name = os.fsdecode(name.text)
        return self.find(name if name.startswith("/") or folder is None else os.path.join(folder.path, name))

    def bind(self, effects, inode):
        for folder, name, target in effects:
            if target is None:
                self.now[folder].pop(name, None)
            else:
                self.now[folder][name] = target
        self.names.append(Name(self.count, tuple(effects), inode))

    def flush(self, inode):
        if self.flush_counts(self.count):
            self.inodes[inode].flushed.append(self.count)
            self.flushes.append((self.count, inode))

    def write(self, inode, place, octets):
        old = self.inodes[inode].octets(self.count)
        self.inodes[inode].change(self.count, old[:place].ljust(place, b"\0") + octets + old[place + len(octets):])

    def place(self, pid, argument):
        """[inode, place, does it append] of a descriptor; None: it is not ours."""
        known = self.places.get((pid, argument.fd))
        if argument.is_removed or not argument.path:
            return known
        found = self.find(argument.path)
        if found is None or found[2] is None:
            return None
        if known is None or known[0] != found[2]:  # it came from another process
            known = self.places[pid, argument.fd] = [found[2], 0, True]
        if known[2]:
            known[1] = len(self.inodes[known[0]].octets(self.count))
        return known

    def read(self, trace, answers=None):
        """Take the calls of a trace. answers(pid, name, text) -> what was answered for good at that call, or None."""
        for pid, name, text, result, path in trace_calls(trace):
            answer = answers(pid, name, text) if answers is not None else None
            if answer is not None:
                self.marks.append((self.count, answer))
                self.count += 1
            take = getattr(self, "take_" + name, None)
            if take is not None and result != "?" and (self.root in text or self.root in (path or "") or name in ("rename", "dup", "dup2", "dup3")):
                take(pid, arguments(text), result, path)
                self.count += 1

    # what each call does

    def take_openat(self, pid, args, result, path):
        self.opened(pid, self.at(*args[:2]), args[2].word, result, path)

    def take_open(self, pid, args, result, path):
        self.opened(pid, self.at(None, args[0]), args[1].word, result, path)

    def opened(self, pid, found, flags, result, path):
        found = self.find(path) if path else found
        if found is None:
            return
        folder, name, inode = found
        if inode is None and "O_CREAT" in flags:
            inode = self.make("file")
            self.bind([(folder, name, inode)], inode)
        elif inode is not None and "O_TRUNC" in flags:
            self.inodes[inode].change(self.count, b"")
        if inode is not None:
            self.places[pid, result] = [inode, 0, "O_APPEND" in flags]

    def take_close(self, pid, args, _result, _path):
        self.places.pop((pid, args[0].fd), None)

    def take_fcntl(self, pid, args, result, _path):
        if args[1].word.startswith("F_DUPFD") and self.place(pid, args[0]) is not None:
            self.places[pid, result] = self.place(pid, args[0])

    def take_dup(self, pid, args, result, _path):
        if self.place(pid, args[0]) is not None:
            self.places[pid, result] = self.place(pid, args[0])

    take_dup2 = take_dup3 = take_dup

    def take_read(self, pid, args, result, _path):
        known = self.place(pid, args[0])
        if known is not None:
            known[1] += int(result)

    def take_write(self, pid, args, result, _path):
        known = self.place(pid, args[0])
        if known is not None:
            self.write(known[0], known[1], args[1].text[:int(result)])
            known[1] += int(result)

    def take_writev(self, pid, args, result, _path):
        known = self.place(pid, args[0])
        if known is not None:
            octets = b"".join(unescape(text) for text in re.findall(r'iov_base="((?:\\.|[^"\\])*)"', args[1].word))
            self.write(known[0], known[1], octets[:int(result)])
            known[1] += int(result)

    def take_pwrite64(self, pid, args, result, _path):
        known = self.place(pid, args[0])
        if known is not None:
            self.write(known[0], int(args[3]), args[1].text[:int(result)])

    def take_copy_file_range(self, pid, args, result, _path):
        self.copied(pid, args[0], args[1].word, args[2], int(result))

    def take_sendfile(self, pid, args, result, _path):
        self.copied(pid, args[1], args[2].word, args[0], int(result))

    def copied(self, pid, source, offset, target, count):
        """The source is a file of ours, or one of those that were there before the delivery."""
        into, origin = self.place(pid, target), self.place(pid, source)
        if into is None:
            return
        begin = int(offset.strip("[]").split("]")[0]) if offset.startswith("[") else (origin[1] if origin else 0)
        octets = self.inodes[origin[0]].octets(self.count) if origin else self.outside(source.path)
        self.write(into[0], into[1], octets[begin:begin + count])
        into[1] += count
        if origin is not None and not offset.startswith("["):
            origin[1] += count

    def outside(self, path):
        raise AssertionError("octets come from %s, which the trace does not show" % path)

    def take_ftruncate(self, pid, args, _result, _path):
        known = self.place(pid, args[0])
        if known is not None:
            size = int(args[1])
            self.inodes[known[0]].change(self.count, self.inodes[known[0]].octets(self.count)[:size].ljust(size, b"\0"))

    def take_lseek(self, pid, args, result, _path):
        known = self.place(pid, args[0])
        if known is not None:
            known[1] = int(result)

    def take_mkdirat(self, _pid, args, _result, _path):
        self.made(self.at(*args[:2]), "folder")

    def take_mkdir(self, _pid, args, _result, _path):
        self.made(self.at(None, args[0]), "folder")

    def take_symlinkat(self, _pid, args, _result, _path):
        self.made(self.at(*args[1:3]), "link", args[0].text)

    def take_symlink(self, _pid, args, _result, _path):
        self.made(self.at(None, args[1]), "link", args[0].text)

    def made(self, found, kind, octets=b""):
        if found is not None:
            inode = self.make(kind, octets)
            self.bind([(found[0], found[1], inode)], inode)

    def take_linkat(self, _pid, args, _result, _path):
        self.linked(self.at(*args[0:2]), self.at(*args[2:4]))

    def take_link(self, _pid, args, _result, _path):
        self.linked(self.at(None, args[0]), self.at(None, args[1]))

    def linked(self, source, target):
        if source is not None and source[2] is None:  # /proc/self/fd, or a file without a name
            raise AssertionError("a link to what has no name")
        if target is not None:
            self.bind([(target[0], target[1], source[2])], source[2])

    def take_renameat2(self, _pid, args, _result, _path):
        self.moved(self.at(*args[0:2]), self.at(*args[2:4]))

    take_renameat = take_renameat2

    def take_rename(self, _pid, args, _result, _path):
        self.moved(self.at(None, args[0]), self.at(None, args[1]))

    def moved(self, source, target):
        if source is not None and target is not None and source[2] is not None:
            self.bind([(source[0], source[1], None), (target[0], target[1], source[2])], source[2])

    def take_unlinkat(self, _pid, args, _result, _path):
        self.removed(self.at(*args[:2]))

    def take_unlink(self, _pid, args, _result, _path):
        self.removed(self.at(None, args[0]))

    take_rmdir = take_unlink

    def removed(self, found):
        if found is not None and found[2] is not None:
            self.bind([(found[0], found[1], None)], found[2])

    def take_fsync(self, pid, args, _result, _path):
        found = self.find(args[0].path) if args[0].path else None
        known = self.places.get((pid, args[0].fd))
        inode = known[0] if known is not None else found[2] if found is not None else None
        if inode is not None:
            self.flush(inode)

    take_fdatasync = take_fsync


def apply(log, chosen):
    """The names after those effects."""
    names = {folder: dict(inside) for folder, inside in log.before.items()}
    for folder, name, inode in chosen:
        inside = names.setdefault(folder, {})
        if inode is None:
            inside.pop(name, None)
        else:
            inside[name] = inode
    return names


def flushed_moment(log, cut):
    """Up to where a journal with one order is on the disk: each flush brings all that came before it, if its inode had a change."""
    moment = -1
    for at, inode in log.flushes:
        if at > cut:
            break
        changes = [name.at for name in log.names if name.at <= at and (name.inode == inode or any(folder == inode for folder, _, _ in name.effects))]
        writes = [index for index, _ in log.inodes[inode].versions if moment < index <= at]
        earlier = [flush for flush in log.inodes[inode].flushed if flush < at]
        unwritten = any(index > max(earlier) for index in writes)
        moment = max([moment, at if unwritten else -1, *changes[-1:]])
    return moment


def is_flushed(log, name, cut):
    """By btrfs: is this name on the disk by a flush of its folder or of what it names, or of a new folder below it?"""
    below = {name.inode}
    for other in log.names:
        if other.effects[-1][0] in below and other.effects[-1][2] is not None:
            below.add(other.inode)
    folders = {folder for folder, _, _ in name.effects}
    return any(name.at <= at <= cut and (inode in folders or inode in below) for at, inode in log.flushes)


def name_states(log, model, cut):
    """(effects, moment): each choice that the model allows at this cut, and up to when octets may be there without a flush; None: up to
    the cut."""
    done = [name for name in log.names if name.at <= cut]
    if model in ORDERED:
        safe = flushed_moment(log, cut)
        first = sum(name.at <= safe for name in done)
        for count in range(first, len(done) + 1):
            yield [effect for name in done[:count] for effect in name.effects], moment_of(done, count)
    elif model == "btrfs":
        safe = [is_flushed(log, name, cut) for name in done]
        for count in range(len(done) + 1):
            yield [effect for at, name in enumerate(done) if at < count or safe[at] for effect in name.effects], moment_of(done, count)
    else:
        folders = sorted({folder for name in done for folder, _, _ in name.effects})
        flushed = {folder: max([at for at, inode in log.flushes if inode == folder and at <= cut], default=-1) for folder in folders}
        loose = [folder for folder in folders if any(name.at > flushed[folder] and any(effect[0] == folder for effect in name.effects) for name in done)]
        for whole in folder_choices(loose):
            yield [effect for name in done for effect in some_effects(log, name, whole, flushed, cut)], None


def folder_choices(loose):
    """Which of those folders have all their names. More than six: the choices of the first six, and each one alone against all others."""
    yield from [frozenset(folder for at, folder in enumerate(loose) if at >= 6 or choice >> at & 1) for choice in range(2 ** min(len(loose), 6))]
    if len(loose) > 6:
        yield frozenset()
        for folder in loose:
            yield frozenset({folder})
            yield frozenset(loose) - {folder}


def moment_of(done, count):
    return done[count].at - 1 if count < len(done) else None


def some_effects(log, name, whole, flushed, cut):
    """Those whose folder has seen them; an old name goes only where the new one has come."""
    if log.inodes[name.inode].kind == "file" and any(name.at <= at <= cut for at, inode in log.flushes if inode == name.inode):
        return name.effects
    seen = [effect for effect in name.effects if effect[0] in whole or name.at <= flushed[effect[0]]]
    return seen if name.effects[-1] in seen else []


def octets_at(log, cut, moment):
    """(what is flushed at the cut, what the journal's moment has, what was written in place behind it, what a file had when it was cut off
    in between): inode -> octets, the last three only where that differs."""
    flushed, whole, ahead, short = {}, {}, {}, {}
    for number, inode in enumerate(log.inodes):
        if len(inode.versions) == 1:
            flushed[number] = inode.versions[0][1]
            continue
        flush = max(flush for flush in inode.flushed if flush <= cut)
        old, new, last = inode.octets(flush), inode.octets(max(moment, flush)), inode.octets(cut)
        flushed[number] = old
        if old != new:
            whole[number] = new
            least = min((octets for index, octets in inode.versions if flush < index <= moment), key=len, default=new)
            if len(least) < min(len(old), len(new)):
                short[number] = least
        if last is not new and last[:len(new)] != new:  # no journal waits for it
            ahead[number] = last[:len(new)]
    return flushed, whole, ahead, short


def data_states(model, flushed, whole, ahead, short):
    """{inode: octets} for files that differ from what is flushed, by each way in which octets may be lost: the same way for all of them;
    and one file alone is there, torn or missing while the others are the contrary, as each file is written back by itself."""
    yield flushed
    yield whole
    for way in ("partial", "zeros"):
        torn = {number: damage("tail" if way == "zeros" and model == "ext4" else way, flushed[number], new) for number, new in whole.items()}
        yield torn
        if len(whole) > 1 and model != "any":
            yield from ({**whole, number: octets} for number, octets in torn.items())
    if len(whole) > 1 and model != "any":
        yield from ({**flushed, number: octets} for number, octets in whole.items())
        yield from ({**whole, number: octets} for number, octets in flushed.items())
    if short:
        yield {**whole, **short}
        yield {**flushed, **short}
    if ahead:
        yield {**whole, **ahead}
        yield {**flushed, **ahead}


@functools.lru_cache(maxsize=None)
def damage(way, old, new):
    if old == new:
        return new
    same = len(old) if new.startswith(old) else len(os.path.commonprefix([old, new]))
    if way == "partial":
        part = same + (len(new) - same) // 2
        part -= part % PAGE if part > same + PAGE else 0
        return new[:part] + old[part:]
    # "tail": an ext4 file is longer at once where no new block is wanted, and the rest of its last block is zeros.
    end = len(new) if way == "zeros" else min(len(new), max(same, -(-len(old) // PAGE) * PAGE))
    return new[:same] + b"\0" * (end - same) + old[end:]


def cuts(log, since=-1):
    """Every State from that call on, each once: a tree that was met under a model that keeps order is not shown again for one that does
    not, as more is asked of it there."""
    moments = sorted({since} | {name.at for name in log.names} | {at for at, _ in log.flushes} | {at for inode in log.inodes for at, _ in inode.versions if at >= 0} | {at for at, _ in log.marks})
    moments = moments[moments.index(since):]
    seen, trees = set(), {}
    for model in MODELS:
        is_ordered = model in ORDERED
        known, choices = None, []
        for cut in moments:
            so_far = (sum(name.at <= cut for name in log.names), sum(at <= cut for at, _ in log.flushes))
            if so_far != known:  # else the call before this one changed no name
                known, choices = so_far, [(tree_of(log, chosen, trees), moment) for chosen, moment in name_states(log, model, cut)]
            answered, octets_of = tuple(answer for at, answer in log.marks if at <= cut), {}
            for tree, moment in choices:
                moment = cut if moment is None else moment
                if moment not in octets_of:
                    octets_of[moment] = octets_at(log, cut, moment)
                all_flushed, *others = octets_of[moment]
                base = {number: all_flushed[number] for number in tree.inodes}
                whole, ahead, short = ({number: octets for number, octets in some.items() if number in base} for some in others)
                unchanged = tree.hash(base, base)
                for changed in data_states(model, {number: base[number] for number in whole}, whole, ahead, short):
                    key = (answered, (unchanged - tree.hash({number: base[number] for number in changed}, changed) + tree.hash(changed, changed)) % 2 ** 64)
                    if (True, key) in seen or (is_ordered, key) in seen:
                        continue
                    seen.add((is_ordered, key))
                    yield State(model, cut, tree, {**base, **changed})


def tree_of(log, chosen, trees):
    chosen = tuple(chosen)
    if chosen not in trees:
        trees[chosen] = Tree(log, apply(log, chosen))
    return trees[chosen]


class Tree:
    """Names, and where each inode is shown."""

    def __init__(self, log, names):
        self.paths = tuple(walk_names(log, names, log.top, ""))
        self.inodes = collections.defaultdict(list)
        for path, inode in self.paths:
            self.inodes[inode].append(path)

    def hash(self, octets, numbers):
        """A sum over all paths: those of some inodes can be taken out of it."""
        return sum(hash((path, octets[number])) for number in numbers for path in self.inodes[number])


def walk_names(log, names, folder, path):
    """(path below the root, inode) of all that is there."""
    for name, inode in sorted(names.get(folder, {}).items()):
        yield path + name, inode
        if log.inodes[inode].kind == "folder":
            yield from walk_names(log, names, inode, path + name + "/")


def write_tree(log, state, root):
    """Make that state, where the power has come back."""
    for path, inode in state.tree.paths:
        target, kind = os.path.join(root, path), log.inodes[inode].kind
        if kind == "folder":
            os.makedirs(target, exist_ok=True)
        elif kind == "link":
            os.symlink(os.fsdecode(state.data[inode]), target)
        else:
            with open(target, "wb") as file:
                file.write(state.data[inode])


def last_state(log):
    """All of it: what must be on the disk if nothing fails."""
    end = log.count
    names = apply(log, [effect for name in log.names for effect in name.effects])
    return State("none", end, Tree(log, names), {number: inode.octets(end) for number, inode in enumerate(log.inodes)})
