// How a contraction is cut: register tiles of pixels x columns, variants of tiles at the borders,
// and the grid of chunks.
#pragma once

#include <cstdint>

#include "kernels/contract/pixel_tiles.h"

namespace dovetail::kernels {

constexpr int64_t kChunkProducts = 1 << 20;  // about 20 us of one core

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
  bool full_units = true;  // false: the tail is all there is
  // Vectors run along the channels and each column has its own sum of a whole vector, added up at
  // the end: for few columns, whose weights are panels of one column. `vectors` counts columns.
  bool along_channels = false;
  bool merged_taps = false;  // taps and channels of a window row lie in one run of x and of w

  // An epilogue of many instructions is a loop over the tile's pixels, which first puts the sums
  // into `scratch` bytes of the worker: unrolled it would be most of the kernel's code. 0:
  // unrolled.
  int64_t scratch = 0;

  // Weights that come from memory: while a unit's tiles are computed, each asks for its share of
  // the next unit's.
  bool fetches_ahead = false;

  PixelTiles pixel_tiles;

  // Chunks: blocks of rows x tiles x units.
  ir::Dim tiles, units, full;                    // in all
  ir::Dim chunk_rows, chunk_tiles, chunk_units;  // of one chunk
  ir::Dim row_chunks, tile_chunks, unit_chunks;

  int unit_columns() const { return along_channels ? vectors : vectors * lanes; }
  ir::Dim chunks() const { return row_chunks * tile_chunks * unit_chunks; }
};

// The register tile for many pixels. Accumulators take most registers; the rest holds a row of
// weights and an element of x.
struct RegisterTile {
  int lanes = 1, vectors = 1, pixels = 1;
};
RegisterTile register_tile(const ir::CpuLevel& level, ir::DType sum, int panel);

// `total` in equal parts of at least `part`, at most all of it; at least 1.
ir::Dim equal_part(const ir::Dim& total, const ir::Dim& part);

Schedule schedule_of(const Contraction& contraction, const ir::CpuLevel& level);

}  // namespace dovetail::kernels
