// Depthwise convolutions: one filter per channel.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Contract with groups = input channels = columns, plain weights (K..., 1, C), window rank 1 or 2
// and at most 7 taps along the rows, float32 or float64.
bool is_depthwise(const Request& request);

// y[n, o, c] = sum over k of x[n, o * stride + k * dilation - pad, c] * w[k, c]. Vectors run along
// the channels, tiles along the pixels of a row: each column of x that a tile sees is loaded once
// and used by every pixel that has a tap there. At the borders columns outside of x are loaded from
// its edge and replaced by 0.
Call depthwise_call(const Request& request);

}  // namespace dovetail::kernels
