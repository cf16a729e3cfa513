// Operators whose result is their input when a model is run: Identity, Dropout.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

Values lower_identity(LowerContext& c) { return {c.x(0)}; }

// Inputs 1 (ratio) and 2 (training_mode). Nothing is dropped at inference or with a ratio of 0, and
// the mask is all true; what training drops is random.
Values lower_dropout(LowerContext& c) {
  const auto drops = [&] { return !c.has(1) || c.known_scalar(1) != 0; };
  if (c.has(2) && c.known_scalar(2) != 0 && drops()) {
    throw_error(ErrorKind::kUnsupported,
                "training_mode is true; only inference is compiled: export the model in eval mode");
  }
  Values results{c.x(0)};
  if (c.wants(1)) {
    ir::Value* yes =
        c.graph().constant(ir::TensorData::of(ir::DType::kBool, {}, std::vector<uint8_t>{1}));
    results.push_back(c.build.broadcast_to(yes, c.x(0)->shape()));
  }
  return results;
}

}  // namespace

std::span<const OpDef> identity_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Identity", .lower = lower_identity},
      {.name = "Dropout",
       .until = 11,
       .outputs = {1, 2},
       .dtypes = kFloats,
       .attributes = {{"ratio", AttributeType::kReal, 0.5}},
       .lower = lower_dropout},
      {.name = "Dropout",
       .since = 12,
       .inputs = {1, 3},
       .outputs = {1, 2},
       .dtypes = kFloats,
       .attributes = {{"seed", AttributeType::kInt}},
       .lower = lower_dropout,
       .limits = "training_mode = true is refused, unless ratio is 0"}};
  return ops;
}

}  // namespace dovetail::ops
