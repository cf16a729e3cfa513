#include "ir/graph.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "ir/evaluate.h"
#include "ir/regions.h"

namespace dovetail::ir {
namespace {

Value* add_result(Node* node, TensorType type, int id) {
  auto value = std::make_unique<Value>();
  value->id = id;
  value->type = std::move(type);
  value->node = node;
  value->index = static_cast<int>(node->results.size());
  node->results.push_back(std::move(value));
  return node->results.back().get();
}

// The largest factor of a term, at least 1: what an expression that is not 0 multiplies sizes by.
int64_t largest_factor(const Dim& extent) {
  int64_t largest = 1;
  for (const Dim::Term& term : extent.terms()) {
    largest = std::max(largest, term.coefficient < 0 ? -(term.coefficient + 1) : term.coefficient);
  }
  return largest;
}

// Sizes and offsets are 64-bit numbers. No memory has 2^56 bytes, and below that the compiler can
// round sizes up and add them; symbols are checked when the model runs.
void require_countable(const TensorType& type) {
  constexpr int64_t kMaxBytes = int64_t{1} << 56;
  int64_t bytes = size_of(type.dtype);
  for (const Dim& extent : type.shape) {
    if (!__builtin_mul_overflow(bytes, largest_factor(extent), &bytes) && bytes <= kMaxBytes)
      continue;
    throw_error(ErrorKind::kValue, "a tensor {} has more than 2^56 bytes", to_string(type));
  }
}

}  // namespace

std::string_view name_of(const Primitive& primitive) {
  static constexpr std::string_view kNames[] = {
      "input",      "param",   "constant",     "elementwise", "reduce",    "cumulate", "top_k",
      "contract",   "pool",    "pool_indices", "permute",     "broadcast", "slice",    "reshape",
      "concat",     "pad",     "gather",       "lookup",      "scatter",   "copy",     "nms",
      "recurrence", "measure", "compact",      "if",          "loop",      "composite"};
  return kNames[primitive.index()];
}

Value* Graph::input(const std::string& name, TensorType type) {
  require_countable(type);
  auto node = std::make_unique<Node>();
  node->op = Input{name};
  Value* value = add_result(node.get(), std::move(type), next_id_++);
  value->name = name;
  inputs.push_back(value);
  // Inputs stand first, in their order.
  auto at = nodes_.begin();
  while (at != nodes_.end() && (*at)->as<Input>()) ++at;
  nodes_.insert(at, std::move(node));
  return value;
}

Value* Graph::param(const std::string& name, TensorData data) {
  Value* result = value(Param{name, std::move(data)}, {});
  result->name = name;
  return result;
}

Value* Graph::constant(TensorData data) { return value(Constant{std::move(data)}, {}); }

Value* Graph::constant_ints(const std::vector<int64_t>& values) {
  return constant(TensorData::of(DType::kI64, {static_cast<int64_t>(values.size())}, values));
}

Node* Graph::add(Primitive op, std::vector<Value*> operands, Node* before) {
  std::vector<TensorType> types;
  for (const Value* operand : operands) types.push_back(operand->type);
  auto owned = std::make_unique<Node>();
  Node* node = owned.get();
  std::vector<TensorType> results = infer(op, types);
  for (const TensorType& type : results) require_countable(type);
  node->op = std::move(op);
  node->operands = std::move(operands);
  if (!origin_.empty() && !node->as<Param>()) node->origins.push_back(origin_);
  for (TensorType& type : results) add_result(node, std::move(type), next_id_++);
  if (results.size() == 1 && bodies_of(*node).empty()) {
    node->result()->elements = evaluate_symbolic(*node);
  }
  auto at = nodes_.end();
  if (before)
    at = std::find_if(nodes_.begin(), nodes_.end(),
                      [&](const auto& other) { return other.get() == before; });
  nodes_.insert(at, std::move(owned));
  return node;
}

void Graph::replace_uses(Value* from, Value* to) {
  for (const auto& node : nodes_) {
    if (node.get() == to->node) continue;
    std::replace(node->operands.begin(), node->operands.end(), from, to);
  }
  std::replace(outputs.begin(), outputs.end(), from, to);
}

std::unordered_map<const Value*, std::vector<Node*>> Graph::users() const {
  std::unordered_map<const Value*, std::vector<Node*>> result;
  for (const auto& node : nodes_) {
    for (const Value* operand : node->operands) {
      std::vector<Node*>& list = result[operand];
      if (list.empty() || list.back() != node.get()) list.push_back(node.get());
    }
  }
  return result;
}

void Graph::remove_dead() {
  std::set<const Node*> live;
  std::set<std::string> symbols;
  std::set<std::string> gone;
  for (const Check& check : checks) {
    if (!check.kept) continue;
    symbols.merge(check.a.symbols());
    symbols.merge(check.b.symbols());
  }
  for (const Value* output : outputs) live.insert(output->node);
  for (auto it = nodes_.rbegin(); it != nodes_.rend(); ++it) {
    const Node& node = **it;
    const auto& defined = defined_symbols(node);
    const auto is_used = [&](const std::string& name) { return symbols.contains(name); };
    if (!live.contains(&node) && std::none_of(defined.begin(), defined.end(), is_used)) {
      gone.insert(defined.begin(), defined.end());
      continue;
    }
    live.insert(&node);
    symbols.merge(used_symbols(node));
    for (const Value* operand : node.operands) live.insert(operand->node);
  }
  nodes_.remove_if(
      [&](const auto& node) { return !node->template as<Input>() && !live.contains(node.get()); });
  const auto is_gone = [&](const std::string& name) { return gone.contains(name); };
  std::erase_if(checks, [&](const Check& check) {
    std::set<std::string> used = check.a.symbols();
    used.merge(check.b.symbols());
    return std::any_of(used.begin(), used.end(), is_gone);
  });
}

std::shared_ptr<Graph> clone(const Graph& graph) {
  auto copy = std::make_shared<Graph>();
  copy->name = graph.name;
  copy->symbols = graph.symbols;
  copy->output_names = graph.output_names;
  copy->frozen = graph.frozen;
  copy->checks = graph.checks;
  std::unordered_map<const Value*, Value*> moved;
  for (const Value* input : graph.inputs) {
    moved[input] = copy->input(input->node->as<Input>()->name, input->type);
  }
  for (const auto& node : graph.nodes()) {
    if (node->as<Input>()) continue;
    std::vector<Value*> operands;
    for (const Value* operand : node->operands) operands.push_back(moved.at(operand));
    Node* added = copy->add(node->op, std::move(operands));
    if (auto* branch = added->as<If>()) {
      branch->then_body = clone(*branch->then_body);
      branch->else_body = clone(*branch->else_body);
    }
    if (auto* loop = added->as<Loop>()) loop->body = clone(*loop->body);
    added->origins = node->origins;
    for (size_t i = 0; i < node->results.size(); ++i) {
      added->results[i]->name = node->results[i]->name;
      added->results[i]->order = node->results[i]->order;
      added->results[i]->elements = node->results[i]->elements;
      moved[node->results[i].get()] = added->results[i].get();
    }
  }
  for (const Value* output : graph.outputs) copy->outputs.push_back(moved.at(output));
  return copy;
}

namespace {

// Everything that some node of the graph or of its bodies defines.
void collect_defined(const Graph& graph, std::set<std::string>* names) {
  for (const auto& node : graph.nodes()) {
    const auto& defined = defined_symbols(*node);
    names->insert(defined.begin(), defined.end());
    for (const Graph* body : bodies_of(*node)) collect_defined(*body, names);
  }
}

class Verifier {
 public:
  explicit Verifier(const Graph& graph) : graph_(graph) { collect_defined(graph, &by_nodes_); }

  void run() {
    for (const auto& node : graph_.nodes()) visit(*node);
    for (const Value* output : graph_.outputs)
      DOVETAIL_CHECK(defined_.contains(output), "output %{} is not defined", output->id);
    DOVETAIL_CHECK(graph_.outputs.size() == graph_.output_names.size(), "{} outputs, {} names",
                   graph_.outputs.size(), graph_.output_names.size());
  }

 private:
  void visit(const Node& node) {
    std::vector<TensorType> types;
    for (const Value* operand : node.operands) {
      DOVETAIL_CHECK(defined_.contains(operand), "%{} is used by a {} before it is defined",
                     operand->id, name_of(node.op));
      types.push_back(operand->type);
    }
    DOVETAIL_CHECK(!node.results.empty(), "a {} without result", name_of(node.op));
    for (const auto& result : node.results) {
      DOVETAIL_CHECK(result->node == &node && ids_.insert(result->id).second,
                     "%{} is defined twice", result->id);
      defined_.insert(result.get());
    }
    if (node.as<Input>()) return;
    check_symbols(node);
    const std::vector<TensorType> inferred = infer(node.op, types);
    for (size_t i = 0; i < inferred.size(); ++i) {
      DOVETAIL_CHECK(inferred[i] == node.results[i]->type, "%{} is {}, inferred {}",
                     node.results[i]->id, to_string(node.results[i]->type), to_string(inferred[i]));
    }
    for (const Graph* body : bodies_of(node)) verify(*body);
  }

  // Symbols that nodes of this graph define come after them; a region's own are its bodies' too.
  void check_symbols(const Node& node) {
    const auto& defined = defined_symbols(node);
    symbols_.insert(defined.begin(), defined.end());
    std::set<std::string> inside;
    for (const Graph* body : bodies_of(node)) collect_defined(*body, &inside);
    for (const std::string& name : used_symbols(node)) {
      DOVETAIL_CHECK(!by_nodes_.contains(name) || inside.contains(name) || symbols_.contains(name),
                     "%{} uses the symbol {} before it is defined", node.results.front()->id, name);
    }
  }

  const Graph& graph_;
  std::set<const Value*> defined_;
  std::set<int> ids_;
  std::set<std::string> by_nodes_, symbols_;
};

}  // namespace

void verify(const Graph& graph) { Verifier(graph).run(); }

}  // namespace dovetail::ir
