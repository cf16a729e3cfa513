// Resampling along axes: every result position has a coordinate in x, and is made of the elements
// around it. Where those lie and how much each counts depends on one axis at a time, so it is
// tabulated: a table is computed when the model is compiled if its extents are known.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ops/lowering/context.h"

namespace dovetail::ops {

enum class Filter : uint8_t { kNearest, kLinear, kCubic };

// The words of ONNX's Resize.
struct Resampling {
  Filter filter = Filter::kNearest;
  std::string coordinates = "half_pixel";      // coordinate_transformation_mode
  std::string nearest = "round_prefer_floor";  // nearest_mode; "ceil_down": ceil when shrinking
  double cubic_coefficient = -0.75;
  bool exclude_outside = false;
  bool antialias = false;
  double extrapolation = 0;  // outside of x, for tf_crop_and_resize
};

struct ResampledAxis {
  int axis;
  ir::Dim in, out;
  std::optional<Number> scale = {};  // of float32; out/in where there is none
  Number crop_start = {0}, crop_end = {1};
  // What is known of the scale before a run.
  std::optional<float> known_scale() const {
    if (!scale || scale->at_run) return std::nullopt;
    return static_cast<float>(scale->known);
  }
};

// x resampled along these axes. Sums are computed in float32 (of float64: float64) and truncated
// for integers.
ir::Value* resample(LowerContext& c, ir::Value* x, const Resampling& how,
                    const std::vector<ResampledAxis>& axes);

}  // namespace dovetail::ops
