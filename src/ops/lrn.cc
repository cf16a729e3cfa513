// LRN: y = x / (bias + alpha / size * sum over neighbouring channels of x^2) ^ beta
//   x (N, C, S...) -> y like x; the neighbours of c are c - floor((size-1)/2) .. c +
//   ceil((size-1)/2)
#include <algorithm>

#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/standardize.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::ExprBuilder;
using ir::ScalarOp;
using ir::Value;
using Ref = ExprBuilder::Ref;

// Operands that one kernel keeps in registers.
constexpr size_t kMaxOperands = 7;
// Each neighbour is a view: more than any model asks for, and few enough to be written down.
constexpr int64_t kMaxSize = 1024;

// x and its neighbours as views of x with a border of zeros: works in any order of the axes.
Values neighbours(LowerContext& c, Value* x, int64_t size) {
  const int64_t before = (size - 1) / 2, after = size / 2;
  ir::Pad pad{std::vector<Dim>(x->rank(), Dim(0)), std::vector<Dim>(x->rank(), Dim(0)), 0};
  pad.lo[1] = before;
  pad.hi[1] = after;
  Value* padded = size == 1 ? x : c.graph().value(std::move(pad), {x});
  Values views;
  for (int64_t i = 0; i < size; ++i)
    views.push_back(i == before ? x : c.build.slice(padded, 1, i, x->shape()[1]));
  return views;
}

Value* sum_of_squares(LowerContext& c, const Values& views) {
  Value* sum = nullptr;
  for (size_t first = 0; first < views.size(); first += kMaxOperands) {
    const size_t count = std::min(kMaxOperands, views.size() - first);
    Values operands(views.begin() + static_cast<int64_t>(first),
                    views.begin() + static_cast<int64_t>(first + count));
    if (sum) operands.push_back(sum);
    sum = c.build.elementwise(operands, [&](ExprBuilder& e, const std::vector<Ref>& v) {
      Ref total = e.binary(ScalarOp::kMul, v[0], v[0]);
      for (size_t i = 1; i < count; ++i)
        total = e.binary(ScalarOp::kAdd, total, e.binary(ScalarOp::kMul, v[i], v[i]));
      return v.size() > count ? e.binary(ScalarOp::kAdd, total, v.back()) : total;
    });
  }
  return sum;
}

Values lower_lrn(LowerContext& c) {
  c.require_rank(0, 2);
  const int64_t size = c.integer("size");
  if (size < 1 || size > kMaxSize)
    throw_error(ErrorKind::kValue, "size is {}, expected 1 to {}", size, kMaxSize);
  Value* x = c.build.cast(c.x(0), computing_type(c.x(0)->dtype()));
  Value* sum = sum_of_squares(c, neighbours(c, x, size));
  // base ^ -beta as exp(-beta * log(base)): base is positive for any sensible bias and alpha.
  Value* y = c.build.elementwise({x, sum}, [&](ExprBuilder& e, const std::vector<Ref>& v) {
    const auto constant = [&](double value) { return e.constant(value, x->dtype()); };
    const Ref scaled =
        e.binary(ScalarOp::kMul, v[1], constant(c.real("alpha") / static_cast<double>(size)));
    const Ref base = e.binary(ScalarOp::kAdd, scaled, constant(c.real("bias")));
    const Ref power =
        e.binary(ScalarOp::kMul, e.unary(ScalarOp::kLog, base), constant(-c.real("beta")));
    return e.binary(ScalarOp::kMul, v[0], e.unary(ScalarOp::kExp, power));
  });
  return {c.build.cast(y, c.x(0)->dtype())};
}

}  // namespace

std::span<const OpDef> lrn_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "LRN",
       .dtypes = kFloats,
       .attributes = {{"alpha", AttributeType::kReal, static_cast<double>(1e-4f)},
                      {"beta", AttributeType::kReal, 0.75},
                      {"bias", AttributeType::kReal, 1.0},
                      {"size", AttributeType::kInt, {}, true}},
       .lower = lower_lrn}};
  return ops;
}

}  // namespace dovetail::ops
