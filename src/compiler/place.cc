#include "compiler/placer.h"

#include <algorithm>
#include <optional>

#include "base/error.h"
#include "ir/regions.h"
#include "kernels/kernel.h"

namespace dovetail::compiler {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Placement;
using ir::Shape;
using ir::Value;

bool is_view(const Node& node) {
  return node.as<ir::Permute>() || node.as<ir::Broadcast>() || node.as<ir::Slice>() ||
         node.as<ir::Reshape>();
}

// A contraction, a pool or a recurrence writes whole channel rows.
bool can_write(const Node& node, const Shape& shape, const std::vector<Dim>& strides) {
  if (!node.as<ir::Contract>() && !node.as<ir::Pool>() && !node.as<ir::PoolIndices>() &&
      !node.as<ir::Recurrence>()) {
    return true;
  }
  return shape.empty() || strides.back() == Dim(1) || shape.back() == Dim(1);
}

Dim bytes_of(const Value* value) {
  return ir::element_count(value->shape()) * ir::size_of(value->dtype());
}

// Whether `value`, lying at `a`, lies at `b`: axes of extent 1 may have any stride.
bool same(const Value* value, const Placement& a, const Placement& b) {
  if (a.buffer != b.buffer || a.offset != b.offset) return false;
  for (size_t i = 0; i < a.strides.size(); ++i) {
    if (value->shape()[i] != Dim(1) && a.strides[i] != b.strides[i]) return false;
  }
  return true;
}

}  // namespace

Placer::Placer(Graph& graph, Placed* placed)
    : graph_(graph), placed_(*placed), users_(graph.users()) {}

void Placer::run() {
  place_outputs();
  walk();
}

void Placer::run(const Border& border) {
  border_ = &border;
  defined_ = border.symbols;
  define({});
  output_placements_ = border.outputs;
  for (size_t k = 0; k < graph_.outputs.size(); ++k) {
    if (output_placements_[k].buffer >= 0) demand(graph_.outputs[k], output_placements_[k]);
  }
  walk();
}

void Placer::walk() {
  for (auto it = graph_.nodes().rbegin(); it != graph_.nodes().rend(); ++it) push_demand(**it);
  // Copies are inserted before or after the node at hand; the list keeps its iterators.
  for (auto it = graph_.nodes().begin(); it != graph_.nodes().end(); ++it) place_node(it);
  finish_outputs();
}

void Placer::define(const std::vector<std::string>& symbols) {
  defined_.insert(symbols.begin(), symbols.end());
  if (!border_) return;
  for (bool changed = true; changed;) {
    changed = false;
    for (const auto& [name, value] : border_->binds) {
      changed |= is_known(value) && defined_.insert(name).second;
    }
  }
}

bool Placer::is_known(const Dim& dim) const {
  for (const std::string& name : dim.symbols()) {
    if (placed_.run_symbols.contains(name) && !defined_.contains(name)) return false;
  }
  return true;
}

bool Placer::is_known(const Placement& placement) const {
  if (!is_known(placed_.buffers[placement.buffer].bytes) || !is_known(placement.offset)) {
    return false;
  }
  return std::all_of(placement.strides.begin(), placement.strides.end(),
                     [&](const Dim& stride) { return is_known(stride); });
}

int Placer::new_buffer(ir::Buffer::Kind kind, int index, const Dim& bytes) {
  placed_.buffers.push_back({.kind = kind, .index = index, .bytes = bytes});
  return static_cast<int>(placed_.buffers.size()) - 1;
}

// ---- Demands: where a value should be written because somebody else's memory waits for it ----

void Placer::place_outputs() {
  for (size_t k = 0; k < graph_.outputs.size(); ++k) {
    const Value* value = graph_.outputs[k];
    const int buffer = new_buffer(ir::Buffer::Kind::kOutput, static_cast<int>(k), bytes_of(value));
    output_placements_.push_back({buffer, 0, ir::compact_strides(value->shape())});
    demand(value, output_placements_.back());
  }
}

// The first demand wins; whoever comes later copies. Inputs and params lie where they lie.
void Placer::demand(const Value* value, const Placement& placement) {
  if (value->node->as<ir::Input>() || value->node->as<ir::Param>()) return;
  demands_.try_emplace(value, placement);
}

void Placer::push_demand(const Node& node) {
  const auto found = demands_.find(node.results.front().get());
  if (found == demands_.end() && !node.as<ir::Concat>()) return;
  const Value* result = node.result();
  if (const auto* permute = node.as<ir::Permute>()) {
    Placement inverse = found->second;
    for (size_t i = 0; i < permute->perm.size(); ++i) {
      inverse.strides[permute->perm[i]] = found->second.strides[i];
    }
    demand(node.operands[0], inverse);
  } else if (node.as<ir::Reshape>()) {
    const Value* operand = node.operands[0];
    if (auto strides = reshape_strides(result->shape(), found->second.strides, operand->shape())) {
      demand(operand, {found->second.buffer, found->second.offset, *strides});
    }
  } else if (const auto* concat = node.as<ir::Concat>()) {
    demand_slices(node, *concat);
  }
}

void Placer::demand_slices(const Node& node, const ir::Concat& concat) {
  const Value* result = node.result();
  if (!demands_.contains(result)) {
    const auto [strides, bytes] = own_layout(result);
    demands_[result] = {new_buffer(ir::Buffer::Kind::kWorkspace, 0, bytes), 0, strides};
  }
  for (const auto& [operand, slice] : slices_of(node, concat)) demand(operand, slice);
}

std::vector<std::pair<Value*, Placement>> Placer::slices_of(const Node& node,
                                                            const ir::Concat& concat) {
  const Placement& whole = demands_.at(node.result());
  std::vector<std::pair<Value*, Placement>> slices;
  Dim start = 0;
  for (Value* operand : node.operands) {
    Placement slice = whole;
    slice.offset += start * whole.strides[concat.axis] * ir::size_of(operand->dtype());
    slices.emplace_back(operand, slice);
    start += operand->shape()[concat.axis];
  }
  return slices;
}

// ---- Fresh buffers ----

// Rows of a multiple of 2 KiB fall into few cache sets (layout.md, 1b): they are padded by 64
// bytes when contractions read them and every view keeps the rows whole.
std::pair<std::vector<Dim>, Dim> Placer::own_layout(const Value* value) {
  std::vector<Dim> strides = ir::compact_strides(value->shape());
  Dim bytes = bytes_of(value);
  const Shape& shape = value->shape();
  if (shape.size() < 2 || !shape.back().is_constant()) return {strides, bytes};
  const int64_t size = ir::size_of(value->dtype());
  const int64_t row = shape.back().value();
  if (row == 0 || row * size % 2048 != 0 || !rows_stay_whole(value, shape.back()))
    return {strides, bytes};
  bool contracted = false;
  collect_contracted(value, &contracted);
  if (!contracted) return {strides, bytes};
  const int64_t padded = row + 64 / size;
  Dim stride = padded;
  for (size_t i = shape.size() - 1; i-- > 0;) {
    strides[i] = stride;
    stride *= shape[i];
  }
  return {strides, stride * size};
}

bool Placer::rows_stay_whole(const Value* value, const Dim& row) const {
  const auto users = users_.find(value);
  if (users == users_.end()) return true;
  for (const Node* user : users->second) {
    if (user->as<ir::Reshape>()) {
      const Value* view = user->result();
      if (view->shape().empty() || view->shape().back() != row || !rows_stay_whole(view, row))
        return false;
    }
  }
  return true;
}

void Placer::collect_contracted(const Value* value, bool* contracted) const {
  const auto users = users_.find(value);
  if (users == users_.end()) return;
  for (const Node* user : users->second) {
    if (user->as<ir::Contract>() && user->operands[0] == value) *contracted = true;
    if (user->as<ir::Reshape>()) collect_contracted(user->result(), contracted);
  }
}

// ---- Forward: every value gets its placement ----

void Placer::place_node(Iterator it) {
  Node& node = **it;
  if (node.as<ir::Input>()) {
    const auto at = std::find(graph_.inputs.begin(), graph_.inputs.end(), node.result());
    const auto index = at - graph_.inputs.begin();
    if (border_) {
      placed_.values[node.result()] = border_->inputs.at(index);
    } else {
      place_border(node, ir::Buffer::Kind::kInput, static_cast<int>(index));
    }
  } else if (node.as<ir::Param>()) {
    DOVETAIL_CHECK(!border_, "a param in a body");
    place_border(node, ir::Buffer::Kind::kWeights, num_params_++);
  } else if (is_view(node)) {
    place_view(it);
  } else if (const auto* measure = node.as<ir::Measure>()) {
    placed_.values[node.result()] = placed_.values.at(node.operands[0]);
    define(measure->symbols);
  } else if (const auto* branch = node.as<ir::If>()) {
    place_if(node, *branch);
  } else if (const auto* loop = node.as<ir::Loop>()) {
    place_loop(node, *loop);
  } else if (const auto* concat = node.as<ir::Concat>()) {
    ir::Placement& whole = demands_.at(node.result());
    if (!is_known(whole)) {
      const auto [strides, bytes] = own_layout(node.result());
      whole = {new_buffer(ir::Buffer::Kind::kWorkspace, 0, bytes), 0, strides};
    }
    for (const auto& [operand, slice] : slices_of(node, *concat)) {
      if (!same(operand, placed_.values.at(operand), slice)) copy_to(operand, slice, &node);
    }
    placed_.values[node.result()] = demands_.at(node.result());
  } else {
    for (size_t k = 0; k < node.operands.size(); ++k) accept_operand(node, static_cast<int>(k));
    for (const auto& result : node.results) place_result(node, result.get());
  }
}

void Placer::place_border(const Node& node, ir::Buffer::Kind kind, int index) {
  const Value* value = node.result();
  placed_.values[value] = {new_buffer(kind, index, bytes_of(value)), 0,
                           ir::compact_strides(value->shape())};
}

void Placer::place_result(const Node& node, const Value* value) {
  const auto demanded = demands_.find(value);
  if (demanded != demands_.end() && is_known(demanded->second) &&
      can_write(node, value->shape(), demanded->second.strides)) {
    placed_.values[value] = demanded->second;
    return;
  }
  const auto [strides, bytes] = own_layout(value);
  placed_.values[value] = {new_buffer(ir::Buffer::Kind::kWorkspace, 0, bytes), 0, strides};
}

// A view that cannot be expressed reads a compact copy of its operand.
void Placer::place_view(Iterator it) {
  Node& node = **it;
  std::optional<Placement> view = view_placement(node);
  if (!view) {
    node.operands[0] = copy_compact(node.operands[0], &node);
    view = view_placement(node);
    DOVETAIL_CHECK(view.has_value(), "a view of a compact tensor has no strides");
  }
  placed_.values[node.result()] = *view;
}

std::optional<Placement> Placer::view_placement(const Node& node) {
  const Value* operand = node.operands[0];
  const Placement& from = placed_.values.at(operand);
  Placement to = from;
  if (const auto* permute = node.as<ir::Permute>()) {
    for (size_t i = 0; i < permute->perm.size(); ++i)
      to.strides[i] = from.strides[permute->perm[i]];
  } else if (node.as<ir::Broadcast>()) {
    for (size_t i = 0; i < to.strides.size(); ++i) {
      const Dim& extent = operand->shape()[i];
      if (extent == node.result()->shape()[i]) continue;
      // One that only a run knows may be 1, or equal after all.
      to.strides[i] = extent.is_constant() ? Dim(0) : ir::select_ge(extent, 2, to.strides[i], 0);
    }
  } else if (const auto* slice = node.as<ir::Slice>()) {
    for (size_t i = 0; i < to.strides.size(); ++i) {
      to.offset += slice->starts[i] * from.strides[i] * ir::size_of(operand->dtype());
      to.strides[i] = from.strides[i] * slice->steps[i];
    }
  } else {
    auto strides = reshape_strides(operand->shape(), from.strides, node.result()->shape());
    if (!strides) return std::nullopt;
    to.strides = std::move(*strides);
  }
  return to;
}

void Placer::accept_operand(Node& node, int k) {
  const Value* operand = node.operands[k];
  const kernels::Layout layout{operand->dtype(), operand->shape(),
                               placed_.values.at(operand).strides};
  if (!kernels::accepts(node, k, layout)) node.operands[k] = copy_compact(node.operands[k], &node);
}

Value* Placer::copy_compact(Value* value, Node* before) {
  const int buffer = new_buffer(ir::Buffer::Kind::kWorkspace, 0, bytes_of(value));
  return copy_to(value, {buffer, 0, ir::compact_strides(value->shape())}, before);
}

Value* Placer::copy_to(Value* value, const Placement& placement, Node* before) {
  Node* copy = graph_.add(ir::Copy{}, {value}, before);
  if (copy->origins.empty()) copy->origins = before ? before->origins : value->node->origins;
  placed_.values[copy->result()] = placement;
  return copy->result();
}

void Placer::finish_outputs() {
  for (size_t k = 0; k < graph_.outputs.size(); ++k) {
    Value* value = graph_.outputs[k];
    if (output_placements_[k].buffer < 0) continue;
    if (!same(value, placed_.values.at(value), output_placements_[k])) {
      graph_.outputs[k] = copy_to(value, output_placements_[k], nullptr);
    }
  }
}

Placed place(Graph& graph) {
  Placed placed;
  placed.run_symbols = ir::run_symbols(graph);
  Placer(graph, &placed).run();
  return placed;
}

}  // namespace dovetail::compiler
