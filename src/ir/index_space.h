// Row-major index arithmetic over concrete shapes.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace dovetail::ir {

inline int64_t count_of(const std::vector<int64_t>& shape) {
  int64_t count = 1;
  for (const int64_t extent : shape) count *= extent;
  return count;
}

// Compact strides in elements; 0 along extents of 1, which so repeat under any index.
inline std::vector<int64_t> repeating_strides(const std::vector<int64_t>& shape) {
  std::vector<int64_t> strides(shape.size(), 0);
  int64_t stride = 1;
  for (size_t i = shape.size(); i-- > 0; stride *= shape[i]) {
    if (shape[i] != 1) strides[i] = stride;
  }
  return strides;
}

// Calls visit(index) for every index of `shape` in row-major order; once for rank 0.
template <class Visit>
void for_each_index(const std::vector<int64_t>& shape, Visit visit) {
  if (std::find(shape.begin(), shape.end(), 0) != shape.end()) return;
  std::vector<int64_t> index(shape.size(), 0);
  while (true) {
    visit(static_cast<const std::vector<int64_t>&>(index));
    size_t axis = shape.size();
    while (axis > 0 && ++index[axis - 1] == shape[axis - 1]) index[--axis] = 0;
    if (axis == 0) return;
  }
}

inline int64_t offset_of(const std::vector<int64_t>& index, const std::vector<int64_t>& strides) {
  int64_t offset = 0;
  for (size_t i = 0; i < strides.size(); ++i) offset += index[i] * strides[i];
  return offset;
}

}  // namespace dovetail::ir
