#include "passes/rebuild.h"

#include <algorithm>
#include <map>

#include "ir/regions.h"

namespace dovetail::passes {

using ir::Node;
using ir::Value;

Rebuild::Rebuild(ir::Graph& graph) : old_(graph) {
  next_.name = graph.name;
  next_.symbols = graph.symbols;
  next_.frozen = graph.frozen;
  next_.checks = graph.checks;
  next_.output_names = graph.output_names;
  for (const Value* input : graph.inputs) {
    Value* now = next_.input(input->name, input->type);
    now->node->origins = input->node->origins;
    now->elements = input->elements;
    now_[input] = now;
  }
}

std::vector<Value*> Rebuild::operands_of(const Node& old) const {
  std::vector<Value*> operands;
  operands.reserve(old.operands.size());
  for (const Value* operand : old.operands) operands.push_back(at(operand));
  return operands;
}

void Rebuild::set(const Value* old, Value* now) {
  now_[old] = now;
  if (now->name.empty()) {
    now->name = old->name;
    now->order = old->order;
  }
  if (!now->elements && now->shape() == old->shape()) now->elements = old->elements;
}

Value* Rebuild::make(ir::Primitive op, std::vector<Value*> operands,
                     const std::vector<std::string>& origins) {
  Node* node = next_.add(std::move(op), std::move(operands));
  node->origins = origins;
  return node->result();
}

void Rebuild::copy(const Node& old) {
  if (old.as<ir::Input>()) return;
  Node* node = next_.add(old.op, operands_of(old));
  node->origins = old.origins;
  for (size_t i = 0; i < old.results.size(); ++i) {
    node->results[i]->elements = old.results[i]->elements;
    set(old.results[i].get(), node->results[i].get());
  }
}

void Rebuild::finish() {
  for (const Value* output : old_.outputs) next_.outputs.push_back(at(output));
  next_.remove_dead();
  old_ = std::move(next_);
}

std::unordered_map<const Value*, int> count_uses(const ir::Graph& graph) {
  std::unordered_map<const Value*, int> uses;
  for (const auto& node : graph.nodes()) {
    for (size_t i = 0; i < node->operands.size(); ++i) {
      const auto begin = node->operands.begin();
      const auto end = begin + static_cast<std::ptrdiff_t>(i);
      if (std::find(begin, end, node->operands[i]) == end) ++uses[node->operands[i]];
    }
  }
  for (const Value* output : graph.outputs) ++uses[output];
  return uses;
}

std::unordered_set<const Value*> prepared_values(const ir::Graph& graph) {
  std::unordered_set<const Value*> prepared;
  for (const auto& node : graph.nodes()) {
    if (node->as<ir::Input>() || ir::defines_symbols(*node)) continue;
    const bool from_params = std::all_of(node->operands.begin(), node->operands.end(),
                                         [&](const Value* v) { return prepared.contains(v); });
    const bool fixed = std::all_of(node->results.begin(), node->results.end(),
                                   [](const auto& v) { return ir::is_static(v->shape()); });
    // A slice of a weight by a symbol is another one in every run, or in every iteration.
    if (!from_params || !fixed || !ir::used_symbols(*node).empty()) continue;
    for (const auto& result : node->results) prepared.insert(result.get());
  }
  return prepared;
}

std::vector<std::string> join_origins(std::vector<std::string> a,
                                      const std::vector<std::string>& b) {
  for (const std::string& name : b) {
    if (std::find(a.begin(), a.end(), name) == a.end()) a.push_back(name);
  }
  return a;
}

double weight_of(const ir::Shape& shape) {
  double weight = 1;
  for (const ir::Dim& extent : shape) {
    std::map<std::string, int64_t> values;
    for (const std::string& symbol : extent.symbols()) values[symbol] = 64;
    weight *= static_cast<double>(extent.evaluate(values));
  }
  return weight;
}

}  // namespace dovetail::passes
