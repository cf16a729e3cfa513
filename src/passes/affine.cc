#include "passes/affine.h"

#include <vector>

namespace dovetail::passes {
namespace {

using ir::ScalarExpr;
using ir::ScalarNode;
using ir::ScalarOp;

constexpr int kNone = -1;

// A part of the expression as scale * x + offset; indices into the nodes being built. Without x
// only `offset` is used.
struct Part {
  bool reads_x = false;
  int scale = kNone;   // none: 1
  int offset = kNone;  // none: 0
};

class Analysis {
 public:
  Analysis(const ScalarExpr& expr, int x) : expr_(expr), x_(x) {}

  std::optional<Affine> run() {
    for (const ScalarNode& node : expr_.nodes) {
      if (!ir::is_float(node.dtype)) return std::nullopt;
      auto part = part_of(node);
      if (!part) return std::nullopt;
      parts_.push_back(*part);
    }
    const Part& whole = parts_.back();
    if (!whole.reads_x) return std::nullopt;
    Affine result;
    if (whole.scale != kNone) result.scale = up_to(whole.scale);
    if (whole.offset != kNone) result.offset = up_to(whole.offset);
    return result;
  }

 private:
  int append(ScalarNode node) {
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }
  int apply(const ScalarNode& like, ScalarOp op, std::vector<int> arguments) {
    return append({op, like.dtype, std::move(arguments), 0, int64_t{0}});
  }
  int one(const ScalarNode& like) { return append({ScalarOp::kConstant, like.dtype, {}, 0, 1.0}); }

  std::optional<Part> part_of(const ScalarNode& node) {
    if (node.op == ScalarOp::kOperand && node.index == x_) return Part{true, kNone, kNone};
    std::vector<Part> from;
    bool reads_x = false;
    for (const int argument : node.arguments) {
      from.push_back(parts_[argument]);
      reads_x |= from.back().reads_x;
    }
    if (!reads_x) {
      ScalarNode copy = node;
      for (size_t i = 0; i < from.size(); ++i) copy.arguments[i] = from[i].offset;
      return Part{false, kNone, append(std::move(copy))};
    }
    switch (node.op) {
      case ScalarOp::kAdd:
        return sum(node, from[0], from[1], ScalarOp::kAdd);
      case ScalarOp::kSub:
        return sum(node, from[0], from[1], ScalarOp::kSub);
      case ScalarOp::kNeg:
        return negated(node, from[0]);
      case ScalarOp::kMul:
        if (from[0].reads_x && from[1].reads_x) return std::nullopt;
        return from[0].reads_x ? scaled(node, from[0], from[1].offset, ScalarOp::kMul)
                               : scaled(node, from[1], from[0].offset, ScalarOp::kMul);
      case ScalarOp::kDiv:
        if (from[1].reads_x) return std::nullopt;
        return scaled(node, from[0], from[1].offset, ScalarOp::kDiv);
      default:
        return std::nullopt;
    }
  }

  Part negated(const ScalarNode& node, const Part& a) {
    const int scale = a.scale == kNone ? one(node) : a.scale;
    const int offset = a.offset == kNone ? kNone : apply(node, ScalarOp::kNeg, {a.offset});
    return {true, apply(node, ScalarOp::kNeg, {scale}), offset};
  }

  // a + b or a - b
  Part sum(const ScalarNode& node, const Part& a, const Part& b, ScalarOp op) {
    if (!b.reads_x) return {true, a.scale, added(node, a.offset, b.offset, op)};
    const Part right = op == ScalarOp::kSub ? negated(node, b) : b;
    if (!a.reads_x) {
      return {true, right.scale, added(node, a.offset, right.offset, ScalarOp::kAdd)};
    }
    const int left_scale = a.scale == kNone ? one(node) : a.scale;
    const int right_scale = right.scale == kNone ? one(node) : right.scale;
    return {true, apply(node, ScalarOp::kAdd, {left_scale, right_scale}),
            added(node, a.offset, right.offset, ScalarOp::kAdd)};
  }

  int added(const ScalarNode& node, int a, int b, ScalarOp op) {
    if (b == kNone) return a;
    if (a != kNone) return apply(node, op, {a, b});
    return op == ScalarOp::kSub ? apply(node, ScalarOp::kNeg, {b}) : b;
  }

  // a * factor or a / factor
  Part scaled(const ScalarNode& node, const Part& a, int factor, ScalarOp op) {
    int scale = factor;
    if (a.scale != kNone) {
      scale = apply(node, op, {a.scale, factor});
    } else if (op == ScalarOp::kDiv) {
      scale = apply(node, ScalarOp::kDiv, {one(node), factor});
    }
    const int offset = a.offset == kNone ? kNone : apply(node, op, {a.offset, factor});
    return {true, scale, offset};
  }

  ScalarExpr up_to(int result) const {
    ScalarExpr expr{nodes_};
    expr.nodes.resize(result + 1);
    return expr;
  }

  const ScalarExpr& expr_;
  int x_;
  std::vector<ScalarNode> nodes_;
  std::vector<Part> parts_;  // one for each node of the expression
};

}  // namespace

std::optional<Affine> affine_in(const ScalarExpr& expr, int x) { return Analysis(expr, x).run(); }

}  // namespace dovetail::passes
