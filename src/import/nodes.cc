#include "import/nodes.h"

#include <algorithm>
#include <map>

#include "base/error.h"
#include "import/functions.h"

namespace dovetail::import {
namespace {

// Sorts nodes by what they need, keeping the file's order where that is possible.
class Order {
 public:
  explicit Order(const GraphSource& source)
      : nodes_(inlined_nodes(source)), file_(source.file), source_(source) {
    for (const std::string& name : source.defined) makers_.emplace(name, kGiven);
    for (size_t i = 0; i < nodes_.size(); ++i) {
      for (const std::string& output : nodes_[i].proto->output()) {
        if (output.empty()) continue;
        const auto [at, added] = makers_.emplace(output, i);
        if (added) continue;
        throw_error(ErrorKind::kValue, "{}: tensor '{}' is made twice: by {} and by {}", file_,
                    output,
                    at->second == kGiven ? "an input or initializer" : nodes_[at->second].title,
                    nodes_[i].title);
      }
    }
  }

  std::vector<Node> run(bool* moved) {
    state_.assign(nodes_.size(), State::kNew);
    for (size_t i = 0; i < nodes_.size(); ++i) visit(i);
    *moved = !std::is_sorted(order_.begin(), order_.end());
    std::vector<Node> result;
    for (const size_t i : order_) result.push_back(std::move(nodes_[i]));
    return result;
  }

 private:
  static constexpr size_t kGiven = SIZE_MAX;
  enum class State : uint8_t { kNew, kOpen, kDone };
  struct Frame {
    size_t node;
    size_t input = 0;
  };

  // Depth first with a stack of its own: a chain may be as long as the file.
  void visit(size_t root) {
    if (state_[root] != State::kNew) return;
    std::vector<Frame> stack{{root}};
    state_[root] = State::kOpen;
    while (!stack.empty()) {
      Frame& frame = stack.back();
      const Node& node = nodes_[frame.node];
      if (frame.input == node.reads.size()) {
        state_[frame.node] = State::kDone;
        order_.push_back(frame.node);
        stack.pop_back();
        continue;
      }
      const std::string& name = node.reads[frame.input++];
      const auto maker = makers_.find(name);
      if (maker == makers_.end()) {
        if (source_.known_outside(name)) continue;
        throw_error(ErrorKind::kValue,
                    "{}: {} reads tensor '{}', which no input, initializer or node makes", file_,
                    node.title, name);
      }
      if (maker->second == kGiven || state_[maker->second] == State::kDone) continue;
      if (state_[maker->second] == State::kOpen) refuse_cycle(stack, maker->second);
      state_[maker->second] = State::kOpen;
      stack.push_back({maker->second});
    }
  }

  [[noreturn]] void refuse_cycle(const std::vector<Frame>& stack, size_t from) const {
    std::string names;
    const auto is_from = [&](const Frame& f) { return f.node == from; };
    for (auto f = std::find_if(stack.begin(), stack.end(), is_from); f != stack.end(); ++f) {
      names += nodes_[f->node].title + " <- ";
    }
    throw_error(ErrorKind::kValue, "{}: the graph has a cycle: {}{}", file_, names,
                nodes_[from].title);
  }

  std::vector<Node> nodes_;
  const std::string& file_;
  const GraphSource& source_;
  std::map<std::string, size_t> makers_;
  std::vector<State> state_;
  std::vector<size_t> order_;
};

// Names that a graph reads and does not make.
void add_free(const onnx::GraphProto& graph, std::vector<std::string>* names) {
  const std::set<std::string> made = names_made(graph);
  const auto add = [&](const std::string& name) {
    if (!name.empty() && !made.contains(name)) names->push_back(name);
  };
  for (const onnx::NodeProto& node : graph.node()) {
    for (const std::string& name : names_read(node)) add(name);
  }
  for (const onnx::ValueInfoProto& output : graph.output()) add(output.name());
}

bool holds_bodies(const Node& node) {
  return std::ranges::any_of(node.proto->attribute(), &onnx::AttributeProto::has_g);
}

// The names of a body's weights begin with that of its node: files may have it twice.
void tell_apart(std::vector<Node>* nodes) {
  std::set<std::string> taken;
  for (Node& node : *nodes) {
    while (holds_bodies(node) && !taken.insert(node.name).second) node.name += "'";
  }
}

}  // namespace

std::set<std::string> names_made(const onnx::GraphProto& graph) {
  std::set<std::string> names;
  for (const onnx::ValueInfoProto& input : graph.input()) names.insert(input.name());
  for (const onnx::TensorProto& tensor : graph.initializer()) names.insert(tensor.name());
  for (const auto& tensor : graph.sparse_initializer()) names.insert(tensor.values().name());
  for (const onnx::NodeProto& node : graph.node()) {
    names.insert(node.output().begin(), node.output().end());
  }
  return names;
}

std::vector<std::string> names_read(const onnx::NodeProto& node) {
  std::vector<std::string> names;
  for (const std::string& name : node.input()) {
    if (!name.empty()) names.push_back(name);
  }
  for (const onnx::AttributeProto& attribute : node.attribute()) {
    if (attribute.has_g()) add_free(attribute.g(), &names);
  }
  return names;
}

std::vector<Node> ordered_nodes(const GraphSource& source,
                                const std::function<void(const std::string&)>& on_warning) {
  bool moved = false;
  std::vector<Node> nodes = Order(source).run(&moved);
  if (moved) {
    on_warning(source.file + ": nodes stand before those that make their inputs; they were sorted");
  }
  tell_apart(&nodes);
  return nodes;
}

}  // namespace dovetail::import
