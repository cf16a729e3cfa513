// MaxPool, AveragePool, LpPool and their global forms: x (N, C, S...) -> y (N, C, O...).
#include <functional>
#include <numeric>

#include "base/error.h"
#include "ops/lowering/pool_indices.h"
#include "ops/lowering/standardize.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;

// The window that the node's attributes lay over `input`.
WindowOf pool_window(LowerContext& c, const Value* input) {
  c.require_rank(0, 3);
  const Shape& x = input->shape();
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
  return window_of(c, kernel, Shape(x.begin() + 2, x.end()), c.flag("ceil_mode"));
}

Value* pool(LowerContext& c, ir::PoolKind kind, Value* input) {
  WindowOf w = pool_window(c, input);
  Value* y = c.graph().value(ir::Pool{kind, std::move(w.window), std::move(w.ceil_extra)},
                             {c.build.to_channels_last(input)});
  return c.build.to_channels_first(y);
}

Values lower_max_pool(LowerContext& c) {
  Value* y = pool(c, ir::PoolKind::kMax, c.x(0));
  if (!c.wants(1)) return {y};
  const ir::Window window = pool_window(c, c.x(0)).window;
  Value* indices = max_indices(c, c.build.to_channels_last(c.x(0)), window,
                               c.build.to_channels_last(y)->shape(), c.flag("storage_order"));
  return {y, c.build.to_channels_first(indices)};
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
       .lower = lower_max_pool,
       .limits = "Indices of windows of at most 1024 elements"},
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
