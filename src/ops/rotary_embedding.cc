// RotaryEmbedding: pairs of elements of each head turned by an angle that follows the position.
//   x (B, H, S, D) or, heads side by side, (B, S, H*D) -> y like x
//   cos, sin (positions, R/2) with position_ids (B, S), or (B, S, R/2) without
// The first R elements of a head are turned, all of them when rotary_embedding_dim is 0: element i
// with element i + R/2, or interleaved, element 2i with element 2i + 1.
#include <fmt/format.h>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;

enum Input : uint8_t { kX, kCos, kSin, kPositions };

std::string unpaired(const Dim& turned, const Dim& size) {
  return fmt::format("{} elements of heads of {} cannot be turned in pairs", turned.to_string(),
                     size.to_string());
}

void check(LowerContext& c) {
  c.require_rank(kX, 3, 4);
  for (const size_t input : {kCos, kSin}) {
    const int rank = c.has(kPositions) ? 2 : 3;
    c.require_rank(input, rank, rank);
    c.require_same_dtype(input);
  }
  if (c.has(kPositions)) c.require_rank(kPositions, 2, 2);
}

// x as (B, H, S, D) or (B, S, H, D), D even where all of a head is turned.
Value* by_heads(LowerContext& c) {
  Shape shape = c.x(kX)->shape();
  const bool apart = shape.size() == 4;
  const int64_t heads = apart ? 1 : c.has_attribute("num_heads") ? c.integer("num_heads") : 0;
  const std::string text =
      fmt::format("num_heads is {}, which does not divide the {} columns of {}", heads,
                  shape.back().to_string(), c.input_text(kX));
  if (heads < 1) throw_error(ErrorKind::kValue, "{}", text);
  const bool whole = c.integer("rotary_embedding_dim") == 0;
  const Dim& half = c.x(kCos)->shape().back();
  if (whole && half.is_constant() && !shape.back().is_constant()) {
    shape.back() = half * Dim(2) * Dim(heads);
  }
  const auto axis = static_cast<int>(shape.size()) - 1;
  Value* x = c.build.divisible(c.shaped(kX, shape), axis, heads, text);
  if (!apart) {
    const Shape& s = x->shape();
    x = c.build.reshape(x, {s[0], s[1], heads, ir::floordiv(s[2], heads)});
  }
  return whole ? c.build.divisible(x, 3, 2, unpaired(x->shape()[3], x->shape()[3])) : x;
}

// A cache as an operand of x: (B, 1, S, half) or (B, S, 1, half).
Value* angles(LowerContext& c, size_t input, const Dim& half) {
  Shape shape = c.x(input)->shape();
  const std::string text = fmt::format("{} has {} columns, expected half of the turned elements",
                                       c.input_text(input), shape.back().to_string());
  shape.back() = half;
  Value* cache = c.build.asserted(c.x(input), shape, text);
  if (c.has(kPositions)) cache = c.graph().value(ir::Gather{0}, {cache, c.x(kPositions)});
  shape = cache->shape();
  const bool heads_first = c.x(kX)->rank() == 4;
  return c.build.reshape(cache, heads_first ? Shape{shape[0], Dim(1), shape[1], half}
                                            : Shape{shape[0], shape[1], Dim(1), half});
}

// a * p + b * q, or a * p - b * q
Value* combined(LowerContext& c, ScalarOp op, const Values& v) {
  return c.build.elementwise(v, [&](auto& e, const auto& x) {
    return e.binary(op, e.binary(ScalarOp::kMul, x[0], x[1]), e.binary(ScalarOp::kMul, x[2], x[3]));
  });
}

Values lower_rotary_embedding(LowerContext& c) {
  check(c);
  Value* x = by_heads(c);
  const Dim& size = x->shape()[3];
  const int64_t given = c.integer("rotary_embedding_dim");
  const Dim turned = given ? Dim(given) : size;
  const std::string text = unpaired(turned, size);
  if (given < 0 || given % 2 != 0) throw_error(ErrorKind::kValue, "{}", text);
  c.build.require_equal(ir::max(size, turned), size, text);
  const Dim half = ir::floordiv(turned, 2);
  const bool interleaved = c.flag("interleaved");
  Value* first = c.build.slice(x, 3, 0, half, interleaved ? 2 : 1);
  Value* second = c.build.slice(x, 3, interleaved ? Dim(1) : half, half, interleaved ? 2 : 1);
  Value* cos = angles(c, kCos, half);
  Value* sin = angles(c, kSin, half);
  Values parts{combined(c, ScalarOp::kSub, {first, cos, second, sin}),
               combined(c, ScalarOp::kAdd, {first, sin, second, cos})};
  Value* y = nullptr;
  if (interleaved) {
    Shape pair = parts[0]->shape();
    pair.emplace_back(1);
    for (Value*& part : parts) part = c.build.reshape(part, pair);
    pair.pop_back();
    pair.back() = turned;
    y = c.build.reshape(c.build.concat(parts, 4), pair);
  } else {
    y = c.build.concat(parts, 3);
  }
  if (turned != size) y = c.build.concat({y, c.build.slice(x, 3, turned, size - turned)}, 3);
  return {c.build.reshape(y, c.x(kX)->shape())};
}

}  // namespace

std::span<const OpDef> rotary_embedding_ops() {
  static const std::vector<OpDef> ops = {
      {.name = "RotaryEmbedding",
       .since = 23,
       .inputs = {3, 4},
       .dtypes = kFloats,
       .attributes = {{"interleaved", AttributeType::kInt, int64_t{0}},
                      {"num_heads", AttributeType::kInt},
                      {"rotary_embedding_dim", AttributeType::kInt, int64_t{0}}},
       .lower = lower_rotary_embedding}};
  return ops;
}

}  // namespace dovetail::ops
