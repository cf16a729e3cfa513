// Expand and Tile: repetition.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;

Values lower_expand(LowerContext& c) {
  const Shape shape = c.known_dims(1);
  return {c.build.broadcast_to(c.x(0), broadcast_shape(c.x(0)->shape(), shape))};
}

// (a, b) -> (1, a, 1, b) -> (r, a, s, b) -> (r*a, s*b)
Values lower_tile(LowerContext& c) {
  const Shape& x = c.x(0)->shape();
  const std::vector<Dim> repeats = c.known_dims(1);
  if (repeats.size() != x.size()) {
    throw_error(ErrorKind::kValue, "{} has {} values for the {} axes of {}", c.input_text(1),
                repeats.size(), x.size(), c.input_text(0));
  }
  Shape apart, repeated, merged;
  for (size_t i = 0; i < x.size(); ++i) {
    if (repeats[i].is_constant() && repeats[i].value() < 0) {
      throw_error(ErrorKind::kValue, "{} holds {}", c.input_text(1), repeats[i].value());
    }
    if (repeats[i] != Dim(1)) {
      apart.push_back(1);
      repeated.push_back(repeats[i]);
    }
    apart.push_back(x[i]);
    repeated.push_back(x[i]);
    merged.push_back(x[i] * repeats[i]);
  }
  ir::Value* y = c.build.broadcast_to(c.build.reshape(c.x(0), apart), repeated);
  return {c.build.reshape(y, merged)};
}

}  // namespace

std::span<const OpDef> expand_ops() {
  constexpr const char* kLimits = "shape and repeats must follow from constants and shapes";
  static const std::vector<OpDef> ops = {
      {.name = "Expand", .since = 8, .inputs = {2, 2}, .lower = lower_expand, .limits = kLimits},
      {.name = "Tile", .inputs = {2, 2}, .lower = lower_tile, .limits = kLimits}};
  return ops;
}

}  // namespace dovetail::ops
