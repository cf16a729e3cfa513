#include <algorithm>

#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Shape;
using ir::Value;

Value* rule(const ir::Concat& op, const Operands& operands, const Rules& rules) {
  if (operands.size() == 1) return operands[0];
  Operands flat;
  for (Value* operand : operands) {
    const auto* inner = operand->node->as<ir::Concat>();
    // Twice in here, chains of such would double the operands at every link.
    const bool once = std::count(operands.begin(), operands.end(), operand) == 1;
    if (inner && inner->axis == op.axis && once && rules.read_once(operand)) {
      flat.insert(flat.end(), operand->node->operands.begin(), operand->node->operands.end());
    } else if (operand->shape()[op.axis] != Dim(0)) {
      flat.push_back(operand);
    }
  }
  if (flat.empty()) flat.push_back(operands[0]);
  if (flat == operands) return nullptr;
  return rules.make(op, std::move(flat));
}

bool is_zero(const std::vector<Dim>& amounts) {
  return std::all_of(amounts.begin(), amounts.end(), [](const Dim& d) { return d == Dim(0); });
}

Value* rule(const ir::Pad& op, const Operands& operands, const Rules& rules) {
  Value* x = operands[0];
  if (is_zero(op.lo) && is_zero(op.hi)) return x;
  const auto* inner = x->node->as<ir::Pad>();
  if (!inner || inner->value != op.value) return nullptr;
  ir::Pad joined = op;
  for (size_t i = 0; i < op.lo.size(); ++i) {
    joined.lo[i] += inner->lo[i];
    joined.hi[i] += inner->hi[i];
  }
  return rules.make(std::move(joined), {x->node->operands[0]});
}

// Which way a gather by known indices is a strided slice.
struct Range {
  int64_t first, step, count;
};

std::optional<Range> range_of(const ir::TensorData& indices) {
  const int64_t count = indices.element_count();
  if (count == 0) return std::nullopt;
  Range range{indices.as_int(0), 1, count};
  if (count > 1) range.step = indices.as_int(1) - range.first;
  if (range.step == 0) return std::nullopt;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t index = indices.as_int(i);
    // Indices of both signs are not one range.
    if (index != range.first + i * range.step || (index < 0) != (range.first < 0)) {
      return std::nullopt;
    }
  }
  return range;
}

Value* rule(const ir::Gather& op, const Operands& operands, const Rules& rules) {
  Value* x = operands[0];
  const auto* constant = operands[1]->node->as<ir::Constant>();
  if (!constant) return nullptr;
  const auto range = range_of(constant->data);
  if (!range) return nullptr;
  const Dim& extent = x->shape()[op.axis];
  const Dim first = range->first < 0 ? extent + range->first : Dim(range->first);
  const Dim last = first + Dim((range->count - 1) * range->step);
  // Only what is proved to lie inside; gather says what happens outside.
  for (const Dim& end : {first, last}) {
    if (end.bounds(*rules.symbols).min < 0) return nullptr;
    if ((extent - end).bounds(*rules.symbols).min < 1) return nullptr;
  }
  ir::Slice slice{std::vector<Dim>(x->rank(), Dim(0)), std::vector<int64_t>(x->rank(), 1),
                  x->shape()};
  slice.starts[op.axis] = first;
  slice.steps[op.axis] = range->step;
  slice.extents[op.axis] = range->count;
  Shape shape(x->shape().begin(), x->shape().begin() + op.axis);
  for (const int64_t i : constant->data.shape()) shape.emplace_back(i);
  shape.insert(shape.end(), x->shape().begin() + op.axis + 1, x->shape().end());
  return rules.make(ir::Reshape{std::move(shape)}, {rules.make(std::move(slice), {x})});
}

Value* rule(const ir::Reduce& op, const Operands& operands, const Rules& rules) {
  ir::Reduce smaller{op.kind, {}};
  for (const int axis : op.axes) {
    if (operands[0]->shape()[axis] != Dim(1)) smaller.axes.push_back(axis);
  }
  if (smaller.axes.empty()) return operands[0];
  if (smaller.axes.size() == op.axes.size()) return nullptr;
  return rules.make(std::move(smaller), operands);
}

// A zero border around x on the spatial axes belongs to the window.
Value* rule(const ir::Contract& op, const Operands& operands, const Rules& rules) {
  const auto* pad = operands[0]->node->as<ir::Pad>();
  if (!pad || pad->value != 0 || op.batch != 0 || op.window.rank() == 0) return nullptr;
  if (pad->lo.front() != Dim(0) || pad->hi.front() != Dim(0)) return nullptr;
  if (pad->lo.back() != Dim(0) || pad->hi.back() != Dim(0)) return nullptr;
  ir::Contract wider = op;
  for (int i = 0; i < op.window.rank(); ++i) {
    const Dim step = op.window.input_dilation(i);
    wider.window.pad_lo[i] += pad->lo[i + 1] * step;
    wider.window.pad_hi[i] += pad->hi[i + 1] * step;
  }
  Operands inner = operands;
  inner[0] = operands[0]->node->operands[0];
  return rules.make(std::move(wider), std::move(inner));
}

}  // namespace

Value* simplify_placement(const ir::Primitive& op, const Operands& operands, const Rules& rules) {
  if (const auto* concat = std::get_if<ir::Concat>(&op)) return rule(*concat, operands, rules);
  if (const auto* pad = std::get_if<ir::Pad>(&op)) return rule(*pad, operands, rules);
  if (const auto* gather = std::get_if<ir::Gather>(&op)) return rule(*gather, operands, rules);
  if (const auto* reduce = std::get_if<ir::Reduce>(&op)) return rule(*reduce, operands, rules);
  if (const auto* contract = std::get_if<ir::Contract>(&op))
    return rule(*contract, operands, rules);
  return nullptr;
}

}  // namespace dovetail::passes
