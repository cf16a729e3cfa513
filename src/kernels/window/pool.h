// Max, sum and average pooling over channels-last rows.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Pool, window rank 1 to 3.
Call pool_call(const Request& request);

}  // namespace dovetail::kernels
