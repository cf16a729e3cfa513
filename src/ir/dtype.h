// Element types of tensors and scalars.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace dovetail::ir {

enum class DType : uint8_t {
  kF32,
  kF64,
  kF16,
  kBF16,
  kI8,
  kI16,
  kI32,
  kI64,
  kU8,
  kU16,
  kU32,
  kU64,
  kBool
};

int size_of(DType dtype);               // bytes of one element
std::string_view name_of(DType dtype);  // numpy's name: "float32", "bool", "bfloat16"
std::optional<DType> dtype_named(std::string_view name);
bool is_float(DType dtype);
bool is_signed_int(DType dtype);
bool is_unsigned_int(DType dtype);  // bool is neither
inline bool is_int(DType dtype) { return is_signed_int(dtype) || is_unsigned_int(dtype); }

}  // namespace dovetail::ir
