// Conv: x (N, C, S...), w (M, C/group, K...), bias (M)? -> y (N, M, O...), 1 to 3 spatial axes.
#include <fmt/format.h>

#include <numeric>

#include "base/error.h"
#include "ops/lowering/convolution.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;

struct Operands {
  ir::Value *x, *w;
};

// x and the weights with channels that fit.
Operands operands(LowerContext& c, int64_t groups) {
  Operands given{c.x(0), c.x(1)};
  Shape x = given.x->shape(), w = given.w->shape();
  const std::string text =
      fmt::format("the channels of {} of shape {} and {} of shape {} do not fit with group = {}",
                  c.input_text(0), ir::to_string(x), c.input_text(1), ir::to_string(w), groups);
  // Those of x are the ones that are known only if the weights' are not.
  if (x[1].is_constant() && !w[1].is_constant() && x[1].value() % groups == 0) {
    w[1] = x[1].value() / groups;
  }
  x[1] = w[1] * Dim(groups);
  const std::string columns =
      fmt::format("{} has {} output channels, which group = {} does not divide", c.input_text(1),
                  w[0].to_string(), groups);
  return {c.build.asserted(given.x, x, text),
          c.build.divisible(c.build.asserted(given.w, w, text), 0, groups, columns)};
}

Values lower_conv(LowerContext& c) {
  c.require_rank(0, 3, 5);
  const int rank = c.x(0)->rank();
  c.require_rank(1, rank, rank);
  c.require_same_dtype(1);
  const int64_t groups = groups_of(c);
  const auto [x, weights] = operands(c, groups);
  const Shape spatial(x->shape().begin() + 2, x->shape().end());
  const WindowOf w = window_of(c, kernel_of(c), spatial, false);

  // (M, C/group, K...) -> (K..., C/group, M)
  std::vector<int> perm(rank);
  std::iota(perm.begin(), perm.end(), 2);
  perm[rank - 2] = 1;
  perm[rank - 1] = 0;
  ir::Value* y = c.graph().value(ir::Contract{.groups = groups, .window = w.window, .epilogue = {}},
                                 {c.build.to_channels_last(x), c.build.permute(weights, perm)});
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
