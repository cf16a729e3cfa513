// How much a node computes and moves, so that a time becomes a rate.
#pragma once

#include <vector>

#include "ir/graph.h"
#include "kernels/kernel.h"

namespace dovetail::compiler {

struct Work {
  // Operations on floats: additions, products, comparisons of a maximum, elementary functions, one
  // each. Products of a contraction are counted as its formula has them, those with padding too,
  // whatever the algorithm: 2 * outputs * taps * channels. Moves and indices are none.
  ir::Dim flops = 0;
  // Of operands and results, each element once.
  ir::Dim bytes = 0;
};

Work work_of(const kernels::Request& request);

}  // namespace dovetail::compiler
