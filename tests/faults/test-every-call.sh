#!/bin/sh
# The short form of tests/faults/all: faults spread evenly over all doors, in less than a minute.
exec python3 "$top_srcdir/tests/faults/all" --seconds 42 --spread
