// Cast, CastLike: change of element type.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

// `saturate` and `round_mode` only concern float8 results, which dtype_of_onnx refuses.
const std::vector<AttributeDef> kOptions = {{"saturate", AttributeType::kInt, int64_t{1}},
                                            {"round_mode", AttributeType::kText, "up"}};

Values lower_cast(LowerContext& c) {
  return {c.build.cast(c.x(0), dtype_of_onnx(c.integer("to")))};
}

Values lower_cast_like(LowerContext& c) { return {c.build.cast(c.x(0), c.x(1)->dtype())}; }

}  // namespace

std::span<const OpDef> cast_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<AttributeDef> attributes = kOptions;
    attributes.push_back({"to", AttributeType::kInt, {}, true});
    return std::vector<OpDef>{{.name = "Cast",
                               .attributes = attributes,
                               .lower = lower_cast,
                               .limits = "no strings, complex numbers, float8 or 4-bit integers"},
                              {.name = "CastLike",
                               .since = 15,
                               .inputs = {2, 2},
                               .attributes = kOptions,
                               .lower = lower_cast_like}};
  }();
  return ops;
}

}  // namespace dovetail::ops
