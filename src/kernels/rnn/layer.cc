#include "kernels/rnn/layer.h"

#include <algorithm>

#include "base/error.h"

namespace dovetail::kernels {
namespace {

using ir::Dim;

constexpr int64_t kChunkProducts = 1 << 20;  // about 20 us of one core
// Sums in flight that hide the latency of additions.
constexpr int kIndependentSums = 8;
// Row tiles of a chunk: the weights of a panel come from L2 or further once for all of them.
constexpr int kTilesOfChunk = 4;

int64_t round_up(int64_t value, int64_t unit) { return (value + unit - 1) / unit * unit; }

}  // namespace

Layer::Layer(const Request& request)
    : op(*request.node->as<ir::Recurrence>()),
      dtype(request.operands[ir::Recurrence::kInputs].dtype),
      hidden(request.operands[ir::Recurrence::kHidden].shape[1].value()),
      steps(request.operands[ir::Recurrence::kInputs].shape[0]),
      rows(request.operands[ir::Recurrence::kInputs].shape[1]) {
  DOVETAIL_CHECK(op.panel > 0, "the weights of a recurrence are not packed");
  const ir::CpuLevel& level = *request.level;
  lanes = std::min(level.vector_bytes / ir::size_of(dtype), op.panel);
  const bool many = level.vector_registers >= 32;
  const int accumulators = many ? 24 : (level.fma ? 12 : 8);
  const int gates = op.gates();
  // A cache line of every gate at least, so that panels are read by whole lines.
  const int line = std::max(1, 64 / (lanes * ir::size_of(dtype)));
  vectors =
      std::clamp(kIndependentSums / gates, std::min(line, accumulators / gates), op.panel / lanes);
  const int widest = std::max(1, accumulators / (gates * vectors));
  if (const std::optional<int64_t> count = rows.constant()) {
    if (*count >= widest) tiles.push_back(widest);
    if (*count % widest) tiles.push_back(static_cast<int>(*count % widest));
    if (tiles.empty()) tiles.push_back(1);
  } else {
    for (int height = widest; height > 1; height = (height + 1) / 2) tiles.push_back(height);
    tiles.push_back(1);
  }
  splits = request.strict ? 1 : std::max(1, kIndependentSums / (gates * vectors));
  full_units = hidden / unit_width() * unit_width();
  const int64_t left = hidden - full_units;
  tail_vectors = static_cast<int>((left + lanes - 1) / lanes);
  tail_lanes = left - int64_t{std::max(tail_vectors - 1, 0)} * lanes;
}

int Layer::size() const { return ir::size_of(dtype); }

Dim Layer::chunk_rows() const {
  const Dim products = ir::max(steps * Dim(hidden * hidden * op.gates()), 1);
  const Dim enough =
      ir::max(ir::ceildiv(kChunkProducts, products), int64_t{kTilesOfChunk} * tiles[0]);
  return ir::ceildiv(ir::min(enough, ir::max(rows, 1)), tiles[0]) * Dim(tiles[0]);
}

// Never a multiple of 2 KiB, where rows would share their cache sets.
int64_t Layer::state_row() const {
  const int64_t line = 64 / size();
  const int64_t row = round_up(hidden, std::max<int64_t>(op.panel, line));
  return row * size() % 2048 == 0 ? row + line : row;
}

// The hidden state before and after a step; the cell, or z and s * h of a GRU in two passes.
int Layer::state_buffers() const {
  if (op.has_cell()) return 3;
  return op.kind == ir::CellKind::kGru && !op.linear_before_reset ? 4 : 2;
}

Dim Layer::state_bytes() const {
  return chunk_rows() * Dim(state_row() * size() * state_buffers());
}

Dim Layer::scratch_bytes() const {
  return state_bytes() + Dim(int64_t{tiles[0]} * op.gates() * unit_width() * size());
}

}  // namespace dovetail::kernels
