// Bodies share the buffers of the graph around them: captures lie where they lie, and a body writes
// its results where the region's results are.
#include <algorithm>

#include "base/error.h"
#include "compiler/placer.h"

namespace dovetail::compiler {

using ir::Dim;
using ir::Node;
using ir::Placement;
using ir::Value;

namespace {

// Extents of `types` that are symbols of the region, with what the body's outputs are there.
std::vector<std::pair<std::string, Dim>> binds_of(const std::vector<std::string>& symbols,
                                                  const ir::TensorType& type,
                                                  const ir::Shape& shape) {
  std::vector<std::pair<std::string, Dim>> binds;
  for (int i = 0; i < type.rank(); ++i) {
    const auto name = type.shape[i].lone_symbol();
    if (!name || std::find(symbols.begin(), symbols.end(), *name) == symbols.end()) continue;
    binds.emplace_back(*name, shape[i]);
  }
  return binds;
}

}  // namespace

std::vector<std::pair<std::string, Dim>> result_binds(const ir::If& op, const ir::Graph& body) {
  std::vector<std::pair<std::string, Dim>> binds;
  for (size_t k = 0; k < op.types.size(); ++k) {
    for (auto& bind : binds_of(op.symbols, op.types[k], body.outputs[k]->shape())) {
      const auto is_it = [&](const auto& other) { return other.first == bind.first; };
      if (std::none_of(binds.begin(), binds.end(), is_it)) binds.push_back(std::move(bind));
    }
  }
  return binds;
}

void Placer::place_if(Node& node, const ir::If& op) {
  Border border;
  border.symbols = defined_;
  // The bodies know the results' extents before they write them. What the graph around binds to
  // them is known only after this node: its memory cannot be had before.
  defined_.insert(op.symbols.begin(), op.symbols.end());
  for (const auto& result : node.results) {
    place_result(node, result.get());
    border.outputs.push_back(placed_.values.at(result.get()));
  }
  for (size_t k = 1; k < node.operands.size(); ++k) {
    border.inputs.push_back(placed_.values.at(node.operands[k]));
  }
  for (ir::Graph* body : {op.then_body.get(), op.else_body.get()}) {
    border.binds = result_binds(op, *body);
    Placer(*body, &placed_).run(border);
  }
  define(op.symbols);
}

// States live in one place for all iterations. An iteration writes the next ones elsewhere, since
// it may read the old ones to its end, and they are moved when it is over.
void Placer::place_loop(Node& node, const ir::Loop& op) {
  LoopMoves& moves = placed_.loop_moves[&node];
  Border border;
  border.symbols = defined_;
  border.symbols.insert(op.iteration);
  border.inputs.push_back({new_buffer(ir::Buffer::Kind::kSymbol, 0, 8), 0, {}});
  placed_.buffers.back().symbol = op.iteration;
  size_t operand = op.has_condition ? 1 : 0;
  size_t output = operand;
  // The condition is read after the iteration: it lies in memory of its own.
  if (op.has_condition) border.outputs.push_back(own_memory(op.body->outputs[0], false));
  for (int s = 0; s < op.states; ++s) {
    place_state(node, op, s, node.operands[operand++], op.body->outputs[output++], &border, &moves);
  }
  for (int k = 0; k < op.scans; ++k) {
    place_scan(node, op, op.states + k, op.body->outputs[output++], &border);
  }
  for (; operand < node.operands.size(); ++operand) {
    border.inputs.push_back(placed_.values.at(node.operands[operand]));
  }
  Placer(*op.body, &placed_).run(border);
  define(op.symbols);
}

// Compact memory for a value alone.
Placement Placer::own_memory(const Value* value, bool grows) {
  const Dim bytes = ir::element_count(value->shape()) * ir::size_of(value->dtype());
  const int buffer = new_buffer(ir::Buffer::Kind::kWorkspace, 0, bytes);
  placed_.buffers[buffer].grows = grows;
  return {buffer, 0, ir::compact_strides(value->shape())};
}

void Placer::place_state(Node& node, const ir::Loop& op, int s, Value* initial, const Value* next,
                         Border* border, LoopMoves* moves) {
  Value* state = node.results[s].get();
  const bool changes = !result_is_known(state);
  if (changes) {
    placed_.values[state] = own_memory(state, false);
    for (const Dim& extent : state->shape()) border->symbols.merge(extent.symbols());
  } else {
    place_result(node, state);
  }
  const Placement home = placed_.values.at(state);
  Placement first = home;
  if (changes) first.strides = ir::compact_strides(initial->shape());
  moves->before.push_back(move(initial, first, node));
  border->inputs.push_back(home);
  if (next == op.body->inputs[1 + s]) {  // it stays as it is
    border->outputs.push_back(home);
    return;
  }
  const Placement fresh = own_memory(next, false);
  border->outputs.push_back(fresh);
  // Moved when the symbols of the state's extents have their next values already.
  Value* moved = placed_.moves->input(state->name, state->type);
  placed_.values[moved] = {fresh.buffer, 0, ir::compact_strides(state->shape())};
  moves->after.push_back(move(moved, home, node));
}

// Iteration i writes the i-th part of the result.
void Placer::place_scan(Node& node, const ir::Loop& op, int k, const Value* part, Border* border) {
  const Value* result = node.results[k].get();
  if (result_is_known(result)) {
    place_result(node, result);
  } else {
    placed_.values[result] = own_memory(result, true);
  }
  Placement at = placed_.values.at(result);
  at.offset += Dim::symbol(op.iteration) * at.strides[0] * ir::size_of(result->dtype());
  at.strides.erase(at.strides.begin());
  border->outputs.push_back(std::move(at));
  for (auto& bind : scan_binds(op, k, part->shape())) border->binds.push_back(std::move(bind));
}

bool Placer::result_is_known(const Value* value) const {
  return std::all_of(value->shape().begin(), value->shape().end(),
                     [&](const Dim& extent) { return is_known(extent); });
}

const Node* Placer::move(Value* value, const Placement& to, const Node& node) {
  Node* copy = placed_.moves->add(ir::Copy{}, {value});
  copy->origins = node.origins;
  placed_.values[copy->result()] = to;
  return copy;
}

std::vector<std::pair<std::string, Dim>> scan_binds(const ir::Loop& op, int k,
                                                    const ir::Shape& part) {
  ir::TensorType type = op.types[k];
  type.shape.erase(type.shape.begin());
  return binds_of(op.symbols, type, part);
}

std::vector<std::pair<std::string, Dim>> state_binds(const ir::Loop& op, int s,
                                                     const ir::Shape& shape) {
  return binds_of(op.symbols, op.types[s], shape);
}

}  // namespace dovetail::compiler
