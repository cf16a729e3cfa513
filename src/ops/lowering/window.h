// The window attributes that Conv and the pools share: kernel_shape, strides, dilations, pads,
// auto_pad, ceil_mode.
#pragma once

#include "ops/lowering/context.h"

namespace dovetail::ops {

std::vector<AttributeDef> window_attributes();

// A list attribute of `length` values of at least `min` (kValue otherwise), or `otherwise`
// repeated.
Ints list_or(LowerContext& c, const char* name, size_t length, int64_t otherwise, int64_t min);

// The attribute kernel_shape: at least 1 for each spatial axis of input 0 (kValue otherwise).
Ints kernel_shape_of(LowerContext& c);

struct WindowOf {
  ir::Window window;
  std::vector<ir::Dim> ceil_extra;  // 0 without ceil_mode
};
// `spatial`: the extents of x under the window. Attributes of the wrong length or sign are kValue.
WindowOf window_of(LowerContext& c, const Ints& kernel, const ir::Shape& spatial, bool ceil_mode);

}  // namespace dovetail::ops
