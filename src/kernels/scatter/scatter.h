// Computed writes into a copy of a tensor.
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Copies x, then writes the updates in their order. Rows of updates that go to a run of memory are
// written by vectors, others one by one. Any strides.
std::vector<Call> scatter_calls(const Request& request);

}  // namespace dovetail::kernels
