// Pad with a border that is constant or repeats the tensor; negative amounts crop.
#include <fmt/format.h>

#include <cmath>

#include "base/error.h"
#include "ops/lowering/fold.h"
#include "ops/lowering/positions.h"
#include "ops/lowering/run_axes.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Value;

enum class Border : uint8_t { kConstant, kEdge, kReflect, kWrap };

Border border_of(const LowerContext& c) {
  const std::string& mode = c.text("mode");
  if (mode == "constant") return Border::kConstant;
  if (mode == "edge") return Border::kEdge;
  if (mode == "reflect") return Border::kReflect;
  if (mode == "wrap" && c.opset() >= 19) return Border::kWrap;
  throw_error(ErrorKind::kValue, "mode is '{}', expected constant, edge{}", mode,
              c.opset() >= 19 ? ", reflect or wrap" : " or reflect");
}

// The coordinate in x, of this extent, of a position `lo` behind the result's start.
Positions::Ref inner(Positions& p, Border border, int axis, const ir::Pad& pad, const Dim& extent,
                     const ir::SymbolBounds& symbols) {
  using Op = ir::ScalarOp;
  const auto at = p.sub(p.index(axis), p.dim(pad.lo[axis]));
  if (border == Border::kEdge) return at;  // loads are clamped
  if (border == Border::kWrap) return p.op(Op::kFloorMod, at, p.dim(extent));
  const Dim last = extent - 1;
  const auto there_and_back = p.dim(last * Dim(2));
  // Mirrored once only: no division.
  const bool once =
      proved_ge(last, pad.lo[axis], symbols) && proved_ge(last, pad.hi[axis], symbols);
  const auto ahead = once ? p.op(Op::kAbs, at) : p.op(Op::kFloorMod, at, there_and_back);
  return p.min(ahead, p.sub(there_and_back, ahead));
}

// Whether a border along `axis` is one run of elements of x, of a number that x is known to have.
bool is_one_piece(Border border, int axis, const ir::Pad& pad, const Dim& extent,
                  const ir::SymbolBounds& symbols) {
  if (border == Border::kEdge) return proved_ge(extent, 1, symbols);
  const Dim room = border == Border::kReflect ? extent - 1 : extent;
  return proved_ge(room, pad.lo[axis], symbols) && proved_ge(room, pad.hi[axis], symbols);
}

// The runs before and behind x along one axis, beside x: whatever makes x can write it into place.
Value* with_pieces(LowerContext& c, Value* x, Border border, int axis, const ir::Pad& pad) {
  const Dim extent = x->shape()[axis];
  const auto piece = [&](const Dim& first, const Dim& count) -> Value* {
    if (border != Border::kEdge)
      return c.build.slice(x, axis, first, count, border == Border::kReflect ? -1 : 1);
    ir::Shape shape = x->shape();
    shape[axis] = count;
    return c.build.broadcast_to(c.build.slice(x, axis, first, 1), shape);
  };
  const Dim& lo = pad.lo[axis];
  const Dim& hi = pad.hi[axis];
  Values parts;
  if (lo != Dim(0))
    parts.push_back(piece(border == Border::kEdge      ? Dim(0)
                          : border == Border::kReflect ? lo
                                                       : extent - lo,
                          lo));
  parts.push_back(x);
  if (hi != Dim(0))
    parts.push_back(piece(border == Border::kEdge      ? extent - 1
                          : border == Border::kReflect ? extent - 2
                                                       : Dim(0),
                          hi));
  return c.build.concat(parts, axis);
}

// Borders that repeat x.
Value* repeat(LowerContext& c, Value* x, ir::Pad pad, Border border) {
  bool done = true;
  for (int i = 0; i < x->rank(); ++i) {
    if (pad.lo[i] == Dim(0) && pad.hi[i] == Dim(0)) continue;
    if (is_one_piece(border, i, pad, x->shape()[i], c.graph().symbols)) {
      x = with_pieces(c, x, border, i, pad);
      pad.lo[i] = pad.hi[i] = Dim(0);
    } else {
      done = false;
    }
  }
  if (done) return x;
  Positions p(c.graph(), {x});
  std::vector<Positions::Ref> at = p.indices(x->rank());
  ir::Shape shape = x->shape();
  for (int i = 0; i < x->rank(); ++i) {
    if (pad.lo[i] == Dim(0) && pad.hi[i] == Dim(0)) continue;
    at[i] = inner(p, border, i, pad, x->shape()[i], c.graph().symbols);
    shape[i] = x->shape()[i] + pad.lo[i] + pad.hi[i];
  }
  return p.lookup(shape, p.load(0, at));
}

// A border that is a value of the run: pieces beside x.
Value* surround(LowerContext& c, Value* x, const ir::Pad& pad, Value* border) {
  for (int axis = 0; axis < x->rank(); ++axis) {
    const auto piece = [&](const Dim& count) {
      ir::Shape shape = x->shape();
      shape[axis] = count;
      return c.build.broadcast_to(border, shape);
    };
    Values parts;
    if (pad.lo[axis] != Dim(0)) parts.push_back(piece(pad.lo[axis]));
    parts.push_back(x);
    if (pad.hi[axis] != Dim(0)) parts.push_back(piece(pad.hi[axis]));
    x = c.build.concat(parts, axis);
  }
  return x;
}

// What a constant border holds.
struct BorderValue {
  double known = 0;
  Value* at_run = nullptr;  // instead
};

// `amounts`: all that goes before, then all that goes behind, for each of `axes`.
Values pad(LowerContext& c, Border border, const std::vector<int>& axes,
           const std::vector<Dim>& amounts, const BorderValue& value) {
  const size_t count = axes.size();
  if (amounts.size() != 2 * count) {
    throw_error(ErrorKind::kValue, "pads has {} values for {} axes, expected {}", amounts.size(),
                count, 2 * count);
  }
  Value* x = c.x(0);
  ir::Pad pad{std::vector<Dim>(x->rank(), Dim(0)), std::vector<Dim>(x->rank(), Dim(0)),
              value.known};
  bool pads = false;
  const auto split = [&](const Dim& amount, Dim* border) {
    // Returns what is cropped.
    if (amount.is_constant() && amount.value() < 0) return -amount;
    const bool pads_only = proved_ge(amount, 0, c.graph().symbols);
    *border = pads_only ? amount : ir::max(amount, 0);
    pads = pads || amount != Dim(0);
    return pads_only ? Dim(0) : ir::max(-amount, 0);
  };
  for (size_t i = 0; i < count; ++i) {
    const int axis = axes[i];
    const Dim crop_lo = split(amounts[i], &pad.lo[axis]);
    const Dim crop_hi = split(amounts[i + count], &pad.hi[axis]);
    const Dim extent = x->shape()[axis] - crop_lo - crop_hi;
    if (extent.is_constant() && extent.value() < 0) {
      throw_error(ErrorKind::kValue, "pads crop {} of the {} elements of axis {}",
                  (crop_lo + crop_hi).to_string(), x->shape()[axis].to_string(), axis);
    }
    x = c.build.slice(x, axis, crop_lo, extent);
  }
  if (!pads) return {x};
  if (border != Border::kConstant) return {repeat(c, x, pad, border)};
  if (value.at_run) return {surround(c, x, pad, value.at_run)};
  return {c.graph().value(std::move(pad), {x})};
}

std::vector<int> every_axis(int rank) {
  std::vector<int> axes;
  for (int i = 0; i < rank; ++i) axes.push_back(i);
  return axes;
}

Values lower_by_attributes(LowerContext& c) {
  const Border border = border_of(c);
  const Ints& amounts = c.integers("pads");
  return pad(c, border, every_axis(c.x(0)->rank()), {amounts.begin(), amounts.end()},
             {c.real("value")});
}

// Known ones that a double does not hold are read in the run as well.
BorderValue border_value(LowerContext& c) {
  if (!c.has(2)) return {};
  c.require_same_dtype(2);
  Value* value = c.single(2);
  const auto data = c.peek_tensor(2);
  constexpr double kExact = 9007199254740992.0;  // 2^53
  if (!data || (ir::is_int(value->dtype()) && std::abs(data->as_double(0)) >= kExact))
    return {.at_run = value};
  c.freeze(c.x(2));
  return {.known = data->as_double(0)};
}

// The amounts of all axes where only a run knows which ones are given.
std::vector<Dim> amounts_at_run(LowerContext& c, int rank) {
  RunAxes axes(c, 3, rank);
  const Dim expected = Dim(2 * axes.count());
  Value* amounts =
      c.build.asserted(c.build.cast(c.x(1), ir::DType::kI64), {expected},
                       fmt::format("{} for the axes of {}", c.input_text(1), c.input_text(3)));
  amounts = axes.spread(c.build.reshape(amounts, {Dim(2), Dim(axes.count())}), 0);
  return integers_of(c.build, amounts, c.output_name() + ".pads", /*signs=*/true);
}

Values lower_by_inputs(LowerContext& c) {
  const Border border = border_of(c);
  const int rank = c.x(0)->rank();
  const BorderValue value = border == Border::kConstant ? border_value(c) : BorderValue{};
  if (!c.has(3)) return pad(c, border, every_axis(rank), c.known_dims(1), value);
  if (!c.is_known(3)) return pad(c, border, every_axis(rank), amounts_at_run(c, rank), value);
  const Ints given = c.known_ints(3);
  c.axes(given, rank);  // each once
  std::vector<int> axes;
  for (const int64_t axis : given) axes.push_back(c.axis(axis, rank));
  return pad(c, border, axes, c.known_dims(1), value);
}

}  // namespace

std::span<const OpDef> pad_ops() {
  const AttributeDef mode{"mode", AttributeType::kText, "constant"};
  static const std::vector<OpDef> ops = {{.name = "Pad",
                                          .until = 10,
                                          .dtypes = kFloats,
                                          .attributes = {mode,
                                                         {"pads", AttributeType::kInts, {}, true},
                                                         {"value", AttributeType::kReal, 0.0}},
                                          .lower = lower_by_attributes},
                                         {.name = "Pad",
                                          .since = 11,
                                          .inputs = {2, 4},
                                          .attributes = {mode},
                                          .lower = lower_by_inputs}};
  return ops;
}

}  // namespace dovetail::ops
