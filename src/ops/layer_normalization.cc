// LayerNormalization, RMSNormalization: over all axes from `axis` on, then scale and bias of those
// axes.
//   x (A..., N...), scale (N...), bias (N...) -> y like x, mean and inverse deviation (A..., 1...)
#include <numeric>

#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/standardize.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;

std::vector<int> axes_from(LowerContext& c) {
  c.require_rank(0, 1);
  const int rank = c.x(0)->rank();
  const int first = c.axis(c.integer("axis"), rank);
  std::vector<int> axes(rank - first);
  std::iota(axes.begin(), axes.end(), first);
  return axes;
}

// Scale or bias as an elementwise operand of x: broadcast to the normalised axes, or all of their
// elements in another shape, as exporters that flatten write it.
Value* parameter(LowerContext& c, size_t input, const std::vector<int>& axes) {
  const Shape& x = c.x(0)->shape();
  const Shape normalised(x.begin() + axes.front(), x.end());
  Value* p = c.build.cast(c.x(input), computing_type(c.x(0)->dtype()));
  bool fits = p->shape().size() <= x.size();
  for (size_t i = 0; fits && i < p->shape().size(); ++i) {
    const Dim& extent = p->shape()[i];
    fits = extent == Dim(1) || extent == x[x.size() - p->shape().size() + i];
  }
  if (fits) return p;
  if (ir::element_count(p->shape()) == ir::element_count(normalised))
    return c.build.reshape(p, normalised);
  throw_error(ErrorKind::kValue, "{} has shape {}, expected one that broadcasts to {}",
              c.input_text(input), ir::to_string(p->shape()), ir::to_string(normalised));
}

// The type that mean and inverse deviation are returned in.
DType stash_type(LowerContext& c) {
  const DType dtype = dtype_of_onnx(c.integer("stash_type"));
  if (dtype == DType::kF32 || dtype == DType::kBF16) return dtype;
  throw_error(ErrorKind::kValue, "stash_type is {} ({}), expected 1 (float32) or 16 (bfloat16)",
              c.integer("stash_type"), ir::name_of(dtype));
}

Values lower_layer_normalization(LowerContext& c) {
  const std::vector<int> axes = axes_from(c);
  const DType stash = stash_type(c);
  const DType dtype = c.x(0)->dtype();
  Value* x = c.build.cast(c.x(0), computing_type(dtype));
  const Standardized s = standardize(c.build, x, axes, c.real("epsilon"));
  Value* y = c.build.binary(ScalarOp::kMul, s.y, parameter(c, 1, axes));
  if (c.has(2)) y = c.build.binary(ScalarOp::kAdd, y, parameter(c, 2, axes));
  Values results{c.build.cast(y, dtype)};
  if (c.wants(1) || c.wants(2)) {
    results.push_back(c.build.cast(s.mean, stash));
    results.push_back(c.build.cast(s.inverse_deviation, stash));
  }
  return results;
}

// y = x / sqrt(mean(x^2) + epsilon) * scale, in the type of scale
Values lower_rms_normalization(LowerContext& c) {
  const std::vector<int> axes = axes_from(c);
  stash_type(c);
  Value* x = c.build.cast(c.x(0), computing_type(c.x(0)->dtype()));
  Value* squares = c.build.elementwise(
      {x}, [](auto& e, const auto& v) { return e.binary(ScalarOp::kMul, v[0], v[0]); });
  Value* inverse = c.build.elementwise({c.build.mean(squares, axes)}, [&](auto& e, const auto& v) {
    const auto epsilon = e.constant(c.real("epsilon"), x->dtype());
    const auto root = e.unary(ScalarOp::kSqrt, e.binary(ScalarOp::kAdd, v[0], epsilon));
    return e.unary(ScalarOp::kReciprocal, root);
  });
  Value* y = c.build.binary(ScalarOp::kMul, x, inverse);
  y = c.build.binary(ScalarOp::kMul, y, parameter(c, 1, axes));
  return {c.build.cast(y, c.x(1)->dtype())};
}

}  // namespace

std::span<const OpDef> layer_normalization_ops() {
  static const std::vector<AttributeDef> kAttributes = {
      {"axis", AttributeType::kInt, int64_t{-1}},
      {"epsilon", AttributeType::kReal, static_cast<double>(1e-5f)},
      {"stash_type", AttributeType::kInt, int64_t{1}}};
  static const std::vector<OpDef> ops = {{.name = "LayerNormalization",
                                          .since = 17,
                                          .inputs = {2, 3},
                                          .outputs = {1, 3},
                                          .dtypes = kFloats,
                                          .attributes = kAttributes,
                                          .lower = lower_layer_normalization},
                                         {.name = "RMSNormalization",
                                          .since = 23,
                                          .inputs = {2, 2},
                                          .dtypes = kFloats,
                                          .attributes = kAttributes,
                                          .lower = lower_rms_normalization}};
  return ops;
}

}  // namespace dovetail::ops
