// Slice: x[starts:ends:steps] over some axes. Positions are clamped as the standard says, which is
// numpy's way but for a start before the first element: stepping backwards, it is the first one.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/lowering/fold.h"
#include "ops/lowering/positions.h"
#include "ops/lowering/run_axes.h"

namespace dovetail::ops {
namespace {

using ir::Dim;

// Positions of one axis over extents that may be symbols.
class Axis {
 public:
  Axis(const Dim& extent, const ir::SymbolBounds& symbols) : extent_(extent), symbols_(symbols) {}

  // A position counted from the end when negative.
  Dim resolved(const Dim& position) const {
    if (proved_ge(position, 0, symbols_)) return position;
    if (proved_ge(-1, position, symbols_)) return position + extent_;
    return ir::select_ge(position, 0, position, position + extent_);
  }
  Dim at_least(const Dim& position, const Dim& low) const {
    if (proved_ge(position, low, symbols_)) return position;
    return proved_ge(low, position, symbols_) ? low : ir::max(position, low);
  }
  Dim at_most(const Dim& position, const Dim& high) const {
    if (proved_ge(high, position, symbols_)) return position;
    return proved_ge(position, high, symbols_) ? high : ir::min(position, high);
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

// What a slice takes of one axis: from `first` on, `span` elements in the direction of the step.
struct Range {
  Dim first, span;
};

// The span is one of clamped positions only where it is positive. Where it is not, nothing is taken
// either way, so each position is clamped at one side: extents of slices of slices stay short.
Range forwards(const Axis& range, const Dim& extent, const Dim& start, const Dim& end) {
  const Dim stop = is_far(end, true)    ? extent
                   : is_far(end, false) ? Dim(0)
                                        : range.at_most(range.resolved(end), extent);
  if (is_far(start, true)) return {extent, stop - extent};
  if (is_far(start, false)) return {0, stop};
  const Dim from = range.resolved(start);
  const Dim first = range.at_least(from, 0);
  // x[-3:] is min(n, 3) long, which is n - max(0, n - 3).
  const Dim most = stop - from;
  const Dim span = most.is_constant() ? range.at_most(most, stop) : stop - first;
  return {range.at_most(first, extent), span};
}

Range backwards(const Axis& range, const Dim& extent, const Dim& start, const Dim& end) {
  const Dim last = extent - Dim(1);
  const auto inside = [&](const Dim& position) {
    return range.at_most(range.at_least(position, 0), last);
  };
  const Dim first = is_far(start, true)    ? last
                    : is_far(start, false) ? inside(0)
                                           : inside(range.resolved(start));
  const Dim stop = is_far(end, true)    ? last
                   : is_far(end, false) ? Dim(-1)
                                        : range.at_least(range.resolved(end), -1);
  return {first, first - stop};
}

Dim count_of(LowerContext& c, const Dim& span, const Dim& stride) {
  const Dim count = ir::ceildiv(span, stride);
  return proved_ge(count, 0, c.graph().symbols) ? count : ir::max(count, 0);
}

// Elements first, first + step, ...: of a step that only a run knows this is no view.
ir::Value* slice_at_run(LowerContext& c, ir::Value* x, int axis, const Range& positive,
                        const Range& negative, const Dim& step) {
  const Dim stride = ir::max(step, -step);
  c.build.require_equal(ir::min(stride, 1), 1, c.input_text(4) + " holds 0");
  const Dim first = ir::select_ge(step, 0, positive.first, negative.first);
  const Dim span = ir::select_ge(step, 0, positive.span, negative.span);
  ir::Shape shape = x->shape();
  shape[axis] = count_of(c, span, ir::max(stride, 1));
  Positions p(c.graph(), {x});
  std::vector<Positions::Ref> at = p.indices(x->rank());
  at[axis] = p.add(p.dim(first), p.mul(at[axis], p.dim(step)));
  return p.lookup(shape, p.load(0, at));
}

ir::Value* slice_axis(LowerContext& c, ir::Value* x, int axis, const Dim& start, const Dim& end,
                      const Dim& step) {
  const Dim extent = x->shape()[axis];
  const Axis range(extent, c.graph().symbols);
  if (!step.is_constant()) {
    return slice_at_run(c, x, axis, forwards(range, extent, start, end),
                        backwards(range, extent, start, end), step);
  }
  if (step == Dim(0)) throw_error(ErrorKind::kValue, "steps holds 0");
  // Steps of the extent and beyond take at most one element; 2^40 is longer than any axis.
  const int64_t longest =
      std::clamp(extent.bounds(c.graph().symbols).max, int64_t{1}, int64_t{1} << 40);
  const int64_t by = std::clamp(step.value(), -longest, longest);
  const Range taken =
      by > 0 ? forwards(range, extent, start, end) : backwards(range, extent, start, end);
  const Dim count = count_of(c, taken.span, by > 0 ? by : -by);
  // An empty slice reads nothing; its start is kept inside.
  return c.build.slice(x, axis, count == Dim(0) ? Dim(0) : taken.first, count, by);
}

// Without axes they are the first ones.
ir::Value* slice(LowerContext& c, const std::vector<Dim>& starts, const std::vector<Dim>& ends,
                 const Ints* axes, const std::vector<Dim>* steps) {
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
    const int axis = c.axis(axes ? (*axes)[i] : static_cast<int64_t>(i), rank);
    x = slice_axis(c, x, axis, starts[i], ends[i], steps ? (*steps)[i] : Dim(1));
  }
  return x;
}

// Every axis of x is sliced where only a run knows which ones are given.
ir::Value* slice_run_axes(LowerContext& c) {
  const int rank = c.x(0)->rank();
  RunAxes axes(c, 3, rank);
  const auto spread = [&](size_t i, int64_t otherwise, const char* name) {
    ir::Value* values =
        c.build.asserted(c.build.cast(c.x(i), ir::DType::kI64), {Dim(axes.count())},
                         fmt::format("{} for the axes of {}", c.input_text(i), c.input_text(3)));
    values = axes.spread(c.build.reshape(values, {Dim(1), Dim(axes.count())}), otherwise);
    return integers_of(c.build, values, c.output_name() + name, /*signs=*/true);
  };
  const std::vector<Dim> starts = spread(1, 0, ".starts"), ends = spread(2, INT64_MAX, ".ends");
  if (!c.has(4)) return slice(c, starts, ends, nullptr, nullptr);
  const std::vector<Dim> steps = spread(4, 1, ".steps");
  return slice(c, starts, ends, nullptr, &steps);
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
  if (c.has(3) && !c.is_known(3)) return {slice_run_axes(c)};
  std::optional<Ints> axes;
  std::optional<std::vector<Dim>> steps;
  if (c.has(3)) axes = c.known_ints(3);
  if (c.has(4)) steps = c.known_dims(4);
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
      {.name = "Slice", .since = 10, .inputs = {3, 5}, .lower = lower_by_inputs}};
  return ops;
}

}  // namespace dovetail::ops
