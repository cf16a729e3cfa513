#pragma once

#include <cstdint>

namespace dovetail::runtime {

// dv_host.cpu_features: what only the system can tell. 0 where the library can ask the CPU itself.
uint64_t cpu_features();

}  // namespace dovetail::runtime
