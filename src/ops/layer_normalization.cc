// LayerNormalization, RMSNormalization: over all axes from `axis` on, then scale and bias of those
// axes.
//   x (A..., N...), scale (N...), bias (N...) -> y like x, mean and inverse deviation (A..., 1...)
#include <fmt/format.h>

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

// Whether x broadcasts to this shape as far as is known.
bool may_broadcast(const Shape& x, const Shape& shape) {
  if (x.size() > shape.size()) return false;
  for (size_t i = 0; i < x.size(); ++i) {
    const Dim& extent = shape[shape.size() - x.size() + i];
    if (x[i] != Dim(1) && x[i].is_constant() && extent.is_constant() && x[i] != extent)
      return false;
  }
  return true;
}

// x, scale and bias as operands of one elementwise node.
struct Operands {
  Value *x, *scale, *bias = nullptr;
};

// Scale and bias broadcast to the normalised axes, or are all of their elements in another shape,
// as exporters that flatten write it.
Operands operands(LowerContext& c, const std::vector<int>& axes) {
  Shape x = c.x(0)->shape();
  const Shape normalised(x.begin() + axes.front(), x.end());
  const auto text = [&](size_t i) {
    return fmt::format("{} has shape {}, expected one that broadcasts to {}", c.input_text(i),
                       ir::to_string(c.x(i)->shape()), ir::to_string(normalised));
  };
  const auto parameter = [&](size_t i) {
    Value* p = c.build.cast(c.x(i), computing_type(c.x(0)->dtype()));
    if (!may_broadcast(p->shape(), x) &&
        ir::element_count(p->shape()) == ir::element_count(normalised)) {
      return c.build.reshape(p, normalised);
    }
    return c.build.broadcasting_to(p, &x, text(i));
  };
  Operands result{nullptr, parameter(1)};
  if (c.has(2)) result.bias = parameter(2);
  result.x = c.build.asserted(c.x(0), x, text(1));
  return result;
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
  const Operands o = operands(c, axes);
  Value* x = c.build.cast(o.x, computing_type(dtype));
  const Standardized s = standardize(c.build, x, axes, c.real("epsilon"));
  Value* y = c.build.binary(ScalarOp::kMul, s.y, o.scale);
  if (o.bias) y = c.build.binary(ScalarOp::kAdd, y, o.bias);
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
  const Operands o = operands(c, axes);
  Value* x = c.build.cast(o.x, computing_type(o.x->dtype()));
  Value* squares = c.build.elementwise(
      {x}, [](auto& e, const auto& v) { return e.binary(ScalarOp::kMul, v[0], v[0]); });
  Value* inverse = c.build.elementwise({c.build.mean(squares, axes)}, [&](auto& e, const auto& v) {
    const auto epsilon = e.constant(c.real("epsilon"), x->dtype());
    const auto root = e.unary(ScalarOp::kSqrt, e.binary(ScalarOp::kAdd, v[0], epsilon));
    return e.unary(ScalarOp::kReciprocal, root);
  });
  Value* y = c.build.binary(ScalarOp::kMul, x, inverse);
  y = c.build.binary(ScalarOp::kMul, y, o.scale);
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
