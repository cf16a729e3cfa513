// ArgMax, ArgMin: the index of the first extreme along an axis; Hardmax: 1 there, 0 elsewhere.
#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::Value;

bool is_empty(const Value& x) { return ir::element_count(x.shape()) == Dim(0); }

// int64, the axis kept as 1; where that has extent 0 the index is -1.
Value* index_of_extreme(LowerContext& c, Value* x, int axis, bool largest, bool last) {
  return c.graph().add(ir::TopK{axis, 1, largest, last}, {x})->results[1].get();
}

Values lower_index(LowerContext& c, bool largest) {
  c.require_rank(0, 1);
  Value* x = c.x(0);
  const int axis = c.axis(c.integer("axis"), x->rank());
  if (is_empty(*x)) {
    ir::Shape shape = x->shape();
    shape[axis] = 1;
    if (ir::is_static(shape) && ir::element_count(shape) == Dim(0)) {
      if (!c.flag("keepdims")) shape.erase(shape.begin() + axis);
      return {c.build.broadcast_to(c.build.integer(0), shape)};
    }
  }
  if (x->shape()[axis] == Dim(0)) {
    throw_error(ErrorKind::kValue, "axis {} of {} has extent 0, which has no extreme", axis,
                c.input_text(0));
  }
  c.require_extent(x->shape()[axis], 1);
  const bool last = c.opset() >= 12 && c.flag("select_last_index");
  Value* index = index_of_extreme(c, x, axis, largest, last);
  if (c.flag("keepdims")) return {index};
  ir::Shape shape = x->shape();
  shape.erase(shape.begin() + axis);
  return {c.build.reshape(index, shape)};
}

Value* hardmax(LowerContext& c, Value* x, int axis) {
  if (is_empty(*x)) return x;
  Value* index = index_of_extreme(c, x, axis, true, false);
  Value* equal =
      c.build.binary(ScalarOp::kEq, index, positions(c.build, x->shape()[axis], axis, x->rank()));
  return c.build.cast(equal, x->dtype());
}

Values lower_hardmax(LowerContext& c) {
  c.require_rank(0, 1);
  return {hardmax(c, c.x(0), c.axis(c.integer("axis"), c.x(0)->rank()))};
}

// One maximum over all axes from `axis` on.
Values lower_hardmax_of_rest(LowerContext& c) {
  Value* x = c.x(0);
  const int64_t given = c.integer("axis");
  const int first = given == x->rank() ? x->rank() : c.axis(given, x->rank());
  const ir::Shape& shape = x->shape();
  const ir::Shape rows = {ir::element_count({shape.begin(), shape.begin() + first}),
                          ir::element_count({shape.begin() + first, shape.end()})};
  return {c.build.reshape(hardmax(c, c.build.reshape(x, rows), 1), shape)};
}

std::vector<OpDef> versions(const char* name, bool largest) {
  OpDef old{.name = name,
            .until = 11,
            .dtypes = kNumbers,
            .attributes = {{"axis", AttributeType::kInt, int64_t{0}},
                           {"keepdims", AttributeType::kInt, int64_t{1}}},
            .lower = [largest](LowerContext& c) { return lower_index(c, largest); }};
  OpDef now = old;
  now.since = 12;
  now.until = kMaxOpset;
  now.attributes.push_back({"select_last_index", AttributeType::kInt, int64_t{0}});
  return {old, now};
}

}  // namespace

std::span<const OpDef> arg_extreme_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<OpDef> result = {{.name = "Hardmax",
                                  .until = 12,
                                  .dtypes = kFloats,
                                  .attributes = {{"axis", AttributeType::kInt, int64_t{1}}},
                                  .lower = lower_hardmax_of_rest},
                                 {.name = "Hardmax",
                                  .since = 13,
                                  .dtypes = kFloats,
                                  .attributes = {{"axis", AttributeType::kInt, int64_t{-1}}},
                                  .lower = lower_hardmax}};
    for (const auto& rows : {versions("ArgMax", true), versions("ArgMin", false)})
      result.insert(result.end(), rows.begin(), rows.end());
    return result;
  }();
  return ops;
}

}  // namespace dovetail::ops
