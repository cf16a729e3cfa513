#include "ir/regions.h"

namespace dovetail::ir {
namespace {

// Calls visit for the expressions of each kind of primitive that has any.
class DimVisitor {
 public:
  explicit DimVisitor(const std::function<void(Dim&)>& visit) : visit_(visit) {}

  void operator()(Contract& op) const { window(op.window); }
  void operator()(Pool& op) const {
    window(op.window);
    all(op.ceil_extra);
  }
  void operator()(Broadcast& op) const { all(op.shape); }
  void operator()(Reshape& op) const { all(op.shape); }
  void operator()(Slice& op) const {
    all(op.starts);
    all(op.extents);
  }
  void operator()(Pad& op) const {
    all(op.lo);
    all(op.hi);
  }
  void operator()(PoolIndices& op) const {
    window(op.window);
    all(op.ceil_extra);
  }
  void operator()(TopK& op) const { visit_(op.k); }
  void operator()(Nms& op) const { visit_(op.limit); }
  void operator()(Lookup& op) const {
    all(op.shape);
    all(op.dims);
  }
  void operator()(Scatter& op) const { all(op.dims); }
  void operator()(Compact& op) const { visit_(op.count); }
  void operator()(If& op) const { types(op.types); }
  void operator()(Loop& op) const {
    if (op.trips) visit_(*op.trips);
    types(op.types);
  }
  template <class Other>
  void operator()(Other&) const {}

 private:
  void all(std::vector<Dim>& dims) const {
    for (Dim& dim : dims) visit_(dim);
  }
  void window(Window& window) const {
    all(window.pad_lo);
    all(window.pad_hi);
  }
  void types(std::vector<TensorType>& types) const {
    for (TensorType& type : types) all(type.shape);
  }
  const std::function<void(Dim&)>& visit_;
};

void add_used(const Node& node, std::set<std::string>* used) {
  const auto add = [&](const Dim& dim) { used->merge(dim.symbols()); };
  for (const auto& result : node.results) {
    for (const Dim& extent : result->shape()) add(extent);
  }
  // The visitor may change what it visits; this one does not.
  for_each_dim(const_cast<Primitive&>(node.op), [&](Dim& dim) { add(dim); });
  if (const auto* composite = node.as<Composite>()) {
    for (const auto& inner : composite->body->nodes()) add_used(*inner, used);
  }
  for (const Graph* body : bodies_of(node)) {
    for (const auto& inner : body->nodes()) add_used(*inner, used);
    for (const Check& check : body->checks) {
      add(check.a);
      add(check.b);
    }
  }
}

}  // namespace

std::vector<Graph*> bodies_of(const Node& node) {
  if (const auto* branch = node.as<If>()) {
    return {branch->then_body.get(), branch->else_body.get()};
  }
  if (const auto* loop = node.as<Loop>()) return {loop->body.get()};
  return {};
}

void for_each_graph(Graph& graph, const std::function<void(Graph&)>& visit) {
  for (const auto& node : graph.nodes()) {
    for (Graph* body : bodies_of(*node)) for_each_graph(*body, visit);
  }
  visit(graph);
}

void for_each_dim(Primitive& op, const std::function<void(Dim&)>& visit) {
  std::visit(DimVisitor(visit), op);
}

size_t operands_before_captures(const Node& region) {
  const auto* loop = region.as<Loop>();
  return loop ? (loop->has_condition ? 1 : 0) + static_cast<size_t>(loop->states) : 1;
}

size_t inputs_before_captures(const Node& region) {
  const auto* loop = region.as<Loop>();
  return loop ? 1 + static_cast<size_t>(loop->states) : 0;
}

Value* capture(Node& region, Graph& body, Value* outer) {
  const size_t first = operands_before_captures(region), inner = inputs_before_captures(region);
  for (size_t k = first; k < region.operands.size(); ++k) {
    if (region.operands[k] == outer) return body.inputs[inner + k - first];
  }
  region.operands.push_back(outer);
  Value* result = nullptr;
  for (Graph* each : bodies_of(region)) {
    Value* input = each->input(outer->name, outer->type);
    if (each == &body) result = input;
  }
  return result;
}

void prune_captures(Node& region) {
  std::set<const Value*> read;
  for (const Graph* body : bodies_of(region)) {
    for (const auto& node : body->nodes())
      read.insert(node->operands.begin(), node->operands.end());
    read.insert(body->outputs.begin(), body->outputs.end());
  }
  const size_t first = operands_before_captures(region), inner = inputs_before_captures(region);
  for (size_t k = region.operands.size(); k-- > first;) {
    bool used = false;
    for (const Graph* body : bodies_of(region)) {
      used = used || read.contains(body->inputs[inner + k - first]);
    }
    if (used) continue;
    region.operands.erase(region.operands.begin() + static_cast<ptrdiff_t>(k));
    for (Graph* body : bodies_of(region)) {
      const auto at = body->inputs.begin() + static_cast<ptrdiff_t>(inner + k - first);
      const Node* node = (*at)->node;
      body->inputs.erase(at);
      body->nodes().remove_if([&](const auto& other) { return other.get() == node; });
    }
  }
}

const std::vector<std::string>& defined_symbols(const Node& node) {
  static const std::vector<std::string> none;
  if (const auto* measure = node.as<Measure>()) return measure->symbols;
  if (const auto* branch = node.as<If>()) return branch->symbols;
  if (const auto* loop = node.as<Loop>()) return loop->symbols;
  return none;
}

bool defines_symbols(const Node& node) { return !defined_symbols(node).empty(); }

std::set<std::string> used_symbols(const Node& node) {
  std::set<std::string> used;
  add_used(node, &used);
  return used;
}

std::set<std::string> run_symbols(const Graph& graph) {
  std::set<std::string> symbols;
  for (const auto& node : graph.nodes()) {
    const std::vector<std::string>& defined = defined_symbols(*node);
    symbols.insert(defined.begin(), defined.end());
    if (const auto* loop = node->as<Loop>()) symbols.insert(loop->iteration);
    for (const Graph* body : bodies_of(*node)) symbols.merge(run_symbols(*body));
  }
  return symbols;
}

}  // namespace dovetail::ir
