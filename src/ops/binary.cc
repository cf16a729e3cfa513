// Elementwise operators of two operands, or of any number, with numpy's broadcasting. A row each.
#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::DType;
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
  if (!c.flag("fmod") && ir::is_float(c.x(0)->dtype())) {
    throw_error(ErrorKind::kValue, "fmod is 0, but Mod of {} needs fmod = 1",
                ir::name_of(c.x(0)->dtype()));
  }
  return {c.build.binary(c.flag("fmod") ? ScalarOp::kRem : ScalarOp::kFloorMod, c.x(0), c.x(1))};
}

// Shifts by the width or more give 0, which the processor's shift does not.
Values lower_bit_shift(LowerContext& c) {
  c.require_same_dtype(1);
  const std::string& direction = c.text("direction");
  if (direction != "LEFT" && direction != "RIGHT") {
    throw_error(ErrorKind::kValue, "direction is '{}', expected 'LEFT' or 'RIGHT'", direction);
  }
  const DType dtype = c.x(0)->dtype();
  const int64_t width = 8 * ir::size_of(dtype);
  return {c.build.elementwise({c.x(0), c.x(1)}, [&](ir::ExprBuilder& e, const auto& v) {
    const auto inside = e.binary(ScalarOp::kLt, v[1], e.constant(width, dtype));
    const auto zero = e.constant(int64_t{0}, dtype);
    const auto by = e.select(inside, v[1], zero);
    const auto shifted = e.binary(direction == "LEFT" ? ScalarOp::kShl : ScalarOp::kShr, v[0], by);
    return e.select(inside, shifted, zero);
  })};
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
                      .dtypes = kUnsignedInts,
                      .attributes = {{"direction", AttributeType::kText, {}, true}},
                      .lower = lower_bit_shift});
    return result;
  }();
  return ops;
}

}  // namespace dovetail::ops
