#!/bin/sh
# SPDX-License-Identifier: MIT
# All cases of the Sieve engine, one TAP line each; the runner finds the folders by itself.
exec ./tests/lib/sieve-case --tap "${top_srcdir:-.}/tests/cases/sieve"
