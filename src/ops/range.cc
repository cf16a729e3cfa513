// Range: start, start + delta, ... before limit.
#include <algorithm>
#include <cmath>

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;

constexpr int64_t kMaxCount = int64_t{1} << 24;

void require_moderate(double count) {
  if (count <= kMaxCount) return;
  throw_error(ErrorKind::kUnsupported, "Range of {} elements; at most {} are supported", count,
              kMaxCount);
}

Values lower_floats(LowerContext& c) {
  const double start = c.known_scalar(0), limit = c.known_scalar(1), delta = c.known_scalar(2);
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
  return {p.lookup({static_cast<int64_t>(count)}, p.cast(value, dtype))};
}

Values lower_range(LowerContext& c) {
  c.require_same_dtype(1);
  c.require_same_dtype(2);
  if (ir::is_float(c.x(0)->dtype())) return lower_floats(c);
  const Ints delta = c.known_ints(2);
  const std::vector<Dim> start = c.known_dims(0), limit = c.known_dims(1);
  if (delta.size() != 1 || start.size() != 1 || limit.size() != 1) {
    throw_error(ErrorKind::kValue, "start, limit and delta must be scalars");
  }
  const int64_t step = delta[0];
  if (step == 0 || step == INT64_MIN) throw_error(ErrorKind::kValue, "delta is {}", step);
  const Dim span = step > 0 ? limit[0] - start[0] : start[0] - limit[0];
  Dim count = ir::ceildiv(span, step > 0 ? step : -step);
  if (!proved_ge(count, 0, c.graph().symbols)) count = ir::max(count, 0);
  if (count.is_constant()) require_moderate(static_cast<double>(count.value()));
  Positions p(c.graph(), {});
  const auto value = p.add(p.dim(start[0]), p.mul(p.index(0), p.number(step)));
  return {p.lookup({count}, p.cast(value, c.x(0)->dtype()))};
}

OpDef range_def(int since, int until, std::vector<AttributeDef> attributes) {
  return {.name = "Range",
          .since = since,
          .until = until,
          .inputs = {3, 3},
          .dtypes = kFloats | bit(DType::kI16) | bit(DType::kI32) | bit(DType::kI64),
          .attributes = std::move(attributes),
          .lower = lower_range,
          .limits = "start, limit and delta must follow from constants and shapes"};
}

}  // namespace

std::span<const OpDef> range_ops() {
  static const std::vector<OpDef> ops = {
      range_def(11, 26, {}),
      range_def(27, kMaxOpset, {{"stash_type", AttributeType::kInt, int64_t{1}}})};
  return ops;
}

}  // namespace dovetail::ops
