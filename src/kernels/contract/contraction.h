// A Contract node as loops: output positions (rows of pixels) x output columns, a sum over window
// taps and channels for each.
//
//   y[rows, pixel, m] = sum over taps, c of
//       x[rows * stride + tap * dilation - pad, pixel * stride + tap * dilation - pad, c]
//       * w[rows, taps, c, m]
//
// A matrix product has no taps and its rows of A are the pixels. Groups are one more row axis.
#pragma once

#include <string>
#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels {

// The window along one axis of x; a kernel of 1 without padding is no window (`kernel` 1, `pad` 0).
struct Tap {
  int64_t kernel = 1, stride = 1, dilation = 1;
  ir::Dim pad = 0, input = 1;          // positions before x, extent of x
  ir::Dim x_stride = 0, w_stride = 0;  // elements between neighbours of x, between taps of w
};

// One axis of the output positions.
struct Axis {
  ir::Dim extent = 1;
  std::vector<ir::Dim> strides;  // elements, for each operand and then the result
  bool windowed = false;
  Tap tap;  // when windowed
};

struct Contraction {
  ir::DType dtype = ir::DType::kF32;  // of x and w
  ir::DType sum = ir::DType::kF32;    // what sums are kept in
  std::vector<ir::DType> dtypes;      // of each operand and the result
  std::vector<Axis> rows;             // outermost first
  Axis pixels;                        // the axis a register tile spans
  ir::Dim channels, columns;          // of one group
  int panel = 0;                      // 0: plain w
  ir::Dim w_stride;                   // elements between channels of w
  ir::Dim panel_stride = 0;           // elements between panels of w
  std::vector<bool> per_column;       // for each operand: one element for each column
  const ir::ScalarExpr* epilogue = nullptr;

  int result() const { return static_cast<int>(dtypes.size()) - 1; }
  ir::Dim additions() const;  // products summed for one output element
  ir::Dim row_count() const;
};

// Merges axes that lie one after the other in every tensor, drops axes of extent 1.
Contraction describe(const Request& request);

// "conv3x3_s2_add_max": window and epilogue.
std::string name_of(const ir::Contract& contract);

}  // namespace dovetail::kernels
