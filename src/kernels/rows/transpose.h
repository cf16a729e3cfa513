// Transposition of a square of vectors in registers.
#pragma once

#include <vector>

#include "ir/loop.h"

namespace dovetail::kernels::rows {

// rows: n vectors of n lanes, n a power of two. Lane j of result i is lane i of row j. log2(n)
// rounds of shuffles of two rows each.
std::vector<loop::Value> transpose(loop::Builder& b, std::vector<loop::Value> rows);

}  // namespace dovetail::kernels::rows
