#include "ir/evaluate_scalar.h"

#include <cmath>
#include <cstring>

#include "base/error.h"
#include "ir/float16.h"

namespace dovetail::ir {
namespace {

Scalar of_real(double value) {
  Scalar result;
  result.real = value;
  return result;
}

Scalar of_integer(int64_t value) {
  Scalar result;
  result.integer = value;
  return result;
}

int64_t wrap(uint64_t bits, DType dtype) {
  switch (dtype) {
    case DType::kI8:
      return static_cast<int8_t>(bits);
    case DType::kI16:
      return static_cast<int16_t>(bits);
    case DType::kI32:
      return static_cast<int32_t>(bits);
    case DType::kU8:
      return static_cast<uint8_t>(bits);
    case DType::kU16:
      return static_cast<uint16_t>(bits);
    case DType::kU32:
      return static_cast<uint32_t>(bits);
    case DType::kBool:
      return bits != 0;
    default:
      return static_cast<int64_t>(bits);
  }
}

int64_t saturate(double value, DType dtype) {
  if (std::isnan(value)) return 0;
  const double whole = std::trunc(value);
  const int bits = size_of(dtype) * 8;
  if (is_signed_int(dtype)) {
    const double limit = std::ldexp(1, bits - 1);
    if (whole >= limit) return static_cast<int64_t>(UINT64_MAX >> (65 - bits));
    if (whole < -limit) return wrap(uint64_t{1} << (bits - 1), dtype);
    return static_cast<int64_t>(whole);
  }
  if (whole <= 0) return 0;
  if (whole >= std::ldexp(1, bits)) return wrap(UINT64_MAX, dtype);
  return static_cast<int64_t>(static_cast<uint64_t>(whole));
}

// ---- Floats ----------------------------------------------------------------------------------

double sign_of(double x) { return std::isnan(x) ? x : static_cast<double>((x > 0) - (x < 0)); }

double floor_mod(double a, double b) {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

Scalar real_unary(ScalarOp op, double x) {
  switch (op) {
    case ScalarOp::kNeg:
      return of_real(-x);
    case ScalarOp::kAbs:
      return of_real(std::fabs(x));
    case ScalarOp::kSign:
      return of_real(sign_of(x));
    case ScalarOp::kSqrt:
      return of_real(std::sqrt(x));
    case ScalarOp::kReciprocal:
      return of_real(1 / x);
    case ScalarOp::kExp:
      return of_real(std::exp(x));
    case ScalarOp::kLog:
      return of_real(std::log(x));
    case ScalarOp::kSin:
      return of_real(std::sin(x));
    case ScalarOp::kCos:
      return of_real(std::cos(x));
    case ScalarOp::kTan:
      return of_real(std::tan(x));
    case ScalarOp::kAsin:
      return of_real(std::asin(x));
    case ScalarOp::kAcos:
      return of_real(std::acos(x));
    case ScalarOp::kAtan:
      return of_real(std::atan(x));
    case ScalarOp::kSinh:
      return of_real(std::sinh(x));
    case ScalarOp::kCosh:
      return of_real(std::cosh(x));
    case ScalarOp::kAsinh:
      return of_real(std::asinh(x));
    case ScalarOp::kAcosh:
      return of_real(std::acosh(x));
    case ScalarOp::kAtanh:
      return of_real(std::atanh(x));
    case ScalarOp::kTanh:
      return of_real(std::tanh(x));
    case ScalarOp::kErf:
      return of_real(std::erf(x));
    case ScalarOp::kSigmoid:
      return of_real(1 / (1 + std::exp(-x)));
    case ScalarOp::kFloor:
      return of_real(std::floor(x));
    case ScalarOp::kCeil:
      return of_real(std::ceil(x));
    case ScalarOp::kRoundEven:
      return of_real(std::nearbyint(x));
    case ScalarOp::kTrunc:
      return of_real(std::trunc(x));
    case ScalarOp::kIsNan:
      return of_integer(std::isnan(x));
    case ScalarOp::kIsInf:
      return of_integer(std::isinf(x));
    default:
      throw_error(ErrorKind::kInternal, "{} of a float", name_of(op));
  }
}

Scalar real_binary(ScalarOp op, double a, double b) {
  switch (op) {
    case ScalarOp::kAdd:
      return of_real(a + b);
    case ScalarOp::kSub:
      return of_real(a - b);
    case ScalarOp::kMul:
      return of_real(a * b);
    case ScalarOp::kDiv:
      return of_real(a / b);
    case ScalarOp::kRem:
      return of_real(std::fmod(a, b));
    case ScalarOp::kFloorMod:
      return of_real(floor_mod(a, b));
    case ScalarOp::kPow:
      return of_real(std::pow(a, b));
    case ScalarOp::kMin:
      return of_real(std::isnan(a) || a < b ? a : b);
    case ScalarOp::kMax:
      return of_real(std::isnan(a) || a > b ? a : b);
    case ScalarOp::kEq:
      return of_integer(a == b);
    case ScalarOp::kNe:
      return of_integer(a != b);
    case ScalarOp::kLt:
      return of_integer(a < b);
    case ScalarOp::kLe:
      return of_integer(a <= b);
    case ScalarOp::kGt:
      return of_integer(a > b);
    case ScalarOp::kGe:
      return of_integer(a >= b);
    default:
      throw_error(ErrorKind::kInternal, "{} of floats", name_of(op));
  }
}

// ---- Integers and bool -----------------------------------------------------------------------

// Signed and unsigned values compare, divide and shift in their own ways.
bool less(int64_t a, int64_t b, DType dtype) {
  return is_unsigned_int(dtype) ? static_cast<uint64_t>(a) < static_cast<uint64_t>(b) : a < b;
}

uint64_t divide(int64_t a, int64_t b, DType dtype) {
  if (b == 0) return 0;
  if (is_unsigned_int(dtype)) return static_cast<uint64_t>(a) / static_cast<uint64_t>(b);
  if (b == -1) return uint64_t{0} - static_cast<uint64_t>(a);
  return static_cast<uint64_t>(a / b);
}

uint64_t remainder(int64_t a, int64_t b, DType dtype) {
  if (b == 0 || b == -1) {
    return is_unsigned_int(dtype) && b == -1 ? static_cast<uint64_t>(a) % static_cast<uint64_t>(b)
                                             : 0;
  }
  if (is_unsigned_int(dtype)) return static_cast<uint64_t>(a) % static_cast<uint64_t>(b);
  return static_cast<uint64_t>(a % b);
}

uint64_t floor_mod(int64_t a, int64_t b, DType dtype) {
  const uint64_t rest = remainder(a, b, dtype);
  const bool adjust =
      !is_unsigned_int(dtype) && rest != 0 && (static_cast<int64_t>(rest) < 0) != (b < 0);
  return adjust ? rest + static_cast<uint64_t>(b) : rest;
}

// A negative power is the reciprocal: 0 unless the base is 1 or -1.
uint64_t power(int64_t base, int64_t exponent, DType dtype) {
  if (!is_unsigned_int(dtype) && exponent < 0) {
    if (base == 1) return 1;
    if (base == -1) return exponent % 2 ? UINT64_MAX : 1;
    return 0;
  }
  uint64_t result = 1;
  auto square = static_cast<uint64_t>(base);
  for (auto rest = static_cast<uint64_t>(exponent); rest; rest >>= 1, square *= square) {
    if (rest & 1) result *= square;
  }
  return result;
}

uint64_t shift_right(int64_t a, int64_t count, DType dtype) {
  const bool whole = static_cast<uint64_t>(count) >= static_cast<uint64_t>(size_of(dtype)) * 8;
  if (is_signed_int(dtype)) return static_cast<uint64_t>(a >> (whole ? 63 : count));
  return whole ? 0 : static_cast<uint64_t>(a) >> count;
}

uint64_t shift_left(int64_t a, int64_t count, DType dtype) {
  const bool whole = static_cast<uint64_t>(count) >= static_cast<uint64_t>(size_of(dtype)) * 8;
  return whole ? 0 : static_cast<uint64_t>(a) << count;
}

uint64_t integer_unary(ScalarOp op, int64_t x, DType dtype) {
  const bool negative = is_signed_int(dtype) && x < 0;
  switch (op) {
    case ScalarOp::kNeg:
      return uint64_t{0} - static_cast<uint64_t>(x);
    case ScalarOp::kAbs:
      return negative ? uint64_t{0} - static_cast<uint64_t>(x) : static_cast<uint64_t>(x);
    case ScalarOp::kSign:
      return negative ? UINT64_MAX : x != 0;
    case ScalarOp::kNot:
      return dtype == DType::kBool ? x == 0 : ~static_cast<uint64_t>(x);
    case ScalarOp::kReciprocal:
      return divide(1, x, dtype);
    case ScalarOp::kFloor:
    case ScalarOp::kCeil:
    case ScalarOp::kRoundEven:
    case ScalarOp::kTrunc:
      return static_cast<uint64_t>(x);
    case ScalarOp::kIsNan:
    case ScalarOp::kIsInf:
      return 0;
    default:
      throw_error(ErrorKind::kInternal, "{} of {}", name_of(op), name_of(dtype));
  }
}

uint64_t integer_binary(ScalarOp op, int64_t a, int64_t b, DType dtype) {
  const auto x = static_cast<uint64_t>(a);
  const auto y = static_cast<uint64_t>(b);
  switch (op) {
    case ScalarOp::kAdd:
      return x + y;
    case ScalarOp::kSub:
      return x - y;
    case ScalarOp::kMul:
      return x * y;
    case ScalarOp::kDiv:
      return divide(a, b, dtype);
    case ScalarOp::kRem:
      return remainder(a, b, dtype);
    case ScalarOp::kFloorMod:
      return floor_mod(a, b, dtype);
    case ScalarOp::kPow:
      return power(a, b, dtype);
    case ScalarOp::kMin:
      return less(a, b, dtype) ? x : y;
    case ScalarOp::kMax:
      return less(b, a, dtype) ? x : y;
    case ScalarOp::kAnd:
      return x & y;
    case ScalarOp::kOr:
      return x | y;
    case ScalarOp::kXor:
      return x ^ y;
    case ScalarOp::kShl:
      return shift_left(a, b, dtype);
    case ScalarOp::kShr:
      return shift_right(a, b, dtype);
    case ScalarOp::kEq:
      return a == b;
    case ScalarOp::kNe:
      return a != b;
    case ScalarOp::kLt:
      return less(a, b, dtype);
    case ScalarOp::kLe:
      return !less(b, a, dtype);
    case ScalarOp::kGt:
      return less(b, a, dtype);
    case ScalarOp::kGe:
      return !less(a, b, dtype);
    default:
      throw_error(ErrorKind::kInternal, "{} of {}", name_of(op), name_of(dtype));
  }
}

Scalar constant_of(const ScalarNode& node) {
  if (const auto* integer = std::get_if<int64_t>(&node.constant)) {
    if (is_float(node.dtype)) {
      return round_to(node.dtype, of_real(static_cast<double>(*integer)));
    }
    return round_to(node.dtype, of_integer(*integer));
  }
  const Scalar real = of_real(std::get<double>(node.constant));
  return is_float(node.dtype) ? round_to(node.dtype, real) : cast(real, DType::kF64, node.dtype);
}

template <class Bits>
void store(std::byte* to, Bits bits) {
  std::memcpy(to, &bits, sizeof(bits));
}

}  // namespace

Scalar round_to(DType dtype, Scalar value) {
  switch (dtype) {
    case DType::kF64:
      return value;
    case DType::kF32:
      return of_real(static_cast<float>(value.real));
    case DType::kF16:
      return of_real(half_to_float(float_to_half(static_cast<float>(value.real))));
    case DType::kBF16:
      return of_real(bfloat16_to_float(float_to_bfloat16(static_cast<float>(value.real))));
    default:
      return of_integer(wrap(static_cast<uint64_t>(value.integer), dtype));
  }
}

Scalar cast(Scalar value, DType from, DType to) {
  if (is_float(from)) {
    if (is_float(to)) return round_to(to, value);
    if (to == DType::kBool) return of_integer(value.real != 0);
    return of_integer(saturate(value.real, to));
  }
  if (!is_float(to)) return round_to(to, value);
  const double real = is_unsigned_int(from)
                          ? static_cast<double>(static_cast<uint64_t>(value.integer))
                          : static_cast<double>(value.integer);
  return round_to(to, of_real(real));
}

Scalar evaluate(const ScalarNode& node, std::span<const Scalar> arguments, DType of) {
  switch (node.op) {
    case ScalarOp::kOperand:
      throw_error(ErrorKind::kInternal, "an operand is given, not evaluated");
    case ScalarOp::kConstant:
      return constant_of(node);
    case ScalarOp::kCast:
      return cast(arguments[0], of, node.dtype);
    case ScalarOp::kSelect:
      return arguments[0].integer ? arguments[1] : arguments[2];
    default:
      break;
  }
  const bool binary = arity_of(node.op) == 2;
  if (is_float(of)) {
    return binary ? real_binary(node.op, arguments[0].real, arguments[1].real)
                  : real_unary(node.op, arguments[0].real);
  }
  const int64_t a = arguments[0].integer;
  const uint64_t bits =
      binary ? integer_binary(node.op, a, arguments[1].integer, of) : integer_unary(node.op, a, of);
  return of_integer(wrap(bits, node.dtype));
}

Scalar evaluate(const ScalarExpr& expr, std::span<const Scalar> operands) {
  std::vector<Scalar> values(expr.nodes.size());
  Scalar arguments[3];
  for (size_t i = 0; i < expr.nodes.size(); ++i) {
    const ScalarNode& node = expr.nodes[i];
    if (node.op == ScalarOp::kOperand) {
      values[i] = operands[node.index];
      continue;
    }
    const size_t count = node.arguments.size();
    for (size_t k = 0; k < count; ++k) arguments[k] = values[node.arguments[k]];
    const DType of = count ? expr.nodes[node.arguments[0]].dtype : node.dtype;
    values[i] = evaluate(node, std::span(arguments, count), of);
  }
  return values.back();
}

bool precedes(Scalar a, Scalar b, DType dtype) {
  if (is_float(dtype)) return std::isnan(a.real) ? !std::isnan(b.real) : a.real > b.real;
  if (dtype == DType::kU64)
    return static_cast<uint64_t>(a.integer) > static_cast<uint64_t>(b.integer);
  return a.integer > b.integer;
}

std::vector<Scalar> decode(const TensorData& data) {
  const int64_t count = data.element_count();
  DOVETAIL_CHECK(static_cast<int64_t>(data.bytes().size()) == count * size_of(data.dtype()),
                 "a tensor of {} {} elements has {} bytes: its content is not known yet", count,
                 name_of(data.dtype()), data.bytes().size());
  std::vector<Scalar> values(count);
  const bool real = is_float(data.dtype());
  for (int64_t i = 0; i < count; ++i) {
    values[i] = real ? of_real(data.as_double(i))
                     : of_integer(wrap(static_cast<uint64_t>(data.as_int(i)), data.dtype()));
  }
  return values;
}

TensorData encode(DType dtype, std::vector<int64_t> shape, std::span<const Scalar> values) {
  const int size = size_of(dtype);
  std::vector<std::byte> bytes(values.size() * size);
  for (size_t i = 0; i < values.size(); ++i) {
    std::byte* to = bytes.data() + i * size;
    const Scalar& value = values[i];
    if (dtype == DType::kF64) {
      store(to, value.real);
    } else if (dtype == DType::kF32) {
      store(to, static_cast<float>(value.real));
    } else if (dtype == DType::kF16) {
      store(to, float_to_half(static_cast<float>(value.real)));
    } else if (dtype == DType::kBF16) {
      store(to, float_to_bfloat16(static_cast<float>(value.real)));
    } else {
      const int64_t integer = wrap(static_cast<uint64_t>(value.integer), dtype);
      std::memcpy(to, &integer, size);  // little-endian
    }
  }
  return {dtype, std::move(shape), std::move(bytes)};
}

}  // namespace dovetail::ir
