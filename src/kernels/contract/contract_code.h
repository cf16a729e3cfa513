// The task function of a contraction: chunks, units of columns, rows, tiles.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// Any Contract node: dense, strided, dilated, grouped, of any rank and numeric dtype.
Call contraction_call(const Request& request);

}  // namespace dovetail::kernels
