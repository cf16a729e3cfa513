// Gather: x (A..., D, Z...), indices (I...) -> (A..., I..., Z...); negative indices count from the
// end.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;

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
  ir::Value* indices = c.x(1);
  if (indices->dtype() != DType::kI64 && indices->dtype() != DType::kI32) {
    throw_error(ErrorKind::kType, "{} is {}, expected int32 or int64", c.input_text(1),
                ir::name_of(indices->dtype()));
  }
  const int axis = c.axis(c.integer("axis"), c.x(0)->rank());
  const Dim& extent = c.x(0)->shape()[axis];
  if (indices->elements && extent.is_constant()) {
    for (const Dim& index : *indices->elements) {
      if (!index.is_constant()) continue;
      if (index.value() >= -extent.value() && index.value() < extent.value()) continue;
      throw_error(ErrorKind::kValue, "{} holds {}, but axis {} of {} has extent {}",
                  c.input_text(1), index.value(), axis, c.input_text(0), extent.value());
    }
  }
  const bool one = indices->rank() == 0 && indices->elements;
  if (one && !indices->elements->front().is_constant()) return {slice_at(c, axis)};
  return {c.graph().value(ir::Gather{axis}, {c.x(0), indices})};
}

}  // namespace

std::span<const OpDef> gather_ops() {
  static const std::vector<OpDef> ops = {{.name = "Gather",
                                          .inputs = {2, 2},
                                          .attributes = {{"axis", AttributeType::kInt, int64_t{0}}},
                                          .lower = lower_gather}};
  return ops;
}

}  // namespace dovetail::ops
