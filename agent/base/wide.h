/* SPDX-License-Identifier: MIT */
/*
 * wide: code for processors with registers of 32 octets, in functions of its own.
 *
 * HAS_WIDE_CODE: this is a machine that may have them; HAS_WIDE: it has them; WIDE: what such a
 * function begins with.
 *
 * The C library knows what the processor can do since the start of the process; target_clones and
 * __builtin_cpu_supports would ask the processor again in each delivery, and in a virtual machine
 * each question leaves it: 2 % of a small delivery.
 */
#ifndef TODOKE_WIDE_H
#define TODOKE_WIDE_H

#include <features.h>

/* Other C libraries do not know this macro, so it stands behind the question for the library. */
#if defined(__x86_64__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 33)
#define KNOWS_PROCESSOR 1
#endif
#endif

#ifdef KNOWS_PROCESSOR
#include <sys/platform/x86.h>
#define HAS_WIDE_CODE 1
#define HAS_WIDE (CPU_FEATURE_ACTIVE(AVX2) && CPU_FEATURE_ACTIVE(BMI1) && CPU_FEATURE_ACTIVE(BMI2))
#define WIDE __attribute__((target("avx2,bmi,bmi2")))
#else
#define HAS_WIDE_CODE 0
#define HAS_WIDE 0
#define WIDE
#endif

#endif
