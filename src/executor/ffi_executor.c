#include "executor/ffi_executor.h"

#include "executor/copy.h"
#include "executor/error_text.h"

/* ---- Memory: malloc promises 16 bytes of alignment at most. The address that malloc gave stands
 * right before the aligned one. */

static void* aligned_alloc_by(void* self, size_t bytes, size_t alignment) {
  const dv_ffi_provider* provider = self;
  const size_t extra = alignment + sizeof(void*);
  if (bytes > SIZE_MAX - extra) return NULL;
  uint8_t* raw = provider->malloc(bytes + extra);
  if (!raw) return NULL;
  const uintptr_t end = (uintptr_t)raw + extra;
  void** aligned = (void**)(void*)(raw + (extra - end % alignment));
  aligned[-1] = raw;
  return aligned;
}

static void aligned_free_by(void* self, void* memory) {
  const dv_ffi_provider* provider = self;
  provider->free(((void**)memory)[-1]);
}

static dv_host host_by(dv_ffi_provider* provider) {
  const dv_host host = {sizeof(dv_host), 1, provider, aligned_alloc_by, aligned_free_by, NULL, 0};
  return host;
}

/* ---- Life */

static int32_t num_tensors(const dv_model* model) { return model->num_inputs + model->num_outputs; }

dv_ffi_executor* dv_ffi_create_executor(const dv_model* model, const dv_ffi_provider* provider,
                                        dv_error* error) {
  const int64_t bytes =
      (int64_t)sizeof(dv_ffi_executor) + num_tensors(model) * (int64_t)sizeof(dv_object*);
  dv_ffi_executor* executor = provider->malloc((size_t)bytes);
  if (!executor) {
    dv_fail(error, DV_MEMORY_ERROR, "no memory for an executor");
    return NULL;
  }
  dv_clear_bytes(executor, bytes);
  executor->references = 1;
  dv_copy_bytes(&executor->provider, provider, sizeof(*provider));
  executor->kept = (dv_object**)(void*)(executor + 1);
  for (int32_t i = 0; i < DV_FFI_NUM_METHODS; ++i) {
    executor->methods[i].executor = executor;
    executor->methods[i].method = &dv_ffi_methods[i];
  }
  const dv_host host = host_by(&executor->provider);
  if (dv_create(model, &host, &executor->context, error) != DV_OK) {
    provider->free(executor);
    return NULL;
  }
  return executor;
}

int32_t dv_ffi_lock(dv_ffi_executor* executor, dv_error* error) {
  if (!__atomic_exchange_n(&executor->busy, 1, __ATOMIC_ACQUIRE)) return DV_OK;
  return dv_fail(error, DV_STATE_ERROR,
                 "this executor is in use by another thread: make one for each thread");
}

void dv_ffi_unlock(dv_ffi_executor* executor) {
  __atomic_store_n(&executor->busy, 0, __ATOMIC_RELEASE);
}

void dv_ffi_retain_executor(dv_ffi_executor* executor) {
  __atomic_fetch_add(&executor->references, 1, __ATOMIC_RELAXED);
}

void dv_ffi_release_executor(dv_ffi_executor* executor) {
  if (__atomic_fetch_sub(&executor->references, 1, __ATOMIC_ACQ_REL) != 1) return;
  const int32_t count = num_tensors(executor->context->model);
  for (int32_t i = 0; i < count; ++i) {
    if (executor->kept[i]) executor->provider.release(executor->kept[i]);
  }
  dv_buffer_release(executor->params, &executor->context->host);
  dv_destroy(executor->context);
  executor->provider.free(executor);
}

int32_t dv_ffi_check_provider(const dv_ffi_provider* provider, dv_error* error) {
  if (dv_ffi_is_complete(provider)) return DV_OK;
  return dv_fail(error, DV_RUNTIME_ERROR,
                 "the tvm_ffi runtime of this process lacks functions that an executor needs");
}

int dv_ffi_raise(const dv_ffi_provider* provider, const dv_error* error) {
  const char* kind = "RuntimeError";
  if (error->code == DV_VALUE_ERROR) kind = "ValueError";
  if (error->code == DV_TYPE_ERROR) kind = "TypeError";
  if (error->code == DV_KEY_ERROR) kind = "KeyError";
  if (error->code == DV_MEMORY_ERROR) kind = "MemoryError";
  if (provider->raise) provider->raise(kind, error->message);
  return -1;
}

/* ---- Views */

typedef struct view {
  dv_managed_tensor managed;
  dv_ffi_provider provider;
  dv_ffi_executor* keeper;
  dv_buffer* buffer; /* NULL: the caller's own memory */
  /* then the extents and the strides */
} view;

static void delete_view(dv_managed_tensor* self) {
  view* v = self->owner;
  dv_ffi_executor* keeper = v->keeper;
  const dv_host host = host_by(&v->provider);
  dv_buffer_release(v->buffer, &host);
  v->provider.free(v);
  if (keeper) dv_ffi_release_executor(keeper);
}

int32_t dv_ffi_make_view(const dv_ffi_provider* provider, dv_ffi_executor* keeper,
                         const dv_tensor* tensor, dv_buffer* buffer, dv_any* result,
                         dv_error* error) {
  const size_t extents = 2 * (size_t)tensor->ndim * sizeof(int64_t);
  view* v = provider->malloc(sizeof(view) + extents);
  if (!v) return dv_fail(error, DV_MEMORY_ERROR, "no memory for a view of a tensor");
  int64_t* shape = (int64_t*)(void*)(v + 1);
  v->managed.major = 1;
  v->managed.minor = 0;
  v->managed.owner = v;
  v->managed.deleter = delete_view;
  v->managed.flags = 0;
  v->managed.tensor = *tensor;
  if (tensor->ndim > 0) {
    v->managed.tensor.shape = shape;
    v->managed.tensor.strides = shape + tensor->ndim;
  }
  for (int32_t axis = 0; axis < tensor->ndim; ++axis) {
    shape[axis] = tensor->shape[axis];
    shape[tensor->ndim + axis] = tensor->strides[axis];
  }
  dv_copy_bytes(&v->provider, provider, sizeof(*provider));
  v->keeper = keeper;
  v->buffer = buffer;
  if (keeper) dv_ffi_retain_executor(keeper);
  if (buffer) dv_buffer_retain(buffer);
  dv_object* object = NULL;
  if (provider->tensor_from_dlpack(&v->managed, 0, 0, &object) != 0) {
    delete_view(&v->managed);
    return DV_FFI_RAISED;
  }
  result->type = DV_ANY_TENSOR;
  result->value.pointer = object;
  return DV_OK;
}

/* ---- Functions of the provider */

int32_t dv_ffi_call_global(const dv_ffi_provider* provider, const char* name, const dv_any* args,
                           int32_t num_args, dv_any* result, dv_error* error) {
  dv_byte_array bytes = {name, 0};
  while (name[bytes.size]) ++bytes.size;
  dv_object* function = NULL;
  if (provider->get_global(&bytes, &function) != 0) return DV_FFI_RAISED;
  if (!function) {
    dv_text text = dv_text_begin(error, DV_RUNTIME_ERROR);
    dv_put(&text, "the tvm_ffi runtime of this process has no function ");
    dv_put_quoted(&text, name);
    return dv_text_end(&text);
  }
  const int status = provider->call_function(function, args, num_args, result);
  provider->release(function);
  return status == 0 ? DV_OK : DV_FFI_RAISED;
}
