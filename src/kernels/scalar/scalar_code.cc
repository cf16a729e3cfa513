#include "kernels/scalar/scalar_code.h"

#include <cmath>
#include <limits>

#include "base/error.h"
#include "kernels/scalar/hyperbolic.h"
#include "kernels/scalar/math.h"
#include "kernels/scalar/power.h"
#include "kernels/scalar/trigonometry.h"

namespace dovetail::kernels {
namespace {

using ir::DType;
using ir::ScalarNode;
using ir::ScalarOp;
using loop::Builder;
using loop::Opcode;
using loop::Value;

bool is_half(DType dtype) { return dtype == DType::kF16 || dtype == DType::kBF16; }

class ExpressionCode {
 public:
  ExpressionCode(Builder& b, std::span<const Value> operands, int lanes)
      : b_(b), operands_(operands), lanes_(lanes) {}

  Value emit(const ir::ScalarExpr& expr) {
    for (const ScalarNode& node : expr.nodes) values_.push_back(emit(node));
    return values_.back();
  }

 private:
  Value argument(const ScalarNode& node, int i) const { return values_[node.arguments[i]]; }

  Value emit(const ScalarNode& node) {
    switch (node.op) {
      case ScalarOp::kOperand:
        return operands_[node.index];
      case ScalarOp::kConstant:
        return constant(node);
      case ScalarOp::kSelect:
        return b_.select(argument(node, 0), argument(node, 1), argument(node, 2));
      case ScalarOp::kCast:
        return b_.cast(argument(node, 0), node.dtype);
      default:
        break;
    }
    // Half precision is computed in float32 and rounded once per operation.
    std::vector<Value> wide;
    for (const int index : node.arguments) {
      const Value& value = values_[index];
      wide.push_back(is_half(value.dtype()) ? b_.cast(value, DType::kF32) : value);
    }
    const Value result =
        wide.size() == 1 ? unary(node.op, wide[0]) : binary(node.op, wide[0], wide[1]);
    return is_half(node.dtype) ? b_.cast(result, node.dtype) : result;
  }

  Value constant(const ScalarNode& node) {
    const loop::Type type{node.dtype, lanes_, false};
    if (const auto* value = std::get_if<int64_t>(&node.constant)) return b_.constant(*value, type);
    const double value = std::get<double>(node.constant);
    if (!is_half(node.dtype)) return b_.constant(value, type);
    return b_.cast(b_.constant(value, {DType::kF32, lanes_, false}), node.dtype);
  }

  Value number(double value, const Value& like) { return b_.constant(value, like.type()); }

  Value unary(ScalarOp op, const Value& x) {
    const bool real = ir::is_float(x.dtype());
    switch (op) {
      case ScalarOp::kNeg:
        return -x;
      case ScalarOp::kAbs:
        return b_.unary(Opcode::kAbs, x);
      case ScalarOp::kSign:
        return sign(x);
      case ScalarOp::kNot:
        return b_.unary(Opcode::kNot, x);
      case ScalarOp::kSqrt:
        return b_.unary(Opcode::kSqrt, x);
      case ScalarOp::kReciprocal:
        return number(1.0, x) / x;
      case ScalarOp::kExp:
        return math::exp(b_, x);
      case ScalarOp::kLog:
        return math::log(b_, x);
      case ScalarOp::kTanh:
        return math::tanh(b_, x);
      case ScalarOp::kSigmoid:
        return math::sigmoid(b_, x);
      case ScalarOp::kErf:
        return math::erf(b_, x);
      case ScalarOp::kSin:
        return in_double(math::sin, x);
      case ScalarOp::kCos:
        return in_double(math::cos, x);
      case ScalarOp::kTan:
        return in_double(math::tan, x);
      case ScalarOp::kAsin:
        return in_double(math::asin, x);
      case ScalarOp::kAcos:
        return in_double(math::acos, x);
      case ScalarOp::kAtan:
        return in_double(math::atan, x);
      case ScalarOp::kSinh:
        return in_double(math::sinh, x);
      case ScalarOp::kCosh:
        return in_double(math::cosh, x);
      case ScalarOp::kAsinh:
        return in_double(math::asinh, x);
      case ScalarOp::kAcosh:
        return in_double(math::acosh, x);
      case ScalarOp::kAtanh:
        return in_double(math::atanh, x);
      case ScalarOp::kFloor:
        return real ? b_.unary(Opcode::kFloor, x) : x;
      case ScalarOp::kCeil:
        return real ? b_.unary(Opcode::kCeil, x) : x;
      case ScalarOp::kRoundEven:
        return real ? b_.unary(Opcode::kRoundEven, x) : x;
      case ScalarOp::kTrunc:
        return real ? b_.unary(Opcode::kTrunc, x) : x;
      case ScalarOp::kIsNan:
        return x != x;
      case ScalarOp::kIsInf:
        return b_.unary(Opcode::kAbs, x) == number(std::numeric_limits<double>::infinity(), x);
      default:
        break;
    }
    throw_error(ErrorKind::kUnsupported, "'{}' of {} cannot be compiled yet", ir::name_of(op),
                ir::name_of(x.dtype()));
  }

  // Functions that few models use have one version, of float64.
  template <class Function, class... Others>
  Value in_double(Function function, const Value& x, const Others&... others) {
    return b_.cast(function(b_, b_.cast(x, DType::kF64), b_.cast(others, DType::kF64)...),
                   x.dtype());
  }

  Value power(const Value& x, const Value& y) {
    const bool single = x.dtype() != DType::kF64;
    return in_double(
        [&](auto& b, const auto& of, const auto& to) { return math::pow(b, of, to, single); }, x,
        y);
  }

  Value sign(const Value& x) {
    const Value zero = number(0.0, x);
    const Value negative =
        ir::is_unsigned_int(x.dtype()) ? zero : b_.select(x < zero, number(-1.0, x), x);
    return b_.select(x > zero, number(1.0, x), negative);
  }

  Value binary(ScalarOp op, const Value& x, const Value& y) {
    switch (op) {
      case ScalarOp::kAdd:
        return x + y;
      case ScalarOp::kSub:
        return x - y;
      case ScalarOp::kMul:
        return x * y;
      case ScalarOp::kDiv:
        return x / y;
      case ScalarOp::kRem:
        return ir::is_float(x.dtype()) ? in_double(math::remainder, x, y) : x % y;
      case ScalarOp::kFloorMod:
        return floor_mod(x, y);
      case ScalarOp::kMin:
        return propagate_nan(x, min(x, y));
      case ScalarOp::kMax:
        return propagate_nan(x, max(x, y));
      case ScalarOp::kAnd:
        return b_.binary(Opcode::kAnd, x, y);
      case ScalarOp::kOr:
        return b_.binary(Opcode::kOr, x, y);
      case ScalarOp::kXor:
        return b_.binary(Opcode::kXor, x, y);
      case ScalarOp::kShl:
        return b_.binary(Opcode::kShl, x, y);
      case ScalarOp::kShr:
        return b_.binary(Opcode::kShr, x, y);
      case ScalarOp::kPow:
        return ir::is_float(x.dtype()) ? power(x, y) : math::integer_pow(b_, x, y);
      default:
        if (op >= ScalarOp::kEq && op <= ScalarOp::kGe) {
          const auto row = static_cast<int>(op) - static_cast<int>(ScalarOp::kEq);
          return b_.compare(static_cast<Opcode>(static_cast<int>(Opcode::kEq) + row), x, y);
        }
        break;
    }
    throw_error(ErrorKind::kUnsupported, "'{}' of {} cannot be compiled yet", ir::name_of(op),
                ir::name_of(x.dtype()));
  }

  // Loop IR gives the second operand when either is NaN: only a NaN in the first one is missing.
  Value propagate_nan(const Value& x, const Value& result) {
    return ir::is_float(x.dtype()) ? b_.select(x == x, result, x) : result;
  }

  Value floor_mod(const Value& x, const Value& y) {
    const bool real = ir::is_float(x.dtype());
    const Value remainder = real ? in_double(math::remainder, x, y) : x % y;
    if (ir::is_unsigned_int(x.dtype())) return remainder;
    const Value zero = number(0.0, x);
    const Value other_sign = b_.binary(Opcode::kXor, remainder < zero, y < zero);
    const Value wrong = b_.binary(Opcode::kAnd, remainder != zero, other_sign);
    return b_.select(wrong, remainder + y, remainder);
  }

  Builder& b_;
  std::span<const Value> operands_;
  int lanes_;
  std::vector<Value> values_;
};

}  // namespace

Value emit_scalar(Builder& builder, const ir::ScalarExpr& expr, std::span<const Value> operands,
                  int lanes) {
  return ExpressionCode(builder, operands, lanes).emit(expr);
}

}  // namespace dovetail::kernels
