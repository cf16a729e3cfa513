#include "ops/lowering/builder.h"

#include <fmt/format.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <string>

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {

using ir::Dim;
using ir::DType;
using ir::Shape;
using ir::Value;

namespace {

bool is_one(const Dim& extent) { return extent == Dim(1); }

// Whether `a` is 1 or `b`, whichever a run finds: what a reduction over axes of the run keeps.
bool is_one_or(const Dim& a, const Dim& b) {
  if (a.terms().size() != 1 || a.terms()[0].coefficient != 1) return false;
  if (a.terms()[0].factors.size() != 1) return false;
  const Dim::Atom& atom = *a.terms()[0].factors[0];
  if (atom.kind != ir::AtomKind::kSelectGe) return false;
  const Dim &x = atom.arguments[2], &y = atom.arguments[3];
  return (is_one(x) && y == b) || (is_one(y) && x == b);
}

Shape with_leading_ones(const Shape& shape, size_t rank) {
  Shape result(rank - shape.size(), Dim(1));
  result.insert(result.end(), shape.begin(), shape.end());
  return result;
}

}  // namespace

Dim common_extent(const Dim& a, const Dim& b) {
  return a.is_constant() || !b.is_constant() ? a : b;
}

Shape broadcast_shape(const Shape& a, const Shape& b) {
  const size_t rank = std::max(a.size(), b.size());
  const Shape left = with_leading_ones(a, rank), right = with_leading_ones(b, rank);
  Shape result(rank);
  for (size_t i = 0; i < rank; ++i) {
    const bool differ = left[i].is_constant() && right[i].is_constant() && left[i] != right[i];
    if (differ && !is_one(left[i]) && !is_one(right[i])) {
      throw_error(ErrorKind::kValue, "shapes {} and {} cannot be broadcast: {} and {} differ",
                  ir::to_string(a), ir::to_string(b), left[i].value(), right[i].value());
    }
    const bool takes_right = is_one(left[i]) || is_one_or(left[i], right[i]) ||
                             (right[i].is_constant() && !is_one(right[i]));
    result[i] = takes_right ? right[i] : left[i];
  }
  return result;
}

bool proved_ge(const Dim& a, const Dim& b, const ir::SymbolBounds& symbols) {
  return (a - b).bounds(symbols).min >= 0;
}

Value* Builder::elementwise(const std::vector<Value*>& operands, const Body& body) {
  Shape shape;
  for (const Value* operand : operands) shape = broadcast_shape(shape, operand->shape());
  ir::ExprBuilder expr;
  std::vector<Ref> refs;
  std::vector<Value*> reshaped;
  for (size_t i = 0; i < operands.size(); ++i) {
    refs.push_back(expr.operand(static_cast<int>(i), operands[i]->dtype()));
    reshaped.push_back(fitted(operands[i], shape));
  }
  const Ref result = body(expr, refs);
  return graph_.value(ir::Elementwise{expr.finish(result)}, std::move(reshaped));
}

Value* Builder::unary(ir::ScalarOp op, Value* x) {
  return elementwise({x}, [&](auto& e, const auto& v) { return e.unary(op, v[0]); });
}

Value* Builder::binary(ir::ScalarOp op, Value* a, Value* b) {
  return elementwise({a, b}, [&](auto& e, const auto& v) { return e.binary(op, v[0], v[1]); });
}

Value* Builder::cast(Value* x, DType dtype) {
  if (x->dtype() == dtype) return x;
  return elementwise({x}, [&](auto& e, const auto& v) { return e.cast(v[0], dtype); });
}

Value* Builder::reduce(ir::ReduceKind kind, Value* x, std::vector<int> axes, bool keep) {
  std::sort(axes.begin(), axes.end());
  axes.erase(std::unique(axes.begin(), axes.end()), axes.end());
  Value* result = axes.empty() ? x : graph_.value(ir::Reduce{kind, axes}, {x});
  if (keep) return result;
  Shape shape;
  for (int i = 0; i < x->rank(); ++i) {
    if (!std::binary_search(axes.begin(), axes.end(), i)) shape.push_back(x->shape()[i]);
  }
  return reshape(result, shape);
}

Value* Builder::mean(Value* x, const std::vector<int>& axes) {
  if (axes.empty()) return x;
  Value* sum = reduce(ir::ReduceKind::kSum, x, axes);
  Dim count(1);
  for (const int axis : std::set<int>(axes.begin(), axes.end())) count *= x->shape()[axis];
  if (ir::is_int(x->dtype())) {
    return binary(ir::ScalarOp::kDiv, sum, cast(integer(count), x->dtype()));
  }
  // 1/n is rounded once to x's type; n = 0 gives 0 * inf, which is numpy's NaN.
  if (count.is_constant()) {
    return elementwise({sum}, [&](ir::ExprBuilder& e, const std::vector<Ref>& v) {
      const double reciprocal = 1.0 / static_cast<double>(count.value());
      return e.binary(ir::ScalarOp::kMul, v[0], e.constant(reciprocal, x->dtype()));
    });
  }
  return binary(ir::ScalarOp::kDiv, sum, cast(integer(count), x->dtype()));
}

Value* Builder::permute(Value* x, const std::vector<int>& perm) {
  if (std::is_sorted(perm.begin(), perm.end())) return x;
  return graph_.value(ir::Permute{perm}, {x});
}

Value* Builder::reshape(Value* x, const Shape& shape) {
  if (x->shape() == shape) return x;
  const Dim from = ir::element_count(x->shape()), to = ir::element_count(shape);
  if (from != to && !(from.is_constant() && to.is_constant())) {
    require_equal(
        from, to,
        fmt::format("{} reshaped to {}", ir::to_string(x->shape()), ir::to_string(shape)));
  }
  return graph_.value(ir::Reshape{shape}, {x});
}

void Builder::require_equal(const Dim& a, const Dim& b, const std::string& text, bool kept) {
  if (a == b) return;
  if (a.is_constant() && b.is_constant()) {
    throw_error(ErrorKind::kValue, "{}: {} and {} differ", text, a.value(), b.value());
  }
  ir::Check check{a.is_constant() ? b : a, a.is_constant() ? a : b, text, {}, kept};
  if (!graph_.origin().empty()) check.origins.push_back(graph_.origin());
  for (const ir::Check& other : graph_.checks) {
    if (other.a == check.a && other.b == check.b) return;
    if (other.a == check.b && other.b == check.a) return;
  }
  graph_.checks.push_back(std::move(check));
}

Value* Builder::asserted(Value* x, const Shape& shape, const std::string& text) {
  if (x->shape() == shape) return x;
  if (x->rank() != static_cast<int>(shape.size())) {
    throw_error(ErrorKind::kValue, "{}: ranks {} and {} differ", text, x->rank(), shape.size());
  }
  for (size_t i = 0; i < shape.size(); ++i) require_equal(x->shape()[i], shape[i], text);
  return graph_.value(ir::Reshape{shape}, {x});
}

Value* Builder::divisible(Value* x, int axis, const Dim& divisor, const std::string& text) {
  const Dim rest = ir::mod(x->shape()[axis], divisor);
  if (rest == Dim(0)) return x;
  if (rest.is_constant()) throw_error(ErrorKind::kValue, "{}", text);
  Shape shape = x->shape();
  shape[axis] = ir::floordiv(shape[axis], divisor) * divisor;
  return asserted(x, shape, text);
}

Value* Builder::broadcasting_to(Value* x, Shape* shape, const std::string& text) {
  if (x->shape().size() > shape->size()) throw_error(ErrorKind::kValue, "{}", text);
  Shape own = x->shape();
  for (size_t i = 0; i < own.size(); ++i) {
    if (is_one(own[i])) continue;
    Dim& extent = (*shape)[shape->size() - own.size() + i];
    extent = own[i] = common_extent(extent, own[i]);
  }
  return asserted(x, own, text);
}

// x with leading extents of 1 and, where it is not repeated, the extents of `shape`.
Value* Builder::fitted(Value* x, const Shape& shape) {
  Shape own = with_leading_ones(x->shape(), shape.size());
  Value* result = reshape(x, own);
  bool repeats = false;
  for (size_t i = 0; i < shape.size(); ++i) {
    repeats = repeats || is_one_or(own[i], shape[i]);
    if (!is_one(own[i])) own[i] = shape[i];
  }
  if (result->shape() == own) return result;
  if (repeats) {
    // Loads are clamped: an extent of 1 is read again and again.
    Positions p(graph_, {result});
    return fitted(p.lookup(own, p.load(0, p.indices(result->rank()))), shape);
  }
  return asserted(result, own,
                  fmt::format("shapes {} and {} cannot be broadcast", ir::to_string(x->shape()),
                              ir::to_string(shape)));
}

Value* Builder::broadcast_to(Value* x, const Shape& shape) {
  x = fitted(x, shape);
  if (x->shape() == shape) return x;
  return graph_.value(ir::Broadcast{shape}, {x});
}

Value* Builder::slice(Value* x, int axis, const Dim& first, const Dim& extent, int64_t step) {
  if (first == Dim(0) && extent == x->shape()[axis] && step == 1) return x;
  ir::Slice slice{std::vector<Dim>(x->rank(), Dim(0)), std::vector<int64_t>(x->rank(), 1),
                  x->shape()};
  slice.starts[axis] = first;
  slice.steps[axis] = step;
  slice.extents[axis] = extent;
  return graph_.value(std::move(slice), {x});
}

Value* Builder::concat(const std::vector<Value*>& values, int axis) {
  if (values.size() == 1) return values.front();
  Shape shape = values.front()->shape();
  for (const Value* value : values) {
    for (int i = 0; i < value->rank(); ++i) {
      if (!shape[i].is_constant() && value->shape()[i].is_constant()) shape[i] = value->shape()[i];
    }
  }
  std::vector<Value*> equal;
  for (Value* value : values) {
    Shape own = shape;
    own[axis] = value->shape()[axis];
    if (value->shape() == own) {
      equal.push_back(value);
      continue;
    }
    equal.push_back(asserted(
        value, own,
        fmt::format("shapes {} and {} cannot be joined along axis {}",
                    ir::to_string(values.front()->shape()), ir::to_string(value->shape()), axis)));
  }
  return graph_.value(ir::Concat{axis}, equal);
}

Value* Builder::to_channels_last(Value* x) {
  std::vector<int> perm(x->rank());
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin() + 1, perm.begin() + 2, perm.end());
  return permute(x, perm);
}

Value* Builder::to_channels_first(Value* x) {
  std::vector<int> perm(x->rank());
  std::iota(perm.begin(), perm.end(), 0);
  std::rotate(perm.begin() + 1, perm.end() - 1, perm.end());
  return permute(x, perm);
}

Value* Builder::per_channel(Value* x, int rank) {
  Shape shape(rank, Dim(1));
  shape[1] = ir::element_count(x->shape());
  return reshape(x, shape);
}

Value* Builder::scalar(double value, DType dtype) {
  Value* wide = graph_.constant(ir::TensorData::of(DType::kF64, {}, std::vector<double>{value}));
  if (dtype == DType::kF64) return wide;
  if (dtype == DType::kF32) {
    return graph_.constant(
        ir::TensorData::of(DType::kF32, {}, std::vector<float>{static_cast<float>(value)}));
  }
  return cast(wide, dtype);
}

Value* Builder::integers(const std::vector<Dim>& values) {
  if (std::all_of(values.begin(), values.end(), [](const Dim& d) { return d.is_constant(); })) {
    std::vector<int64_t> numbers;
    for (const Dim& value : values) numbers.push_back(value.value());
    return graph_.constant_ints(numbers);
  }
  std::vector<Value*> parts;
  for (const Dim& value : values) parts.push_back(reshape(integer(value), {Dim(1)}));
  Value* result = concat(parts, 0);
  result->elements = values;
  return result;
}

Value* Builder::integer(const Dim& value) {
  if (value.is_constant()) {
    return graph_.constant(
        ir::TensorData::of(DType::kI64, {}, std::vector<int64_t>{value.value()}));
  }
  Value* result = compute(value);
  result->elements = std::vector<Dim>{value};
  return result;
}

// An expression as a tensor: elementwise arithmetic on its symbols, each a lookup that reads none.
// Mostly dead afterwards, because users read Value::elements instead.
Value* Builder::compute(const Dim& value) {
  const auto symbol = [&](const std::string& name) {
    ir::ExprBuilder expr;
    return graph_.value(ir::Lookup{expr.finish(expr.dim(0)), {}, {Dim::symbol(name)}}, {});
  };
  const auto atom = [&](const Dim::Atom& a) -> Value* {
    if (a.kind == ir::AtomKind::kSymbol) return symbol(a.name);
    std::vector<Value*> x;
    for (const Dim& argument : a.arguments) x.push_back(integer(argument));
    return elementwise(x, [&](ir::ExprBuilder& e, const std::vector<Ref>& v) {
      using Op = ir::ScalarOp;
      switch (a.kind) {
        case ir::AtomKind::kFloorDiv:
          return e.binary(Op::kDiv, e.binary(Op::kSub, v[0], e.binary(Op::kFloorMod, v[0], v[1])),
                          v[1]);
        case ir::AtomKind::kMod:
          return e.binary(Op::kFloorMod, v[0], v[1]);
        case ir::AtomKind::kMin:
          return e.binary(Op::kMin, v[0], v[1]);
        case ir::AtomKind::kMax:
          return e.binary(Op::kMax, v[0], v[1]);
        case ir::AtomKind::kSelectGe:
          return e.select(e.binary(Op::kGe, v[0], v[1]), v[2], v[3]);
        case ir::AtomKind::kSymbol:
          break;
      }
      throw_error(ErrorKind::kInternal, "atom of kind {} has no scalar operation",
                  static_cast<int>(a.kind));
    });
  };
  Value* sum = nullptr;
  for (const Dim::Term& term : value.terms()) {
    Value* product = nullptr;
    for (const auto& factor : term.factors) {
      Value* x = atom(*factor);
      product = product ? binary(ir::ScalarOp::kMul, product, x) : x;
    }
    if (!product || term.coefficient != 1) {
      Value* coefficient = integer(Dim(term.coefficient));
      product = product ? binary(ir::ScalarOp::kMul, product, coefficient) : coefficient;
    }
    sum = sum ? binary(ir::ScalarOp::kAdd, sum, product) : product;
  }
  return sum;
}

}  // namespace dovetail::ops
