// Expand and Tile: repetition.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;

// One extent of Expand: `own` is repeated where it is 1, else `wanted` is 1 or equal to it.
Dim expanded(LowerContext& c, const Dim& own, const Dim& wanted) {
  if (own == wanted || wanted == Dim(1)) return own;
  if (own == Dim(1)) return wanted;
  const bool stays = own.is_constant() || own.bounds(c.graph().symbols).min > 1;
  if (stays && wanted.is_constant()) {
    c.build.require_equal(own, wanted, "extents to expand");
    return own;
  }
  // Computed with numbers only a run knows. An extent of 0 stays 0.
  const Dim result = stays ? own : ir::select_ge(own, 2, own, ir::select_ge(own, 1, wanted, own));
  c.build.require_equal((wanted - Dim(1)) * (wanted - result), 0,
                        fmt::format("extent {} cannot be expanded to {}: one too many",
                                    own.to_string(), wanted.to_string()));
  return result;
}

Values lower_expand(LowerContext& c) {
  Shape wanted = c.extents(1);
  Shape own = c.x(0)->shape();
  const size_t rank = std::max(own.size(), wanted.size());
  wanted.insert(wanted.begin(), rank - wanted.size(), Dim(1));
  own.insert(own.begin(), rank - own.size(), Dim(1));
  Shape shape;
  for (size_t i = 0; i < rank; ++i) shape.push_back(expanded(c, own[i], wanted[i]));
  ir::Value* x = c.build.reshape(c.x(0), own);
  return {own == shape ? x : c.graph().value(ir::Broadcast{shape}, {x})};
}

// (a, b) -> (1, a, 1, b) -> (r, a, s, b) -> (r*a, s*b)
Values lower_tile(LowerContext& c) {
  const Shape& x = c.x(0)->shape();
  const std::vector<Dim> repeats = c.extents(1);
  if (repeats.size() != x.size()) {
    throw_error(ErrorKind::kValue, "{} has {} values for the {} axes of {}", c.input_text(1),
                repeats.size(), x.size(), c.input_text(0));
  }
  Shape apart, repeated, merged;
  for (size_t i = 0; i < x.size(); ++i) {
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
  static const std::vector<OpDef> ops = {
      {.name = "Expand", .since = 8, .inputs = {2, 2}, .lower = lower_expand},
      {.name = "Tile", .inputs = {2, 2}, .lower = lower_tile}};
  return ops;
}

}  // namespace dovetail::ops
