# SPDX-License-Identifier: MIT
"""Make time pass for mail that was put off because it came out of the mailbox that it goes to (mark-history.h)."""

import os
import re
import time


def age_waits(state, seconds):
    """Each wait in this state folder began so many seconds ago. Returns how many there are. In place: a delivery may append meanwhile."""
    path = os.path.join(state, "marks")
    with open(path, "rb") as file:
        text = file.read()
    waits = list(re.finditer(rb"^\d{10}(?:/[0-9a-f]{16})? [0-9a-f]{32} \S+ waits$", text, re.M))
    fd = os.open(path, os.O_WRONLY)
    try:
        for wait in waits:
            os.pwrite(fd, b"%010d" % (int(time.time()) - seconds), wait.start())
    finally:
        os.close(fd)
    return len(waits)
