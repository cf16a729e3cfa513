// Plain execution of scalar expressions, and tensors as vectors of scalars: what the evaluator and
// constant folding share.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "ir/scalar_expr.h"
#include "ir/tensor.h"

namespace dovetail::ir {

// A value of a dtype: `real` of floats, `integer` of all others (uint64 by its bits, bool 0 or 1).
union Scalar {
  int64_t integer = 0;
  double real;
};

// Nearest value of `dtype`: floats round to even (the half precisions by way of float32), integers
// wrap around.
Scalar round_to(DType dtype, Scalar value);
// Conversion as ScalarOp::kCast does it: float to integer truncates and saturates, NaN gives 0;
// integer to integer wraps; to bool is x != 0.
Scalar cast(Scalar value, DType from, DType to);

// One operation; `of` is the dtype of its first value argument (kSelect: of the condition). Float
// results are not rounded, except those of kConstant and kCast.
Scalar evaluate(const ScalarNode& node, std::span<const Scalar> arguments, DType of);
// The expression on one element of each operand, its float result not rounded.
Scalar evaluate(const ScalarExpr& expr, std::span<const Scalar> operands);

// a before b in descending order: NaN is above every number and equal to NaN.
bool precedes(Scalar a, Scalar b, DType dtype);

std::vector<Scalar> decode(const TensorData& data);
TensorData encode(DType dtype, std::vector<int64_t> shape, std::span<const Scalar> values);

}  // namespace dovetail::ir
