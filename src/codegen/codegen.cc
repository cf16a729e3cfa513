#include "codegen/codegen.h"

#include "codegen/llvm_module.h"

namespace dovetail::codegen {
namespace {

template <class Container>
Container emitted(const loop::Module& module, const ir::TargetInfo& target,
                  LLVMCodeGenFileType form) {
  LLVMMemoryBufferRef buffer = LlvmModule(module, target).emit(form);
  const auto* begin =
      reinterpret_cast<const typename Container::value_type*>(LLVMGetBufferStart(buffer));
  Container result(begin, begin + LLVMGetBufferSize(buffer));
  LLVMDisposeMemoryBuffer(buffer);
  return result;
}

}  // namespace

std::vector<std::byte> emit_object(const loop::Module& module, const ir::TargetInfo& target) {
  return emitted<std::vector<std::byte>>(module, target, LLVMObjectFile);
}

std::string emit_llvm(const loop::Module& module, const ir::TargetInfo& target) {
  return LlvmModule(module, target).text();
}

std::string emit_assembly(const loop::Module& module, const ir::TargetInfo& target) {
  return emitted<std::string>(module, target, LLVMAssemblyFile);
}

}  // namespace dovetail::codegen
