// Axes that only a run knows. Their number is known, so that what they say can be spread over all
// axes of a tensor; a run fails where one is out of range or given twice.
#pragma once

#include <string>
#include <vector>

#include "ops/lowering/context.h"

namespace dovetail::ops {

class RunAxes {
 public:
  // Input i holds axes of a tensor of this rank. kUnsupported when their number is not known.
  RunAxes(LowerContext& c, size_t i, int rank);

  int64_t count() const { return count_; }
  // int64 (rows, count), columns in the order of the axes -> (rows, rank): `otherwise` in the
  // columns of axes that are not named.
  ir::Value* spread(ir::Value* values, int64_t otherwise);
  // int64 (rank): 1 for the axes that are named, else 0.
  ir::Value* mask() const { return mask_; }

 private:
  LowerContext& c_;
  ir::Value* axes_;
  int rank_;
  int64_t count_;
  ir::Value* mask_;
};

// The extents before one axis, of it and behind it, multiplied.
struct SplitShape {
  ir::Dim before = 1, extent = 1, behind = 1;
};
// Of an axis that may be negative, as an expression: a run fails where it is out of range.
SplitShape split_shape(LowerContext& c, const ir::Shape& shape, const ir::Dim& axis,
                       const std::string& text);

}  // namespace dovetail::ops
