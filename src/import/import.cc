#include "import/import.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "import/freeze.h"
#include "import/graph_importer.h"
#include "import/inputs.h"
#include "import/model_file.h"
#include "import/outputs.h"
#include "ops/lowering/context.h"

namespace dovetail::import {
namespace {

using onnx::GraphProto;

class Importer {
 public:
  Importer(std::shared_ptr<const onnx::ModelProto> model, const std::filesystem::path& path,
           const Options& options)
      : model_(std::move(model)),
        file_(path.string()),
        options_(options),
        tensors_(path.has_parent_path() ? path.parent_path() : ".", model_),
        graph_(std::make_shared<ir::Graph>()),
        scope_(*graph_, nullptr, "") {}

  Interface interface() {
    collect_names();
    Interface result = declared_interface(inputs_, file_);
    for (const onnx::TensorProto& tensor : model_->graph().initializer()) {
      for (const onnx::StringStringEntryProto& entry : tensor.external_data()) {
        if (entry.key() != "location") continue;
        const std::filesystem::path file =
            std::filesystem::path(file_).parent_path() / entry.value();
        auto& files = result.data_files;
        if (std::find(files.begin(), files.end(), file) == files.end()) files.push_back(file);
      }
    }
    return result;
  }

  std::shared_ptr<ir::Graph> run() {
    const GraphProto& proto = model_->graph();
    graph_->name = proto.name();
    require_opset();
    collect_names();
    add_inputs();
    GraphImporter importer(model_, file_, tensors_, options_, graph_->symbols);
    importer.import_graph(proto, scope_, importer.opsets());
    graph_->set_origin("");
    set_outputs(proto, scope_, file_, options_.on_warning, graph_.get());
    settle_frozen(*graph_);
    graph_->remove_dead();
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
    for (const onnx::TensorProto& tensor : proto.initializer()) add_initializer(tensor.name());
    for (const onnx::SparseTensorProto& tensor : proto.sparse_initializer()) {
      add_initializer(tensor.values().name());
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
    }
  }

  void add_initializer(const std::string& name) {
    if (name.empty()) throw_error(ErrorKind::kValue, "{}: an initializer has no name", file_);
    if (!initializers_.insert(name).second) {
      throw_error(ErrorKind::kValue, "{}: initializer '{}' is given twice", file_, name);
    }
  }

  void add_inputs() {
    InputTypes types = input_types(inputs_, file_, options_);
    graph_->symbols = std::move(types.symbols);
    for (InputType& input : types.inputs) {
      try {
        scope_.set(input.name, graph_->input(input.name, std::move(input.type)));
      } catch (const Error& error) {
        throw_error(error.kind(), "{}: input '{}': {}", file_, input.name, error.what());
      }
    }
  }

  std::shared_ptr<const onnx::ModelProto> model_;
  const std::string file_;
  const Options& options_;
  Tensors tensors_;
  std::shared_ptr<ir::Graph> graph_;
  std::set<std::string> initializers_;
  std::vector<const onnx::ValueInfoProto*> inputs_;
  Scope scope_;
};

}  // namespace

Interface read_interface(const std::filesystem::path& path) {
  return Importer(read_model(path), path, {}).interface();
}

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
