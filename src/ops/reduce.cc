// Reductions: ReduceMax and its relatives. A row each; axes are an attribute in older opsets, an
// input in newer ones.
#include <algorithm>
#include <numeric>

#include "base/error.h"
#include "ops/lowering/fold.h"
#include "ops/lowering/run_axes.h"

namespace dovetail::ops {
namespace {

using Axes = std::vector<int>;
using ir::Dim;
using ir::DType;
using ir::ExprBuilder;
using ir::ReduceKind;
using ir::ScalarOp;
using ir::Value;

Value* sum(Builder& b, Value* x, const Axes& axes) { return b.reduce(ReduceKind::kSum, x, axes); }

Value* square(Builder& b, Value* x) {
  return b.elementwise({x},
                       [](auto& e, const auto& v) { return e.binary(ScalarOp::kMul, v[0], v[0]); });
}

// Functions of floats on integers: computed in double.
template <class Body>
Value* in_float(Builder& b, Value* x, const Body& body) {
  if (ir::is_float(x->dtype())) return body(x);
  return b.cast(body(b.cast(x, DType::kF64)), x->dtype());
}

// max + log(sum(exp(x - max))), where an infinite max is replaced by 0
Value* log_sum_exp(Builder& b, Value* x, const Axes& axes) {
  Value* max = b.reduce(ReduceKind::kMax, x, axes);
  max = b.elementwise({max}, [&](ExprBuilder& e, const auto& v) {
    return e.select(e.unary(ScalarOp::kIsInf, v[0]), e.constant(0.0, x->dtype()), v[0]);
  });
  Value* exp = b.unary(ScalarOp::kExp, b.binary(ScalarOp::kSub, x, max));
  return b.binary(ScalarOp::kAdd, b.unary(ScalarOp::kLog, sum(b, exp, axes)), max);
}

// Bool has no order among the primitives: it is reduced as 0 and 1.
Value* extreme(Builder& b, Value* x, const Axes& axes, ReduceKind kind) {
  if (x->dtype() != DType::kBool) return b.reduce(kind, x, axes);
  return b.cast(b.reduce(kind, b.cast(x, DType::kU8), axes), DType::kBool);
}

struct Row {
  const char* name;
  DTypes dtypes;
  int axes_input_since;
  std::function<Value*(Builder&, Value*, const Axes&)> body;
};

const std::vector<Row>& rows() {
  static const std::vector<Row> kRows = {
      {"ReduceSum", kNumbers, 13, sum},
      {"ReduceMean", kNumbers, 18,
       [](Builder& b, Value* x, const Axes& a) { return b.mean(x, a); }},
      {"ReduceMax", kEvery, 18,
       [](Builder& b, Value* x, const Axes& a) { return extreme(b, x, a, ReduceKind::kMax); }},
      {"ReduceMin", kEvery, 18,
       [](Builder& b, Value* x, const Axes& a) { return extreme(b, x, a, ReduceKind::kMin); }},
      {"ReduceProd", kNumbers, 18,
       [](Builder& b, Value* x, const Axes& a) { return b.reduce(ReduceKind::kProduct, x, a); }},
      {"ReduceL1", kNumbers, 18,
       [](Builder& b, Value* x, const Axes& a) { return sum(b, b.unary(ScalarOp::kAbs, x), a); }},
      {"ReduceL2", kNumbers, 18,
       [](Builder& b, Value* x, const Axes& a) {
         return in_float(
             b, x, [&](Value* v) { return b.unary(ScalarOp::kSqrt, sum(b, square(b, v), a)); });
       }},
      {"ReduceSumSquare", kNumbers, 18,
       [](Builder& b, Value* x, const Axes& a) { return sum(b, square(b, x), a); }},
      {"ReduceLogSum", kNumbers, 18,
       [](Builder& b, Value* x, const Axes& a) {
         return in_float(b, x, [&](Value* v) { return b.unary(ScalarOp::kLog, sum(b, v, a)); });
       }},
      {"ReduceLogSumExp", kNumbers, 18,
       [](Builder& b, Value* x, const Axes& a) {
         return in_float(b, x, [&](Value* v) { return log_sum_exp(b, v, a); });
       }},
  };
  return kRows;
}

// Reduced axes stay as 1. Half types sum in float32.
Value* reduced(LowerContext& c, const Row& row, Value* x, const Axes& axes) {
  const bool narrow = ir::is_float(x->dtype()) && ir::size_of(x->dtype()) < 4;
  Value* y = row.body(c.build, narrow ? c.build.cast(x, DType::kF32) : x, axes);
  return c.build.cast(y, x->dtype());
}

Value* over_known(LowerContext& c, const Row& row, const Axes& axes) {
  const Value* x = c.x(0);
  Value* y = reduced(c, row, c.x(0), axes);
  if (c.flag("keepdims")) return y;
  ir::Shape shape;
  for (int i = 0; i < x->rank(); ++i) {
    if (std::find(axes.begin(), axes.end(), i) == axes.end()) shape.push_back(x->shape()[i]);
  }
  return c.build.reshape(y, shape);
}

// The extents that are left, where a run finds out which ones.
std::vector<Dim> kept_extents(LowerContext& c, const RunAxes& axes) {
  Value* kept = c.build.elementwise({axes.mask()}, [](ExprBuilder& e, const auto& v) {
    return e.binary(ScalarOp::kEq, v[0], e.constant(int64_t{0}, DType::kI64));
  });
  const std::string name = c.output_name() + ".extent";
  kept = c.build.positions_of_true(kept, c.output_name() + ".kept");
  kept = c.build.asserted(kept, {Dim(c.x(0)->rank() - axes.count())}, "axes that are kept");
  Value* extents = c.graph().value(ir::Gather{0}, {c.build.integers(c.x(0)->shape()), kept});
  return integers_of(c.build, extents, name, /*signs=*/false);
}

// Every axis becomes two, of which one is 1: what is kept and what is reduced of it.
Value* over_run_axes(LowerContext& c, const Row& row) {
  Value* x = c.x(0);
  RunAxes axes(c, 1, x->rank());
  const std::vector<Dim> mask =
      integers_of(c.build, axes.mask(), c.output_name() + ".reduced", /*signs=*/false);
  ir::Shape pairs, kept;
  Axes reduced_axes;
  for (int i = 0; i < x->rank(); ++i) {
    const Dim& extent = x->shape()[i];
    kept.push_back(ir::select_ge(mask[i], 1, 1, extent));
    pairs.push_back(kept.back());
    pairs.push_back(ir::select_ge(mask[i], 1, extent, 1));
    reduced_axes.push_back(2 * i + 1);
  }
  Value* y = reduced(c, row, c.graph().value(ir::Reshape{pairs}, {x}), reduced_axes);
  if (!c.flag("keepdims")) kept = kept_extents(c, axes);
  return c.graph().value(ir::Reshape{kept}, {y});
}

Axes all_axes(int rank) {
  Axes axes(rank);
  std::iota(axes.begin(), axes.end(), 0);
  return axes;
}

Values lower_by_attribute(LowerContext& c, const Row& row) {
  const int rank = c.x(0)->rank();
  const bool given = c.has_attribute("axes") && !c.integers("axes").empty();
  return {over_known(c, row, given ? c.axes(c.integers("axes"), rank) : all_axes(rank))};
}

Values lower_by_input(LowerContext& c, const Row& row) {
  const int rank = c.x(0)->rank();
  Ints given;
  if (c.has(1) && c.is_known(1)) {
    given = c.known_ints(1);
  } else if (c.has(1) && ir::element_count(c.x(1)->shape()) != Dim(0)) {
    return {over_run_axes(c, row)};
  }
  // Without axes nothing is added up, but the square of ReduceSumSquare, say, is still taken.
  const bool all = given.empty() && !c.flag("noop_with_empty_axes");
  return {over_known(c, row, all ? all_axes(rank) : c.axes(given, rank))};
}

}  // namespace

std::span<const OpDef> reduce_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<OpDef> result;
    const AttributeDef keepdims{"keepdims", AttributeType::kInt, int64_t{1}};
    for (const Row& row : rows()) {
      result.push_back({.name = row.name,
                        .until = row.axes_input_since - 1,
                        .dtypes = row.dtypes,
                        .attributes = {keepdims, {"axes", AttributeType::kInts}},
                        .lower = [&row](LowerContext& c) { return lower_by_attribute(c, row); }});
      result.push_back(
          {.name = row.name,
           .since = row.axes_input_since,
           .inputs = {1, 2},
           .dtypes = row.dtypes,
           .attributes = {keepdims, {"noop_with_empty_axes", AttributeType::kInt, int64_t{0}}},
           .lower = [&row](LowerContext& c) { return lower_by_input(c, row); }});
    }
    return result;
  }();
  return ops;
}

}  // namespace dovetail::ops
