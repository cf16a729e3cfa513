#include <cmath>
#include <limits>

#include "ir/evaluate_primitives.h"
#include "ir/evaluate_scalar.h"
#include "ir/index_space.h"

namespace dovetail::ir {
namespace {

Scalar identity_of(ReduceKind kind, DType dtype) {
  Scalar value;
  if (is_float(dtype)) {
    const double infinity = std::numeric_limits<double>::infinity();
    value.real = kind == ReduceKind::kSum       ? 0
                 : kind == ReduceKind::kProduct ? 1
                 : kind == ReduceKind::kMin     ? infinity
                                                : -infinity;
    return value;
  }
  // The extremes are what an infinite float saturates to.
  if (kind == ReduceKind::kMin || kind == ReduceKind::kMax) {
    if (dtype == DType::kBool) {
      value.integer = kind == ReduceKind::kMin;
      return value;
    }
    return cast(identity_of(kind, DType::kF64), DType::kF64, dtype);
  }
  value.integer = kind == ReduceKind::kProduct;
  return value;
}

ScalarOp step_of(ReduceKind kind) {
  static constexpr ScalarOp kSteps[] = {ScalarOp::kAdd, ScalarOp::kMul, ScalarOp::kMin,
                                        ScalarOp::kMax};
  return kSteps[static_cast<int>(kind)];
}

}  // namespace

TensorData evaluate_elementwise(const Elementwise& op, const Tensors& x, const ResultType& type) {
  std::vector<std::vector<Scalar>> values;
  std::vector<std::vector<int64_t>> strides;
  for (const TensorData& operand : x) {
    values.push_back(decode(operand));
    strides.push_back(repeating_strides(operand.shape()));
  }
  std::vector<Scalar> result;
  result.reserve(count_of(type.shape));
  std::vector<Scalar> operands(x.size());
  for_each_index(type.shape, [&](const std::vector<int64_t>& index) {
    for (size_t k = 0; k < x.size(); ++k) operands[k] = values[k][offset_of(index, strides[k])];
    result.push_back(evaluate(op.expr, operands));
  });
  return encode(type.dtype, type.shape, result);
}

TensorData evaluate_reduce(const Reduce& op, const TensorData& x, const ResultType& type) {
  const std::vector<Scalar> values = decode(x);
  std::vector<Scalar> result(count_of(type.shape), identity_of(op.kind, type.dtype));
  const std::vector<int64_t> strides = repeating_strides(type.shape);
  const ScalarNode step{step_of(op.kind), type.dtype, {}, 0, int64_t{0}};
  size_t i = 0;
  for_each_index(x.shape(), [&](const std::vector<int64_t>& index) {
    Scalar& sum = result[offset_of(index, strides)];
    const Scalar arguments[] = {sum, values[i++]};
    sum = evaluate(step, arguments, type.dtype);
  });
  return encode(type.dtype, type.shape, result);
}

TensorData evaluate_cumulate(const Cumulate& op, const TensorData& x, const ResultType& type) {
  const std::vector<Scalar> values = decode(x);
  std::vector<Scalar> result(values.size());
  const ScalarNode step{step_of(op.kind), type.dtype, {}, 0, int64_t{0}};
  const int64_t extent = type.shape[op.axis];
  std::vector<int64_t> lines = type.shape;
  lines[op.axis] = extent ? 1 : 0;
  const std::vector<int64_t> strides = repeating_strides(type.shape);
  for_each_index(lines, [&](const std::vector<int64_t>& index) {
    Scalar sum = identity_of(op.kind, type.dtype);
    for (int64_t i = 0; i < extent; ++i) {
      const int64_t along = op.reverse ? extent - 1 - i : i;
      const int64_t at = offset_of(index, strides) + along * strides[op.axis];
      if (op.exclusive) result[at] = sum;
      const Scalar arguments[] = {sum, values[at]};
      sum = evaluate(step, arguments, type.dtype);
      if (!op.exclusive) result[at] = sum;
    }
  });
  return encode(type.dtype, type.shape, result);
}

}  // namespace dovetail::ir
