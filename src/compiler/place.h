// Decides where every value lies: buffers, strides, and which values are written straight into the
// slice of a concat or into a model output. Views cost nothing where strides can express them.
#pragma once

#include <optional>
#include <unordered_map>
#include <vector>

#include "ir/graph.h"
#include "ir/plan.h"

namespace dovetail::compiler {

struct Placed {
  std::vector<ir::Buffer> buffers;
  std::unordered_map<const ir::Value*, ir::Placement> values;
};

// Inserts Copy nodes where a user cannot read a layout, a reshape cannot be a view, or a concat
// operand or output could not be placed. Afterwards every value has a placement, and Concat and
// view nodes compute nothing.
Placed place(ir::Graph& graph);

// The strides of a reshape's result, when it can be a view of an operand with these strides.
std::optional<std::vector<ir::Dim>> reshape_strides(const ir::Shape& from,
                                                    const std::vector<ir::Dim>& strides,
                                                    const ir::Shape& to);

}  // namespace dovetail::compiler
