// Constant tensors known at compile time, and references to weight bytes that are not copied.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "ir/dim.h"
#include "ir/dtype.h"

namespace dovetail::ir {

// Row-major compact little-endian bytes with their owner (a mapped file, a protobuf message, a
// vector), shared and immutable. Bool is one byte 0 or 1.
class TensorData {
 public:
  TensorData() = default;
  TensorData(DType dtype, std::vector<int64_t> shape, std::vector<std::byte> bytes);
  // Borrows: `owner` keeps `bytes` alive.
  TensorData(DType dtype, std::vector<int64_t> shape, std::span<const std::byte> bytes,
             std::shared_ptr<const void> owner);
  template <class T>
  static TensorData of(DType dtype, std::vector<int64_t> shape, const std::vector<T>& values) {
    auto data = std::as_bytes(std::span(values));
    return TensorData(dtype, std::move(shape), std::vector<std::byte>(data.begin(), data.end()));
  }

  DType dtype() const { return dtype_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  int64_t element_count() const;
  std::span<const std::byte> bytes() const { return bytes_; }
  // Element `i` in row-major order, converted.
  double as_double(int64_t i) const;
  int64_t as_int(int64_t i) const;

 private:
  DType dtype_ = DType::kF32;
  std::vector<int64_t> shape_;
  std::span<const std::byte> bytes_;
  std::shared_ptr<const void> owner_;
};

}  // namespace dovetail::ir
