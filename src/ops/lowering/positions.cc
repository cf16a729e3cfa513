#include "ops/lowering/positions.h"

#include <algorithm>

#include "base/error.h"

namespace dovetail::ops {

using ir::Dim;
using ir::DType;
using Ref = Positions::Ref;

std::vector<Ref> Positions::indices(int rank) {
  std::vector<Ref> result;
  for (int i = 0; i < rank; ++i) result.push_back(index(i));
  return result;
}

Ref Positions::load(int operand, const std::vector<Ref>& coordinates) {
  return expr_.load(operand, operands_[operand]->dtype(), coordinates);
}

Ref Positions::number(const Number& value) {
  if (value.at_run == nullptr) return expr_.constant(value.known, DType::kF32);
  const auto [at, fresh] = loaded_.try_emplace(value.at_run, 0);
  if (fresh) at->second = load(add_operand(value.at_run), {});
  return at->second;
}

Ref Positions::dim(const Dim& value) {
  if (value.is_constant()) return number(value.value());
  const auto at = std::find(dims_.begin(), dims_.end(), value);
  const auto index = static_cast<int>(at - dims_.begin());
  if (at == dims_.end()) dims_.push_back(value);
  return expr_.dim(index);
}

Ref Positions::within(Ref a, Ref low, Ref high) {
  return op(Op::kAnd, op(Op::kLe, low, a), op(Op::kLe, a, high));
}

Ref Positions::resolved(Ref index, const Dim& extent) {
  index = expr_.cast(index, DType::kI64);
  return expr_.select(op(Op::kLt, index, number(0)), add(index, dim(extent)), index);
}

ir::Value* Positions::lookup(const ir::Shape& shape, Ref result) {
  return graph_.value(ir::Lookup{expr_.finish(result), shape, dims_}, operands_);
}

ir::Value* Positions::scatter(ir::ScatterKind kind, const std::vector<Ref>& coordinates) {
  ir::Scatter scatter{kind, {}, dims_};
  for (const Ref coordinate : coordinates) scatter.coordinates.push_back(expr_.finish(coordinate));
  return graph_.value(std::move(scatter), operands_);
}

ir::Value* positions(Builder& build, const Dim& extent, int axis, int rank) {
  ir::Shape shape(rank, Dim(1));
  shape[axis] = extent;
  Positions at(build.graph(), {});
  return at.lookup(shape, at.index(axis));
}

void check_indices(LowerContext& c, size_t i, int axis) {
  const ir::Value* indices = c.x(i);
  if (indices->dtype() != DType::kI64 && indices->dtype() != DType::kI32) {
    throw_error(ErrorKind::kType, "{} is {}, expected int32 or int64", c.input_text(i),
                ir::name_of(indices->dtype()));
  }
  const Dim& extent = c.x(0)->shape()[axis];
  if (!indices->elements || !extent.is_constant()) return;
  for (const Dim& index : *indices->elements) {
    if (!index.is_constant()) continue;
    if (index.value() >= -extent.value() && index.value() < extent.value()) continue;
    throw_error(ErrorKind::kValue, "{} holds {}, but axis {} of {} has extent {}", c.input_text(i),
                index.value(), axis, c.input_text(0), extent.value());
  }
}

}  // namespace dovetail::ops
