/* load_params and share_params of the Map that a factory returns. */
#include "executor/copy.h"
#include "executor/error_text.h"
#include "executor/ffi_arguments.h"
#include "executor/ffi_executor.h"

/* Stands behind prepared params where executors share them: a tensor that ends so is one of ours.
 */
typedef struct seal {
  const dv_model* model;
  const uint8_t* weights;
} seal;

/* ---- Dictionaries: their layout is no part of the ABI, so tvm_ffi's own functions read them */

/* *found stays None when the key is not there. The caller releases what it finds. */
static int32_t look_up(const dv_any* dictionary, const char* key, const dv_ffi_provider* provider,
                       dv_any* found, dv_error* error) {
  const int mutable = dv_any_object_type(dictionary) == DV_ANY_DICT;
  dv_any args[2];
  dv_any count;
  dv_clear_bytes(args, sizeof(args));
  dv_clear_bytes(&count, sizeof(count));
  args[0] = *dictionary;
  args[1].type = DV_ANY_C_STRING;
  args[1].value.pointer = (void*)(uintptr_t)key;
  const int32_t code = dv_ffi_call_global(provider, mutable ? "ffi.DictCount" : "ffi.MapCount",
                                          args, 2, &count, error);
  if (code != DV_OK || count.value.integer == 0) return code;
  return dv_ffi_call_global(provider, mutable ? "ffi.DictGetItem" : "ffi.MapGetItem", args, 2,
                            found, error);
}

static void release_any(const dv_any* value, const dv_ffi_provider* provider) {
  if (value->type >= DV_ANY_OBJECT) provider->release(value->value.pointer);
}

static int is_dictionary(const dv_any* value) {
  const int32_t type = dv_any_object_type(value);
  return type == DV_ANY_MAP || type == DV_ANY_DICT;
}

/* ---- load_params */

/* One entry for each param, then one for each frozen value. */
typedef struct table {
  int32_t count;
  const dv_tensor** tensors; /* NULL: not given */
  dv_any* values;            /* that hold them */
} table;

static const dv_tensor_info* info_of(const dv_model* model, int32_t index) {
  return index < model->num_params ? &model->params[index]
                                   : &model->frozen[index - model->num_params];
}

static int32_t fill_table(const dv_model* model, const dv_any* dictionary,
                          const dv_ffi_provider* provider, table* t, dv_error* error) {
  for (int32_t i = 0; i < t->count; ++i) {
    const dv_tensor_info* info = info_of(model, i);
    dv_object* owner = NULL;
    const int32_t code = look_up(dictionary, info->name, provider, &t->values[i], error);
    if (code != DV_OK) return code;
    if (t->values[i].type == DV_ANY_NONE) continue;
    if (dv_any_as_tensor(&t->values[i], &t->tensors[i], &owner)) continue;
    dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
    dv_put(&text, "param ");
    dv_put_quoted(&text, info->name);
    dv_put(&text, " is given as ");
    dv_put(&text, dv_any_kind(&t->values[i]));
    dv_put(&text, ", expected a tensor");
    return dv_text_end(&text);
  }
  return DV_OK;
}

static int64_t length_of(const char* text) {
  int64_t length = 0;
  while (text[length]) ++length;
  return length;
}

/* Raises one error with all faults, for which dv_error may be too small. */
static int32_t raise_faults(const dv_model* model, const table* t, const dv_ffi_provider* provider,
                            dv_error* error) {
  int64_t length = 0;
  int32_t code;
  for (int32_t next = 0; (code = dv_check_params(model, t->tensors, &next, error)) != DV_OK;) {
    if (code == DV_STATE_ERROR) return code;
    length += length_of(error->message) + 2;
  }
  if (length == 0) return DV_OK;
  char* message = provider->malloc((size_t)length + 1);
  if (!message) return DV_OK; /* dv_prepare_params tells of as many as fit */
  char* end = message;
  for (int32_t next = 0; dv_check_params(model, t->tensors, &next, error) != DV_OK;) {
    if (end != message) {
      dv_copy_bytes(end, "; ", 2);
      end += 2;
    }
    dv_copy_bytes(end, error->message, length_of(error->message));
    end += length_of(error->message);
  }
  *end = '\0';
  provider->raise("ValueError", message);
  provider->free(message);
  return DV_FFI_RAISED;
}

static void use_params(dv_ffi_executor* executor, dv_buffer* params) {
  dv_buffer_release(executor->params, &executor->context->host);
  executor->params = params;
}

/* Prepares into a new buffer, so that what other executors share stays as it is. */
static int32_t prepare(dv_ffi_executor* executor, const table* t, dv_error* error) {
  dv_context* context = executor->context;
  const int64_t size = context->model->prepare->weights_size;
  dv_buffer* params = NULL;
  if (!dv_buffer_reserve(&params, size + (int64_t)sizeof(seal), &context->host)) {
    return dv_fail(error, DV_MEMORY_ERROR, "no memory for prepared params");
  }
  uint8_t* weights = dv_buffer_data(params);
  const seal end = {context->model, weights};
  dv_copy_bytes(weights + size, &end, sizeof(end));
  int32_t code = dv_prepare_params(context->model, &context->host, t->tensors, weights, error);
  if (code == DV_OK) code = dv_set_params(context, weights, error);
  if (code == DV_OK) {
    use_params(executor, params);
  } else {
    dv_buffer_release(params, &context->host);
  }
  return code;
}

int32_t dv_ffi_load_params(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                           dv_any* result, dv_error* error) {
  const dv_model* model = executor->context->model;
  const dv_ffi_provider* provider = &executor->provider;
  (void)num_args;
  (void)result;
  if (!is_dictionary(args)) {
    dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
    dv_put(&text, "load_params takes a dict of tensors, got ");
    dv_put(&text, dv_any_kind(args));
    return dv_text_end(&text);
  }
  table t = {model->num_params + model->num_frozen, NULL, NULL};
  const int64_t entry = (int64_t)sizeof(dv_any) + (int64_t)sizeof(dv_tensor*);
  t.values = provider->malloc((size_t)(t.count * entry + 1));
  if (!t.values) return dv_fail(error, DV_MEMORY_ERROR, "no memory for a table of params");
  dv_clear_bytes(t.values, t.count * entry);
  t.tensors = (const dv_tensor**)(void*)(t.values + t.count);
  int32_t code = fill_table(model, args, provider, &t, error);
  if (code == DV_OK) code = raise_faults(model, &t, provider, error);
  if (code == DV_OK) code = prepare(executor, &t, error);
  for (int32_t i = 0; i < t.count; ++i) release_any(&t.values[i], provider);
  provider->free(t.values);
  return code;
}

/* ---- share_params */

static int32_t give_params(dv_ffi_executor* executor, dv_any* result, dv_error* error) {
  const dv_model* model = executor->context->model;
  const int32_t code = dv_check_loadable(model, error);
  if (code != DV_OK) return code;
  if (!executor->params) {
    dv_text text = dv_text_begin(error, DV_STATE_ERROR);
    dv_put(&text, "the executor of model ");
    dv_put_quoted(&text, model->name);
    dv_put(&text, " has no params to share: call load_params on it first");
    return dv_text_end(&text);
  }
  int64_t extent = model->prepare->weights_size + (int64_t)sizeof(seal);
  int64_t stride = 1;
  const dv_tensor bytes = {
      dv_buffer_data(executor->params), {DV_CPU, 0}, 1, {DV_UINT, 8, 1}, &extent, &stride, 0};
  return dv_ffi_make_view(&executor->provider, NULL, &bytes, executor->params, result, error);
}

/* The buffer of params that `tensor` shows, NULL when it shows something else. */
static dv_buffer* params_in(const dv_any* value, const dv_model* model) {
  const dv_tensor* tensor = NULL;
  dv_object* object = NULL;
  const int64_t size = model->prepare->weights_size;
  seal end;
  if (!dv_any_as_tensor(value, &tensor, &object) || tensor->ndim != 1 ||
      tensor->device.type != DV_CPU || tensor->dtype.bits != 8 || !dv_is_compact(tensor) ||
      tensor->shape[0] != size + (int64_t)sizeof(end)) {
    return NULL;
  }
  uint8_t* weights = dv_tensor_data(tensor);
  dv_copy_bytes(&end, weights + size, sizeof(end));
  if (end.model != model || end.weights != weights) return NULL;
  return (dv_buffer*)(void*)(weights - DV_ALIGNMENT);
}

static int32_t no_executor(const dv_model* model, const char* got, dv_error* error) {
  dv_text text = dv_text_begin(error, DV_TYPE_ERROR);
  dv_put(&text, "share_params takes an executor of model ");
  dv_put_quoted(&text, model->name);
  dv_put(&text, ", got ");
  dv_put(&text, got);
  return dv_text_end(&text);
}

/* What the other executor's share_params gives. */
static int32_t ask_for_params(const dv_any* other, const dv_model* model,
                              const dv_ffi_provider* provider, dv_any* given, dv_error* error) {
  dv_any function;
  dv_clear_bytes(&function, sizeof(function));
  int32_t code = look_up(other, "share_params", provider, &function, error);
  if (code == DV_OK && function.type != DV_ANY_FUNCTION) {
    code = no_executor(model, "another dict", error);
  }
  if (code == DV_OK && provider->call_function(function.value.pointer, NULL, 0, given) != 0) {
    code = DV_FFI_RAISED;
  }
  release_any(&function, provider);
  return code;
}

static int32_t give_locked(dv_ffi_executor* executor, dv_any* result, dv_error* error) {
  int32_t code = dv_ffi_lock(executor, error);
  if (code != DV_OK) return code;
  code = give_params(executor, result, error);
  dv_ffi_unlock(executor);
  return code;
}

static int32_t take_locked(dv_ffi_executor* executor, dv_buffer* params, dv_error* error) {
  int32_t code = dv_ffi_lock(executor, error);
  if (code != DV_OK) return code;
  code = dv_set_params(executor->context, dv_buffer_data(params), error);
  if (code == DV_OK) {
    dv_buffer_retain(params);
    use_params(executor, params);
  }
  dv_ffi_unlock(executor);
  return code;
}

/* The lock is taken when the other executor has answered, which may be this one. */
int32_t dv_ffi_share_params(dv_ffi_executor* executor, const dv_any* args, int32_t num_args,
                            dv_any* result, dv_error* error) {
  const dv_model* model = executor->context->model;
  dv_any given;
  if (num_args == 0) return give_locked(executor, result, error);
  dv_clear_bytes(&given, sizeof(given));
  int32_t code = dv_check_loadable(model, error);
  if (code == DV_OK && !is_dictionary(args)) code = no_executor(model, dv_any_kind(args), error);
  if (code == DV_OK) code = ask_for_params(args, model, &executor->provider, &given, error);
  if (code != DV_OK) return code;
  dv_buffer* params = params_in(&given, model);
  if (params) {
    code = take_locked(executor, params, error);
  } else {
    code = no_executor(model, "an executor of another model", error);
  }
  release_any(&given, &executor->provider);
  return code;
}
