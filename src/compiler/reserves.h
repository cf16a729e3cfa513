// Buffers whose sizes depend on data are reserved by steps of the plan.
#pragma once

#include "ir/plan.h"

namespace dovetail::compiler {

// Puts a Reserve step before the first use of every kReserved buffer and every data-dependent
// output on each path, unless one is there. Buffers that grow are left alone.
void add_reserves(ir::Plan* plan);

}  // namespace dovetail::compiler
