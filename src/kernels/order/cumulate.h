// Running sums, products, minima and maxima.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Any strides. Vectors run over neighbouring lines; where the axis itself is contiguous, a vector
// of a line is combined in log2(lanes) shifts (strict: element by element, as the order of
// additions would depend on the CPU level).
Call cumulate_call(const Request& request);

}  // namespace dovetail::kernels
