#include "codegen/operations.h"

#include <cstring>

#include "base/error.h"

namespace dovetail::codegen {

using ir::DType;
using loop::Opcode;
using loop::Type;

namespace {

// Half precision is bits in registers; arithmetic on it is done in float.
bool is_float_register(DType dtype) { return dtype == DType::kF32 || dtype == DType::kF64; }
bool is_signed(DType dtype) { return ir::is_signed_int(dtype); }

// Bool lanes are bytes in memory.
Type memory_type(const Type& type) {
  return type.dtype == DType::kBool && !type.pointer ? Type{DType::kU8, type.lanes, false} : type;
}

LLVMTypeRef scalar_type(LLVMContextRef context, DType dtype) {
  if (dtype == DType::kF32) return LLVMFloatTypeInContext(context);
  if (dtype == DType::kF64) return LLVMDoubleTypeInContext(context);
  if (dtype == DType::kBool) return LLVMInt1TypeInContext(context);
  return LLVMIntTypeInContext(context, 8 * ir::size_of(dtype));
}

bool known_constant(LLVMValueRef value, int64_t* result) {
  if (!LLVMIsAConstantInt(value)) return false;
  *result = LLVMConstIntGetSExtValue(value);
  return true;
}

}  // namespace

LLVMTypeRef llvm_type(const ModuleContext& context, const Type& type) {
  if (type.pointer) return LLVMPointerTypeInContext(context.context, 0);
  LLVMTypeRef scalar = scalar_type(context.context, type.dtype);
  return type.lanes == 1 ? scalar : LLVMVectorType(scalar, type.lanes);
}

Abilities abilities_of(ir::Family family, const loop::Function& function) {
  if (family == ir::Family::kAArch64) return {.fma = !function.strict, .rounding = true};
  const std::string& cpu = function.llvm_cpu;
  const bool v3 = cpu == "x86-64-v3" || cpu == "x86-64-v4";
  return {.fma = v3 && !function.strict, .rounding = v3 || cpu == "x86-64-v2"};
}

LLVMValueRef Operations::intrinsic(const char* name, LLVMTypeRef type,
                                   std::vector<LLVMValueRef> arguments) const {
  const unsigned id = LLVMLookupIntrinsicID(name, std::strlen(name));
  LLVMValueRef function = LLVMGetIntrinsicDeclaration(context_.module, id, &type, 1);
  return LLVMBuildCall2(builder_, LLVMIntrinsicGetType(context_.context, id, &type, 1), function,
                        arguments.data(), static_cast<unsigned>(arguments.size()), "");
}

LLVMValueRef Operations::select(LLVMValueRef condition, LLVMValueRef a, LLVMValueRef b) const {
  return LLVMBuildSelect(builder_, condition, a, b, "");
}

LLVMValueRef Operations::constant(const Type& type,
                                  const std::variant<int64_t, double>& value) const {
  LLVMTypeRef scalar = scalar_type(context_.context, type.dtype);
  LLVMValueRef element = nullptr;
  if (is_float_register(type.dtype)) {
    const double number = std::holds_alternative<double>(value)
                              ? std::get<double>(value)
                              : static_cast<double>(std::get<int64_t>(value));
    element = LLVMConstReal(scalar, number);
  } else {
    DOVETAIL_CHECK(std::holds_alternative<int64_t>(value), "a constant of {} must be an integer",
                   ir::name_of(type.dtype));
    element = LLVMConstInt(scalar, static_cast<unsigned long long>(std::get<int64_t>(value)), 1);
  }
  if (type.lanes == 1) return element;
  std::vector<LLVMValueRef> lanes(type.lanes, element);
  return LLVMConstVector(lanes.data(), type.lanes);
}

LLVMValueRef Operations::iota(const Type& type) const {
  std::vector<LLVMValueRef> lanes;
  for (int i = 0; i < type.lanes; ++i)
    lanes.push_back(constant(loop::scalar(type.dtype), int64_t{i}));
  return type.lanes == 1 ? lanes[0] : LLVMConstVector(lanes.data(), type.lanes);
}

LLVMValueRef Operations::unary(Opcode op, const Type& type, LLVMValueRef a) const {
  const bool real = is_float_register(type.dtype);
  switch (op) {
    case Opcode::kNeg:
      return real ? LLVMBuildFNeg(builder_, a, "") : LLVMBuildNeg(builder_, a, "");
    case Opcode::kNot:
      return LLVMBuildNot(builder_, a, "");
    case Opcode::kAbs:
      if (real) return intrinsic("llvm.fabs", llvm_type(context_, type), {a});
      if (!is_signed(type.dtype)) return a;
      return select(LLVMBuildICmp(builder_, LLVMIntSLT, a, integer(type, 0), ""),
                    LLVMBuildNeg(builder_, a, ""), a);
    case Opcode::kSqrt:
      return intrinsic("llvm.sqrt", llvm_type(context_, type), {a});
    default:
      return real ? round(op, type, a) : a;
  }
}

// Without an instruction: magnitudes below 2^(mantissa bits) go through an integer or through the
// sum with that power, which rounds to even; larger ones are whole already. The sign is kept for
// -0.
LLVMValueRef Operations::round(Opcode op, const Type& type, LLVMValueRef a) const {
  LLVMTypeRef real = llvm_type(context_, type);
  if (abilities_.rounding) {
    const char* name = op == Opcode::kFloor   ? "llvm.floor"
                       : op == Opcode::kCeil  ? "llvm.ceil"
                       : op == Opcode::kTrunc ? "llvm.trunc"
                                              : "llvm.roundeven";
    return intrinsic(name, real, {a});
  }
  const bool f32 = type.dtype == DType::kF32;
  const Type integers{f32 ? DType::kI32 : DType::kI64, type.lanes, false};
  LLVMValueRef limit = constant(type, f32 ? 0x1p23 : 0x1p52);
  LLVMValueRef magnitude = intrinsic("llvm.fabs", real, {a});
  LLVMValueRef fraction = LLVMBuildFCmp(builder_, LLVMRealOLT, magnitude, limit, "");
  LLVMValueRef whole = nullptr;
  if (op == Opcode::kRoundEven) {
    whole = LLVMBuildFSub(builder_, LLVMBuildFAdd(builder_, magnitude, limit, ""), limit, "");
  } else {
    LLVMValueRef small = select(fraction, a, constant(type, 0.0));
    LLVMValueRef truncated = LLVMBuildFPToSI(builder_, small, llvm_type(context_, integers), "");
    whole = LLVMBuildSIToFP(builder_, truncated, real, "");
    LLVMValueRef one = constant(type, 1.0);
    if (op == Opcode::kFloor) {
      whole = select(LLVMBuildFCmp(builder_, LLVMRealOGT, whole, a, ""),
                     LLVMBuildFSub(builder_, whole, one, ""), whole);
    } else if (op == Opcode::kCeil) {
      whole = select(LLVMBuildFCmp(builder_, LLVMRealOLT, whole, a, ""),
                     LLVMBuildFAdd(builder_, whole, one, ""), whole);
    }
  }
  return select(fraction, intrinsic("llvm.copysign", real, {whole, a}), a);
}

LLVMValueRef Operations::integer_division(bool remainder, const Type& type, LLVMValueRef a,
                                          LLVMValueRef b) const {
  const bool with_sign = is_signed(type.dtype);
  const auto divide = [&](LLVMValueRef divisor) {
    if (with_sign)
      return remainder ? LLVMBuildSRem(builder_, a, divisor, "")
                       : LLVMBuildSDiv(builder_, a, divisor, "");
    return remainder ? LLVMBuildURem(builder_, a, divisor, "")
                     : LLVMBuildUDiv(builder_, a, divisor, "");
  };
  int64_t known = 0;
  if (known_constant(b, &known) && known != 0 && known != -1) return divide(b);
  LLVMValueRef zero = integer(type, 0);
  LLVMValueRef is_zero = LLVMBuildICmp(builder_, LLVMIntEQ, b, zero, "");
  if (!with_sign) return select(is_zero, zero, divide(select(is_zero, integer(type, 1), b)));
  LLVMValueRef is_minus_one = LLVMBuildICmp(builder_, LLVMIntEQ, b, integer(type, -1), "");
  LLVMValueRef special = LLVMBuildOr(builder_, is_zero, is_minus_one, "");
  LLVMValueRef ordinary = divide(select(special, integer(type, 1), b));
  LLVMValueRef negated = remainder ? zero : LLVMBuildNeg(builder_, a, "");
  return select(is_zero, zero, select(is_minus_one, negated, ordinary));
}

LLVMValueRef Operations::shift(Opcode op, const Type& type, LLVMValueRef a,
                               LLVMValueRef count) const {
  const int64_t width = 8 * ir::size_of(type.dtype);
  LLVMValueRef in_range = LLVMBuildICmp(builder_, LLVMIntULT, count, integer(type, width), "");
  if (op == Opcode::kShr && is_signed(type.dtype)) {
    return LLVMBuildAShr(builder_, a, select(in_range, count, integer(type, width - 1)), "");
  }
  LLVMValueRef safe = select(in_range, count, integer(type, 0));
  LLVMValueRef shifted = op == Opcode::kShl ? LLVMBuildShl(builder_, a, safe, "")
                                            : LLVMBuildLShr(builder_, a, safe, "");
  return select(in_range, shifted, integer(type, 0));
}

LLVMValueRef Operations::binary(Opcode op, const Type& type, LLVMValueRef a, LLVMValueRef b) const {
  const bool real = is_float_register(type.dtype);
  switch (op) {
    case Opcode::kAdd:
      return real ? LLVMBuildFAdd(builder_, a, b, "") : LLVMBuildAdd(builder_, a, b, "");
    case Opcode::kSub:
      return real ? LLVMBuildFSub(builder_, a, b, "") : LLVMBuildSub(builder_, a, b, "");
    case Opcode::kMul:
      return real ? LLVMBuildFMul(builder_, a, b, "") : LLVMBuildMul(builder_, a, b, "");
    case Opcode::kDiv:
      return real ? LLVMBuildFDiv(builder_, a, b, "") : integer_division(false, type, a, b);
    case Opcode::kRem:
      DOVETAIL_CHECK(!real, "a remainder of floats is not an operation of loop IR");
      return integer_division(true, type, a, b);
    case Opcode::kMin:
      return select(compare(Opcode::kLt, type, a, b), a, b);
    case Opcode::kMax:
      return select(compare(Opcode::kGt, type, a, b), a, b);
    case Opcode::kAnd:
      return LLVMBuildAnd(builder_, a, b, "");
    case Opcode::kOr:
      return LLVMBuildOr(builder_, a, b, "");
    case Opcode::kXor:
      return LLVMBuildXor(builder_, a, b, "");
    default:
      return shift(op, type, a, b);
  }
}

LLVMValueRef Operations::compare(Opcode op, const Type& operands, LLVMValueRef a,
                                 LLVMValueRef b) const {
  const int row = static_cast<int>(op) - static_cast<int>(Opcode::kEq);
  if (is_float_register(operands.dtype)) {
    static constexpr LLVMRealPredicate kReal[] = {LLVMRealOEQ, LLVMRealUNE, LLVMRealOLT,
                                                  LLVMRealOLE, LLVMRealOGT, LLVMRealOGE};
    return LLVMBuildFCmp(builder_, kReal[row], a, b, "");
  }
  static constexpr LLVMIntPredicate kSigned[] = {LLVMIntEQ,  LLVMIntNE,  LLVMIntSLT,
                                                 LLVMIntSLE, LLVMIntSGT, LLVMIntSGE};
  static constexpr LLVMIntPredicate kUnsigned[] = {LLVMIntEQ,  LLVMIntNE,  LLVMIntULT,
                                                   LLVMIntULE, LLVMIntUGT, LLVMIntUGE};
  return LLVMBuildICmp(builder_, is_signed(operands.dtype) ? kSigned[row] : kUnsigned[row], a, b,
                       "");
}

LLVMValueRef Operations::fma(LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) const {
  if (abilities_.fma) return intrinsic("llvm.fma", LLVMTypeOf(a), {a, b, c});
  return LLVMBuildFAdd(builder_, LLVMBuildFMul(builder_, a, b, ""), c, "");
}

LLVMValueRef Operations::half_to_float(const Type& from, LLVMValueRef a) const {
  const Type words{DType::kU32, from.lanes, false};
  const Type reals{DType::kF32, from.lanes, false};
  LLVMTypeRef real = llvm_type(context_, reals);
  LLVMValueRef bits = LLVMBuildZExt(builder_, a, llvm_type(context_, words), "");
  if (from.dtype == DType::kBF16)
    return LLVMBuildBitCast(builder_, LLVMBuildShl(builder_, bits, integer(words, 16), ""), real,
                            "");
  // See ir/float16.h: the bias changes by a multiplication, which also normalises subnormals.
  LLVMValueRef sign = LLVMBuildShl(
      builder_, LLVMBuildAnd(builder_, bits, integer(words, 0x8000), ""), integer(words, 16), "");
  LLVMValueRef rest = LLVMBuildAnd(builder_, bits, integer(words, 0x7fff), "");
  LLVMValueRef shifted = LLVMBuildShl(builder_, rest, integer(words, 13), "");
  LLVMValueRef scaled = LLVMBuildFMul(builder_, LLVMBuildBitCast(builder_, shifted, real, ""),
                                      constant(reals, 0x1p112), "");
  LLVMValueRef finite = LLVMBuildBitCast(builder_, scaled, llvm_type(context_, words), "");
  LLVMValueRef special = LLVMBuildOr(builder_, shifted, integer(words, 0x7f800000), "");
  LLVMValueRef is_special = LLVMBuildICmp(builder_, LLVMIntUGE, rest, integer(words, 0x7c00), "");
  return LLVMBuildBitCast(
      builder_, LLVMBuildOr(builder_, sign, select(is_special, special, finite), ""), real, "");
}

LLVMValueRef Operations::float_to_half(const Type& to, LLVMValueRef a) const {
  const Type words{DType::kU32, to.lanes, false};
  const auto word = [&](int64_t value) { return integer(words, value); };
  const auto add = [&](LLVMValueRef x, LLVMValueRef y) { return LLVMBuildAdd(builder_, x, y, ""); };
  const auto shr = [&](LLVMValueRef x, int64_t count) {
    return LLVMBuildLShr(builder_, x, word(count), "");
  };
  const auto odd = [&](LLVMValueRef x) { return LLVMBuildAnd(builder_, x, word(1), ""); };
  const auto above = [&](LLVMValueRef x, int64_t limit) {
    return LLVMBuildICmp(builder_, LLVMIntUGT, x, word(limit), "");
  };
  LLVMValueRef bits = LLVMBuildBitCast(builder_, a, llvm_type(context_, words), "");
  LLVMValueRef magnitude = LLVMBuildAnd(builder_, bits, word(0x7fffffff), "");
  LLVMValueRef result = nullptr;
  if (to.dtype == DType::kBF16) {
    LLVMValueRef rounded = shr(add(add(bits, word(0x7fff)), odd(shr(bits, 16))), 16);
    LLVMValueRef quiet = LLVMBuildOr(builder_, shr(bits, 16), word(0x40), "");
    result = select(above(magnitude, 0x7f800000), quiet, rounded);
  } else {
    LLVMValueRef sign = LLVMBuildAnd(builder_, shr(bits, 16), word(0x8000), "");
    LLVMValueRef normal =
        shr(add(add(magnitude, word(0xfff - 0x38000000LL)), odd(shr(magnitude, 13))), 13);
    LLVMTypeRef real = LLVMTypeOf(a);
    LLVMValueRef raised = LLVMBuildFAdd(builder_, LLVMBuildBitCast(builder_, magnitude, real, ""),
                                        constant({DType::kF32, to.lanes, false}, 0.5), "");
    LLVMValueRef subnormal =
        LLVMBuildSub(builder_, LLVMBuildBitCast(builder_, raised, llvm_type(context_, words), ""),
                     word(0x3f000000), "");
    result = select(above(magnitude, 0x387fffff), normal, subnormal);
    result = select(above(magnitude, 0x477fefff), word(0x7c00), result);
    result = select(above(magnitude, 0x7f800000), word(0x7e00), result);
    result = LLVMBuildOr(builder_, result, sign, "");
  }
  return LLVMBuildTrunc(builder_, result, llvm_type(context_, to), "");
}

LLVMValueRef Operations::cast(const Type& from, const Type& to, LLVMValueRef a) const {
  LLVMTypeRef target = llvm_type(context_, to);
  const Type single{DType::kF32, from.lanes, false};
  if (ir::is_float(from.dtype) && !is_float_register(from.dtype))
    return cast(single, to, half_to_float(from, a));
  if (ir::is_float(to.dtype) && !is_float_register(to.dtype)) {
    return float_to_half(to, from.dtype == DType::kF32 ? a : cast(from, single, a));
  }
  if (to.dtype == DType::kBool) {
    return is_float_register(from.dtype)
               ? LLVMBuildFCmp(builder_, LLVMRealUNE, a, constant(from, 0.0), "")
               : LLVMBuildICmp(builder_, LLVMIntNE, a, integer(from, 0), "");
  }
  if (is_float_register(from.dtype)) {
    if (is_float_register(to.dtype)) return LLVMBuildFPCast(builder_, a, target, "");
    LLVMTypeRef types[] = {target, LLVMTypeOf(a)};
    const char* name = is_signed(to.dtype) ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
    const unsigned id = LLVMLookupIntrinsicID(name, std::strlen(name));
    LLVMValueRef function = LLVMGetIntrinsicDeclaration(context_.module, id, types, 2);
    return LLVMBuildCall2(builder_, LLVMIntrinsicGetType(context_.context, id, types, 2), function,
                          &a, 1, "");
  }
  if (is_float_register(to.dtype)) {
    return is_signed(from.dtype) ? LLVMBuildSIToFP(builder_, a, target, "")
                                 : LLVMBuildUIToFP(builder_, a, target, "");
  }
  return LLVMBuildIntCast2(builder_, a, target, is_signed(from.dtype), "");
}

LLVMValueRef Operations::broadcast(const Type& to, LLVMValueRef scalar) const {
  LLVMTypeRef vector = llvm_type(context_, to);
  LLVMValueRef zero = LLVMConstInt(LLVMInt32TypeInContext(context_.context), 0, 0);
  LLVMValueRef first = LLVMBuildInsertElement(builder_, LLVMGetPoison(vector), scalar, zero, "");
  return shuffle(first, LLVMGetPoison(vector), std::vector<int32_t>(to.lanes, 0));
}

LLVMValueRef Operations::shuffle(LLVMValueRef a, LLVMValueRef b,
                                 const std::vector<int32_t>& lanes) const {
  std::vector<LLVMValueRef> picks;
  for (const int32_t lane : lanes)
    picks.push_back(LLVMConstInt(LLVMInt32TypeInContext(context_.context), lane, 0));
  return LLVMBuildShuffleVector(
      builder_, a, b, LLVMConstVector(picks.data(), static_cast<unsigned>(picks.size())), "");
}

LLVMValueRef Operations::reduce(Opcode op, const Type& from, LLVMValueRef a) const {
  const Opcode step = op == Opcode::kReduceAdd   ? Opcode::kAdd
                      : op == Opcode::kReduceMin ? Opcode::kMin
                                                 : Opcode::kMax;
  Type type = from;
  while (type.lanes > 1) {
    DOVETAIL_CHECK(type.lanes % 2 == 0, "a reduction of {} lanes", from.lanes);
    type.lanes /= 2;
    std::vector<int32_t> low, high;
    for (int i = 0; i < type.lanes; ++i) {
      low.push_back(i);
      high.push_back(i + type.lanes);
    }
    LLVMValueRef x = shuffle(a, a, low);
    LLVMValueRef y = shuffle(a, a, high);
    if (type.lanes == 1) {
      LLVMValueRef zero = LLVMConstInt(LLVMInt32TypeInContext(context_.context), 0, 0);
      x = LLVMBuildExtractElement(builder_, x, zero, "");
      y = LLVMBuildExtractElement(builder_, y, zero, "");
    }
    a = binary(step, type, x, y);
  }
  return a;
}

LLVMValueRef Operations::address(LLVMValueRef pointer, LLVMValueRef offset) const {
  return LLVMBuildGEP2(builder_, LLVMInt8TypeInContext(context_.context), pointer, &offset, 1, "");
}

LLVMValueRef Operations::load(const Type& type, LLVMValueRef pointer, LLVMValueRef offset) const {
  if (type.pointer) {
    LLVMTypeRef element = llvm_type(context_, type);
    return LLVMBuildLoad2(builder_, element,
                          LLVMBuildGEP2(builder_, element, pointer, &offset, 1, ""), "");
  }
  const Type stored = memory_type(type);
  LLVMValueRef value =
      LLVMBuildLoad2(builder_, llvm_type(context_, stored), address(pointer, offset), "");
  LLVMSetAlignment(value, 1);
  return type.dtype == DType::kBool ? cast(stored, type, value) : value;
}

void Operations::store(const Type& type, LLVMValueRef value, LLVMValueRef pointer,
                       LLVMValueRef offset) const {
  const Type stored = memory_type(type);
  if (type.dtype == DType::kBool && !type.pointer) value = cast(type, stored, value);
  LLVMSetAlignment(LLVMBuildStore(builder_, value, address(pointer, offset)), 1);
}

LLVMValueRef Operations::mask(int lanes, LLVMValueRef count) const {
  const Type words{DType::kI32, lanes, false};
  LLVMValueRef limit = LLVMConstInt(LLVMInt64TypeInContext(context_.context), lanes, 0);
  LLVMValueRef small = select(LLVMBuildICmp(builder_, LLVMIntSLT, count, limit, ""), count, limit);
  LLVMValueRef narrow =
      LLVMBuildTrunc(builder_, small, LLVMInt32TypeInContext(context_.context), "");
  LLVMValueRef all = lanes == 1 ? narrow : broadcast(words, narrow);
  LLVMValueRef result = LLVMBuildICmp(builder_, LLVMIntSGT, all, iota(words), "");
  if (lanes > 1) return result;
  LLVMTypeRef one = LLVMVectorType(LLVMInt1TypeInContext(context_.context), 1);
  return LLVMBuildBitCast(builder_, result, one, "");
}

LLVMValueRef Operations::load_masked(const Type& type, LLVMValueRef pointer, LLVMValueRef offset,
                                     LLVMValueRef count) const {
  const Type stored = memory_type(type);
  LLVMTypeRef vector = LLVMVectorType(scalar_type(context_.context, stored.dtype), stored.lanes);
  LLVMTypeRef types[] = {vector, LLVMPointerTypeInContext(context_.context, 0)};
  const unsigned id = LLVMLookupIntrinsicID("llvm.masked.load", 16);
  LLVMValueRef arguments[] = {address(pointer, offset),
                              LLVMConstInt(LLVMInt32TypeInContext(context_.context), 1, 0),
                              mask(type.lanes, count), LLVMConstNull(vector)};
  LLVMValueRef value =
      LLVMBuildCall2(builder_, LLVMIntrinsicGetType(context_.context, id, types, 2),
                     LLVMGetIntrinsicDeclaration(context_.module, id, types, 2), arguments, 4, "");
  if (type.lanes == 1) value = LLVMBuildBitCast(builder_, value, llvm_type(context_, stored), "");
  return type.dtype == DType::kBool ? cast(stored, type, value) : value;
}

void Operations::store_masked(const Type& type, LLVMValueRef value, LLVMValueRef pointer,
                              LLVMValueRef offset, LLVMValueRef count) const {
  const Type stored = memory_type(type);
  if (type.dtype == DType::kBool) value = cast(type, stored, value);
  LLVMTypeRef vector = LLVMVectorType(scalar_type(context_.context, stored.dtype), stored.lanes);
  if (type.lanes == 1) value = LLVMBuildBitCast(builder_, value, vector, "");
  LLVMTypeRef types[] = {vector, LLVMPointerTypeInContext(context_.context, 0)};
  const unsigned id = LLVMLookupIntrinsicID("llvm.masked.store", 17);
  LLVMValueRef arguments[] = {value, address(pointer, offset),
                              LLVMConstInt(LLVMInt32TypeInContext(context_.context), 1, 0),
                              mask(type.lanes, count)};
  LLVMBuildCall2(builder_, LLVMIntrinsicGetType(context_.context, id, types, 2),
                 LLVMGetIntrinsicDeclaration(context_.module, id, types, 2), arguments, 4, "");
}

}  // namespace dovetail::codegen
