// If: the branch that a known condition takes becomes part of the graph around it; else both become
// bodies of one node.
#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <variant>

#include "base/error.h"
#include "import/region_parts.h"
#include "ops/lowering/context.h"
#include "ops/lowering/fold.h"

namespace dovetail::import {

using ir::Dim;
using ir::Value;

const onnx::GraphProto& body_of(const Node& node, const std::string& attribute) {
  for (const onnx::AttributeProto& a : node.proto->attribute()) {
    if (a.name() == attribute && a.has_g()) return a.g();
  }
  throw_error(ErrorKind::kValue, "attribute '{}' is required", attribute);
}

ops::Values GraphImporter::import_region(const Node& node, Scope& scope) {
  const std::string& type = node.proto->op_type();
  if (type == "Loop") return import_loop(node, scope);
  if (type == "Scan") return import_scan(node, scope);
  return import_if(node, scope);
}

std::vector<Value*> GraphImporter::inputs_of(const Node& node, Scope& scope, size_t optional) {
  std::vector<Value*> inputs;
  for (const std::string& name : node.proto->input()) {
    if (name.empty() && inputs.size() >= optional) {
      throw_error(ErrorKind::kValue, "input {} is missing", inputs.size());
    }
    inputs.push_back(name.empty() ? nullptr : scope.find(name));
  }
  return inputs;
}

std::vector<Value*> GraphImporter::outputs_of(const onnx::GraphProto& proto, Scope& scope) {
  std::vector<Value*> outputs;
  for (const onnx::ValueInfoProto& output : proto.output()) {
    Value* value = scope.find(output.name());
    if (!value) {
      throw_error(ErrorKind::kValue, "output '{}' of a body is made by no node", output.name());
    }
    outputs.push_back(value);
  }
  return outputs;
}

std::vector<Value*> GraphImporter::import_inline(const Node& node, const onnx::GraphProto& proto,
                                                 const std::string& name, Scope& scope) {
  Scope inner(scope.graph(), &scope, fmt::format("{}/{}/", node.name, name));
  import_graph(proto, inner, node.opsets);
  return outputs_of(proto, inner);
}

// `name` tells the bodies of a node apart, which may be graphs of one name.
Body GraphImporter::import_body(const Node& node, const onnx::GraphProto& proto,
                                const std::string& name, Scope& scope) {
  Body body{std::make_shared<ir::Graph>(), {}, {}};
  body.graph->name = proto.name();
  body.graph->symbols = scope.graph().symbols;
  Scope inner(*body.graph, &scope, fmt::format("{}/{}/", node.name, name));
  import_graph(proto, inner, node.opsets);
  body.outputs = outputs_of(proto, inner);
  body.captured = inner.captured();
  body.graph->set_origin("");
  return body;
}

std::optional<bool> truth_of(const ir::Graph& graph, const Value* condition) {
  if (condition->elements) {
    const ir::Bounds bounds = condition->elements->front().bounds(graph.symbols);
    if (bounds.min > 0 || bounds.max < 0) return true;
    if (bounds.min == 0 && bounds.max == 0) return false;
  }
  if (const auto data = ops::folded(condition)) return data->as_int(0) != 0;
  return std::nullopt;
}

void require_condition(const Value* value, const char* name) {
  if (ir::element_count(value->shape()) == Dim(1) && value->dtype() == ir::DType::kBool) return;
  throw_error(ErrorKind::kValue, "{} is {}, expected one bool", name, ir::to_string(value->type));
}

std::optional<bool> known_condition(Scope& scope, Value* condition) {
  require_condition(condition, "the condition");
  const std::optional<bool> known = truth_of(scope.graph(), condition);
  if (known) ops::freeze(scope.graph(), condition);
  return known;
}

Dim trip_count(ops::Builder& build, Scope& scope, Value* count) {
  if (ir::element_count(count->shape()) != Dim(1) || !ir::is_int(count->dtype())) {
    throw_error(ErrorKind::kValue, "the trip count is {}, expected one integer",
                ir::to_string(count->type));
  }
  const bool known = count->elements || ops::folded(count);
  if (!known) count = build.binary(ir::ScalarOp::kMax, count, build.scalar(0, count->dtype()));
  const Dim trips = ops::integers_of(build, count, "the trip count", false).front();
  if (known) ops::freeze(scope.graph(), count);
  return ops::proved_ge(trips, 0, scope.graph().symbols) ? trips : ir::max(trips, 0);
}

namespace {

// The result's types: what both branches agree on, and symbols for extents where they do not or
// that only a branch knows.
class JoinedTypes {
 public:
  JoinedTypes(ir::Graph& outer, ir::If* op) : outer_(outer), op_(*op) {}

  void add(const std::string& name, const ir::TensorType& a, const ir::TensorType& b) {
    if (a.dtype != b.dtype) {
      throw_error(ErrorKind::kType, "output '{}' is {} in one branch and {} in the other", name,
                  ir::name_of(a.dtype), ir::name_of(b.dtype));
    }
    if (a.rank() != b.rank()) {
      throw_error(ErrorKind::kUnsupported,
                  "output '{}' has shape {} in one branch and {} in the other: ranks that differ "
                  "need a condition that is known when the model is compiled",
                  name, ir::to_string(a.shape), ir::to_string(b.shape));
    }
    ir::TensorType type{a.dtype, {}};
    for (int i = 0; i < a.rank(); ++i) {
      type.shape.push_back(joined(fmt::format("{}.{}", name, i), a.shape[i], b.shape[i]));
    }
    op_.types.push_back(std::move(type));
  }

 private:
  Dim joined(const std::string& name, const Dim& a, const Dim& b) {
    if (a == b && is_outer(a)) return a;
    const auto found = made_.find({a, b});
    if (found != made_.end()) return Dim::symbol(found->second);
    std::string symbol = name;
    while (outer_.symbols.contains(symbol)) symbol += "'";
    outer_.symbols[symbol] = {};
    op_.symbols.push_back(symbol);
    made_[{a, b}] = symbol;
    return Dim::symbol(symbol);
  }

  bool is_outer(const Dim& dim) const {
    const auto symbols = dim.symbols();
    return std::all_of(symbols.begin(), symbols.end(),
                       [&](const std::string& name) { return outer_.symbols.contains(name); });
  }

  ir::Graph& outer_;
  ir::If& op_;
  std::map<std::pair<Dim, Dim>, std::string> made_;
};

// Gives a body an input for each of `all`, in that order, beside `first` inputs of its own.
void order_captures(Body* body, const std::vector<Value*>& all, size_t first) {
  std::vector<Value*>& inputs = body->graph->inputs;
  std::vector<Value*> ordered(inputs.begin(), inputs.begin() + static_cast<ptrdiff_t>(first));
  for (const Value* outer : all) {
    const auto at = std::find(body->captured.begin(), body->captured.end(), outer);
    const auto index = static_cast<size_t>(at - body->captured.begin());
    ordered.push_back(at != body->captured.end() ? inputs[first + index]
                                                 : body->graph->input(outer->name, outer->type));
  }
  inputs = std::move(ordered);
}

bool ranks_differ(const Body& a, const Body& b) {
  for (size_t k = 0; k < std::min(a.outputs.size(), b.outputs.size()); ++k) {
    if (a.outputs[k]->rank() != b.outputs[k]->rank()) return true;
  }
  return false;
}

// Whether a value is known as an expression of these symbols.
bool follows_from(const ir::SymbolBounds& symbols, const Value* value) {
  if (!value->elements) return false;
  const std::set<std::string> used = value->elements->front().symbols();
  return std::all_of(used.begin(), used.end(),
                     [&](const std::string& name) { return symbols.contains(name); });
}

}  // namespace

void finish_body(Body* body, size_t first, int states) {
  std::set<const Value*> taken;
  for (size_t k = 0; k < body->outputs.size(); ++k) {
    Value* value = body->outputs[k];
    const ir::Node& node = *value->node;
    const bool is_state = k >= first && k < first + static_cast<size_t>(states);
    const bool kept = is_state && value == body->graph->inputs[1 + k - first];
    const bool made = !node.as<ir::Input>() && !node.as<ir::Param>() && !node.as<ir::Constant>();
    if (!kept && (!taken.insert(value).second || !made)) {
      value = body->graph->value(ir::Copy{}, {value});
    }
    body->graph->outputs.push_back(value);
    body->graph->output_names.push_back(fmt::format("output{}", k));
  }
}

// One branch alone, where the other has no place in this graph. The condition is taken for granted
// and checked in every run, before the branch is computed.
ops::Values GraphImporter::import_assumed(const Node& node, Value* condition, bool taken,
                                          const std::string& reason, Scope& scope) {
  std::string way_out;
  if (follows_from(given_, condition)) {
    const std::set<std::string> symbols = condition->elements->front().symbols();
    way_out = fmt::format("; bounds of {} (--dim) that decide it choose the branch",
                          fmt::join(symbols, ", "));
  }
  options_.on_warning(
      fmt::format("{}: {}: {}, so that of a {} condition is taken; a run that makes it {} fails{}",
                  file_, node.title, reason, taken, !taken, way_out));
  ops::Builder build(scope.graph());
  const auto measured = [&] {
    Value* whole = build.cast(condition, ir::DType::kI64);
    return ops::integers_of(build, whole, scope.path() + node.proto->input(0), /*signs=*/false);
  };
  const Dim value = condition->elements ? condition->elements->front() : measured().front();
  build.require_equal(
      value, taken ? 1 : 0,
      fmt::format("the condition is not {}, and this library has only the branch for that", taken),
      /*kept=*/true);
  const char* branch = taken ? "then_branch" : "else_branch";
  return import_inline(node, body_of(node, branch), branch, scope);
}

// The branch, or why it cannot be computed on what is given to it.
std::variant<Body, std::string> GraphImporter::try_branch(const Node& node,
                                                          const onnx::GraphProto& proto,
                                                          const std::string& name, Scope& scope) {
  try {
    return import_body(node, proto, name, scope);
  } catch (const Error& error) {
    if (error.kind() != ErrorKind::kValue) throw;
    const std::string_view why = error.what();
    return std::string(why.starts_with(file_) ? why.substr(file_.size() + 2) : why);
  }
}

ops::Values GraphImporter::import_if(const Node& node, Scope& scope) {
  if (node.proto->input_size() != 1 || !scope.find(node.proto->input(0))) {
    throw_error(ErrorKind::kValue, "{} inputs given, expected the condition",
                node.proto->input_size());
  }
  Value* condition = scope.find(node.proto->input(0));
  const onnx::GraphProto& then_proto = body_of(node, "then_branch");
  const onnx::GraphProto& else_proto = body_of(node, "else_branch");
  if (const auto known = known_condition(scope, condition)) {
    return *known ? import_inline(node, then_proto, "then_branch", scope)
                  : import_inline(node, else_proto, "else_branch", scope);
  }
  // Branches for other shapes than are given cannot be computed, and those for several shapes give
  // tensors of several ranks ("squeeze if the extent is 1").
  auto then_branch = try_branch(node, then_proto, "then_branch", scope);
  auto else_branch = try_branch(node, else_proto, "else_branch", scope);
  Body* then_body = std::get_if<Body>(&then_branch);
  Body* else_body = std::get_if<Body>(&else_branch);
  if (!then_body && !else_body)
    import_body(node, then_proto, "then_branch", scope);  // throws again
  if (!then_body || !else_body) {
    const auto& why = std::get<std::string>(then_body ? else_branch : then_branch);
    return import_assumed(node, condition, then_body,
                          fmt::format("one branch does not fit these shapes ({})", why), scope);
  }
  if (ranks_differ(*then_body, *else_body) && follows_from(given_, condition)) {
    return import_assumed(node, condition, true, "the branches give tensors of different ranks",
                          scope);
  }
  return add_if(node, condition, std::move(*then_body), std::move(*else_body), scope);
}

ops::Values GraphImporter::add_if(const Node& node, Value* condition, Body then_body,
                                  Body else_body, Scope& scope) {
  const size_t count = then_body.outputs.size();
  if (count != else_body.outputs.size()) {
    throw_error(ErrorKind::kValue, "one branch gives {} outputs, the other {}", count,
                else_body.outputs.size());
  }
  std::vector<Value*> captures = then_body.captured;
  for (Value* value : else_body.captured) {
    if (std::find(captures.begin(), captures.end(), value) == captures.end()) {
      captures.push_back(value);
    }
  }
  ir::If op{then_body.graph, else_body.graph, {}, {}};
  JoinedTypes types(scope.graph(), &op);
  for (size_t k = 0; k < count; ++k) {
    const std::string name = static_cast<int>(k) < node.proto->output_size()
                                 ? node.proto->output(static_cast<int>(k))
                                 : "";
    types.add(scope.path() + name, then_body.outputs[k]->type, else_body.outputs[k]->type);
  }
  for (Body* body : {&then_body, &else_body}) {
    order_captures(body, captures, 0);
    finish_body(body);
  }
  std::vector<Value*> operands{condition};
  operands.insert(operands.end(), captures.begin(), captures.end());
  ir::Node* made = scope.graph().add(std::move(op), std::move(operands));
  ops::Values results;
  for (const auto& result : made->results) results.push_back(result.get());
  return results;
}

}  // namespace dovetail::import
