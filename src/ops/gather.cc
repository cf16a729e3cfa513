// Gather: x (A..., D, Z...), indices (I...) -> (A..., I..., Z...); GatherElements: y[i] is x at i,
// but at indices[i] along the axis. Negative indices count from the end.
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

Values lower_gather(LowerContext& c) {
  c.require_rank(0, 1);
  const int axis = c.axis(c.integer("axis"), c.x(0)->rank());
  check_indices(c, 1, axis);
  return {c.graph().value(ir::Gather{axis}, {c.x(0), c.x(1)})};
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
