// One step of a reduction, for every kind and dtype.
#pragma once

#include "ir/graph.h"
#include "ir/loop.h"

namespace dovetail::kernels {

// Half precision is accumulated in float32.
ir::DType accumulator_dtype(ir::DType dtype);

// What leaves every value as it is. Of bool: false for sum and max, true for product and min.
loop::Value identity_of(loop::Builder& b, ir::ReduceKind kind, const loop::Type& type);

// a, then x. A NaN of either stays. Sums of bool are or, products and.
loop::Value combine(loop::Builder& b, ir::ReduceKind kind, const loop::Value& a,
                    const loop::Value& x);

// The largest (else the smallest) value of a type; infinite for floats.
loop::Value extreme_of(loop::Builder& b, const loop::Type& type, bool largest);

}  // namespace dovetail::kernels
