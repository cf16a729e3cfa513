/* A context as tvm_ffi callers see it: shared by the functions of the Map that the factory returns
 * and by the views that get_input and get_output hand out; the last one destroys it. */
#ifndef DOVETAIL_EXECUTOR_FFI_EXECUTOR_H_
#define DOVETAIL_EXECUTOR_FFI_EXECUTOR_H_

#include "executor/context.h"
#include "executor/ffi_provider.h"

typedef struct dv_ffi_executor dv_ffi_executor;

/* A function of the Map. `call` runs under the executor's lock unless it locks by itself, writes
 * *result (None on entry), and returns DV_OK, or a code after filling *error, or DV_FFI_RAISED when
 * the error is raised already. */
enum { DV_FFI_RAISED = -1, DV_FFI_NUM_METHODS = 10 };
typedef struct dv_ffi_method {
  const char* name;
  const char* parameters; /* "(input, tensor)" */
  int32_t least;          /* arguments */
  int32_t most;
  int32_t locks_itself;
  int32_t (*call)(dv_ffi_executor* executor, const dv_any* args, int32_t num_args, dv_any* result,
                  dv_error* error);
} dv_ffi_method;

extern const dv_ffi_method dv_ffi_methods[DV_FFI_NUM_METHODS];

/* What a function of the Map is given as itself. */
typedef struct dv_ffi_bound_method {
  dv_ffi_executor* executor;
  const dv_ffi_method* method;
} dv_ffi_bound_method;

struct dv_ffi_executor {
  int64_t references; /* changed atomically */
  int32_t busy;       /* changed atomically: a call is under way */
  int32_t reserved;
  dv_ffi_provider provider;
  dv_context* context;
  dv_buffer* params; /* prepared params, which other executors may share; NULL: none of its own */
  dv_object** kept;  /* inputs, then outputs: the ffi.Tensor used without a copy; NULL: none */
  dv_ffi_bound_method methods[DV_FFI_NUM_METHODS];
};

/* The executor's lock: DV_STATE_ERROR while another thread has it. */
int32_t dv_ffi_lock(dv_ffi_executor* executor, dv_error* error);
void dv_ffi_unlock(dv_ffi_executor* executor);

/* A new executor with one reference; NULL, and *error, when there is none. */
dv_ffi_executor* dv_ffi_create_executor(const dv_model* model, const dv_ffi_provider* provider,
                                        dv_error* error);
void dv_ffi_retain_executor(dv_ffi_executor* executor);
void dv_ffi_release_executor(dv_ffi_executor* executor);

/* DV_RUNTIME_ERROR unless it has all functions that an executor needs. */
int32_t dv_ffi_check_provider(const dv_ffi_provider* provider, dv_error* error);

/* load_params(dict) and share_params(executor), as dv_ffi_method.call. Without an argument the
 * latter gives the params as a tensor, which is what it asks the other executor for. */
int32_t dv_ffi_load_params(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                           dv_any* result, dv_error* error);
int32_t dv_ffi_share_params(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                            dv_any* result, dv_error* error);

/* Raises the error as the Python exception of its kind, when anyone can hear it; always -1. */
int dv_ffi_raise(const dv_ffi_provider* provider, const dv_error* error);

/* An ffi.Tensor over the memory of an input or output that is not borrowed. It keeps the memory and
 * `keeper`, if there is one, alive. */
int32_t dv_ffi_make_view(const dv_ffi_provider* provider, dv_ffi_executor* keeper,
                         const dv_tensor* tensor, dv_buffer* buffer, dv_any* result,
                         dv_error* error);

/* Calls the provider's function `name` ("ffi.Map"). */
int32_t dv_ffi_call_global(const dv_ffi_provider* provider, const char* name, const dv_any* args,
                           int32_t num_args, dv_any* result, dv_error* error);

#endif /* DOVETAIL_EXECUTOR_FFI_EXECUTOR_H_ */
