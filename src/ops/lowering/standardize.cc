#include "ops/lowering/standardize.h"

namespace dovetail::ops {

using ir::ScalarOp;
using ir::Value;

Standardized standardize(Builder& b, Value* x, const std::vector<int>& axes, double epsilon) {
  Value* mean = b.mean(x, axes);
  Value* centred = b.binary(ScalarOp::kSub, x, mean);
  Value* squares = b.elementwise(
      {centred}, [](auto& e, const auto& v) { return e.binary(ScalarOp::kMul, v[0], v[0]); });
  Value* inverse = b.elementwise({b.mean(squares, axes)}, [&](auto& e, const auto& v) {
    const auto sum = e.binary(ScalarOp::kAdd, v[0], e.constant(epsilon, x->dtype()));
    return e.unary(ScalarOp::kReciprocal, e.unary(ScalarOp::kSqrt, sum));
  });
  return {b.binary(ScalarOp::kMul, centred, inverse), mean, inverse};
}

}  // namespace dovetail::ops
