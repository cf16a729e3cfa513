// Runs `prepare` at compile time: the heavy math on params alone (folding, packing), compiled for
// this machine like any model and called through abi.h.
#pragma once

#include <vector>

#include "ir/tensor.h"
#include "passes/split_prepare.h"

namespace dovetail::compiler {

// One tensor per output of split.prepare, which is placed and lowered here. The code is strict and
// for the family's baseline, so the bytes are equal on every machine.
std::vector<ir::TensorData> run_prepare(const passes::Split& split);

}  // namespace dovetail::compiler
