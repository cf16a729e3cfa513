// BatchNormalization at inference: x (N, C, ...), scale, bias, mean, variance (C)
//   y = (x - mean) * (scale / sqrt(variance + epsilon)) + bias
// The factor depends on params alone, so folding reaches it.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;
using ir::Shape;

// Up to opset 8, spatial = 0 normalises each element: parameters (C, ...) instead of (C).
Values lower_batch_normalization(LowerContext& c, bool spatial) {
  c.require_rank(0, 2);
  ir::Value* x = c.x(0);
  for (size_t i = 1; i < c.node().outputs.size(); ++i) {
    if (!c.wants(i)) continue;
    throw_error(ErrorKind::kUnsupported,
                "output {} exists only in training; only inference is compiled: export the model "
                "in eval mode",
                i);
  }
  const Shape expected =
      spatial ? Shape{x->shape()[1]} : Shape(x->shape().begin() + 1, x->shape().end());
  Values p(5);
  for (size_t i = 1; i < 5; ++i) {
    if (c.x(i)->shape() != expected) {
      throw_error(ErrorKind::kValue, "{} has shape {}, expected {}", c.input_text(i),
                  ir::to_string(c.x(i)->shape()), ir::to_string(expected));
    }
    p[i] = c.build.cast(spatial ? c.build.per_channel(c.x(i), x->rank()) : c.x(i), x->dtype());
  }
  ir::Value* factor = c.build.elementwise({p[1], p[4]}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto sum = e.binary(ScalarOp::kAdd, v[1], e.constant(c.real("epsilon"), x->dtype()));
    return e.binary(ScalarOp::kDiv, v[0], e.unary(ScalarOp::kSqrt, sum));
  });
  ir::Value* centred = c.build.binary(ScalarOp::kSub, x, p[3]);
  return {c.build.binary(ScalarOp::kAdd, c.build.binary(ScalarOp::kMul, centred, factor), p[2])};
}

Values lower_version_7(LowerContext& c) { return lower_batch_normalization(c, c.flag("spatial")); }

Values lower_version_9(LowerContext& c) { return lower_batch_normalization(c, true); }

Values lower_version_14(LowerContext& c) {
  if (c.flag("training_mode")) {
    throw_error(ErrorKind::kUnsupported,
                "training_mode is 1; only inference is compiled: export the model in eval mode");
  }
  return lower_batch_normalization(c, true);
}

OpDef versions(int since, int until, Values (*lower)(LowerContext&),
               std::vector<AttributeDef> more) {
  std::vector<AttributeDef> attributes = {
      {"epsilon", AttributeType::kReal, static_cast<double>(1e-5f)},
      {"momentum", AttributeType::kReal, static_cast<double>(0.9f)}};
  attributes.insert(attributes.end(), more.begin(), more.end());
  return {.name = "BatchNormalization",
          .since = since,
          .until = until,
          .inputs = {5, 5},
          .outputs = {1, 5},
          .dtypes = kFloats,
          .attributes = attributes,
          .lower = lower,
          .limits = "training is refused"};
}

}  // namespace

std::span<const OpDef> batch_normalization_ops() {
  static const std::vector<OpDef> ops = {
      versions(7, 8, lower_version_7, {{"spatial", AttributeType::kInt, int64_t{1}}}),
      versions(9, 13, lower_version_9, {}),
      versions(14, kMaxOpset, lower_version_14,
               {{"training_mode", AttributeType::kInt, int64_t{0}}})};
  return ops;
}

}  // namespace dovetail::ops
