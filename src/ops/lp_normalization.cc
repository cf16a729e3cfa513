// LpNormalization: y = x / |x|_p along one axis; 0 where the norm is 0.
#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/standardize.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;
using ir::Value;

Values lower_lp_normalization(LowerContext& c) {
  c.require_rank(0, 1);
  const int axis = c.axis(c.integer("axis"), c.x(0)->rank());
  const int64_t p = c.integer("p");
  if (p != 1 && p != 2) throw_error(ErrorKind::kValue, "p is {}, expected 1 or 2", p);
  Value* x = c.build.cast(c.x(0), computing_type(c.x(0)->dtype()));
  Value* powers = c.build.elementwise({x}, [&](auto& e, const auto& v) {
    return p == 1 ? e.unary(ScalarOp::kAbs, v[0]) : e.binary(ScalarOp::kMul, v[0], v[0]);
  });
  Value* norm = c.build.reduce(ir::ReduceKind::kSum, powers, {axis});
  if (p == 2) norm = c.build.unary(ScalarOp::kSqrt, norm);
  Value* y = c.build.elementwise({x, norm}, [&](auto& e, const auto& v) {
    const auto zero = e.constant(0.0, x->dtype());
    return e.select(e.binary(ScalarOp::kEq, v[1], zero), zero,
                    e.binary(ScalarOp::kDiv, v[0], v[1]));
  });
  return {c.build.cast(y, c.x(0)->dtype())};
}

}  // namespace

std::span<const OpDef> lp_normalization_ops() {
  static const std::vector<OpDef> ops = {{.name = "LpNormalization",
                                          .dtypes = kFloats,
                                          .attributes = {{"axis", AttributeType::kInt, int64_t{-1}},
                                                         {"p", AttributeType::kInt, int64_t{2}}},
                                          .lower = lower_lp_normalization}};
  return ops;
}

}  // namespace dovetail::ops
