// OneHot: indices (I...), depth, values (off, on) -> (I..., depth) with the new axis anywhere; an
// index below 0 counts from the end, one out of range is off everywhere, fractions are cut off.
#include "base/error.h"
#include "ops/lowering/fold.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Value;
using Op = ir::ScalarOp;
using Ref = Positions::Ref;

Dim depth_of(LowerContext& c) {
  if (ir::is_int(c.x(1)->dtype())) return c.extent(1);
  Value* depth = c.single(1);
  if (const auto known = c.peek_tensor(1)) {
    if (!(known->as_double(0) >= 0 && known->as_double(0) <= INT32_MAX)) {
      throw_error(ErrorKind::kValue, "{} is {}, expected 0 to {}", c.input_text(1),
                  known->as_double(0), INT32_MAX);
    }
    return static_cast<int64_t>(c.known_scalar(1));
  }
  Value* whole = c.build.cast(depth, DType::kI64);
  return integers_of(c.build, whole, c.input_text(1), /*signs=*/false).front();
}

Values lower_one_hot(LowerContext& c) {
  const Dim depth = depth_of(c);
  const int rank = c.x(0)->rank() + 1;
  const int axis = c.axis(c.integer("axis"), rank);
  ir::Shape shape = c.x(0)->shape();
  shape.insert(shape.begin() + axis, depth);
  Positions p(c.graph(), {c.x(0), c.shaped(2, {2})});
  std::vector<Ref> at = p.indices(rank);
  at.erase(at.begin() + axis);
  const Ref index = p.resolved(p.load(0, at), depth);
  const Ref hit = p.op(Op::kEq, index, p.index(axis));
  return {p.lookup(shape, p.load(1, {p.cast(hit, DType::kI64)}))};
}

}  // namespace

std::span<const OpDef> one_hot_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "OneHot",
       .since = 9,
       .inputs = {3, 3},
       .dtypes = kNumbers,
       .attributes = {{"axis", AttributeType::kInt, int64_t{-1}}},
       .lower = lower_one_hot}};
  return ops;
}

}  // namespace dovetail::ops
