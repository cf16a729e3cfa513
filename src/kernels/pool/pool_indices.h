// Where a max pool finds its results.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// PoolIndices, window rank 1 to 3: the walk of a max pool that keeps positions beside the values.
Call pool_indices_call(const Request& request);

}  // namespace dovetail::kernels
