// The meaning of single operations in LLVM IR: what loop IR defines where LLVM leaves values
// undefined or would call a library.
#pragma once

#include <llvm-c/Core.h>

#include <string_view>
#include <variant>
#include <vector>

#include "codegen/emit_function.h"

namespace dovetail::codegen {

// What the function's CPU level has.
struct Abilities {
  bool fma = false;       // llvm.fma is an instruction
  bool rounding = false;  // floor, ceil, trunc, round to even are instructions
  bool wide = false;      // 512-bit registers
};
Abilities abilities_of(const ir::TargetInfo& target, const loop::Function& function);

LLVMTypeRef scalar_type(LLVMContextRef context, ir::DType dtype);
// Half precision is bits in registers.
inline bool is_float_register(ir::DType dtype) {
  return dtype == ir::DType::kF32 || dtype == ir::DType::kF64;
}

class Operations {
 public:
  Operations(const ModuleContext& context, LLVMBuilderRef builder, Abilities abilities)
      : context_(context), builder_(builder), abilities_(abilities) {}

  LLVMValueRef unary(loop::Opcode op, const loop::Type& type, LLVMValueRef a) const;
  LLVMValueRef binary(loop::Opcode op, const loop::Type& type, LLVMValueRef a,
                      LLVMValueRef b) const;
  LLVMValueRef compare(loop::Opcode op, const loop::Type& operands, LLVMValueRef a,
                       LLVMValueRef b) const;
  LLVMValueRef fma(LLVMValueRef a, LLVMValueRef b, LLVMValueRef c) const;
  LLVMValueRef cast(const loop::Type& from, const loop::Type& to, LLVMValueRef a) const;
  LLVMValueRef broadcast(const loop::Type& to, LLVMValueRef scalar) const;
  LLVMValueRef shuffle(LLVMValueRef a, LLVMValueRef b, const std::vector<int32_t>& lanes) const;
  LLVMValueRef reduce(loop::Opcode op, const loop::Type& from, LLVMValueRef a) const;
  LLVMValueRef load(const loop::Type& type, LLVMValueRef pointer, LLVMValueRef offset) const;
  LLVMValueRef load_masked(const loop::Type& type, LLVMValueRef pointer, LLVMValueRef offset,
                           LLVMValueRef count) const;
  void store(const loop::Type& type, LLVMValueRef value, LLVMValueRef pointer,
             LLVMValueRef offset) const;
  void store_masked(const loop::Type& type, LLVMValueRef value, LLVMValueRef pointer,
                    LLVMValueRef offset, LLVMValueRef count) const;
  void prefetch(LLVMValueRef pointer, LLVMValueRef offset) const;
  LLVMValueRef address(LLVMValueRef pointer, LLVMValueRef offset) const;
  LLVMValueRef constant(const loop::Type& type, const std::variant<int64_t, double>& value) const;
  // A vector constant that is loaded where it is used and stays nowhere: the code generator keeps
  // constants of inner loops in registers, and takes them from accumulators when there are no more.
  LLVMValueRef loaded_constant(const loop::Type& type,
                               const std::variant<int64_t, double>& value) const;
  LLVMValueRef iota(const loop::Type& type) const;

 private:
  LLVMValueRef intrinsic(std::string_view name, std::vector<LLVMTypeRef> overloads,
                         std::vector<LLVMValueRef> arguments) const;
  LLVMValueRef select(LLVMValueRef condition, LLVMValueRef a, LLVMValueRef b) const;
  LLVMValueRef integer_division(bool remainder, const loop::Type& type, LLVMValueRef a,
                                LLVMValueRef b) const;
  LLVMValueRef shift(loop::Opcode op, const loop::Type& type, LLVMValueRef a,
                     LLVMValueRef count) const;
  LLVMValueRef round(loop::Opcode op, const loop::Type& type, LLVMValueRef a) const;
  LLVMValueRef float_to_half(const loop::Type& to, LLVMValueRef a) const;
  LLVMValueRef half_to_float(const loop::Type& from, LLVMValueRef a) const;
  LLVMValueRef double_to_odd_float(const loop::Type& from, LLVMValueRef a) const;
  LLVMValueRef integer_to_half(const loop::Type& from, const loop::Type& to, LLVMValueRef a) const;
  LLVMValueRef unaligned() const;
  LLVMValueRef mask(int lanes, LLVMValueRef count) const;
  LLVMValueRef integer(const loop::Type& type, int64_t value) const {
    return constant(type, value);
  }

  const ModuleContext& context_;
  LLVMBuilderRef builder_;
  Abilities abilities_;
};

}  // namespace dovetail::codegen
