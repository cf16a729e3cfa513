#include "ir/tensor.h"

#include <cmath>
#include <cstring>

#include "ir/float16.h"

namespace dovetail::ir {
namespace {

template <class T>
T element(std::span<const std::byte> bytes, int64_t i) {
  T value;
  std::memcpy(&value, bytes.data() + i * static_cast<int64_t>(sizeof(T)), sizeof(T));
  return value;
}

// Calls with the element as its own C++ type.
template <class Use>
auto visit_element(DType dtype, std::span<const std::byte> bytes, int64_t i, Use use) {
  switch (dtype) {
    case DType::kF32:
      return use(element<float>(bytes, i));
    case DType::kF64:
      return use(element<double>(bytes, i));
    case DType::kF16:
      return use(half_to_float(element<uint16_t>(bytes, i)));
    case DType::kBF16:
      return use(bfloat16_to_float(element<uint16_t>(bytes, i)));
    case DType::kI8:
      return use(element<int8_t>(bytes, i));
    case DType::kI16:
      return use(element<int16_t>(bytes, i));
    case DType::kI32:
      return use(element<int32_t>(bytes, i));
    case DType::kI64:
      return use(element<int64_t>(bytes, i));
    case DType::kU16:
      return use(element<uint16_t>(bytes, i));
    case DType::kU32:
      return use(element<uint32_t>(bytes, i));
    case DType::kU64:
      return use(element<uint64_t>(bytes, i));
    default:
      return use(element<uint8_t>(bytes, i));
  }
}

}  // namespace

TensorData::TensorData(DType dtype, std::vector<int64_t> shape, std::vector<std::byte> bytes)
    : dtype_(dtype), shape_(std::move(shape)) {
  auto owner = std::make_shared<const std::vector<std::byte>>(std::move(bytes));
  bytes_ = *owner;
  owner_ = std::move(owner);
}

TensorData::TensorData(DType dtype, std::vector<int64_t> shape, std::span<const std::byte> bytes,
                       std::shared_ptr<const void> owner)
    : dtype_(dtype), shape_(std::move(shape)), bytes_(bytes), owner_(std::move(owner)) {}

int64_t TensorData::element_count() const {
  int64_t count = 1;
  for (const int64_t extent : shape_) count *= extent;
  return count;
}

double TensorData::as_double(int64_t i) const {
  return visit_element(dtype_, bytes_, i, [](auto value) { return static_cast<double>(value); });
}

int64_t TensorData::as_int(int64_t i) const {
  return visit_element(dtype_, bytes_, i, [](auto value) -> int64_t {
    if constexpr (std::is_floating_point_v<decltype(value)>) {
      if (std::isnan(value)) return 0;
      if (value >= 0x1p63) return INT64_MAX;
      if (value < -0x1p63) return INT64_MIN;
    }
    return static_cast<int64_t>(value);
  });
}

}  // namespace dovetail::ir
