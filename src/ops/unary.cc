// Elementwise operators of one operand without attributes: x -> y, same shape. A row each.
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;

struct Row {
  const char* name;
  ScalarOp op;
  DTypes dtypes = kFloats;
  int since = kMinOpset;
};

constexpr Row kRows[] = {
    {"Abs", ScalarOp::kAbs, kNumbers},
    {"Acos", ScalarOp::kAcos},
    {"Acosh", ScalarOp::kAcosh, kFloats, 9},
    {"Asin", ScalarOp::kAsin},
    {"Asinh", ScalarOp::kAsinh, kFloats, 9},
    {"Atan", ScalarOp::kAtan},
    {"Atanh", ScalarOp::kAtanh, kFloats, 9},
    {"BitwiseNot", ScalarOp::kNot, kInts, 18},
    {"Ceil", ScalarOp::kCeil},
    {"Cos", ScalarOp::kCos},
    {"Cosh", ScalarOp::kCosh, kFloats, 9},
    {"Erf", ScalarOp::kErf, kNumbers, 9},
    {"Exp", ScalarOp::kExp},
    {"Floor", ScalarOp::kFloor},
    {"IsNaN", ScalarOp::kIsNan, kFloats, 9},
    {"Log", ScalarOp::kLog},
    {"Neg", ScalarOp::kNeg, kFloats | kSignedInts},
    {"Not", ScalarOp::kNot, kBools, 1},
    {"Reciprocal", ScalarOp::kReciprocal},
    {"Round", ScalarOp::kRoundEven, kFloats, 11},
    {"Sigmoid", ScalarOp::kSigmoid},
    {"Sign", ScalarOp::kSign, kNumbers, 9},
    {"Sin", ScalarOp::kSin},
    {"Sinh", ScalarOp::kSinh, kFloats, 9},
    {"Sqrt", ScalarOp::kSqrt},
    {"Tan", ScalarOp::kTan},
    {"Tanh", ScalarOp::kTanh},
};

// Erf of integers: computed in double, as there is no integer erf.
Values lower_row(LowerContext& c, ScalarOp op) {
  ir::Value* x = c.x(0);
  if (op == ScalarOp::kErf && ir::is_int(x->dtype())) {
    return {c.build.cast(c.build.unary(op, c.build.cast(x, ir::DType::kF64)), x->dtype())};
  }
  return {c.build.unary(op, x)};
}

}  // namespace

std::span<const OpDef> unary_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<OpDef> result;
    for (const Row& row : kRows) {
      result.push_back({.name = row.name,
                        .since = row.since,
                        .dtypes = row.dtypes,
                        .lower = [op = row.op](LowerContext& c) { return lower_row(c, op); }});
    }
    return result;
  }();
  return ops;
}

}  // namespace dovetail::ops
