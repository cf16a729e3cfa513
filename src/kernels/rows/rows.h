// Elementwise nodes, reductions, copies and fused rows (softmax, normalisations) by one generator.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// For Elementwise, Reduce, Copy and Composite "rows", any strides. One call.
//
// Rows are the positions of the kept axes. In a row, reductions are computed in passes over the
// reduced axes, values between them again in each pass, and the results in the last one. Vectors
// run along an axis where every tensor has stride 1 or 0; where there is none, elements are taken
// one by one. The order of additions depends on extents and the vector width only.
Call rows_call(const Request& request);

}  // namespace dovetail::kernels
