#!/bin/sh
# The suites that must be good, as a user would run them; no configuration of this machine counts.
exec "${TODOKE:-todoke}" test --tap -c "${top_srcdir:-.}/tests/svtest/site.conf" "${top_srcdir:-.}/tests/svtest/good"
