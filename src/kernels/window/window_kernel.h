// Kernels whose every output channel sees a window over the same channel of x: depthwise
// convolutions and pools. Vectors run along the channels; a tile is some pixels of some
// neighbouring rows of y, so that what it loads of x is used by all of its pixels that have a tap
// there.
#pragma once

#include "kernels/contract/contraction.h"

namespace dovetail::kernels {

// y[n, o, c] = the combination over k of x[n, o * stride + k * dilation - pad, c]
enum class WindowOp : uint8_t {
  kProducts,       // sum of products with w[k, c], then the epilogue
  kMax,            // NaN when there is one
  kSum,            // of the elements inside of x
  kAverage,        // of the elements inside of x
  kAveragePadded,  // of those inside of x and its padding, which counts as 0
};

struct WindowWork {
  WindowOp op;
  const ir::Window& window;
  std::string name;
  // Of what dtype tensors and sums are; the epilogue. Tensors are x, for kProducts w and operands
  // of the epilogue, then y.
  Contraction types;
};

// "3x3_s2"
std::string window_text(const ir::Window& window);

Call window_call(const Request& request, WindowWork work);

}  // namespace dovetail::kernels
