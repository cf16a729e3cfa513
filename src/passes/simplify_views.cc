#include <algorithm>

#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Shape;
using ir::Value;

template <class T>
const T* producer(const Value* value) {
  return value->node->as<T>();
}

Value* below(const Value* value) { return value->node->operands[0]; }

// The axes whose extent is not 1 keep their order.
bool moves_only_ones(const std::vector<int>& perm, const Shape& shape) {
  int last = -1;
  for (const int axis : perm) {
    if (shape[axis] == Dim(1)) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

Value* rule(const ir::Permute& op, Value* x, const Rules& rules) {
  if (std::is_sorted(op.perm.begin(), op.perm.end())) return x;
  if (const auto* inner = producer<ir::Permute>(x)) {
    std::vector<int> perm;
    for (const int axis : op.perm) perm.push_back(inner->perm[axis]);
    return rules.make(ir::Permute{std::move(perm)}, {below(x)});
  }
  if (moves_only_ones(op.perm, x->shape())) {
    Shape shape;
    for (const int axis : op.perm) shape.push_back(x->shape()[axis]);
    return rules.make(ir::Reshape{std::move(shape)}, {x});
  }
  return nullptr;
}

Value* rule(const ir::Reshape& op, Value* x, const Rules& rules) {
  if (op.shape == x->shape()) return x;
  if (producer<ir::Reshape>(x)) return rules.make(op, {below(x)});
  return nullptr;
}

Value* rule(const ir::Broadcast& op, Value* x, const Rules& rules) {
  if (op.shape == x->shape()) return x;
  if (producer<ir::Broadcast>(x)) return rules.make(op, {below(x)});
  return nullptr;
}

// Takes every element in order.
bool takes_all(const ir::Slice& op, const Shape& shape) {
  for (size_t i = 0; i < shape.size(); ++i) {
    if (op.starts[i] != Dim(0) || op.extents[i] != shape[i]) return false;
    if (op.steps[i] != 1 && shape[i] != Dim(1)) return false;
  }
  return true;
}

// A slice that lies in one operand of a concat is a slice of that operand.
Value* slice_of_concat(const ir::Slice& op, Value* x, const Rules& rules) {
  const auto* concat = producer<ir::Concat>(x);
  if (!concat || op.steps[concat->axis] != 1) return nullptr;
  const int axis = concat->axis;
  Dim start = 0;
  for (Value* part : x->node->operands) {
    const Dim first = op.starts[axis] - start;
    const Dim room = part->shape()[axis] - first - op.extents[axis];
    if (first.bounds(*rules.symbols).min >= 0 && room.bounds(*rules.symbols).min >= 0) {
      ir::Slice inner = op;
      inner.starts[axis] = first;
      return rules.make(std::move(inner), {part});
    }
    start += part->shape()[axis];
  }
  return nullptr;
}

Value* rule(const ir::Slice& op, Value* x, const Rules& rules) {
  if (takes_all(op, x->shape())) return x;
  if (const auto* inner = producer<ir::Slice>(x)) {
    ir::Slice joined = op;
    for (size_t i = 0; i < op.steps.size(); ++i) {
      joined.starts[i] = inner->starts[i] + op.starts[i] * inner->steps[i];
      joined.steps[i] = op.steps[i] * inner->steps[i];
    }
    return rules.make(std::move(joined), {below(x)});
  }
  return slice_of_concat(op, x, rules);
}

Value* rule(const ir::Copy&, Value* x, const Rules&) { return producer<ir::Copy>(x) ? x : nullptr; }

}  // namespace

Value* simplify_view(const ir::Primitive& op, const Operands& operands, const Rules& rules) {
  if (const auto* permute = std::get_if<ir::Permute>(&op))
    return rule(*permute, operands[0], rules);
  if (const auto* reshape = std::get_if<ir::Reshape>(&op))
    return rule(*reshape, operands[0], rules);
  if (const auto* broadcast = std::get_if<ir::Broadcast>(&op)) {
    return rule(*broadcast, operands[0], rules);
  }
  if (const auto* slice = std::get_if<ir::Slice>(&op)) return rule(*slice, operands[0], rules);
  if (const auto* copy = std::get_if<ir::Copy>(&op)) return rule(*copy, operands[0], rules);
  return nullptr;
}

}  // namespace dovetail::passes
