// CumSum, CumProd: running sums and products along one axis.
#include "ops/lowering/run_axes.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::Value;

Values cumulate(LowerContext& c, ir::ReduceKind kind) {
  c.require_rank(0, 1);
  const Dim given = c.known_dim(1);
  const bool exclusive = c.flag("exclusive"), reverse = c.flag("reverse");
  Value* x = c.x(0);
  if (given.is_constant()) {
    const int axis = c.axis(given.value(), x->rank());
    return {c.graph().value(ir::Cumulate{kind, axis, exclusive, reverse}, {x})};
  }
  // Whichever axis it is, it stands between those before and those behind it.
  const SplitShape split = split_shape(c, x->shape(), given, c.input_text(1));
  Value* y = c.graph().value(ir::Reshape{{split.before, split.extent, split.behind}}, {x});
  y = c.graph().value(ir::Cumulate{kind, 1, exclusive, reverse}, {y});
  return {c.graph().value(ir::Reshape{x->shape()}, {y})};
}

OpDef row(const char* name, int since, ir::ReduceKind kind) {
  return {.name = name,
          .since = since,
          .inputs = {2, 2},
          .dtypes = kNumbers,
          .attributes = {{"exclusive", AttributeType::kInt, int64_t{0}},
                         {"reverse", AttributeType::kInt, int64_t{0}}},
          .lower = [kind](LowerContext& c) { return cumulate(c, kind); }};
}

}  // namespace

std::span<const OpDef> cumulative_ops() {
  static const std::vector<OpDef> ops = {row("CumSum", 11, ir::ReduceKind::kSum),
                                         row("CumProd", 26, ir::ReduceKind::kProduct)};
  return ops;
}

}  // namespace dovetail::ops
