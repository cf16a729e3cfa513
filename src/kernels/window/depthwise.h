// Depthwise convolutions: one filter per channel.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Contract with groups = input channels = columns and plain compact weights (K..., 1, C).
bool is_depthwise(const Request& request);

Call depthwise_call(const Request& request);

}  // namespace dovetail::kernels
