#!/bin/sh
# SPDX-License-Identifier: MIT
# The store under faults, through the small program that only stores; faults.py says what is checked.
exec python3 "$top_srcdir/tests/faults/faults.py" tests/faults/.libs/libshim.so tests/faults/store-once '{maildir}' '{actions}'
