// Attention: y = softmax(q k^T * scale, soft-capped and masked) v, for each head.
//   q (B, H, S, D), k (B, G, T, D), v (B, G, T, E) -> y (B, H, S, E), H a multiple of G; or with
//   the heads side by side in each row: q (B, S, H*D) and so on -> y (B, S, H*E) past_key (B, G, P,
//   D), past_value (B, G, P, E) stand before k and v
// The H/G heads that share a key are rows of one product.
#include <fmt/format.h>

#include <cmath>
#include <limits>

#include "base/error.h"
#include "ops/lowering/context.h"
#include "ops/lowering/standardize.h"

namespace dovetail::ops {
namespace {

using ir::Dim;
using ir::DType;
using ir::ExprBuilder;
using ir::ReduceKind;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;
using Ref = ExprBuilder::Ref;

enum Input : uint8_t { kQ, kK, kV, kMask, kPastKey, kPastValue, kLengths };
enum Output : uint8_t { kY, kPresentKey, kPresentValue, kScores };
enum ScoresMode : uint8_t { kProduct, kCapped, kMasked, kProbabilities };

class AttentionLowering {
 public:
  explicit AttentionLowering(LowerContext& c) : c_(c) {}

  Values run() {
    check();
    q_ = heads(kQ, "q_num_heads");
    key_ = joined(heads(kK, "kv_num_heads"), kPastKey);
    value_ = joined(heads(kV, "kv_num_heads"), kPastValue);
    agree();
    share_heads();
    compute_ = computing_type(q_->dtype());
    Value* scores = product(c_.build.cast(q_, compute_), transposed(c_.build.cast(key_, compute_)));
    scores = scaled(scores);
    keep(kProduct, scores);
    scores = capped(scores);
    keep(kCapped, scores);
    scores = masked(scores);
    keep(kMasked, scores);
    Value* probabilities = softmax(scores);
    keep(kProbabilities, probabilities);
    Value* y = product(probabilities, c_.build.cast(value_, compute_));
    Values results{c_.build.cast(rows(y), c_.x(kQ)->dtype())};
    results.push_back(key_);
    results.push_back(value_);
    if (c_.wants(kScores)) results.push_back(c_.build.cast(kept_, c_.x(kQ)->dtype()));
    return results;
  }

 private:
  void check() {
    const int rank = c_.x(kQ)->rank();
    c_.require_rank(kQ, 3, 4);
    c_.require_rank(kK, rank, rank);
    c_.require_rank(kV, rank, rank);
    c_.require_same_dtype(kK);
    if (c_.has(kPastKey) != c_.has(kPastValue))
      throw_error(ErrorKind::kValue, "past_key and past_value are given together or not at all");
    if (c_.has(kPastKey)) {
      c_.require_rank(kPastKey, 4, 4);
      c_.require_rank(kPastValue, 4, 4);
      c_.require_dtype(kPastKey, c_.x(kK)->dtype());
      c_.require_dtype(kPastValue, c_.x(kV)->dtype());
    }
    if (c_.has(kLengths)) c_.require_dtype(kLengths, DType::kI64);
    if (c_.has(kLengths) && c_.has(kPastKey))
      throw_error(ErrorKind::kValue, "nonpad_kv_seqlen and past_key exclude each other");
    const int64_t mode = c_.integer("qk_matmul_output_mode");
    if (mode < kProduct || mode > kProbabilities)
      throw_error(ErrorKind::kValue, "qk_matmul_output_mode is {}, expected 0 to 3", mode);
  }

  // (B, heads, rows, size)
  Value* heads(size_t input, const char* attribute) {
    Value* x = c_.x(input);
    if (x->rank() == 4) return x;
    const int64_t count = c_.has_attribute(attribute) ? c_.integer(attribute) : 0;
    const std::string text =
        fmt::format("{} is {}, which does not divide the {} columns of {}", attribute, count,
                    x->shape()[2].to_string(), c_.input_text(input));
    if (count < 1) throw_error(ErrorKind::kValue, "{}", text);
    x = c_.build.divisible(x, 2, count, text);
    const Shape& shape = x->shape();
    x = c_.build.reshape(x, {shape[0], shape[1], count, ir::floordiv(shape[2], count)});
    return c_.build.permute(x, {0, 2, 1, 3});
  }

  Value* joined(Value* x, size_t past) {
    return c_.has(past) ? c_.build.concat({c_.x(past), x}, 2) : x;
  }

  // Queries, keys and values have one batch, queries and keys one size, keys and values one number.
  void agree() {
    Shape q = q_->shape(), k = key_->shape(), v = value_->shape();
    const std::string text =
        fmt::format("queries of shape {}, keys of shape {} and values of shape {} do not fit",
                    ir::to_string(q), ir::to_string(k), ir::to_string(v));
    q[0] = k[0] = v[0] = common_extent(common_extent(q[0], k[0]), v[0]);
    q[3] = k[3] = common_extent(q[3], k[3]);
    for (const int axis : {1, 2}) k[axis] = v[axis] = common_extent(k[axis], v[axis]);
    q_ = c_.build.asserted(q_, q, text);
    key_ = c_.build.asserted(key_, k, text);
    value_ = c_.build.asserted(value_, v, text);
  }

  // As many queries share each key.
  void share_heads() {
    const Dim& queries = q_->shape()[1];
    const Dim& keys = key_->shape()[1];
    const std::string text = fmt::format("{} heads of queries for {} of keys and values",
                                         queries.to_string(), keys.to_string());
    if (queries == keys) return;
    c_.require_fixed(keys, text);
    if (keys == Dim(0)) throw_error(ErrorKind::kValue, "{}", text);
    q_ = c_.build.divisible(q_, 1, keys, text + ", expected a multiple");
  }

  Value* transposed(Value* x) { return c_.build.permute(x, {0, 1, 3, 2}); }

  // x (B, H, M, K) times m (B, G, K, N) -> (B, H, M, N)
  Value* product(Value* x, Value* m) {
    const Shape& shape = x->shape();
    const Dim& groups = m->shape()[1];
    Shape result{shape[0], shape[1], shape[2], m->shape()[3]};
    const Dim rows = ir::floordiv(shape[1], groups) * shape[2];
    x = c_.build.reshape(x, {shape[0], groups, rows, shape[3]});
    Value* y = c_.graph().value(ir::Contract{.batch = 2, .window = {}, .epilogue = {}}, {x, m});
    return c_.build.reshape(y, result);
  }

  Value* scaled(Value* scores) {
    const Dim& size = q_->shape()[3];
    if (!c_.has_attribute("scale") && !size.is_constant()) {
      return c_.build.elementwise({scores, c_.build.integer(size)}, [&](auto& e, const auto& v) {
        const Ref root = e.unary(ScalarOp::kSqrt, e.cast(v[1], compute_));
        return e.binary(ScalarOp::kDiv, v[0], root);
      });
    }
    const double scale = c_.has_attribute("scale")
                             ? c_.real("scale")
                             : 1 / std::sqrt(static_cast<double>(size.value()));
    return c_.build.elementwise({scores}, [&](ExprBuilder& e, const auto& v) {
      return e.binary(ScalarOp::kMul, v[0], e.constant(scale, compute_));
    });
  }

  Value* capped(Value* scores) {
    const double cap = c_.real("softcap");
    if (cap == 0) return scores;
    return c_.build.elementwise({scores}, [&](ExprBuilder& e, const auto& v) {
      const Ref part = e.binary(ScalarOp::kMul, v[0], e.constant(1 / cap, compute_));
      return e.binary(ScalarOp::kMul, e.unary(ScalarOp::kTanh, part), e.constant(cap, compute_));
    });
  }

  // The given mask, lengthened to all keys: those it leaves out take no part.
  Value* full_mask() {
    Value* mask = c_.x(kMask);
    const double out = -std::numeric_limits<double>::infinity();
    const bool logical = mask->dtype() == DType::kBool;
    if (!logical) mask = c_.build.cast(mask, compute_);
    if (mask->rank() == 0 || mask->shape().back() == Dim(1)) return mask;
    const Dim &columns = mask->shape().back(), &keys = key_->shape()[2];
    const Dim missing = keys - columns;
    // Before version 24 a mask is not lengthened: one that is not known is as long as the keys.
    if (missing == Dim(0) || (c_.opset() < 24 && !missing.is_constant())) return mask;
    c_.build.require_equal(ir::max(columns, keys), keys,
                           fmt::format("{} has {} columns for {} keys", c_.input_text(kMask),
                                       columns.to_string(), keys.to_string()));
    ir::Pad pad{std::vector<Dim>(mask->rank(), Dim(0)), std::vector<Dim>(mask->rank(), Dim(0)),
                logical ? 0 : out};
    pad.hi.back() = missing;
    return c_.graph().value(std::move(pad), {mask});
  }

  // Scores where `allowed` is true, -infinity elsewhere.
  Value* where(Value* allowed, Value* scores) {
    return c_.build.elementwise({allowed, scores}, [&](ExprBuilder& e, const auto& v) {
      const double out = -std::numeric_limits<double>::infinity();
      return e.select(v[0], v[1], e.constant(out, compute_));
    });
  }

  // How far key j may be from query i, which stands at position i + offset of the keys.
  struct Window {
    int64_t left = -1, right = -1;  // -1: any distance
  };

  Window window() const {
    Window window;
    if (c_.opset() >= 25) {
      window = {c_.integer("left_window_size"), c_.integer("right_window_size")};
      if (window.left < -1 || window.right < -1) {
        throw_error(ErrorKind::kValue,
                    "left_window_size is {} and right_window_size {}, expected -1 or more",
                    window.left, window.right);
      }
    }
    if (c_.flag("is_causal")) window.right = 0;
    return window;
  }

  Value* lengths() {
    const Dim& batch = q_->shape()[0];
    return c_.build.reshape(c_.shaped(kLengths, {batch}), {batch, Dim(1), Dim(1), Dim(1)});
  }

  Value* offset() {
    if (c_.has(kPastKey)) return c_.build.integer(c_.x(kPastKey)->shape()[2]);
    if (!c_.has(kLengths)) return c_.build.integer(0);
    return c_.build.binary(ScalarOp::kSub, lengths(), c_.build.integer(q_->shape()[2]));
  }

  Value* masked(Value* scores) {
    if (c_.has(kMask)) {
      masks_ = true;
      Value* mask = full_mask();
      const std::string text =
          fmt::format("{} has shape {}, which does not broadcast to {}", c_.input_text(kMask),
                      ir::to_string(c_.x(kMask)->shape()), ir::to_string(scores->shape()));
      Shape shape = scores->shape();
      mask = c_.build.broadcasting_to(mask, &shape, text);
      scores = c_.build.asserted(scores, shape, text);
      scores = mask->dtype() == DType::kBool ? where(mask, scores)
                                             : c_.build.binary(ScalarOp::kAdd, scores, mask);
    }
    const Window window = this->window();
    const Dim& count = key_->shape()[2];
    Value* columns = c_.build.count_up(count);
    if (window.left >= 0 || window.right >= 0) {
      masks_ = true;
      Value* rows = c_.build.reshape(c_.build.count_up(q_->shape()[2]), {q_->shape()[2], Dim(1)});
      Value* distance =
          c_.build.binary(ScalarOp::kSub, columns, c_.build.binary(ScalarOp::kAdd, rows, offset()));
      scores = where(inside(distance, window), scores);
    }
    if (c_.has(kLengths)) {
      masks_ = true;
      scores = where(c_.build.binary(ScalarOp::kLt, columns, lengths()), scores);
    }
    return scores;
  }

  Value* inside(Value* distance, const Window& window) {
    return c_.build.elementwise({distance}, [&](ExprBuilder& e, const auto& v) {
      const Ref low = e.binary(ScalarOp::kGe, v[0], e.constant(-window.left, DType::kI64));
      const Ref high = e.binary(ScalarOp::kLe, v[0], e.constant(window.right, DType::kI64));
      if (window.left < 0) return high;
      return window.right < 0 ? low : e.binary(ScalarOp::kAnd, low, high);
    });
  }

  // A row without any key is all 0.
  Value* softmax(Value* scores) {
    DType dtype = compute_;
    if (c_.has_attribute("softmax_precision")) {
      const DType wanted = dtype_of_onnx(c_.integer("softmax_precision"));
      if (!ir::is_float(wanted)) {
        throw_error(ErrorKind::kValue, "softmax_precision is {}, expected a float type",
                    ir::name_of(wanted));
      }
      if (wanted == DType::kF64) dtype = wanted;
    }
    Value* x = c_.build.cast(scores, dtype);
    Value* max = c_.build.reduce(ReduceKind::kMax, x, {3});
    if (masks_) max = replaced(max, -std::numeric_limits<double>::infinity(), 0);
    Value* exp = c_.build.unary(ScalarOp::kExp, c_.build.binary(ScalarOp::kSub, x, max));
    Value* sum = c_.build.reduce(ReduceKind::kSum, exp, {3});
    if (masks_) sum = replaced(sum, 0, 1);
    return c_.build.cast(c_.build.binary(ScalarOp::kDiv, exp, sum), compute_);
  }

  Value* replaced(Value* x, double from, double to) {
    return c_.build.elementwise({x}, [&](ExprBuilder& e, const auto& v) {
      const Ref equal = e.binary(ScalarOp::kEq, v[0], e.constant(from, x->dtype()));
      return e.select(equal, e.constant(to, x->dtype()), v[0]);
    });
  }

  // Back to heads side by side when the queries came so.
  Value* rows(Value* y) {
    if (c_.x(kQ)->rank() == 4) return y;
    const Shape& shape = y->shape();
    return c_.build.reshape(c_.build.permute(y, {0, 2, 1, 3}),
                            {shape[0], shape[2], shape[1] * shape[3]});
  }

  void keep(ScoresMode mode, Value* scores) {
    if (c_.integer("qk_matmul_output_mode") == mode) kept_ = scores;
  }

  LowerContext& c_;
  Value *q_ = nullptr, *key_ = nullptr, *value_ = nullptr, *kept_ = nullptr;
  DType compute_ = DType::kF32;
  bool masks_ = false;
};

Values lower_attention(LowerContext& c) { return AttentionLowering(c).run(); }

OpDef version(int since, int until) {
  OpDef def = {.name = "Attention",
               .since = since,
               .until = until,
               .inputs = {3, since < 24 ? 6 : 7},
               .outputs = {1, 4},
               .dtypes = kFloats,
               .attributes = {{"is_causal", AttributeType::kInt, int64_t{0}},
                              {"kv_num_heads", AttributeType::kInt},
                              {"q_num_heads", AttributeType::kInt},
                              {"qk_matmul_output_mode", AttributeType::kInt, int64_t{0}},
                              {"scale", AttributeType::kReal},
                              {"softcap", AttributeType::kReal, 0.0},
                              {"softmax_precision", AttributeType::kInt}},
               .lower = lower_attention};
  if (since >= 25) {
    def.attributes.push_back({"left_window_size", AttributeType::kInt, int64_t{-1}});
    def.attributes.push_back({"right_window_size", AttributeType::kInt, int64_t{-1}});
  }
  return def;
}

}  // namespace

std::span<const OpDef> attention_ops() {
  static const std::vector<OpDef> ops = {version(23, 23), version(24, 24), version(25, kMaxOpset)};
  return ops;
}

}  // namespace dovetail::ops
