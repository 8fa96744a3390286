#!/bin/sh
# SPDX-License-Identifier: MIT
# The short form of tests/faults/power-cut: every state of the disk is looked at, a sample of them tried again.
exec python3 "$top_srcdir/tests/faults/power-cut" --seconds 14
