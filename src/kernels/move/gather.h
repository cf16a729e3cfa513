// Gather along one axis.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// y[a, i, z] = x[a, index[i], z]; an index below 0 counts from the end, one outside of x is
// clamped, so that nothing outside is read. Any strides.
Call gather_call(const Request& request);

}  // namespace dovetail::kernels
