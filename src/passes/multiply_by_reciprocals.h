// A division by what params alone decide becomes a multiplication by its reciprocal, which is
// computed once: a division takes as long as ten multiplications. Results differ by at most one
// unit in the last place. Only where the divisor repeats, as the scalars of exported activations
// do, and where nothing rounds the quotient to a whole number.
#pragma once

#include "ir/graph.h"

namespace dovetail::passes {

void multiply_by_reciprocals(ir::Graph& graph);

}  // namespace dovetail::passes
