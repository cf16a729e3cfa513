// Which axes a reshape merges and splits.
#pragma once

#include <optional>
#include <vector>

#include "ir/dim.h"

namespace dovetail::passes {

// Neighbouring axes of one shape that hold the same elements as neighbouring axes of another.
struct AxisGroup {
  std::vector<int> from;  // without extents of 1
  std::vector<int> to;    // with them: every axis of the new shape is in one group
};

// The finest such groups, in order; nothing when extents are not known well enough (or are 0).
// No group at all when there is one element.
std::optional<std::vector<AxisGroup>> reshape_groups(const ir::Shape& from, const ir::Shape& to);

}  // namespace dovetail::passes
