#include "kernels/scalar/reduction.h"

#include <limits>

namespace dovetail::kernels {

using ir::DType;
using ir::ReduceKind;
using loop::Opcode;
using loop::Value;

DType accumulator_dtype(DType dtype) {
  return dtype == DType::kF16 || dtype == DType::kBF16 ? DType::kF32 : dtype;
}

Value extreme_of(loop::Builder& b, const loop::Type& type, bool largest) {
  if (ir::is_float(type.dtype)) {
    const double infinity = std::numeric_limits<double>::infinity();
    return b.constant(largest ? infinity : -infinity, type);
  }
  const int bits = 8 * ir::size_of(type.dtype);
  if (ir::is_signed_int(type.dtype)) {
    const auto low = static_cast<int64_t>(~uint64_t{0} << (bits - 1));
    return b.constant(largest ? ~low : low, type);
  }
  const uint64_t high = type.dtype == DType::kBool ? 1 : ~uint64_t{0} >> (64 - bits);
  return b.constant(largest ? static_cast<int64_t>(high) : int64_t{0}, type);
}

Value identity_of(loop::Builder& b, ReduceKind kind, const loop::Type& type) {
  switch (kind) {
    case ReduceKind::kSum:
      return b.constant(int64_t{0}, type);
    case ReduceKind::kProduct:
      return b.constant(int64_t{1}, type);
    default:
      return extreme_of(b, type, kind == ReduceKind::kMin);
  }
}

Value combine(loop::Builder& b, ReduceKind kind, const Value& a, const Value& x) {
  const bool logical = a.dtype() == DType::kBool;
  if (kind == ReduceKind::kSum) return logical ? b.binary(Opcode::kOr, a, x) : a + x;
  if (kind == ReduceKind::kProduct) return logical ? b.binary(Opcode::kAnd, a, x) : a * x;
  const Value extreme = kind == ReduceKind::kMin ? min(a, x) : max(a, x);
  // The loop operation gives x when either is NaN: a NaN already there has to stay.
  return ir::is_float(a.dtype()) ? b.select(a == a, extreme, a) : extreme;
}

}  // namespace dovetail::kernels
