// Pow: x (any), y (any, broadcast) -> x ** y in the type of x.
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;
using ir::ScalarOp;

// Exponents that need no logarithm; nothing for the others.
std::optional<ir::ExprBuilder::Ref> simple_power(ir::ExprBuilder& e, ir::ExprBuilder::Ref x,
                                                 double exponent) {
  const auto square = [&] { return e.binary(ScalarOp::kMul, x, x); };
  if (exponent == 1) return x;
  if (exponent == 2) return square();
  if (exponent == 3) return e.binary(ScalarOp::kMul, square(), x);
  if (exponent == -1) return e.unary(ScalarOp::kReciprocal, x);
  return std::nullopt;
}

Values lower_pow(LowerContext& c) {
  ir::Value* x = c.x(0);
  ir::Value* y = c.x(1);
  const DType dtype = x->dtype();
  const bool one_exponent =
      y->shape() == ir::Shape(y->rank(), ir::Dim(1)) && y->rank() <= x->rank();
  if (ir::is_float(dtype) && one_exponent) {
    if (const auto known = c.peek_tensor(1)) {
      const double exponent = known->as_double(0);
      if (exponent == 1 || exponent == 2 || exponent == 3 || exponent == -1) {
        c.known_tensor(1);
        return {c.build.elementwise(
            {x}, [&](auto& e, const auto& v) { return *simple_power(e, v[0], exponent); })};
      }
    }
  }
  // Integers to an integer power stay integers; any mix with floats is computed in double.
  const bool mixed = ir::is_float(dtype) != ir::is_float(y->dtype());
  const DType compute = ir::is_int(dtype) && mixed ? DType::kF64 : dtype;
  return {c.build.elementwise({x, y}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto as = [&](auto ref, DType from, DType to) {
      return from == to ? ref : e.cast(ref, to);
    };
    const auto power =
        e.binary(ScalarOp::kPow, as(v[0], dtype, compute), as(v[1], y->dtype(), compute));
    return as(power, compute, dtype);
  })};
}

}  // namespace

std::span<const OpDef> pow_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Pow", .inputs = {2, 2}, .dtypes = kNumbers, .lower = lower_pow}};
  return ops;
}

}  // namespace dovetail::ops
