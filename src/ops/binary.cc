// Elementwise operators of two operands, or of any number, with numpy's broadcasting. A row each.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::ScalarOp;

struct Row {
  const char* name;
  ScalarOp op;
  DTypes dtypes = kNumbers;
  int since = kMinOpset;
  bool variadic = false;
};

constexpr Row kRows[] = {
    {"Add", ScalarOp::kAdd},
    {"Sub", ScalarOp::kSub},
    {"Mul", ScalarOp::kMul},
    {"Div", ScalarOp::kDiv},
    {"And", ScalarOp::kAnd, kBools},
    {"Or", ScalarOp::kOr, kBools},
    {"Xor", ScalarOp::kXor, kBools},
    {"BitwiseAnd", ScalarOp::kAnd, kInts, 18},
    {"BitwiseOr", ScalarOp::kOr, kInts, 18},
    {"BitwiseXor", ScalarOp::kXor, kInts, 18},
    {"Equal", ScalarOp::kEq, kEvery},
    {"Less", ScalarOp::kLt},
    {"Greater", ScalarOp::kGt},
    {"LessOrEqual", ScalarOp::kLe, kNumbers, 12},
    {"GreaterOrEqual", ScalarOp::kGe, kNumbers, 12},
    {"Sum", ScalarOp::kAdd, kFloats, kMinOpset, true},
    {"Max", ScalarOp::kMax, kNumbers, kMinOpset, true},
    {"Min", ScalarOp::kMin, kNumbers, kMinOpset, true},
};

ir::Value* chain(LowerContext& c, ScalarOp op, double factor) {
  for (size_t i = 0; i < c.input_count(); ++i) c.require_same_dtype(i);
  if (c.input_count() == 1) return c.x(0);
  return c.build.elementwise(c.inputs(), [&](ir::ExprBuilder& e, const auto& v) {
    auto result = v[0];
    for (size_t i = 1; i < v.size(); ++i) result = e.binary(op, result, v[i]);
    if (factor == 1) return result;
    return e.binary(ScalarOp::kMul, result, e.constant(factor, c.x(0)->dtype()));
  });
}

Values lower_mean(LowerContext& c) {
  return {chain(c, ScalarOp::kAdd, 1.0 / static_cast<double>(c.input_count()))};
}

Values lower_mod(LowerContext& c) {
  c.require_same_dtype(1);
  const bool of_floats = ir::is_float(c.x(0)->dtype());
  if (!c.flag("fmod") && of_floats && c.opset() < 28) {
    throw_error(ErrorKind::kValue, "fmod is 0, but Mod of {} needs fmod = 1 before opset 28",
                ir::name_of(c.x(0)->dtype()));
  }
  return {c.build.binary(c.flag("fmod") ? ScalarOp::kRem : ScalarOp::kFloorMod, c.x(0), c.x(1))};
}

// Shifts by a negative count, or by the width or more, leave only the sign's extension: that is
// what the scalar operations do.
Values lower_bit_shift(LowerContext& c) {
  c.require_same_dtype(1);
  const std::string& direction = c.text("direction");
  if (direction != "LEFT" && direction != "RIGHT") {
    throw_error(ErrorKind::kValue, "direction is '{}', expected 'LEFT' or 'RIGHT'", direction);
  }
  return {c.build.binary(direction == "LEFT" ? ScalarOp::kShl : ScalarOp::kShr, c.x(0), c.x(1))};
}

}  // namespace

std::span<const OpDef> binary_ops() {
  static const std::vector<OpDef> ops = [] {
    std::vector<OpDef> result;
    for (const Row& row : kRows) {
      result.push_back(
          {.name = row.name,
           .since = row.since,
           .inputs = row.variadic ? Count{1, kAnyNumber} : Count{2, 2},
           .dtypes = row.dtypes,
           .lower = [op = row.op](LowerContext& c) { return Values{chain(c, op, 1)}; }});
    }
    result.push_back(
        {.name = "Mean", .inputs = {1, kAnyNumber}, .dtypes = kFloats, .lower = lower_mean});
    result.push_back({.name = "Mod",
                      .since = 10,
                      .inputs = {2, 2},
                      .dtypes = kNumbers,
                      .attributes = {{"fmod", AttributeType::kInt, int64_t{0}}},
                      .lower = lower_mod});
    result.push_back({.name = "BitShift",
                      .since = 11,
                      .inputs = {2, 2},
                      .dtypes = kInts,
                      .attributes = {{"direction", AttributeType::kText, {}, true}},
                      .lower = lower_bit_shift});
    return result;
  }();
  return ops;
}

}  // namespace dovetail::ops
