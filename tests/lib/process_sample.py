# SPDX-License-Identifier: MIT
"""process_sample: what a process and all below it have of memory and descriptors, for runs that must not grow."""

import os
import pathlib
import re

GROWTH, ENOUGH, PAGE_KB = 1.01, 20000, os.sysconf("SC_PAGE_SIZE") // 1024


def children_of(pid):
    try:
        return [int(child) for child in pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def family_of(pid):
    return [pid, *(each for child in children_of(pid) for each in family_of(child))]


class Sample:
    """
    How many processes there are, and the most that one of them has of memory in kB and of descriptors. How many wait for a client
    differs from moment to moment, so a sum would tell nothing.
    """

    def __init__(self, pid, messages):
        self.messages, self.processes, self.own, self.resident, self.descriptors, self.all_resident = messages, 0, 0, 0, 0, 0
        for each in family_of(pid):
            try:
                text = pathlib.Path(f"/proc/{each}/smaps_rollup").read_text()
                descriptors = len(os.listdir(f"/proc/{each}/fd"))
            except OSError:  # it has ended meanwhile
                continue
            size = {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.MULTILINE)}
            self.processes += 1
            self.own = max(self.own, sum(size.get(name, 0) for name in ("Private_Dirty", "Swap")))
            self.resident = max(self.resident, size.get("Rss", 0))
            self.all_resident += size.get("Rss", 0)
            self.descriptors = max(self.descriptors, descriptors - len(children_of(each)))  # the master has some for each worker

    def add(self, other):
        """Of each the larger one."""
        for name in ("own", "resident", "descriptors"):
            setattr(self, name, max(getattr(self, name), getattr(other, name)))

    def __str__(self):
        return (f"{self.messages} messages: {self.processes} processes; the largest has {self.own} kB of its own, {self.resident} kB resident, "
                f"{self.descriptors} descriptors; all together have {self.all_resident} kB resident")


def judge_growth(samples):
    """(is it so, what) for each that must not be more at the end than it was in the first tenth."""
    late, begin = samples[-1], samples[:max(1, len(samples) // 10)]
    early = begin[-1]
    for sample in begin:
        early.add(sample)
    print(f"# early: {early}\n# late: {late}")
    if late.messages < ENOUGH:
        print(f"# growth is judged from {ENOUGH} messages on: before, not each process has met each size")
        return
    yield late.own <= early.own * GROWTH + PAGE_KB, f"no process has more memory of its own: {early.own} kB, {late.own} kB"
    yield late.resident <= early.resident * GROWTH + PAGE_KB, f"no process has more resident: {early.resident} kB, {late.resident} kB"
    yield late.descriptors <= early.descriptors, f"no process has more descriptors: {early.descriptors}, {late.descriptors}"
