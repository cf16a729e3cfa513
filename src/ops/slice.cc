// Slice: x[starts:ends:steps] over some axes. Positions are clamped as the standard says, which is
// numpy's way but for a start before the first element: stepping backwards, it is the first one.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;

// Positions of one axis, clamped, over extents that may be symbols.
class Axis {
 public:
  Axis(const Dim& extent, const ir::SymbolBounds& symbols) : extent_(extent), symbols_(symbols) {}

  // A position counted from the end when negative.
  Dim resolved(const Dim& position) const {
    if (proved_ge(position, 0, symbols_)) return position;
    if (proved_ge(-1, position, symbols_)) return position + extent_;
    return ir::select_ge(position, 0, position, position + extent_);
  }
  Dim clamped(const Dim& position, const Dim& low, const Dim& high) const {
    Dim result = position;
    if (!proved_ge(result, low, symbols_)) {
      result = proved_ge(low, result, symbols_) ? low : ir::max(result, low);
    }
    if (proved_ge(high, result, symbols_)) return result;
    return proved_ge(result, high, symbols_) ? high : ir::min(result, high);
  }

 private:
  const Dim& extent_;
  const ir::SymbolBounds& symbols_;
};

// Exporters write "to the end" as the largest int32 or int64, "to before the start" as the
// smallest.
bool is_far(const Dim& position, bool end) {
  if (!position.is_constant()) return false;
  return end ? position.value() >= INT32_MAX : position.value() <= INT32_MIN;
}

ir::Value* slice_axis(LowerContext& c, ir::Value* x, int axis, const Dim& start, const Dim& end,
                      int64_t step) {
  const Dim extent = x->shape()[axis];
  const Axis range(extent, c.graph().symbols);
  const Dim last = extent - Dim(1);
  Dim first, stop, span;
  if (step > 0) {
    first = is_far(start, true)    ? extent
            : is_far(start, false) ? Dim(0)
                                   : range.clamped(range.resolved(start), 0, extent);
    stop = is_far(end, true)    ? extent
           : is_far(end, false) ? Dim(0)
                                : range.clamped(range.resolved(end), 0, extent);
    span = stop - first;
  } else {
    first = is_far(start, true)    ? last
            : is_far(start, false) ? range.clamped(0, 0, last)
                                   : range.clamped(range.resolved(start), 0, last);
    stop = is_far(end, true)    ? last
           : is_far(end, false) ? Dim(-1)
                                : range.clamped(range.resolved(end), -1, last);
    span = first - stop;
  }
  Dim count = ir::ceildiv(span, step > 0 ? step : -step);
  if (!proved_ge(count, 0, c.graph().symbols)) count = ir::max(count, 0);
  // An empty slice reads nothing; its start is kept inside.
  if (count == Dim(0)) first = Dim(0);
  return c.build.slice(x, axis, first, count, step);
}

ir::Value* slice(LowerContext& c, const std::vector<Dim>& starts, const std::vector<Dim>& ends,
                 const Ints* axes, const Ints* steps) {
  const size_t count = starts.size();
  const auto fits = [&](size_t length, const char* name) {
    if (length == count) return;
    throw_error(ErrorKind::kValue, "starts has {} values, {} has {}", count, name, length);
  };
  fits(ends.size(), "ends");
  if (axes) fits(axes->size(), "axes");
  if (steps) fits(steps->size(), "steps");
  const int rank = c.x(0)->rank();
  if (axes) c.axes(*axes, rank);  // each once
  ir::Value* x = c.x(0);
  for (size_t i = 0; i < count; ++i) {
    const int64_t step = steps ? (*steps)[i] : 1;
    if (step == 0 || step == INT64_MIN) throw_error(ErrorKind::kValue, "steps holds {}", step);
    const int axis = c.axis(axes ? (*axes)[i] : static_cast<int64_t>(i), rank);
    x = slice_axis(c, x, axis, starts[i], ends[i], step);
  }
  return x;
}

Values lower_by_attributes(LowerContext& c) {
  const auto dims = [&](const char* name) {
    const Ints& values = c.integers(name);
    return std::vector<Dim>(values.begin(), values.end());
  };
  const Ints* axes = c.has_attribute("axes") ? &c.integers("axes") : nullptr;
  return {slice(c, dims("starts"), dims("ends"), axes, nullptr)};
}

Values lower_by_inputs(LowerContext& c) {
  std::optional<Ints> axes, steps;
  if (c.has(3)) axes = c.known_ints(3);
  if (c.has(4)) steps = c.known_ints(4);
  return {slice(c, c.known_dims(1), c.known_dims(2), axes ? &*axes : nullptr,
                steps ? &*steps : nullptr)};
}

}  // namespace

std::span<const OpDef> slice_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Slice",
       .until = 9,
       .attributes = {{"starts", AttributeType::kInts, {}, true},
                      {"ends", AttributeType::kInts, {}, true},
                      {"axes", AttributeType::kInts}},
       .lower = lower_by_attributes},
      {.name = "Slice",
       .since = 10,
       .inputs = {3, 5},
       .lower = lower_by_inputs,
       .limits = "axes and steps must be known when the model is compiled"}};
  return ops;
}

}  // namespace dovetail::ops
