// Loop and Scan: both become ir::Loop. What a state's shape is in every iteration is found by
// importing the body until its states come out with the shapes they went in with: an extent that
// changes becomes a symbol.
#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "base/error.h"
#include "import/region_parts.h"
#include "ops/lowering/context.h"
#include "ops/lowering/fold.h"

namespace dovetail::import {

using ir::Dim;
using ir::DType;
using ir::Value;

namespace {

std::string new_symbol(ir::Graph& graph, std::string name, ir::Bounds bounds) {
  while (graph.symbols.contains(name)) name += "'";
  graph.symbols[name] = bounds;
  return name;
}

bool all_in(const Dim& dim, const ir::SymbolBounds& known) {
  const std::set<std::string> symbols = dim.symbols();
  return std::all_of(symbols.begin(), symbols.end(),
                     [&](const std::string& name) { return known.contains(name); });
}

// Gives every extent of a state that changes a symbol; false when nothing had to change.
bool open_states(const std::vector<Value*>& next, const std::vector<std::string>& names,
                 ir::Graph& outer, ir::Loop* op, ir::SymbolBounds* known) {
  bool changed = false;
  for (int s = 0; s < op->states; ++s) {
    ir::TensorType& type = op->types[s];
    const ir::TensorType& now = next[s]->type;
    if (now.dtype != type.dtype || now.rank() != type.rank()) {
      throw_error(now.dtype != type.dtype ? ErrorKind::kType : ErrorKind::kUnsupported,
                  "the state '{}' goes into an iteration as {} and comes out as {}", names[s],
                  ir::to_string(type), ir::to_string(now));
    }
    for (int i = 0; i < type.rank(); ++i) {
      const auto symbol = type.shape[i].lone_symbol();
      const bool open =
          symbol && std::find(op->symbols.begin(), op->symbols.end(), *symbol) != op->symbols.end();
      if (open || now.shape[i] == type.shape[i]) continue;
      const std::string name = new_symbol(outer, fmt::format("{}.{}", names[s], i), {});
      op->symbols.push_back(name);
      (*known)[name] = {};
      type.shape[i] = Dim::symbol(name);
      changed = true;
    }
  }
  return changed;
}

}  // namespace

ops::Values GraphImporter::import_repeated(const Node& node, Scope& scope, const LoopParts& parts) {
  ir::Graph& outer = scope.graph();
  ir::Loop op;
  op.trips = parts.trips;
  op.states = static_cast<int>(parts.initial.size());
  ir::SymbolBounds known = outer.symbols;
  ir::Bounds iterations{};
  if (op.trips && op.trips->is_constant()) {
    iterations.max = std::max<int64_t>(op.trips->value() - 1, 0);
  }
  op.iteration = new_symbol(outer, node.name + ".iteration", iterations);
  for (const Value* value : parts.initial) op.types.push_back(value->type);
  for (;;) {
    op.body = std::make_shared<ir::Graph>();
    op.body->symbols = known;
    op.body->symbols[op.iteration] = iterations;
    Body body{op.body, {}, {}};
    import_iteration(node, scope, parts, op, &body);
    const bool condition =
        parts.condition || !truth_of(*body.graph, body.outputs[0]).value_or(false);
    op.has_condition = condition && parts.may_stop;
    const std::vector<Value*> next(body.outputs.begin() + 1, body.outputs.begin() + 1 + op.states);
    if (open_states(next, parts.state_names, outer, &op, &known)) continue;
    return add_loop(scope, parts, std::move(op), std::move(body), known);
  }
}

void GraphImporter::import_iteration(const Node& node, Scope& scope, const LoopParts& parts,
                                     const ir::Loop& op, Body* body) {
  Scope inner(*body->graph, &scope, fmt::format("{}/body/", node.name));
  Value* iteration = body->graph->input("iteration", {DType::kI64, {}});
  iteration->elements = std::vector<Dim>{Dim::symbol(op.iteration)};
  std::vector<Value*> states;
  for (int s = 0; s < op.states; ++s) {
    states.push_back(body->graph->input(parts.state_names[s], op.types[s]));
  }
  body->outputs = parts.iterate(inner, iteration, states);
  if (!parts.may_stop) {
    body->outputs.insert(body->outputs.begin(), ops::Builder(*body->graph).scalar(1, DType::kBool));
  }
  body->captured = inner.captured();
  body->graph->set_origin("");
  if (body->outputs.size() < 1 + static_cast<size_t>(op.states)) {
    throw_error(ErrorKind::kValue, "the body gives {} outputs for {} states", body->outputs.size(),
                op.states);
  }
}

ops::Values GraphImporter::add_loop(Scope& scope, const LoopParts& parts, ir::Loop op, Body body,
                                    const ir::SymbolBounds& known) {
  ir::Graph& outer = scope.graph();
  op.scans = static_cast<int>(body.outputs.size()) - 1 - op.states;
  if (!op.trips && !op.has_condition) {
    throw_error(ErrorKind::kValue,
                "nothing ends the loop: no trip count, and a condition that is "
                "always true");
  }
  Dim count = op.trips.value_or(0);
  if (op.has_condition && op.scans > 0) {
    const std::string name = new_symbol(outer, op.iteration + ".count", {});
    op.symbols.push_back(name);
    count = Dim::symbol(name);
  }
  // Extents of scan outputs that only an iteration knows.
  ir::SymbolBounds outside = known;
  for (const std::string& name : op.symbols) outside.erase(name);
  for (int k = 0; k < op.scans; ++k) {
    const ir::TensorType& part = body.outputs[1 + op.states + k]->type;
    ir::TensorType type{part.dtype, {count}};
    for (const Dim& extent : part.shape) {
      if (all_in(extent, outside)) {
        type.shape.push_back(extent);
        continue;
      }
      op.symbols.push_back(
          new_symbol(outer, fmt::format("{}.scan{}.{}", op.iteration, k, type.rank() - 1), {}));
      type.shape.push_back(Dim::symbol(op.symbols.back()));
    }
    op.types.push_back(std::move(type));
  }
  if (!op.has_condition) body.outputs.erase(body.outputs.begin());
  finish_body(&body, op.has_condition ? 1 : 0, op.states);
  std::vector<Value*> operands;
  if (op.has_condition) {
    operands.push_back(parts.condition ? parts.condition
                                       : ops::Builder(outer).scalar(1, DType::kBool));
  }
  operands.insert(operands.end(), parts.initial.begin(), parts.initial.end());
  operands.insert(operands.end(), body.captured.begin(), body.captured.end());
  ir::Node* made = outer.add(std::move(op), std::move(operands));
  ops::Values results;
  for (const auto& result : made->results) results.push_back(result.get());
  return results;
}

// inputs: trip count, condition, states...; body: iteration, condition, states... -> condition,
// states..., scans...
ops::Values GraphImporter::import_loop(const Node& node, Scope& scope) {
  const onnx::GraphProto& proto = body_of(node, "body");
  const std::vector<Value*> inputs = inputs_of(node, scope, 2);
  const size_t states = inputs.size() < 2 ? 0 : inputs.size() - 2;
  if (proto.input_size() != static_cast<int>(states) + 2 ||
      proto.output_size() < static_cast<int>(states) + 1) {
    throw_error(ErrorKind::kValue, "the body takes {} inputs and gives {} outputs for {} states",
                proto.input_size(), proto.output_size(), states);
  }
  LoopParts parts{.may_stop = true};
  ops::Builder build(scope.graph());
  if (!inputs.empty() && inputs[0]) parts.trips = trip_count(build, scope, inputs[0]);
  if (inputs.size() > 1 && inputs[1]) {
    const auto known = known_condition(scope, inputs[1]);
    if (!known) parts.condition = build.reshape(inputs[1], {});
    if (known && !*known) parts.trips = Dim(0);
  }
  for (size_t s = 0; s < states; ++s) {
    parts.initial.push_back(inputs[2 + s]);
    parts.state_names.push_back(scope.path() + proto.input(static_cast<int>(2 + s)).name());
  }
  parts.iterate = [&](Scope& inner, Value* iteration, const std::vector<Value*>& values) {
    inner.set(proto.input(0).name(), iteration);
    // An iteration runs only where its condition is true.
    inner.set(proto.input(1).name(), ops::Builder(inner.graph()).scalar(1, DType::kBool));
    for (size_t s = 0; s < values.size(); ++s) {
      inner.set(proto.input(static_cast<int>(2 + s)).name(), values[s]);
    }
    import_graph(proto, inner, node.opsets);
    std::vector<Value*> outputs = outputs_of(proto, inner);
    require_condition(outputs[0], "the condition that the body gives");
    return outputs;
  };
  return import_repeated(node, scope, parts);
}

}  // namespace dovetail::import
