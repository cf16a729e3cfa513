#include <cstring>

#include "base/error.h"
#include "ir/evaluate_primitives.h"
#include "ir/evaluate_scalar.h"
#include "ir/index_space.h"

namespace dovetail::ir {
namespace {

using Index = std::vector<int64_t>;

// The result's element at each index is that of x at `offset` + sum(index * strides).
TensorData read_strided(const TensorData& x, int64_t offset, const Index& strides,
                        const ResultType& type) {
  const int size = size_of(type.dtype);
  std::vector<std::byte> bytes(count_of(type.shape) * size);
  std::byte* to = bytes.data();
  for_each_index(type.shape, [&](const Index& index) {
    std::memcpy(to, x.bytes().data() + (offset + offset_of(index, strides)) * size, size);
    to += size;
  });
  return {type.dtype, type.shape, std::move(bytes)};
}

// Writes x into a larger tensor of `shape`, its first element at `offset`.
void write_at(const TensorData& x, int64_t offset, const Index& shape,
              std::vector<std::byte>* bytes) {
  const int size = size_of(x.dtype());
  Index strides(shape.size(), 1);
  for (size_t i = shape.size(); i-- > 1;) strides[i - 1] = strides[i] * shape[i];
  const std::byte* from = x.bytes().data();
  for_each_index(x.shape(), [&](const Index& index) {
    std::memcpy(bytes->data() + (offset + offset_of(index, strides)) * size, from, size);
    from += size;
  });
}

int64_t product(Index::const_iterator begin, Index::const_iterator end) {
  return count_of(Index(begin, end));
}

}  // namespace

TensorData evaluate_permute(const Permute& op, const TensorData& x, const ResultType& type) {
  const Index strides = repeating_strides(x.shape());
  Index moved;
  for (const int axis : op.perm) moved.push_back(strides[axis]);
  return read_strided(x, 0, moved, type);
}

TensorData evaluate_broadcast(const TensorData& x, const ResultType& type) {
  return read_strided(x, 0, repeating_strides(x.shape()), type);
}

TensorData evaluate_slice(const Slice& op, const TensorData& x, const ResultType& type) {
  Index strides = repeating_strides(x.shape());
  int64_t offset = 0;
  for (size_t i = 0; i < strides.size(); ++i) {
    offset += op.starts[i].value() * strides[i];
    strides[i] *= op.steps[i];
  }
  return read_strided(x, offset, strides, type);
}

TensorData evaluate_reshape(const TensorData& x, const ResultType& type) {
  return {type.dtype, type.shape, std::vector<std::byte>(x.bytes().begin(), x.bytes().end())};
}

TensorData evaluate_concat(const Concat& op, const Tensors& x, const ResultType& type) {
  std::vector<std::byte> bytes(count_of(type.shape) * size_of(type.dtype));
  const int64_t inner = product(type.shape.begin() + op.axis + 1, type.shape.end());
  int64_t first = 0;
  for (const TensorData& operand : x) {
    write_at(operand, first * inner, type.shape, &bytes);
    first += operand.shape()[op.axis];
  }
  return {type.dtype, type.shape, std::move(bytes)};
}

TensorData evaluate_pad(const Pad& op, const TensorData& x, const ResultType& type) {
  Scalar value;
  value.real = op.value;
  const std::vector<Scalar> border(count_of(type.shape), cast(value, DType::kF64, type.dtype));
  const TensorData filled = encode(type.dtype, type.shape, border);
  std::vector<std::byte> bytes(filled.bytes().begin(), filled.bytes().end());
  int64_t offset = 0;
  for (size_t i = 0; i < type.shape.size(); ++i) offset = offset * type.shape[i] + op.lo[i].value();
  write_at(x, offset, type.shape, &bytes);
  return {type.dtype, type.shape, std::move(bytes)};
}

TensorData evaluate_gather(const Gather& op, const Tensors& x, const ResultType& type) {
  const Index& from = x[0].shape();
  const int64_t outer = product(from.begin(), from.begin() + op.axis);
  const int64_t inner = product(from.begin() + op.axis + 1, from.end()) * size_of(type.dtype);
  const int64_t extent = from[op.axis];
  std::vector<std::byte> bytes(count_of(type.shape) * size_of(type.dtype));
  std::byte* to = bytes.data();
  for (int64_t row = 0; row < outer; ++row) {
    for (int64_t i = 0; i < x[1].element_count(); ++i) {
      const int64_t given = x[1].as_int(i);
      if (given < -extent || given >= extent) {
        throw_error(ErrorKind::kValue, "gather: index {} is out of range for axis {} of extent {}",
                    given, op.axis, extent);
      }
      const int64_t at = given < 0 ? given + extent : given;
      if (inner) std::memcpy(to, x[0].bytes().data() + (row * extent + at) * inner, inner);
      to += inner;
    }
  }
  return {type.dtype, type.shape, std::move(bytes)};
}

TensorData evaluate_compact(const TensorData& x, const ResultType& type) {
  std::vector<int64_t> positions;
  for (int64_t i = 0; i < x.element_count(); ++i) {
    if (x.as_int(i) != 0) positions.push_back(i);
  }
  DOVETAIL_CHECK(static_cast<int64_t>(positions.size()) == type.shape[0],
                 "{} elements are true, {} were counted", positions.size(), type.shape[0]);
  return TensorData::of(DType::kI64, type.shape, positions);
}

}  // namespace dovetail::ir
