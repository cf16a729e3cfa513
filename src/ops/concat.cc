// Concat and Split along one axis.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;

Values lower_concat(LowerContext& c) {
  for (size_t i = 0; i < c.input_count(); ++i) c.require_same_dtype(i);
  c.require_rank(0, 1);
  const int rank = c.x(0)->rank();
  for (size_t i = 1; i < c.input_count(); ++i) c.require_rank(i, rank, rank);
  return {c.build.concat(c.inputs(), c.axis(c.integer("axis"), rank))};
}

Values slices(LowerContext& c, int axis, const std::vector<Dim>& extents) {
  Values results;
  Dim first(0);
  for (const Dim& extent : extents) {
    results.push_back(c.build.slice(c.x(0), axis, first, extent));
    first += extent;
  }
  return results;
}

Values by_sizes(LowerContext& c, int axis, const std::vector<Dim>& sizes) {
  Dim total(0);
  for (const Dim& size : sizes) {
    if (size.is_constant() && size.value() < 0) {
      throw_error(ErrorKind::kValue, "split holds {}", size.value());
    }
    total += size;
  }
  const Dim& extent = c.x(0)->shape()[axis];
  if (sizes.size() != c.node().outputs.size()) {
    throw_error(ErrorKind::kValue, "split has {} sizes for {} outputs", sizes.size(),
                c.node().outputs.size());
  }
  if (total.is_constant() && extent.is_constant() && total != extent) {
    throw_error(ErrorKind::kValue, "split adds up to {}, but axis {} of {} has extent {}",
                total.to_string(), axis, c.input_text(0), extent.to_string());
  }
  c.build.require_equal(total, extent,
                        fmt::format("the sizes of split for axis {} of {}", axis, c.input_text(0)));
  return slices(c, axis, sizes);
}

// `count` parts of ceil(extent / count), the last one smaller where `uneven` allows it.
Values by_count(LowerContext& c, int axis, int64_t count, bool uneven) {
  const Dim extent = c.x(0)->shape()[axis];
  if (count < 1 || count != static_cast<int64_t>(c.node().outputs.size())) {
    throw_error(ErrorKind::kValue, "num_outputs is {} for {} outputs", count,
                c.node().outputs.size());
  }
  if (!uneven) {
    if (extent.is_constant() && extent.value() % count != 0) {
      throw_error(ErrorKind::kValue, "axis {} of {} has extent {}, which {} outputs do not divide",
                  axis, c.input_text(0), extent.value(), count);
    }
    return by_sizes(c, axis,
                    std::vector<Dim>(c.node().outputs.size(), ir::floordiv(extent, count)));
  }
  const Dim part = ir::ceildiv(extent, count);
  std::vector<Dim> extents;
  Dim left = extent;
  for (int64_t i = 0; i < count; ++i) {
    extents.push_back(i + 1 < count ? ir::min(part, left) : left);
    left += -extents.back();
  }
  return slices(c, axis, extents);
}

Values lower_split_by_attribute(LowerContext& c) {
  const int axis = c.axis(c.integer("axis"), c.x(0)->rank());
  if (!c.has_attribute("split")) {
    return by_count(c, axis, static_cast<int64_t>(c.node().outputs.size()), false);
  }
  const Ints& sizes = c.integers("split");
  return by_sizes(c, axis, {sizes.begin(), sizes.end()});
}

Values lower_split(LowerContext& c) {
  const int axis = c.axis(c.integer("axis"), c.x(0)->rank());
  const bool counted = c.opset() >= 18 && c.has_attribute("num_outputs");
  if (c.has(1) && counted) {
    throw_error(ErrorKind::kValue, "both split and num_outputs are given");
  }
  if (c.has(1)) return by_sizes(c, axis, c.extents(1));
  if (counted) return by_count(c, axis, c.integer("num_outputs"), true);
  return by_count(c, axis, static_cast<int64_t>(c.node().outputs.size()), false);
}

}  // namespace

std::span<const OpDef> concat_ops() {
  const AttributeDef axis{"axis", AttributeType::kInt, int64_t{0}};
  static const std::vector<OpDef> ops = {
      {.name = "Concat",
       .inputs = {1, kAnyNumber},
       .attributes = {{"axis", AttributeType::kInt, {}, true}},
       .lower = lower_concat},
      {.name = "Split",
       .until = 12,
       .outputs = {1, kAnyNumber},
       .attributes = {axis, {"split", AttributeType::kInts}},
       .lower = lower_split_by_attribute},
      {.name = "Split",
       .since = 13,
       .inputs = {1, 2},
       .outputs = {1, kAnyNumber},
       .attributes = {axis, {"num_outputs", AttributeType::kInt}},
       .lower = lower_split}};
  return ops;
}

}  // namespace dovetail::ops
