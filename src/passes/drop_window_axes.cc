#include "passes/drop_window_axes.h"

#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Shape;
using ir::Value;

template <class T>
std::vector<T> picked(const std::vector<T>& list, const std::vector<int>& axes) {
  std::vector<T> result;
  if (list.empty()) return result;
  for (const int axis : axes) result.push_back(list[axis]);
  return result;
}

// The window axes that stay, all of them where nothing is to be done.
std::vector<int> axes_to_keep(const Node& node, const ir::Contract& op) {
  const Shape& x = node.operands[0]->shape();
  std::vector<int> keep;
  for (int i = 0; i < op.window.rank(); ++i) {
    const bool goes = op.window.kernel[i] == 1 && op.window.pad_lo[i] == Dim(0) &&
                      op.window.pad_hi[i] == Dim(0) && x[1 + i] == Dim(1);
    if (!goes) keep.push_back(i);
  }
  return keep;
}

// N or taps, the axes that stay, and the last ones.
Shape shape_of(const Shape& shape, int first, const std::vector<int>& keep, int rank) {
  Shape result(shape.begin(), shape.begin() + first);
  for (const int axis : keep) result.push_back(shape[first + axis]);
  result.insert(result.end(), shape.begin() + first + rank, shape.end());
  return result;
}

}  // namespace

void drop_window_axes(ir::Graph& graph) {
  Rebuild rebuild(graph);
  for (const auto& node : graph.nodes()) {
    const auto* op = node->as<ir::Contract>();
    const bool plain = op && op->batch == 0 && op->panel == 0 && !op->epilogue;
    const std::vector<int> keep = plain ? axes_to_keep(*node, *op) : std::vector<int>();
    if (keep.empty() || static_cast<int>(keep.size()) == op->window.rank()) {
      rebuild.copy(*node);
      continue;
    }
    const int rank = op->window.rank();
    ir::Contract flat = *op;
    flat.window = {picked(op->window.kernel, keep),    picked(op->window.strides, keep),
                   picked(op->window.dilations, keep), picked(op->window.pad_lo, keep),
                   picked(op->window.pad_hi, keep),    picked(op->window.input_dilations, keep)};
    Value* x = rebuild.at(node->operands[0]);
    Value* w = rebuild.at(node->operands[1]);
    x = rebuild.make(ir::Reshape{shape_of(x->shape(), 1, keep, rank)}, {x}, node->origins);
    w = rebuild.make(ir::Reshape{shape_of(w->shape(), 0, keep, rank)}, {w}, node->origins);
    Value* y = rebuild.make(std::move(flat), {x, w}, node->origins);
    rebuild.set(node->result(),
                rebuild.make(ir::Reshape{node->result()->shape()}, {y}, node->origins));
  }
  rebuild.finish();
}

}  // namespace dovetail::passes
