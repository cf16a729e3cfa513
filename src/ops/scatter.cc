// ScatterElements and, before it, Scatter: x with updates[i] written at i, but at indices[i] along
// the axis. Negative indices count from the end.
#include "base/error.h"
#include "ops/lowering/positions.h"
#include "ops/lowering/scatter_kind.h"

namespace dovetail::ops {
namespace {

Values lower_scatter(LowerContext& c) {
  const int rank = c.x(0)->rank();
  c.require_rank(0, 1);
  c.require_rank(1, rank, rank);
  c.require_same_dtype(2);
  const int axis = c.axis(c.integer("axis"), rank);
  check_indices(c, 1, axis);
  c.require_rank(2, rank, rank);
  ir::Shape shape = c.x(1)->shape();
  for (int i = 0; i < rank; ++i) shape[i] = common_extent(shape[i], c.x(2)->shape()[i]);
  Positions p(c.graph(), {c.x(0), c.shaped(2, shape), c.shaped(1, shape)});
  std::vector<Positions::Ref> at = p.indices(rank);
  at[axis] = p.resolved(p.load(2, at), c.x(0)->shape()[axis]);
  return {p.scatter(scatter_kind(c), at)};
}

}  // namespace

std::span<const OpDef> scatter_ops() {
  const std::vector<AttributeDef> attributes{{"axis", AttributeType::kInt, int64_t{0}},
                                             {"reduction", AttributeType::kText, "none"}};
  static const std::vector<OpDef> ops = {{.name = "Scatter",
                                          .since = 9,
                                          .until = 10,
                                          .inputs = {3, 3},
                                          .attributes = attributes,
                                          .lower = lower_scatter},
                                         {.name = "ScatterElements",
                                          .since = 11,
                                          .inputs = {3, 3},
                                          .attributes = attributes,
                                          .lower = lower_scatter}};
  return ops;
}

}  // namespace dovetail::ops
