// MaxPool, AveragePool and their global forms: x (N, C, S...) -> y (N, C, O...).
#include <numeric>

#include "base/error.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Shape;

Values pool(LowerContext& c, ir::PoolKind kind) {
  c.require_rank(0, 3);
  const Shape& x = c.x(0)->shape();
  const Ints& kernel = c.integers("kernel_shape");
  if (kernel.size() != x.size() - 2) {
    throw_error(ErrorKind::kValue,
                "kernel_shape has {} values, but {} of shape {} has {} spatial axes", kernel.size(),
                c.input_text(0), ir::to_string(x), x.size() - 2);
  }
  for (const int64_t extent : kernel) {
    if (extent < 1 || extent > INT32_MAX) {
      throw_error(ErrorKind::kValue, "kernel_shape holds {}, expected 1 to {}", extent, INT32_MAX);
    }
  }
  WindowOf w = window_of(c, kernel, Shape(x.begin() + 2, x.end()), c.flag("ceil_mode"));
  ir::Value* y = c.graph().value(ir::Pool{kind, std::move(w.window), std::move(w.ceil_extra)},
                                 {c.build.to_channels_last(c.x(0))});
  return {c.build.to_channels_first(y)};
}

Values lower_max_pool(LowerContext& c) {
  if (c.wants(1)) {
    throw_error(ErrorKind::kUnsupported, "output 1 (Indices) of MaxPool is not supported");
  }
  return pool(c, ir::PoolKind::kMax);
}

Values lower_average_pool(LowerContext& c) {
  return pool(
      c, c.flag("count_include_pad") ? ir::PoolKind::kAverageWithPadding : ir::PoolKind::kAverage);
}

std::vector<int> spatial_axes(LowerContext& c) {
  c.require_rank(0, 2);
  std::vector<int> axes(c.x(0)->rank() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

Values lower_global_max_pool(LowerContext& c) {
  return {c.build.reduce(ir::ReduceKind::kMax, c.x(0), spatial_axes(c))};
}

Values lower_global_average_pool(LowerContext& c) {
  return {c.build.mean(c.x(0), spatial_axes(c))};
}

std::vector<AttributeDef> with(std::vector<AttributeDef> more) {
  std::vector<AttributeDef> attributes = window_attributes();
  attributes[0].required = true;
  attributes.push_back({"ceil_mode", AttributeType::kInt, int64_t{0}});
  attributes.insert(attributes.end(), more.begin(), more.end());
  return attributes;
}

}  // namespace

std::span<const OpDef> pool_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "MaxPool",
       .outputs = {1, 2},
       .dtypes = kFloats | bit(DType::kI8) | bit(DType::kU8),
       .attributes = with({{"storage_order", AttributeType::kInt, int64_t{0}}}),
       .lower = lower_max_pool,
       .limits = "the Indices output is refused"},
      {.name = "AveragePool",
       .dtypes = kFloats,
       .attributes = with({{"count_include_pad", AttributeType::kInt, int64_t{0}}}),
       .lower = lower_average_pool},
      {.name = "GlobalMaxPool", .dtypes = kFloats, .lower = lower_global_max_pool},
      {.name = "GlobalAveragePool", .dtypes = kFloats, .lower = lower_global_average_pool}};
  return ops;
}

}  // namespace dovetail::ops
