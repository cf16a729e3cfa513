#include "import/sparse_tensors.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>
#include <vector>

#include "base/error.h"

namespace dovetail::import {
namespace {

using ir::TensorData;

// A few bytes of a file must not take all memory.
constexpr uint64_t kMaxBytes = uint64_t{1} << 28;

std::string text_of(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ","));
}

size_t bytes_of(const std::vector<int64_t>& shape, ir::DType dtype) {
  auto bytes = static_cast<uint64_t>(ir::size_of(dtype));
  bool empty = false;
  for (const int64_t extent : shape) {
    if (extent < 0) throw_error(ErrorKind::kValue, "its shape holds {}", extent);
    empty = empty || extent == 0;
    if (extent != 0 && static_cast<uint64_t>(extent) > kMaxBytes / bytes) {
      throw_error(ErrorKind::kValue,
                  "its shape {} takes more than {} bytes with its zeros, which is the most for a "
                  "sparse tensor: store it dense",
                  text_of(shape), kMaxBytes);
    }
    if (extent != 0) bytes *= static_cast<uint64_t>(extent);
  }
  return empty ? 0 : bytes;
}

// Where the elements stand in row-major order: told by their place itself or by a coordinate for
// each axis.
class Places {
 public:
  // `extents`: of the axes, or the number of all elements.
  Places(TensorData indices, std::vector<int64_t> extents)
      : indices_(std::move(indices)), extents_(std::move(extents)) {}

  int64_t of(int64_t value) const {
    const auto columns = static_cast<int64_t>(extents_.size());
    int64_t place = 0;
    for (int64_t k = 0; k < columns; ++k) {
      const int64_t index = indices_.as_int(value * columns + k);
      const int64_t extent = extents_[static_cast<size_t>(k)];
      if (index < 0 || index >= extent) {
        throw_error(ErrorKind::kValue, "index {} of its value {} is out of range: expected 0..{}",
                    index, value, extent - 1);
      }
      place = place * extent + index;
    }
    return place;
  }

 private:
  TensorData indices_;
  std::vector<int64_t> extents_;
};

Places places_of(TensorData indices, const std::vector<int64_t>& shape, int64_t elements,
                 int64_t count) {
  const auto rank = static_cast<int64_t>(shape.size());
  if (indices.dtype() == ir::DType::kI64) {
    if (indices.shape() == std::vector<int64_t>{count}) return {std::move(indices), {elements}};
    if (indices.shape() == std::vector<int64_t>{count, rank}) return {std::move(indices), shape};
  }
  throw_error(ErrorKind::kValue, "its indices are {}{}, expected int64[{}] or int64[{},{}]",
              ir::name_of(indices.dtype()), text_of(indices.shape()), count, count, rank);
}

}  // namespace

TensorData read_sparse(const onnx::SparseTensorProto& tensor, Tensors& tensors) {
  const TensorData values = tensors.read(tensor.values());
  if (values.shape().size() != 1) {
    throw_error(ErrorKind::kValue, "its values have shape {}, expected one axis",
                text_of(values.shape()));
  }
  const std::vector<int64_t> shape(tensor.dims().begin(), tensor.dims().end());
  std::vector<std::byte> bytes(bytes_of(shape, values.dtype()));
  const int64_t count = values.shape()[0];
  if (count == 0) return {values.dtype(), shape, std::move(bytes)};
  if (!tensor.has_indices()) {
    throw_error(ErrorKind::kValue, "its {} values have no indices", count);
  }
  if (bytes.empty()) {
    throw_error(ErrorKind::kValue, "its shape {} has no place for {} values", text_of(shape),
                count);
  }
  const auto width = static_cast<size_t>(ir::size_of(values.dtype()));
  const Places places = places_of(tensors.read(tensor.indices()), shape,
                                  static_cast<int64_t>(bytes.size() / width), count);
  int64_t before = -1;
  for (int64_t i = 0; i < count; ++i) {
    const int64_t place = places.of(i);
    if (place <= before) {
      throw_error(ErrorKind::kValue,
                  "the indices of its values {} and {} are not in ascending order", i - 1, i);
    }
    before = place;
    std::memcpy(bytes.data() + static_cast<size_t>(place) * width,
                values.bytes().data() + static_cast<size_t>(i) * width, width);
  }
  return {values.dtype(), shape, std::move(bytes)};
}

}  // namespace dovetail::import
