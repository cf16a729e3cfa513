// The code of one tile of a window kernel: pixels of neighbouring rows, one vector of channels.
#pragma once

#include <functional>
#include <vector>

#include "kernels/contract/epilogue.h"
#include "kernels/contract/pixel_loop.h"
#include "kernels/window/window_kernel.h"

namespace dovetail::kernels {

// Axes as in `ir::Window`: the last one runs along the pixels of a row, the one before along the
// rows. Steps in bytes.
struct WindowSteps {
  std::vector<loop::Value> x_tap, w_tap;   // of each axis: between taps
  loop::Value x_row, x_pixel;              // between neighbours of x
  std::vector<loop::Value> row, pixel;     // of each tensor; not valid where it stays
  loop::Value in_rows, out_rows, row_pad;  // not valid without an axis of rows
  // For padded averages: extents with the upper padding.
  loop::Value padded_rows, padded_pixels, pixel_pad;
  loop::Value scratch;  // not valid when nothing needs it
};

// Where a tile begins: `tensors` at its first row and pixel, x at its first tap; channels and axes
// before the rows are counted in already.
struct WindowPlace {
  std::vector<loop::Value> tensors;
  std::vector<Range> taps;  // of the axes before the rows
  loop::Value first_row, first_pixel;
  loop::Value outer_count;  // padded averages: positions along the axes before the rows
  std::vector<std::vector<loop::Value>> scales;  // averages: [row][pixel], 1 / elements
  Columns channels;
};

class WindowTile {
 public:
  WindowTile(loop::Builder& code, const WindowWork& work, int rows, bool all_rows);
  void set_steps(WindowSteps steps) { steps_ = std::move(steps); }

  // Whether the taps of all rows and columns are written out one by one.
  static bool is_unrolled(const ir::Window& window);

  // Fills in `scales` of averages, before any channels are worked on.
  void count(const TileShape& shape, WindowPlace* place);
  void count(const Range& taps, WindowPlace* place);

  void tile(const TileShape& shape, const WindowPlace& place);
  // One pixel of each row, whose range of taps along the row is known at run time.
  void pixel(const Range& taps, const WindowPlace& place);

 private:
  using Sums = std::vector<std::vector<loop::Var>>;  // [row][pixel]
  struct Source {
    loop::Value x, w;
  };

  Sums zeros(int rows, int width, int lanes);
  loop::Value load(const loop::Value& pointer, const loop::Value& offset, ir::DType dtype,
                   const Columns& channels);
  loop::Value identity(const loop::Type& type);
  // `weight` is asked for by products only.
  void combine(const loop::Var& sum, const loop::Value& x, const loop::Value& weight);
  bool has_weights() const { return work_.op == WindowOp::kProducts; }
  bool is_average() const {
    return work_.op == WindowOp::kAverage || work_.op == WindowOp::kAveragePadded;
  }
  loop::Value load_weight(const loop::Value& w, const loop::Value& tap, const Columns& channels);
  loop::Value rows_counted(const WindowPlace& place, int row);
  void set_scales(int width, const std::function<loop::Value(int pixel)>& counted,
                  WindowPlace* place);
  // Calls `body` for each tap of the axes before the rows.
  void outer_taps(size_t axis, const WindowPlace& place, const Source& source,
                  const std::function<void(const Source&)>& body);
  void written_out(const TileShape& shape, const WindowPlace& place, const Source& source,
                   const Sums& sums);
  void input_row(int64_t offset, const TileShape& shape, const WindowPlace& place,
                 const Source& source, const Sums& sums);
  void in_loops(const TileShape& shape, const WindowPlace& place, const Source& source,
                const std::vector<loop::Var>& sums);
  // Calls `body` for each tap row of output row `row` that is inside of x.
  void row_taps(const loop::Value& row, const Source& source,
                const std::function<void(const Source&)>& body);
  void each_row(const WindowPlace& place, const std::function<void(int row)>& body);
  void finish(const Sums& sums, const WindowPlace& place);

  loop::Builder& code_;
  const WindowWork& work_;
  const ir::Window& window_;
  const Contraction& types_;
  int rows_;
  bool all_rows_;  // the rows of y are a multiple of those of a tile
  WindowSteps steps_;
};

}  // namespace dovetail::kernels
