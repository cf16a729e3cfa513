// Range: start, start + delta, ... before limit.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::ScalarOp;
using ir::TensorData;
using ir::Value;

constexpr int64_t kMaxCount = int64_t{1} << 24;

// start + i * delta for i = 0, 1, ..., count - 1
Value* progression(LowerContext& c, const Dim& count, Value* start, Value* delta) {
  const DType dtype = c.x(0)->dtype();
  return c.build.elementwise({c.build.count_up(count), start, delta}, [&](auto& e, const auto& v) {
    return e.binary(ScalarOp::kAdd, v[1], e.binary(ScalarOp::kMul, e.cast(v[0], dtype), v[2]));
  });
}

// The number of elements is computed and measured. A delta of 0 gives none.
Value* at_run(LowerContext& c, const Values& scalars) {
  const DType dtype = c.x(0)->dtype();
  Value* number = c.build.elementwise(scalars, [&](auto& e, const auto& v) {
    const auto wide = [&](const auto& x) { return e.cast(x, DType::kF64); };
    const auto span = e.binary(ScalarOp::kSub, wide(v[1]), wide(v[0]));
    const auto count = e.unary(ScalarOp::kCeil, e.binary(ScalarOp::kDiv, span, wide(v[2])));
    const auto whole =
        e.cast(e.binary(ScalarOp::kMax, count, e.constant(0.0, DType::kF64)), DType::kI64);
    const auto zero = e.cast(e.constant(0.0, DType::kF64), dtype);
    return e.select(e.binary(ScalarOp::kNe, v[2], zero), whole,
                    e.constant(int64_t{0}, DType::kI64));
  });
  const Dim measured = c.build.measure(number, c.output_name() + ".count");
  return progression(c, measured, scalars[0], scalars[2]);
}

void require_moderate(double count) {
  if (count <= kMaxCount) return;
  throw_error(ErrorKind::kUnsupported, "Range of {} elements; at most {} are supported", count,
              kMaxCount);
}

Value* of_reals(LowerContext& c, double start, double limit, double delta) {
  if (delta == 0 || std::isnan(start + limit + delta)) {
    throw_error(ErrorKind::kValue, "Range of {} to {} by {}", start, limit, delta);
  }
  const double count = std::max(0.0, std::ceil((limit - start) / delta));
  require_moderate(count);
  Positions p(c.graph(), {});
  auto& e = p.expr();
  // Half precision is computed in float32.
  const DType dtype = c.x(0)->dtype();
  const DType wide = dtype == DType::kF64 ? dtype : DType::kF32;
  const auto offset = p.mul(p.cast(p.index(0), wide), e.constant(delta, wide));
  const auto value = p.add(e.constant(start, wide), offset);
  return p.lookup({static_cast<int64_t>(count)}, p.cast(value, dtype));
}

Value* of_dims(LowerContext& c, const Dim& start, const Dim& limit, int64_t step) {
  if (step == 0 || step == INT64_MIN) throw_error(ErrorKind::kValue, "delta is {}", step);
  const Dim span = step > 0 ? limit - start : start - limit;
  Dim count = ir::ceildiv(span, step > 0 ? step : -step);
  if (!proved_ge(count, 0, c.graph().symbols)) count = ir::max(count, 0);
  if (count.is_constant()) require_moderate(static_cast<double>(count.value()));
  Positions p(c.graph(), {});
  const auto value = p.add(p.dim(start), p.mul(p.index(0), p.number(step)));
  return p.lookup({count}, p.cast(value, c.x(0)->dtype()));
}

Values lower_range(LowerContext& c) {
  c.require_same_dtype(1);
  c.require_same_dtype(2);
  const Values scalars{c.single(0), c.single(1), c.single(2)};
  bool known = true, expressions = true;
  for (size_t i = 0; i < 3; ++i) {
    known = known && c.peek_tensor(i).has_value();
    expressions = expressions && c.x(i)->elements && !c.x(i)->measured;
  }
  if (ir::is_float(c.x(0)->dtype())) {
    if (!known) return {at_run(c, scalars)};
    return {of_reals(c, c.known_scalar(0), c.known_scalar(1), c.known_scalar(2))};
  }
  if (!known && !expressions) return {at_run(c, scalars)};
  const Dim delta = c.known_dims(2)[0];
  if (!delta.is_constant()) return {at_run(c, scalars)};
  return {of_dims(c, c.known_dims(0)[0], c.known_dims(1)[0], delta.value())};
}

OpDef range_def(int since, int until, std::vector<AttributeDef> attributes) {
  return {.name = "Range",
          .since = since,
          .until = until,
          .inputs = {3, 3},
          .dtypes = kFloats | bit(DType::kI16) | bit(DType::kI32) | bit(DType::kI64),
          .attributes = std::move(attributes),
          .lower = lower_range};
}

}  // namespace

std::span<const OpDef> range_ops() {
  static const std::vector<OpDef> ops = {
      range_def(11, 26, {}),
      range_def(27, kMaxOpset, {{"stash_type", AttributeType::kInt, int64_t{1}}})};
  return ops;
}

}  // namespace dovetail::ops
