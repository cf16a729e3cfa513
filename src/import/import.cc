#include "import/import.h"

#include <algorithm>
#include <set>
#include <unordered_map>

#include "base/error.h"
#include "import/attributes.h"
#include "import/freeze.h"
#include "import/inputs.h"
#include "import/model_file.h"
#include "import/nodes.h"
#include "import/outputs.h"
#include "import/supported.h"
#include "ops/lowering/context.h"

namespace dovetail::import {
namespace {

using ir::Value;
using onnx::GraphProto;

constexpr int64_t kMaxKnownElements = 4096;

class Importer {
 public:
  Importer(std::shared_ptr<const onnx::ModelProto> model, const std::filesystem::path& path,
           const Options& options)
      : model_(std::move(model)),
        file_(path.string()),
        options_(options),
        tensors_(path.has_parent_path() ? path.parent_path() : ".", model_),
        graph_(std::make_shared<ir::Graph>()) {}

  std::shared_ptr<ir::Graph> run() {
    const GraphProto& proto = model_->graph();
    graph_->name = proto.name();
    require_opset();
    collect_names();
    const std::vector<Node> nodes = ordered_nodes(*model_, file_, defined_, options_.on_warning);
    require_supported(nodes, file_);
    add_inputs();
    add_initializers(nodes);
    for (const Node& node : nodes) add_node(node);
    set_outputs(proto, values_, file_, options_.on_warning, graph_.get());
    settle_frozen(*graph_);
    graph_->remove_dead();
    graph_->set_origin("");
    return graph_;
  }

 private:
  void require_opset() const {
    if (opsets_of(model_->opset_import(), file_).contains("")) return;
    for (const onnx::NodeProto& node : model_->graph().node()) {
      if (!domain_of(node.domain()).empty()) continue;
      throw_error(ErrorKind::kValue,
                  "{}: no opset of the default domain is imported: the file is not a complete ONNX "
                  "model",
                  file_);
    }
  }

  // Names that exist before any node runs; each may be given once.
  void collect_names() {
    const GraphProto& proto = model_->graph();
    for (const onnx::SparseTensorProto& sparse : proto.sparse_initializer()) {
      throw_error(ErrorKind::kUnsupported,
                  "{}: initializer '{}' is sparse, which is not supported: store it dense", file_,
                  sparse.values().name());
    }
    for (const onnx::TensorProto& tensor : proto.initializer()) {
      if (tensor.name().empty()) {
        throw_error(ErrorKind::kValue, "{}: an initializer has no name", file_);
      }
      if (!initializers_.emplace(tensor.name(), &tensor).second) {
        throw_error(ErrorKind::kValue, "{}: initializer '{}' is given twice", file_, tensor.name());
      }
      defined_.insert(tensor.name());
    }
    std::set<std::string> seen;
    for (const onnx::ValueInfoProto& input : proto.input()) {
      if (input.name().empty()) {
        throw_error(ErrorKind::kValue, "{}: an input has no name", file_);
      }
      if (!seen.insert(input.name()).second) {
        throw_error(ErrorKind::kValue, "{}: input '{}' is given twice", file_, input.name());
      }
      // IR version 3 lists weights among the inputs.
      if (!initializers_.contains(input.name())) inputs_.push_back(&input);
      defined_.insert(input.name());
    }
  }

  void add_inputs() {
    InputTypes types = input_types(inputs_, file_, options_);
    graph_->symbols = std::move(types.symbols);
    for (InputType& input : types.inputs) {
      try {
        values_[input.name] = graph_->input(input.name, std::move(input.type));
      } catch (const Error& error) {
        throw_error(error.kind(), "{}: input '{}': {}", file_, input.name, error.what());
      }
    }
  }

  // Only those that something reads.
  void add_initializers(const std::vector<Node>& nodes) {
    std::set<std::string> read;
    for (const Node& node : nodes) {
      read.insert(node.proto->input().begin(), node.proto->input().end());
    }
    for (const onnx::ValueInfoProto& output : model_->graph().output()) read.insert(output.name());
    for (const onnx::TensorProto& tensor : model_->graph().initializer()) {
      if (!read.contains(tensor.name())) continue;
      try {
        values_[tensor.name()] = graph_->param(tensor.name(), tensors_.read(tensor));
      } catch (const Error& error) {
        throw_error(error.kind(), "{}: initializer '{}': {}", file_, tensor.name(), error.what());
      }
      know_content(values_[tensor.name()]);
    }
  }

  // Integers that may shape code; settle_frozen forgets those that did not.
  static void know_content(Value* value) {
    const auto* param = value->node->as<ir::Param>();
    if (!param || value->elements || ir::is_float(value->dtype())) return;
    const int64_t count = param->data.element_count();
    if (count > kMaxKnownElements) return;
    std::vector<ir::Dim> elements;
    for (int64_t i = 0; i < count; ++i) elements.emplace_back(param->data.as_int(i));
    value->elements = std::move(elements);
  }

  ops::OnnxNode view_of(const Node& node) {
    const onnx::NodeProto& proto = *node.proto;
    ops::OnnxNode view;
    view.op_type = proto.op_type();
    view.domain = domain_of(proto.domain());
    view.name = node.name;
    view.opset = opset_of(node);
    for (const std::string& name : proto.input()) {
      view.inputs.push_back(name.empty() ? nullptr : values_.at(name));
    }
    while (!view.inputs.empty() && !view.inputs.back()) view.inputs.pop_back();
    view.outputs.assign(proto.output().begin(), proto.output().end());
    while (!view.outputs.empty() && view.outputs.back().empty()) view.outputs.pop_back();
    for (const onnx::AttributeProto& attribute : proto.attribute()) {
      if (!view.attributes.emplace(attribute.name(), attribute_of(attribute, tensors_)).second) {
        throw_error(ErrorKind::kValue, "attribute '{}' is given twice", attribute.name());
      }
    }
    return view;
  }

  void add_node(const Node& node) {
    graph_->set_origin(node.name);
    try {
      const ops::OnnxNode view = view_of(node);
      if (view.outputs.empty()) return;  // nothing reads it
      const ops::OpDef* def = ops::find_op(view.domain, view.op_type, view.opset);
      const auto warn = [&](const std::string& text) {
        options_.on_warning(fmt::format("{}: {}: {}", file_, node.title, text));
      };
      const ops::Values results = ops::lower(*graph_, view, *def, warn);
      for (size_t i = 0; i < results.size(); ++i) {
        const std::string& name = view.outputs[i];
        if (name.empty()) continue;
        if (results[i]->name.empty()) results[i]->name = name;
        know_content(results[i]);
        values_[name] = results[i];
      }
    } catch (const Error& error) {
      throw_error(error.kind(), "{}: {}: {}", file_, node.title, error.what());
    } catch (ops::SettledDim& dim) {
      dim.reason = fmt::format("{}: {}: {}", file_, node.title, dim.reason);
      throw;
    }
  }

  std::shared_ptr<const onnx::ModelProto> model_;
  const std::string file_;
  const Options& options_;
  Tensors tensors_;
  std::shared_ptr<ir::Graph> graph_;
  std::map<std::string, const onnx::TensorProto*> initializers_;
  std::vector<const onnx::ValueInfoProto*> inputs_;
  std::set<std::string> defined_;
  std::unordered_map<std::string, Value*> values_;
};

}  // namespace

std::shared_ptr<ir::Graph> import_onnx(const std::filesystem::path& path, const Options& options) {
  Options checked = options;
  std::set<std::string> told;  // starting over must not repeat itself
  checked.on_warning = [&](const std::string& text) {
    if (told.insert(text).second && options.on_warning) options.on_warning(text);
  };
  const std::shared_ptr<const onnx::ModelProto> model = read_model(path);
  while (true) {
    try {
      return Importer(model, path, checked).run();
    } catch (const ops::SettledDim& dim) {
      checked.on_warning(dim.reason);
      checked.dims[dim.name] = {dim.value, dim.value};
    }
  }
}

}  // namespace dovetail::import
