// What tvm_ffi's own C++ exports for a function that gives a pointer, as `dovetail.library` does.
#include <tvm/ffi/function.h>

static void* pointer() {
  static int here;
  return &here;
}
TVM_FFI_DLL_EXPORT_TYPED_FUNC(pointer, pointer);
