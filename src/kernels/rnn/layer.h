// A Recurrence node as its kernel sees it: sizes, the register tile and the memory of its state.
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

struct Layer {
  explicit Layer(const Request& request);

  const ir::Recurrence& op;
  ir::DType dtype;
  int64_t hidden;          // H
  ir::Dim steps, rows;     // T, N
  int lanes, vectors;      // a tile's units of each gate
  std::vector<int> tiles;  // rows of register tiles, largest first; the last takes what is left
  int splits;              // sums of a gate that are added up at the end, for tiles of one row

  // Units in whole tiles, and the last tile, which some or none are left for.
  int64_t full_units;
  int tail_vectors;
  int64_t tail_lanes;  // of its last vector

  int64_t unit_width() const { return int64_t{lanes} * vectors; }
  int size() const;
  // Rows of a chunk.
  ir::Dim chunk_rows() const;

  // The state of a chunk: buffers of rows of `state_row` elements.
  int64_t state_row() const;
  int state_buffers() const;
  ir::Dim state_bytes() const;    // of all of them
  ir::Dim scratch_bytes() const;  // with the sums of a tile behind
};

}  // namespace dovetail::kernels
