// Non-maximum suppression.
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Any strides. The first call takes boxes class by class, each class into its own rows of the
// result; the second one moves them together and counts them.
std::vector<Call> nms_calls(const Request& request);

}  // namespace dovetail::kernels
