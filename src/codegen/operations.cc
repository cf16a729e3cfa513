#include "codegen/operations.h"

#include <dovetail/abi.h>

#include <string>

#include "base/error.h"
#include "codegen/half.h"

namespace dovetail::codegen {

using ir::DType;
using loop::Opcode;
using loop::Type;

namespace {

bool known_constant(LLVMValueRef value, int64_t* result) {
  if (!LLVMIsAConstantInt(value)) return false;
  *result = LLVMConstIntGetSExtValue(value);
  return true;
}

}  // namespace

LLVMTypeRef scalar_type(LLVMContextRef context, DType dtype) {
  if (dtype == DType::kF32) return LLVMFloatTypeInContext(context);
  if (dtype == DType::kF64) return LLVMDoubleTypeInContext(context);
  if (dtype == DType::kBool) return LLVMInt1TypeInContext(context);
  return LLVMIntTypeInContext(context, 8 * ir::size_of(dtype));
}

LLVMTypeRef llvm_type(const ModuleContext& context, const Type& type) {
  if (type.pointer) return LLVMPointerTypeInContext(context.context, 0);
  LLVMTypeRef scalar = scalar_type(context.context, type.dtype);
  return type.lanes == 1 ? scalar : LLVMVectorType(scalar, type.lanes);
}

Abilities abilities_of(const ir::TargetInfo& target, const loop::Function& function) {
  if (target.family == ir::Family::kAArch64) {
    return {.fma = !function.strict, .rounding = true, .wide = false};
  }
  if (function.llvm_cpu.empty()) return {};
  std::string level = function.llvm_cpu + function.llvm_features;
  std::erase(level, ',');
  const uint64_t features = ir::cpu_level(target, level).features;
  return {.fma = (features & DV_X86_FMA) != 0 && !function.strict,
          .rounding = (features & DV_X86_SSE4_1) != 0,
          .wide = (features & DV_X86_AVX512VL) != 0};
}

LLVMValueRef Operations::intrinsic(std::string_view name, std::vector<LLVMTypeRef> overloads,
                                   std::vector<LLVMValueRef> arguments) const {
  const unsigned id = LLVMLookupIntrinsicID(name.data(), name.size());
  LLVMValueRef function =
      LLVMGetIntrinsicDeclaration(context_.module, id, overloads.data(), overloads.size());
  LLVMTypeRef type = LLVMIntrinsicGetType(context_.context, id, overloads.data(), overloads.size());
  return LLVMBuildCall2(builder_, type, function, arguments.data(),
                        static_cast<unsigned>(arguments.size()), "");
}

LLVMValueRef Operations::select(LLVMValueRef condition, LLVMValueRef a, LLVMValueRef b) const {
  return LLVMBuildSelect(builder_, condition, a, b, "");
}

LLVMValueRef Operations::constant(const Type& type,
                                  const std::variant<int64_t, double>& value) const {
  LLVMTypeRef scalar = scalar_type(context_.context, type.dtype);
  const auto* whole = std::get_if<int64_t>(&value);
  LLVMValueRef element = nullptr;
  if (is_float_register(type.dtype)) {
    const double number = whole ? static_cast<double>(*whole) : std::get<double>(value);
    element = LLVMConstReal(scalar, number);
  } else if (ir::is_float(type.dtype)) {
    const double number = whole ? static_cast<double>(*whole) : std::get<double>(value);
    element = LLVMConstInt(scalar, half_bits(number, type.dtype), 0);
  } else {
    DOVETAIL_CHECK(whole, "a constant of {} must be an integer", ir::name_of(type.dtype));
    element = LLVMConstInt(scalar, static_cast<unsigned long long>(*whole), 1);
  }
  if (type.lanes == 1) return element;
  std::vector<LLVMValueRef> lanes(type.lanes, element);
  return LLVMConstVector(lanes.data(), type.lanes);
}

LLVMValueRef Operations::loaded_constant(const Type& type,
                                         const std::variant<int64_t, double>& value) const {
  const Type one{type.dtype, 1, false};
  LLVMValueRef element = constant(one, value);
  char* text = LLVMPrintValueToString(element);
  const std::string name = std::string(".constant ") + text;
  LLVMDisposeMessage(text);
  LLVMValueRef global = LLVMGetNamedGlobal(context_.module, name.c_str());
  if (!global) {
    global = LLVMAddGlobal(context_.module, LLVMTypeOf(element), name.c_str());
    LLVMSetInitializer(global, element);
    LLVMSetLinkage(global, LLVMPrivateLinkage);
    LLVMSetGlobalConstant(global, 1);
    LLVMSetUnnamedAddress(global, LLVMGlobalUnnamedAddr);
  }
  LLVMValueRef loaded = LLVMBuildLoad2(builder_, LLVMTypeOf(element), global, "");
  LLVMSetVolatile(loaded, 1);
  return broadcast(type, loaded);
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
      if (real) return intrinsic("llvm.fabs", {llvm_type(context_, type)}, {a});
      if (!ir::is_signed_int(type.dtype)) return a;
      return select(LLVMBuildICmp(builder_, LLVMIntSLT, a, integer(type, 0), ""),
                    LLVMBuildNeg(builder_, a, ""), a);
    case Opcode::kSqrt:
      return intrinsic("llvm.sqrt", {llvm_type(context_, type)}, {a});
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
    return intrinsic(name, {real}, {a});
  }
  const bool f32 = type.dtype == DType::kF32;
  const Type integers{f32 ? DType::kI32 : DType::kI64, type.lanes, false};
  LLVMValueRef limit = constant(type, f32 ? 0x1p23 : 0x1p52);
  LLVMValueRef magnitude = intrinsic("llvm.fabs", {real}, {a});
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
  return select(fraction, intrinsic("llvm.copysign", {real}, {whole, a}), a);
}

LLVMValueRef Operations::integer_division(bool remainder, const Type& type, LLVMValueRef a,
                                          LLVMValueRef b) const {
  const bool with_sign = ir::is_signed_int(type.dtype);
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
  if (op == Opcode::kShr && ir::is_signed_int(type.dtype)) {
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
  return LLVMBuildICmp(builder_, ir::is_signed_int(operands.dtype) ? kSigned[row] : kUnsigned[row],
                       a, b, "");
}

LLVMValueRef Operations::fma(LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) const {
  if (abilities_.fma) return intrinsic("llvm.fma", {LLVMTypeOf(a)}, {a, b, c});
  return LLVMBuildFAdd(builder_, LLVMBuildFMul(builder_, a, b, ""), c, "");
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

}  // namespace dovetail::codegen
