#include "passes/simplify.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "ir/evaluate.h"
#include "ir/regions.h"
#include "passes/rebuild.h"
#include "passes/simplify_rules.h"

namespace dovetail::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::Value;

constexpr int64_t kMaxFolded = 4096;  // elements

bool is_small(const ir::TensorType& type) {
  int64_t count = 1;
  for (const ir::Dim& extent : type.shape) {
    if (!extent.is_constant() || extent.value() > kMaxFolded) return false;
    count *= extent.value();
    if (count > kMaxFolded) return false;
  }
  return true;
}

ir::TensorData tensor_of(const ir::TensorType& type, const std::vector<ir::Dim>& elements) {
  std::vector<int64_t> shape;
  for (const ir::Dim& extent : type.shape) shape.push_back(extent.value());
  std::vector<std::byte> bytes;
  for (const ir::Dim& element : elements) {
    const int64_t value = element.value();
    const auto* first = reinterpret_cast<const std::byte*>(&value);
    bytes.insert(bytes.end(), first, first + ir::size_of(type.dtype));  // little-endian
  }
  return {type.dtype, std::move(shape), std::move(bytes)};
}

// One pass over the graph. `changed` tells whether any rule applied.
class Sweep {
 public:
  explicit Sweep(Graph& graph) : old_(graph), rebuild_(graph), uses_(count_uses(graph)) {
    rules_.make = [this](ir::Primitive op, Operands operands) {
      changed_ = true;
      return make(std::move(op), std::move(operands));
    };
    rules_.symbols = &graph.symbols;
    rules_.read_once = [this](const Value* value) { return uses_now_[value] <= 1; };
  }

  bool run() {
    const size_t before = old_.nodes().size();
    for (const auto& node : old_.nodes()) visit(*node);
    rebuild_.finish();
    return changed_ || old_.nodes().size() != before;
  }

 private:
  void visit(const Node& node) {
    if (node.as<ir::Input>()) return;
    origins_ = &node.origins;
    if (node.as<ir::Param>() || node.results.size() != 1) {
      rebuild_.copy(node);
      for (const auto& result : node.results) note_uses(result.get());
      if (node.as<ir::Param>()) visit_param(node);
      return;
    }
    const Value* old = node.result();
    Value* now = make(node.op, rebuild_.operands_of(node));
    // Content that the importer knows but the evaluator cannot derive.
    if (!now->elements && old->elements) now->elements = old->elements;
    rebuild_.set(old, constant_for(now));
    note_uses(old);
  }

  void note_uses(const Value* old) { uses_now_[rebuild_.at(old)] += uses_[old]; }

  // The value of a frozen param is part of the code; others may be loaded later.
  void visit_param(const Node& node) {
    const auto& param = *node.as<ir::Param>();
    if (!old_.frozen.contains(param.name)) {
      loadable_.insert(rebuild_.at(node.result()));
    } else if (is_small(node.result()->type)) {
      rebuild_.set(node.result(), replace(rebuild_.at(node.result()), param.data));
    }
  }

  Value* make(ir::Primitive op, Operands operands) {
    if (Value* better = simplify_view(op, operands, rules_)) return changed(better);
    if (Value* better = simplify_placement(op, operands, rules_)) return changed(better);
    if (Value* better = simplify_elementwise(op, operands, rules_)) return changed(better);
    if (Value* better = simplify_lookup(op, operands, rules_)) return changed(better);
    return constant_for(unique(std::move(op), std::move(operands)));
  }

  Value* changed(Value* value) {
    changed_ = true;
    return value;
  }

  // The node there is already, when it is equal.
  Value* unique(ir::Primitive op, Operands operands) {
    const std::string key = key_of(op, operands);
    if (!key.empty()) {
      const auto found = known_.find(key);
      if (found != known_.end()) {
        Node* node = found->second->node;
        node->origins = join_origins(std::move(node->origins), *origins_);
        return found->second;
      }
    }
    Value* value = rebuild_.make(std::move(op), std::move(operands), *origins_);
    const auto& from = value->node->operands;
    if (std::any_of(from.begin(), from.end(), [&](Value* v) { return loadable_.contains(v); })) {
      loadable_.insert(value);
    }
    if (!key.empty()) known_.emplace(key, value);
    return value;
  }

  // A constant in place of what is known now.
  Value* constant_for(Value* value) {
    const Node& node = *value->node;
    if (node.as<ir::Constant>() || node.as<ir::Input>() || loadable_.contains(value)) return value;
    if (ir::defines_symbols(node)) return value;  // others rely on it
    if (!is_small(value->type) || node.results.size() != 1) return value;
    if (auto data = evaluate_constants(node)) return replace(value, *std::move(data));
    if (value->elements && std::all_of(value->elements->begin(), value->elements->end(),
                                       [](const ir::Dim& d) { return d.is_constant(); })) {
      return replace(value, tensor_of(value->type, *value->elements));
    }
    return value;
  }

  std::optional<ir::TensorData> evaluate_constants(const Node& node) {
    std::vector<ir::TensorData> operands;
    for (const Value* operand : node.operands) {
      const auto* constant = operand->node->as<ir::Constant>();
      if (!constant || !is_small(operand->type)) return std::nullopt;
      operands.push_back(constant->data);
    }
    if (operands.empty() && !node.as<ir::Elementwise>() && !node.as<ir::Lookup>())
      return std::nullopt;
    if (!ir::used_symbols(node).empty()) return std::nullopt;
    return ir::evaluate(node, operands).front();
  }

  Value* replace(Value* value, ir::TensorData data) {
    changed_ = true;
    Value* constant = unique(ir::Constant{std::move(data)}, {});
    if (!constant->elements) constant->elements = value->elements;
    return constant;
  }

  Graph& old_;
  Rebuild rebuild_;
  Rules rules_;
  std::unordered_map<const Value*, int> uses_;
  std::unordered_map<const Value*, int> uses_now_;
  std::unordered_map<std::string, Value*> known_;
  std::unordered_set<const Value*> loadable_;  // depends on params whose values may change
  const std::vector<std::string>* origins_ = nullptr;
  bool changed_ = false;
};

}  // namespace

void simplify(Graph& graph) {
  graph.remove_dead();
  // Rules only make a graph smaller or move scalars into expressions, so this ends; a bound guards
  // against two rules that undo each other.
  for (int sweeps = 0; Sweep(graph).run(); ++sweeps) {
    DOVETAIL_CHECK(sweeps < 100, "simplification of '{}' does not end", graph.name);
  }
}

}  // namespace dovetail::passes
