// MaxUnpool: x (N, C, D...) written into zeros (N, C, O...) at indices of its shape, which count
// the elements of the result that pads and strides give.
#include "base/error.h"
#include "ops/lowering/positions.h"
#include "ops/lowering/window.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;
using Op = ir::ScalarOp;
using Ref = Positions::Ref;

// The extents that a pool with this window would have made x from.
Shape unpooled(LowerContext& c, const Shape& x) {
  const Ints kernel = kernel_shape_of(c);
  const size_t spatial = kernel.size();
  const Ints strides = list_or(c, "strides", spatial, 1, 1);
  const Ints pads = list_or(c, "pads", 2 * spatial, 0, 0);
  Shape shape{x[0], x[1]};
  for (size_t i = 0; i < spatial; ++i) {
    const Dim padded = (x[i + 2] - 1) * Dim(strides[i]) + Dim(kernel[i]);
    const Dim extent = padded - Dim(pads[i] + pads[i + spatial]);
    c.build.require_equal(ir::max(extent, 0), extent,
                          fmt::format("pads takes {} of {} elements along axis {}",
                                      pads[i] + pads[i + spatial], padded.to_string(), i + 2));
    shape.push_back(extent);
  }
  return shape;
}

Values lower_max_unpool(LowerContext& c) {
  c.require_dtype(1, ir::DType::kI64);
  const int rank = c.x(0)->rank();
  c.require_rank(1, rank, rank);
  Shape common = c.x(0)->shape();
  for (int i = 0; i < rank; ++i) common[i] = common_extent(common[i], c.x(1)->shape()[i]);
  ir::Value* x = c.shaped(0, common);
  ir::Value* indices = c.shaped(1, common);
  const Shape counted = unpooled(c, common);
  Shape shape = counted;
  if (c.has(2)) shape = c.extents(2);
  if (shape.size() != counted.size()) {
    throw_error(ErrorKind::kValue, "{} has {} values, expected {}", c.input_text(2), shape.size(),
                counted.size());
  }
  ir::Value* zeros = c.build.broadcast_to(c.build.scalar(0, x->dtype()), shape);
  Positions p(c.graph(), {zeros, x, indices});
  Ref rest = p.load(2, p.indices(rank));
  std::vector<Ref> at(rank);
  for (int i = rank; i-- > 0;) {
    at[i] = i ? p.op(Op::kFloorMod, rest, p.dim(counted[i])) : rest;
    rest = p.div(rest, p.dim(counted[i]));
  }
  return {p.scatter(ir::ScatterKind::kReplace, at)};
}

}  // namespace

std::span<const OpDef> max_unpool_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "MaxUnpool",
       .since = 9,
       .inputs = {2, 3},
       .dtypes = kFloats,
       .attributes = {{"kernel_shape", AttributeType::kInts, {}, true},
                      {"strides", AttributeType::kInts},
                      {"pads", AttributeType::kInts}},
       .lower = lower_max_unpool}};
  return ops;
}

}  // namespace dovetail::ops
