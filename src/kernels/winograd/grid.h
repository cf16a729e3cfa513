// How a Winograd convolution is cut into blocks of tiles and groups of column units, and where the
// parts of a worker's scratch lie.
#pragma once

#include <vector>

#include "kernels/contract/schedule.h"
#include "kernels/kernel.h"

namespace dovetail::kernels {

struct WinogradGrid {
  RegisterTile registers;       // of the matrix products: pixels are tiles
  std::vector<int> heights;     // register tiles of so many rows, falling; one alone may run over
  ir::Dim across, down, tiles;  // tiles of a row, of a column, in all

  // Chunks: blocks of tiles x groups of units.
  int64_t units = 1, chunk_units = 1, unit_chunks = 1;
  ir::Dim block, blocks;

  // Scratch, in elements. V is [points][block][v_row], M is [points][block][unit], then one patch
  // of [points][v_row].
  int64_t v_row = 1;
  ir::Dim v_point, m_point;  // between points

  ir::Dim chunks() const { return blocks * ir::Dim(unit_chunks); }
  int64_t unit() const { return int64_t{registers.vectors} * registers.lanes; }
};

WinogradGrid winograd_grid(const Request& request);

}  // namespace dovetail::kernels
