#include "passes/unify_extents.h"

#include <algorithm>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ir/regions.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;

struct Rule {
  Dim part, value;
};

// `difference` = 0 solved for an atom that is no symbol and stands alone in a term.
std::optional<Rule> solved(const Dim& difference) {
  for (const Dim::Term& term : difference.terms()) {
    if (term.factors.size() != 1 || term.factors[0]->kind == ir::AtomKind::kSymbol) continue;
    if (term.coefficient != 1 && term.coefficient != -1) continue;
    const Dim part = Dim::of(term.factors[0]);
    const Dim value = part - difference * Dim(term.coefficient);
    if (value.replace(part, 0) == value) return Rule{part, value};
  }
  return std::nullopt;
}

// The symbols that are known before the first node runs.
std::set<std::string> input_symbols(const Graph& graph) {
  std::set<std::string> known;
  for (const ir::Value* input : graph.inputs) {
    for (const Dim& extent : input->type.shape) known.merge(extent.symbols());
  }
  return known;
}

class Unifier {
 public:
  void learn(const Graph& graph) {
    const std::set<std::string> known = input_symbols(graph);
    for (const ir::Check& check : graph.checks) {
      const Dim difference = apply(check.a) - apply(check.b);
      const auto rule = solved(difference);
      // A symbol that a node defines must not get to the nodes before it.
      if (!rule || !std::ranges::includes(known, difference.symbols())) continue;
      for (Rule& other : rules_) other.value = other.value.replace(rule->part, rule->value);
      rules_.push_back(*rule);
    }
  }
  bool knows_something() const { return !rules_.empty(); }

  void rewrite(Graph& graph) const {
    auto& nodes = graph.nodes();
    for (auto next = nodes.begin(); next != nodes.end();) {
      Node& node = **next++;
      rewrite(node);
      if (node.as<ir::Input>()) continue;
      graph.set_origin("");
      for (const auto& result : node.results)
        state(graph, result.get(), next == nodes.end() ? nullptr : next->get());
    }
  }

 private:
  Dim apply(Dim dim) const {
    for (const Rule& rule : rules_) dim = dim.replace(rule.part, rule.value);
    return dim;
  }
  ir::Shape apply(ir::Shape shape) const {
    for (Dim& extent : shape) extent = apply(extent);
    return shape;
  }

  void rewrite(Node& node) const {
    ir::for_each_dim(node.op, [&](Dim& dim) { dim = apply(dim); });
    if (node.as<ir::Input>()) {
      ir::Shape& shape = node.result()->type.shape;
      shape = apply(shape);
    } else {
      infer_again(node);
    }
    for (const auto& result : node.results) {
      if (result->elements) *result->elements = apply(*result->elements);
    }
  }

  static void infer_again(Node& node) {
    std::vector<ir::TensorType> operands;
    for (const ir::Value* operand : node.operands) operands.push_back(operand->type);
    std::vector<ir::TensorType> types = ir::infer(node.op, operands);
    for (size_t k = 0; k < types.size(); ++k) node.results[k]->type = std::move(types[k]);
  }

  // Where a window's extents are the first that a rule speaks of, a view says so.
  void state(Graph& graph, ir::Value* value, Node* before) const {
    const ir::Shape stated = apply(value->type.shape);
    if (stated == value->type.shape) return;
    const auto states_it = [&](const Node* user) {
      const auto* view = user->as<ir::Reshape>();
      return view != nullptr && view->shape == stated;
    };
    const auto users = graph.users();
    const auto found = users.find(value);
    if (found != users.end() && std::ranges::all_of(found->second, states_it)) return;
    Node* view = graph.add(ir::Reshape{stated}, {value}, before);
    graph.replace_uses(value, view->result());
    view->operands[0] = value;
  }

  std::vector<Rule> rules_;
};

}  // namespace

void unify_extents(Graph& graph) {
  Unifier unifier;
  unifier.learn(graph);
  if (!unifier.knows_something()) return;
  unifier.rewrite(graph);
  ir::for_each_graph(graph, [&](Graph& body) {
    if (&body != &graph) unifier.rewrite(body);
  });
}

}  // namespace dovetail::passes
