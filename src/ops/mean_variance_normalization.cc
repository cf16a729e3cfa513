// MeanVarianceNormalization: y = (x - mean) / (deviation + 1e-9) over `axes`.
#include "ops/lowering/context.h"
#include "ops/lowering/standardize.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;
using ir::Value;

Values lower_mean_variance_normalization(LowerContext& c) {
  const std::vector<int> axes = c.axes(c.integers("axes"), c.x(0)->rank());
  Value* x = c.build.cast(c.x(0), computing_type(c.x(0)->dtype()));
  Value* centred = c.build.binary(ScalarOp::kSub, x, c.build.mean(x, axes));
  Value* squares = c.build.elementwise(
      {centred}, [](auto& e, const auto& v) { return e.binary(ScalarOp::kMul, v[0], v[0]); });
  Value* deviation =
      c.build.elementwise({c.build.mean(squares, axes)}, [&](auto& e, const auto& v) {
        return e.binary(ScalarOp::kAdd, e.unary(ScalarOp::kSqrt, v[0]),
                        e.constant(static_cast<double>(1e-9f), x->dtype()));
      });
  return {c.build.cast(c.build.binary(ScalarOp::kDiv, centred, deviation), c.x(0)->dtype())};
}

}  // namespace

std::span<const OpDef> mean_variance_normalization_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "MeanVarianceNormalization",
       .since = 9,
       .dtypes = kFloats,
       .attributes = {{"axes", AttributeType::kInts, Ints{0, 2, 3}}},
       .lower = lower_mean_variance_normalization}};
  return ops;
}

}  // namespace dovetail::ops
