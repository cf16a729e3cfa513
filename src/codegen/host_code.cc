#include <dovetail/abi.h>
#include <llvm-c/Core.h>
#include <llvm-c/Error.h>
#include <llvm-c/LLJIT.h>
#include <llvm-c/Orc.h>

#include "base/error.h"
#include "codegen/codegen.h"

namespace dovetail::codegen {
namespace {

void check(LLVMErrorRef error, const std::string& what) {
  if (!error) return;
  char* message = LLVMGetErrorMessage(error);
  const std::string text = message;
  LLVMDisposeErrorMessage(message);
  throw_error(ErrorKind::kInternal, "{}: {}", what, text);
}

void serial_parallel_for(const dv_call* /*call*/, dv_task task, void* arg, int64_t chunks) {
  for (int64_t chunk = 0; chunk < chunks; ++chunk) task(arg, chunk, 0);
}

}  // namespace

struct HostCode::Impl {
  LLVMOrcLLJITRef jit = nullptr;
  ~Impl() {
    if (jit) LLVMConsumeError(LLVMOrcDisposeLLJIT(jit));
  }
};

HostCode::HostCode(const loop::Module& module) : impl_(std::make_unique<Impl>()) {
  loop::Module visible = module;
  for (loop::Function& function : visible.functions) function.exported = true;
  for (loop::DataObject& object : visible.data) object.exported = !object.external;
  const std::vector<Object> objects = emit_objects(visible, ir::host_target());

  check(LLVMOrcCreateLLJIT(&impl_->jit, nullptr), "cannot load code into the compiler");
  LLVMOrcJITDylibRef library = LLVMOrcLLJITGetMainJITDylib(impl_->jit);
  LLVMOrcCSymbolMapPair pair{};
  pair.Name = LLVMOrcLLJITMangleAndIntern(impl_->jit, "dovetail_parallel_for");
  pair.Sym.Address = reinterpret_cast<LLVMOrcExecutorAddress>(&serial_parallel_for);
  pair.Sym.Flags.GenericFlags =
      LLVMJITSymbolGenericFlagsExported | LLVMJITSymbolGenericFlagsCallable;
  check(LLVMOrcJITDylibDefine(library, LLVMOrcAbsoluteSymbols(&pair, 1)),
        "cannot load code into the compiler");
  for (const Object& object : objects) {
    LLVMMemoryBufferRef copy = LLVMCreateMemoryBufferWithMemoryRangeCopy(
        reinterpret_cast<const char*>(object.data()), object.size(), "code");
    check(LLVMOrcLLJITAddObjectFile(impl_->jit, library, copy),
          "cannot load code into the compiler");
  }
}

HostCode::~HostCode() = default;

void* HostCode::address_of(const std::string& symbol) const {
  LLVMOrcExecutorAddress address = 0;
  check(LLVMOrcLLJITLookup(impl_->jit, &address, symbol.c_str()),
        "the loaded code has no symbol " + symbol);
  return reinterpret_cast<void*>(address);
}

}  // namespace dovetail::codegen
