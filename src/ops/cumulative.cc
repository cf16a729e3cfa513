// CumSum, CumProd: running sums and products along one axis.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;

Values cumulate(LowerContext& c, ir::ReduceKind kind) {
  c.require_rank(0, 1);
  const Ints given = c.known_ints(1);
  if (given.size() != 1) {
    throw_error(ErrorKind::kValue, "{} has shape {}, expected one element", c.input_text(1),
                ir::to_string(c.x(1)->shape()));
  }
  const int axis = c.axis(given[0], c.x(0)->rank());
  return {
      c.graph().value(ir::Cumulate{kind, axis, c.flag("exclusive"), c.flag("reverse")}, {c.x(0)})};
}

OpDef row(const char* name, int since, ir::ReduceKind kind) {
  return {.name = name,
          .since = since,
          .inputs = {2, 2},
          .dtypes = kNumbers,
          .attributes = {{"exclusive", AttributeType::kInt, int64_t{0}},
                         {"reverse", AttributeType::kInt, int64_t{0}}},
          .lower = [kind](LowerContext& c) { return cumulate(c, kind); },
          .limits = "the axis must be known when the model is compiled"};
}

}  // namespace

std::span<const OpDef> cumulative_ops() {
  static const std::vector<OpDef> ops = {row("CumSum", 11, ir::ReduceKind::kSum),
                                         row("CumProd", 26, ir::ReduceKind::kProduct)};
  return ops;
}

}  // namespace dovetail::ops
