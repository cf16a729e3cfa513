// DepthToSpace: (N, b*b*C, H, W) -> (N, C, b*H, b*W); SpaceToDepth goes back. The places of a
// block come before the channels (DCR) or behind them (CRD).
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::Shape;

int64_t block_size(LowerContext& c) {
  c.require_rank(0, 4, 4);
  const int64_t block = c.integer("blocksize");
  if (block < 1) throw_error(ErrorKind::kValue, "blocksize is {}", block);
  return block;
}

ir::Value* divisible(LowerContext& c, ir::Value* x, int axis, const Dim& divisor) {
  return c.build.divisible(
      x, axis, divisor,
      fmt::format("axis {} of {} has extent {}, which is no multiple of {}", axis, c.input_text(0),
                  x->shape()[axis].to_string(), divisor.to_string()));
}

// Versions before `since` have no choice.
bool is_depth_first(LowerContext& c, int since) {
  const std::string mode = c.opset() >= since ? c.text("mode") : "DCR";
  if (mode == "DCR" || mode == "CRD") return mode == "DCR";
  throw_error(ErrorKind::kValue, "mode is '{}', expected DCR or CRD", mode);
}

Values lower_depth_to_space(LowerContext& c) {
  const Dim b = block_size(c);
  ir::Value* given = divisible(c, c.x(0), 1, b * b);
  const Shape& x = given->shape();
  const Dim channels = ir::floordiv(x[1], b * b);
  const bool depth_first = is_depth_first(c, 11);
  const Shape apart = depth_first ? Shape{x[0], b, b, channels, x[2], x[3]}
                                  : Shape{x[0], channels, b, b, x[2], x[3]};
  ir::Value* y = c.build.reshape(given, apart);
  y = c.build.permute(
      y, depth_first ? std::vector<int>{0, 3, 4, 1, 5, 2} : std::vector<int>{0, 1, 4, 2, 5, 3});
  return {c.build.reshape(y, {x[0], channels, x[2] * b, x[3] * b})};
}

Values lower_space_to_depth(LowerContext& c) {
  const Dim b = block_size(c);
  ir::Value* given = divisible(c, divisible(c, c.x(0), 2, b), 3, b);
  const Shape& x = given->shape();
  const Dim height = ir::floordiv(x[2], b), width = ir::floordiv(x[3], b);
  ir::Value* y = c.build.reshape(given, {x[0], x[1], height, b, width, b});
  y = c.build.permute(y, is_depth_first(c, 28) ? std::vector<int>{0, 3, 5, 1, 2, 4}
                                               : std::vector<int>{0, 1, 3, 5, 2, 4});
  return {c.build.reshape(y, {x[0], x[1] * b * b, height, width})};
}

}  // namespace

std::span<const OpDef> depth_to_space_ops() {
  const std::vector<AttributeDef> attributes{{"blocksize", AttributeType::kInt, {}, true},
                                             {"mode", AttributeType::kText, "DCR"}};
  static const std::vector<OpDef> ops = {
      {.name = "DepthToSpace", .attributes = attributes, .lower = lower_depth_to_space},
      {.name = "SpaceToDepth", .attributes = attributes, .lower = lower_space_to_depth}};
  return ops;
}

}  // namespace dovetail::ops
