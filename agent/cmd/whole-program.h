/* SPDX-License-Identifier: MIT */
/*
 * whole-program: all of todoke but main(), as a shared object that main() loads.
 *
 * Where the dynamic loader cannot load a library that a program is linked with, it ends the process
 * with 127, and Postfix bounces the mail. So the program is linked with the C library alone, and
 * what needs more is behind dlopen(), whose failure is a temporary fault like others.
 */
#ifndef TODOKE_WHOLE_PROGRAM_H
#define TODOKE_WHOLE_PROGRAM_H

#define WHOLE_PROGRAM_FILE "todoke-main.so"
#define WHOLE_PROGRAM_SYMBOL "whole_program_run"

/* What main() of an ordinary program is. main() may be older or newer than this: it stays so. */
typedef int WholeProgramRun(int argc, char **argv);

#endif
