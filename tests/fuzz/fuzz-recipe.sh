#!/bin/sh
# The fuzz target over the rc files of the cases.
echo 1..1
if ./tests/fuzz/fuzz-recipe "${top_srcdir:-.}"/tests/cases/recipe/*/rc; then echo ok 1; else echo not ok 1; fi
