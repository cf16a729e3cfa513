// Concatenation along one axis.
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// One copy for each operand into its slice of the result.
std::vector<Call> concat_calls(const Request& request);

}  // namespace dovetail::kernels
