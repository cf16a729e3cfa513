// Shape and Size: extents as int64 tensors, known as expressions of the symbols.
#include <algorithm>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Shape;

Values lower_shape(LowerContext& c) {
  const Shape& x = c.x(0)->shape();
  const int64_t rank = c.x(0)->rank();
  const auto position = [&](int64_t given) {
    return std::clamp<int64_t>(given < 0 ? given + rank : given, 0, rank);
  };
  const int64_t start = position(c.integer("start"));
  const int64_t end = c.has_attribute("end") ? position(c.integer("end")) : rank;
  if (end <= start) return {c.build.integers({})};
  return {c.build.integers(Shape(x.begin() + start, x.begin() + end))};
}

Values lower_size(LowerContext& c) { return {c.build.integer(ir::element_count(c.x(0)->shape()))}; }

}  // namespace

std::span<const OpDef> shape_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Shape",
       .attributes = {{"start", AttributeType::kInt, int64_t{0}}, {"end", AttributeType::kInt}},
       .lower = lower_shape},
      {.name = "Size", .lower = lower_size}};
  return ops;
}

}  // namespace dovetail::ops
