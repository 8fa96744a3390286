#!/bin/sh
# SPDX-License-Identifier: MIT
# `todoke deliver` under faults; faults.py says what is checked.
exec python3 "$top_srcdir/tests/faults/faults.py" tests/faults/.libs/libshim.so \
	"$TODOKE" deliver -o 'maildir={maildir}' -o 'state_folder={state}' -f a@example.org -d b@example.net --queue-id '{queue_id}'
