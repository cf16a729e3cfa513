// Pad with a constant border; negative amounts crop.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Value;

void require_constant_mode(LowerContext& c) {
  if (c.text("mode") == "constant") return;
  throw_error(ErrorKind::kUnsupported, "mode '{}' is not supported; there is 'constant'",
              c.text("mode"));
}

// `amounts`: all that goes before, then all that goes behind, for each of `axes`.
Values pad(LowerContext& c, const std::vector<int>& axes, const std::vector<Dim>& amounts,
           double value) {
  const size_t count = axes.size();
  if (amounts.size() != 2 * count) {
    throw_error(ErrorKind::kValue, "pads has {} values for {} axes, expected {}", amounts.size(),
                count, 2 * count);
  }
  Value* x = c.x(0);
  ir::Pad pad{std::vector<Dim>(x->rank(), Dim(0)), std::vector<Dim>(x->rank(), Dim(0)), value};
  bool pads = false;
  const auto split = [&](const Dim& amount, Dim* border) {
    // Returns what is cropped.
    if (amount.is_constant() && amount.value() < 0) return -amount;
    const bool pads_only = proved_ge(amount, 0, c.graph().symbols);
    *border = pads_only ? amount : ir::max(amount, 0);
    pads = pads || amount != Dim(0);
    return pads_only ? Dim(0) : ir::max(-amount, 0);
  };
  for (size_t i = 0; i < count; ++i) {
    const int axis = axes[i];
    const Dim crop_lo = split(amounts[i], &pad.lo[axis]);
    const Dim crop_hi = split(amounts[i + count], &pad.hi[axis]);
    const Dim extent = x->shape()[axis] - crop_lo - crop_hi;
    if (extent.is_constant() && extent.value() < 0) {
      throw_error(ErrorKind::kValue, "pads crop {} of the {} elements of axis {}",
                  (crop_lo + crop_hi).to_string(), x->shape()[axis].to_string(), axis);
    }
    x = c.build.slice(x, axis, crop_lo, extent);
  }
  return {pads ? c.graph().value(std::move(pad), {x}) : x};
}

std::vector<int> every_axis(int rank) {
  std::vector<int> axes;
  for (int i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

Values lower_by_attributes(LowerContext& c) {
  require_constant_mode(c);
  const Ints& amounts = c.integers("pads");
  return pad(c, every_axis(c.x(0)->rank()), {amounts.begin(), amounts.end()}, c.real("value"));
}

// Also the content of integers: a border that a double does not hold exactly is refused.
double border_value(LowerContext& c) {
  if (!c.has(2)) return 0;
  c.require_same_dtype(2);
  const double value = c.known_scalar(2);
  if (ir::is_int(c.x(0)->dtype()) && (value > 9007199254740992.0 || value < -9007199254740992.0)) {
    throw_error(ErrorKind::kUnsupported, "{} is {}; borders beyond 2^53 are not supported",
                c.input_text(2), value);
  }
  return value;
}

Values lower_by_inputs(LowerContext& c) {
  require_constant_mode(c);
  const int rank = c.x(0)->rank();
  std::vector<int> axes = every_axis(rank);
  if (c.has(3)) {
    axes.clear();
    const Ints given = c.known_ints(3);
    c.axes(given, rank);  // each once
    for (const int64_t axis : given) axes.push_back(c.axis(axis, rank));
  }
  return pad(c, axes, c.known_dims(1), border_value(c));
}

}  // namespace

std::span<const OpDef> pad_ops() {
  const AttributeDef mode{"mode", AttributeType::kText, "constant"};
  constexpr const char* kLimits = "mode 'constant'";
  static const std::vector<OpDef> ops = {{.name = "Pad",
                                          .until = 10,
                                          .dtypes = kFloats,
                                          .attributes = {mode,
                                                         {"pads", AttributeType::kInts, {}, true},
                                                         {"value", AttributeType::kReal, 0.0}},
                                          .lower = lower_by_attributes,
                                          .limits = kLimits},
                                         {.name = "Pad",
                                          .since = 11,
                                          .inputs = {2, 4},
                                          .attributes = {mode},
                                          .lower = lower_by_inputs,
                                          .limits = kLimits}};
  return ops;
}

}  // namespace dovetail::ops
