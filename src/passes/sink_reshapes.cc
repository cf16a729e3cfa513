#include "passes/sink_reshapes.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Shape;
using ir::Value;

bool all_ones(const Shape& shape, size_t count) {
  return std::all_of(shape.begin(), shape.begin() + static_cast<std::ptrdiff_t>(count),
                     [](const Dim& d) { return d == Dim(1); });
}

class Sinker {
 public:
  explicit Sinker(ir::Graph& graph) : old_(graph), rebuild_(graph), uses_(count_uses(graph)) {}

  void run() {
    for (const auto& node : old_.nodes()) {
      if (!node->as<ir::Elementwise>() || !sink(*node)) rebuild_.copy(*node);
      mark(*node);
    }
    rebuild_.finish();
  }

 private:
  // A contraction, or elementwise nodes on one.
  void mark(const Node& node) {
    const Node& now = *rebuild_.at(node.results.front().get())->node;
    bool computed = now.as<ir::Contract>() != nullptr;
    if (now.as<ir::Elementwise>()) {
      for (const Value* operand : now.operands) computed |= computed_.contains(operand);
    }
    if (computed) computed_.insert(now.result());
    // What sank stands below a reshape.
    if (now.as<ir::Reshape>() && now.operands[0]->node->as<ir::Elementwise>()) {
      for (const Value* operand : now.operands[0]->node->operands) {
        if (computed_.contains(operand)) computed_.insert(now.operands[0]);
      }
    }
  }

  bool sink(const Node& node) {
    const std::vector<Value*> operands = rebuild_.operands_of(node);
    if (has_epilogue_place(node, operands)) return false;
    for (size_t k = operands.size(); k-- > 0;) {
      Node* reshape = operands[k]->node;
      if (!reshape->as<ir::Reshape>() || operands[k]->shape() != node.result()->shape()) continue;
      if (!computed_.contains(reshape->operands[0])) continue;
      if (uses_.at(node.operands[k]) != 1 && has_producer_outside(node, operands)) continue;
      if (sink_into(node, operands, reshape->operands[0]->shape())) return true;
    }
    return false;
  }

  // Whether a contraction without a view in between can take the node: sinking another's would put
  // one there.
  bool has_epilogue_place(const Node& node, const std::vector<Value*>& operands) const {
    for (size_t k = 0; k < operands.size(); ++k) {
      if (computed_.contains(operands[k]) && uses_.at(node.operands[k]) == 1 &&
          operands[k]->shape() == node.result()->shape()) {
        return true;
      }
    }
    return false;
  }

  // Whether an elementwise node that could not sink computes an operand for this node alone: the
  // two are one expression where no view comes between them.
  bool has_producer_outside(const Node& node, const std::vector<Value*>& operands) const {
    for (size_t k = 0; k < operands.size(); ++k) {
      if (operands[k]->node->as<ir::Elementwise>() && uses_.at(node.operands[k]) == 1 &&
          operands[k]->shape() == node.result()->shape()) {
        return true;
      }
    }
    return false;
  }

  // Computes in `shape`, then reshapes; false when an operand does not fit there.
  bool sink_into(const Node& node, std::vector<Value*> operands, const Shape& shape) {
    const Shape& outside = node.result()->shape();
    std::vector<Shape> inside;
    for (const Value* operand : operands) {
      auto fitted = shape_inside(operand->shape(), outside, shape);
      if (!fitted) return false;
      inside.push_back(*std::move(fitted));
    }
    for (size_t k = 0; k < operands.size(); ++k) {
      Value*& operand = operands[k];
      if (operand->node->as<ir::Reshape>()) operand = operand->node->operands[0];
      if (operand->shape() != inside[k]) {
        operand = rebuild_.make(ir::Reshape{inside[k]}, {operand}, node.origins);
      }
    }
    Value* value = rebuild_.make(node.op, std::move(operands), node.origins);
    rebuild_.set(node.result(), rebuild_.make(ir::Reshape{outside}, {value}, node.origins));
    return true;
  }

  // The shape that an operand broadcast to `outside` has when the whole is reshaped to `inside`.
  static std::optional<Shape> shape_inside(const Shape& operand, const Shape& outside,
                                           const Shape& inside) {
    if (operand == outside) return inside;
    if (inside.empty() || operand.empty()) return std::nullopt;
    Shape result(inside.size(), Dim(1));
    if (all_ones(operand, operand.size())) return result;
    // One value for each column.
    if (!all_ones(operand, operand.size() - 1) || outside.back() != inside.back()) {
      return std::nullopt;
    }
    result.back() = operand.back();
    return result;
  }

  ir::Graph& old_;
  Rebuild rebuild_;
  std::unordered_map<const Value*, int> uses_;
  std::unordered_set<const Value*> computed_;
};

}  // namespace

void sink_reshapes(ir::Graph& graph) { Sinker(graph).run(); }

}  // namespace dovetail::passes
