// One loop IR function -> one LLVM function.
#pragma once

#include <llvm-c/Core.h>

#include "ir/loop.h"
#include "ir/target.h"

namespace dovetail::codegen {

// What all functions of a module share.
struct ModuleContext {
  LLVMContextRef context;
  LLVMModuleRef module;
  const ir::TargetInfo& target;
};

LLVMTypeRef llvm_type(const ModuleContext& context, const loop::Type& type);

// The function's declaration with its linkage and attributes; bodies come after all declarations.
LLVMValueRef declare_function(const ModuleContext& context, const loop::Function& function);
void emit_function(const ModuleContext& context, const loop::Function& function);

}  // namespace dovetail::codegen
