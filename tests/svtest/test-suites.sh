#!/bin/sh
# SPDX-License-Identifier: MIT
# The suites that must be good, as a user would run them; no configuration of this machine counts. Programs: those of every system.
exec "${TODOKE:-todoke}" test --tap -c "${top_srcdir:-.}/tests/svtest/site.conf" -o program_folder=/usr/bin \
	-o "sieve_extensions=+vnd.dovecot.execute +vnd.dovecot.filter +vnd.dovecot.pipe" "${top_srcdir:-.}/tests/svtest/good"
