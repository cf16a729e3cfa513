// How a contraction is cut: register tiles of pixels x columns, variants of tiles at the borders,
// and the grid of chunks.
#pragma once

#include <cstdint>
#include <vector>

#include "kernels/contract/contraction.h"

namespace dovetail::kernels {

// `width` neighbouring pixels. `active[k]` has bit p set when pixel p reads inside x at tap k of
// the window along the pixels.
struct TileShape {
  int width = 1;
  std::vector<uint32_t> active;
  bool operator==(const TileShape&) const = default;
};

// Columns go in units of `vectors` * `lanes`; what is left goes in a last unit.
enum class ColumnTail : uint8_t {
  kNone,
  kFixed,    // `tail_vectors` vectors, the last one masked when `tail_masked`
  kRunTime,  // number of columns known at run time: single masked vectors
};

struct Schedule {
  int lanes = 1, vectors = 1, pixels = 1;  // the register tile
  ColumnTail tail = ColumnTail::kNone;
  int tail_vectors = 0;
  bool tail_masked = false;
  bool full_units = true;    // false: the tail is all there is
  bool merged_taps = false;  // taps and channels of a window row lie in one run of x and of w

  // Tiles of a row of pixels. Fixed: the first and the last few are `left` and `right`, all others
  // `inner`. Else blocks of inner.width: inside ones whole, others in pieces of the widths `rest`,
  // border pixels one by one with their range of taps computed at run time.
  bool fixed = false;
  TileShape inner;
  std::vector<TileShape> left, right;
  bool has_inner = true;
  std::vector<int> rest;

  // Chunks: blocks of rows x tiles x units.
  ir::Dim tiles, units, full;                    // in all
  ir::Dim chunk_rows, chunk_tiles, chunk_units;  // of one chunk
  ir::Dim row_chunks, tile_chunks, unit_chunks;

  ir::Dim chunks() const { return row_chunks * tile_chunks * unit_chunks; }
};

Schedule schedule_of(const Contraction& contraction, const ir::CpuLevel& level);

}  // namespace dovetail::kernels
