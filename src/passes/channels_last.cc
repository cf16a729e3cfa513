#include "passes/channels_last.h"

#include <algorithm>
#include <map>
#include <numeric>
#include <unordered_map>
#include <unordered_set>

#include "passes/lookup_runs.h"
#include "passes/rebuild.h"
#include "passes/reshape_groups.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::Shape;
using ir::Value;

using Perm = std::vector<int>;

Perm identity(int rank) {
  Perm perm(rank);
  std::iota(perm.begin(), perm.end(), 0);
  return perm;
}

bool is_identity(const Perm& perm) { return std::is_sorted(perm.begin(), perm.end()); }

// The axes whose extent is not 1 keep their order, so nothing moves in memory.
bool moves_nothing(const Perm& perm, const Shape& shape) {
  int last = -1;
  for (const int axis : perm) {
    if (shape[axis] == Dim(1)) continue;
    if (axis < last) return false;
    last = axis;
  }
  return true;
}

// An old value as a permute, not yet made, of a new one: old axis i is axis perm[i] of `value`.
struct Delayed {
  Value* value = nullptr;
  Perm perm;
};

// Carries permutes from producers toward users. A user that does not care about the order of axes
// works on the permuted tensor and hands the permute on; any other gets it made in front of it.
class Pusher {
 public:
  explicit Pusher(Graph& graph) : old_(graph), rebuild_(graph), prepared_(prepared_values(graph)) {}

  void run() {
    for (const auto& node : old_.nodes()) visit(*node);
    for (const Value* output : old_.outputs) rebuild_.set(output, plain(output));
    rebuild_.finish();
  }

 private:
  void visit(const Node& node) {
    origins_ = &node.origins;
    if (node.as<ir::Input>()) {
      delayed_[node.result()] = {rebuild_.at(node.result()), identity(node.result()->rank())};
    } else if (const auto* permute = node.as<ir::Permute>()) {
      visit(node, *permute);
    } else if (const auto* reshape = node.as<ir::Reshape>()) {
      visit(node, *reshape);
    } else if (const auto* gather = node.as<ir::Gather>()) {
      visit(node, *gather);
    } else if (const auto* lookup = node.as<ir::Lookup>()) {
      visit(node, *lookup);
    } else if (const auto* scatter = node.as<ir::Scatter>()) {
      visit(node, *scatter);
    } else if (node.as<ir::Elementwise>() && !node.operands.empty()) {
      const Perm perm = best_order(node);
      yield(node, node.op, in_order(node, perm), perm);
    } else if (const auto* concat = node.as<ir::Concat>()) {
      const Perm perm = best_order(node);
      yield(node, ir::Concat{perm[concat->axis]}, in_order(node, perm), perm);
    } else if (const auto moved = moved_op(node)) {
      const Delayed& x = delayed_.at(node.operands[0]);
      yield(node, *moved, {x.value}, x.perm);
    } else {
      visit_rigid(node);
    }
  }

  void visit(const Node& node, const ir::Permute& op) {
    const Delayed& x = delayed_.at(node.operands[0]);
    Perm perm;
    for (const int axis : op.perm) perm.push_back(x.perm[axis]);
    keep_name(*node.result(), x.value, perm);
    delayed_[node.result()] = {x.value, std::move(perm)};
  }

  // Axes of one group must lie together and in order; groups may stand in any order.
  void visit(const Node& node, const ir::Reshape& op) {
    const Delayed x = delayed_.at(node.operands[0]);
    const Shape& from = node.operands[0]->shape();
    auto groups = reshape_groups(from, op.shape);
    if (!groups || groups->empty() || is_identity(x.perm)) {
      Value* value = groups && groups->empty() ? x.value : plain(node.operands[0]);
      yield(node, op, {value}, identity(node.result()->rank()));
      return;
    }
    const auto position = [&](const AxisGroup& group) {
      int first = x.value->rank();
      for (const int axis : group.from) first = std::min(first, x.perm[axis]);
      return first;
    };
    std::sort(groups->begin(), groups->end(),
              [&](const AxisGroup& a, const AxisGroup& b) { return position(a) < position(b); });
    Perm layout;  // old axes in the order wanted; those of extent 1 last
    for (const AxisGroup& group : *groups) {
      layout.insert(layout.end(), group.from.begin(), group.from.end());
    }
    for (int axis = 0; axis < static_cast<int>(from.size()); ++axis) {
      if (std::find(layout.begin(), layout.end(), axis) == layout.end()) layout.push_back(axis);
    }
    Perm move;
    for (const int axis : layout) move.push_back(x.perm[axis]);
    Shape shape;
    Perm perm(op.shape.size());
    for (const AxisGroup& group : *groups) {
      for (const int axis : group.to) {
        perm[axis] = static_cast<int>(shape.size());
        shape.push_back(op.shape[axis]);
      }
    }
    Value* value = moves_nothing(move, x.value->shape()) ? x.value : permuted(x.value, move);
    yield(node, ir::Reshape{std::move(shape)}, {value}, perm);
  }

  // x (A..., D, Z...) at indices (I...): the axes of I stand where D was.
  void visit(const Node& node, const ir::Gather& op) {
    const Delayed& x = delayed_.at(node.operands[0]);
    const int extra = node.operands[1]->rank() - 1;
    const int axis = x.perm[op.axis];
    const auto moved = [&](int i) { return i > axis ? i + extra : i; };
    Perm perm;
    for (int i = 0; i < static_cast<int>(x.perm.size()); ++i) {
      if (i != op.axis) {
        perm.push_back(moved(x.perm[i]));
      } else {
        for (int k = 0; k <= extra; ++k) perm.push_back(axis + k);
      }
    }
    Value* const value = x.value;
    yield(node, ir::Gather{axis}, {value, plain(node.operands[1])}, perm);
  }

  // The expression reads permuted operands as they lie: coordinates change places. What a row of
  // the result reads along itself has to lie along it, though.
  void visit(const Node& node, const ir::Lookup& op) {
    const Perm perm = lookup_order(node, op);
    const auto last = std::find(perm.begin(), perm.end(), static_cast<int>(perm.size()) - 1);
    const auto runs = run_coordinates(op.expr, static_cast<int>(last - perm.begin()));
    if (runs) {
      for (const auto& [operand, coordinate] : *runs) lay_along(node.operands[operand], coordinate);
    }
    ir::Lookup moved{loads_moved(op.expr, node), op.shape, op.dims};
    for (ir::ScalarNode& part : moved.expr.nodes) {
      if (part.op == ir::ScalarOp::kIndex) part.index = perm[part.index];
    }
    for (size_t i = 0; i < perm.size(); ++i) moved.shape[perm[i]] = op.shape[i];
    yield(node, std::move(moved), as_they_lie(node), perm);
  }

  // The result lies like an operand of its rank, or as the model has it: the first order whose rows
  // are runs of memory, else the first.
  Perm lookup_order(const Node& node, const ir::Lookup& op) const {
    const auto rank = static_cast<size_t>(node.result()->rank());
    std::vector<Perm> orders;
    for (const Value* operand : node.operands) {
      const Perm& lies = delayed_.at(operand).perm;
      if (lies.size() == rank && !is_identity(lies)) orders.push_back(lies);
    }
    orders.push_back(identity(static_cast<int>(rank)));
    for (const Perm& order : orders) {
      const auto last = std::find(order.begin(), order.end(), static_cast<int>(rank) - 1);
      if (run_coordinates(op.expr, static_cast<int>(last - order.begin()))) return order;
    }
    return orders.front();
  }

  // A permute in front when this axis is last as the model has it, but does not lie so.
  void lay_along(const Value* operand, int axis) {
    const Perm& perm = delayed_.at(operand).perm;
    const auto last = static_cast<int>(perm.size()) - 1;
    if (perm[axis] == last || axis != last) return;
    delayed_[operand] = {plain(operand), identity(last + 1)};
  }

  // The updates keep the order of their axes: it is the order of the writes.
  void visit(const Node& node, const ir::Scatter& op) {
    const Perm perm = delayed_.at(node.operands[0]).perm;
    delayed_[node.operands[1]] = {plain(node.operands[1]), identity(node.operands[1]->rank())};
    ir::Scatter moved = op;
    for (size_t i = 0; i < perm.size(); ++i)
      moved.coordinates[perm[i]] = loads_moved(op.coordinates[i], node);
    yield(node, std::move(moved), as_they_lie(node), perm);
  }

  std::vector<Value*> as_they_lie(const Node& node) const {
    std::vector<Value*> operands;
    for (const Value* operand : node.operands) operands.push_back(delayed_.at(operand).value);
    return operands;
  }

  ir::ScalarExpr loads_moved(const ir::ScalarExpr& expr, const Node& node) const {
    ir::ScalarExpr moved = expr;
    for (ir::ScalarNode& part : moved.nodes) {
      if (part.op != ir::ScalarOp::kLoad) continue;
      const Perm& perm = delayed_.at(node.operands[part.index]).perm;
      const std::vector<int> coordinates = part.arguments;
      for (size_t i = 0; i < perm.size(); ++i) part.arguments[perm[i]] = coordinates[i];
    }
    return moved;
  }

  // The same operation on a permuted operand, for those that treat all axes alike.
  std::optional<ir::Primitive> moved_op(const Node& node) {
    if (node.operands.size() != 1) return std::nullopt;
    const Perm& perm = delayed_.at(node.operands[0]).perm;
    const auto moved = [&](const auto& list) {
      auto result = list;
      for (size_t i = 0; i < list.size(); ++i) result[perm[i]] = list[i];
      return result;
    };
    if (const auto* op = node.as<ir::Reduce>()) {
      ir::Reduce result{op->kind, {}};
      for (const int axis : op->axes) result.axes.push_back(perm[axis]);
      std::sort(result.axes.begin(), result.axes.end());
      return result;
    }
    if (const auto* op = node.as<ir::Cumulate>()) {
      ir::Cumulate result = *op;
      result.axis = perm[op->axis];
      return result;
    }
    if (const auto* op = node.as<ir::TopK>()) {
      ir::TopK result = *op;
      result.axis = perm[op->axis];
      return result;
    }
    if (const auto* op = node.as<ir::Pad>())
      return ir::Pad{moved(op->lo), moved(op->hi), op->value};
    if (const auto* op = node.as<ir::Slice>()) {
      return ir::Slice{moved(op->starts), moved(op->steps), moved(op->extents)};
    }
    if (const auto* op = node.as<ir::Broadcast>()) return ir::Broadcast{moved(op->shape)};
    if (node.as<ir::Copy>()) return node.op;
    return std::nullopt;
  }

  // A node that fixes the order of its operands' axes.
  void visit_rigid(const Node& node) {
    for (const Value* operand : node.operands) rebuild_.set(operand, plain(operand));
    rebuild_.copy(node);
    for (const auto& result : node.results) {
      delayed_[result.get()] = {rebuild_.at(result.get()), identity(result->rank())};
    }
  }

  // The order of the result's axes that moves the fewest elements now. Of equal ones the first
  // that is not the model's own wins: windows work in it.
  Perm best_order(const Node& node) {
    std::vector<Perm> orders;
    for (const Value* operand : node.operands) {
      const Perm& perm = delayed_.at(operand).perm;
      if (!is_identity(perm)) orders.push_back(perm);
    }
    orders.push_back(identity(node.result()->rank()));
    const Perm* best = nullptr;
    double best_cost = 0;
    for (const Perm& order : orders) {
      double cost = 0;
      for (const Value* operand : node.operands) cost += cost_of(operand, order);
      if (!best || cost < best_cost) {
        best = &order;
        best_cost = cost;
      }
    }
    return *best;
  }

  // How to permute a delayed value so that old axis i becomes axis order[i].
  static Perm move_for(const Delayed& x, const Perm& order) {
    Perm move(order.size());
    for (size_t i = 0; i < order.size(); ++i) move[order[i]] = x.perm[i];
    return move;
  }

  double cost_of(const Value* operand, const Perm& order) {
    const Delayed& x = delayed_.at(operand);
    const Perm move = move_for(x, order);
    if (prepared_.contains(operand) || moves_nothing(move, x.value->shape())) return 0;
    if (made_.contains({x.value, move})) return 0;
    return weight_of(x.value->shape());
  }

  std::vector<Value*> in_order(const Node& node, const Perm& order) {
    std::vector<Value*> operands;
    for (const Value* operand : node.operands) {
      const Delayed x = delayed_.at(operand);
      operands.push_back(permuted(x.value, move_for(x, order)));
    }
    return operands;
  }

  Value* plain(const Value* old) {
    const Delayed x = delayed_.at(old);
    return permuted(x.value, x.perm);
  }

  Value* permuted(Value* value, const Perm& perm) {
    if (is_identity(perm)) return value;
    Value*& made = made_[{value, perm}];
    if (!made) made = rebuild_.make(ir::Permute{perm}, {value}, *origins_);
    return made;
  }

  void yield(const Node& node, ir::Primitive op, std::vector<Value*> operands, const Perm& perm) {
    const Node& made = *rebuild_.make(std::move(op), std::move(operands), node.origins)->node;
    for (size_t k = 0; k < node.results.size(); ++k) {
      const Value* old = node.results[k].get();
      Value* value = made.results[k].get();
      if (is_identity(perm)) {
        rebuild_.set(old, value);
      } else {
        keep_name(*old, value, perm);
      }
      delayed_[old] = {value, perm};
    }
  }

  // `value` holds the elements of `old`, whose axis i is axis perm[i] of it.
  static void keep_name(const Value& old, Value* value, const Perm& perm) {
    if (!value->name.empty() || old.name.empty() || value->node->as<ir::Param>()) return;
    value->name = old.name;
    value->order = perm;
    for (size_t i = 0; i < old.order.size(); ++i) value->order[i] = perm[old.order[i]];
  }

  Graph& old_;
  Rebuild rebuild_;
  std::unordered_set<const Value*> prepared_;
  std::unordered_map<const Value*, Delayed> delayed_;
  std::map<std::pair<Value*, Perm>, Value*> made_;
  const std::vector<std::string>* origins_ = nullptr;
};

// Elements that permutes move when the model runs.
double moved_elements(const Graph& graph) {
  const auto prepared = prepared_values(graph);
  double total = 0;
  for (const auto& node : graph.nodes()) {
    const auto* permute = node->as<ir::Permute>();
    if (!permute || prepared.contains(node->result())) continue;
    const Shape& shape = node->operands[0]->shape();
    if (!moves_nothing(permute->perm, shape)) total += weight_of(shape);
  }
  return total;
}

}  // namespace

void channels_last(Graph& graph) {
  const std::shared_ptr<Graph> before = ir::clone(graph);
  Pusher(graph).run();
  if (moved_elements(graph) > moved_elements(*before)) graph = std::move(*before);
}

}  // namespace dovetail::passes
