#include "ops/lowering/positions.h"

namespace dovetail::ops {

ir::Value* positions(Builder& build, const ir::Dim& extent, int axis, int rank) {
  ir::Shape shape(rank, ir::Dim(1));
  ir::Value* one = build.reshape(build.integer(1), shape);
  shape[axis] = extent;
  // How many ones stand in front.
  return build.graph().value(ir::Cumulate{ir::ReduceKind::kSum, axis, true},
                             {build.broadcast_to(one, shape)});
}

}  // namespace dovetail::ops
