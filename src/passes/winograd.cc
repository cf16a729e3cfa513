#include "passes/winograd.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <unordered_set>

#include "ir/winograd.h"
#include "passes/rebuild.h"
#include "passes/split_phases.h"

namespace dovetail::passes {
namespace {

using ir::Dim;
using ir::DType;
using ir::Node;
using ir::Value;

// Costs in multiply-adds, measured on Zen 5 (AVX-512): a tile's transforms for each channel of x
// and of the result, and a byte of weights that comes from a cache or, in models whose weights do
// not fit one, from memory.
constexpr double kTransforms2 = 190;
constexpr double kTransforms4 = 600;
constexpr double kCachedByte = 1;
constexpr double kMemoryByte = 4;
constexpr int64_t kCachedWeights = 8 << 20;

constexpr int64_t kLeastColumns = 16;   // fewer leave lanes of the widest vectors empty
constexpr int64_t kTypicalExtent = 64;  // of symbolic images; batches count as 1

// Or one whose phases are.
bool is_window_of_winograd(const ir::Contract& op) {
  const std::vector<int64_t> threes(2, 3);
  const std::vector<int64_t> ones(2, 1);
  return op.batch == 0 && op.groups == 1 && op.panel == 0 && op.winograd == 0 &&
         op.window.kernel == threes && op.window.strides == ones &&
         op.window.input_dilation(0) == 1 && op.window.input_dilation(1) == 1;
}

bool is_dilated(const ir::Window& window) {
  return std::ranges::any_of(window.dilations, [](int64_t dilation) { return dilation != 1; });
}

bool has_few_phases(const ir::Window& window) {
  int64_t phases = 1;
  for (const int64_t dilation : window.dilations) {
    phases *= dilation;
    if (phases > kMostContractions) return false;
  }
  return true;
}

bool has_constant_padding(const ir::Window& window) {
  return std::ranges::all_of(window.pad_lo, [](const Dim& pad) { return pad.is_constant(); });
}

int64_t typical(const Dim& dim, int64_t extent) {
  std::map<std::string, int64_t> values;
  for (const std::string& symbol : dim.symbols()) values[symbol] = extent;
  return dim.evaluate(values);
}

// Window positions inside of x, for all outputs along one axis.
double products_along(const ir::Window& window, int axis, const Dim& in, const Dim& out) {
  const int64_t input = typical(in, kTypicalExtent);
  const int64_t output = typical(out, kTypicalExtent);
  const int64_t pad = typical(window.pad_lo[axis], kTypicalExtent);
  int64_t count = 0;
  for (int64_t k = 0; k < window.kernel[axis]; ++k) {
    const int64_t before = pad - k * window.dilations[axis];  // positions in front of x
    count += std::max<int64_t>(std::min(output, input + before) - std::max<int64_t>(before, 0), 0);
  }
  return static_cast<double>(count);
}

int64_t bytes_of_params(const ir::Graph& graph) {
  int64_t bytes = 0;
  for (const auto& node : graph.nodes()) {
    if (!node->as<ir::Param>()) continue;
    bytes +=
        ir::element_count(node->result()->shape()).value() * ir::size_of(node->result()->dtype());
  }
  return bytes;
}

class Choice {
 public:
  Choice(const ir::Graph& graph, int largest_tile)
      : prepared_(prepared_values(graph)),
        byte_(bytes_of_params(graph) <= kCachedWeights ? kCachedByte : kMemoryByte),
        largest_tile_(largest_tile) {}

  // The cheapest tile, of the node's phases when it is dilated; 0: direct.
  int tile_of(const Node& node) const {
    const auto* op = node.as<ir::Contract>();
    if (!op || !is_window_of_winograd(*op) || !has_few_phases(op->window)) return 0;
    if (node.operands[0]->dtype() != DType::kF32 || !prepared_.contains(node.operands[1])) return 0;
    if (node.result()->shape()[3].value() < kLeastColumns) return 0;
    int best = 0;
    for (int tile = 2; tile <= largest_tile_; tile += 2) {
      if (cost_of(node, tile) < cost_of(node, best)) best = tile;
    }
    return best;
  }

  bool wants_phases(const Node& node) const {
    const auto* op = node.as<ir::Contract>();
    return op && is_dilated(op->window) && has_constant_padding(op->window) && tile_of(node) != 0;
  }

 private:
  // For each pair of a channel of x and one of the result.
  double cost_of(const Node& node, int tile) const {
    const ir::Window& window = node.as<ir::Contract>()->window;
    const ir::Shape& x = node.operands[0]->shape();
    const ir::Shape& y = node.result()->shape();
    const auto images = static_cast<double>(typical(y[0], 1));
    if (tile == 0) {
      return images * products_along(window, 0, x[1], y[1]) *
                 products_along(window, 1, x[2], y[2]) +
             byte_ * 9 * 4;
    }
    double tiles = images;
    double phases = 1;
    for (int axis = 0; axis < 2; ++axis) {
      const int64_t period = window.dilations[axis];
      const Dim along = ir::ceildiv(ir::ceildiv(y[axis + 1], period), tile);
      tiles *= static_cast<double>(period * typical(along, kTypicalExtent));
      phases *= static_cast<double>(period);
    }
    const double points = (tile + 2) * (tile + 2);
    const double transforms = tile == 2 ? kTransforms2 : kTransforms4;
    const double channels =
        1.0 / static_cast<double>(x[3].value()) + 1.0 / static_cast<double>(y[3].value());
    return tiles * (points + transforms * channels) + phases * byte_ * points * 4;
  }

  std::unordered_set<const Value*> prepared_;
  double byte_;  // what one of weights costs
  int largest_tile_;
};

class Transformer {
 public:
  Transformer(ir::Graph& graph, int largest_tile)
      : old_(graph), rebuild_(graph), choice_(graph, largest_tile) {}

  void run() {
    for (const auto& node : old_.nodes()) {
      const auto* contract = node->as<ir::Contract>();
      const int tile = contract && !is_dilated(contract->window) ? choice_.tile_of(*node) : 0;
      if (tile == 0) {
        rebuild_.copy(*node);
        continue;
      }
      ir::Contract op = *contract;
      op.winograd = tile;
      std::vector<Value*> operands = rebuild_.operands_of(*node);
      operands[1] = transformed(operands[1], tile, node->origins);
      rebuild_.set(node->result(),
                   rebuild_.make(std::move(op), std::move(operands), node->origins));
    }
    rebuild_.finish();
  }

 private:
  // w (3, 3, C, M) -> (t+2, t+2, C, M), computed in double.
  Value* transformed(Value* w, int tile, const std::vector<std::string>& origins) {
    const auto found = made_.find({w, tile});
    if (found != made_.end()) return found->second;
    const Dim channels = w->shape()[2];
    const Dim columns = w->shape()[3];
    const int64_t n = tile + 2;
    ir::ExprBuilder widen;
    ir::Elementwise wide{widen.finish(widen.cast(widen.operand(0, DType::kF32), DType::kF64))};
    ir::ExprBuilder narrow;
    ir::Contract product;
    product.epilogue = narrow.finish(narrow.cast(narrow.operand(0, DType::kF64), DType::kF32));
    Value* flat = rebuild_.make(ir::Reshape{{9, channels * columns}}, {w}, origins);
    flat = rebuild_.make(std::move(wide), {flat}, origins);
    Value* u = rebuild_.make(std::move(product), {matrix(tile), flat}, origins);
    return made_[{w, tile}] = rebuild_.make(ir::Reshape{{n, n, channels, columns}}, {u}, origins);
  }

  Value* matrix(int tile) {
    Value*& made = matrices_[tile];
    if (made) return made;
    const std::vector<double> factors = ir::winograd_weights(ir::winograd_transform(tile));
    std::vector<std::byte> bytes(factors.size() * sizeof(double));
    std::memcpy(bytes.data(), factors.data(), bytes.size());
    const auto rows = static_cast<int64_t>(factors.size()) / 9;
    return made =
               rebuild_.next().constant(ir::TensorData(DType::kF64, {rows, 9}, std::move(bytes)));
  }

  ir::Graph& old_;
  Rebuild rebuild_;
  Choice choice_;
  std::map<std::pair<Value*, int>, Value*> made_;
  std::map<int, Value*> matrices_;
};

}  // namespace

void winograd(ir::Graph& graph, int largest_tile) {
  const Choice choice(graph, largest_tile);
  split_phases_of(graph, [&](const Node& node) { return choice.wants_phases(node); });
  Transformer(graph, largest_tile).run();
}

}  // namespace dovetail::passes
