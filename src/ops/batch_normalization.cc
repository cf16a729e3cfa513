// BatchNormalization: x (N, C, ...), scale, bias, mean, variance (C)
//   y = (x - mean) * (scale / sqrt(variance + epsilon)) + bias
// The factor depends on params alone, so folding reaches it. With training_mode (opset 14 on) mean
// and variance are those of x, and the running ones are results too.
#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/standardize.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;
using ir::Shape;

void refuse_training_outputs(const LowerContext& c) {
  for (size_t i = 1; i < c.node().outputs.size(); ++i) {
    if (!c.wants(i)) continue;
    throw_error(ErrorKind::kUnsupported,
                "output {} exists only in training; only inference is compiled: export the model "
                "in eval mode",
                i);
  }
}

// The five inputs; each of the params has the extents of the first `axes` axes of x behind N.
Values inputs(LowerContext& c, int axes) {
  Shape x = c.x(0)->shape();
  for (size_t i = 1; i < 5; ++i) {
    const Shape& param = c.x(i)->shape();
    for (int k = 0; k < axes && param.size() == static_cast<size_t>(axes); ++k) {
      x[k + 1] = common_extent(x[k + 1], param[k]);
    }
  }
  Values p{c.shaped(0, x)};
  for (size_t i = 1; i < 5; ++i) p.push_back(c.shaped(i, {x.begin() + 1, x.begin() + 1 + axes}));
  return p;
}

// Of operands that broadcast to x, all of one type.
ir::Value* normalized(LowerContext& c, const Values& p) {
  const ir::DType dtype = p[0]->dtype();
  ir::Value* factor = c.build.elementwise({p[1], p[4]}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto sum = e.binary(ScalarOp::kAdd, v[1], e.constant(c.real("epsilon"), dtype));
    return e.binary(ScalarOp::kDiv, v[0], e.unary(ScalarOp::kSqrt, sum));
  });
  ir::Value* centred = c.build.binary(ScalarOp::kSub, p[0], p[3]);
  return c.build.binary(ScalarOp::kAdd, c.build.binary(ScalarOp::kMul, centred, factor), p[2]);
}

// Up to opset 8, spatial = 0 normalises each element: parameters (C, ...) instead of (C).
Values lower_batch_normalization(LowerContext& c, bool spatial) {
  c.require_rank(0, 2);
  refuse_training_outputs(c);
  const int rank = c.x(0)->rank();
  Values p = inputs(c, spatial ? 1 : rank - 1);
  for (size_t i = 1; i < 5; ++i) {
    p[i] = c.build.cast(spatial ? c.build.per_channel(p[i], rank) : p[i], p[0]->dtype());
  }
  return {normalized(c, p)};
}
// momentum * running + (1 - momentum) * current, in the type of `running`
ir::Value* moved(LowerContext& c, ir::Value* running, ir::Value* current) {
  const ir::DType dtype = current->dtype();
  const double momentum = c.real("momentum");
  Values operands{c.build.cast(running, dtype), c.build.reshape(current, running->shape())};
  ir::Value* now = c.build.elementwise(operands, [&](ir::ExprBuilder& e, const auto& v) {
    const auto part = [&](auto value, double share) {
      return e.binary(ScalarOp::kMul, value, e.constant(share, dtype));
    };
    return e.binary(ScalarOp::kAdd, part(v[0], momentum), part(v[1], 1 - momentum));
  });
  return c.build.cast(now, running->dtype());
}

// (y, running mean, running variance)
Values lower_training(LowerContext& c) {
  c.require_rank(0, 2);
  const Values given = inputs(c, 1);
  const ir::DType dtype = computing_type(c.x(0)->dtype());
  ir::Value* x = c.build.cast(given[0], dtype);
  std::vector<int> axes{0};
  for (int axis = 2; axis < x->rank(); ++axis) axes.push_back(axis);
  ir::Value* mean = c.build.mean(x, axes);
  ir::Value* distance = c.build.binary(ScalarOp::kSub, x, mean);
  ir::Value* variance = c.build.mean(c.build.binary(ScalarOp::kMul, distance, distance), axes);
  const auto broadcast = [&](ir::Value* param) {
    return c.build.cast(c.build.per_channel(param, x->rank()), dtype);
  };
  ir::Value* y = normalized(c, {x, broadcast(given[1]), broadcast(given[2]), mean, variance});
  return {c.build.cast(y, c.x(0)->dtype()), moved(c, given[3], mean), moved(c, given[4], variance)};
}

Values lower_version_7(LowerContext& c) { return lower_batch_normalization(c, c.flag("spatial")); }

Values lower_version_9(LowerContext& c) { return lower_batch_normalization(c, true); }

Values lower_version_14(LowerContext& c) {
  return c.flag("training_mode") ? lower_training(c) : lower_batch_normalization(c, true);
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
          .outputs = {1, since < 14 ? 5 : 3},
          .dtypes = kFloats,
          .attributes = attributes,
          .lower = lower,
          .limits = since < 14 ? "the outputs of training are refused" : ""};
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
