#include "passes/fold_weights.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>

#include "passes/affine.h"
#include "passes/rebuild.h"
#include "passes/simplify.h"
#include "passes/sink_reshapes.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Graph;
using ir::Node;
using ir::ScalarExpr;
using ir::ScalarOp;
using ir::Shape;
using ir::Value;

// A value that is contract(x, w * scale) + bias; scale and bias are (1, ..., 1, M or 1).
struct Folded {
  const Node* contract = nullptr;  // of the old graph
  Value* x = nullptr;
  Value* w = nullptr;
  Value* scale = nullptr;  // nullptr: 1
  Value* bias = nullptr;   // nullptr: 0
  std::vector<std::string> origins;
};

bool is_vector(const Shape& shape) {
  return !shape.empty() &&
         std::all_of(shape.begin(), shape.end() - 1, [](const Dim& d) { return d == Dim(1); });
}

bool is_single_or_double(ir::DType dtype) {
  return dtype == ir::DType::kF32 || dtype == ir::DType::kF64;
}

// Follows chains of affine nodes after contractions whose weights are params.
class Folder {
 public:
  explicit Folder(Graph& graph)
      : old_(graph), rebuild_(graph), prepared_(prepared_values(graph)), uses_(count_uses(graph)) {}

  void run() {
    for (const auto& node : old_.nodes()) {
      if (node->as<ir::Contract>() && start(*node)) continue;
      if (node->as<ir::Elementwise>() && extend(*node)) continue;
      rebuild_.copy(*node);
    }
    rebuild_.finish();
  }

 private:
  bool start(const Node& node) {
    const auto& op = *node.as<ir::Contract>();
    const Value* w = node.operands[1];
    if (op.epilogue || op.panel != 0 || !prepared_.contains(w) ||
        !is_single_or_double(w->dtype())) {
      return false;
    }
    Folded folded{&node,       rebuild_.at(node.operands[0]), rebuild_.at(w), nullptr, nullptr,
                  node.origins};
    scale_rows(node, &folded);
    finish(node.result(), std::move(folded));
    return true;
  }

  // x = scale * z with a scale for each input channel: the rows of w are scaled instead.
  void scale_rows(const Node& node, Folded* folded) {
    const auto& op = *node.as<ir::Contract>();
    const Value* x = node.operands[0];
    const auto* scaling = x->node->as<ir::Elementwise>();
    if (!scaling || op.batch != 0 || uses_[x] != 1) return;
    const Node& producer = *x->node;
    for (size_t k = 0; k < producer.operands.size(); ++k) {
      if (producer.operands[k]->shape() != x->shape() || !others_are_vectors(producer, k)) continue;
      const auto affine = affine_in(scaling->expr, static_cast<int>(k));
      if (!affine || !affine->scale || affine->offset) continue;
      Value* factor = compute(*affine->scale, producer, static_cast<int>(k));
      const bool per_channel = factor->shape().back() != Dim(1);
      if (per_channel && op.groups != 1) return;
      // (1, ..., 1, C) -> (1, ..., C, 1)
      Shape rows(folded->w->rank(), Dim(1));
      rows[rows.size() - 2] = factor->shape().back();
      factor = rebuild_.make(ir::Reshape{std::move(rows)}, {factor}, producer.origins);
      folded->w = binary(ScalarOp::kMul, folded->w, factor, producer.origins);
      folded->x = rebuild_.at(producer.operands[k]);
      folded->origins = join_origins(producer.origins, folded->origins);
      return;
    }
  }

  bool others_are_vectors(const Node& node, size_t k) const {
    for (size_t i = 0; i < node.operands.size(); ++i) {
      const Value* operand = node.operands[i];
      if (i != k && (!prepared_.contains(operand) || !is_vector(operand->shape()))) return false;
    }
    return true;
  }

  bool extend(const Node& node) {
    const auto& op = *node.as<ir::Elementwise>();
    for (size_t k = 0; k < node.operands.size(); ++k) {
      const Value* y = node.operands[k];
      const auto found = folded_.find(y);
      if (found == folded_.end() || uses_[y] != 1 || y->shape() != node.result()->shape()) continue;
      if (!others_are_vectors(node, k)) continue;
      const auto affine = affine_in(op.expr, static_cast<int>(k));
      if (!affine) continue;
      Folded folded = found->second;
      folded.origins = join_origins(std::move(folded.origins), node.origins);
      apply(*affine, node, static_cast<int>(k), &folded);
      finish(node.result(), std::move(folded));
      return true;
    }
    return false;
  }

  // y = contract(x, w * s) + b becomes a * y + c.
  void apply(const Affine& affine, const Node& node, int k, Folded* folded) {
    if (affine.scale) {
      Value* a = compute(*affine.scale, node, k);
      folded->scale = folded->scale ? binary(ScalarOp::kMul, folded->scale, a, node.origins) : a;
      if (folded->bias) folded->bias = binary(ScalarOp::kMul, folded->bias, a, node.origins);
    }
    if (affine.offset) {
      Value* c = compute(*affine.offset, node, k);
      folded->bias = folded->bias ? binary(ScalarOp::kAdd, folded->bias, c, node.origins) : c;
    }
  }

  // A part of an affine expression over the operands but x; a constant of one element when it
  // reads none.
  Value* compute(const ScalarExpr& expr, const Node& node, int x) {
    std::vector<Value*> operands;
    std::vector<int> moved(node.operands.size(), 0);
    for (size_t i = 0; i < node.operands.size(); ++i) {
      if (static_cast<int>(i) == x) continue;
      moved[i] = static_cast<int>(operands.size());
      operands.push_back(rebuild_.at(node.operands[i]));
    }
    const Shape ones(node.result()->rank(), Dim(1));
    ScalarExpr numbered = expr;
    bool reads = false;
    for (ir::ScalarNode& part : numbered.nodes) {
      if (part.op != ScalarOp::kOperand) continue;
      part.index = moved[part.index];
      reads = true;
    }
    if (!reads) operands.clear();
    Value* value =
        rebuild_.make(ir::Elementwise{std::move(numbered)}, std::move(operands), node.origins);
    return reads ? value : rebuild_.make(ir::Reshape{ones}, {value}, node.origins);
  }

  Value* binary(ScalarOp op, Value* a, Value* b, const std::vector<std::string>& origins) {
    ir::ExprBuilder e;
    const auto left = e.operand(0, a->dtype());
    const auto right = e.operand(1, b->dtype());
    return rebuild_.make(ir::Elementwise{e.finish(e.binary(op, left, right))}, {a, b}, origins);
  }

  // Writes the folded form; what a longer chain replaces is dead.
  void finish(const Value* old, Folded folded) {
    Value* w = folded.w;
    if (folded.scale) w = binary(ScalarOp::kMul, w, folded.scale, folded.origins);
    Value* value = rebuild_.make(folded.contract->op, {folded.x, w}, folded.origins);
    if (folded.bias) value = binary(ScalarOp::kAdd, value, folded.bias, folded.origins);
    rebuild_.set(old, value);
    folded_[old] = std::move(folded);
  }

  Graph& old_;
  Rebuild rebuild_;
  std::unordered_set<const Value*> prepared_;
  std::unordered_map<const Value*, int> uses_;
  std::unordered_map<const Value*, Folded> folded_;  // by old value
};

bool all_equal(const std::vector<int64_t>& list, int64_t value) {
  return std::all_of(list.begin(), list.end(), [&](int64_t v) { return v == value; });
}

bool is_zero(const std::vector<Dim>& list) {
  return std::all_of(list.begin(), list.end(), [](const Dim& d) { return d == Dim(0); });
}

// A window of one point is a matrix product over all pixels.
bool is_pointwise(const Node& node) {
  const auto* op = node.as<ir::Contract>();
  if (!op || op->window.rank() == 0 || op->batch != 0 || op->groups != 1 || op->panel != 0 ||
      op->epilogue) {
    return false;
  }
  return all_equal(op->window.kernel, 1) && all_equal(op->window.strides, 1) &&
         all_equal(op->window.input_dilations, 1) && is_zero(op->window.pad_lo) &&
         is_zero(op->window.pad_hi);
}

void merge_rows(Graph& graph) {
  Rebuild rebuild(graph);
  for (const auto& node : graph.nodes()) {
    if (!is_pointwise(*node)) {
      rebuild.copy(*node);
      continue;
    }
    Value* x = rebuild.at(node->operands[0]);
    Value* w = rebuild.at(node->operands[1]);
    const Dim& channels = x->shape().back();
    const Dim rows = ir::element_count(Shape(x->shape().begin(), x->shape().end() - 1));
    x = rebuild.make(ir::Reshape{{rows, channels}}, {x}, node->origins);
    w = rebuild.make(ir::Reshape{{channels, w->shape().back()}}, {w}, node->origins);
    ir::Contract product;
    Value* y = rebuild.make(std::move(product), {x, w}, node->origins);
    rebuild.set(node->result(),
                rebuild.make(ir::Reshape{node->result()->shape()}, {y}, node->origins));
  }
  rebuild.finish();
}

}  // namespace

void fold_weights(Graph& graph) {
  sink_reshapes(graph);
  simplify(graph);
  Folder(graph).run();
  merge_rows(graph);
  simplify(graph);
  // Elementwise nodes that read a merged product work on its rows.
  sink_reshapes(graph);
  simplify(graph);
}

}  // namespace dovetail::passes
