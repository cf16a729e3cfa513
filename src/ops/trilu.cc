// Trilu: x (B..., M, N) -> the same with 0 below (upper) or above diagonal k. EyeLike: ones on
// diagonal k of a matrix of x's shape.
#include <algorithm>

#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using Op = ir::ScalarOp;
using Ref = Positions::Ref;

// A diagonal beyond is far outside every matrix all the same, and its sum with a row does not wrap.
constexpr int64_t kFar = int64_t{1} << 40;

Values lower_trilu(LowerContext& c) {
  c.require_rank(0, 2);
  ir::Value* x = c.x(0);
  const int rank = x->rank();
  Positions p(c.graph(), {x});
  Ref k = p.number(0);
  if (c.has(1)) {
    c.require_dtype(1, ir::DType::kI64);
    k = p.load(p.add_operand(c.single(1)), {});
  }
  const Ref row = p.index(rank - 2), column = p.index(rank - 1);
  const Ref diagonal = p.add(row, p.max(p.min(k, p.number(kFar)), p.number(-kFar)));
  const Ref kept = p.op(c.flag("upper") ? Op::kGe : Op::kLe, column, diagonal);
  const Ref element = p.load(0, p.indices(rank));
  return {p.lookup(x->shape(), p.select(kept, element, p.like(element, 0)))};
}

Values lower_eye_like(LowerContext& c) {
  c.require_rank(0, 2, 2);
  const ir::DType dtype =
      c.has_attribute("dtype") ? dtype_of_onnx(c.integer("dtype")) : c.x(0)->dtype();
  Positions p(c.graph(), {});
  const Ref k = p.number(std::clamp(c.integer("k"), -kFar, kFar));
  const Ref on = p.op(Op::kEq, p.add(p.index(0), k), p.index(1));
  return {p.lookup(c.x(0)->shape(), p.cast(on, dtype))};
}

}  // namespace

std::span<const OpDef> trilu_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "Trilu",
       .since = 14,
       .inputs = {1, 2},
       .attributes = {{"upper", AttributeType::kInt, int64_t{1}}},
       .lower = lower_trilu},
      {.name = "EyeLike",
       .since = 9,
       .attributes = {{"dtype", AttributeType::kInt}, {"k", AttributeType::kInt, int64_t{0}}},
       .lower = lower_eye_like}};
  return ops;
}

}  // namespace dovetail::ops
