#!/bin/sh
# SPDX-License-Identifier: MIT
# The short form of tests/faults/all: faults spread evenly over all doors, in half a minute.
exec python3 "$top_srcdir/tests/faults/all" --seconds 24 --spread
