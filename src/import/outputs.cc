#include "import/outputs.h"

#include <algorithm>
#include <set>

#include "base/error.h"
#include "ops/lowering/context.h"

namespace dovetail::import {
namespace {

std::string text_of(const onnx::TensorShapeProto& shape) {
  std::string text;
  for (const auto& dim : shape.dim()) {
    text += text.empty() ? "" : ",";
    text += dim.has_dim_value()       ? std::to_string(dim.dim_value())
            : dim.dim_param().empty() ? "?"
                                      : dim.dim_param();
  }
  return "[" + text + "]";
}

bool contradicts(const onnx::TensorShapeProto& declared, const ir::Shape& inferred) {
  if (declared.dim_size() != static_cast<int>(inferred.size())) return true;
  for (int i = 0; i < declared.dim_size(); ++i) {
    const auto& dim = declared.dim(i);
    if (dim.has_dim_value() && dim.dim_value() > 0 && inferred[i].is_constant() &&
        inferred[i].value() != dim.dim_value()) {
      return true;
    }
  }
  return false;
}

}  // namespace

void set_outputs(const onnx::GraphProto& proto, Scope& scope, const std::string& file,
                 const std::function<void(const std::string&)>& on_warning, ir::Graph* graph) {
  if (proto.output_size() == 0) {
    throw_error(ErrorKind::kValue, "{}: the graph has no outputs", file);
  }
  graph->set_origin("");
  std::set<const ir::Value*> taken;
  for (const onnx::ValueInfoProto& output : proto.output()) {
    ir::Value* value = scope.find(output.name());
    if (!value) {
      throw_error(ErrorKind::kValue, "{}: output '{}' is made by no node", file, output.name());
    }
    const auto& declared = output.type().tensor_type();
    if (declared.has_elem_type() && declared.elem_type() != 0 &&
        ops::dtype_of_onnx(declared.elem_type()) != value->dtype()) {
      on_warning(fmt::format("{}: output '{}' is declared as {}, but is {}", file, output.name(),
                             ir::name_of(ops::dtype_of_onnx(declared.elem_type())),
                             ir::name_of(value->dtype())));
    }
    if (declared.has_shape() && contradicts(declared.shape(), value->shape())) {
      on_warning(fmt::format("{}: output '{}' is declared with shape {}, but has shape {}", file,
                             output.name(), text_of(declared.shape()),
                             ir::to_string(value->shape())));
    }
    const ir::Node& node = *value->node;
    const bool made = !node.as<ir::Input>() && !node.as<ir::Param>() && !node.as<ir::Constant>();
    if (!taken.insert(value).second || !made) {
      value = graph->value(ir::Copy{}, {value});
    }
    value->name = output.name();
    graph->outputs.push_back(value);
    graph->output_names.push_back(output.name());
  }
}

}  // namespace dovetail::import
