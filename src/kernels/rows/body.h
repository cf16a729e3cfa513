// What a rows kernel computes: elementwise and reduce operations over one domain, independent of
// where they came from (an Elementwise, a Reduce, a Copy or a composite named rows).
#pragma once

#include <vector>

#include "kernels/kernel.h"

namespace dovetail::kernels::rows {

// One value of the body: an operand of the node, or an operation on earlier values.
struct BodyValue {
  enum class Kind : uint8_t { kOperand, kElementwise, kReduce };
  Kind kind = Kind::kOperand;
  ir::DType dtype = ir::DType::kF32;
  ir::Shape shape;
  int operand = -1;     // kOperand: which
  ir::ScalarExpr expr;  // kElementwise
  ir::ReduceKind reduce = ir::ReduceKind::kSum;
  std::vector<int> arguments;  // values
  int depth = 0;               // reductions that must be finished before this value is known
  bool varies = true;          // along the reduced axes; else one value per kept position
};

struct Body {
  std::vector<BodyValue> values;
  std::vector<int> outputs;  // values, one per result of the node
  ir::Shape domain;
  std::vector<bool> reduced;  // axes
  int max_depth = 0;
};

Body body_of(const ir::Node& node);

}  // namespace dovetail::kernels::rows
