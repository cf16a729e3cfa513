// NonZero and Compress: as many elements as a condition is true for.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::Value;

// x of rank r -> (r, count): the indices of the elements that are not 0, in row-major order
Values lower_nonzero(LowerContext& c) {
  Value* x = c.x(0);
  Value* found =
      c.build.positions_of_true(c.build.cast(x, DType::kBool), c.output_name() + ".count");
  const Dim count = found->shape()[0];
  if (x->rank() == 0) {
    return {c.build.broadcast_to(c.build.scalar(0, DType::kI64), {Dim(0), count})};
  }
  const std::vector<Dim> strides = ir::compact_strides(x->shape());
  Values rows;
  for (int axis = 0; axis < x->rank(); ++axis) {
    Value* row = found;
    if (axis + 1 < x->rank()) {
      row = c.build.binary(ScalarOp::kDiv, row, c.build.integer(strides[axis]));
    }
    if (axis > 0) {
      row = c.build.binary(ScalarOp::kFloorMod, row, c.build.integer(x->shape()[axis]));
    }
    rows.push_back(c.build.reshape(row, {Dim(1), count}));
  }
  return {c.build.concat(rows, 0)};
}

// The slices of x along the axis (its elements without one) whose condition is true. The condition
// may be shorter than the axis.
Values lower_compress(LowerContext& c) {
  c.require_rank(1, 1, 1);
  c.require_dtype(1, DType::kBool);
  Value* x = c.x(0);
  const bool flat = !c.has_attribute("axis");
  if (flat) x = c.build.reshape(x, {ir::element_count(x->shape())});
  const int axis = flat ? 0 : c.axis(c.integer("axis"), x->rank());
  const Dim length = c.x(1)->shape()[0], extent = x->shape()[axis];
  if (length.is_constant() && extent.is_constant() && length.value() > extent.value()) {
    throw_error(ErrorKind::kValue, "{} has {} elements, but axis {} of {} has extent {}",
                c.input_text(1), length.value(), axis, c.input_text(0), extent.value());
  }
  c.build.require_equal(
      ir::max(length - extent, 0), 0,
      fmt::format("{} is longer than axis {} of {}", c.input_text(1), axis, c.input_text(0)));
  Value* kept = c.build.positions_of_true(c.x(1), c.output_name() + ".count");
  return {c.graph().value(ir::Gather{axis}, {x, kept})};
}

}  // namespace

std::span<const OpDef> nonzero_ops() {
  static const std::vector<OpDef> ops = {{.name = "NonZero", .since = 9, .lower = lower_nonzero},
                                         {.name = "Compress",
                                          .since = 9,
                                          .inputs = {2, 2},
                                          .attributes = {{"axis", AttributeType::kInt}},
                                          .lower = lower_compress}};
  return ops;
}

}  // namespace dovetail::ops
