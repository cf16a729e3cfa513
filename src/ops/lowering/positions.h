// Writes the expressions of Lookup and Scatter nodes.
#pragma once

#include <map>
#include <vector>

#include "ops/lowering/context.h"

namespace dovetail::ops {

class Positions {
 public:
  using Ref = ir::ExprBuilder::Ref;
  Positions(ir::Graph& graph, std::vector<ir::Value*> operands)
      : graph_(graph), operands_(std::move(operands)) {}

  ir::ExprBuilder& expr() { return expr_; }
  int add_operand(ir::Value* value) {
    operands_.push_back(value);
    return static_cast<int>(operands_.size()) - 1;
  }
  // A constant in float32, or a load of what the run knows.
  Ref number(const Number& value);
  Ref index(int axis) { return expr_.index(axis); }
  // Positions 0..rank-1, to change some of.
  std::vector<Ref> indices(int rank);
  Ref load(int operand, const std::vector<Ref>& coordinates);
  // An extent, or an expression of extents.
  Ref dim(const ir::Dim& value);
  Ref number(int64_t value) { return expr_.constant(value, ir::DType::kI64); }

  using Op = ir::ScalarOp;
  Ref op(Op op, Ref a, Ref b) { return expr_.binary(op, a, b); }
  Ref op(Op op, Ref a) { return expr_.unary(op, a); }
  Ref add(Ref a, Ref b) { return op(Op::kAdd, a, b); }
  Ref sub(Ref a, Ref b) { return op(Op::kSub, a, b); }
  Ref mul(Ref a, Ref b) { return op(Op::kMul, a, b); }
  Ref div(Ref a, Ref b) { return op(Op::kDiv, a, b); }
  Ref min(Ref a, Ref b) { return op(Op::kMin, a, b); }
  Ref max(Ref a, Ref b) { return op(Op::kMax, a, b); }
  // A constant of a's type.
  Ref like(Ref a, double value) { return expr_.constant(value, expr_.dtype(a)); }
  Ref cast(Ref a, ir::DType dtype) { return expr_.cast(a, dtype); }
  Ref select(Ref condition, Ref a, Ref b) { return expr_.select(condition, a, b); }
  // low <= a and a <= high
  Ref within(Ref a, Ref low, Ref high);
  // An index as ONNX writes it, as int64: one below 0 counts from the end.
  Ref resolved(Ref index, const ir::Dim& extent);

  ir::Value* lookup(const ir::Shape& shape, Ref result);
  // Operand 0 with operand 1 written to `coordinates`.
  ir::Value* scatter(ir::ScatterKind kind, const std::vector<Ref>& coordinates);

 private:
  ir::Graph& graph_;
  std::vector<ir::Value*> operands_;
  ir::ExprBuilder expr_;
  std::vector<ir::Dim> dims_;
  std::map<const ir::Value*, Ref> loaded_;  // of rank 0
};

// int64 0, 1, 2, ... extent - 1 along one axis; extents 1 elsewhere.
ir::Value* positions(Builder& build, const ir::Dim& extent, int axis, int rank);

// kType unless input i holds int32 or int64; kValue when it is known to hold an index out of range
// for axis `axis` of input 0.
void check_indices(LowerContext& c, size_t i, int axis);

}  // namespace dovetail::ops
