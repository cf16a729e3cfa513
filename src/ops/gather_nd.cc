// GatherND: x (B..., D..., Z...), indices (B..., I..., K) -> (B..., I..., Z...), K coordinates for
// the axes D; ScatterND: x with updates (I..., Z...) written at indices (I..., K). Negative indices
// count from the end.
#include <fmt/format.h>

#include <algorithm>

#include "base/error.h"
#include "ops/lowering/positions.h"
#include "ops/lowering/scatter_kind.h"

namespace dovetail::ops {
namespace {

using ir::Shape;
using Refs = std::vector<Positions::Ref>;

constexpr const char* kLimits = "the last extent of indices must be known";

// K, checked against the axes of x behind the batch axes.
size_t coordinate_count(LowerContext& c, int64_t batch) {
  c.require_rank(0, 1);
  c.require_rank(1, 1);
  c.require_dtype(1, ir::DType::kI64);
  const ir::Dim& last = c.x(1)->shape().back();
  c.require_fixed(last,
                  fmt::format("the last extent of {} is {}", c.input_text(1), last.to_string()));
  const int rank = c.x(0)->rank();
  if (batch < 0 || batch >= std::min(rank, c.x(1)->rank()) || batch + last.value() > rank) {
    throw_error(ErrorKind::kValue, "{} of shape {} cannot index {} of shape {} with batch_dims {}",
                c.input_text(1), ir::to_string(c.x(1)->shape()), c.input_text(0),
                ir::to_string(c.x(0)->shape()), batch);
  }
  return static_cast<size_t>(last.value());
}

// The coordinates in x from axis `batch` on that operand `indices` holds for the position `at`.
Refs coordinates(Positions& p, int indices, Refs at, const Shape& x, size_t batch, size_t count) {
  Refs result;
  at.push_back({});
  for (size_t k = 0; k < count; ++k) {
    at.back() = p.number(static_cast<int64_t>(k));
    result.push_back(p.resolved(p.load(indices, at), x[batch + k]));
  }
  return result;
}

Values lower_gather_nd(LowerContext& c) {
  const int64_t batch_dims = c.opset() >= 12 ? c.integer("batch_dims") : 0;
  const size_t count = coordinate_count(c, batch_dims);
  const auto batch = static_cast<size_t>(batch_dims);
  Shape x = c.x(0)->shape(), indices = c.x(1)->shape();
  for (size_t i = 0; i < batch; ++i) x[i] = indices[i] = common_extent(x[i], indices[i]);
  Positions p(c.graph(), {c.shaped(0, x), c.shaped(1, indices)});
  Shape shape(indices.begin(), indices.end() - 1);
  const Refs at = p.indices(static_cast<int>(shape.size()));
  Refs from(at.begin(), at.begin() + batch_dims);
  const Refs loaded = coordinates(p, 1, at, x, batch, count);
  from.insert(from.end(), loaded.begin(), loaded.end());
  for (size_t i = batch + count; i < x.size(); ++i) {
    from.push_back(p.index(static_cast<int>(shape.size())));
    shape.push_back(x[i]);
  }
  return {p.lookup(shape, p.load(0, from))};
}

Values lower_scatter_nd(LowerContext& c) {
  c.require_same_dtype(2);
  const size_t count = coordinate_count(c, 0);
  const Shape& x = c.x(0)->shape();
  Shape expected(c.x(1)->shape().begin(), c.x(1)->shape().end() - 1);
  const int outer = static_cast<int>(expected.size());
  expected.insert(expected.end(), x.begin() + static_cast<std::ptrdiff_t>(count), x.end());
  // The scatter's operand 1 is its updates.
  Positions p(c.graph(), {c.x(0), c.shaped(2, expected), c.x(1)});
  Refs to = coordinates(p, 2, p.indices(outer), x, 0, count);
  for (int i = outer; i < static_cast<int>(expected.size()); ++i) to.push_back(p.index(i));
  return {p.scatter(scatter_kind(c), to)};
}

}  // namespace

std::span<const OpDef> gather_nd_ops() {
  const AttributeDef reduction{"reduction", AttributeType::kText, "none"};
  static const std::vector<OpDef> ops = {
      {.name = "GatherND",
       .since = 11,
       .inputs = {2, 2},
       .attributes = {{"batch_dims", AttributeType::kInt, int64_t{0}}},
       .lower = lower_gather_nd,
       .limits = kLimits},
      {.name = "ScatterND",
       .since = 11,
       .inputs = {3, 3},
       .attributes = {reduction},
       .lower = lower_scatter_nd,
       .limits = kLimits}};
  return ops;
}

}  // namespace dovetail::ops
