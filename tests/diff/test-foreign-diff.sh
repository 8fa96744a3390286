#!/bin/sh
# SPDX-License-Identifier: MIT
# A short run of foreign-diff (TAP).
exec "${PYTHON:-python3}" "${top_srcdir:=.}/tests/diff/foreign-diff" --tap
