#include <bit>

#include "codegen/half.h"
#include "codegen/operations.h"
#include "ir/float16.h"

namespace dovetail::codegen {

using ir::DType;
using loop::Opcode;
using loop::Type;

uint16_t half_bits(double value, DType dtype) {
  // To odd first, as in double_to_odd_float.
  auto single = static_cast<float>(value);
  const auto bits = std::bit_cast<uint32_t>(single);
  const double back = single;
  if (back == back && back != value && (bits & 1) == 0) {
    const bool below = (value < 0 ? -value : value) > (back < 0 ? -back : back);
    single = std::bit_cast<float>(below ? bits + 1 : bits - 1);
  }
  return dtype == DType::kF16 ? ir::float_to_half(single) : ir::float_to_bfloat16(single);
}

LLVMValueRef Operations::half_to_float(const Type& from, LLVMValueRef a) const {
  const Type words{DType::kU32, from.lanes, false};
  const Type reals{DType::kF32, from.lanes, false};
  LLVMTypeRef real = llvm_type(context_, reals);
  LLVMValueRef bits = LLVMBuildZExt(builder_, a, llvm_type(context_, words), "");
  if (from.dtype == DType::kBF16)
    return LLVMBuildBitCast(builder_, LLVMBuildShl(builder_, bits, integer(words, 16), ""), real,
                            "");
  const auto word = [&](int64_t value) { return integer(words, value); };
  const auto as_real = [&](LLVMValueRef x) { return LLVMBuildBitCast(builder_, x, real, ""); };
  LLVMValueRef sign =
      LLVMBuildShl(builder_, LLVMBuildAnd(builder_, bits, word(0x8000), ""), word(16), "");
  LLVMValueRef rest = LLVMBuildAnd(builder_, bits, word(0x7fff), "");
  LLVMValueRef shifted = LLVMBuildShl(builder_, rest, word(13), "");
  LLVMValueRef normal = LLVMBuildAdd(builder_, shifted, word(112 << 23), "");
  // A subnormal m * 2^-24 is 2^-14 * (1 + m / 1024) - 2^-14: no subnormal float on the way, which
  // the caller's denormal mode might flush.
  LLVMValueRef raised = as_real(LLVMBuildAdd(builder_, shifted, word(113 << 23), ""));
  LLVMValueRef lowered = LLVMBuildFSub(builder_, raised, constant(reals, 0x1p-14), "");
  LLVMValueRef subnormal = LLVMBuildBitCast(builder_, lowered, llvm_type(context_, words), "");
  LLVMValueRef special = LLVMBuildOr(builder_, shifted, word(0x7f800000), "");
  LLVMValueRef result =
      select(LLVMBuildICmp(builder_, LLVMIntULT, rest, word(0x400), ""), subnormal, normal);
  result = select(LLVMBuildICmp(builder_, LLVMIntUGE, rest, word(0x7c00), ""), special, result);
  return as_real(LLVMBuildOr(builder_, sign, result, ""));
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

// To odd: exact, or the neighbour with an odd last bit. Rounding that to a half is the same as
// rounding the double itself.
LLVMValueRef Operations::double_to_odd_float(const Type& from, LLVMValueRef a) const {
  const Type words{DType::kU32, from.lanes, false};
  LLVMTypeRef wide = llvm_type(context_, from);
  LLVMTypeRef real = llvm_type(context_, {DType::kF32, from.lanes, false});
  LLVMValueRef nearest = LLVMBuildFPTrunc(builder_, a, real, "");
  LLVMValueRef back = LLVMBuildFPExt(builder_, nearest, wide, "");
  LLVMValueRef bits = LLVMBuildBitCast(builder_, nearest, llvm_type(context_, words), "");
  LLVMValueRef below = LLVMBuildFCmp(builder_, LLVMRealOGT, intrinsic("llvm.fabs", {wide}, {a}),
                                     intrinsic("llvm.fabs", {wide}, {back}), "");
  LLVMValueRef neighbour =
      LLVMBuildAdd(builder_, bits, select(below, integer(words, 1), integer(words, -1)), "");
  LLVMValueRef inexact = LLVMBuildFCmp(builder_, LLVMRealONE, a, back, "");
  LLVMValueRef even =
      LLVMBuildICmp(builder_, LLVMIntEQ, LLVMBuildAnd(builder_, bits, integer(words, 1), ""),
                    integer(words, 0), "");
  LLVMValueRef odd = select(LLVMBuildAnd(builder_, inexact, even, ""), neighbour, bits);
  return LLVMBuildBitCast(builder_, odd, real, "");
}

// Integers that a float does not hold must still be rounded only once.
LLVMValueRef Operations::integer_to_half(const Type& from, const Type& to, LLVMValueRef a) const {
  const Type single{DType::kF32, from.lanes, false};
  const Type wide{DType::kF64, from.lanes, false};
  if (from.dtype == DType::kBool || ir::size_of(from.dtype) <= 2) {
    return float_to_half(to, cast(from, single, a));
  }
  if (to.dtype == DType::kF16) {  // infinite beyond 65520
    LLVMValueRef clamped = binary(Opcode::kMin, from, a, integer(from, 1 << 17));
    if (ir::is_signed_int(from.dtype)) {
      clamped = binary(Opcode::kMax, from, clamped, integer(from, -(1 << 17)));
    }
    return float_to_half(to, cast(from, single, clamped));
  }
  if (ir::size_of(from.dtype) ==
      8) {  // beyond 2^53: 53 bits, the last one odd when others are lost
    const int64_t limit = int64_t{1} << 53;
    LLVMValueRef lost = LLVMBuildAnd(builder_, a, integer(from, 0x7ff), "");
    LLVMValueRef any = LLVMBuildICmp(builder_, LLVMIntNE, lost, integer(from, 0), "");
    LLVMValueRef kept = LLVMBuildAnd(builder_, a, integer(from, ~int64_t{0x7ff}), "");
    LLVMValueRef odd = LLVMBuildOr(builder_, kept, integer(from, 0x800), "");
    const bool with_sign = ir::is_signed_int(from.dtype);
    LLVMValueRef moved = with_sign ? LLVMBuildAdd(builder_, a, integer(from, limit), "") : a;
    LLVMValueRef small = LLVMBuildICmp(builder_, LLVMIntULE, moved,
                                       integer(from, with_sign ? 2 * limit : limit), "");
    a = select(small, a, select(any, odd, kept));
  }
  return float_to_half(to, double_to_odd_float(wide, cast(from, wide, a)));
}

LLVMValueRef Operations::cast(const Type& from, const Type& to, LLVMValueRef a) const {
  LLVMTypeRef target = llvm_type(context_, to);
  const Type single{DType::kF32, from.lanes, false};
  const bool from_real = is_float_register(from.dtype);
  if (ir::is_float(from.dtype) && !from_real) return cast(single, to, half_to_float(from, a));
  if (ir::is_float(to.dtype) && !is_float_register(to.dtype)) {
    if (!from_real) return integer_to_half(from, to, a);
    return float_to_half(to, from.dtype == DType::kF32 ? a : double_to_odd_float(from, a));
  }
  if (to.dtype == DType::kBool) {
    return from_real ? LLVMBuildFCmp(builder_, LLVMRealUNE, a, constant(from, 0.0), "")
                     : LLVMBuildICmp(builder_, LLVMIntNE, a, integer(from, 0), "");
  }
  if (from_real) {
    if (is_float_register(to.dtype)) return LLVMBuildFPCast(builder_, a, target, "");
    const char* name = ir::is_signed_int(to.dtype) ? "llvm.fptosi.sat" : "llvm.fptoui.sat";
    return intrinsic(name, {target, LLVMTypeOf(a)}, {a});
  }
  if (is_float_register(to.dtype)) {
    return ir::is_signed_int(from.dtype) ? LLVMBuildSIToFP(builder_, a, target, "")
                                         : LLVMBuildUIToFP(builder_, a, target, "");
  }
  return LLVMBuildIntCast2(builder_, a, target, ir::is_signed_int(from.dtype), "");
}

}  // namespace dovetail::codegen
