// Half precision in generated code: bits of integers in registers, converted by integer arithmetic
// on every CPU level alike.
#pragma once

#include <cstdint>

#include "ir/dtype.h"

namespace dovetail::codegen {

// The bits of `value` as kF16 or kBF16, rounded once to nearest even.
uint16_t half_bits(double value, ir::DType dtype);

}  // namespace dovetail::codegen
