// Gemm: alpha * op(a) op(b) + beta * c; a (M, K) or (K, M), b (K, N) or (N, K), c broadcast to
// (M, N).
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;
using ir::ExprBuilder;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;

ExprBuilder::Ref scaled(ExprBuilder& e, ExprBuilder::Ref x, double factor, DType dtype) {
  if (factor == 1) return x;
  const auto constant = ir::is_float(dtype) ? e.constant(factor, dtype)
                                            : e.constant(static_cast<int64_t>(factor), dtype);
  return e.binary(ScalarOp::kMul, x, constant);
}

Values lower_gemm(LowerContext& c) {
  c.require_rank(0, 2, 2);
  c.require_rank(1, 2, 2);
  c.require_same_dtype(1);
  const double alpha = c.real("alpha"), beta = c.real("beta");
  const DType dtype = c.x(0)->dtype();
  for (const double factor : {alpha, beta}) {
    if (ir::is_int(dtype) && (factor != std::floor(factor) || std::abs(factor) > INT32_MAX)) {
      throw_error(ErrorKind::kUnsupported, "alpha or beta is {}, but {} needs whole numbers",
                  factor, ir::name_of(dtype));
    }
  }
  Value* a = c.flag("transA") ? c.build.permute(c.x(0), {1, 0}) : c.x(0);
  Value* b = c.flag("transB") ? c.build.permute(c.x(1), {1, 0}) : c.x(1);
  const std::string text = fmt::format(
      "{} of shape {} (transA = {}) and {} of shape {} (transB = {}) cannot be multiplied",
      c.input_text(0), ir::to_string(c.x(0)->shape()), c.integer("transA"), c.input_text(1),
      ir::to_string(c.x(1)->shape()), c.integer("transB"));
  const ir::Dim inner = common_extent(b->shape()[0], a->shape()[1]);
  a = c.build.asserted(a, {a->shape()[0], inner}, text);
  b = c.build.asserted(b, {inner, b->shape()[1]}, text);
  Value* y = c.graph().value(ir::Contract{.window = {}, .epilogue = {}}, {a, b});
  if (!c.has(2) || beta == 0) {
    if (alpha == 1) return {y};
    return {c.build.elementwise(
        {y}, [&](ExprBuilder& e, const auto& v) { return scaled(e, v[0], alpha, dtype); })};
  }
  c.require_same_dtype(2);
  const std::string unfit =
      fmt::format("{} has shape {}, which does not broadcast to {}", c.input_text(2),
                  ir::to_string(c.x(2)->shape()), ir::to_string(y->shape()));
  Shape shape = y->shape();
  Value* bias = c.build.broadcasting_to(c.x(2), &shape, unfit);
  y = c.build.asserted(y, shape, unfit);
  return {c.build.elementwise({y, bias}, [&](ExprBuilder& e, const auto& v) {
    return e.binary(ScalarOp::kAdd, scaled(e, v[0], alpha, dtype), scaled(e, v[1], beta, dtype));
  })};
}

}  // namespace

std::span<const OpDef> gemm_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Gemm",
       .inputs = {2, 3},
       .dtypes = kNumbers,
       .attributes = {{"alpha", AttributeType::kReal, 1.0},
                      {"beta", AttributeType::kReal, 1.0},
                      {"transA", AttributeType::kInt, int64_t{0}},
                      {"transB", AttributeType::kInt, int64_t{0}}},
       .lower = lower_gemm,
       .limits = "integers take whole alpha and beta"}};
  return ops;
}

}  // namespace dovetail::ops
