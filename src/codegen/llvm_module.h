// A whole loop IR module as an LLVM module with its target machine.
#pragma once

#include <llvm-c/Core.h>
#include <llvm-c/TargetMachine.h>

#include "ir/loop.h"
#include "ir/target.h"

namespace dovetail::codegen {

class LlvmModule {
 public:
  LlvmModule(const loop::Module& module, const ir::TargetInfo& target);
  ~LlvmModule();
  LlvmModule(const LlvmModule&) = delete;
  LlvmModule& operator=(const LlvmModule&) = delete;

  std::string text() const;
  // The caller disposes of the buffer.
  LLVMMemoryBufferRef emit(LLVMCodeGenFileType form) const;

 private:
  LLVMContextRef context_;
  LLVMModuleRef module_;
  LLVMTargetMachineRef machine_ = nullptr;
};

}  // namespace dovetail::codegen
