// What the normalisations share: centring, scaling to a deviation of 1, and the type it happens in.
#pragma once

#include <vector>

#include "ops/lowering/builder.h"

namespace dovetail::ops {

// Half types are computed in float32 and rounded once at the end.
inline ir::DType computing_type(ir::DType dtype) {
  return ir::size_of(dtype) < 4 ? ir::DType::kF32 : dtype;
}

struct Standardized {
  ir::Value* y;                  // (x - mean) * inverse_deviation
  ir::Value* mean;               // `axes` stay as 1
  ir::Value* inverse_deviation;  // 1 / sqrt(variance + epsilon)
};

// Mean and variance over `axes` of x, of float32 or float64. The variance is the mean of the
// squared distances, which keeps its digits where the mean is large.
Standardized standardize(Builder& b, ir::Value* x, const std::vector<int>& axes, double epsilon);

}  // namespace dovetail::ops
