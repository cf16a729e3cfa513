/* The hand-written library, linked into the test program. */
#include "abi/specimen/specimen.c" /* NOLINT(bugprone-suspicious-include): that file is it */
