// The code of one tile of a depthwise convolution: pixels of neighbouring rows, one vector of
// channels.
#pragma once

#include <optional>
#include <vector>

#include "kernels/contract/contraction.h"
#include "kernels/contract/epilogue.h"
#include "kernels/contract/pixel_loop.h"

namespace dovetail::kernels {

// What the tile needs to know of the convolution; axes as in `ir::Window`, the last one runs along
// the pixels of a row, the one before along the rows. Steps in bytes.
struct DepthwiseSteps {
  std::vector<loop::Value> x_tap, w_tap;   // of each axis: between taps
  loop::Value x_row, x_pixel;              // between neighbours of x
  std::vector<loop::Value> row, pixel;     // of each tensor; not valid where it stays
  loop::Value in_rows, out_rows, row_pad;  // not valid without an axis of rows
  loop::Value scratch;                     // not valid when nothing needs it
};

// Where a tile begins: `tensors` at its first row and pixel, x at its first tap; channels and axes
// before the rows are counted in already.
struct DepthwisePlace {
  std::vector<loop::Value> tensors;
  std::vector<Range> taps;  // of the axes before the rows
  loop::Value first_row;
  Columns channels;
};

class DepthwiseTile {
 public:
  // `types` says of what dtype the tensors and sums are and holds the epilogue.
  DepthwiseTile(loop::Builder& code, const ir::Window& window, const Contraction& types, int rows,
                bool all_rows);
  void set_steps(DepthwiseSteps steps) { steps_ = std::move(steps); }

  // Whether the taps of all rows and columns are written out one by one.
  static bool is_unrolled(const ir::Window& window);

  void tile(const TileShape& shape, const DepthwisePlace& place);
  // One pixel of each row, whose range of taps along the row is known at run time.
  void pixel(const Range& taps, const DepthwisePlace& place);

 private:
  using Sums = std::vector<std::vector<loop::Var>>;  // [row][pixel]
  struct Source {
    loop::Value x, w;
  };

  Sums zeros(int rows, int width, int lanes);
  loop::Value load(const loop::Value& pointer, const loop::Value& offset, ir::DType dtype,
                   const Columns& channels);
  void add_product(const loop::Var& sum, const loop::Value& x, const loop::Value& w);
  // Calls `body` for each tap of the axes before the rows.
  void outer_taps(size_t axis, const DepthwisePlace& place, const Source& source,
                  const std::function<void(const Source&)>& body);
  void written_out(const TileShape& shape, const DepthwisePlace& place, const Source& source,
                   const Sums& sums);
  void input_row(int64_t offset, const TileShape& shape, const DepthwisePlace& place,
                 const Source& source, const Sums& sums);
  void in_loops(const TileShape& shape, const DepthwisePlace& place, const Source& source,
                const std::vector<loop::Var>& sums);
  // Calls `body` for each tap row of output row `row` that is inside of x.
  void row_taps(const loop::Value& row, const Source& source,
                const std::function<void(const Source&)>& body);
  void each_row(const DepthwisePlace& place, const std::function<void(int row)>& body);
  void finish(const Sums& sums, const DepthwisePlace& place);

  loop::Builder& code_;
  const ir::Window& window_;
  const Contraction& types_;
  int rows_;
  bool all_rows_;  // the rows of y are a multiple of those of a tile
  DepthwiseSteps steps_;
};

}  // namespace dovetail::kernels
