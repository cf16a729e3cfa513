#include <fmt/format.h>

#include "ir/graph.h"
#include "ir/regions.h"

namespace dovetail::ir {
namespace {

template <class T>
std::string list(const std::vector<T>& items) {
  return fmt::format("[{}]", fmt::join(items, ", "));
}

std::string list(const std::vector<Dim>& items) {
  std::vector<std::string> texts;
  for (const Dim& item : items) texts.push_back(item.to_string());
  return list(texts);
}

std::string window_text(const Window& window) {
  if (window.rank() == 0) return "";
  std::string text = fmt::format(", kernel={}, strides={}, dilations={}, pad_lo={}, pad_hi={}",
                                 list(window.kernel), list(window.strides), list(window.dilations),
                                 list(window.pad_lo), list(window.pad_hi));
  if (!window.input_dilations.empty())
    text += fmt::format(", input_dilations={}", list(window.input_dilations));
  return text;
}

std::string_view text_of(ReduceKind kind) {
  static constexpr std::string_view kNames[] = {"sum", "product", "min", "max"};
  return kNames[static_cast<int>(kind)];
}

std::string dims_text(const std::vector<Dim>& dims) {
  return dims.empty() ? "" : ", dims=" + list(dims);
}

// What stands between the braces.
struct Attributes {
  std::string operator()(const Input& op) const { return fmt::format("\"{}\"", op.name); }
  std::string operator()(const Param& op) const { return fmt::format("\"{}\"", op.name); }
  std::string operator()(const Constant& op) const {
    std::string text;
    const int64_t count = op.data.element_count();
    for (int64_t i = 0; i < std::min<int64_t>(count, 8); ++i) {
      text += (i ? ", " : "") + (is_float(op.data.dtype()) ? fmt::format("{}", op.data.as_double(i))
                                                           : fmt::format("{}", op.data.as_int(i)));
    }
    return count > 8 ? text + ", ..." : text;
  }
  std::string operator()(const Elementwise& op) const { return to_string(op.expr); }
  std::string operator()(const Reduce& op) const {
    return fmt::format("{}, axes={}", text_of(op.kind), list(op.axes));
  }
  std::string operator()(const Cumulate& op) const {
    return fmt::format("{}, axis={}{}{}", text_of(op.kind), op.axis,
                       op.exclusive ? ", exclusive" : "", op.reverse ? ", reverse" : "");
  }
  std::string operator()(const TopK& op) const {
    return fmt::format("axis={}, k={}, {}{}", op.axis, op.k.to_string(),
                       op.largest ? "largest" : "smallest", op.last ? ", last" : "");
  }
  std::string operator()(const Contract& op) const {
    std::string text =
        fmt::format("batch={}, groups={}{}", op.batch, op.groups, window_text(op.window));
    if (op.panel) text += fmt::format(", panel={}, columns={}", op.panel, op.columns);
    if (op.winograd) text += fmt::format(", winograd={}", op.winograd);
    if (op.epilogue) text += ", epilogue=" + to_string(*op.epilogue);
    return text;
  }
  std::string operator()(const Pool& op) const {
    static constexpr std::string_view kNames[] = {"max", "sum", "average", "average_with_padding"};
    return fmt::format("{}{}, ceil_extra={}", kNames[static_cast<int>(op.kind)],
                       window_text(op.window), list(op.ceil_extra));
  }
  std::string operator()(const PoolIndices& op) const {
    return fmt::format("max{}, ceil_extra={}", window_text(op.window), list(op.ceil_extra));
  }
  std::string operator()(const Permute& op) const { return list(op.perm); }
  std::string operator()(const Broadcast& op) const { return ir::to_string(op.shape); }
  std::string operator()(const Slice& op) const {
    return fmt::format("starts={}, steps={}, extents={}", list(op.starts), list(op.steps),
                       list(op.extents));
  }
  std::string operator()(const Reshape& op) const { return ir::to_string(op.shape); }
  std::string operator()(const Concat& op) const { return fmt::format("axis={}", op.axis); }
  std::string operator()(const Pad& op) const {
    return fmt::format("lo={}, hi={}, value={}", list(op.lo), list(op.hi), op.value);
  }
  std::string operator()(const Gather& op) const { return fmt::format("axis={}", op.axis); }
  std::string operator()(const Lookup& op) const { return to_string(op.expr) + dims_text(op.dims); }
  std::string operator()(const Scatter& op) const {
    static constexpr std::string_view kNames[] = {"replace", "add", "multiply", "min", "max"};
    std::vector<std::string> coordinates;
    for (const ScalarExpr& expr : op.coordinates) coordinates.push_back(to_string(expr));
    return fmt::format("{}, at={}{}", kNames[static_cast<int>(op.kind)], list(coordinates),
                       dims_text(op.dims));
  }
  std::string operator()(const Copy&) const { return ""; }
  std::string operator()(const Nms& op) const {
    return fmt::format("{}limit={}", op.centered ? "centered, " : "", op.limit.to_string());
  }
  std::string operator()(const Recurrence& op) const {
    static constexpr std::string_view kNames[] = {"rnn", "gru", "lstm"};
    std::string text(kNames[static_cast<int>(op.kind)]);
    if (op.reverse) text += ", reverse";
    if (op.linear_before_reset) text += ", linear_before_reset";
    if (op.coupled) text += ", coupled";
    if (op.peepholes) text += ", peepholes";
    if (op.lengths) text += ", lengths";
    if (op.panel) text += fmt::format(", panel={}", op.panel);
    std::vector<std::string> activations;
    for (const ScalarExpr& activation : op.activations)
      activations.push_back(to_string(activation));
    return text + fmt::format(", activations=[{}]", fmt::join(activations, ", "));
  }
  std::string operator()(const Measure& op) const { return list(op.symbols); }
  std::string operator()(const Compact& op) const { return op.count.to_string(); }
  std::string operator()(const If& op) const { return list(op.symbols); }
  std::string operator()(const Loop& op) const {
    return fmt::format("{}trips={}, condition={}, states={}, scans={}, symbols={}",
                       op.iteration.empty() ? "" : op.iteration + ", ",
                       op.trips ? op.trips->to_string() : "any", op.has_condition ? "yes" : "no",
                       op.states, op.scans, list(op.symbols));
  }
  std::string operator()(const Composite& op) const { return op.name; }
};

std::string indented(const std::string& text) {
  std::string result;
  size_t begin = 0;
  while (begin < text.size()) {
    const size_t end = text.find('\n', begin);
    result += "    " + text.substr(begin, end - begin) + "\n";
    begin = end + 1;
  }
  return result;
}

std::string node_line(const Node& node) {
  std::vector<std::string> results;
  std::vector<std::string> types;
  std::vector<std::string> operands;
  for (const auto& result : node.results) {
    results.push_back(fmt::format("%{}", result->id));
    types.push_back(to_string(result->type));
  }
  for (const Value* operand : node.operands) operands.push_back(fmt::format("%{}", operand->id));
  std::string line = fmt::format("{} = {}({})", fmt::join(results, ", "), name_of(node.op),
                                 fmt::join(operands, ", "));
  const std::string attributes = std::visit(Attributes{}, node.op);
  if (!attributes.empty()) line += fmt::format(" {{{}}}", attributes);
  line += fmt::format(" : {}", fmt::join(types, ", "));
  if (node.results.size() == 1 && node.result()->elements && !node.as<Constant>())
    line += " = " + list(*node.result()->elements);
  if (!node.origins.empty()) line += fmt::format("  # {}", fmt::join(node.origins, ", "));
  line += "\n";
  if (const auto* composite = node.as<Composite>()) line += indented(to_string(*composite->body));
  for (const Graph* body : bodies_of(node)) line += indented(to_string(*body));
  return line;
}

}  // namespace

std::string to_string(const TensorType& type) {
  return std::string(name_of(type.dtype)) + to_string(type.shape);
}

std::string to_string(const Graph& graph) {
  std::string text;
  for (const auto& node : graph.nodes()) text += node_line(*node);
  std::vector<std::string> outputs;
  for (size_t k = 0; k < graph.outputs.size(); ++k) {
    const std::string name = k < graph.output_names.size() ? graph.output_names[k] : "";
    outputs.push_back(name.empty() ? fmt::format("%{}", graph.outputs[k]->id)
                                   : fmt::format("\"{}\" = %{}", name, graph.outputs[k]->id));
  }
  return text + fmt::format("return {}\n", fmt::join(outputs, ", "));
}

}  // namespace dovetail::ir
