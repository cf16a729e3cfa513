#include "import/names.h"

#include "base/error.h"
#include "base/utf8.h"

namespace dovetail::import {
namespace {

class NameCheck {
 public:
  explicit NameCheck(const std::string& file) : file_(file) {}

  void graph(const onnx::GraphProto& graph) const {
    for (const onnx::ValueInfoProto& input : graph.input()) value("input", input);
    for (const onnx::ValueInfoProto& output : graph.output()) value("output", output);
    for (const onnx::TensorProto& tensor : graph.initializer()) {
      require("initializer", tensor.name());
    }
    for (const onnx::SparseTensorProto& tensor : graph.sparse_initializer()) {
      require("initializer", tensor.values().name());
    }
    nodes(graph.node());
  }

  template <class Nodes>
  void nodes(const Nodes& nodes) const {
    for (const onnx::NodeProto& node : nodes) {
      require("node", node.name());
      require("operator", node.op_type());
      for (const std::string& output : node.output()) require("tensor", output);
      for (const onnx::AttributeProto& attribute : node.attribute()) {
        if (attribute.has_g()) graph(attribute.g());
      }
    }
  }

 private:
  void value(const char* what, const onnx::ValueInfoProto& info) const {
    require(what, info.name());
    for (const auto& dim : info.type().tensor_type().shape().dim()) {
      require("dimension", dim.dim_param());
    }
  }

  void require(const char* what, const std::string& name) const {
    if (is_text(name)) return;
    throw_error(ErrorKind::kValue,
                "{}: the name of {} '{}' is not text: it must be UTF-8 without NUL", file_, what,
                escaped(name));
  }

  const std::string& file_;
};

}  // namespace

void require_text_names(const onnx::ModelProto& model, const std::string& file) {
  const NameCheck check(file);
  check.graph(model.graph());
  for (const onnx::FunctionProto& function : model.functions()) check.nodes(function.node());
}

}  // namespace dovetail::import
