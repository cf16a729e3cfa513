// Computed gathers: y[i] = an expression of the position i that may read anywhere.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Vectors run along the result's last axis where every load that varies along it reads a run of
// memory there: the position plus what is the same in the whole row. Ends of a row whose loads are
// clamped, and all else, go element by element. Any strides.
Call lookup_call(const Request& request);

}  // namespace dovetail::kernels
