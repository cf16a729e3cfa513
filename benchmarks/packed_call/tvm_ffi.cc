// tvm_ffi's own C++ functions.
#include <tvm/ffi/container/tensor.h>
#include <tvm/ffi/extra/module.h>
#include <tvm/ffi/function.h>

#include "side.h"

namespace ffi = tvm::ffi;

namespace {

struct Allocator {
  void AllocData(DLTensor* tensor) { tensor->data = ::operator new(ffi::GetDataSize(*tensor)); }
  void FreeData(DLTensor* tensor) { ::operator delete(tensor->data); }
};

}  // namespace

Side tvm_ffi_side() {
  const ffi::Function nothing = ffi::Function::FromTyped([] {});
  const ffi::Function integers = ffi::Function::FromTyped([](int64_t, int64_t, int64_t) {});
  const ffi::Function tensors =
      ffi::Function::FromTyped([](ffi::Tensor, ffi::Tensor, ffi::Tensor) {});
  const ffi::Tensor tensor = ffi::Tensor::FromNDAlloc(
      Allocator(), ffi::Shape({4}), DLDataType{kDLFloat, 32, 1}, DLDevice{kDLCPU, 0});
  return {[=](int count) {
            for (int k = 0; k < count; ++k) nothing();
          },
          [=](int count) {
            for (int k = 0; k < count; ++k) integers(k, k, k);
          },
          [=](int count) {
            for (int k = 0; k < count; ++k) tensors(tensor, tensor, tensor);
          }};
}

std::function<void(int count)> library_function(const char* library, const char* name) {
  const ffi::Module module = ffi::Module::LoadFromFile(library);
  const ffi::Function function = module->GetFunction(name).value();
  return [=](int count) {
    for (int k = 0; k < count; ++k) function();
  };
}
