// Elementwise operators that choose: Where, PRelu, Clip.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;

// condition (bool), x, y, broadcast together
Values lower_where(LowerContext& c) {
  if (c.x(1)->dtype() != c.x(2)->dtype()) {
    throw_error(ErrorKind::kType, "{} is {} but {} is {}; both must have one type", c.input_text(1),
                ir::name_of(c.x(1)->dtype()), c.input_text(2), ir::name_of(c.x(2)->dtype()));
  }
  return {c.build.elementwise(c.inputs(),
                              [](auto& e, const auto& v) { return e.select(v[0], v[1], v[2]); })};
}

// x < 0 ? slope * x : x, slope broadcast to x
Values lower_prelu(LowerContext& c) {
  c.require_same_dtype(1);
  return {c.build.elementwise({c.x(0), c.x(1)}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto zero = ir::is_float(c.x(0)->dtype()) ? e.constant(0.0, c.x(0)->dtype())
                                                    : e.constant(int64_t{0}, c.x(0)->dtype());
    return e.select(e.binary(ScalarOp::kLt, v[0], zero), e.binary(ScalarOp::kMul, v[0], v[1]),
                    v[0]);
  })};
}

// Known bounds become constants of the expression; computed ones stay operands.
ir::Value* bound(LowerContext& c, ir::Value* x, size_t i, ScalarOp op) {
  if (!c.has(i)) return x;
  c.require_same_dtype(i);
  ir::Value* scalar = c.single(i);
  if (!c.peek_tensor(i)) return c.build.binary(op, x, scalar);
  const ir::TensorData data = c.known_tensor(i);
  return c.build.elementwise({x}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto value = ir::is_float(x->dtype()) ? e.constant(data.as_double(0), x->dtype())
                                                : e.constant(data.as_int(0), x->dtype());
    return e.binary(op, v[0], value);
  });
}

Values lower_clip(LowerContext& c) {
  return {bound(c, bound(c, c.x(0), 1, ScalarOp::kMax), 2, ScalarOp::kMin)};
}

Values lower_clip_of_attributes(LowerContext& c) {
  const ir::DType dtype = c.x(0)->dtype();
  return {c.build.elementwise({c.x(0)}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto low = e.binary(ScalarOp::kMax, v[0], e.constant(c.real("min"), dtype));
    return e.binary(ScalarOp::kMin, low, e.constant(c.real("max"), dtype));
  })};
}

}  // namespace

std::span<const OpDef> select_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Where", .since = 9, .inputs = {3, 3}, .dtypes = kBools, .lower = lower_where},
      {.name = "PRelu", .inputs = {2, 2}, .dtypes = kNumbers, .lower = lower_prelu},
      {.name = "Clip",
       .until = 10,
       .dtypes = kFloats,
       .attributes = {{"min", AttributeType::kReal, -3.4028234663852886e38},
                      {"max", AttributeType::kReal, 3.4028234663852886e38}},
       .lower = lower_clip_of_attributes},
      {.name = "Clip", .since = 11, .inputs = {1, 3}, .dtypes = kNumbers, .lower = lower_clip}};
  return ops;
}

}  // namespace dovetail::ops
