#include "ir/scalar_expr.h"

#include <fmt/format.h>

#include <array>

#include "base/error.h"

namespace dovetail::ir {
namespace {

struct OpRow {
  std::string_view name;
  int arity;
  bool to_bool = false;
};

// In the order of ScalarOp.
constexpr OpRow kOps[] = {
    {"operand", 0},      {"constant", 0},     {"neg", 1},        {"abs", 1},
    {"sign", 1},         {"not", 1},          {"sqrt", 1},       {"reciprocal", 1},
    {"exp", 1},          {"log", 1},          {"sin", 1},        {"cos", 1},
    {"tan", 1},          {"asin", 1},         {"acos", 1},       {"atan", 1},
    {"sinh", 1},         {"cosh", 1},         {"asinh", 1},      {"acosh", 1},
    {"atanh", 1},        {"tanh", 1},         {"erf", 1},        {"sigmoid", 1},
    {"floor", 1},        {"ceil", 1},         {"round_even", 1}, {"trunc", 1},
    {"is_nan", 1, true}, {"is_inf", 1, true}, {"add", 2},        {"sub", 2},
    {"mul", 2},          {"div", 2},          {"rem", 2},        {"floor_mod", 2},
    {"pow", 2},          {"min", 2},          {"max", 2},        {"and", 2},
    {"or", 2},           {"xor", 2},          {"shl", 2},        {"shr", 2},
    {"eq", 2, true},     {"ne", 2, true},     {"lt", 2, true},   {"le", 2, true},
    {"gt", 2, true},     {"ge", 2, true},     {"select", 3},     {"cast", 1},
    {"index", 0},        {"load", -1},        {"dim", 0}};
static_assert(std::size(kOps) == static_cast<size_t>(ScalarOp::kDim) + 1);

const OpRow& row(ScalarOp op) { return kOps[static_cast<size_t>(op)]; }

std::string constant_text(const ScalarNode& node) {
  if (const auto* value = std::get_if<int64_t>(&node.constant)) {
    return node.dtype == DType::kBool ? (*value ? "true" : "false") : fmt::format("{}", *value);
  }
  return fmt::format("{}", std::get<double>(node.constant));
}

// `argument` gives the text of an argument's node.
template <class Argument>
std::string node_text(const ScalarNode& node, const Argument& argument) {
  if (node.op == ScalarOp::kOperand) return fmt::format("%{}", node.index);
  if (node.op == ScalarOp::kConstant) return constant_text(node);
  if (node.op == ScalarOp::kIndex) return fmt::format("i{}", node.index);
  if (node.op == ScalarOp::kDim) return fmt::format("d{}", node.index);
  std::vector<std::string> arguments;
  for (const int index : node.arguments) arguments.push_back(argument(index));
  if (node.op == ScalarOp::kLoad)
    return fmt::format("%{}[{}]", node.index, fmt::join(arguments, ", "));
  const std::string_view name = node.op == ScalarOp::kCast ? name_of(node.dtype) : name_of(node.op);
  return fmt::format("{}({})", name, fmt::join(arguments, ", "));
}

std::string tree_text(const ScalarExpr& expr, int index) {
  return node_text(expr.nodes[index], [&](int i) { return tree_text(expr, i); });
}

// Every part that has arguments is named, so that none is written twice.
std::string list_text(const ScalarExpr& expr) {
  std::string text;
  std::vector<std::string> names;
  for (size_t i = 0; i < expr.nodes.size(); ++i) {
    const ScalarNode& node = expr.nodes[i];
    const std::string value = node_text(node, [&](int k) { return names[k]; });
    if (i + 1 == expr.nodes.size()) return text + value;
    names.push_back(node.arguments.empty() ? value : fmt::format("t{}", i));
    if (!node.arguments.empty()) text += fmt::format("t{} = {}; ", i, value);
  }
  return text;
}

// How many nodes the expression has when parts used twice are written twice.
double tree_size(const ScalarExpr& expr) {
  std::vector<double> sizes;
  for (const ScalarNode& node : expr.nodes) {
    double size = 1;
    for (const int argument : node.arguments) size += sizes[argument];
    sizes.push_back(size);
  }
  return sizes.back();
}

}  // namespace

int arity_of(ScalarOp op) { return row(op).arity; }
std::string_view name_of(ScalarOp op) { return row(op).name; }
bool is_positional(ScalarOp op) { return op >= ScalarOp::kIndex; }
std::string to_string(const ScalarExpr& expr) {
  constexpr double kMaxTree = 200;
  if (tree_size(expr) > kMaxTree) return list_text(expr);
  return tree_text(expr, static_cast<int>(expr.nodes.size()) - 1);
}

ScalarExpr operand_expr(DType dtype) { return {{{ScalarOp::kOperand, dtype, {}, 0, int64_t{0}}}}; }

ScalarExpr compose(const ScalarExpr& outer, int position, const ScalarExpr& inner,
                   const std::vector<int>& outer_map, const std::vector<int>& inner_map) {
  ScalarExpr result;
  std::vector<int> moved;  // where a node of the expression at hand went
  const auto copy = [&](const ScalarNode& node, const std::vector<int>& operand_map) {
    ScalarNode copied = node;
    for (int& argument : copied.arguments) argument = moved[argument];
    if (copied.op == ScalarOp::kOperand || copied.op == ScalarOp::kLoad)
      copied.index = operand_map[copied.index];
    for (size_t i = 0; i < result.nodes.size(); ++i) {
      if (result.nodes[i] == copied) {
        moved.push_back(static_cast<int>(i));
        return;
      }
    }
    moved.push_back(static_cast<int>(result.nodes.size()));
    result.nodes.push_back(std::move(copied));
  };
  for (const ScalarNode& node : inner.nodes) copy(node, inner_map);
  const int inner_result = moved.back();
  moved.clear();
  for (const ScalarNode& node : outer.nodes) {
    if (node.op == ScalarOp::kOperand && node.index == position) {
      moved.push_back(inner_result);
    } else {
      copy(node, outer_map);
    }
  }
  // The result is the last node: an outer expression that is its operand alone ends earlier.
  if (moved.back() != static_cast<int>(result.nodes.size()) - 1) {
    DOVETAIL_CHECK(moved.back() >= 0, "an expression without result");
    result.nodes.resize(moved.back() + 1);
  }
  return result;
}

ExprBuilder::Ref ExprBuilder::operand(int index, DType dtype) {
  nodes_.push_back({ScalarOp::kOperand, dtype, {}, index, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::constant(double value, DType dtype) {
  if (!is_float(dtype)) return constant(static_cast<int64_t>(value), dtype);
  nodes_.push_back({ScalarOp::kConstant, dtype, {}, 0, value});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::constant(int64_t value, DType dtype) {
  if (is_float(dtype)) return constant(static_cast<double>(value), dtype);
  nodes_.push_back({ScalarOp::kConstant, dtype, {}, 0, value});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::unary(ScalarOp op, Ref a) {
  nodes_.push_back({op, row(op).to_bool ? DType::kBool : nodes_[a].dtype, {a}, 0, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::binary(ScalarOp op, Ref a, Ref b) {
  DOVETAIL_CHECK(nodes_[a].dtype == nodes_[b].dtype, "{} of {} and {}", name_of(op),
                 name_of(nodes_[a].dtype), name_of(nodes_[b].dtype));
  nodes_.push_back({op, row(op).to_bool ? DType::kBool : nodes_[a].dtype, {a, b}, 0, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::select(Ref condition, Ref a, Ref b) {
  DOVETAIL_CHECK(nodes_[condition].dtype == DType::kBool && nodes_[a].dtype == nodes_[b].dtype,
                 "select of other types");
  nodes_.push_back({ScalarOp::kSelect, nodes_[a].dtype, {condition, a, b}, 0, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::cast(Ref a, DType dtype) {
  if (nodes_[a].dtype == dtype) return a;
  nodes_.push_back({ScalarOp::kCast, dtype, {a}, 0, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::index(int axis) {
  nodes_.push_back({ScalarOp::kIndex, DType::kI64, {}, axis, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::load(int operand, DType dtype, std::vector<Ref> coordinates) {
  nodes_.push_back({ScalarOp::kLoad, dtype, std::move(coordinates), operand, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ExprBuilder::Ref ExprBuilder::dim(int index) {
  nodes_.push_back({ScalarOp::kDim, DType::kI64, {}, index, int64_t{0}});
  return static_cast<Ref>(nodes_.size()) - 1;
}

ScalarExpr ExprBuilder::finish(Ref result) {
  std::vector<bool> needed(result + 1, false);
  needed[result] = true;
  for (int i = result; i >= 0; --i) {
    if (!needed[i]) continue;
    for (const int argument : nodes_[i].arguments) needed[argument] = true;
  }
  ScalarExpr expr;
  std::vector<int> moved(result + 1, -1);
  for (int i = 0; i <= result; ++i) {
    if (!needed[i]) continue;
    moved[i] = static_cast<int>(expr.nodes.size());
    expr.nodes.push_back(nodes_[i]);
    for (int& argument : expr.nodes.back().arguments) argument = moved[argument];
  }
  return expr;
}

}  // namespace dovetail::ir
