// AffineGrid: theta (N, d, d+1) and a size (N, C, D...) -> grid (N, D..., d): what GridSample reads
// a tensor of that size at, last axis first.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using Ref = Positions::Ref;

// Positions of one axis from -1 to 1: at the ends, or in the middle of as many parts.
Ref spread(Positions& p, int axis, const Dim& extent, ir::DType dtype, bool aligned) {
  const Ref at = p.cast(p.index(axis), dtype);
  const Ref one = p.like(at, 1), two = p.like(at, 2);
  const Ref count = p.cast(p.dim(extent), dtype);
  if (!aligned) return p.sub(p.div(p.add(p.mul(two, at), one), count), one);
  const Ref spread = p.sub(p.div(p.mul(two, at), p.sub(count, one)), one);
  return p.select(p.op(ir::ScalarOp::kEq, count, one), p.like(at, -1), spread);
}

Values lower_affine_grid(LowerContext& c) {
  c.require_rank(0, 3, 3);
  const std::vector<Dim> size = c.extents(1);
  const int spatial = static_cast<int>(size.size()) - 2;
  const ir::Shape expected{size.empty() ? Dim(0) : size[0], spatial, spatial + 1};
  const std::string text =
      fmt::format("{} has shape {}, expected {} for a size of {} extents", c.input_text(0),
                  ir::to_string(c.x(0)->shape()), ir::to_string(expected), size.size());
  if (spatial != 2 && spatial != 3) throw_error(ErrorKind::kValue, "{}", text);
  Positions p(c.graph(), {c.build.asserted(c.x(0), expected, text)});
  ir::Shape shape{size[0]};
  shape.insert(shape.end(), size.begin() + 2, size.end());
  shape.emplace_back(spatial);
  const Ref row = p.index(spatial + 1);
  Ref sum = p.load(0, {p.index(0), row, p.number(spatial)});
  for (int k = 0; k < spatial; ++k) {
    const int axis = spatial - k;  // of the grid; x comes first
    const Ref at = spread(p, axis, size[axis + 1], c.x(0)->dtype(), c.flag("align_corners"));
    sum = p.add(sum, p.mul(p.load(0, {p.index(0), row, p.number(k)}), at));
  }
  return {p.lookup(shape, sum)};
}

}  // namespace

std::span<const OpDef> affine_grid_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "AffineGrid",
       .since = 20,
       .inputs = {2, 2},
       .dtypes = kFloats,
       .attributes = {{"align_corners", AttributeType::kInt, int64_t{0}}},
       .lower = lower_affine_grid}};
  return ops;
}

}  // namespace dovetail::ops
