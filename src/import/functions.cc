#include "import/functions.h"

#include <algorithm>
#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"
#include "ops/op.h"

namespace dovetail::import {
namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::GraphProto;
using onnx::NodeProto;

// Of calls too: functions may double at every level and have no node at the last.
constexpr size_t kMaxNodes = 1'000'000;
constexpr size_t kMaxDepth = 32;

using Key = std::tuple<std::string, std::string, std::string>;  // domain, name, overload

std::string title_of(const std::string& name, const NodeProto& node) {
  return node.name().empty() ? fmt::format("node {}", name)
                             : fmt::format("node '{}' ({})", name, node.op_type());
}

// The functions of a model and the calls among them.
class CallGraph {
 public:
  CallGraph(const onnx::ModelProto& model, const std::string& file) : file_(file) {
    for (const FunctionProto& f : model.functions()) {
      if (!functions_.emplace(Key{domain_of(f.domain()), f.name(), f.overload()}, &f).second) {
        throw_error(ErrorKind::kValue, "{}: function '{}' of domain '{}' is defined twice", file_,
                    f.name(), f.domain());
      }
    }
  }

  bool empty() const { return functions_.empty(); }

  // nullptr: the node is an operator.
  const FunctionProto* called_by(const NodeProto& node) const {
    const auto function =
        functions_.find(Key{domain_of(node.domain()), node.op_type(), node.overload()});
    return function == functions_.end() ? nullptr : function->second;
  }

  // Refuses recursion and calls that nest too deep, those in bodies too: a body is opened on its
  // own and could not tell. Messages name the call of `f` by its title.
  void require_bounded(const FunctionProto& f, const std::string& title) { depth_of(f, title); }

 private:
  using Nodes = google::protobuf::RepeatedPtrField<NodeProto>;
  using Attributes = google::protobuf::RepeatedPtrField<AttributeProto>;

  // Levels of calls, that of `f` among them.
  size_t depth_of(const FunctionProto& f, const std::string& title) {
    const auto open = std::find(callers_.begin(), callers_.end(), &f);
    if (open != callers_.end()) refuse_recursion(open - callers_.begin(), title);
    const auto [at, added] = depths_.emplace(&f, 1);
    if (callers_.size() + at->second > kMaxDepth) {
      throw_error(ErrorKind::kUnsupported, "{}: {}: functions call each other more than {} deep",
                  file_, title, kMaxDepth);
    }
    if (!added) return at->second;
    callers_.push_back(&f);
    at->second +=
        std::max(depth_below(f.node(), title), depth_in_bodies(f.attribute_proto(), title));
    callers_.pop_back();
    return at->second;
  }

  size_t depth_below(const Nodes& nodes, const std::string& title) {
    size_t depth = 0;
    for (const NodeProto& node : nodes) {
      if (const FunctionProto* f = called_by(node)) depth = std::max(depth, depth_of(*f, title));
      depth = std::max(depth, depth_in_bodies(node.attribute(), title));
    }
    return depth;
  }

  size_t depth_in_bodies(const Attributes& attributes, const std::string& title) {
    size_t depth = 0;
    for (const AttributeProto& attribute : attributes) {
      depth = std::max(depth, depth_below(attribute.g().node(), title));
    }
    return depth;
  }

  [[noreturn]] void refuse_recursion(size_t first, const std::string& title) const {
    std::string through;
    for (size_t i = first + 1; i < callers_.size(); ++i) {
      through += fmt::format("{} '{}'", through.empty() ? " through" : ",", callers_[i]->name());
    }
    throw_error(ErrorKind::kUnsupported, "{}: {}: function '{}' calls itself{}", file_, title,
                callers_[first]->name(), through);
  }

  const std::string& file_;
  std::map<Key, const FunctionProto*> functions_;
  std::map<const FunctionProto*, size_t> depths_;
  std::vector<const FunctionProto*> callers_;  // of the function that is looked at
};

class Inliner {
 public:
  explicit Inliner(const GraphSource& source)
      : source_(source), file_(source.file), calls_(source.model, source.file) {
    if (!calls_.empty()) take_names(source.graph);
  }

  std::vector<Node> run() {
    for (int i = 0; i < source_.graph.node_size(); ++i) {
      const NodeProto& proto = source_.graph.node(i);
      add({&proto, nullptr, name_of(proto, i, source_.scope), "", source_.opsets, {}});
    }
    return std::move(nodes_);
  }

 private:
  using Rename = std::function<void(std::string*)>;

  static std::string name_of(const NodeProto& node, int index, const std::string& scope) {
    return scope +
           (node.name().empty() ? fmt::format("#{} {}", index, node.op_type()) : node.name());
  }

  void add(Node node) {
    node.title = title_of(node.name, *node.proto);
    if (const FunctionProto* function = calls_.called_by(*node.proto)) {
      calls_.require_bounded(*function, node.title);
      require_room();
      ++opened_;
      open(node, *function);
    } else {
      add_operator(std::move(node));
    }
  }

  void add_operator(Node node) {
    require_room();
    node.reads = names_read(*node.proto);
    nodes_.push_back(std::move(node));
  }

  void require_room() const {
    if (nodes_.size() + opened_ == kMaxNodes) {
      throw_error(ErrorKind::kUnsupported, "{}: the model has more than {} nodes", file_,
                  kMaxNodes);
    }
  }

  void open(const Node& call, const FunctionProto& f) {
    const NodeProto& proto = *call.proto;
    if (proto.input_size() > f.input_size() || proto.output_size() > f.output_size()) {
      throw_error(ErrorKind::kValue,
                  "{}: {}: function '{}' takes {} inputs and gives {} outputs; the call has {} and "
                  "{}",
                  file_, call.title, f.name(), f.input_size(), f.output_size(), proto.input_size(),
                  proto.output_size());
    }
    // Names of the function -> names of the graph. Absent inputs and outputs are "".
    std::map<std::string, std::string> names;
    for (int i = 0; i < f.input_size(); ++i) {
      names[f.input(i)] = i < proto.input_size() ? proto.input(i) : "";
    }
    names[""] = "";
    for (int i = 0; i < proto.output_size(); ++i) {
      if (proto.output(i).empty()) continue;
      const auto [at, added] = names.emplace(f.output(i), proto.output(i));
      if (!added) add_copy(call.name + "/" + f.output(i), at->second, proto.output(i));
    }
    const Rename rename = [&](std::string* name) {
      const auto [at, added] = names.emplace(*name, "");
      if (added) at->second = fresh(call.name + "/" + *name);
      *name = at->second;
    };
    const auto opsets = std::make_shared<const Opsets>(
        opsets_of(f.opset_import(), fmt::format("{}: function '{}'", file_, f.name())));
    for (int i = 0; i < f.node_size(); ++i) {
      auto node = std::make_shared<NodeProto>(f.node(i));
      // Before the attributes: a body that the call gives has the caller's names.
      rename_node(node.get(), rename);
      bind_attributes(call, f, node.get());
      const std::string name = name_of(*node, i, call.name + "/");
      add({node.get(), node, name, "", opsets, {}});
    }
  }

  // For a function that gives one of its inputs as an output, or a tensor twice.
  void add_copy(const std::string& name, const std::string& from, const std::string& to) {
    static const auto kOpsets = std::make_shared<const Opsets>(Opsets{{"", ops::kMinOpset}});
    auto node = std::make_shared<NodeProto>();
    node->set_name(name);
    node->set_op_type("Identity");
    node->add_input(from);
    node->add_output(to);
    add_operator({node.get(), node, name, title_of(name, *node), kOpsets, {}});
  }

  // An attribute that refers to one of the function takes the call's value, or the function's
  // default; without either it is absent.
  void bind_attributes(const Node& call, const FunctionProto& f, NodeProto* node) const {
    google::protobuf::RepeatedPtrField<AttributeProto> bound;
    for (AttributeProto& attribute : *node->mutable_attribute()) {
      if (attribute.has_g()) {
        for (NodeProto& inner : *attribute.mutable_g()->mutable_node()) {
          bind_attributes(call, f, &inner);
        }
      }
      if (attribute.ref_attr_name().empty()) {
        *bound.Add() = attribute;
        continue;
      }
      const AttributeProto* value = nullptr;
      for (const AttributeProto& a : f.attribute_proto()) {
        if (a.name() == attribute.ref_attr_name()) value = &a;
      }
      for (const AttributeProto& a : call.proto->attribute()) {
        if (a.name() == attribute.ref_attr_name()) value = &a;
      }
      if (!value) continue;
      AttributeProto* copy = bound.Add();
      *copy = *value;
      copy->set_name(attribute.name());
    }
    node->mutable_attribute()->Swap(&bound);
  }

  void rename_node(NodeProto* node, const Rename& rename) {
    for (std::string& name : *node->mutable_input()) rename(&name);
    for (std::string& name : *node->mutable_output()) rename(&name);
    for (AttributeProto& attribute : *node->mutable_attribute()) {
      if (attribute.has_g()) rename_body(attribute.mutable_g(), rename);
    }
  }

  // What the body makes gets new names as well: by its own it could hide a tensor of the caller
  // that the function reads here by an input's name.
  void rename_body(GraphProto* graph, const Rename& rename_outer) {
    std::map<std::string, std::string> own;
    for (const std::string& name : names_made(*graph)) {
      if (!name.empty()) own[name] = fresh(name);
    }
    const Rename rename = [&](std::string* name) {
      const auto known = own.find(*name);
      if (known == own.end()) return rename_outer(name);
      *name = known->second;
    };
    for (onnx::ValueInfoProto& input : *graph->mutable_input()) rename(input.mutable_name());
    for (onnx::TensorProto& tensor : *graph->mutable_initializer()) rename(tensor.mutable_name());
    for (auto& tensor : *graph->mutable_sparse_initializer()) {
      rename(tensor.mutable_values()->mutable_name());
    }
    for (NodeProto& node : *graph->mutable_node()) rename_node(&node, rename);
    for (onnx::ValueInfoProto& output : *graph->mutable_output()) rename(output.mutable_name());
  }

  // A name that nothing in the graph has, nor in its bodies.
  std::string fresh(const std::string& wanted) {
    std::string name = wanted;
    while (!taken_.insert(name).second) name = fmt::format("{}_{}", wanted, ++repeats_[wanted]);
    return name;
  }

  void take_names(const GraphProto& graph) {
    taken_.merge(names_made(graph));
    for (const onnx::ValueInfoProto& output : graph.output()) taken_.insert(output.name());
    for (const NodeProto& node : graph.node()) {
      taken_.insert(node.input().begin(), node.input().end());
      for (const AttributeProto& attribute : node.attribute()) take_names(attribute.g());
    }
  }

  const GraphSource& source_;
  const std::string& file_;
  CallGraph calls_;
  std::set<std::string> taken_;
  std::map<std::string, int> repeats_;  // of a name that was wanted again
  std::vector<Node> nodes_;
  size_t opened_ = 0;  // calls
};

}  // namespace

std::vector<Node> inlined_nodes(const GraphSource& source) { return Inliner(source).run(); }

}  // namespace dovetail::import
