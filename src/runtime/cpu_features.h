#pragma once

#include <cstdint>

namespace dovetail::runtime {

// dv_host.cpu_features of this machine. A library can ask an x86 itself, but in a virtual machine
// each CPUID takes microseconds: here it is asked once per process.
uint64_t cpu_features();

}  // namespace dovetail::runtime
