// Gather: x (A..., D, Z...), indices (I...) -> (A..., I..., Z...); GatherElements: y[i] is x at i,
// but at indices[i] along the axis. Negative indices count from the end.
#include <fmt/format.h>

#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;

// One index that is an expression, such as the number of a loop's iteration: a view.
ir::Value* slice_at(LowerContext& c, int axis) {
  const Dim index = c.known_dims(1)[0], extent = c.x(0)->shape()[axis];
  const std::string text =
      fmt::format("{} is out of range for axis {} of {}", c.input_text(1), axis, c.input_text(0));
  c.build.require_equal(ir::max(index, extent - Dim(1)), extent - Dim(1), text);
  Dim first = index;
  if (!proved_ge(index, 0, c.graph().symbols)) {
    c.build.require_equal(ir::min(index, -extent), -extent, text);
    first = ir::select_ge(index, 0, index, index + extent);
  }
  ir::Shape shape = c.x(0)->shape();
  shape.erase(shape.begin() + axis);
  return c.build.reshape(c.build.slice(c.x(0), axis, first, 1), shape);
}

Values lower_gather(LowerContext& c) {
  c.require_rank(0, 1);
  const int axis = c.axis(c.integer("axis"), c.x(0)->rank());
  check_indices(c, 1, axis);
  ir::Value* indices = c.x(1);
  const bool one = indices->rank() == 0 && indices->elements;
  if (one && !indices->elements->front().is_constant()) return {slice_at(c, axis)};
  return {c.graph().value(ir::Gather{axis}, {c.x(0), indices})};
}

Values lower_gather_elements(LowerContext& c) {
  const int rank = c.x(0)->rank();
  c.require_rank(0, 1);
  c.require_rank(1, rank, rank);
  const int axis = c.axis(c.integer("axis"), rank);
  check_indices(c, 1, axis);
  Positions p(c.graph(), {c.x(0), c.x(1)});
  std::vector<Positions::Ref> at = p.indices(rank);
  at[axis] = p.resolved(p.load(1, at), c.x(0)->shape()[axis]);
  return {p.lookup(c.x(1)->shape(), p.load(0, at))};
}

}  // namespace

std::span<const OpDef> gather_ops() {
  const AttributeDef axis{"axis", AttributeType::kInt, int64_t{0}};
  static const std::vector<OpDef> ops = {
      {.name = "Gather", .inputs = {2, 2}, .attributes = {axis}, .lower = lower_gather},
      {.name = "GatherElements",
       .since = 11,
       .inputs = {2, 2},
       .attributes = {axis},
       .lower = lower_gather_elements}};
  return ops;
}

}  // namespace dovetail::ops
