#include "kernels/order/precedence.h"

#include "kernels/scalar/reduction.h"

namespace dovetail::kernels::order {

using ir::DType;
using loop::Opcode;
using loop::Value;

Value strictly_before(loop::Builder& b, const Value& a, const Value& other, bool largest) {
  if (!ir::is_float(a.dtype())) return largest ? a > other : a < other;
  // A comparison with a NaN is false.
  const Value ordered = largest ? a <= other : a >= other;
  const Value& number = largest ? other : a;
  return b.binary(Opcode::kAnd, b.unary(Opcode::kNot, ordered), number == number);
}

Key key_of(DType dtype, bool largest) {
  const int size = ir::size_of(dtype);
  Key key{.dtype = size == 8 ? DType::kI64 : DType::kI32, .bits = 8 * size, .first = 0};
  if (dtype == DType::kBool) {
    key.bits = 1;
  } else if (ir::is_float(dtype) || size >= 4) {
    key.bits = 8 * ir::size_of(key.dtype);
    key.first = size == 8 ? INT64_MIN : INT32_MIN;
  } else if (ir::is_signed_int(dtype)) {
    key.first = -(int64_t{1} << (key.bits - 1));
  }
  // The complement of an interval of the signed integers: the full range is its own.
  if (!largest && key.bits < 32) key.first = -(key.first + (int64_t{1} << key.bits));
  return key;
}

namespace {

// Bits of a float as a signed integer: those below 0 count down with the magnitude.
Value float_key(loop::Builder& b, const Value& x) {
  const bool wide = x.dtype() == DType::kF64;
  const DType dtype = wide ? DType::kI64 : DType::kI32;
  const loop::Type type = loop::vector(dtype, x.lanes());
  const Value bits = b.bitcast(x, dtype);
  const Value magnitude = b.constant(wide ? INT64_MAX : int64_t{INT32_MAX}, type);
  const Value sign = b.binary(Opcode::kShr, bits, b.constant(int64_t{wide ? 63 : 31}, type));
  const Value key = b.binary(Opcode::kXor, bits, b.binary(Opcode::kAnd, sign, magnitude));
  const Value no_zero = b.select(x == constant_like(x, 0.0), b.constant(int64_t{0}, type), key);
  return b.select(x == x, no_zero, magnitude);
}

}  // namespace

Value key_code(loop::Builder& b, const Value& x, bool largest) {
  const DType dtype = key_of(x.dtype(), largest).dtype;
  const loop::Type type = loop::vector(dtype, x.lanes());
  Value key;
  if (ir::is_float(x.dtype())) {
    key = float_key(b, b.cast(x, accumulator_dtype(x.dtype())));
  } else {
    key = b.cast(x, dtype);
    const int64_t lowest = dtype == DType::kI64 ? INT64_MIN : INT32_MIN;
    if (ir::is_unsigned_int(x.dtype()) && ir::size_of(x.dtype()) >= 4)
      key = b.binary(Opcode::kXor, key, b.constant(lowest, type));
  }
  return largest ? key : b.unary(Opcode::kNot, key);
}

}  // namespace dovetail::kernels::order
