#include "passes/pack.h"

#include <algorithm>
#include <map>

#include "passes/rebuild.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::Node;
using ir::Shape;
using ir::Value;

bool wants_panels(const Node& node) {
  const auto* contract = node.as<ir::Contract>();
  if (!contract || contract->panel != 0 || contract->groups != 1) return false;
  const Value* w = node.operands[1];
  const bool single_or_half = ir::is_float(w->dtype()) && w->dtype() != ir::DType::kF64;
  return single_or_half && w->shape().back().is_constant();
}

bool wants_gate_panels(const Node& node) {
  const auto* recurrence = node.as<ir::Recurrence>();
  return recurrence && recurrence->panel == 0;
}

class Packer {
 public:
  Packer(ir::Graph& graph, int panel) : old_(graph), rebuild_(graph), panel_(panel) {}

  void run() {
    for (const auto& node : old_.nodes()) {
      if (wants_gate_panels(*node)) {
        pack_recurrence(*node);
        continue;
      }
      if (!wants_panels(*node)) {
        rebuild_.copy(*node);
        continue;
      }
      ir::Contract packed = *node->as<ir::Contract>();
      packed.panel = panel_;
      packed.columns = node->operands[1]->shape().back().value();
      std::vector<Value*> operands = rebuild_.operands_of(*node);
      operands[1] = panels_of(operands[1], packed.batch, node->origins);
      rebuild_.set(node->result(),
                   rebuild_.make(std::move(packed), std::move(operands), node->origins));
    }
    rebuild_.finish();
  }

 private:
  // w (B..., K..., C, M) -> (B..., M/NR, K..., C, NR), columns past M are 0
  Value* panels_of(Value* w, int batch, const std::vector<std::string>& origins) {
    const auto found = made_.find({w, batch});
    if (found != made_.end()) return found->second;
    Value* packed = is_repeated(*w, batch) ? repeated_panels(w, batch, origins)
                                           : panels_of_matrix(w, batch, origins);
    return made_[{w, batch}] = packed;
  }

  // The same matrix for several batches.
  static bool is_repeated(const Value& w, int batch) {
    if (!w.node->as<ir::Broadcast>()) return false;
    const Shape& once = w.node->operands[0]->shape();
    return std::equal(once.begin() + batch, once.end(), w.shape().begin() + batch);
  }

  // Packed once, then repeated.
  Value* repeated_panels(Value* w, int batch, const std::vector<std::string>& origins) {
    Value* packed = panels_of(w->node->operands[0], batch, origins);
    Shape shape(w->shape().begin(), w->shape().begin() + batch);
    shape.insert(shape.end(), packed->shape().begin() + batch, packed->shape().end());
    return rebuild_.make(ir::Broadcast{std::move(shape)}, {packed}, origins);
  }

  Value* panels_of_matrix(Value* w, int batch, const std::vector<std::string>& origins) {
    const int rank = w->rank();
    const int64_t columns = w->shape().back().value();
    const int64_t panels = (columns + panel_ - 1) / panel_;
    if (panels * panel_ != columns) {
      ir::Pad pad{std::vector<Dim>(rank, Dim(0)), std::vector<Dim>(rank, Dim(0)), 0};
      pad.hi.back() = panels * panel_ - columns;
      w = rebuild_.make(std::move(pad), {w}, origins);
    }
    Shape split(w->shape().begin(), w->shape().end() - 1);
    split.emplace_back(panels);
    split.emplace_back(panel_);
    w = rebuild_.make(ir::Reshape{std::move(split)}, {w}, origins);
    std::vector<int> perm;
    for (int i = 0; i < batch; ++i) perm.push_back(i);
    perm.push_back(rank - 1);
    for (int i = batch; i < rank - 1; ++i) perm.push_back(i);
    perm.push_back(rank);
    return rebuild_.make(ir::Permute{std::move(perm)}, {w}, origins);
  }

  // Panels of as many bytes for every dtype.
  void pack_recurrence(const Node& node) {
    ir::Recurrence packed = *node.as<ir::Recurrence>();
    std::vector<Value*> operands = rebuild_.operands_of(node);
    Value*& r = operands[ir::Recurrence::kWeights];
    packed.panel = panel_ * 4 / ir::size_of(r->dtype());
    r = gate_panels_of(r, packed.gates(), packed.panel, node.origins);
    Node* now = rebuild_.next().add(std::move(packed), std::move(operands));
    now->origins = node.origins;
    for (size_t i = 0; i < node.results.size(); ++i) {
      rebuild_.set(node.results[i].get(), now->results[i].get());
    }
  }

  // r (H, G*H) -> (H/NR, H, G, NR): what a step reads for NR units lies together.
  Value* gate_panels_of(Value* r, int gates, int panel, const std::vector<std::string>& origins) {
    const int64_t hidden = r->shape()[0].value();
    const int64_t panels = (hidden + panel - 1) / panel;
    r = rebuild_.make(ir::Reshape{{hidden, gates, hidden}}, {r}, origins);
    if (panels * panel != hidden) {
      const ir::Pad pad{{0, 0, 0}, {0, 0, panels * panel - hidden}, 0};
      r = rebuild_.make(pad, {r}, origins);
    }
    r = rebuild_.make(ir::Reshape{{hidden, gates, panels, panel}}, {r}, origins);
    return rebuild_.make(ir::Permute{{2, 0, 1, 3}}, {r}, origins);
  }

  ir::Graph& old_;
  Rebuild rebuild_;
  int panel_;
  std::map<std::pair<Value*, int>, Value*> made_;
};

}  // namespace

void pack(ir::Graph& graph, int panel) { Packer(graph, panel).run(); }

}  // namespace dovetail::passes
