// Conv: x (N, C, S...), w (M, C/group, K...), bias (M)? -> y (N, M, O...), 1 to 3 spatial axes.
#include <fmt/format.h>
#include <algorithm>

#include <numeric>

#include "base/error.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;

Ints kernel_of(LowerContext& c) {
  const Shape& w = c.x(1)->shape();
  Ints kernel;
  for (size_t i = 2; i < w.size(); ++i) {
    if (!w[i].is_constant()) {
      throw_error(ErrorKind::kUnsupported,
                  "{} has shape {}: a kernel's extents cannot stay symbolic; fix them by --dim",
                  c.input_text(1), ir::to_string(w));
    }
    kernel.push_back(w[i].value());
  }
  if (c.has_attribute("kernel_shape") && c.integers("kernel_shape") != kernel) {
    throw_error(ErrorKind::kValue, "kernel_shape is [{}], but the weights have shape {}",
                fmt::join(c.integers("kernel_shape"), ","), ir::to_string(w));
  }
  return kernel;
}

void check_channels(LowerContext& c, int64_t groups) {
  const Shape& x = c.x(0)->shape();
  const Shape& w = c.x(1)->shape();
  if (groups < 1 || groups > INT32_MAX) {
    throw_error(ErrorKind::kValue, "group is {}, expected at least 1", groups);
  }
  if (w[1] * Dim(groups) != x[1]) {
    throw_error(ErrorKind::kValue,
                "{} of shape {} and {} of shape {} do not fit with group = {}: channels {}",
                c.input_text(0), ir::to_string(x), c.input_text(1), ir::to_string(w), groups,
                difference_text(x[1], w[1] * Dim(groups)));
  }
  if (ir::mod(w[0], groups) != Dim(0)) {
    throw_error(ErrorKind::kValue, "{} has {} output channels, which group = {} does not divide",
                c.input_text(1), w[0].to_string(), groups);
  }
}

Values lower_conv(LowerContext& c) {
  c.require_rank(0, 3, 5);
  const int rank = c.x(0)->rank();
  c.require_rank(1, rank, rank);
  c.require_same_dtype(1);
  const int64_t groups = c.integer("group");
  check_channels(c, groups);
  const Shape& x = c.x(0)->shape();
  const WindowOf w = window_of(c, kernel_of(c), Shape(x.begin() + 2, x.end()), false);

  // (M, C/group, K...) -> (K..., C/group, M)
  std::vector<int> perm(rank);
  std::iota(perm.begin(), perm.end(), 2);
  perm[rank - 2] = 1;
  perm[rank - 1] = 0;
  ir::Value* y = c.graph().value(ir::Contract{.groups = groups, .window = w.window, .epilogue = {}},
                                 {c.build.to_channels_last(c.x(0)), c.build.permute(c.x(1), perm)});
  y = c.build.to_channels_first(y);
  if (!c.has(2)) return {y};
  c.require_same_dtype(2);
  if (c.x(2)->shape() != Shape{c.x(1)->shape()[0]}) {
    throw_error(ErrorKind::kValue, "{} has shape {}, expected [{}]", c.input_text(2),
                ir::to_string(c.x(2)->shape()), c.x(1)->shape()[0].to_string());
  }
  return {c.build.binary(ir::ScalarOp::kAdd, y, c.build.per_channel(c.x(2), rank))};
}

}  // namespace

std::span<const OpDef> conv_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<AttributeDef> attributes = window_attributes();
    attributes.push_back({"group", AttributeType::kInt, int64_t{1}});
    return std::vector<OpDef>{{.name = "Conv",
                               .inputs = {2, 3},
                               .dtypes = kFloats,
                               .attributes = attributes,
                               .lower = lower_conv,
                               .limits = "1 to 3 spatial axes"}};
  }();
  return ops;
}

}  // namespace dovetail::ops
