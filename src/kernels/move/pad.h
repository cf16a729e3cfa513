// Constant borders.
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Fills the result with the value, then copies x into its place.
std::vector<Call> pad_calls(const Request& request);

}  // namespace dovetail::kernels
