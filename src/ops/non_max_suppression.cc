// NonMaxSuppression: of boxes that overlap, those of the highest scores. The number of rows is
// measured when the boxes are taken.
#include <limits>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Value;

// A setting of one element as a scalar; what it is without.
Value* setting(LowerContext& c, size_t i, DType dtype, double otherwise) {
  if (!c.has(i)) return c.build.scalar(otherwise, dtype);
  c.require_dtype(i, dtype);
  return c.single(i);
}

// How many boxes of a class are taken at most, as far as that is known.
Dim most_boxes(LowerContext& c, const Dim& boxes) {
  if (!c.has(2)) return 0;
  const auto known = c.peek_tensor(2);
  if (!known || known->element_count() != 1) return boxes;
  return ir::min(boxes, ir::max(Dim(known->as_int(0)), 0));
}

// boxes (B, N, 4), scores (B, C, N) -> (rows, 3): batch, class, box
Values lower_nms(LowerContext& c) {
  c.require_rank(0, 3, 3);
  c.require_rank(1, 3, 3);
  c.require_same_dtype(1);
  const int64_t centered = c.integer("center_point_box");
  if (centered != 0 && centered != 1) {
    throw_error(ErrorKind::kValue, "center_point_box is {}, expected 0 or 1", centered);
  }
  const Dim batch = c.x(0)->shape()[0], boxes = c.x(0)->shape()[1], classes = c.x(1)->shape()[1];
  Value* corners = c.build.asserted(c.x(0), {batch, boxes, 4}, "boxes have 4 numbers");
  Value* scores = c.build.asserted(c.x(1), {batch, classes, boxes}, "each box has a score");
  const Dim limit = most_boxes(c, boxes);
  const auto lowest = -std::numeric_limits<double>::infinity();
  const ir::Node* taken =
      c.graph().add(ir::Nms{centered == 1, limit},
                    {corners, scores, setting(c, 2, DType::kI64, 0), setting(c, 3, DType::kF32, 0),
                     setting(c, 4, DType::kF32, lowest)});
  const Dim count = c.build.measure(taken->results[1].get(), c.output_name() + ".count");
  return {c.build.slice(taken->results[0].get(), 0, 0, count)};
}

}  // namespace

std::span<const OpDef> non_max_suppression_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "NonMaxSuppression",
       .since = 10,
       .inputs = {2, 5},
       .dtypes = bit(DType::kF32),
       .attributes = {{"center_point_box", AttributeType::kInt, int64_t{0}}},
       .lower = lower_nms}};
  return ops;
}

}  // namespace dovetail::ops
