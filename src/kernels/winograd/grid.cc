#include "kernels/winograd/grid.h"

#include <algorithm>

namespace dovetail::kernels {
namespace {

using ir::Dim;

constexpr int64_t kBlockBytes = 1 << 20;      // of V: more does not stay in L2
constexpr int64_t kBlockProducts = 12 << 20;  // about 100 us of one core
constexpr int64_t kBlockTiles = 28;           // fewer are bound by reading the weights
constexpr int64_t kGroupColumns = 128;        // fewer are not worth another transform of the input
constexpr int64_t kFewChunks = 4;

int64_t ceil_quotient(int64_t a, int64_t b) { return (a + b - 1) / b; }

// The height of register tiles that leaves the fewest rows of the last one over.
int height_for(const Dim& tiles, int highest) {
  const std::optional<int64_t> known = tiles.constant();
  if (!known || *known <= 0) return highest;
  int best = highest;
  for (int height = highest; height >= std::max(highest / 2, 1); --height) {
    if (ceil_quotient(*known, height) * height < ceil_quotient(*known, best) * best) best = height;
  }
  return static_cast<int>(std::min<int64_t>(best, *known));
}

// Rows a multiple of 4 KiB apart share their cache sets.
Dim odd_lines(const Dim& elements) {
  constexpr int64_t kLine = 16;
  const Dim lines = ir::ceildiv(elements, kLine);
  return (lines + Dim(1) - ir::mod(lines, 2)) * Dim(kLine);
}

}  // namespace

WinogradGrid winograd_grid(const Request& request) {
  const auto& contract = *request.node->as<ir::Contract>();
  const Layout& y = request.results[0];
  const int64_t channels = request.operands[0].shape.back().value();
  const int64_t points = int64_t{contract.winograd + 2} * (contract.winograd + 2);
  WinogradGrid grid;
  grid.registers = register_tile(*request.level, ir::DType::kF32, contract.panel);
  grid.down = ir::ceildiv(y.shape[1], contract.winograd);
  grid.across = ir::ceildiv(y.shape[2], contract.winograd);
  grid.tiles = y.shape[0] * grid.down * grid.across;

  const Dim image = y.shape[0].is_constant() ? grid.tiles : grid.down * grid.across;
  const int height = height_for(image, grid.registers.pixels);
  grid.heights = {height};
  if (!grid.tiles.is_constant() && ir::mod(grid.tiles, height) != Dim(0)) {
    for (int rest = height / 2; rest >= 1; rest /= 2) grid.heights.push_back(rest);
  }

  const int64_t lanes = grid.registers.lanes;
  grid.v_row = ceil_quotient(channels, lanes) * lanes;
  if (grid.v_row * 4 % 2048 == 0) grid.v_row += 16;
  const int64_t busy = kBlockProducts / (points * channels * contract.columns);
  const int64_t cached = kBlockBytes / (points * grid.v_row * 4);
  const int64_t wanted = std::min(std::max(busy, kBlockTiles), cached) / height;
  const Dim registers = ir::ceildiv(grid.tiles, height);
  grid.block = equal_part(registers, std::max<int64_t>(wanted, 1)) * Dim(height);
  grid.blocks = ir::ceildiv(grid.tiles, grid.block);
  grid.v_point = odd_lines(grid.block * Dim(grid.v_row));
  grid.m_point = odd_lines(grid.block * Dim(grid.unit()));

  // Few blocks are cut by columns as well; those of images of unknown size count as many.
  grid.units = ceil_quotient(contract.columns, grid.unit());
  const int64_t blocks = std::max<int64_t>(grid.blocks.constant().value_or(kFewChunks), 1);
  const int64_t groups = std::min(ceil_quotient(kFewChunks, blocks),
                                  std::max<int64_t>(contract.columns / kGroupColumns, 1));
  grid.chunk_units = ceil_quotient(grid.units, groups);
  grid.unit_chunks = ceil_quotient(grid.units, grid.chunk_units);
  return grid;
}

}  // namespace dovetail::kernels
