// Pow: x (any), y (any, broadcast) -> x ** y in the type of x.
#include <limits>

#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;
using ir::ScalarOp;
using ir::Value;

// Exponents that need no logarithm; nothing for the others.
std::optional<ir::ExprBuilder::Ref> simple_power(ir::ExprBuilder& e, ir::ExprBuilder::Ref x,
                                                 double exponent, DType dtype) {
  const auto square = [&] { return e.binary(ScalarOp::kMul, x, x); };
  // Unlike a square root, a power of -0 is 0 and one of -infinity is infinity.
  const auto root = [&] {
    const double infinity = std::numeric_limits<double>::infinity();
    const auto positive = e.binary(ScalarOp::kAdd, x, e.constant(0.0, dtype));
    const auto lowest = e.binary(ScalarOp::kEq, x, e.constant(-infinity, dtype));
    return e.select(lowest, e.constant(infinity, dtype), e.unary(ScalarOp::kSqrt, positive));
  };
  if (exponent == 0) return e.constant(1.0, dtype);
  if (exponent == 1) return x;
  if (exponent == 2) return square();
  if (exponent == 3) return e.binary(ScalarOp::kMul, square(), x);
  if (exponent == 0.5) return root();
  if (exponent == -0.5) return e.unary(ScalarOp::kReciprocal, root());
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
      bool simple = false;
      Value* power_of_x = c.build.elementwise({x}, [&](auto& e, const auto& v) {
        const auto power = simple_power(e, v[0], exponent, dtype);
        simple = power.has_value();
        return simple ? *power : v[0];
      });
      if (simple) {
        c.known_tensor(1);
        return {power_of_x};
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
