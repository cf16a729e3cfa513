// IsInf: x -> bool, of either sign or of one.
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;

Values lower_is_inf(LowerContext& c) {
  const bool positive = c.flag("detect_positive"), negative = c.flag("detect_negative");
  return {c.build.elementwise({c.x(0)}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto zero = e.constant(0.0, c.x(0)->dtype());
    const auto infinite = e.unary(ScalarOp::kIsInf, v[0]);
    if (positive && negative) return infinite;
    if (!positive && !negative) return e.constant(int64_t{0}, ir::DType::kBool);
    const auto sign = e.binary(positive ? ScalarOp::kGt : ScalarOp::kLt, v[0], zero);
    return e.binary(ScalarOp::kAnd, infinite, sign);
  })};
}

}  // namespace

std::span<const OpDef> is_inf_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "IsInf",
       .since = 10,
       .dtypes = kFloats,
       .attributes = {{"detect_negative", AttributeType::kInt, int64_t{1}},
                      {"detect_positive", AttributeType::kInt, int64_t{1}}},
       .lower = lower_is_inf}};
  return ops;
}

}  // namespace dovetail::ops
