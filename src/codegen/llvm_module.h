// One part of a loop IR module as an LLVM module with its target machine.
#pragma once

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#include <memory>
#include <type_traits>

#include "codegen/parts.h"
#include "ir/loop.h"
#include "ir/target.h"

namespace dovetail::codegen {

class LlvmModule {
 public:
  LlvmModule(const loop::Module& module, const Part& part, const ir::TargetInfo& target);

  // The caller disposes of the buffer.
  LLVMMemoryBufferRef emit(LLVMCodeGenFileType form) const;

 private:
  struct Dispose {
    void operator()(LLVMContextRef context) const { LLVMContextDispose(context); }
    void operator()(LLVMModuleRef module) const { LLVMDisposeModule(module); }
    void operator()(LLVMTargetMachineRef machine) const { LLVMDisposeTargetMachine(machine); }
  };
  template <class Ref>
  using Owned = std::unique_ptr<std::remove_pointer_t<Ref>, Dispose>;

  Owned<LLVMContextRef> context_;
  Owned<LLVMModuleRef> module_;
  Owned<LLVMTargetMachineRef> machine_;
};

}  // namespace dovetail::codegen
