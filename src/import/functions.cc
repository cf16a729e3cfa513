#include "import/functions.h"

#include <functional>
#include <map>
#include <set>
#include <tuple>

#include "base/error.h"

namespace dovetail::import {
namespace {

using onnx::AttributeProto;
using onnx::FunctionProto;
using onnx::NodeProto;

// Each opens into at least one node, so this also bounds functions that double at every level.
constexpr size_t kMaxNodes = 1'000'000;
constexpr int kMaxDepth = 32;

using Key = std::tuple<std::string, std::string, std::string>;  // domain, name, overload

std::string title_of(const std::string& name, const NodeProto& node) {
  return node.name().empty() ? fmt::format("node {}", name)
                             : fmt::format("node '{}' ({})", name, node.op_type());
}

class Inliner {
 public:
  explicit Inliner(const GraphSource& source) : source_(source), file_(source.file) {
    for (const FunctionProto& f : source.model.functions()) {
      if (!functions_.emplace(Key{domain_of(f.domain()), f.name(), f.overload()}, &f).second) {
        throw_error(ErrorKind::kValue, "{}: function '{}' of domain '{}' is defined twice", file_,
                    f.name(), f.domain());
      }
    }
  }

  std::vector<Node> run() {
    for (int i = 0; i < source_.graph.node_size(); ++i) {
      const NodeProto& proto = source_.graph.node(i);
      add({&proto, nullptr, name_of(proto, i, source_.scope), "", source_.opsets, {}}, 0);
    }
    return std::move(nodes_);
  }

 private:
  static std::string name_of(const NodeProto& node, int index, const std::string& scope) {
    return scope +
           (node.name().empty() ? fmt::format("#{} {}", index, node.op_type()) : node.name());
  }

  void add(Node node, int depth) {
    node.title = title_of(node.name, *node.proto);
    const auto function = functions_.find(
        Key{domain_of(node.proto->domain()), node.proto->op_type(), node.proto->overload()});
    if (function != functions_.end()) {
      if (depth == kMaxDepth) {
        throw_error(ErrorKind::kUnsupported, "{}: {}: functions call each other more than {} deep",
                    file_, node.title, kMaxDepth);
      }
      open(node, *function->second, depth);
      return;
    }
    if (nodes_.size() == kMaxNodes) {
      throw_error(ErrorKind::kUnsupported, "{}: the model has more than {} nodes", file_,
                  kMaxNodes);
    }
    node.reads = names_read(*node.proto);
    nodes_.push_back(std::move(node));
  }

  void open(const Node& call, const FunctionProto& f, int depth) {
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
    for (int i = 0; i < f.output_size(); ++i) {
      if (names.contains(f.output(i))) {
        throw_error(ErrorKind::kUnsupported,
                    "{}: {}: function '{}' gives its input '{}' as an output", file_, call.title,
                    f.name(), f.output(i));
      }
      const bool wanted = i < proto.output_size() && !proto.output(i).empty();
      names[f.output(i)] = wanted ? proto.output(i) : call.name + "/" + f.output(i);
    }
    const auto opsets = std::make_shared<const Opsets>(
        opsets_of(f.opset_import(), fmt::format("{}: function '{}'", file_, f.name())));
    for (int i = 0; i < f.node_size(); ++i) {
      auto node = std::make_shared<NodeProto>(f.node(i));
      const auto rename = [&](std::string* name) {
        if (name->empty()) return;
        const auto known = names.find(*name);
        *name = known != names.end() ? known->second : call.name + "/" + *name;
      };
      for (std::string& name : *node->mutable_input()) rename(&name);
      for (std::string& name : *node->mutable_output()) rename(&name);
      bind_attributes(call, f, node.get());
      for (AttributeProto& attribute : *node->mutable_attribute()) {
        if (attribute.has_g()) rename_free(attribute.mutable_g(), rename);
      }
      const std::string name = name_of(*node, i, call.name + "/");
      add({node.get(), node, name, "", opsets, {}}, depth + 1);
    }
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

  // What a body reads from outside of it takes the names that the function's tensors have now.
  using Rename = std::function<void(std::string*)>;
  static void rename_free(onnx::GraphProto* graph, const Rename& rename) {
    const std::set<std::string> own = names_made(*graph);
    const Rename rename_outer = [&](std::string* name) {
      if (!own.contains(*name)) rename(name);
    };
    for (NodeProto& node : *graph->mutable_node()) {
      for (std::string& name : *node.mutable_input()) rename_outer(&name);
      for (AttributeProto& attribute : *node.mutable_attribute()) {
        if (attribute.has_g()) rename_free(attribute.mutable_g(), rename_outer);
      }
    }
    for (onnx::ValueInfoProto& output : *graph->mutable_output()) {
      rename_outer(output.mutable_name());
    }
  }

  const GraphSource& source_;
  const std::string& file_;
  std::map<Key, const FunctionProto*> functions_;
  std::vector<Node> nodes_;
};

}  // namespace

std::vector<Node> inlined_nodes(const GraphSource& source) { return Inliner(source).run(); }

}  // namespace dovetail::import
