// Between trap_arm() and the end of the process every allocation, lock and system call is fatal: it
// is named on the standard output, and the exit status is 1. For glibc on Linux.
#pragma once

// What happens before is allowed, and needed once: it finds the functions that are wrapped.
void trap_prepare();
// False when this system does not let a process filter its system calls.
bool trap_arm();
// Ends the process with this one line and status; the only thing still allowed.
[[noreturn]] void trap_exit(const char* line, int status);
