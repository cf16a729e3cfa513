/* The only place with names from outside the library; all of them are weak. */
#include "executor/ffi_provider.h"

#if defined(__ELF__)

#define WEAK __attribute__((weak, visibility("default")))

/* A weak name is bound once, when the library is loaded. A provider that comes later (a library
 * opened through ctypes before `import tvm_ffi`) is found by dlsym. */
WEAK void* dlsym(void* handle, const char* name);
WEAK void* malloc(size_t bytes);
WEAK void free(void* memory);
WEAK void TVMFFIErrorSetRaisedFromCStr(const char* kind, const char* message);
WEAK int TVMFFIFunctionCreate(void* self, dv_packed_function call, void (*deleter)(void* self),
                              dv_object** function);
WEAK int TVMFFIFunctionCall(dv_object* function, const dv_any* args, int32_t num_args,
                            dv_any* result);
WEAK int TVMFFIFunctionGetGlobal(const dv_byte_array* name, dv_object** function);
WEAK int TVMFFITensorFromDLPackVersioned(dv_managed_tensor* tensor, int32_t alignment,
                                         int32_t contiguous, dv_object** result);
WEAK int TVMFFIObjectIncRef(dv_object* object);
WEAK int TVMFFIObjectDecRef(dv_object* object);

/* POSIX converts dlsym's result to a function's address; ISO C has no words for it. */
#define FIND(member, symbol)                                                      \
  do {                                                                            \
    union {                                                                       \
      void* address;                                                              \
      __typeof__(provider->member) function;                                      \
    } found;                                                                      \
    found.function = symbol;                                                      \
    if (!found.function && dlsym) found.address = dlsym(default_handle, #symbol); \
    provider->member = found.function;                                            \
  } while (0)

void dv_ffi_find_provider(dv_ffi_provider* provider) {
  void* const default_handle = NULL; /* RTLD_DEFAULT of the ELF systems */
  FIND(raise, TVMFFIErrorSetRaisedFromCStr);
  FIND(create_function, TVMFFIFunctionCreate);
  FIND(call_function, TVMFFIFunctionCall);
  FIND(get_global, TVMFFIFunctionGetGlobal);
  FIND(tensor_from_dlpack, TVMFFITensorFromDLPackVersioned);
  FIND(retain, TVMFFIObjectIncRef);
  FIND(release, TVMFFIObjectDecRef);
  FIND(malloc, malloc);
  FIND(free, free);
}

#else

void dv_ffi_find_provider(dv_ffi_provider* provider) {
  provider->raise = NULL;
  provider->create_function = NULL;
  provider->call_function = NULL;
  provider->get_global = NULL;
  provider->tensor_from_dlpack = NULL;
  provider->retain = NULL;
  provider->release = NULL;
  provider->malloc = NULL;
  provider->free = NULL;
}

#endif

int dv_ffi_is_complete(const dv_ffi_provider* provider) {
  return provider->raise && provider->create_function && provider->call_function &&
         provider->get_global && provider->tensor_from_dlpack && provider->retain &&
         provider->release && provider->malloc && provider->free;
}
