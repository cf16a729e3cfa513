// ConvTranspose: x (N, C, S...), w (C, M/group, K...), bias (M)? -> y (N, M, O...), 1 to 3 spatial
// axes: a convolution of x, spread by strides, with w reversed along K.
#include <fmt/format.h>

#include <numeric>

#include "base/error.h"
#include "ops/lowering/convolution.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;
using ir::Value;

struct Operands {
  Value *x, *w;
};

// x and the weights with channels that fit.
Operands operands(LowerContext& c, int64_t groups) {
  Operands given{c.x(0), c.x(1)};
  Shape x = given.x->shape(), w = given.w->shape();
  const std::string text =
      fmt::format("the channels of {} of shape {} and {} of shape {} do not fit", c.input_text(0),
                  ir::to_string(x), c.input_text(1), ir::to_string(w));
  x[1] = w[0] = common_extent(w[0], x[1]);
  const std::string parts = fmt::format("{} has {} channels, which group = {} does not divide",
                                        c.input_text(0), x[1].to_string(), groups);
  return {c.build.divisible(c.build.asserted(given.x, x, text), 1, groups, parts),
          c.build.divisible(c.build.asserted(given.w, w, text), 0, groups, parts)};
}

// What is cut off one axis of the whole result, which holds every product, and what is left.
struct Cut {
  Dim lo, extent;
};

class Cutter {
 public:
  explicit Cutter(LowerContext& c, size_t rank)
      : auto_pad_(c.text("auto_pad")),
        pads_(list_or(c, "pads", 2 * rank, 0, 0)),
        output_shape_(list_or(c, "output_shape", rank, -1, 0)) {
    if (auto_pad_ != "NOTSET" && auto_pad_ != "VALID" && auto_pad_ != "SAME_UPPER" &&
        auto_pad_ != "SAME_LOWER") {
      throw_error(ErrorKind::kValue,
                  "auto_pad is '{}', expected NOTSET, SAME_UPPER, SAME_LOWER or VALID", auto_pad_);
    }
  }

  // `whole`: the extent of the whole result; `same`: that of SAME.
  Cut cut(size_t axis, const Dim& whole, const Dim& same) const {
    const size_t rank = output_shape_.size();
    if (output_shape_[axis] >= 0) return centred(whole, output_shape_[axis]);
    if (auto_pad_ == "NOTSET")
      return {pads_[axis], whole - Dim(pads_[axis]) - Dim(pads_[axis + rank])};
    return auto_pad_ == "VALID" ? Cut{0, whole} : centred(whole, same);
  }

 private:
  // SAME_UPPER cuts an odd element off the end, everything else off the front.
  Cut centred(const Dim& whole, const Dim& extent) const {
    const Dim total = ir::max(whole - extent, 0);
    const Dim half = ir::floordiv(total, 2);
    return {auto_pad_ == "SAME_UPPER" ? half : total - half, extent};
  }

  const std::string& auto_pad_;
  Ints pads_, output_shape_;
};

// w (C, M/group, K...) -> (K..., C/group, M), reversed along K
Value* reversed(LowerContext& c, Value* weights, int64_t groups) {
  const Shape& w = weights->shape();
  const int rank = weights->rank();
  const Shape kernel(w.begin() + 2, w.end());
  Shape split = {groups, ir::floordiv(w[0], groups), w[1]};
  split.insert(split.end(), kernel.begin(), kernel.end());
  std::vector<int> perm(rank + 1);
  std::iota(perm.begin(), perm.end(), 3);
  perm[rank - 2] = 1;
  perm[rank - 1] = 0;
  perm[rank] = 2;
  Shape joined = kernel;
  joined.push_back(split[1]);
  joined.push_back(w[1] * Dim(groups));
  Value* value = c.build.permute(c.build.reshape(weights, split), perm);
  value = c.build.reshape(value, joined);
  for (size_t i = 0; i < kernel.size(); ++i)
    value = c.build.slice(value, static_cast<int>(i), kernel[i] - 1, kernel[i], -1);
  return value;
}

Values lower_conv_transpose(LowerContext& c) {
  c.require_rank(0, 3, 5);
  const int rank = c.x(0)->rank();
  c.require_rank(1, rank, rank);
  c.require_same_dtype(1);
  const int64_t groups = groups_of(c);
  const auto [given, weights] = operands(c, groups);
  const size_t spatial = rank - 2;
  const Shape& x = given->shape();
  const Ints strides = list_or(c, "strides", spatial, 1, 1);
  const Ints output_padding = list_or(c, "output_padding", spatial, 0, 0);
  const Cutter cutter(c, spatial);

  ir::Window window;
  window.kernel = kernel_of(c);
  window.strides.assign(spatial, 1);
  window.dilations = list_or(c, "dilations", spatial, 1, 1);
  window.input_dilations = strides;
  std::vector<Cut> left;  // to do afterwards
  for (size_t i = 0; i < spatial; ++i) {
    const Dim before = Dim(window.kernel[i] - 1) * window.dilations[i];
    const Dim whole = (x[i + 2] - 1) * strides[i] + output_padding[i] + before + 1;
    const Cut cut = cutter.cut(i, whole, x[i + 2] * Dim(strides[i]));
    // Phases need a padding that is known now.
    const Dim now = cut.lo.is_constant() ? cut.lo : Dim(0);
    const Dim later = cut.lo - now;
    window.pad_lo.push_back(before - now);
    window.pad_hi.push_back(before + output_padding[i] - (whole - now - later - cut.extent));
    left.push_back({later, cut.extent});
    if (x[i + 2] == Dim(1)) window.input_dilations[i] = 1;  // there is no second element
  }
  Value* y = c.graph().value(ir::Contract{.groups = groups, .window = window, .epilogue = {}},
                             {c.build.to_channels_last(given), reversed(c, weights, groups)});
  y = c.build.to_channels_first(y);
  for (size_t i = 0; i < spatial; ++i)
    y = c.build.slice(y, static_cast<int>(i) + 2, left[i].lo, left[i].extent);
  return {with_bias(c, y)};
}

}  // namespace

std::span<const OpDef> conv_transpose_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<AttributeDef> attributes = window_attributes();
    attributes.push_back({"group", AttributeType::kInt, int64_t{1}});
    attributes.push_back({"output_padding", AttributeType::kInts});
    attributes.push_back({"output_shape", AttributeType::kInts});
    return std::vector<OpDef>{{.name = "ConvTranspose",
                               .inputs = {2, 3},
                               .dtypes = kFloats,
                               .attributes = attributes,
                               .lower = lower_conv_transpose,
                               .limits = "1 to 3 spatial axes"}};
  }();
  return ops;
}

}  // namespace dovetail::ops
