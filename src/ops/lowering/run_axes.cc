#include "ops/lowering/run_axes.h"

#include "base/error.h"
#include "ops/lowering/positions.h"

namespace dovetail::ops {

using ir::Dim;
using ir::DType;
using ir::Value;

RunAxes::RunAxes(LowerContext& c, size_t i, int rank) : c_(c), rank_(rank) {
  const Dim count = ir::element_count(c.x(i)->shape());
  if (!count.is_constant()) {
    throw_error(ErrorKind::kUnsupported,
                "{} holds {} axes: their number must be known when the model is compiled",
                c.input_text(i), count.to_string());
  }
  count_ = count.value();
  if (count_ > rank) {
    throw_error(ErrorKind::kValue, "{} holds {} axes, but {} has rank {}", c.input_text(i), count_,
                c.input_text(0), rank);
  }
  axes_ = c.build.reshape(c.build.cast(c.x(i), DType::kI64), {count});
  Value* ones = c.build.broadcast_to(c.build.integer(1), {Dim(1), count});
  mask_ = c.build.reshape(spread(ones, 0), {Dim(rank)});
  const Dim different =
      c.build.measure(c.build.reduce(ir::ReduceKind::kSum, mask_, {0}), c.output_name() + ".axes");
  const std::string text =
      fmt::format("{} must hold different axes within {}..{}", c.input_text(i), -rank, rank - 1);
  c.build.require_equal(different, count, text, /*kept=*/true);
}

// Axes out of range write nothing.
Value* RunAxes::spread(Value* values, int64_t otherwise) {
  Value* all = c_.build.broadcast_to(c_.build.integer(otherwise), {values->shape()[0], Dim(rank_)});
  Positions p(c_.graph(), {all, values, axes_});
  const auto axis = p.resolved(p.load(2, {p.index(1)}), rank_);
  return p.scatter(ir::ScatterKind::kReplace, {p.index(0), axis});
}

SplitShape split_shape(LowerContext& c, const ir::Shape& shape, const Dim& axis,
                       const std::string& text) {
  const auto rank = static_cast<int64_t>(shape.size());
  c.build.require_equal(axis, ir::min(ir::max(axis, -rank), rank - 1),
                        fmt::format("{} is out of range for rank {}", text, rank));
  const Dim from_start = ir::select_ge(axis, 0, axis, axis + Dim(rank));
  SplitShape split;
  for (int64_t i = 0; i < rank; ++i) {
    const Dim& extent = shape[i];
    split.before *= ir::select_ge(from_start, i + 1, extent, 1);
    split.extent *= ir::select_ge(from_start, i, ir::select_ge(from_start, i + 1, 1, extent), 1);
    split.behind *= ir::select_ge(from_start, i, 1, extent);
  }
  return split;
}

}  // namespace dovetail::ops
