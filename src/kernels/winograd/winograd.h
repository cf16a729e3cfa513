// 3x3 convolutions of stride 1 by Winograd tiles (formula: ir/winograd.h).
//
// A chunk takes a block of tiles through three steps, all in its worker's scratch:
//   1. V = B^T d B of every tile: patches at the border are copied with zeros around them first
//   2. for a unit of columns, M[point] = V[point] U[point]: (t+2)^2 matrix products
//   3. y = A^T M A of every tile, epilogue and stores; what lies outside of y is left out
// Steps 2 and 3 alternate over units, so that M stays in cache.
#pragma once

#include "kernels/kernel.h"

namespace dovetail::kernels {

// A Contract node with `winograd` and packed float32 weights.
Call winograd_call(const Request& request);

}  // namespace dovetail::kernels
