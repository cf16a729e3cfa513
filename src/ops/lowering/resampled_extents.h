// How long axes become that are resampled.
#pragma once

#include <string>
#include <vector>

#include "ops/lowering/resample.h"

namespace dovetail::ops {

// floor(extent * scale): of a symbolic extent as an expression, exact when the scale is the float
// nearest to a fraction with small terms.
ir::Dim scaled_extent(const ir::Dim& extent, float scale);

enum class Rounding : uint8_t { kDown, kNearest };

// Sets `out` of the axes whose scale only a run knows: in * scale in float32, rounded. A run fails
// with `text` where a scale is not a finite number above 0.
void measure_extents(LowerContext& c, std::vector<ResampledAxis>* axes, Rounding rounding,
                     const std::string& text);

// Sets `scale` and `out` of axes whose `out` is the extent to reach: the largest scale that stays
// within all of those extents, or the smallest that stays within none (`larger`).
void keep_aspect_ratio(LowerContext& c, std::vector<ResampledAxis>* axes, bool larger);

}  // namespace dovetail::ops
