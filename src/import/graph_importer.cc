#include "import/graph_importer.h"

#include <set>

#include "base/error.h"
#include "import/attributes.h"
#include "import/sparse_tensors.h"
#include "import/supported.h"
#include "ops/lowering/context.h"

namespace dovetail::import {

using ir::Value;

namespace {

constexpr int64_t kMaxKnownElements = 4096;

// Integers that may shape code; settle_frozen forgets those that did not.
void know_content(Value* value) {
  const auto* param = value->node->as<ir::Param>();
  if (!param || value->elements || ir::is_float(value->dtype())) return;
  const int64_t count = param->data.element_count();
  if (count > kMaxKnownElements) return;
  std::vector<ir::Dim> elements;
  for (int64_t i = 0; i < count; ++i) elements.emplace_back(param->data.as_int(i));
  value->elements = std::move(elements);
}

}  // namespace

GraphImporter::GraphImporter(std::shared_ptr<const onnx::ModelProto> model, const std::string& file,
                             Tensors& tensors, const Options& options, ir::SymbolBounds given)
    : model_(std::move(model)),
      file_(file),
      tensors_(tensors),
      options_(options),
      given_(std::move(given)),
      opsets_(std::make_shared<const Opsets>(opsets_of(model_->opset_import(), file))) {}

void GraphImporter::import_graph(const onnx::GraphProto& proto, Scope& scope,
                                 const std::shared_ptr<const Opsets>& opsets) {
  std::set<std::string> defined;
  for (const onnx::ValueInfoProto& input : proto.input()) defined.insert(input.name());
  for (const onnx::TensorProto& tensor : proto.initializer()) defined.insert(tensor.name());
  for (const auto& tensor : proto.sparse_initializer()) defined.insert(tensor.values().name());
  const std::vector<Node> nodes =
      ordered_nodes({*model_, proto, file_, scope.path(), opsets, std::move(defined),
                     [&](const std::string& name) { return scope.knows(name); }},
                    options_.on_warning);
  require_supported(nodes, file_);
  for (const Node& node : nodes) {
    if (node.owner) tensors_.keep(node.owner);
  }
  add_initializers(proto, nodes, scope);
  for (const Node& node : nodes) add_node(node, scope);
}

// Only those that something reads.
void GraphImporter::add_initializers(const onnx::GraphProto& proto, const std::vector<Node>& nodes,
                                     Scope& scope) {
  std::set<std::string> read;
  for (const Node& node : nodes) read.insert(node.reads.begin(), node.reads.end());
  for (const onnx::ValueInfoProto& output : proto.output()) read.insert(output.name());
  const auto add = [&](const std::string& name, const auto& content) {
    if (!read.contains(name)) return;
    try {
      Value* param = scope.graph().param(scope.path() + name, content());
      know_content(param);
      scope.set(name, param);
    } catch (const Error& error) {
      throw_error(error.kind(), "{}: initializer '{}': {}", file_, name, error.what());
    }
  };
  for (const onnx::TensorProto& tensor : proto.initializer()) {
    add(tensor.name(), [&] { return tensors_.read(tensor); });
  }
  for (const onnx::SparseTensorProto& tensor : proto.sparse_initializer()) {
    add(tensor.values().name(), [&] { return read_sparse(tensor, tensors_); });
  }
}

ops::OnnxNode GraphImporter::view_of(const Node& node, Scope& scope) {
  const onnx::NodeProto& proto = *node.proto;
  ops::OnnxNode view;
  view.op_type = proto.op_type();
  view.domain = domain_of(proto.domain());
  view.name = node.name;
  view.scope = scope.path();
  view.opset = opset_of(node);
  for (const std::string& name : proto.input()) {
    view.inputs.push_back(name.empty() ? nullptr : scope.find(name));
  }
  while (!view.inputs.empty() && !view.inputs.back()) view.inputs.pop_back();
  view.outputs.assign(proto.output().begin(), proto.output().end());
  while (!view.outputs.empty() && view.outputs.back().empty()) view.outputs.pop_back();
  return view;
}

void GraphImporter::add_node(const Node& node, Scope& scope) {
  const std::string around = scope.graph().origin();
  scope.graph().set_origin(node.name);
  scope.graph().operators[node.name] = node.proto->op_type();
  try {
    ops::OnnxNode view = view_of(node, scope);
    if (view.outputs.empty()) return;  // nothing reads it
    const ops::OpDef* def = ops::find_op(view.domain, view.op_type, view.opset);
    ops::Values results;
    if (!def->lower) {
      results = import_region(node, scope);
    } else {
      for (const onnx::AttributeProto& attribute : node.proto->attribute()) {
        if (!view.attributes.emplace(attribute.name(), attribute_of(attribute, tensors_)).second) {
          throw_error(ErrorKind::kValue, "attribute '{}' is given twice", attribute.name());
        }
      }
      const auto warn = [&](const std::string& text) {
        options_.on_warning(fmt::format("{}: {}: {}", file_, node.title, text));
      };
      results = ops::lower(scope.graph(), view, *def, {given_, warn});
    }
    for (size_t i = 0; i < view.outputs.size() && i < results.size(); ++i) {
      const std::string& name = view.outputs[i];
      if (name.empty()) continue;
      if (results[i]->name.empty()) results[i]->name = scope.path() + name;
      know_content(results[i]);
      scope.set(name, results[i]);
    }
  } catch (const Error& error) {
    const std::string text = error.what();
    if (text.starts_with(file_ + ": ")) throw;  // of a node in a body, which is named already
    throw_error(error.kind(), "{}: {}: {}", file_, node.title, text);
  } catch (ops::SettledDim& dim) {
    if (!dim.reason.starts_with(file_ + ": ")) {
      dim.reason = fmt::format("{}: {}: {}", file_, node.title, dim.reason);
    }
    throw;
  }
  scope.graph().set_origin(around);
}

}  // namespace dovetail::import
