#include "codegen/codegen.h"

#include <algorithm>
#include <atomic>
#include <future>
#include <thread>

#include "codegen/llvm_module.h"
#include "codegen/parts.h"

namespace dovetail::codegen {
namespace {

template <class Container>
Container emitted(const LlvmModule& module, LLVMCodeGenFileType form) {
  LLVMMemoryBufferRef buffer = module.emit(form);
  const auto* begin =
      reinterpret_cast<const typename Container::value_type*>(LLVMGetBufferStart(buffer));
  Container result(begin, begin + LLVMGetBufferSize(buffer));
  LLVMDisposeMemoryBuffer(buffer);
  return result;
}

// Calls work(0) ... work(count - 1) in the threads of this machine. The first exception is thrown
// again when all have ended.
void in_threads(size_t count, const std::function<void(size_t)>& work) {
  std::atomic<size_t> next = 0;
  const auto take = [&] {
    for (size_t k = next++; k < count; k = next++) work(k);
  };
  const size_t threads = std::min<size_t>(count, std::max(1U, std::thread::hardware_concurrency()));
  std::vector<std::future<void>> others;
  for (size_t t = 1; t < threads; ++t) others.push_back(std::async(std::launch::async, take));
  take();
  for (std::future<void>& other : others) other.get();
}

}  // namespace

std::vector<Object> emit_objects(const loop::Module& module, const ir::TargetInfo& target) {
  const std::vector<Part> parts = divide(module);
  std::vector<Object> objects(parts.size());
  in_threads(parts.size(), [&](size_t k) {
    objects[k] = emitted<Object>(LlvmModule(module, parts[k], target), LLVMObjectFile);
  });
  return objects;
}

std::string emit_assembly(const loop::Module& module, const ir::TargetInfo& target) {
  return emitted<std::string>(LlvmModule(module, whole(module), target), LLVMAssemblyFile);
}

}  // namespace dovetail::codegen
