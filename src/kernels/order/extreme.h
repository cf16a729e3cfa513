// The first element of each line: TopK with k = 1, which ArgMax, ArgMin and Hardmax are.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Any strides. A contiguous line is searched by vectors with partial results; else vectors run over
// neighbouring lines.
Call extreme_call(const Request& request);

}  // namespace dovetail::kernels
