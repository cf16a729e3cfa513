// Conv: x (N, C, S...), w (M, C/group, K...), bias (M)? -> y (N, M, O...), 1 to 3 spatial axes.
#include <numeric>

#include "base/error.h"
#include "ops/lowering/convolution.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;

void check_channels(LowerContext& c, int64_t groups) {
  const Shape& x = c.x(0)->shape();
  const Shape& w = c.x(1)->shape();
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
  const int64_t groups = groups_of(c);
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
  return {with_bias(c, c.build.to_channels_first(y))};
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
