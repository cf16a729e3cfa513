// Gather: x (A..., D, Z...), indices (I...) -> (A..., I..., Z...); negative indices count from the
// end.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;

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
