// TopK: x -> (values, indices) of the first k elements along an axis. k is an attribute before
// opset 10, an input from it on.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;

Values top_k(LowerContext& c, const Dim& k, bool largest) {
  c.require_rank(0, 1);
  const int axis = c.axis(c.integer("axis"), c.x(0)->rank());
  const Dim& extent = c.x(0)->shape()[axis];
  if (k.is_constant() && k.value() < 0) {
    throw_error(ErrorKind::kValue, "k is {}, expected at least 0", k.value());
  }
  if (k.is_constant() && extent.is_constant() && k.value() > extent.value()) {
    throw_error(ErrorKind::kValue, "k is {}, but axis {} of {} has extent {}", k.value(), axis,
                c.input_text(0), extent.value());
  }
  if (k.is_constant()) c.require_extent(extent, k.value());
  // A run compares what is not proved; its error tells k and, where k is too large, the extent.
  const ir::SymbolBounds& symbols = c.graph().symbols;
  Dim bounded = proved_ge(extent, k, symbols) ? k : ir::min(k, extent);
  if (!proved_ge(k, 0, symbols)) bounded = ir::max(bounded, 0);
  c.build.require_equal(k, bounded,
                        fmt::format("k is out of range for axis {} of {}", axis, c.input_text(0)));
  const ir::Node* node = c.graph().add(ir::TopK{axis, k, largest}, {c.x(0)});
  return {node->results[0].get(), node->results[1].get()};
}

Values lower_by_attribute(LowerContext& c) { return top_k(c, Dim(c.integer("k")), true); }

// Sorted results serve sorted = 0, which allows any order.
Values lower_by_input(LowerContext& c) {
  return top_k(c, c.extent(1), c.opset() < 11 || c.flag("largest"));
}

OpDef by_input(int since, int until, std::vector<AttributeDef> more) {
  std::vector<AttributeDef> attributes = {{"axis", AttributeType::kInt, int64_t{-1}}};
  attributes.insert(attributes.end(), more.begin(), more.end());
  return {.name = "TopK",
          .since = since,
          .until = until,
          .inputs = {2, 2},
          .outputs = {2, 2},
          .dtypes = since < 11 ? kFloats : kNumbers,
          .attributes = std::move(attributes),
          .lower = lower_by_input};
}

}  // namespace

std::span<const OpDef> top_k_ops() {
  static const std::vector<OpDef> ops = {{.name = "TopK",
                                          .until = 9,
                                          .outputs = {2, 2},
                                          .dtypes = kFloats,
                                          .attributes = {{"axis", AttributeType::kInt, int64_t{-1}},
                                                         {"k", AttributeType::kInt, {}, true}},
                                          .lower = lower_by_attribute},
                                         by_input(10, 10, {}),
                                         by_input(11, kMaxOpset,
                                                  {{"largest", AttributeType::kInt, int64_t{1}},
                                                   {"sorted", AttributeType::kInt, int64_t{1}}})};
  return ops;
}

}  // namespace dovetail::ops
