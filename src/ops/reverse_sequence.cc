// ReverseSequence: the first sequence_lens[b] elements along the time axis in reverse, for each b
// along the batch axis.
#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using Op = ir::ScalarOp;
using Ref = Positions::Ref;

Values lower_reverse_sequence(LowerContext& c) {
  c.require_rank(0, 2);
  c.require_rank(1, 1, 1);
  const int rank = c.x(0)->rank();
  const int batch = c.axis(c.integer("batch_axis"), rank);
  const int time = c.axis(c.integer("time_axis"), rank);
  if (batch == time) throw_error(ErrorKind::kValue, "batch_axis and time_axis are both {}", batch);
  c.require_dtype(1, ir::DType::kI64);
  ir::Shape shape = c.x(0)->shape();
  shape[batch] = common_extent(shape[batch], c.x(1)->shape()[0]);
  ir::Value* x = c.shaped(0, shape);
  Positions p(c.graph(), {x, c.shaped(1, {shape[batch]})});
  const Ref length = p.load(1, {p.index(batch)});
  std::vector<Ref> at = p.indices(rank);
  const Ref mirrored = p.sub(p.sub(length, p.number(1)), at[time]);
  at[time] = p.select(p.op(Op::kLt, at[time], length), mirrored, at[time]);
  return {p.lookup(x->shape(), p.load(0, at))};
}

}  // namespace

std::span<const OpDef> reverse_sequence_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "ReverseSequence",
       .since = 10,
       .inputs = {2, 2},
       .attributes = {{"batch_axis", AttributeType::kInt, int64_t{1}},
                      {"time_axis", AttributeType::kInt, int64_t{0}}},
       .lower = lower_reverse_sequence}};
  return ops;
}

}  // namespace dovetail::ops
