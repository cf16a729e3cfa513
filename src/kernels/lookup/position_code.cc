#include "kernels/lookup/position_code.h"

#include <fmt/format.h>

#include <set>

#include "kernels/scalar/scalar_code.h"

namespace dovetail::kernels::lookup {

using ir::Dim;
using ir::DType;
using ir::ScalarNode;
using ir::ScalarOp;
using loop::Opcode;
using loop::Value;

PositionCode::PositionCode(TaskWriter& task, const Items& items, const std::vector<Dim>& dims)
    : task_(task), items_(items), b_(task.code()) {
  std::set<int> used{items.target()};
  for (int i = 0; i < items.size(); ++i) {
    if (items[i].tensor >= 0) used.insert(items[i].tensor);
  }
  for (const int t : used) declare_tensor(t);
  for (size_t i = 0; i < dims.size(); ++i)
    dims_.push_back(task.integer(fmt::format("dim{}", i), dims[i]));
  Dim rows = 1;
  const std::vector<int>& axes = items.axes();
  for (size_t i = 0; i + 1 < axes.size(); ++i) {
    extents_[axes[i]] = task.integer(fmt::format("extent{}", axes[i]), items.domain()[axes[i]]);
    rows *= items.domain()[axes[i]];
  }
  num_rows_ = task.integer("rows", rows);
  row_length_ = task.integer("row_length", axes.empty() ? Dim(1) : items.domain()[axes.back()]);
}

void PositionCode::declare_tensor(int t) {
  const Layout& layout = items_.tensor(t);
  Tensor& tensor = tensors_[t];
  tensor.pointer = task_.pointer(fmt::format("p{}", t), t);
  for (size_t i = 0; i < layout.shape.size(); ++i) {
    tensor.extents.push_back(task_.integer(fmt::format("p{}_extent{}", t, i), layout.shape[i]));
    const Dim bytes = layout.strides[i] * ir::size_of(layout.dtype);
    tensor.strides.push_back(task_.integer(fmt::format("p{}_stride{}", t, i), bytes));
  }
}

void PositionCode::begin() {
  for (const auto& [t, tensor] : tensors_) {
    if (!items_.may_be_empty(t)) continue;
    Value count = b_.constant(int64_t{1});
    for (const Value& extent : tensor.extents) count = count * extent;
    filled_[t] = count > 0;
  }
  compute(Level::kCall);
  for (int i = 0; i < items_.size(); ++i) {
    const Item& item = items_[i];
    if (item.level != Level::kOuter) continue;
    const loop::Type type = loop::scalar(item.dtype);
    kept_[i] =
        b_.var(fmt::format("outer{}", i),
               ir::is_float(item.dtype) ? b_.constant(0.0, type) : b_.constant(int64_t{0}, type));
  }
}

void PositionCode::compute(Level level) {
  for (int i = 0; i < items_.size(); ++i) {
    if (items_[i].level == level && !values_.contains(i)) values_[i] = emit(i, {zero()});
  }
}

// Outer items are computed again whenever the row's index starts over.
void PositionCode::each_row(const Value& first, const Value& last,
                            const std::function<void()>& body) {
  const std::vector<int>& axes = items_.axes();
  if (axes.size() < 2) {
    b_.for_each("row", first, last, 1, [&](const Value&) { body(); });
    return;
  }
  const int row_axis = axes[axes.size() - 2];
  const int row_index = [&] {
    for (int i = 0; i < items_.size(); ++i) {
      if (items_[i].kind == Item::Kind::kIndex && items_[i].axis == row_axis) return i;
    }
    return -1;
  }();
  const loop::Var at = b_.var("at", zero());
  b_.for_each("row", first, last, 1, [&](const Value& row) {
    if (axes.size() == 2) {
      if (row_index >= 0) values_[row_index] = row;
    } else {
      const Value starts = b_.binary(Opcode::kOr, row == first, at.get() == extents_.at(row_axis));
      b_.if_(starts, [&] {
        at.set(row % extents_.at(row_axis));
        enter_outer(row / extents_.at(row_axis));
      });
      for (const auto& [item, kept] : kept_) values_[item] = kept.get();
      if (row_index >= 0) values_[row_index] = at.get();
    }
    compute(Level::kRow);
    body();
    for (int i = 0; i < items_.size(); ++i) {
      if (items_[i].level == Level::kRow || items_[i].level == Level::kOuter) values_.erase(i);
    }
    if (axes.size() > 2) at.set(at.get() + 1);
  });
}

void PositionCode::enter_outer(const Value& row) {
  const std::vector<int>& axes = items_.axes();
  std::map<int, Value> indices;
  Value rest = row;
  for (size_t k = axes.size() - 2; k-- > 0;) {
    indices[axes[k]] = k ? rest % extents_.at(axes[k]) : rest;
    if (k) rest = rest / extents_.at(axes[k]);
  }
  for (int i = 0; i < items_.size(); ++i) {
    if (items_[i].level == Level::kOuter && items_[i].kind == Item::Kind::kIndex)
      values_[i] = indices.at(items_[i].axis);
  }
  compute(Level::kOuter);
  for (const auto& [item, kept] : kept_) kept.set(values_.at(item));
}

Value PositionCode::spread(const Value& value, int lanes) {
  return value.lanes() == lanes ? value : b_.broadcast(value, lanes);
}

Value PositionCode::value(int item, const Block& block) {
  if (items_[item].level != Level::kElement) return spread(values_.at(item), block.lanes);
  if (const auto found = block_values_.find(item); found != block_values_.end())
    return found->second;
  const Value result = emit(item, block);
  block_values_[item] = result;
  return result;
}

Value PositionCode::emit(int i, const Block& block) {
  const Item& item = items_[i];
  switch (item.kind) {
    case Item::Kind::kScalar:
      return emit_scalar_node(item, block);
    case Item::Kind::kIndex: {
      const loop::Type type{DType::kI64, block.lanes, false};
      return block.lanes == 1 ? block.index : spread(block.index, block.lanes) + b_.iota(type);
    }
    case Item::Kind::kDim:
      return dims_[item.axis];
    case Item::Kind::kTerm:
      return emit_term(item, block);
    case Item::Kind::kSum: {
      Value total = value(item.arguments[0], block);
      for (size_t k = 1; k < item.arguments.size(); ++k)
        total = total + value(item.arguments[k], block);
      return total;
    }
    case Item::Kind::kLoad:
      return emit_load(i, block);
  }
  return {};
}

// The operation alone, on operands that are its arguments.
Value PositionCode::emit_scalar_node(const Item& item, const Block& block) {
  ir::ScalarExpr expr;
  std::vector<Value> operands;
  ScalarNode node = item.node;
  for (const int argument : item.arguments) {
    const auto k = static_cast<int>(operands.size());
    expr.nodes.push_back({ScalarOp::kOperand, items_[argument].dtype, {}, k, int64_t{0}});
    operands.push_back(value(argument, block));
    node.arguments.push_back(k);
  }
  expr.nodes.push_back(std::move(node));
  return emit_scalar(b_, expr, operands, block.lanes);
}

Value PositionCode::emit_term(const Item& item, const Block& block) {
  const Tensor& tensor = tensors_.at(item.tensor);
  const Layout& layout = items_.tensor(item.tensor);
  Value at = value(item.arguments[0], block);
  if (item.clamped) at = max(min(at, tensor.extents[item.axis] - 1), 0);
  if (layout.strides[item.axis] == Dim(1)) return b_.element(at, layout.dtype);
  return at * tensor.strides[item.axis];
}

Value PositionCode::run_offset(int t, const Run& run, const Block& block) {
  const Value at = run.shift < 0 ? block.index : block.index + values_.at(run.shift);
  return b_.element(at, items_.tensor(t).dtype);
}

// Repeated elements are loaded once and spread; blocks then start at whole repeats.
Value PositionCode::load_run(const Item& item, const Run& run, const Block& block) {
  const int lanes = block.lanes / run.repeat;
  Block loaded{block.index / run.repeat, lanes};
  if (block.count) loaded.count = (*block.count + (run.repeat - 1)) / run.repeat;
  const Value& pointer = tensors_.at(item.tensor).pointer;
  const Value offset = row_value_or_zero(item.arguments[0]) + run_offset(item.tensor, run, loaded);
  const loop::Type type{item.dtype, lanes, false};
  if (lanes == 1) return b_.broadcast(b_.load(type, pointer, offset), block.lanes);
  const Value elements = loaded.count ? b_.load_masked(type, pointer, offset, *loaded.count)
                                      : b_.load(type, pointer, offset);
  if (run.repeat == 1) return elements;
  std::vector<int32_t> picked;
  for (int lane = 0; lane < block.lanes; ++lane) picked.push_back(lane / run.repeat);
  return b_.shuffle(elements, elements, std::move(picked));
}

Value PositionCode::emit_load(int i, const Block& block) {
  const Item& item = items_[i];
  const Value& pointer = tensors_.at(item.tensor).pointer;
  Value offset = row_value_or_zero(item.arguments[0]);
  if (block.lanes > 1) return load_run(item, *items_.run_of_load(i), block);
  for (size_t k = 1; k < item.arguments.size(); ++k)
    offset = offset + value(item.arguments[k], block);
  const loop::Type type = loop::scalar(item.dtype);
  if (!items_.may_be_empty(item.tensor)) return b_.load(type, pointer, offset);
  const loop::Var loaded = b_.var(
      "loaded", ir::is_float(item.dtype) ? b_.constant(0.0, type) : b_.constant(int64_t{0}, type));
  b_.if_(is_filled(item.tensor), [&] { loaded.set(b_.load(type, pointer, offset)); });
  return loaded.get();
}

void PositionCode::clip(int t, const Run& run, Value* low, Value* high) {
  if (items_.covers(t, run)) return;
  const Value& extent = tensors_.at(t).extents[run.axis];
  const Value shift = run.shift < 0 ? zero() : values_.at(run.shift);
  *low = max(*low, min(zero() - shift, row_length_));
  *high = min(*high, extent - shift);
}

}  // namespace dovetail::kernels::lookup
