// Depthwise convolutions: one filter per channel.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Contract with groups = input channels = columns and plain compact weights (K..., 1, C).
bool is_depthwise(const Request& request);

// y[n, o, c] = sum over k of x[n, o * stride + k * dilation - pad, c] * w[k, c]. Vectors run along
// the channels; a tile is some pixels of some neighbouring rows of y, so that what it loads of x is
// used by all of its pixels that have a tap there.
Call depthwise_call(const Request& request);

}  // namespace dovetail::kernels
