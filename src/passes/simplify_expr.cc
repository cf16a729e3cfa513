#include <algorithm>
#include <bit>
#include <cmath>
#include <limits>
#include <optional>

#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::DType;
using ir::ScalarExpr;
using ir::ScalarNode;
using ir::ScalarOp;

bool is_commutative(ScalarOp op) {
  switch (op) {
    case ScalarOp::kAdd:
    case ScalarOp::kMul:
    case ScalarOp::kMin:
    case ScalarOp::kMax:
    case ScalarOp::kAnd:
    case ScalarOp::kOr:
    case ScalarOp::kXor:
    case ScalarOp::kEq:
    case ScalarOp::kNe:
      return true;
    default:
      return false;
  }
}

// Constants compare by bits: 0 and -0 differ, a NaN equals itself.
bool same(const ScalarNode& a, const ScalarNode& b) {
  if (a.op != ScalarOp::kConstant || b.op != ScalarOp::kConstant) return a == b;
  if (a.dtype != b.dtype || a.constant.index() != b.constant.index()) return false;
  const auto* x = std::get_if<double>(&a.constant);
  if (!x) return a.constant == b.constant;
  return std::bit_cast<uint64_t>(*x) == std::bit_cast<uint64_t>(std::get<double>(b.constant));
}

// Rounds to the precision of `dtype`; nothing for types that are not folded here.
std::optional<double> rounded(double value, DType dtype) {
  if (dtype == DType::kF64) return value;
  if (dtype == DType::kF32) return static_cast<double>(static_cast<float>(value));
  return std::nullopt;
}

class ExprSimplifier {
 public:
  ScalarExpr run(const ScalarExpr& expr) {
    for (const ScalarNode& node : expr.nodes) {
      ScalarNode copy = node;
      for (int& argument : copy.arguments) argument = moved_[argument];
      moved_.push_back(make(std::move(copy)));
    }
    return compact(moved_.back());
  }

 private:
  int make(ScalarNode node) {
    if (is_commutative(node.op) && is_constant(node.arguments[0]) &&
        !is_constant(node.arguments[1])) {
      std::swap(node.arguments[0], node.arguments[1]);
    }
    if (const auto known = identity(node)) return *known;
    if (const auto folded = fold(node)) return constant(*folded, node.dtype);
    return append(std::move(node));
  }

  int append(ScalarNode node) {
    for (size_t i = 0; i < nodes_.size(); ++i) {
      if (same(nodes_[i], node)) return static_cast<int>(i);
    }
    nodes_.push_back(std::move(node));
    return static_cast<int>(nodes_.size()) - 1;
  }

  int constant(double value, DType dtype) {
    return append({ScalarOp::kConstant, dtype, {}, 0, value});
  }

  bool is_constant(int i) const { return nodes_[i].op == ScalarOp::kConstant; }
  // The argument is this constant; for floats also with this sign.
  bool is(int i, double value) const {
    if (!is_constant(i)) return false;
    if (const auto* number = std::get_if<int64_t>(&nodes_[i].constant)) {
      return static_cast<double>(*number) == value;
    }
    const double number = std::get<double>(nodes_[i].constant);
    return number == value && std::signbit(number) == std::signbit(value);
  }

  // The node that has the same value already.
  std::optional<int> identity(ScalarNode& node) {
    const auto& a = node.arguments;
    const bool real = ir::is_float(node.dtype);
    switch (node.op) {
      case ScalarOp::kMul:
        if (is(a[1], 1)) return a[0];
        break;
      case ScalarOp::kAdd:
        // x + 0 turns -0 into 0; x + -0 is x.
        if (is(a[1], real ? -0.0 : 0.0)) return a[0];
        break;
      case ScalarOp::kSub:
        if (is(a[1], 0)) return a[0];
        break;
      case ScalarOp::kDiv:
        if (is(a[1], 1)) return a[0];
        return by_power_of_two(node);
      case ScalarOp::kPow:
        if (real && is(a[1], 1)) return a[0];
        if (real && is(a[1], 2)) {
          return make({ScalarOp::kMul, node.dtype, {a[0], a[0]}, 0, int64_t{0}});
        }
        break;
      case ScalarOp::kMin:
      case ScalarOp::kMax:
      case ScalarOp::kAnd:
      case ScalarOp::kOr:
        if (a[0] == a[1]) return a[0];
        break;
      case ScalarOp::kNot:
      case ScalarOp::kNeg:
        if (nodes_[a[0]].op == node.op) return nodes_[a[0]].arguments[0];
        break;
      case ScalarOp::kSelect:
        if (a[1] == a[2]) return a[1];
        if (is_constant(a[0])) return is(a[0], 0) ? a[2] : a[1];
        break;
      case ScalarOp::kCast:
        if (nodes_[a[0]].dtype == node.dtype) return a[0];
        break;
      default:
        break;
    }
    return std::nullopt;
  }

  // A division by a power of two is a multiplication, bit for bit.
  std::optional<int> by_power_of_two(const ScalarNode& node) {
    if (!rounded(0, node.dtype) || !is_constant(node.arguments[1])) return std::nullopt;
    const double divisor = std::get<double>(nodes_[node.arguments[1]].constant);
    int exponent = 0;
    if (std::abs(std::frexp(divisor, &exponent)) != 0.5 || std::abs(exponent) > 100) {
      return std::nullopt;
    }
    const int factor = constant(1 / divisor, node.dtype);
    return make({ScalarOp::kMul, node.dtype, {node.arguments[0], factor}, 0, int64_t{0}});
  }

  // Float arithmetic on constants, rounded once as a kernel would.
  std::optional<double> fold(const ScalarNode& node) const {
    std::vector<double> x;
    for (const int argument : node.arguments) {
      if (!is_constant(argument)) return std::nullopt;
      const auto& value = nodes_[argument].constant;
      const double number = value.index() == 0 ? static_cast<double>(std::get<int64_t>(value))
                                               : std::get<double>(value);
      x.push_back(rounded(number, nodes_[argument].dtype).value_or(number));
    }
    if (x.empty()) return std::nullopt;
    // In double the product of two floats is exact and the sum, quotient and root of floats round
    // to float as if rounded once (53 >= 2 * 24 + 2 bits).
    switch (node.op) {
      case ScalarOp::kAdd:
        return rounded(x[0] + x[1], node.dtype);
      case ScalarOp::kSub:
        return rounded(x[0] - x[1], node.dtype);
      case ScalarOp::kMul:
        return rounded(x[0] * x[1], node.dtype);
      case ScalarOp::kDiv:
        return rounded(x[0] / x[1], node.dtype);
      case ScalarOp::kSqrt:
        return rounded(std::sqrt(x[0]), node.dtype);
      case ScalarOp::kNeg:
        return rounded(-x[0], node.dtype);
      case ScalarOp::kCast:
        if (std::abs(x[0]) > 0x1p53) return std::nullopt;
        return rounded(x[0], node.dtype);
      default:
        return std::nullopt;
    }
  }

  // Only what the result needs, in order.
  ScalarExpr compact(int result) const {
    std::vector<bool> needed(nodes_.size(), false);
    needed[result] = true;
    for (int i = result; i >= 0; --i) {
      if (!needed[i]) continue;
      for (const int argument : nodes_[i].arguments) needed[argument] = true;
    }
    ScalarExpr expr;
    std::vector<int> moved(nodes_.size(), -1);
    for (int i = 0; i <= result; ++i) {
      if (!needed[i]) continue;
      moved[i] = static_cast<int>(expr.nodes.size());
      expr.nodes.push_back(nodes_[i]);
      for (int& argument : expr.nodes.back().arguments) argument = moved[argument];
    }
    return expr;
  }

  std::vector<ScalarNode> nodes_;
  std::vector<int> moved_;
};

}  // namespace

ScalarExpr simplify_expr(const ScalarExpr& expr) { return ExprSimplifier().run(expr); }

}  // namespace dovetail::passes
