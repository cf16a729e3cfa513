// MatMul with numpy's rules: a (..., M, K), b (..., K, N) -> (..., M, N); a vector is a row on the
// left, a column on the right, and its axis goes again.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;
using ir::Value;

Shape outer(const Value* x) { return Shape(x->shape().begin(), x->shape().end() - 2); }

Shape joined(Shape outer, const Dim& rows, const Dim& columns) {
  outer.push_back(rows);
  outer.push_back(columns);
  return outer;
}

Value* contract(LowerContext& c, Value* a, Value* b, size_t batch) {
  return c.graph().value(
      ir::Contract{.batch = static_cast<int>(batch), .window = {}, .epilogue = {}}, {a, b});
}

// a (..., M, K), b (..., K, N), each of rank 2 or more
Value* product(LowerContext& c, Value* a, Value* b) {
  const Dim rows = a->shape()[a->rank() - 2], inner = a->shape()[a->rank() - 1];
  const Dim columns = b->shape()[b->rank() - 1];
  const Shape shape = broadcast_shape(outer(a), outer(b));
  const Shape ones_b = outer(b);
  if (std::all_of(ones_b.begin(), ones_b.end(), [](const Dim& d) { return d == Dim(1); })) {
    // One matrix on the right: all rows of the left are one.
    a = c.build.reshape(a, {ir::element_count(outer(a)) * rows, inner});
    b = c.build.reshape(b, {inner, columns});
    return c.build.reshape(contract(c, a, b, 0), joined(shape, rows, columns));
  }
  a = c.build.broadcast_to(a, joined(shape, rows, inner));
  b = c.build.broadcast_to(b, joined(shape, inner, columns));
  return contract(c, a, b, shape.size());
}

Values lower_matmul(LowerContext& c) {
  c.require_rank(0, 1);
  c.require_rank(1, 1);
  c.require_same_dtype(1);
  Value* a = c.x(0);
  Value* b = c.x(1);
  const bool row = a->rank() == 1, column = b->rank() == 1;
  if (row) a = c.build.reshape(a, {Dim(1), a->shape()[0]});
  if (column) b = c.build.reshape(b, {b->shape()[0], Dim(1)});
  Shape left = a->shape(), right = b->shape();
  left.back() = right[right.size() - 2] = common_extent(right[right.size() - 2], left.back());
  const std::string text =
      fmt::format("{} of shape {} and {} of shape {} cannot be multiplied", c.input_text(0),
                  ir::to_string(c.x(0)->shape()), c.input_text(1), ir::to_string(c.x(1)->shape()));
  a = c.build.asserted(a, left, text);
  b = c.build.asserted(b, right, text);
  Value* y = product(c, a, b);
  Shape shape = y->shape();
  if (column) shape.pop_back();
  if (row) shape.erase(shape.end() - (column ? 1 : 2));
  return {c.build.reshape(y, shape)};
}

}  // namespace

std::span<const OpDef> matmul_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "MatMul", .inputs = {2, 2}, .dtypes = kNumbers, .lower = lower_matmul}};
  return ops;
}

}  // namespace dovetail::ops
