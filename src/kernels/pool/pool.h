// Max and average pooling over channels-last rows.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Pool, window rank 1 to 3. Vectors run along the channels; positions outside of x are left out by
// the range of the window loops.
Call pool_call(const Request& request);

}  // namespace dovetail::kernels
