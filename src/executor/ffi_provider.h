/* Whoever provides tvm_ffi's functions in this process. A library refers to them weakly, so that it
 * loads where there is none. */
#ifndef DOVETAIL_EXECUTOR_FFI_PROVIDER_H_
#define DOVETAIL_EXECUTOR_FFI_PROVIDER_H_

#include "executor/ffi_abi.h"

/* Functions returning int give 0, or another value after setting the thread's error. */
typedef struct dv_ffi_provider {
  void (*raise)(const char* kind, const char* message);
  int (*create_function)(void* self, dv_packed_function call, void (*deleter)(void* self),
                         dv_object** function);
  int (*call_function)(dv_object* function, const dv_any* args, int32_t num_args, dv_any* result);
  int (*get_global)(const dv_byte_array* name, dv_object** function); /* NULL: there is none */
  int (*tensor_from_dlpack)(dv_managed_tensor* tensor, int32_t alignment, int32_t contiguous,
                            dv_object** result); /* takes the tensor over when it succeeds */
  int (*retain)(dv_object* object);
  int (*release)(dv_object* object);
  void* (*malloc)(size_t bytes);
  void (*free)(void* memory);
} dv_ffi_provider;

/* Looks every function up; those that are not there are NULL. */
void dv_ffi_find_provider(dv_ffi_provider* provider);

/* Whether all are there. */
int dv_ffi_is_complete(const dv_ffi_provider* provider);

#endif /* DOVETAIL_EXECUTOR_FFI_PROVIDER_H_ */
