// Softmax, LogSoftmax. From opset 13 over one axis; before, over all axes from `axis` on.
#include <numeric>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;
using ir::ReduceKind;
using ir::ScalarOp;
using ir::Value;

Value* normalise(LowerContext& c, const std::vector<int>& axes, bool log) {
  const DType dtype = c.x(0)->dtype();
  const bool narrow = ir::size_of(dtype) < 4;  // half types are computed in float32
  Value* x = narrow ? c.build.cast(c.x(0), DType::kF32) : c.x(0);
  Value* max = c.build.reduce(ReduceKind::kMax, x, axes);
  Value* shifted = c.build.binary(ScalarOp::kSub, x, max);
  Value* exp = c.build.unary(ScalarOp::kExp, shifted);
  Value* sum = c.build.reduce(ReduceKind::kSum, exp, axes);
  Value* y = log ? c.build.binary(ScalarOp::kSub, shifted, c.build.unary(ScalarOp::kLog, sum))
                 : c.build.binary(ScalarOp::kDiv, exp, sum);
  return c.build.cast(y, dtype);
}

Values lower_one_axis(LowerContext& c, bool log) {
  c.require_rank(0, 1);
  return {normalise(c, {c.axis(c.integer("axis"), c.x(0)->rank())}, log)};
}

Values lower_rest(LowerContext& c, bool log) {
  const int rank = c.x(0)->rank();
  // axis = rank is allowed: every element is a row of its own.
  const int64_t given = c.integer("axis");
  const int first = given == rank ? rank : c.axis(given, rank);
  std::vector<int> axes(rank - first);
  std::iota(axes.begin(), axes.end(), first);
  return {normalise(c, axes, log)};
}

OpDef row(const char* name, bool log, bool one_axis) {
  return {.name = name,
          .since = one_axis ? 13 : kMinOpset,
          .until = one_axis ? kMaxOpset : 12,
          .dtypes = kFloats,
          .attributes = {{"axis", AttributeType::kInt, int64_t{one_axis ? -1 : 1}}},
          .lower = [=](LowerContext& c) {
            return one_axis ? lower_one_axis(c, log) : lower_rest(c, log);
          }};
}

}  // namespace

std::span<const OpDef> softmax_ops() {
  static const std::vector<OpDef> ops = {row("Softmax", false, false), row("Softmax", false, true),
                                         row("LogSoftmax", true, false),
                                         row("LogSoftmax", true, true)};
  return ops;
}

}  // namespace dovetail::ops
