#include "codegen/operations.h"

namespace dovetail::codegen {

using ir::DType;
using loop::Opcode;
using loop::Type;

namespace {

// Bool lanes are bytes in memory.
Type memory_type(const Type& type) {
  const bool bytes = type.dtype == DType::kBool && !type.pointer;
  return bytes ? Type{DType::kU8, type.lanes, false} : type;
}

}  // namespace

LLVMValueRef Operations::address(LLVMValueRef pointer, LLVMValueRef offset) const {
  return LLVMBuildGEP2(builder_, LLVMInt8TypeInContext(context_.context), pointer, &offset, 1, "");
}

LLVMValueRef Operations::load(const Type& type, LLVMValueRef pointer, LLVMValueRef offset) const {
  if (type.pointer) {
    LLVMTypeRef element = llvm_type(context_, type);
    LLVMValueRef entry = LLVMBuildGEP2(builder_, element, pointer, &offset, 1, "");
    LLVMValueRef value = LLVMBuildLoad2(builder_, element, entry, "");
    LLVMSetAlignment(value, 1);
    return value;
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
  const Type word = loop::scalar(DType::kI64);
  const Type words{DType::kI32, lanes, false};
  LLVMValueRef clamped = binary(Opcode::kMin, word, count, integer(word, lanes));
  clamped = binary(Opcode::kMax, word, clamped, integer(word, 0));
  LLVMValueRef narrow = cast(word, loop::scalar(DType::kI32), clamped);
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
  LLVMValueRef from = address(pointer, offset);
  LLVMValueRef value =
      intrinsic("llvm.masked.load", {vector, LLVMTypeOf(from)},
                {from, unaligned(), mask(type.lanes, count), LLVMConstNull(vector)});
  if (type.lanes == 1) {
    value = LLVMBuildBitCast(builder_, value, llvm_type(context_, stored), "");
  }
  return type.dtype == DType::kBool ? cast(stored, type, value) : value;
}

void Operations::store_masked(const Type& type, LLVMValueRef value, LLVMValueRef pointer,
                              LLVMValueRef offset, LLVMValueRef count) const {
  const Type stored = memory_type(type);
  if (type.dtype == DType::kBool) value = cast(type, stored, value);
  LLVMTypeRef vector = LLVMVectorType(scalar_type(context_.context, stored.dtype), stored.lanes);
  if (type.lanes == 1) value = LLVMBuildBitCast(builder_, value, vector, "");
  LLVMValueRef to = address(pointer, offset);
  intrinsic("llvm.masked.store", {vector, LLVMTypeOf(to)},
            {value, to, unaligned(), mask(type.lanes, count)});
}

// To be read, with some locality (2 of 3: the second level), of data.
void Operations::prefetch(LLVMValueRef pointer, LLVMValueRef offset) const {
  LLVMTypeRef i32 = LLVMInt32TypeInContext(context_.context);
  LLVMValueRef at = address(pointer, offset);
  intrinsic("llvm.prefetch", {LLVMTypeOf(at)},
            {at, LLVMConstInt(i32, 0, 0), LLVMConstInt(i32, 2, 0), LLVMConstInt(i32, 1, 0)});
}

LLVMValueRef Operations::unaligned() const {
  return LLVMConstInt(LLVMInt32TypeInContext(context_.context), 1, 0);
}

}  // namespace dovetail::codegen
