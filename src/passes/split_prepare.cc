#include "passes/split_prepare.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "base/error.h"
#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Graph;
using ir::Node;
using ir::TensorData;
using ir::Value;

// A few bytes of a file may ask for more than any machine has. What a model needs grows with its
// weights.
constexpr double kPreparedElements = 0x1p26;
constexpr double kPreparedForEachWeight = 16;

double max_prepared_elements(const Graph& graph) {
  double weights = 0;
  for (const auto& node : graph.nodes()) {
    if (const auto* param = node->as<ir::Param>())
      weights += static_cast<double>(param->data.element_count());
    if (const auto* constant = node->as<ir::Constant>())
      weights += static_cast<double>(constant->data.element_count());
  }
  return std::max(kPreparedElements, kPreparedForEachWeight * weights);
}

class Splitter {
 public:
  explicit Splitter(Graph& model)
      : model_(model),
        rebuild_(model),
        prepared_(prepared_values(model)),
        max_elements_(max_prepared_elements(model)) {}

  Split run() {
    keep_broadcasts();
    find_border();
    for (const Value* value : border_) reserve_names(*value);
    make_prepare();
    make_params();
    for (const auto& node : model_.nodes()) {
      if (!prepared_.contains(node->result())) rebuild_.copy(*node);
    }
    rebuild_.finish();
    return std::move(split_);
  }

 private:
  // What the model alone reads through a broadcast is stored once and repeated by the reader.
  void keep_broadcasts() {
    const auto users = model_.users();
    const std::set<const Value*> outputs(model_.outputs.begin(), model_.outputs.end());
    for (auto it = model_.nodes().rbegin(); it != model_.nodes().rend(); ++it) {
      const Node& node = **it;
      if (!node.as<ir::Broadcast>() || !prepared_.contains(node.result())) continue;
      const auto found = users.find(node.result());
      bool read_by_prepare = false;
      if (found != users.end()) {
        for (const Node* user : found->second) {
          read_by_prepare |= prepared_.contains(user->result());
        }
      }
      if (!read_by_prepare) prepared_.erase(node.result());
    }
  }

  // Prepared values that the model reads, in the order of first use.
  void find_border() {
    std::unordered_set<const Value*> seen;
    const auto add = [&](const Value* value) {
      if (prepared_.contains(value) && seen.insert(value).second) border_.push_back(value);
    };
    for (const auto& node : model_.nodes()) {
      if (prepared_.contains(node->result())) continue;
      for (const Value* operand : node->operands) add(operand);
    }
    for (const Value* output : model_.outputs) add(output);
  }

  // Names of params stay theirs.
  void reserve_names(const Value& value) {
    if (const auto* param = value.node->as<ir::Param>()) taken_.insert(param->name);
  }

  void make_prepare() {
    split_.prepare = std::make_shared<Graph>();
    Graph& prepare = *split_.prepare;
    prepare.name = model_.name.empty() ? "prepare" : model_.name + ".prepare";
    const std::unordered_set<const Node*> needed = needed_nodes();
    for (const auto& node : model_.nodes()) {
      if (!needed.contains(node.get())) continue;
      if (const auto* param = node->as<ir::Param>()) {
        add_input(*node, param->name, param->data);
      } else if (const auto* constant = node->as<ir::Constant>()) {
        add_input(*node, fmt::format("%constant.{}", constants_++), constant->data);
      } else {
        add_node(*node);
      }
    }
    for (const Value* value : border_) {
      prepare.outputs.push_back(inside_.at(value));
      prepare.output_names.push_back(output_name(*value));
    }
  }

  std::unordered_set<const Node*> needed_nodes() const {
    std::unordered_set<const Node*> needed;
    for (const Value* value : border_) needed.insert(value->node);
    for (auto it = model_.nodes().rbegin(); it != model_.nodes().rend(); ++it) {
      if (!needed.contains(it->get())) continue;
      for (const Value* operand : (*it)->operands) needed.insert(operand->node);
    }
    return needed;
  }

  void add_input(const Node& node, const std::string& name, const TensorData& data) {
    Value* input = split_.prepare->input(name, node.result()->type);
    split_.prepare_inputs.push_back({name, data});
    inside_[node.result()] = input;
    source_[node.result()] = name;
  }

  void require_size(const Node& node) const {
    for (const auto& result : node.results) {
      double elements = 1;
      for (const ir::Dim& extent : result->shape()) elements *= static_cast<double>(extent.value());
      if (elements <= max_elements_) continue;
      throw_error(
          ErrorKind::kUnsupported,
          "node '{}' makes {} from weights and constants alone; at most {:.0f} elements are "
          "computed while compiling",
          fmt::join(node.origins, ", "), to_string(result->type), max_elements_);
    }
  }

  void add_node(const Node& node) {
    require_size(node);
    std::vector<Value*> operands;
    for (const Value* operand : node.operands) operands.push_back(inside_.at(operand));
    Node* added = split_.prepare->add(node.op, std::move(operands));
    added->origins = node.origins;
    for (size_t i = 0; i < node.results.size(); ++i) {
      inside_[node.results[i].get()] = added->results[i].get();
      source_[node.results[i].get()] = source_of(node);
    }
  }

  // The largest param that a node was made from names what becomes of it.
  std::string source_of(const Node& node) const {
    const Value* largest = nullptr;
    for (const Value* operand : node.operands) {
      if (!largest || weight_of(operand->shape()) > weight_of(largest->shape())) largest = operand;
    }
    return largest ? source_.at(largest) : "%constant";
  }

  std::string output_name(const Value& value) {
    if (value.node->as<ir::Param>() || value.node->as<ir::Constant>()) return source_.at(&value);
    const std::string base = source_.at(&value) + ".prepared";
    std::string name = base;
    for (int k = 1; !taken_.insert(name).second; ++k) name = fmt::format("{}.{}", base, k);
    return name;
  }

  // In the model every prepared value is a param without data.
  void make_params() {
    for (size_t k = 0; k < border_.size(); ++k) {
      const ir::TensorType& type = border_[k]->type;
      std::vector<int64_t> shape;
      for (const ir::Dim& extent : type.shape) shape.push_back(extent.value());
      Value* param = rebuild_.next().param(split_.prepare->output_names[k],
                                           TensorData(type.dtype, shape, std::vector<std::byte>()));
      param->node->origins = border_[k]->node->origins;
      rebuild_.set(border_[k], param);
    }
  }

  Graph& model_;
  Rebuild rebuild_;
  std::unordered_set<const Value*> prepared_;
  double max_elements_;  // of what is computed from weights and constants alone
  std::vector<const Value*> border_;
  Split split_;
  std::unordered_map<const Value*, Value*> inside_;       // model value -> prepare value
  std::unordered_map<const Value*, std::string> source_;  // the name it comes from
  std::set<std::string> taken_;
  int constants_ = 0;
};

}  // namespace

Split split_prepare(Graph& model) {
  model.remove_dead();  // with the checks of what goes, before they are copied
  return Splitter(model).run();
}

}  // namespace dovetail::passes
