// MaxPool, AveragePool, LpPool and their global forms: x (N, C, S...) -> y (N, C, O...).
#include <functional>
#include <numeric>

#include "base/error.h"
#include "ops/lowering/positions.h"
#include "ops/lowering/standardize.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;

WindowOf pool_window(LowerContext& c) {
  const Ints kernel = kernel_shape_of(c);
  const Shape& x = c.x(0)->shape();
  return window_of(c, kernel, Shape(x.begin() + 2, x.end()), c.flag("ceil_mode"));
}

// `input`: the node's, or what was made of it.
Value* pool(LowerContext& c, ir::PoolKind kind, Value* input) {
  WindowOf w = pool_window(c);
  Value* y = c.graph().value(ir::Pool{kind, std::move(w.window), std::move(w.ceil_extra)},
                             {c.build.to_channels_last(input)});
  return c.build.to_channels_first(y);
}

// A row-major position in the extents `spatial` as the column-major one.
Value* column_major(Builder& b, Value* position, const Shape& spatial) {
  Value* result = b.integer(0);
  for (size_t i = spatial.size(); i-- > 0;) {
    const Dim stride =
        ir::element_count({spatial.begin(), spatial.begin() + static_cast<ptrdiff_t>(i)});
    Value* extent = b.integer(spatial[i]);
    Value* at = b.binary(ScalarOp::kFloorMod, position, extent);
    result = b.binary(ScalarOp::kAdd, result, b.binary(ScalarOp::kMul, at, b.integer(stride)));
    position = b.binary(ScalarOp::kDiv, position, extent);
  }
  return result;
}

// Positions in the whole of x (N, C, S...): ONNX counts the batch and the channels too.
Value* max_indices(LowerContext& c) {
  Builder& b = c.build;
  const Shape& x = c.x(0)->shape();
  const Shape spatial(x.begin() + 2, x.end());
  WindowOf w = pool_window(c);
  Value* at = b.to_channels_first(c.graph().value(
      ir::PoolIndices{std::move(w.window), std::move(w.ceil_extra)}, {b.to_channels_last(c.x(0))}));
  if (c.flag("storage_order")) at = column_major(b, at, spatial);
  const int rank = static_cast<int>(x.size());
  Value* channel = b.binary(ScalarOp::kAdd,
                            b.binary(ScalarOp::kMul, positions(b, x[0], 0, rank), b.integer(x[1])),
                            positions(b, x[1], 1, rank));
  Value* start = b.binary(ScalarOp::kMul, channel, b.integer(ir::element_count(spatial)));
  return b.binary(ScalarOp::kAdd, start, at);
}

Values lower_max_pool(LowerContext& c) {
  Values results = {pool(c, ir::PoolKind::kMax, c.x(0))};
  if (c.wants(1)) results.push_back(max_indices(c));
  return results;
}

Values lower_average_pool(LowerContext& c) {
  const bool padding = c.flag("count_include_pad");
  return {pool(c, padding ? ir::PoolKind::kAverageWithPadding : ir::PoolKind::kAverage, c.x(0))};
}

// (sum of |x|^p) ^ (1/p), half types in float32; `sum` adds up over windows or whole axes.
Values lower_lp(LowerContext& c, const std::function<Value*(Value*)>& sum) {
  const int64_t p = c.integer("p");
  if (p < 1) throw_error(ErrorKind::kValue, "p is {}, expected at least 1", p);
  Value* x = c.build.cast(c.x(0), computing_type(c.x(0)->dtype()));
  const auto constant = [&](ir::ExprBuilder& e, double value) {
    return e.constant(value, x->dtype());
  };
  Value* powers = c.build.elementwise({x}, [&](ir::ExprBuilder& e, const auto& v) {
    if (p == 2) return e.binary(ScalarOp::kMul, v[0], v[0]);
    const auto magnitude = e.unary(ScalarOp::kAbs, v[0]);
    if (p == 1) return magnitude;
    return e.binary(ScalarOp::kPow, magnitude, constant(e, static_cast<double>(p)));
  });
  Value* y = c.build.elementwise({sum(powers)}, [&](ir::ExprBuilder& e, const auto& v) {
    if (p == 1) return v[0];
    if (p == 2) return e.unary(ScalarOp::kSqrt, v[0]);
    return e.binary(ScalarOp::kPow, v[0], constant(e, 1.0 / static_cast<double>(p)));
  });
  return {c.build.cast(y, c.x(0)->dtype())};
}

Values lower_lp_pool(LowerContext& c) {
  return lower_lp(c, [&](Value* x) { return pool(c, ir::PoolKind::kSum, x); });
}

std::vector<int> spatial_axes(LowerContext& c) {
  c.require_rank(0, 2);
  std::vector<int> axes(c.x(0)->rank() - 2);
  std::iota(axes.begin(), axes.end(), 2);
  return axes;
}

Values lower_global_lp_pool(LowerContext& c) {
  return lower_lp(
      c, [&](Value* x) { return c.build.reduce(ir::ReduceKind::kSum, x, spatial_axes(c)); });
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
       .lower = lower_max_pool},
      {.name = "AveragePool",
       .dtypes = kFloats,
       .attributes = with({{"count_include_pad", AttributeType::kInt, int64_t{0}}}),
       .lower = lower_average_pool},
      {.name = "LpPool",
       .dtypes = kFloats,
       .attributes = with({{"p", AttributeType::kInt, int64_t{2}}}),
       .lower = lower_lp_pool},
      {.name = "GlobalLpPool",
       .dtypes = kFloats,
       .attributes = {{"p", AttributeType::kInt, int64_t{2}}},
       .lower = lower_global_lp_pool},
      {.name = "GlobalMaxPool", .dtypes = kFloats, .lower = lower_global_max_pool},
      {.name = "GlobalAveragePool", .dtypes = kFloats, .lower = lower_global_average_pool}};
  return ops;
}

}  // namespace dovetail::ops
