// A row of output pixels cut into tiles, with variants where the window reaches over the border.
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

// Fixed: the first and the last few tiles are `left` and `right`, all others `inner`. Else blocks
// of inner.width: inside ones whole, others in pieces of the widths `rest`, border pixels one by
// one with their range of taps computed at run time.
struct PixelTiles {
  bool fixed = false;
  TileShape inner;
  std::vector<TileShape> left, right;
  bool has_inner = true;
  std::vector<int> rest;
  ir::Dim tiles;  // in a row
};

PixelTiles cut_pixels(const Axis& pixels, int widest);

}  // namespace dovetail::kernels
