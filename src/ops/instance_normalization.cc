// InstanceNormalization, GroupNormalization: mean and variance of each channel, or of each group of
// channels, of each sample.
//   x (N, C, S...), scale (C), bias (C) -> y like x
// Up to opset 20 GroupNormalization has one scale and bias for each group: (num_groups).
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

// Scale or bias: a vector of `extent` elements, shaped like an operand of x.
Value* parameter(LowerContext& c, size_t input, const Dim& extent, const Shape& shape) {
  Value* p = c.shaped(input, {extent});
  c.require_same_dtype(input);
  return c.build.reshape(c.build.cast(p, computing_type(p->dtype())), shape);
}

// x, whose channels scale and bias tell where it does not.
Value* channelled(LowerContext& c) {
  Shape shape = c.x(0)->shape();
  for (const size_t i : {1, 2}) {
    const Value* p = c.x(i);
    if (p->rank() == 1) shape[1] = common_extent(shape[1], p->shape()[0]);
  }
  return c.shaped(0, shape);
}

// x (N, G, C/G, S...), normalised over all axes behind the second one.
Value* normalise(LowerContext& c, Value* x, Value* scale, Value* bias) {
  std::vector<int> axes(x->rank() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  Value* y = standardize(c.build, x, axes, c.real("epsilon")).y;
  return c.build.binary(ScalarOp::kAdd, c.build.binary(ScalarOp::kMul, y, scale), bias);
}

Values lower_instance_normalization(LowerContext& c) {
  c.require_rank(0, 2);
  Value* x = c.build.cast(channelled(c), computing_type(c.x(0)->dtype()));
  Shape shape(x->rank(), Dim(1));
  shape[1] = x->shape()[1];
  Value* scale = parameter(c, 1, shape[1], shape);
  Value* bias = parameter(c, 2, shape[1], shape);
  return {c.build.cast(normalise(c, x, scale, bias), c.x(0)->dtype())};
}

Values lower_group_normalization(LowerContext& c, bool by_channel) {
  c.require_rank(0, 2);
  const int64_t groups = c.integer("num_groups");
  Value* whole = by_channel ? channelled(c) : c.x(0);
  const std::string text =
      fmt::format("num_groups is {}, but {} of shape {} has {} channels", groups, c.input_text(0),
                  ir::to_string(whole->shape()), whole->shape()[1].to_string());
  if (groups < 1) throw_error(ErrorKind::kValue, "{}", text);
  Value* x = c.build.divisible(whole, 1, groups, text);
  const Shape& shape = x->shape();
  const Dim& channels = shape[1];
  const Dim in_group = ir::floordiv(channels, groups);
  Shape split{shape[0], groups, in_group};
  split.insert(split.end(), shape.begin() + 2, shape.end());
  Shape of_parameter(split.size(), Dim(1));
  of_parameter[1] = groups;
  if (by_channel) of_parameter[2] = in_group;
  const Dim extent = by_channel ? channels : Dim(groups);
  Value* scale = parameter(c, 1, extent, of_parameter);
  Value* bias = parameter(c, 2, extent, of_parameter);
  x = c.build.cast(c.build.reshape(x, split), computing_type(x->dtype()));
  Value* y = c.build.reshape(normalise(c, x, scale, bias), shape);
  return {c.build.cast(c.build.asserted(y, whole->shape(), text), c.x(0)->dtype())};
}

OpDef group_normalization(int since, int until, bool by_channel) {
  OpDef def = {.name = "GroupNormalization",
               .since = since,
               .until = until,
               .inputs = {3, 3},
               .dtypes = kFloats,
               .attributes = {{"epsilon", AttributeType::kReal, static_cast<double>(1e-5f)},
                              {"num_groups", AttributeType::kInt, {}, true}},
               .lower = [=](LowerContext& c) { return lower_group_normalization(c, by_channel); }};
  // The type of mean and variance; at least float32 is taken in any case.
  if (by_channel) def.attributes.push_back({"stash_type", AttributeType::kInt, int64_t{1}});
  return def;
}

}  // namespace

std::span<const OpDef> instance_normalization_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "InstanceNormalization",
       .inputs = {3, 3},
       .dtypes = kFloats,
       .attributes = {{"epsilon", AttributeType::kReal, static_cast<double>(1e-5f)}},
       .lower = lower_instance_normalization},
      group_normalization(18, 20, false),
      group_normalization(21, kMaxOpset, true)};
  return ops;
}

}  // namespace dovetail::ops
