// Compact: the positions of true elements, in order.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

Call compact_call(const Request& request);

}  // namespace dovetail::kernels
