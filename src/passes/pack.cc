#include "passes/pack.h"

#include <algorithm>
#include <map>
#include <tuple>

#include "ir/scalar_cost.h"
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

// Whether it is faster to run vectors along the channels of each column than along few columns.
// Costs of one output position in half cycles: products by vectors, and a sum over the lanes
// and a store for each column; against one product for each channel.
bool prefers_single_columns(const Node& node, int panel) {
  const auto& contract = *node.as<ir::Contract>();
  if (contract.winograd) return false;
  const Shape& w = node.operands[1]->shape();
  const std::optional<int64_t> columns = w.back().constant();
  const std::optional<int64_t> channels = w[w.size() - 2].constant();
  if (!columns || !channels || *columns > panel / 4) return false;
  if (contract.epilogue && ir::has_elementary(*contract.epilogue)) return false;
  const ir::Window& window = contract.window;
  int64_t run = *channels;  // neighbours in x and w
  int64_t runs = 1;
  for (int i = 0; i < window.rank(); ++i) {
    const bool joins = i + 1 == window.rank() && window.dilations[i] == 1;
    (joins ? run : runs) *= window.kernel[i];
  }
  const int64_t lanes = panel / 2;
  const int64_t vectors = runs * ((run + lanes - 1) / lanes);
  return *columns * (vectors + 7) * 5 < run * runs * 4;
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
      packed.panel = prefers_single_columns(*node, panel_) ? 1 : panel_;
      packed.columns = node->operands[1]->shape().back().value();
      std::vector<Value*> operands = rebuild_.operands_of(*node);
      operands[1] = panels_of(operands[1], packed, node->origins);
      rebuild_.set(node->result(),
                   rebuild_.make(std::move(packed), std::move(operands), node->origins));
    }
    rebuild_.finish();
  }

 private:
  // w (B..., K..., C, M) -> (B..., M/NR, K..., C, NR), columns past M are 0
  Value* panels_of(Value* w, const ir::Contract& packed, const std::vector<std::string>& origins) {
    const Key key{w, packed.batch, packed.panel};
    const auto found = made_.find(key);
    if (found != made_.end()) return found->second;
    Value* panels = is_repeated(*w, packed.batch) ? repeated_panels(w, packed, origins)
                                                  : panels_of_matrix(w, packed, origins);
    return made_[key] = panels;
  }

  // The same matrix for several batches.
  static bool is_repeated(const Value& w, int batch) {
    if (!w.node->as<ir::Broadcast>()) return false;
    const Shape& once = w.node->operands[0]->shape();
    return std::equal(once.begin() + batch, once.end(), w.shape().begin() + batch);
  }

  // Packed once, then repeated.
  Value* repeated_panels(Value* w, const ir::Contract& packed,
                         const std::vector<std::string>& origins) {
    Value* once = panels_of(w->node->operands[0], packed, origins);
    Shape shape(w->shape().begin(), w->shape().begin() + packed.batch);
    shape.insert(shape.end(), once->shape().begin() + packed.batch, once->shape().end());
    return rebuild_.make(ir::Broadcast{std::move(shape)}, {once}, origins);
  }

  Value* panels_of_matrix(Value* w, const ir::Contract& packed,
                          const std::vector<std::string>& origins) {
    const int rank = w->rank();
    const int batch = packed.batch;
    const int64_t panels = (packed.columns + packed.panel - 1) / packed.panel;
    if (panels * packed.panel != packed.columns) {
      ir::Pad pad{std::vector<Dim>(rank, Dim(0)), std::vector<Dim>(rank, Dim(0)), 0};
      pad.hi.back() = panels * packed.panel - packed.columns;
      w = rebuild_.make(std::move(pad), {w}, origins);
    }
    Shape split(w->shape().begin(), w->shape().end() - 1);
    split.emplace_back(panels);
    split.emplace_back(packed.panel);
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
  using Key = std::tuple<Value*, int, int>;  // the matrix, its batch axes, the panels' width
  std::map<Key, Value*> made_;
};

}  // namespace

void pack(ir::Graph& graph, int panel) { Packer(graph, panel).run(); }

}  // namespace dovetail::passes
